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
    tied = np.array([2.0, 1.0, 3.0, 2.0, 1.0, 4.0, 2.0, 2.0, 3.0, 1.0, 5.0, 4.0])
    ties = Case("12 scores with ties and δ = 0.4", (tied, 0.4))
    below = Case("16 scores of both signs and δ = 0.2", (random.normal(0, 2, 16), 0.2))
    negative = Case("11 scores below 0 and δ = 0.25", (-random.gamma(4.0, 0.3, 11), 0.25), True)
    one = Case("a single score and δ = 0.5", (np.array([1.7]), 0.5), True)
    cases = [
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
    ]
    return (*cases[:5], ties, below, *cases[5:], negative, one)


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
        Mistake(
            "equal scores once",
            lambda scores, rate: conformal_threshold(np.unique(scores), rate),
            "Equal scores count once in your answer: `np.unique` drops the others. Each image "
            "counts: `np.sort`.",
        ),
        Mistake(
            "interpolated",
            lambda scores, rate: np.array(
                np.quantile(scores, _rank(scores, rate) / len(scores))
                if _rank(scores, rate) <= len(scores)
                else math.inf
            ),
            "You interpolate between two scores. The j-th smallest is one of them.",
        ),
        Mistake(
            "interpolated, always finite",
            lambda scores, rate: np.array(
                np.quantile(scores, min((len(scores) + 1) * (1 - rate) / len(scores), 1))
            ),
            "You interpolate between two scores, and give a number also where there are too few "
            "images. The j-th smallest score is wanted; infinity where j is larger than N.",
        ),
        Mistake(
            "quartiles",
            lambda scores, rate: np.array(
                np.percentile(scores, 75)
                + 1.5 * (np.percentile(scores, 75) - np.percentile(scores, 25))
            ),
            "This is the fence of a box plot, whatever δ is. It promises nothing.",
        ),
        Mistake(
            "normal distribution, deviation by N",
            lambda scores, rate: np.array(scores.mean() + stats.norm.ppf(1 - rate) * scores.std()),
            "You take scores for normally distributed, which they are not. The conformal "
            "threshold needs only their order.",
        ),
        Mistake(
            "three deviations",
            lambda scores, rate: np.array(scores.mean() + 3 * scores.std()),
            "Mean and three standard deviations, whatever δ is: that promises nothing. Take the "
            "j-th smallest score.",
        ),
        Mistake(
            "highest score",
            lambda scores, rate: np.array(scores.max()),
            "You give the highest score, whatever δ is.",
        ),
        Mistake(
            "one too low",
            lambda scores, rate: _kth(scores, _rank(scores, rate) - 1),
            "You are one score too low.",
        ),
        Mistake(
            "rounds down the plain number",
            lambda scores, rate: _kth(scores, math.floor(len(scores) * (1 - rate))),
            "You count N images and round down. With the new one there are N + 1, and the "
            "promise needs rounding up.",
        ),
        Mistake(
            "the score before",
            lambda scores, rate: np.array(np.quantile(scores, 1 - rate, method="lower")),
            "This is a quantile of the scores that you have, and the lower of two. The new "
            "image is one more: count it in, and round up.",
        ),
        Mistake(
            "rate itself",
            lambda scores, rate: np.array(np.quantile(scores, rate)),
            "This is the quantile at δ. The threshold is to be high: 1 - δ, and N + 1 images.",
        ),
        Mistake(
            "none for infinity",
            lambda scores, rate: np.array(
                np.nan if _rank(scores, rate) > len(scores) else _kth(scores, _rank(scores, rate))
            ),
            "Where there are too few images your answer is not a number. Give infinity.",
        ),
    ),
)
