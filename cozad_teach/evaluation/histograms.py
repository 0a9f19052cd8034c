"""Metrics from histograms of scores: in memory that does not grow with the set, or resampled.

Scores that share a bin count as tied. What that costs is known: an anomalous score can be misplaced
only among the normal scores of its own bin, so each metric comes with a bound of its error.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import digamma

from cozad_teach.evaluation.curves import Array
from cozad_teach.evaluation.pixels import checked_pairs, region_weights

__all__ = [
    "Bounded",
    "PixelHistogram",
    "auroc",
    "average_precision",
    "f1_max",
    "pro_area",
]

Floats = NDArray[np.floating[Any]]

# Leading bits of a float32 that make a bin: its sign, its exponent and 11 bits of its fraction.
KEY_BITS = 20


class Bounded(NamedTuple):
    """A metric of a histogram: the exact value lies within ``value`` ± ``error``."""

    value: float
    error: float


def auroc(normal: Floats, anomalous: Floats) -> Floats:
    """Area under the ROC curve of histograms, shape (..., K), bins in rising order of score.

    Counts may be weights. As all functions here it gives one number for each leading index.
    """
    below = np.cumsum(normal, -1) - normal / 2
    return (below * anomalous).sum(-1) / (normal.sum(-1) * anomalous.sum(-1))


def average_precision(normal: Floats, anomalous: Floats) -> Floats:
    """Average precision of histograms, as in `auroc`."""
    true, false = _from_above(anomalous), _from_above(normal)
    precision = true / np.maximum(true + false, np.finfo(true.dtype).tiny)
    return (anomalous * precision).sum(-1) / anomalous.sum(-1)


def f1_max(normal: Floats, anomalous: Floats) -> Floats:
    """Largest F1 value over thresholds between the bins of histograms, as in `auroc`."""
    true, false = _from_above(anomalous), _from_above(normal)
    return (2 * true / (true + false + anomalous.sum(-1, keepdims=True))).max(-1)


def pro_area(normal: Floats, shares: Floats, limit: float = 0.3) -> Floats:
    """Area under the PRO curve up to FPR `limit`, divided by `limit`, as in `auroc`.

    `shares` has, for each bin, the sum of 1 / (pixels of its region) over the anomalous pixels.
    """
    b = _from_above(normal)
    total = b[..., :1].copy()
    a = (b - normal) / total
    b /= total
    # A ramp of no width counts by its place alone: the first two cases cover it.
    with np.errstate(invalid="ignore", divide="ignore"):
        cut = np.square(limit - a) / (2 * (b - a))
    cases = [limit >= b, limit > a, limit <= a]
    areas = np.select(cases, [limit - (a + b) / 2, cut, 0.0], np.nan)
    return (areas * shares).sum(-1) / (limit * shares.sum(-1))


def _from_above(counts: Floats) -> Floats:
    return np.cumsum(counts[..., ::-1], -1)[..., ::-1]


class PixelHistogram:
    """Pixel scores of any number of images in 24 MB, for sets whose scores do not fit in memory.

    Bins are the leading bits of a float32, so that no range need be known beforehand: between two
    powers of two there are 2,048, narrow near 0 and wide far from it.

    Examples
    --------
    >>> histogram = PixelHistogram()
    >>> for anomaly_map, mask in [(np.array([[1.0, 3.0]]), np.array([[0, 1]]))]:
    ...     histogram.add(anomaly_map, mask)
    >>> histogram.auroc()
    Bounded(value=1.0, error=0.0)
    """

    def __init__(self) -> None:
        self._normal = np.zeros(2**KEY_BITS, np.int64)
        self._anomalous = np.zeros(2**KEY_BITS, np.int64)
        self._shares = np.zeros(2**KEY_BITS)

    def add(self, anomaly_map: ArrayLike, mask: ArrayLike | None) -> None:
        """Count the pixels of one image; parameters and errors as in `metrics.pixel_auroc`."""
        (values, marks), *_ = checked_pairs([anomaly_map], [mask])
        keys = _keys(values)
        np.add.at(self._anomalous, keys[marks], 1)
        np.add.at(self._shares, keys[marks], region_weights(marks)[0])
        np.add.at(self._normal, keys[~marks], 1)

    def merge(self, other: PixelHistogram) -> None:
        """Add the pixels of another histogram, such as one that another process has filled."""
        self._normal += other._normal
        self._anomalous += other._anomalous
        self._shares += other._shares

    def auroc(self) -> Bounded:
        """Area under the ROC curve; raises ValueError if one of the two kinds is missing."""
        normal, anomalous, _ = self._checked()
        pairs = (normal * anomalous).sum() / (normal.sum() * anomalous.sum())
        return Bounded(float(auroc(normal, anomalous)), float(pairs / 2))

    def average_precision(self) -> Bounded:
        """Average precision; raises ValueError if one of the two kinds is missing."""
        normal, anomalous, _ = self._checked()
        value, total = average_precision(normal, anomalous), anomalous.sum()
        true, false = _from_above(anomalous), _from_above(normal)
        has = anomalous > 0
        own, normal, true, false = anomalous[has], normal[has], true[has], false[has]
        # At best no normal score of the bin comes before an anomalous one, at worst all do and the
        # anomalous ones come one by one: a sum of i / (i + false), which is one of reciprocals.
        best = (own * true / (true + false - normal)).sum() / total
        reciprocals = digamma(true + false + 1) - digamma(true - own + false + 1)
        worst = (own - false * reciprocals).sum() / total
        return Bounded(float(value), float(max(best - value, value - worst, 0)))

    def f1_max(self) -> Bounded:
        """Largest F1 value; raises ValueError if one of the two kinds is missing."""
        normal, anomalous, _ = self._checked()
        value = f1_max(normal, anomalous)
        true, false = _from_above(anomalous), _from_above(normal) - normal
        best = (2 * true / (true + false + anomalous.sum())).max()
        return Bounded(float(value), float(best - value))

    def aupro(self, limit: float = 0.3) -> Bounded:
        """Area under the PRO curve; raises ValueError as `auroc`, and for a limit out of range."""
        if not 0 < limit <= 1:
            raise ValueError(f"limit must be above 0 and at most 1, not {limit}")
        normal, _, shares = self._checked()
        value = pro_area(normal, shares, limit)
        b = _from_above(normal)
        ends = np.stack([b - normal, b]) / b[0]
        best, worst = (np.maximum(limit - ends, 0) * shares).sum(-1) / (limit * shares.sum())
        return Bounded(float(value), float(max(best - value, value - worst)))

    def _checked(self) -> tuple[Floats, Floats, Floats]:
        """Give the bins that are not empty."""
        used = (self._normal > 0) | (self._anomalous > 0)
        if not used.any():
            raise ValueError("there are no pixels")
        for kind, counts in (("normal", self._normal), ("anomalous", self._anomalous)):
            if not counts.any():
                raise ValueError(f"there are no {kind} pixels: the metric needs both kinds")
        return (
            self._normal[used].astype(float),
            self._anomalous[used].astype(float),
            self._shares[used],
        )


def _keys(values: Array) -> NDArray[np.int64]:
    """Give the bin of each score; a higher score never has a lower bin.

    The bits of two positive floats, read as whole numbers, are in the order of the floats; those of
    negative ones are in the reverse order, which inverting them mends.
    """
    with np.errstate(over="ignore"):  # beyond float32 is infinity, which has a bin too
        bits = np.add(values, 0.0, dtype=np.float32).view(np.int32)  # adding turns -0.0 into 0.0
    ordered = np.where(bits < 0, ~bits, bits ^ np.int32(-(2**31))).view(np.uint32)
    return (ordered >> np.uint32(32 - KEY_BITS)).astype(np.int64)
