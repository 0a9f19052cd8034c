"""Exercise confidence.iqr_threshold. The wrong answers are wrong on purpose."""

from __future__ import annotations

from collections.abc import Callable

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
    return iqr_threshold(scores, -gamma)


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


def _by_rule(rule: str) -> Callable[[np.ndarray, float], float]:
    def threshold(scores: np.ndarray, gamma: float) -> float:
        q1, q3 = np.percentile(scores, [25, 75], method=rule)  # type: ignore[call-overload]
        return float(q3 + gamma * (q3 - q1))

    return threshold


def _by_place(scores: np.ndarray, gamma: float) -> float:
    return _unsorted(np.sort(scores), gamma)


def _by_halves(scores: np.ndarray, gamma: float) -> float:
    ordered, half = np.sort(scores), max(len(scores) // 2, 1)
    q1, q3 = np.median(ordered[:half]), np.median(ordered[-half:])
    return float(q3 + gamma * (q3 - q1))


def _threshold_cases() -> tuple[Case, ...]:
    draw = np.random.default_rng(7).gamma
    tied = np.array([3.0, 1.0, 2.0, 2.0, 9.0, 2.0, 4.0])
    return (
        Case("8 scores, γ = 1.5", (draw(2.0, 1.0, 8), 1.5)),
        Case("7 scores with ties, γ = 0.5", (tied, 0.5)),
        Case("10 scores, γ = 0", (draw(2.0, 1.0, 10), 0.0)),
        Case("9 scores of both signs, γ = -1", (draw(2.0, 1.0, 9) - 2, -1.0)),
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
            "Your quartiles are scores of the list (`inverted_cdf`). Between two of them, "
            "interpolate linearly.",
        ),
        Mistake(
            "place in the sorted list",
            _by_place,
            "You take the scores at a quarter and at three quarters of the sorted list. A "
            "quartile lies between two scores: interpolate, as `np.percentile` does.",
        ),
        Mistake(
            "medians of the halves",
            _by_halves,
            "Your quartiles are the medians of the lower and the upper half. NumPy interpolates "
            "linearly at 25 % and 75 %.",
        ),
        Mistake(
            "range alone",
            lambda scores, gamma: iqr_threshold(scores, gamma) - np.percentile(scores, 75),
            "This is γ times the interquartile range alone. It is added to Q3.",
        ),
        Mistake(
            "γ of 0 is another",
            lambda scores, gamma: iqr_threshold(scores, gamma or 1.5),
            "Where γ is 0 you take another γ: `or` takes 0 for nothing. Here 0 is a value like "
            "any other, and the threshold is Q3.",
        ),
        Mistake(
            "never below 0",
            lambda scores, gamma: max(0.0, iqr_threshold(scores, gamma)),
            "You do not let the threshold fall below 0. The equation has no such bound.",
        ),
        Mistake(
            "multiplies Q3",
            lambda scores, gamma: (1 + gamma) * np.percentile(scores, 75),
            "You add γ times Q3. Add γ times the interquartile range, Q3 - Q1.",
        ),
        Mistake(
            "Q3 alone",
            lambda scores, gamma: iqr_threshold(scores, 0.0),
            "Your γ has no influence: this is Q3 alone.",
        ),
        Mistake(
            "corrected standard deviation",
            lambda scores, gamma: scores.mean() + gamma * scores.std(ddof=1),
            "You use mean and standard deviation (of one less). A few huge scores move both; "
            "take the quartiles.",
        ),
        Mistake(
            "median absolute deviation",
            lambda scores, gamma: (
                np.median(scores) + gamma * np.median(abs(scores - np.median(scores)))
            ),
            "You use the median and the median distance from it. The quartiles are wanted.",
        ),
        *(
            Mistake(
                f"quartiles by the rule {rule}",
                _by_rule(rule),
                f"Your quartiles follow another rule (`{rule}` in NumPy). Interpolate linearly, as "
                "NumPy does by default.",
            )
            for rule in ("lower", "higher", "nearest", "midpoint", "hazen", "weibull")
        ),
        Mistake(
            "outer tenths",
            lambda s, gamma: (1 + gamma) * np.percentile(s, 90) - gamma * np.percentile(s, 10),
            "You take the 10 % and 90 % quantiles. Quartiles are at 25 % and 75 %.",
        ),
    ),
)
