"""Score photographs that have no labels, and draw where the detector looks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from tqdm.auto import tqdm

from cozad_teach.cozad import CoZAD
from cozad_teach.data.folders import ImageFile, read_image
from cozad_teach.errors import CozadError
from cozad_teach.files import atomic_write
from cozad_teach.scoring import image_scores, pixel_maps
from cozad_teach.teaching.figures import overlay

__all__ = ["predict"]

# Features of 500 images at the size of `lite` fill 240 MB. Those of `full` are twenty times as
# large: of them, as many images as fill 1 GB. Adaptation takes about five times that for a while.
SUPPORT_IMAGES = 500
SUPPORT_VALUES = 2**28
CHUNK = 16

Row = tuple[str, str, int, int, str]


def predict(
    model: CoZAD,
    files: Sequence[ImageFile],
    out: Path,
    protocol: str = "batch",
    *,
    progress: bool = False,
) -> list[Row]:
    """Score images and write one heat-map overlay for each.

    Parameters
    ----------
    model : CoZAD
        A trained model.
    files : sequence of ImageFile
        Photographs; for ``batch`` all of one kind of object or surface.
    out : pathlib.Path
        Folder for the overlays, at the size of the photographs. Each is written whole or not.
    protocol : str
        ``batch``: the images are scored together, each helping to say what is normal; of more than
        `SUPPORT_IMAGES`, or fewer if their features are large, as many drawn at random do.
        ``single``: each alone, as a single image is in any case.
    progress : bool
        Show bars.

    Returns
    -------
    list of tuple
        (image, score, x and y of the map's peak in pixels, overlay file), most anomalous first.

    Raises
    ------
    CozadError
        If an image cannot be read or an overlay not be written.
    """
    if len(files) == 1:
        protocol = "single"
    patches = _patch_scores(model, files, protocol, progress)
    scores = image_scores(patches.flatten(1), model.settings.top_share)
    # One colour scale for all images: a quiet image must look quiet beside a loud one.
    low, high = np.quantile(patches.numpy(), [0.5, 0.999])
    smoothing = model.settings.smoothing / model.settings.image_size
    rows: list[tuple[float, Row]] = []
    names = _overlay_names(files)
    for file, patch_map, score in zip(files, patches, scores.tolist(), strict=True):
        image = read_image(file)
        pixel_map = pixel_maps(patch_map[None], [image.shape[:2]], smoothing)[0]
        y, x = np.unravel_index(pixel_map.argmax(), pixel_map.shape)
        with atomic_write(out / names[file.name]) as temporary:
            Image.fromarray(overlay(image, pixel_map, low, high)).save(temporary, "PNG")
        rows.append((score, (file.name, f"{score:.6f}", int(x), int(y), names[file.name])))
    return [row for _, row in sorted(rows, key=lambda pair: -pair[0])]


def _patch_scores(
    model: CoZAD, files: Sequence[ImageFile], protocol: str, progress: bool
) -> Tensor:
    """Score patches, keeping features of the support only: memory hardly grows with more images."""

    def read(images: Sequence[int], *, progress: bool = False) -> Tensor:
        some = [files[image] for image in images]
        return model.features(
            [lambda file=file: read_image(file) for file in some], progress=progress
        )

    everything, support, scores = range(len(files)), list[int](), list[Tensor]()
    if protocol == "batch":
        order = torch.randperm(len(files), generator=torch.Generator().manual_seed(model.seed))
        support = sorted(order[: _support_size(model)].tolist())
        features = read(support, progress=progress)
        adapted = model.adapt(features)
        scores = list(model.score(features, adapted, own=torch.arange(len(support))))
    rest = sorted(set(everything) - set(support))
    with tqdm(total=len(rest), desc="scores", unit="image", delay=2, disable=not progress) as bar:
        for start in range(0, len(rest), CHUNK):
            features = read(rest[start : start + CHUNK])
            if protocol == "batch":
                scores += list(model.score(features, adapted))
            else:
                scores += list(model.score_singly(features))
            bar.update(len(features))
    of_image = dict(zip([*support, *rest], scores, strict=True))
    return torch.stack([of_image[image] for image in everything])


def _support_size(model: CoZAD) -> int:
    """Give the number of images whose features may be held at once."""
    side = model.settings.image_size // model.settings.strides[0]
    return min(SUPPORT_IMAGES, SUPPORT_VALUES // (side**2 * len(model.feature_mean)))


def _overlay_names(files: Sequence[ImageFile]) -> dict[str, str]:
    """Name overlays after their images, folders and suffix included: a.png and a.jpg are two."""
    names = {file.name: f"{file.name}.overlay.png" for file in files}
    if len(names) < len(files):
        raise CozadError("two images have the same name: rename one of them")
    return names
