"""Find copies of images between sets: saved anew, resized, brightened, mirrored, turned, cropped.

A file's bytes change when it is saved anew, so a leak that hides behind another JPEG quality needs
more than `image_hash`. Whole copies have thumbnails that correlate. Two pictures of bottles have
such thumbnails too: so what counts is their *partial* correlation, given what other images of the
same kind show. For crops see `crops`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from cozad_teach.data.identity.crops import find_crops
from cozad_teach.data.identity.fingerprints import THUMBNAIL_SIDE, Fingerprints
from cozad_teach.data.identity.thumbnails import common_pictures, normed, pictures_of, pooled

__all__ = ["Copy", "find_copies"]

# Chosen on real sets: distinct images of one kind stay below it, copies do not.
WHOLE_CORRELATION = 0.95
# Thumbnails are compared at half their size, where saving anew leaves no trace.
_HALF = THUMBNAIL_SIDE // 2


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
        Partial correlation of the thumbnails, up to 1.
    """

    first: int
    second: int
    kind: str
    similarity: float


def find_copies(
    first: Fingerprints, second: Fingerprints, *, same_kind: bool = False
) -> tuple[Copy, ...]:
    """Find the pairs of an image of `first` and one of `second` that show the same picture.

    Parameters
    ----------
    first, second : Fingerprints
        The two sets; one set twice finds the copies within it, and each image itself.
    same_kind : bool
        Both sets show the same kind of thing, as the support and the test images of a category do.
        Then both tell what is common, and crops are not looked for: a product in one pose looks
        like a crop of another in the same pose.

    Returns
    -------
    tuple of Copy
        By place in `second`, then in `first`; a pair is there once.

    Notes
    -----
    Not found are copies turned by other angles than right ones, crops that keep less than half of
    a side or are turned too, and crops of patterns finer than a thumbnail shows. A set that holds
    nothing but copies of one picture looks like products in one pose, and is taken for that.
    """
    if same_kind:
        return _of_one_kind(first, second)
    # What an image of the first set is a copy of depends on no other one of that set: of what
    # other models were trained on, and all methods and protocols, only what is new is compared.
    known = _known(second.hashes)
    new = {value: i for i, value in enumerate(first.hashes) if value not in known}
    found: dict[str, list[Copy]] = {value: [] for value in new}
    for copy in _found(some := first.take([*new.values()]), second, same_kind=False):
        found[some.hashes[copy.first]].append(copy)
    known |= found  # not before all is compared: a search that was stopped has found nothing
    copies = [
        dataclasses.replace(copy, first=i)
        for i, value in enumerate(first.hashes)
        for copy in known[value]
    ]
    return tuple(sorted(copies, key=lambda copy: (copy.second, copy.first)))


@lru_cache(maxsize=16)
def _known(second: tuple[str, ...]) -> dict[str, list[Copy]]:
    """Keep what was found in a second set, by the hash of the image that it was compared with."""
    return {}


@lru_cache(maxsize=64)  # methods and protocols ask about the same sets
def _of_one_kind(first: Fingerprints, second: Fingerprints) -> tuple[Copy, ...]:
    return _found(first, second, same_kind=True)


def _found(first: Fingerprints, second: Fingerprints, *, same_kind: bool) -> tuple[Copy, ...]:
    found: dict[tuple[int, int], Copy] = {}
    if len(first) and len(second):
        searches = [_equal(first, second), _whole(first, second, same_kind)]
        if not same_kind:
            crops = find_crops(first, second)
            searches.append(Copy(i, j, "crop", similarity) for i, j, similarity in crops)
        for search in searches:
            for copy in search:
                found.setdefault((copy.second, copy.first), copy)
    return tuple(found[pair] for pair in sorted(found))


def _equal(first: Fingerprints, second: Fingerprints) -> Iterator[Copy]:
    places: dict[str, list[int]] = {}
    for i, value in enumerate(first.hashes):
        places.setdefault(value, []).append(i)
    for j, value in enumerate(second.hashes):
        yield from (Copy(i, j, "same pixels", 1.0) for i in places.get(value, ()))


def _whole(first: Fingerprints, second: Fingerprints, same_kind: bool) -> Iterator[Copy]:
    a, b = (normed(pooled(pictures_of(images), _HALF)) for images in (first, second))
    others = torch.cat([a, b]) if same_kind and first is not second else b
    common = common_pictures(b, others)
    for number, turned in enumerate(_orientations(a)):
        similarity = _partial_correlation(turned, b, common)
        kind = "mirrored or turned" if number else "saved anew"
        for i, j in torch.nonzero(similarity >= WHOLE_CORRELATION).tolist():
            yield Copy(i, j, kind, float(similarity[i, j]))


def _orientations(pictures: Tensor) -> list[Tensor]:
    """Give pictures (..., n, n) upright, then turned, then mirrored and turned."""
    views = (pictures, pictures.flip(-1))
    return [torch.rot90(view, turns, (-2, -1)) for view in views for turns in range(4)]


def _partial_correlation(a: Tensor, b: Tensor, given: Tensor) -> Tensor:
    """Correlate each of a (N, n, n) with each of b (M, n, n), given for each b a third (M, n, n).

    It is the correlation of what is left of both when their share of the third is taken out.
    """
    a, b, c = a.flatten(1), b.flatten(1), given.flatten(1)
    ac, bc = a @ c.T, (b * c).sum(1)
    left = ((1 - ac.square()) * (1 - bc.square())).clamp(min=1e-12).sqrt()
    return (a @ b.T - ac * bc) / left
