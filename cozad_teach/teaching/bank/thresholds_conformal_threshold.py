"""Exercise thresholds.conformal_threshold. The wrong answers are wrong on purpose."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from cozad_teach.evaluation.thresholds import conformal_threshold as right_threshold
from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISE"]


def conformal_threshold(scores: np.ndarray, false_alarm_rate: float) -> np.ndarray:
    """Give the j-th smallest of the scores (N,), j = ⌈(N + 1)(1 - δ)⌉, or infinity if j > N."""
    return np.array(right_threshold(scores, false_alarm_rate))


def _rank(scores: np.ndarray, false_alarm_rate: float) -> int:
    return math.ceil(round((len(scores) + 1) * (1 - false_alarm_rate), 9))


def _kth(scores: np.ndarray, k: int) -> np.ndarray:
    return np.array(np.sort(scores)[k - 1] if 1 <= k <= len(scores) else math.inf)


def _plain_quantile(scores: np.ndarray, false_alarm_rate: float) -> np.ndarray:
    return np.array(np.quantile(scores, 1 - false_alarm_rate))


def _forgets_the_new_image(scores: np.ndarray, false_alarm_rate: float) -> np.ndarray:
    return _kth(scores, math.ceil(round(len(scores) * (1 - false_alarm_rate), 9)))


def _rounds_down(scores: np.ndarray, false_alarm_rate: float) -> np.ndarray:
    return _kth(scores, math.floor((len(scores) + 1) * (1 - false_alarm_rate)))


def _index_for_number(scores: np.ndarray, false_alarm_rate: float) -> np.ndarray:
    return _kth(scores, _rank(scores, false_alarm_rate) + 1)


def _unsorted(scores: np.ndarray, false_alarm_rate: float) -> np.ndarray:
    k = _rank(scores, false_alarm_rate)
    return np.array(scores[k - 1] if k <= len(scores) else math.inf)


def _largest_at_most(scores: np.ndarray, false_alarm_rate: float) -> np.ndarray:
    k = _rank(scores, false_alarm_rate)
    return _kth(scores, min(k, len(scores)))


def _lower_tail(scores: np.ndarray, false_alarm_rate: float) -> np.ndarray:
    return _kth(scores, math.ceil(round((len(scores) + 1) * false_alarm_rate, 9)))


def _three_sigma(scores: np.ndarray, false_alarm_rate: float) -> np.ndarray:
    quantile = stats.norm.ppf(1 - false_alarm_rate)
    return np.array(scores.mean() + quantile * scores.std(ddof=1))


def _last_bit(scores: np.ndarray, false_alarm_rate: float) -> np.ndarray:
    return _kth(scores, math.ceil((len(scores) + 1) * (1 - false_alarm_rate)))


def _next_higher(scores: np.ndarray, false_alarm_rate: float) -> np.ndarray:
    return np.array(np.quantile(scores, 1 - false_alarm_rate, method="higher"))


def _to_nearest(scores: np.ndarray, false_alarm_rate: float) -> np.ndarray:
    return _kth(scores, round((len(scores) + 1) * (1 - false_alarm_rate)))


def _descending(scores: np.ndarray, false_alarm_rate: float) -> np.ndarray:
    k = _rank(scores, false_alarm_rate)
    return np.array(-np.sort(-scores)[k - 1] if k <= len(scores) else math.inf)


def _infinite_early(scores: np.ndarray, false_alarm_rate: float) -> np.ndarray:
    k = _rank(scores, false_alarm_rate)
    return _kth(scores, k) if k < len(scores) else np.array(math.inf)


def _threshold_cases() -> tuple[Case, ...]:
    random = np.random.default_rng(70)
    return tuple(
        Case(f"{n} scores and δ = {rate:g}", (random.gamma(4.0, 0.3, n), rate), hidden)
        for n, rate, hidden in (
            (19, 0.05, False),
            (35, 0.1, False),
            (12, 0.05, False),
            (13, 0.3, False),
            (9, 0.7, False),
            (47, 0.07, True),
            (9, 0.1, True),
            (5, 0.5, True),
        )
    )


EXERCISE = Exercise(
    name="thresholds.conformal_threshold",
    reference=conformal_threshold,
    cases=_threshold_cases(),
    mistakes=(
        Mistake(
            "plain quantile",
            _plain_quantile,
            "This is a quantile of the scores that you have, interpolated between two of them. "
            "The new image is one more: count it in, and take one of the scores.",
        ),
        Mistake(
            "forgets the new image",
            _forgets_the_new_image,
            "You count N images. With the new one there are N + 1, and each is equally likely "
            "to be the highest.",
        ),
        Mistake(
            "rounds down",
            _rounds_down,
            "You round down, so that good images raise an alarm more often than promised.",
        ),
        Mistake(
            "index for number",
            _index_for_number,
            "You are one score too high: the j-th smallest has the index j - 1.",
        ),
        Mistake(
            "unsorted",
            _unsorted,
            "You take the j-th score of the list. Take the j-th smallest.",
        ),
        Mistake(
            "always finite",
            _largest_at_most,
            "With so few images no score is high enough for the promise. Say so: infinity.",
        ),
        Mistake(
            "lower tail",
            _lower_tail,
            "This is the threshold that a share of 1 - δ exceeds. High scores are anomalous.",
        ),
        Mistake(
            "normal distribution",
            _three_sigma,
            "You take scores for normally distributed, which they are not. The conformal "
            "threshold needs their order only.",
        ),
        Mistake(
            "the last bit",
            _last_bit,
            "You round up a number that is whole but for its last bit, (9 + 1)(1 - 0.7) "
            "for example. Round it to nine decimals first.",
        ),
        Mistake(
            "the next score of those there are",
            _next_higher,
            "This is a quantile of the scores that you have. The new image is one more: "
            "count it in, N + 1.",
        ),
        Mistake(
            "rounds to the nearest",
            _to_nearest,
            "You round to the nearest number, which is sometimes down. The promise "
            "needs rounding up.",
        ),
        Mistake(
            "highest first",
            _descending,
            "You count from the highest score down. The j-th *smallest* is wanted.",
        ),
        Mistake(
            "infinite too early",
            _infinite_early,
            "The highest score is still a threshold: infinity only where j is larger than N.",
        ),
    ),
)
