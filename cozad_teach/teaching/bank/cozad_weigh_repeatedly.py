"""Exercise cozad.weigh_repeatedly. The wrong answers are wrong on purpose."""

from __future__ import annotations

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
    return weigh_repeatedly(values, gamma, sharpness, 1)


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
    weights = np.ones_like(values)
    for _ in range(passes):
        scores = _scores(values, weights)
        weights = (scores <= _threshold(scores, gamma)).astype(float)
    return weights


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
    return tuple(cases)


EXERCISE = Exercise(
    name="cozad.weigh_repeatedly",
    reference=weigh_repeatedly,
    cases=_weighing_cases(),
    mistakes=(
        Mistake(
            "one pass",
            _one_pass,
            "You stop after one pass, or begin each with equal weights: the weights of one "
            "pass should enter the mean of the next.",
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
    ),
)
