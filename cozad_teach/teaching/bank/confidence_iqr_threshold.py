"""Exercise confidence.iqr_threshold. The wrong answers are wrong on purpose."""

from __future__ import annotations

import numpy as np

from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISE"]


def iqr_threshold(scores: np.ndarray, gamma: float) -> float:
    """Give Q3 + gamma (Q3 - Q1) of scores (N,)."""
    q1, q3 = np.percentile(scores, [25, 75])
    return float(q3 + gamma * (q3 - q1))


def _from_q1(scores: np.ndarray, gamma: float) -> float:
    q1, q3 = np.percentile(scores, [25, 75])
    return float(q1 + gamma * (q3 - q1))


def _from_median(scores: np.ndarray, gamma: float) -> float:
    q1, q2, q3 = np.percentile(scores, [25, 50, 75])
    return float(q2 + gamma * (q3 - q1))


def _by_deviation(scores: np.ndarray, gamma: float) -> float:
    return float(scores.mean() + gamma * scores.std())


def _below(scores: np.ndarray, gamma: float) -> float:
    q1, q3 = np.percentile(scores, [25, 75])
    return float(q3 - gamma * (q3 - q1))


def _range(scores: np.ndarray, gamma: float) -> float:
    return float(np.percentile(scores, 75) + gamma * (scores.max() - scores.min()))


def _shares(scores: np.ndarray, gamma: float) -> float:
    q1, q3 = np.percentile(scores, [0.25, 0.75])
    return float(q3 + gamma * (q3 - q1))


def _unsorted(scores: np.ndarray, gamma: float) -> float:
    q1, q3 = scores[len(scores) // 4], scores[3 * len(scores) // 4]
    return float(q3 + gamma * (q3 - q1))


def _always_tukey(scores: np.ndarray, gamma: float) -> float:
    return iqr_threshold(scores, 1.5)


def _lower_fence(scores: np.ndarray, gamma: float) -> float:
    q1, q3 = np.percentile(scores, [25, 75])
    return float(q1 - gamma * (q3 - q1))


def _no_interpolation(scores: np.ndarray, gamma: float) -> float:
    q1, q3 = np.percentile(scores, [25, 75], method="inverted_cdf")
    return float(q3 + gamma * (q3 - q1))


def _threshold_cases() -> tuple[Case, ...]:
    draw = np.random.default_rng(7).gamma
    tied = np.array([3.0, 1.0, 2.0, 2.0, 9.0, 2.0, 4.0])
    return (
        Case("8 scores, γ = 1.5", (draw(2.0, 1.0, 8), 1.5)),
        Case("7 scores with ties, γ = 0.5", (tied, 0.5)),
        Case("11 scores, γ = -1", (draw(1.0, 2.0, 11), -1.0), hidden=True),
        Case("a single score", (np.array([2.5]), 1.5), hidden=True),
    )


EXERCISE = Exercise(
    name="confidence.iqr_threshold",
    reference=iqr_threshold,
    cases=_threshold_cases(),
    mistakes=(
        Mistake(
            "starts at Q1",
            _from_q1,
            "The threshold starts at Q1, not at Q3.",
        ),
        Mistake(
            "starts at the median",
            _from_median,
            "The threshold starts at the median, not at Q3.",
        ),
        Mistake(
            "uses the standard deviation",
            _by_deviation,
            "You use mean and standard deviation. A few huge scores move both, and so hide "
            "themselves; quartiles stay where they are.",
        ),
        Mistake(
            "goes down",
            _below,
            "You subtract γ times the interquartile range. It is added: a larger γ means a "
            "higher threshold.",
        ),
        Mistake(
            "uses the whole range",
            _range,
            "You multiply γ by the distance from the lowest to the highest score. One outlier "
            "decides that; take Q3 - Q1.",
        ),
        Mistake(
            "mixes shares and percent",
            _shares,
            "`np.percentile` counts to 100, so 0.25 is a quarter of one percent. Ask for 25 "
            "and 75, or use `np.quantile`.",
        ),
        Mistake(
            "does not sort",
            _unsorted,
            "You take scores by their place in the list. Quartiles are places in the sorted list.",
        ),
        Mistake(
            "ignores γ",
            _always_tukey,
            "Your γ is 1.5, whatever the argument says.",
        ),
        Mistake(
            "around Q1",
            _lower_fence,
            "This is the fence below the scores. Low ones are not in doubt: start at Q3, and add.",
        ),
        Mistake(
            "of the sorted list, without interpolation",
            _no_interpolation,
            "Your quartiles are scores of the list. Between two of them, interpolate linearly.",
        ),
    ),
)
