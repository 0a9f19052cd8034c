"""Areas under ROC, precision-recall and PRO curves from sorted scores; exact, ties included.

The threshold takes every distinct score; "positive" means a score at or above it. Let a be the
share of normal scores above the score s of one anomalous item, and b the share at or above s. The
item is missed while the false positive rate (FPR) is below a, and found from b on. Between the
two its detection rises as a ramp, for curves are interpolated linearly over ties. ROC and PRO
curves are means of such ramps, so their areas are means of the areas of ramps, and one sorted
array of normal scores is all that is needed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

__all__ = ["Pair", "auroc", "average_precision", "f1_max", "region_overlap", "split"]

Array = NDArray[Any]
Pair = tuple[Array, NDArray[np.bool_]]  # scores of images or pixels; which are anomalous


def split(pairs: list[Pair], item: str) -> tuple[Array, Array]:
    """Give the normal and the anomalous scores of all pairs, each sorted.

    Raises ValueError, in which `item` ("image" or "pixel") names what is counted, if a score is
    not finite or one of the two kinds is missing.
    """
    for values, _ in pairs:
        if values.dtype.kind not in "biuf":
            raise ValueError(f"{item} scores must be real numbers, not {values.dtype}")
        if not np.isfinite(values).all():
            raise ValueError(f"a score of {item}s is not finite (NaN or infinite)")
    if not sum(values.size for values, _ in pairs):
        raise ValueError(f"there are no {item}s")
    normal = np.concatenate([values[~marks] for values, marks in pairs])
    anomalous = np.concatenate([values[marks] for values, marks in pairs])
    for name, found in (("normal", normal), ("anomalous", anomalous)):
        if not found.size:
            raise ValueError(f"there are no {name} {item}s: the metric needs both kinds")
        found.sort()
    return normal, anomalous


def auroc(normal: Array, anomalous: Array) -> float:
    """Area under the ROC curve: the mean of all ramps, which whole numbers give exactly."""
    below = np.searchsorted(normal, anomalous, "left").sum()
    below_or_tied = np.searchsorted(normal, anomalous, "right").sum()
    return (int(below) + int(below_or_tied)) / (2 * len(normal) * len(anomalous))


def _counts(normal: Array, anomalous: Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give true and false positives at the threshold of each anomalous score."""
    true = len(anomalous) - np.searchsorted(anomalous, anomalous, "left")
    return true, len(normal) - np.searchsorted(normal, anomalous, "left")


def average_precision(normal: Array, anomalous: Array) -> float:
    """Precision at the threshold of each anomalous score, averaged over them."""
    true, false = _counts(normal, anomalous)
    return float(np.mean(true / (true + false)))


def f1_max(normal: Array, anomalous: Array) -> float:
    """Largest F1 value over all thresholds."""
    # A threshold between two anomalous scores has the true positives of the upper one, and no
    # fewer false ones: the best threshold is an anomalous score.
    true, false = _counts(normal, anomalous)
    return float(np.max(2 * true / (true + false + len(anomalous))))


def region_overlap(pairs: list[Pair], normal: Array, limit: float) -> float:
    """Area under the PRO curve over FPR 0 to `limit`, divided by `limit`.

    Overlap is averaged over the pixels of a region, then over the regions of all images.
    """
    areas = []
    for values, marks in pairs:
        regions, n_regions = ndimage.label(marks, structure=np.ones((3, 3)))
        inside = regions[marks]
        ramps = _ramp_areas(normal, values[marks], limit)
        sizes = np.bincount(inside, minlength=n_regions + 1)[1:]
        areas.append(np.bincount(inside, weights=ramps, minlength=n_regions + 1)[1:] / sizes)
    return float(np.mean(np.concatenate(areas)) / limit)


def _ramp_areas(normal: Array, scores: Array, limit: float) -> NDArray[np.float64]:
    """Integrate each score's ramp, from 0 at FPR a to 1 at FPR b, over FPR 0 to `limit`."""
    n = len(normal)
    scores = scores.astype(normal.dtype, copy=False)  # or searchsorted would copy all of `normal`
    a = (n - np.searchsorted(normal, scores, "right")) / n
    b = (n - np.searchsorted(normal, scores, "left")) / n
    cut = np.square(limit - a) / (2 * np.maximum(b - a, 1 / n))  # b - a is 0 or at least 1 / n
    return np.select([limit >= b, limit > a], [limit - (a + b) / 2, cut], 0.0)
