"""Exercise confidence.soft_weights. The wrong answers are wrong on purpose."""

from __future__ import annotations

import functools

import numpy as np

from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISE"]


def soft_weights(scores: np.ndarray, threshold: float, sharpness: float) -> np.ndarray:
    """Give min(1, threshold / s) ** sharpness of scores (N,)."""
    weights = np.ones(len(scores))
    high = scores > threshold
    weights[high] = (threshold / scores[high]) ** sharpness
    return weights


def _hard(scores: np.ndarray, threshold: float, sharpness: float) -> np.ndarray:
    return (scores <= threshold).astype(float)


def _inverted(scores: np.ndarray, threshold: float, sharpness: float) -> np.ndarray:
    return np.asarray(np.minimum(1, scores / threshold) ** sharpness)


def _unbounded(scores: np.ndarray, threshold: float, sharpness: float) -> np.ndarray:
    return np.asarray((threshold / np.maximum(scores, 1e-12)) ** sharpness)


def _unbounded_to_infinity(scores: np.ndarray, threshold: float, sharpness: float) -> np.ndarray:
    return np.asarray((threshold / scores) ** sharpness)


def _no_sharpness(scores: np.ndarray, threshold: float, sharpness: float) -> np.ndarray:
    return soft_weights(scores, threshold, 1.0)


def _sharpness_times(scores: np.ndarray, threshold: float, sharpness: float) -> np.ndarray:
    return np.minimum(1, sharpness * soft_weights(scores, threshold, 1.0))


def _zero_divided(scores: np.ndarray, threshold: float, sharpness: float) -> np.ndarray:
    weights = np.minimum(1, threshold / scores) ** sharpness
    return np.where(scores == 0, np.nan, weights)


def _normalised(scores: np.ndarray, threshold: float, sharpness: float) -> np.ndarray:
    weights = soft_weights(scores, threshold, sharpness)
    return np.asarray(weights / weights.sum())


def _exponential(scores: np.ndarray, threshold: float, sharpness: float) -> np.ndarray:
    return np.exp(-sharpness * np.maximum(0, scores - threshold))


def _root(scores: np.ndarray, threshold: float, sharpness: float) -> np.ndarray:
    return soft_weights(scores, threshold, 1 / sharpness)


def _zeros_below(scores: np.ndarray, threshold: float, sharpness: float) -> np.ndarray:
    return np.where(scores > threshold, soft_weights(scores, threshold, sharpness), 0)


def _power_of_score(scores: np.ndarray, threshold: float, sharpness: float) -> np.ndarray:
    return np.where(scores > threshold, threshold / np.maximum(scores, 1e-12) ** sharpness, 1)


def _adds(little: float, scores: np.ndarray, threshold: float, sharpness: float) -> np.ndarray:
    return np.asarray(np.minimum(1, threshold / (scores + little)) ** sharpness)


def _weight_cases() -> tuple[Case, ...]:
    draw = np.random.default_rng(8).gamma
    return (
        Case("6 scores, T = 2, κ = 1", (np.array([0.5, 2.0, 2.5, 4.0, 1.9, 800.0]), 2.0, 1.0)),
        Case("7 scores, T = 1.2, κ = 4", (draw(2.0, 0.8, 7), 1.2, 4.0)),
        Case("a score of 0, T = 1, κ = 2", (np.array([0.0, 3.0, 1.0]), 1.0, 2.0)),
        Case("7 tiny scores, T = 2e-6, κ = 3", (draw(2.0, 2e-6, 7), 2e-6, 3.0)),
        Case("9 scores, T = 0.7, κ = 0.5", (draw(1.0, 1.0, 9), 0.7, 0.5), hidden=True),
    )


