"""Find copies of images between sets: saved anew, resized, brightened, mirrored, turned, cropped.

A file's bytes change when it is saved anew, so a leak that hides behind another JPEG quality needs
more than `image_hash`. Whole copies are found by their perceptual hash and confirmed by their
thumbnails. Two pictures of bottles have similar thumbnails too: so what the second set has in
common is taken out, and what must agree is how an image *differs* from the others of its kind.

For crops see `crops`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from cozad_teach.data.crops import find_crops
from cozad_teach.data.hashes import THUMBNAIL_SIDE, Fingerprints, perceptual_hash
from cozad_teach.data.pictures import (
    common_part,
    correlation,
    distinct_part,
    normed,
    pictures_of,
    pooled,
)

__all__ = ["Copy", "find_copies"]

# Limits, chosen on real sets: distinct images of one kind stay below them, copies do not.
HASH_BITS = 16
WHOLE_CORRELATION = 0.95

# Thumbnails are compared at half their size, where saving anew leaves no trace.
_HALF = THUMBNAIL_SIDE // 2
_PAIRS = 1024  # compared at a time


@dataclass(frozen=True)
class Copy:
    """A pair of images that show the same picture.

    Attributes
    ----------
    first, second : int
        Places in the two sets.
    kind : str
        ``same pixels``, ``saved anew``, ``mirrored or turned``, or ``crop``.
    similarity : float
        Correlation of the thumbnails, up to 1.
    """

    first: int
    second: int
    kind: str
    similarity: float


@lru_cache(maxsize=64)  # methods and protocols ask about the same sets
def find_copies(
    first: Fingerprints, second: Fingerprints, *, crops: bool = True
) -> tuple[Copy, ...]:
    """Find the pairs of an image of `first` and one of `second` that show the same picture.

    Parameters
    ----------
    first, second : Fingerprints
        The two sets; one set twice finds the copies within it, and each image itself.
    crops : bool
        Look for crops too, upright or mirrored, that keep half of each side or more. That takes
        most of the time.

    Returns
    -------
    tuple of Copy
        By place in `second`, then in `first`; a pair is there once.
    """
    found: dict[tuple[int, int], Copy] = {}
    if len(first) and len(second):
        for search in (_equal, _whole, _cropped) if crops else (_equal, _whole):
            for copy in search(first, second):
                found.setdefault((copy.second, copy.first), copy)
    return tuple(found[pair] for pair in sorted(found))


def _equal(first: Fingerprints, second: Fingerprints) -> Iterator[Copy]:
    places: dict[str, list[int]] = {}
    for i, value in enumerate(first.hashes):
        places.setdefault(value, []).append(i)
    for j, value in enumerate(second.hashes):
        yield from (Copy(i, j, "same pixels", 1.0) for i in places.get(value, ()))


def _whole(first: Fingerprints, second: Fingerprints) -> Iterator[Copy]:
    bits = _bits(torch.from_numpy(second.thumbnails))
    b = normed(pooled(pictures_of(second), _HALF))
    common = common_part(b)
    b = distinct_part(b, common)
    turned_bits = map(_bits, _orientations(torch.from_numpy(first.thumbnails)))
    turned = _orientations(normed(pooled(pictures_of(first), _HALF)))
    for number, (a, its_bits) in enumerate(zip(turned, turned_bits, strict=True)):
        a = distinct_part(a, common)
        near = torch.cdist(its_bits, bits, p=1) <= HASH_BITS
        for pairs in torch.nonzero(near).split(_PAIRS):
            i, j = pairs.unbind(1)
            similarity = correlation(a[i], b[j])
            kind = "mirrored or turned" if number else "saved anew"
            for k in torch.nonzero(similarity >= WHOLE_CORRELATION).flatten().tolist():
                yield Copy(int(i[k]), int(j[k]), kind, float(similarity[k]))


def _orientations(pictures: Tensor) -> list[Tensor]:
    """Give pictures (..., n, n) upright, then turned, then mirrored and turned."""
    views = (pictures, pictures.flip(-1))
    return [torch.rot90(view, turns, (-2, -1)) for view in views for turns in range(4)]


def _bits(thumbnails: Tensor) -> Tensor:
    codes = [bytes.fromhex(perceptual_hash(thumb)) for thumb in thumbnails.numpy()]
    bits = np.unpackbits(np.frombuffer(b"".join(codes), np.uint8)).reshape(len(codes), -1)
    return torch.from_numpy(bits.astype(np.float32))


def _cropped(first: Fingerprints, second: Fingerprints) -> Iterator[Copy]:
    return (Copy(i, j, "crop", similarity) for i, j, similarity in find_crops(first, second))
