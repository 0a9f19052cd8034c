"""Pictures that were dropped on the page of ``cozad demo``: read, scored, drawn at a threshold."""

from __future__ import annotations

import base64
import html
import io
import math
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from cozad_teach.cozad import CoZAD
from cozad_teach.data.folders import ImageFile, list_photographs, read_image
from cozad_teach.errors import CozadError
from cozad_teach.evaluation.calibration import Calibration
from cozad_teach.models.overlays import overlay
from cozad_teach.models.prediction import patch_scores

__all__ = ["STYLE", "Picture", "Scored", "cards", "read_dropped", "score", "summary"]

MOST = 40  # pictures at a time: a page of more is slow, and nobody looks at them
SIDE = 480  # pixels of a picture's longer side on the page
STEPS = 200  # of the slider, at least
NORMAL, ANOMALOUS = "normal", "anomalous"
STYLE = """
.cards {display: grid; grid-template-columns: repeat(auto-fill, minmax(13rem, 1fr)); gap: 1rem;
  align-items: start; list-style: none; padding: 0; margin: 1rem 0;}
.card {margin: 0; border: 1px solid var(--border-color-primary); border-radius: .5rem;
  background: var(--background-fill-primary); color: var(--body-text-color); overflow: hidden;}
.card.anomalous {outline: 3px solid var(--body-text-color);}
.card img {width: 100%; height: auto; margin: 0; display: block;}
.card div {padding: .15rem .7rem; line-height: 1.4;}
.card .name {font-size: .85rem; overflow-wrap: anywhere; padding-top: .5rem;}
.card .found {display: flex; flex-wrap: wrap; justify-content: space-between;
  padding-bottom: .5rem;}
.card .score {font-variant-numeric: tabular-nums; font-weight: 700;}
.card.anomalous .verdict {font-weight: 700;}
.card.anomalous .verdict::before {content: "▲ ";}
.legend {display: grid; grid-template-columns: repeat(3, auto); justify-content: space-between;
  max-width: 30rem; font-size: .85rem; color: var(--body-text-color);}
.legend img {grid-column: 1 / -1; width: 100%; height: .8rem; margin: 0; border-radius: .2rem;}
.problems {border-left: 4px solid #b45309; padding: .2rem .8rem .2rem 2rem;
  color: var(--body-text-color);}
@media (max-width: 500px) {.cards {grid-template-columns: repeat(2, 1fr); gap: .7rem;}}
.min_value, .max_value, .download-link {color: var(--body-text-color) !important;}
footer {display: none !important;}
"""


@dataclass(frozen=True)
class Picture:
    """One scored picture: its name, itself as the page shows it, its map at that size, its score.

    Attributes
    ----------
    name : str
        Of the file.
    pixels : numpy.ndarray
        uint8, shape (H, W, 3), the longer side at most `SIDE`.
    heat : numpy.ndarray
        Anomaly scores, shape (H, W).
    score : float
        As ``cozad predict`` gives it.
    """

    name: str
    pixels: NDArray[np.uint8]
    heat: NDArray[np.float64]
    score: float


@dataclass(frozen=True)
class Scored:
    """All pictures of one drop, most anomalous first, and the range of thresholds over them.

    Attributes
    ----------
    pictures : tuple of Picture
        At least one.
    quiet : float
        Median score of all patches, which is shown as nothing.
    start, low, high, step : float
        Where the threshold starts, and from where to where, and how finely, it may be moved.
    together : bool
        Whether they were scored together.
    """

    pictures: tuple[Picture, ...]
    quiet: float
    start: float
    low: float
    high: float
    step: float
    together: bool


def read_dropped(paths: Sequence[str]) -> tuple[list[ImageFile], list[str]]:
    """Find the pictures among files, by the rules of ``cozad predict``.

    Parameters
    ----------
    paths : sequence of str
        Files; of two with one name, the second gets another.

    Returns
    -------
    files : list of ImageFile
        Those that can be read, at most `MOST`; they stand on their own.
    problems : list of str
        A sentence for each other file.
    """
    readable: list[ImageFile] = []
    problems: list[str] = []
    if not paths:
        return readable, problems
    with tempfile.TemporaryDirectory() as folder:
        for path in map(Path, paths):
            name, number = path.name, 2
            while (place := Path(folder, name)).is_symlink():
                name, number = f"{path.stem} ({number}){path.suffix}", number + 1
            place.symlink_to(path.resolve())
        try:
            listing = list_photographs(folder)
            found = listing.images
            problems += [f"{name} is left out: {reason}" for name, reason in listing.left_out]
        except CozadError as error:
            found = ()
            problems.append(str(error).replace(folder, "What was dropped"))
        for file in found[:MOST]:
            try:
                content = file.read_bytes()
                kept = ImageFile(file.name, partial(bytes, content))
                read_image(kept)
                readable.append(kept)
            except CozadError as error:
                problems.append(str(error))
    if len(found) > MOST:
        problems.append(
            f"{len(found) - MOST} pictures are left out: the page shows {MOST} at a time, cozad "
            "predict takes any number"
        )
    return readable, problems