EXERCISE = Exercise(
    name="confidence.soft_weights",
    reference=soft_weights,
    cases=_weight_cases(),
    mistakes=(
        Mistake(
            "selects",
            _hard,
            "These are hard weights, 0 or 1. Soft weights fall above the threshold, but to no "
            "sample do they give 0. (An array of whole numbers cuts them off as well.)",
        ),
        Mistake(
            "turns the fraction over",
            _inverted,
            "You divide the score by the threshold, so that low scores lose their weight. "
            "Divide the threshold by the score.",
        ),
        Mistake(
            "has no bound",
            _unbounded,
            "Scores below the threshold get weights above 1: the most ordinary patches would "
            "decide alone. No weight is above 1.",
        ),
        Mistake(
            "unbounded, and infinite at 0",
            _unbounded_to_infinity,
            "Weights of ordinary scores exceed 1, and a score of 0 gets an infinite one. "
            "Change only those above the threshold.",
        ),
        Mistake(
            "forgets the sharpness",
            _no_sharpness,
            "You leave the sharpness out. It is the exponent.",
        ),
        Mistake(
            "multiplies by the sharpness",
            _sharpness_times,
            "You multiply by the sharpness. It is the exponent: κ = 4 turns one half into one "
            "sixteenth.",
        ),
        Mistake(
            "divides by a score of 0",
            _zero_divided,
            "A score of 0 is as ordinary as can be, and must get the weight 1. Do not divide "
            "where the score is below the threshold.",
        ),
        Mistake(
            "makes them sum to 1",
            _normalised,
            "You divide by the sum of the weights. That comes later, with the mean: a weight "
            "of 1 means full trust.",
        ),
        Mistake(
            "falls exponentially",
            _exponential,
            "Your weights fall exponentially with the distance from the threshold. Equation "
            "(weights) is a power of T / s.",
        ),
        Mistake(
            "takes the root",
            _root,
            "You take a root: the exponent is the sharpness itself, not one over it.",
        ),
        Mistake(
            "nothing for ordinary scores",
            _zeros_below,
            "Scores below the threshold get no weight at all. They are the trusted "
            "ones: start with weights of 1.",
        ),
        Mistake(
            "powers the score alone",
            _power_of_score,
            "You raise the score alone to the power. It is the fraction T / s that is "
            "raised: parentheses.",
        ),
        Mistake(
            "larger instead of smaller",
            lambda scores, threshold, sharpness: (
                np.maximum(1, threshold / np.maximum(scores, 1e-300)) ** sharpness
            ),
            "Your weights are 1 or more: you take the larger of 1 and T / s. No weight is above 1.",
        ),
        Mistake(
            "turned over, without a bound",
            lambda scores, threshold, sharpness: (scores / threshold) ** sharpness,
            "You divide the score by the threshold, so that high scores get the high weights, "
            "above 1 even. Divide the threshold by the score, and bound it by 1.",
        ),
        Mistake(
            "distance from the threshold",
            lambda scores, threshold, sharpness: (
                np.clip(1 - (scores - threshold) / threshold, 0, 1) ** sharpness
            ),
            "Your weights fall in a straight line. Equation (weights) is a power of T / s.",
        ),
        Mistake(
            "sigmoid",
            lambda scores, threshold, sharpness: 1 / (1 + np.exp(sharpness * (scores - threshold))),
            "This is a sigmoid, which is one half at the threshold. Equation (weights) is a "
            "power of T / s, and 1 up to the threshold.",
        ),
        Mistake(
            "bound without a power",
            lambda scores, threshold, sharpness: np.minimum(
                1, threshold / np.maximum(scores, 1e-300) * sharpness
            ),
            "You multiply T / s by the sharpness and bound the product. The sharpness is the "
            "exponent.",
        ),
        Mistake(
            "exponential of the ratio",
            lambda scores, threshold, sharpness: np.where(
                scores > threshold, np.exp(-sharpness * (scores / threshold - 1)), 1
            ),
            "Your weights fall exponentially with s / T. Equation (weights) is a power of T / s.",
        ),
        *(
            Mistake(
                f"adds {little:g} to the score",
                functools.partial(_adds, little),
                f"You add {little:g} to the scores against a division by 0. Where they are small "
                "themselves, that changes the weights: divide only where the score is above the "
                "threshold.",
            )
            for little in (1e-3, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10)
        ),
        Mistake(
            "multiplies above the threshold",
            lambda s, t, k: np.where(s > t, k * t / np.maximum(s, 1e-300), 1),
            "You multiply T / s by the sharpness. It is the exponent.",
        ),
        Mistake(
            "exponential everywhere",
            lambda s, t, k: np.exp(-k * s / t),
            "Your weights fall exponentially from 0 on. They are 1 up to the threshold, and "
            "then a power of T / s.",
        ),
    ),
)
