"""Anomaly maps and masks, taken one image at a time and reduced to what pixel metrics need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from cozad_teach.evaluation.exact.curves import Array, Ranks, rank

__all__ = [
    "ImagePixels",
    "Mask",
    "NotFiniteError",
    "checked_pairs",
    "rank_pixels",
    "read_pixels",
    "region_weights",
]

Mask = ArrayLike | Callable[[], ArrayLike] | None

_CORNERS_CONNECT = np.ones((3, 3), bool)
_NOTHING = object()


class NotFiniteError(ValueError):
    """A map has a score that is NaN or infinite."""


@dataclass(frozen=True)
class ImagePixels:
    """The pixel scores of one image.

    Attributes
    ----------
    normal, anomalous : numpy.ndarray
        Scores of its normal and of its anomalous pixels, one-dimensional.
    shares : numpy.ndarray
        float64: for each anomalous pixel 1 / (pixels of its region), so that a region adds up to 1.
    n_regions : int
        Number of its regions.
    """

    normal: Array
    anomalous: Array
    shares: NDArray[np.float64]
    n_regions: int


def checked_pairs(
    maps: Iterable[ArrayLike], masks: Iterable[Mask]
) -> Iterator[tuple[Array, NDArray[np.bool_]]]:
    """Give each map with its mask, as arrays of one size.

    Parameters
    ----------
    maps : iterable of array_like, each (H_i, W_i)
        Real numbers. One map is held at a time, so a generator never has all of them in memory.
    masks : iterable of array_like, each (H_i, W_i), callable or None
        Boolean or integer; every value but 0 is anomalous. A callable reads its mask when it is
        needed. None stands for zeros.

    Raises
    ------
    ValueError
        If there are more of the one than of the other, a map and its mask differ in size, or a
        map is not made of real, finite numbers.
    """
    counts = [0, 0]
    for index, (given, mask) in enumerate(zip_longest(maps, masks, fillvalue=_NOTHING)):
        counts = [counts[0] + (given is not _NOTHING), counts[1] + (mask is not _NOTHING)]
        if counts[0] != counts[1]:
            continue  # to count them all
        values: Array = np.asarray(given)
        if callable(mask):
            mask = mask()
        marks: NDArray[Any] = np.zeros(values.shape, bool) if mask is None else np.asarray(mask)
        if values.ndim != 2 or values.shape != marks.shape:
            raise ValueError(
                f"map {index} has the shape {values.shape} and its mask {marks.shape}: both must "
                "be the (height, width) of the image"
            )
        if marks.dtype.kind not in "biu":
            raise ValueError(f"mask {index} must be boolean or integer, not {marks.dtype}")
        if values.dtype.kind not in "biuf":
            raise ValueError(f"pixel scores must be real numbers, not {values.dtype}")
        if not np.isfinite(values).all():
            raise NotFiniteError(f"map {index} has a score that is not finite (NaN or infinite)")
        yield values, marks.astype(bool, copy=False)
    if counts[0] != counts[1]:
        raise ValueError(f"there are {counts[0]} maps but {counts[1]} masks")


def read_pixels(
    pairs: Iterable[tuple[Array, NDArray[np.bool_]]], *, regions: bool = True
) -> list[ImagePixels]:
    """Split the scores of each image by its mask.

    Parameters
    ----------
    pairs : iterable
        Of `checked_pairs`.
    regions : bool
        Find the regions; without them ``shares`` is empty and ``n_regions`` is 0.

    Returns
    -------
    list of ImagePixels
        Every score once, in the type it had: that is all that stays in memory.
    """
    images = []
    for values, marks in pairs:
        shares, n_regions = region_weights(marks) if regions else (np.empty(0), 0)
        images.append(ImagePixels(values[~marks], values[marks], shares, n_regions))
    return images


def region_weights(marks: NDArray[np.bool_]) -> tuple[NDArray[np.float64], int]:
    """Give 1 / (pixels of its region) for each anomalous pixel, and the number of regions.

    A region is a set of anomalous pixels connected by edges or corners.
    """
    labels, n_regions = ndimage.label(marks, structure=_CORNERS_CONNECT)
    inside = labels[marks]
    sizes = np.bincount(inside, minlength=n_regions + 1)
    return 1 / sizes[inside], int(n_regions)


def rank_pixels(images: Sequence[ImagePixels]) -> Ranks:
    """Rank all anomalous pixels among all normal ones.

    Raises
    ------
    ValueError
        If there are no pixels, or one of the two kinds is missing.
    """
    normal = [image.normal for image in images]
    anomalous = [image.anomalous for image in images]
    n_normal, n_anomalous = (sum(map(len, pieces)) for pieces in (normal, anomalous))
    if not n_normal + n_anomalous:
        raise ValueError("there are no pixels")
    for kind, number in (("normal", n_normal), ("anomalous", n_anomalous)):
        if not number:
            raise ValueError(f"there are no {kind} pixels: the metric needs both kinds")
    return rank(normal, np.concatenate(anomalous))