def score(
    model: CoZAD,
    start_of: Callable[[str], Calibration],
    files: Sequence[ImageFile],
    *,
    together: bool,
) -> Scored:
    """Score pictures as ``cozad predict`` does.

    Parameters
    ----------
    model : CoZAD
        Trained.
    start_of : callable
        Gives the threshold of a protocol, as `calibrations`.
    files : sequence of ImageFile
        Of `read_dropped`, one or more.
    together : bool
        As in `cozad_teach.models.prediction.predict`.

    Raises
    ------
    CozadError
        As `cozad_teach.models.prediction.patch_scores`.
    """
    together = together and len(files) > 1
    patches = patch_scores(model, files, together=together)
    scores = model.image_scores(patches)
    start = start_of("batch" if together else "single").at(scores).threshold
    quiet = float(patches.median())
    # Equal patches everywhere leave no room, and a slider needs some.
    room = max(1.1 * (max(float(scores.max()), start) - quiet), 1e-3)
    digits = math.ceil(-math.log10(room / STEPS))
    low, high = round(quiet + room / STEPS, digits), round(quiet + room, digits)
    pictures = [_picture(model, file, patches[n], float(scores[n])) for n, file in enumerate(files)]
    return Scored(
        tuple(sorted(pictures, key=lambda picture: -picture.score)),
        quiet=quiet,
        start=round(min(max(start, low), high), digits),
        low=low,
        high=high,
        step=10.0**-digits,
        together=together,
    )


def _picture(model: CoZAD, file: ImageFile, patches: Tensor, value: float) -> Picture:
    image = Image.fromarray(read_image(file))
    image.thumbnail((SIDE, SIDE))
    heat = model.pixel_maps(patches[None], [(image.height, image.width)])[0]
    return Picture(file.name, np.asarray(image), heat, value)


def summary(scored: Scored, threshold: float) -> str:
    """Say in a sentence how many pictures are anomalous at a threshold."""
    n = sum(picture.score >= threshold for picture in scored.pictures)
    many = len(scored.pictures)
    pictures = "1 picture" if many == 1 else f"{many} pictures"
    way = "scored together" if scored.together else "scored alone"
    return f"{n} of {pictures} anomalous at {threshold:g}, {way}."


def cards(scored: Scored, threshold: float) -> str:
    """Give the HTML of all pictures under their heat maps, with scores and verdicts.

    Half of the colours' range lies below the threshold: at it, a place is in the middle colour.
    """
    drawn = "".join(_card(picture, scored, threshold) for picture in scored.pictures)
    return f"{_legend()}<ul class='cards'>{drawn}</ul>"


def _card(picture: Picture, scored: Scored, threshold: float) -> str:
    verdict = ANOMALOUS if picture.score >= threshold else NORMAL
    drawn = overlay(picture.pixels, picture.heat, scored.quiet, 2 * threshold - scored.quiet)
    name = html.escape(picture.name, quote=True)
    alt = f"Heat map over {name}, {verdict}, score {picture.score:.3f}"
    return (
        f"<li class='card {verdict}'><img src='{_data_uri(drawn)}' alt='{alt}'>"
        f"<div class='name'>{name}</div><div class='found'>"
        f"<span class='score' data-score='{picture.score:.6f}'>{picture.score:.3f}</span>"
        f"<span class='verdict'>{verdict}</span></div></li>"
    )


def _legend() -> str:
    """Say what the colours mean, by a strip that is drawn as the maps are."""
    ramp = np.tile(np.linspace(0, 1, 256), (16, 1))
    strip = _data_uri(overlay(np.full((16, 256, 3), 150, np.uint8), ramp, 0, 1))
    return (
        f"<div class='legend'><img src='{strip}' alt='Colours from none over red to yellow'>"
        "<span>usual: no colour</span><span>at the threshold</span><span>far above</span></div>"
    )


def _data_uri(pixels: NDArray[np.uint8]) -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=88)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode()}"
