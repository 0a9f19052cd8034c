"""Images to train on: photographs, with defects of their own or drawn ones, and materials."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from cozad_teach.data.drawn.defects import DEFECTS, add_defect
from cozad_teach.data.drawn.noise import stream
from cozad_teach.data.drawn.textures import (
    AUXILIARY_CATEGORIES,
    SEVERITIES,
    TextureSet,
    draw_category,
)
from cozad_teach.data.images import ImageFile, read_image
from cozad_teach.data.masks import mask_of
from cozad_teach.errors import CozadError, printable
from cozad_teach.settings import Settings

__all__ = [
    "DRAWN",
    "AuxiliaryImage",
    "AuxiliaryPhotographs",
    "draw_auxiliary",
    "drawn_materials",
    "labelled_image",
    "with_drawn_defects",
]

DRAWN = "drawn"

Picture = tuple[NDArray[np.uint8], NDArray[np.bool_]]


@dataclass(frozen=True)
class AuxiliaryImage:
    """One image to train on, not yet read.

    Attributes
    ----------
    name : str
        By which messages and the record of the model call it.
    is_anomalous : bool
        Whether it has a defect.
    read : callable
        Gives the image, uint8 (H, W, 3), and its mask, bool (H, W).
    identify : callable
        Gives a text that changes with everything that `read` depends on; it decodes nothing.
    """

    name: str
    is_anomalous: bool
    read: Callable[[], Picture]
    identify: Callable[[], str]


@dataclass(frozen=True)
class AuxiliaryPhotographs:
    """One auxiliary category: its name, and its images, normal ones first."""

    name: str
    images: tuple[AuxiliaryImage, ...]


def labelled_image(file: ImageFile, mask: ImageFile | None, source: str) -> AuxiliaryImage:
    """Take a photograph of the data set `source`; without a mask it is normal."""

    def read() -> Picture:
        image = read_image(file)
        if mask is None:
            return image, np.zeros(image.shape[:2], bool)
        pixels = mask_of(mask, file).pixels
        if not pixels.any():
            raise CozadError(
                f"{printable(mask.name)} in {printable(source)} is empty, but "
                f"{printable(file.name)} is anomalous: move the image to good, or mend the mask"
            )
        return image, pixels

    @functools.cache
    def identify() -> str:
        return " ".join(_sha256(part.read_bytes()) for part in (file, mask) if part)

    return AuxiliaryImage(printable(f"{source}: {file.name}"), mask is not None, read, identify)


def with_drawn_defects(
    good: Sequence[AuxiliaryImage], name: str, size: int, seed: int
) -> tuple[AuxiliaryImage, ...]:
    """Draw defects on some of the images, in the size in which training sees them."""
    rng = stream(f"defects/{name}", seed)
    damaged = set(rng.permutation(len(good))[: len(good) // 3].tolist())
    made = []
    for number, place in enumerate(sorted(damaged)):
        kind, severity = DEFECTS[number % len(DEFECTS)], float(rng.uniform(*SEVERITIES))
        made.append(_damaged(good[place], kind, int(rng.integers(2**63)), severity, size))
    return (*(image for n, image in enumerate(good) if n not in damaged), *made)


def _damaged(
    good: AuxiliaryImage, kind: str, seed: int, severity: float, size: int
) -> AuxiliaryImage:
    def read() -> Picture:
        image = Image.fromarray(good.read()[0])
        resized = np.asarray(image.resize((size, size), Image.Resampling.BICUBIC))
        return add_defect(resized, kind, seed, severity=severity)

    def identify() -> str:
        return f"{good.identify()} {kind} {seed} {severity!r} {size}"

    return AuxiliaryImage(f"{good.name} with {kind}", True, read, identify)


def drawn_materials(settings: Settings, seed: int) -> list[AuxiliaryPhotographs]:
    """Take the embedded materials, as `draw_auxiliary` draws them, as if they were photographs."""

    def image(name: str, n: int) -> AuxiliaryImage:
        def read() -> Picture:
            drawn = _material(name, settings, seed)
            return drawn.images[n], drawn.masks[n]

        @functools.cache
        def identify() -> str:
            return " ".join(_sha256(part.tobytes()) for part in read())

        return AuxiliaryImage(f"{DRAWN}: {name}/{n}", n >= n_normal, read, identify)

    n_images = settings.images_per_category
    n_normal = n_images - _n_damaged(settings)
    return [
        AuxiliaryPhotographs(name, tuple(image(name, n) for n in range(n_images)))
        for name in AUXILIARY_CATEGORIES
    ]


def _n_damaged(settings: Settings) -> int:
    return settings.images_per_category // 3


def draw_auxiliary(category: str, settings: Settings, seed: int) -> TextureSet:
    """Draw the images of one auxiliary category as training does; every third has a defect."""
    n_anomalous = _n_damaged(settings)
    n_normal = settings.images_per_category - n_anomalous
    size = (settings.image_size, settings.image_size)
    return draw_category(category, n_normal, n_anomalous, seed, size)


# Images are asked for category by category: the last one is enough.
_material = functools.lru_cache(maxsize=1)(draw_auxiliary)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
