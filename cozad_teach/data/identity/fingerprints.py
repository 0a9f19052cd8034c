"""Identity of an image by its content: exact, and such that a copy can be recognised."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["THUMBNAIL_SIDE", "Fingerprints", "image_hash", "perceptual_hash", "thumbnail"]

THUMBNAIL_SIDE = 64
_CELLS = 8  # a side of the grid whose signs make the perceptual hash


def image_hash(image: NDArray[np.uint8]) -> str:
    """Identify an image by its decoded pixels, whatever its name, file format or metadata.

    Only identical pixels have the same hash. A copy that was resized, cropped, turned or saved as
    JPEG once more has another one, and so has a second photograph of the same part: for those see
    `cozad_teach.data.identity.copies`. JPEG decoders may differ by a grey level between versions,
    so compare hashes that one set-up has made.

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
    _check(image)
    digest = hashlib.sha256(f"{image.shape[0]} x {image.shape[1]}\n".encode())
    digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()


def thumbnail(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Shrink an image to a grey square: what all of its copies have in common.

    Parameters
    ----------
    image : ndarray, uint8, (H, W, 3)
        Of any size; the sides are scaled apart from each other.

    Returns
    -------
    ndarray, uint8, (64, 64)
        Brightness, each pixel the average of the area that it stands for.

    Raises
    ------
    ValueError
        If `image` has another type or shape.
    """
    _check(image)
    size = (THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    grey = Image.fromarray(image).convert("L")
    return np.asarray(grey.resize(size, Image.Resampling.HAMMING))


def perceptual_hash(thumb: NDArray[np.uint8]) -> str:
    """Give 64 bits that stay nearly the same when an image is saved anew, resized or brightened.

    Parameters
    ----------
    thumb : ndarray, uint8, (64, 64)
        Of `thumbnail`.

    Returns
    -------
    str
        16 hexadecimal digits: for each cell of an 8 x 8 grid, row by row, whether it is brighter
        than the median cell. Copies differ in few bits; images that look alike may be equal.
    """
    side = THUMBNAIL_SIDE // _CELLS
    cells = thumb.reshape(_CELLS, side, _CELLS, side).mean((1, 3))
    return np.packbits(cells > np.median(cells)).tobytes().hex()


@dataclass(frozen=True, eq=False)
class Fingerprints:
    """What is kept of N images to recognise them, and copies of them, later on.

    Two sets are equal only if they are the same object.

    Attributes
    ----------
    names : tuple of str
        By which a report calls them.
    hashes : tuple of str
        Of `image_hash`.
    thumbnails : ndarray, uint8, (N, 64, 64)
        Of `thumbnail`.

    Raises
    ------
    ValueError
        If they are not N each.
    """

    names: tuple[str, ...]
    hashes: tuple[str, ...]
    thumbnails: NDArray[np.uint8]

    def __post_init__(self) -> None:
        shape = (len(self.names), THUMBNAIL_SIDE, THUMBNAIL_SIDE)
        if len(self.hashes) != len(self.names) or self.thumbnails.shape != shape:
            raise ValueError(
                f"fingerprints do not belong together: {len(self.names)} names, "
                f"{len(self.hashes)} hashes, thumbnails {self.thumbnails.shape}"
            )

    def __len__(self) -> int:
        return len(self.names)

    @classmethod
    def of(cls, names: Sequence[str], images: Sequence[NDArray[np.uint8]]) -> Fingerprints:
        """Take the fingerprints of images that are in memory."""
        thumbs = [thumbnail(image) for image in images]
        return cls(tuple(names), tuple(image_hash(image) for image in images), _stack(thumbs))

    @classmethod
    def join(cls, parts: Sequence[Fingerprints]) -> Fingerprints:
        """Put sets after each other; no part gives an empty set."""
        return cls(
            tuple(name for part in parts for name in part.names),
            tuple(value for part in parts for value in part.hashes),
            _stack([thumb for part in parts for thumb in part.thumbnails]),
        )

    def take(self, indices: Sequence[int]) -> Fingerprints:
        """Give some of them, in the order of `indices`."""
        names, hashes = ([values[i] for i in indices] for values in (self.names, self.hashes))
        return Fingerprints(tuple(names), tuple(hashes), self.thumbnails[list(indices)])

    def perceptual_hashes(self) -> tuple[str, ...]:
        """Give the `perceptual_hash` of each image."""
        return tuple(map(perceptual_hash, self.thumbnails))


def _stack(thumbs: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    empty = np.empty((0, THUMBNAIL_SIDE, THUMBNAIL_SIDE), np.uint8)
    return np.concatenate([empty, *(thumb[None] for thumb in thumbs)])


def _check(image: NDArray[np.uint8]) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"expected uint8 (H, W, 3), not {image.dtype} {image.shape}")
