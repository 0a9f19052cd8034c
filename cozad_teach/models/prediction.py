"""Score photographs that have no labels, and draw where the detector looks."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import torch
from PIL import Image, PngImagePlugin
from torch import Tensor
from tqdm.auto import tqdm

from cozad_teach.cozad import CoZAD
from cozad_teach.data.folders import ImageFile, read_image
from cozad_teach.data.names import HEAD_BYTES, OVERLAY_MARK, OVERLAY_SUFFIX, is_overlay
from cozad_teach.data.parallel import in_threads
from cozad_teach.errors import CozadError
from cozad_teach.files.places import check_place, head
from cozad_teach.files.writing import atomic_write
from cozad_teach.models.overlays import overlay

__all__ = ["check_overlays", "overlay_names", "patch_scores", "predict"]

# Features of 500 images at the size of `lite` fill 240 MB. Those of `full` are twenty times as
# large: of them, as many images as fill 1 GB. Adaptation takes about five times that for a while.
SUPPORT_IMAGES = 500
SUPPORT_VALUES = 2**28
CHUNK = 16
_LONGEST_NAME = 255  # bytes of a file's name that every file system takes

Row = tuple[str, str, int, int, str]


def predict(
    model: CoZAD,
    files: Sequence[ImageFile],
    out: Path,
    *,
    together: bool = True,
    progress: bool = False,
) -> list[Row]:
    """Score images and write one heat-map overlay for each.

    Parameters
    ----------
    model : CoZAD
        A trained model.
    files : sequence of ImageFile
        Photographs; where they are scored together, all of one kind of object or surface.
    out : pathlib.Path
        Folder for the overlays, at the size of the photographs. Each is written whole or not.
    together : bool
        Whether each image helps to say what is normal for the others; of more than
        `SUPPORT_IMAGES`, or fewer if their features are large, as many drawn at random do. A
        single image is scored alone in any case.
    progress : bool
        Show bars.

    Returns
    -------
    list of tuple
        (image, score, x and y of the map's peak in pixels, overlay file), most anomalous first.

    Raises
    ------
    CozadError
        If an image cannot be read, a score is not finite, or an overlay cannot be written.
    """
    patches = patch_scores(model, files, together=together, progress=progress)
    scores = model.image_scores(patches)
    # One colour scale for all images: a quiet image must look quiet beside a loud one.
    low, high = np.quantile(patches.numpy(), [0.5, 0.999])
    names = overlay_names(files)
    mark = PngImagePlugin.PngInfo()
    mark.add_text("Software", OVERLAY_MARK)

    def draw(number: int) -> tuple[float, Row]:
        file = files[number]
        image = read_image(file)
        pixel_map = model.pixel_maps(patches[number][None], [image.shape[:2]])[0]
        y, x = np.unravel_index(pixel_map.argmax(), pixel_map.shape)
        drawn = Image.fromarray(overlay(image, pixel_map, low, high))
        with atomic_write(out / names[file.name]) as temporary:
            # Of a photograph, the slowest compression leaves no fewer bytes than this one.
            drawn.save(temporary, "PNG", pnginfo=mark, compress_type=zlib.Z_RLE)
        score = float(scores[number])
        return score, (file.name, f"{score:.6f}", int(x), int(y), names[file.name])

    rows = in_threads(draw, range(len(files)), "heat maps", progress=progress)
    return [row for _, row in sorted(rows, key=lambda pair: -pair[0])]


def check_overlays(
    files: Sequence[ImageFile], out: Path, reads: Sequence[str | os.PathLike[str] | None]
) -> set[Path]:
    """Refuse places of overlays before the work, and give the folders that they are in.

    Parameters
    ----------
    files, out
        As in `predict`.
    reads : sequence of path or None
        As in `check_place`.

    Raises
    ------
    CozadError
        As `check_place` for each overlay; an older one may be replaced.
    """
    targets = [out / name for name in overlay_names(files).values()]
    scores = out / "scores.csv"
    listed = scores.read_text("utf-8", "replace") if scores.is_file() else ""

    def ours(path: Path) -> bool:
        # Those of earlier versions have no mark, but stand in the list beside them.
        return is_overlay(head(path, HEAD_BYTES)) or path.name in listed

    for target in targets:
        check_place(target, reads=reads, ours=ours)
    return {target.parent for target in targets}


def overlay_names(files: Sequence[ImageFile]) -> dict[str, str]:
    """Name overlays after their images, folders and suffix included: a.png and a.jpg are two.

    A name that no file system takes is cut, and told apart by a part of its hash.

    Raises
    ------
    CozadError
        If two images have one name.
    """
    names = {file.name: _overlay_name(file.name) for file in files}
    if len(names) < len(files):
        raise CozadError("two images have the same name: rename one of them")
    return names


def _overlay_name(name: str) -> str:
    whole = PurePosixPath(f"{name}{OVERLAY_SUFFIX}")
    if len(os.fsencode(whole.name)) <= _LONGEST_NAME:
        return str(whole)
    last = os.fsencode(PurePosixPath(name).name)
    key = f"~{hashlib.sha256(last).hexdigest()[:12]}"
    room = _LONGEST_NAME - len(key) - len(OVERLAY_SUFFIX)
    return str(whole.with_name(f"{last[:room].decode(errors='ignore')}{key}{OVERLAY_SUFFIX}"))


def patch_scores(
    model: CoZAD, files: Sequence[ImageFile], *, together: bool = True, progress: bool = False
) -> Tensor:
    """Score patches, keeping features of the support only: memory hardly grows with more images.

    Parameters
    ----------
    model, files, together, progress
        As in `predict`.

    Returns
    -------
    torch.Tensor
        Of every image, shape (N, h, w).

    Raises
    ------
    CozadError
        If an image cannot be read, or a score is not finite.
    """

    def read(images: Sequence[int], *, progress: bool = False) -> Tensor:
        some = [files[image] for image in images]
        return model.features(
            [lambda file=file: read_image(file) for file in some], progress=progress
        )

    everything, support, scores = range(len(files)), list[int](), list[Tensor]()
    if together := together and len(files) > 1:
        order = torch.randperm(len(files), generator=torch.Generator().manual_seed(model.seed))
        support = sorted(order[: _support_size(model)].tolist())
        features = read(support, progress=progress)
        adapted = model.adapt(features)
        scores = list(model.score(features, adapted, own=torch.arange(len(support))))
    rest = sorted(set(everything) - set(support))
    with tqdm(total=len(rest), desc="scores", unit="image", delay=2, disable=not progress) as bar:
        for start in range(0, len(rest), CHUNK):
            features = read(rest[start : start + CHUNK])
            if together:
                scores += list(model.score(features, adapted))
            else:
                scores += list(model.score_singly(features))
            bar.update(len(features))
    of_image = dict(zip([*support, *rest], scores, strict=True))
    patches = torch.stack([of_image[image] for image in everything])
    if not torch.isfinite(patches).all():
        raise CozadError("the model gives scores that are not finite: train it again")
    return patches


def _support_size(model: CoZAD) -> int:
    """Give the number of images whose features may be held at once."""
    side = model.settings.image_size // model.settings.strides[0]
    return min(SUPPORT_IMAGES, SUPPORT_VALUES // (side**2 * len(model.feature_mean)))
