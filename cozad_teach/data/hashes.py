"""Identity of an image by its content, whatever its file is called."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

__all__ = ["image_hash"]


def image_hash(image: NDArray[np.uint8]) -> str:
    """Identify an image by its decoded pixels, whatever its name, file format or metadata.

    Only identical pixels have the same hash. A copy that was resized, cropped, turned or saved as
    JPEG once more has another one, and so has a second photograph of the same part. JPEG decoders
    may differ by a grey level between versions, so compare hashes that one set-up has made.

    Parameters
    ----------
    image : ndarray, uint8, (H, W, 3)
        As `read_image` gives it.

    Returns
    -------
    str
        SHA-256 of shape and pixels, 64 hexadecimal digits.

    Raises
    ------
    ValueError
        If `image` has another type or shape.
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"expected uint8 (H, W, 3), not {image.dtype} {image.shape}")
    digest = hashlib.sha256(f"{image.shape[0]} x {image.shape[1]}\n".encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()
