"""Decisions about images of one's own: a threshold from good images, and when to distrust it.

No defect is needed, and no label but one: that the images for the threshold are good.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import binom

from cozad_teach.scoring import rounded_up

__all__ = ["conformal_threshold", "first_drift"]


def conformal_threshold(scores: ArrayLike, false_alarm_rate: float = 0.05) -> float:
    """Give the score that good images exceed with a chosen probability, equation (conformal).

    Parameters
    ----------
    scores : array_like, (N,)
        Scores of good images of the target that had no part in the support, N ≥ 1.
    false_alarm_rate : float
        δ in (0, 1): how often a good image may be called anomalous.

    Returns
    -------
    float
        The j-th smallest score, j = ⌈(N + 1)(1 - δ)⌉; infinite if j > N, that is for fewer than
        1 / δ - 1 images, which cannot keep the promise otherwise. An image is called anomalous if
        it scores higher. As long as good images come from where those for the threshold came from,
        in any order, the chance that the next one does is at most δ.

    Raises
    ------
    ValueError
        If there is no score, a score is not a finite number, or δ is outside (0, 1).

    Examples
    --------
    Of nine good images the highest, if one of ten may be called anomalous; of eight, none will do.

    >>> conformal_threshold(range(1, 10), 0.1), conformal_threshold(range(1, 9), 0.1)
    (9.0, inf)

    References
    ----------
    Vovk, Gammerman and Shafer, "Algorithmic learning in a random world", 2005; for anomalies
    Bates, Candès, Lei, Romano and Sesia, "Testing for outliers with conformal p-values", 2023.
    """
    values = np.sort(_checked_scores(scores))
    _check_share("false_alarm_rate", false_alarm_rate)
    if not len(values):
        raise ValueError("a threshold needs the score of at least one good image")
    j = rounded_up((len(values) + 1) * (1 - false_alarm_rate))
    return float(values[j - 1]) if j <= len(values) else math.inf


def first_drift(
    scores: ArrayLike,
    threshold: float,
    false_alarm_rate: float,
    window: int = 50,
    significance: float = 0.001,
) -> int | None:
    """Say when a stream of scores has more alarms than a threshold should give.

    Parameters
    ----------
    scores : array_like, (N,)
        In the order in which the images were taken.
    threshold : float
        Images that score higher raise an alarm.
    false_alarm_rate : float
        δ in (0, 1), for which the threshold was made.
    window : int
        Number of latest images that are counted, 1 or more.
    significance : float
        How improbable, in (0, 1), so many alarms among good images must be.

    Returns
    -------
    int or None
        Index of the first image at which the last `window` images hold more alarms than a binomial
        number with rate δ has with probability `significance`; None if that never happens. It
        cannot tell a drift of the camera from a series of real defects: somebody has to look.

    Raises
    ------
    ValueError
        If a score is not a finite number, or another argument is out of range.
    """
    values = _checked_scores(scores)
    _check_share("false_alarm_rate", false_alarm_rate)
    _check_share("significance", significance)
    if window < 1:
        raise ValueError(f"window must be at least 1, got {window}")
    alarms = np.concatenate([[0], np.cumsum(values > threshold)])
    counts = alarms[window:] - alarms[: len(alarms) - window]
    limit = binom.isf(significance, window, false_alarm_rate)
    late = np.flatnonzero(counts > limit)
    return int(late[0]) + window - 1 if len(late) else None


def _checked_scores(scores: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(scores, float)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise ValueError("scores must be one list of finite numbers")
    return values


def _check_share(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise ValueError(f"{name} must lie between 0 and 1, got {value}")
