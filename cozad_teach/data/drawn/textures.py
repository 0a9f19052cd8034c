"""The book's own pictures: materials and their defects, drawn from a seed, with exact masks.

Nothing is downloaded. Under the locked versions the bytes are the same on every machine; under
other versions of NumPy and SciPy they differ by one grey level at most.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import PIL.Image
from numpy.typing import NDArray
from tqdm import tqdm

from cozad_teach.data.drawn.defects import DEFECTS, MIN_SIDE, add_defect
from cozad_teach.data.drawn.materials import AUXILIARY_CATEGORIES, MATERIALS, UNSEEN_CATEGORIES
from cozad_teach.data.drawn.noise import Array, Size, stream
from cozad_teach.errors import CozadError
from cozad_teach.files.writing import atomic_folder

__all__ = [
    "AUXILIARY_CATEGORIES",
    "DEFECTS",
    "UNSEEN_CATEGORIES",
    "TextureSet",
    "add_defect",
    "draw_category",
    "draw_texture",
    "write_dataset",
]

SEVERITIES = 0.4, 1.0  # range of the severities in a drawn set
SEEDS = 2**63  # images of a set take their seeds at random below this, so that sets do not overlap


@dataclass(frozen=True, eq=False)
class TextureSet:
    """Images of one category with their ground truth: N images of height H and width W.

    Attributes
    ----------
    images : uint8 (N, H, W, 3)
    masks : bool (N, H, W)
        True on the defect; empty for a normal image.
    defects : tuple of str
        "good" or the kind of defect, for each image.
    """

    images: NDArray[np.uint8]
    masks: NDArray[np.bool_]
    defects: tuple[str, ...]


def _photograph(rng: np.random.Generator, surface: Array) -> NDArray[np.uint8]:
    """Uneven light, a slightly soft lens and sensor grain: (3, H, W) to uint8 (H, W, 3).

    float32 is enough here: sums and products of float32 are the same on every processor.
    """
    height, width = surface.shape[1:]
    y = np.linspace(-1, 1, height)[:, None]
    x = np.linspace(-1, 1, width)[None, :]
    tilt_y, tilt_x = rng.uniform(-0.06, 0.06, 2)
    light = 1 + rng.uniform(-0.03, 0.03) + tilt_y * y + tilt_x * x
    light -= rng.uniform(0.02, 0.06) * (y * y + x * x)
    white_balance = 255 * (1 + rng.uniform(-0.015, 0.015, 3))
    image = (surface * light * white_balance[:, None, None]).astype(np.float32)
    softness = np.float32(rng.uniform(0.12, 0.2))
    image[:, 1:-1] += softness * (image[:, 2:] - 2 * image[:, 1:-1] + image[:, :-2])
    image[:, :, 1:-1] += softness * (image[:, :, 2:] - 2 * image[:, :, 1:-1] + image[:, :, :-2])
    grain = rng.standard_normal(image.shape, dtype=np.float32)
    grain *= np.float32(rng.uniform(1.2, 2.0))
    image += grain
    np.rint(np.clip(image, 0, 255, out=image), out=image)
    return np.ascontiguousarray(image.astype(np.uint8).transpose(1, 2, 0))


def draw_texture(category: str, seed: int, size: Size = (256, 256)) -> NDArray[np.uint8]:
    """Photograph an undamaged piece of a material.

    Parameters
    ----------
    category : str
        One of `AUXILIARY_CATEGORIES` or `UNSEEN_CATEGORIES`.
    seed : int
        0 or more. Decides place, turn, scale, light and grain: no two seeds give the same image.
    size : (int, int)
        Height and width in pixels, both 32 or more. More pixels show more of the material.

    Returns
    -------
    uint8 (H, W, 3)

    Raises
    ------
    CozadError
        If the category is unknown, or a photograph that scikit-image ships is missing.
    ValueError
        If the size or the seed is out of range.
    """
    if category not in MATERIALS:
        raise CozadError(f"unknown category {category!r}: choose one of {', '.join(MATERIALS)}")
    height, width = size
    if min(size) < MIN_SIDE:
        raise ValueError(f"size must be at least {MIN_SIDE} pixels a side, got {height} x {width}")
    rng = stream(f"texture/{category}", seed)
    return _photograph(rng, MATERIALS[category](rng, (height, width)))


def draw_category(
    category: str, n_normal: int, n_anomalous: int, seed: int, size: Size = (256, 256)
) -> TextureSet:
    """Draw normal images, then anomalous ones whose kinds cycle through `DEFECTS`.

    The first images stay the same when more are asked for. Severities are uniform in 0.4 to 1.

    Parameters
    ----------
    category, size
        As in `draw_texture`.
    n_normal, n_anomalous : int
        Numbers of images, 0 or more, and at least one in all.
    seed : int
        0 or more. Sets of different seeds have no image in common.

    Raises
    ------
    CozadError, ValueError
        As `draw_texture`, and if a number of images is out of range.
    """
    if min(n_normal, n_anomalous) < 0 or n_normal + n_anomalous == 0:
        raise ValueError(f"cannot draw {n_normal} normal and {n_anomalous} anomalous images")
    rng = stream(f"normal/{category}", seed)
    images = [draw_texture(category, int(rng.integers(SEEDS)), size) for _ in range(n_normal)]
    masks = [np.zeros(image.shape[:2], bool) for image in images]
    defects = ["good"] * n_normal
    rng = stream(f"anomalous/{category}", seed)
    for number in range(n_anomalous):
        kind = DEFECTS[number % len(DEFECTS)]
        image_seed, defect_seed = (int(s) for s in rng.integers(SEEDS, size=2))
        whole = draw_texture(category, image_seed, size)
        image, mask = add_defect(whole, kind, defect_seed, severity=rng.uniform(*SEVERITIES))
        images.append(image)
        masks.append(mask)
        defects.append(kind)
    return TextureSet(np.stack(images), np.stack(masks), tuple(defects))


def _save(picture: NDArray[np.uint8] | NDArray[np.bool_], path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(picture).save(path)


def _write_category(folder: Path, drawn: TextureSet, n_train: int) -> None:
    """Write PNG files; the first `n_train` images go to ``train``, the others to ``test``."""
    for number, image in enumerate(drawn.images[:n_train]):
        _save(image, folder / "train" / "good" / f"{number:03d}.png")
    test = zip(drawn.images[n_train:], drawn.masks[n_train:], drawn.defects[n_train:], strict=True)
    counts: dict[str, int] = {}
    for image, mask, defect in test:
        stem = f"{counts.setdefault(defect, 0):03d}"
        counts[defect] += 1
        _save(image, folder / "test" / defect / f"{stem}.png")
        if mask.any():
            white = np.where(mask, 255, 0).astype(np.uint8)
            _save(white, folder / "ground_truth" / defect / f"{stem}_mask.png")


def write_dataset(
    root: str | os.PathLike[str],
    categories: Sequence[str],
    n_train: int,
    n_normal: int,
    n_anomalous: int,
    seed: int,
    size: Size = (256, 256),
    *,
    progress: bool = False,
) -> None:
    """Write categories as PNG files in MVTec layout.

    `root` is there whole or not at all: see `atomic_folder`.

    Parameters
    ----------
    root : path
        The folder to make. It may exist if it is empty.
    categories : sequence of str
        Names as in `draw_texture`.
    n_train : int
        Normal images for ``train/good``, per category.
    n_normal, n_anomalous : int
        Normal and anomalous images for ``test``, per category.
    seed, size
        As in `draw_category`, whose normal images are split between train and test.
    progress : bool
        Show a bar if it takes more than two seconds.

    Raises
    ------
    CozadError
        If `root` exists and is not an empty folder, or cannot be written; if no category is given
        or a category is unknown.
    ValueError
        If a number is out of range.
    """
    if min(n_train, n_normal, n_anomalous) < 0:
        raise ValueError(f"cannot write {n_train}, {n_normal} and {n_anomalous} images")
    if not categories:
        raise CozadError("no categories to write: name at least one")
    with atomic_folder(root) as whole:
        for name in tqdm(categories, "writing", unit="category", delay=2, disable=not progress):
            drawn = draw_category(name, n_train + n_normal, n_anomalous, seed, size)
            _write_category(whole / name, drawn, n_train)
