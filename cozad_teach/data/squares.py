"""Images as a network wants them: square, all of one size."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from functools import partial

import numpy as np
from PIL import Image

from cozad_teach.data.parallel import read_ahead

__all__ = ["ImageInput", "read_squares", "square"]

ImageInput = Sequence[np.ndarray] | Sequence[Callable[[], np.ndarray]]


def square(image: np.ndarray | Callable[[], np.ndarray], size: int) -> np.ndarray:
    """Resize an image, or what a function reads, to uint8 (size, size, 3)."""
    image = image() if callable(image) else image
    if image.shape[:2] == (size, size):
        return image
    return np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC))


def read_squares(images: ImageInput, size: int, ahead: int) -> Generator[np.ndarray]:
    """Give the squares of images in their order, `ahead` of which are made before they are due.

    Only these, and the few images that threads are working on, are in memory.
    """
    return read_ahead([partial(square, image, size) for image in images], ahead)
