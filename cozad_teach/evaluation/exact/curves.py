"""Areas under ROC, precision-recall and PRO curves; exact, ties included.

The threshold takes every distinct score; "positive" means a score at or above it. Let a be the
share of normal scores above the score s of one anomalous item, and b the share at or above s. The
item is missed while the false positive rate (FPR) is below a, and found from b on. Between the
two its detection rises as a ramp, for curves are interpolated linearly over ties. ROC and PRO
curves are means of such ramps, so their areas are means of the areas of ramps, and all that is
needed of the normal scores is how many lie below each anomalous one, and how many are equal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["BestF1", "Ranks", "auroc", "average_precision", "f1_max", "pro_area", "rank"]

Array = NDArray[Any]

# Fewer normal scores than these are sorted; of more, only those near an anomalous score are.
_FEW = 2**20
# Number of buckets, at most.
_MAX_BUCKETS = 2**21
# Scores that are put into buckets at a time.
_CHUNK = 2**20


class BestF1(NamedTuple):
    """The largest F1 value that a threshold gives, and the highest threshold that gives it."""

    value: float
    threshold: float


@dataclass(frozen=True)
class Ranks:
    """Anomalous scores, and where each stands among the normal ones.

    Attributes
    ----------
    scores : numpy.ndarray
        The anomalous scores, rising, shape (A,).
    order : numpy.ndarray
        Where each came from: ``scores = given[order]``.
    below, tied : numpy.ndarray
        int64, shape (A,): how many normal scores are lower, and how many equal.
    n_normal : int
        Number of normal scores.
    """

    scores: Array
    order: NDArray[np.int64]
    below: NDArray[np.int64]
    tied: NDArray[np.int64]
    n_normal: int


def rank(normal: Sequence[Array], anomalous: Array) -> Ranks:
    """Count the normal scores below each anomalous one.

    Parameters
    ----------
    normal : sequence of numpy.ndarray
        Finite numbers in pieces of any length, none of them changed.
    anomalous : numpy.ndarray
        Finite numbers, shape (A,).

    Returns
    -------
    Ranks

    Notes
    -----
    Sorting all normal scores would take most of the time. Equally wide buckets need one pass, and
    settle every comparison between different buckets; only the normal scores that share a bucket
    with an anomalous one are sorted. Rounding may move a score to another bucket, but never past
    a score that is larger than it, so the counts are exact.
    """
    dtype = np.result_type(anomalous, *normal)
    order = np.argsort(anomalous, kind="stable")
    scores = anomalous[order].astype(dtype, copy=False)
    n_normal = sum(map(len, normal))
    if n_normal < _FEW or dtype.itemsize <= 2:
        rest = np.concatenate([piece.astype(dtype, copy=False) for piece in normal])
        # Whole numbers of one or two bytes are sorted by counting them.
        rest.sort(kind="stable" if dtype.kind in "biu" and dtype.itemsize <= 2 else None)
        settled = np.zeros(len(scores), np.int64)
    else:
        rest, settled = _unsettled(normal, scores, dtype)
    below = settled + np.searchsorted(rest, scores, "left")
    tied = settled + np.searchsorted(rest, scores, "right") - below
    return Ranks(scores, order, below, tied, n_normal)


def _unsettled(
    normal: Sequence[Array], scores: Array, dtype: np.dtype[Any]
) -> tuple[Array, NDArray[np.int64]]:
    """Sort the normal scores that share a bucket with an anomalous one; count the others.

    The second array gives, for each anomalous score, how many of those others lie below it.
    """
    # A few for each score of either kind, so that the tables stay smaller than the scores.
    n_buckets = min(16 * len(scores), sum(map(len, normal)) // 4, _MAX_BUCKETS) + 1
    lowest = min(piece.min() for piece in [*normal, scores] if len(piece))
    highest = max(piece.max() for piece in [*normal, scores] if len(piece))
    bucket = _bucket_function(float(lowest), float(highest), n_buckets, dtype)
    counts = np.zeros(n_buckets, np.int64)
    pieces = [
        part for piece in normal for part in np.split(piece, range(_CHUNK, len(piece), _CHUNK))
    ]
    waiting: list[Array] = []
    for piece in pieces:
        waiting.append(bucket(piece))
        if sum(map(len, waiting)) >= _CHUNK or piece is pieces[-1]:
            counts += np.bincount(np.concatenate(waiting), minlength=n_buckets)
            waiting = []
    mine = bucket(scores)
    shared = np.zeros(n_buckets, bool)
    shared[mine] = True
    rest = np.concatenate([piece[shared[bucket(piece)]] for piece in pieces]).astype(dtype)
    rest.sort()
    counts[shared] = 0
    return rest, np.cumsum(counts, out=counts)[mine]


def _bucket_function(
    lowest: float, highest: float, n_buckets: int, dtype: np.dtype[Any]
) -> Callable[[Array], NDArray[np.int32]]:
    kind = np.float32 if dtype == np.float32 else np.float64
    with np.errstate(all="ignore"):
        scale = kind(n_buckets / kind(highest - lowest)) if highest > lowest else kind(0)
        start, end = kind(lowest) * scale, kind(highest) * scale
    if not np.isfinite([scale, start, end, end - start]).all():
        scale = start = kind(0)  # ranges near the limits of the type: one bucket, all are sorted

    def bucket(values: Array) -> NDArray[np.int32]:
        keys = np.multiply(values, scale, dtype=kind)
        keys -= start
        return np.clip(keys, 0, n_buckets - 1, out=keys).astype(np.int32)

    return bucket


def auroc(ranks: Ranks) -> float:
    """Area under the ROC curve: the mean of all ramps, which whole numbers give exactly."""
    twice = 2 * int(ranks.below.sum()) + int(ranks.tied.sum())
    return twice / (2 * ranks.n_normal * len(ranks.scores))


def _counts(ranks: Ranks) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give true and false positives at the threshold of each anomalous score."""
    true = len(ranks.scores) - np.searchsorted(ranks.scores, ranks.scores, "left")
    return true, ranks.n_normal - ranks.below


def average_precision(ranks: Ranks) -> float:
    """Precision at the threshold of each anomalous score, averaged over them."""
    true, false = _counts(ranks)
    return float(np.mean(true / (true + false)))


def f1_max(ranks: Ranks) -> BestF1:
    """Largest F1 value over all thresholds."""
    # A threshold between two anomalous scores has the true positives of the upper one, and no
    # fewer false ones: the best threshold is an anomalous score.
    true, false = _counts(ranks)
    values = 2 * true / (true + false + len(true))
    best = len(values) - 1 - int(np.argmax(values[::-1]))
    return BestF1(float(values[best]), float(ranks.scores[best]))


def pro_area(ranks: Ranks, weights: NDArray[np.float64], limit: float) -> float:
    """Area under the PRO curve over FPR 0 to `limit`, divided by `limit`.

    `weights` has one share for each anomalous pixel, in the order in which the pixels were given:
    1 / (pixels of its region · regions of all images), so that their sum is 1.
    """
    n = ranks.n_normal
    a = (n - ranks.below - ranks.tied) / n
    b = (n - ranks.below) / n
    # The ramp rises from 0 at FPR a to 1 at FPR b; where b > a, they are at least 1 / n apart.
    cut = np.square(limit - a) / (2 * np.maximum(b - a, 1 / n))
    areas = np.select([limit >= b, limit > a], [limit - (a + b) / 2, cut], 0.0)
    # Rounding may carry a perfect or a hopeless curve out of range.
    return float(np.clip(np.dot(weights[ranks.order], areas) / limit, 0, 1))
