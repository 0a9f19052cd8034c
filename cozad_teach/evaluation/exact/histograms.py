"""Metrics from histograms of scores, whose counts a bootstrap resamples.

Scores that share a bin count as tied.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["auroc", "average_precision", "f1_max", "pro_area"]

Floats = NDArray[np.floating[Any]]


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
