"""Exercise cozad.weigh_repeatedly. The wrong answers are wrong on purpose."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISE"]


def weigh_repeatedly(values: np.ndarray, gamma: float, sharpness: float, passes: int) -> np.ndarray:
    """Score values (N,) by their distance from the weighted mean, weigh, and begin anew; (N,)."""
    weights = np.ones_like(values)
    for _ in range(passes):
        weights = _soft(_scores(values, weights), gamma, sharpness)
    return weights


def _scores(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    mean = np.average(values, weights=weights)
    return np.asarray(
        abs(values - mean) / np.sqrt(np.average((values - mean) ** 2, weights=weights))
    )


def _threshold(scores: np.ndarray, gamma: float) -> float:
    low, high = np.quantile(scores, [0.25, 0.75])
    return float(high + gamma * (high - low))


def _soft(scores: np.ndarray, gamma: float, sharpness: float) -> np.ndarray:
    threshold = _threshold(scores, gamma)
    above = scores > threshold
    return np.asarray(np.where(above, threshold / np.where(above, scores, 1), 1) ** sharpness)


def _one_pass(values: np.ndarray, gamma: float, sharpness: float, passes: int) -> np.ndarray:
    return weigh_repeatedly(values, gamma, sharpness, min(passes, 1))


def _pass_too_many(values: np.ndarray, gamma: float, sharpness: float, passes: int) -> np.ndarray:
    return weigh_repeatedly(values, gamma, sharpness, passes + 1)


def _multiplies(values: np.ndarray, gamma: float, sharpness: float, passes: int) -> np.ndarray:
    weights = np.ones_like(values)
    for _ in range(passes):
        weights = weights * _soft(_scores(values, weights), gamma, sharpness)
    return weights


def _upside_down(values: np.ndarray, gamma: float, sharpness: float, passes: int) -> np.ndarray:
    weights = np.ones_like(values)
    for _ in range(passes):
        scores = _scores(values, weights)
        weights = np.minimum(1, scores / _threshold(scores, gamma)) ** sharpness
    return weights


def _not_sharp(values: np.ndarray, gamma: float, sharpness: float, passes: int) -> np.ndarray:
    return weigh_repeatedly(values, gamma, 1.0, passes)


def _hard(values: np.ndarray, gamma: float, sharpness: float, passes: int) -> np.ndarray:
    return weigh_repeatedly(values, gamma, 1e9, passes)


def _first_threshold(values: np.ndarray, gamma: float, sharpness: float, passes: int) -> np.ndarray:
    weights = np.ones_like(values)
    threshold = _threshold(_scores(values, weights), gamma)
    for _ in range(passes):
        scores = _scores(values, weights)
        weights = np.minimum(1, threshold / np.maximum(scores, 1e-12)) ** sharpness
    return weights


def _gives_scores(values: np.ndarray, gamma: float, sharpness: float, passes: int) -> np.ndarray:
    return _scores(values, weigh_repeatedly(values, gamma, sharpness, passes - 1))


def _pass_too_few(values: np.ndarray, gamma: float, sharpness: float, passes: int) -> np.ndarray:
    return weigh_repeatedly(values, gamma, sharpness, passes - 1)


def _signed(values: np.ndarray, gamma: float, sharpness: float, passes: int) -> np.ndarray:
    weights = np.ones_like(values)
    for _ in range(passes):
        mean = np.average(values, weights=weights)
        scores = (values - mean) / np.sqrt(np.average((values - mean) ** 2, weights=weights))
        weights = _soft(scores, gamma, sharpness)
    return weights


def _squared_scores(values: np.ndarray, gamma: float, sharpness: float, passes: int) -> np.ndarray:
    weights = np.ones_like(values)
    for _ in range(passes):
        weights = _soft(_scores(values, weights) ** 2, gamma, sharpness)
    return weights


def _threshold_of_values(
    values: np.ndarray, gamma: float, sharpness: float, passes: int
) -> np.ndarray:
    weights = np.ones_like(values)
    for _ in range(passes):
        scores = _scores(values, weights)
        threshold = _threshold(values, gamma)
        weights = np.minimum(1, threshold / np.maximum(scores, 1e-12)) ** sharpness
    return weights


def _to_one(values: np.ndarray, gamma: float, sharpness: float, passes: int) -> np.ndarray:
    weights = weigh_repeatedly(values, gamma, sharpness, passes)
    return np.asarray(weights / weights.sum())


def _sharp_at_the_end(
    values: np.ndarray, gamma: float, sharpness: float, passes: int
) -> np.ndarray:
    weights = weigh_repeatedly(values, gamma, 1.0, passes - 1)
    return _soft(_scores(values, weights), gamma, sharpness)


def _with_mean(
    mean: Callable[[np.ndarray, np.ndarray], float],
    values: np.ndarray,
    gamma: float,
    sharpness: float,
    passes: int,
) -> np.ndarray:
    weights = np.ones_like(values)
    for _ in range(passes):
        weights = _soft(abs(values - mean(values, weights)), gamma, sharpness)
    return weights


def _with_threshold(
    of_quartiles: Callable[[float, float], float],
    values: np.ndarray,
    sharpness: float,
    passes: int,
) -> np.ndarray:
    weights = np.ones_like(values)
    for _ in range(passes):
        scores = _scores(values, weights)
        threshold = of_quartiles(*np.quantile(scores, [0.25, 0.75]))
        weights = np.minimum(1, threshold / np.maximum(scores, 1e-12)) ** sharpness
    return weights


def _with_bound(values: np.ndarray, gamma: float, sharpness: float, passes: int) -> np.ndarray:
    weights = np.ones_like(values)
    for _ in range(passes):
        scores = _scores(values, weights)
        weights = (_threshold(scores, gamma) / scores) ** sharpness
    return weights


def _weighing_cases() -> tuple[Case, ...]:
    random = np.random.default_rng(32)
    cases = []
    for n, odd, gamma, sharpness, passes, hidden in (
        (12, 3, 0.5, 2.0, 2, False),
        (9, 2, -1.0, 4.0, 3, False),
        (15, 5, 0.0, 3.0, 2, True),
        (8, 1, -0.5, 2.0, 4, True),
    ):
        values = np.concatenate([random.normal(0, 1, n - odd), random.normal(6, 1, odd)])
        label = f"{n} values, {odd} of them far off, and {passes} passes"
        cases.append(Case(label, (values, gamma, sharpness, passes), hidden))
    below = np.array([0.2, -0.4, 0.1, -7.0, 0.5, -6.2, -0.3, 0.9, 1.3, -0.8])
    cases.insert(2, Case("10 values, two far below, and 2 passes", (below, 0.5, 2.0, 2)))
    cases.append(Case("one pass", (below, 0.0, 1.5, 1), hidden=True))
    cases.append(Case("no pass at all", (below, 0.5, 2.0, 0), hidden=True))
    return tuple(cases)


EXERCISE = Exercise(
    name="cozad.weigh_repeatedly",
    reference=weigh_repeatedly,
    cases=_weighing_cases(),
    mistakes=(
        Mistake(
            "one pass",
            _one_pass,
            "The weights of one pass do not enter the mean of the next: you stop after one pass, "
            "begin each with equal weights, or take the plain mean.",
        ),
        Mistake(
            "a pass too many",
            _pass_too_many,
            "You weigh once more than asked for. The first pass begins with equal weights.",
        ),
        Mistake(
            "multiplies",
            _multiplies,
            "You multiply the weights of all passes, so that they can only fall. Each pass "
            "decides anew.",
        ),
        Mistake(
            "upside down",
            _upside_down,
            "Your weights are low for low scores. High scores are to be doubted: T / s, not s / T.",
        ),
        Mistake(
            "not sharp",
            _not_sharp,
            "The sharpness has no influence on your answer: it is the power of T / s.",
        ),
        Mistake(
            "hard",
            _hard,
            "Your weights are 0 or 1. Soft weights fall as T / s does above the threshold.",
        ),
        Mistake(
            "first threshold",
            _first_threshold,
            "You compute the threshold once. Scores change from pass to pass, and the "
            "threshold with them.",
        ),
        Mistake(
            "gives scores",
            _gives_scores,
            "You return the scores of the last pass. Return the weights.",
        ),
        Mistake(
            "a pass too few",
            _pass_too_few,
            "You weigh once less than asked for.",
        ),
        Mistake(
            "signed distances",
            _signed,
            "Your scores have a sign, so that values far below the mean look ordinary. "
            "A distance is never negative: `abs`.",
        ),
        Mistake(
            "squared scores",
            _squared_scores,
            "Your scores are squared distances. A score is the distance itself.",
        ),
        Mistake(
            "threshold of the values",
            _threshold_of_values,
            "Your quartiles are those of the values. They should be those of the scores.",
        ),
        Mistake(
            "weights that sum to 1",
            _to_one,
            "You scale the weights to sum to 1. A weight of 1 means full trust; what is "
            "divided by their sum is the mean.",
        ),
        Mistake(
            "sharp at the end alone",
            _sharp_at_the_end,
            "You apply the sharpness in the last pass alone. It shapes the weights of "
            "every pass, and so the next mean.",
        ),
        Mistake(
            "sum without division",
            lambda values, gamma, sharpness, passes: _with_mean(
                lambda v, w: v @ w / len(v), values, gamma, sharpness, passes
            ),
            "You divide the weighted sum by the number of values. The weighted mean divides by "
            "the sum of the weights.",
        ),
        Mistake(
            "median",
            lambda values, gamma, sharpness, passes: _with_mean(
                lambda v, w: np.median(v), values, gamma, sharpness, passes
            ),
            "You measure from the median. Measure from the weighted mean.",
        ),
        Mistake(
            "starts at Q1",
            lambda values, gamma, sharpness, passes: _with_threshold(
                lambda q1, q3: q1 + gamma * (q3 - q1), values, sharpness, passes
            ),
            "Your threshold starts at Q1, not at Q3.",
        ),
        Mistake(
            "subtracts the range",
            lambda values, gamma, sharpness, passes: weigh_repeatedly(
                values, -gamma, sharpness, passes
            ),
            "You subtract γ times the interquartile range. It is added.",
        ),
        Mistake(
            "ignores γ",
            lambda values, gamma, sharpness, passes: weigh_repeatedly(
                values, 1.5, sharpness, passes
            ),
            "Your γ is 1.5, whatever the argument says.",
        ),
        Mistake(
            "Q3 alone",
            lambda values, gamma, sharpness, passes: weigh_repeatedly(
                values, 0.0, sharpness, passes
            ),
            "γ has no influence on your answer.",
        ),
        Mistake(
            "root",
            lambda values, gamma, sharpness, passes: weigh_repeatedly(
                values, gamma, 1 / sharpness, passes
            ),
            "You take a root: the exponent is the sharpness itself.",
        ),
        Mistake(
            "no bound",
            lambda values, gamma, sharpness, passes: _with_bound(values, gamma, sharpness, passes),
            "Your weights exceed 1 where a score is below the threshold. No weight is above 1.",
        ),
        Mistake(
            "clips values",
            lambda values, gamma, sharpness, passes: _with_mean(
                lambda v, w: 0.0, values, gamma, sharpness, passes
            ),
            "You measure from 0. Subtract the weighted mean.",
        ),
    ),
)
