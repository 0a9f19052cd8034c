"""Exercise confidence.soft_weights."""

import functools

import numpy as np

from cozad_book.checking.cases import Case, Exercise, Mistake


def _adds(little, scores, threshold, sharpness):
    return np.asarray(np.minimum(1, threshold / (scores + little)) ** sharpness)


def _weight_cases():
    draw = np.random.default_rng(8).gamma
    return (
        Case("6 scores, T = 2, κ = 1", (np.array([0.5, 2.0, 2.5, 4.0, 1.9, 800.0]), 2.0, 1.0)),
        Case("7 scores, T = 1.2, κ = 4", (draw(2.0, 0.8, 7), 1.2, 4.0)),
        Case("a score of 0, T = 1, κ = 2", (np.array([0.0, 3.0, 1.0]), 1.0, 2.0)),
        Case("7 tiny scores, T = 2e-6, κ = 3", (draw(2.0, 2e-6, 7), 2e-6, 3.0)),
        Case("9 scores, T = 0.7, κ = 0.5", (draw(1.0, 1.0, 9), 0.7, 0.5), hidden=True),
        Case("5 scores above T", (np.array([3.0, 9.0, 40.0, 5.0, 700.0]), 2.0, 2.0), hidden=True),
    )


EXERCISE = Exercise("confidence.soft_weights", cases=_weight_cases())


@EXERCISE.right
def soft_weights(scores: np.ndarray, threshold: float, sharpness: float) -> np.ndarray:
    """Give min(1, threshold / s) ** sharpness of scores (N,)."""
    weights = np.ones(len(scores))
    high = scores > threshold
    weights[high] = (threshold / scores[high]) ** sharpness
    return weights


@EXERCISE.wrong
def selects(scores, threshold, sharpness):
    """These are hard weights, 0 or 1. Soft weights fall above the threshold, but to no sample do
    they give 0. (An array of whole numbers cuts them off as well.)"""
    return (scores <= threshold).astype(float)


@EXERCISE.wrong
def turns_the_fraction_over(scores, threshold, sharpness):
    """You divide the score by the threshold, so that low scores lose their weight. Divide the
    threshold by the score."""
    return np.asarray(np.minimum(1, scores / threshold) ** sharpness)


@EXERCISE.wrong
def has_no_bound(scores, threshold, sharpness):
    """Scores below the threshold get weights above 1: the most ordinary patches would decide alone.
    No weight is above 1."""
    return np.asarray((threshold / np.maximum(scores, 1e-12)) ** sharpness)


@EXERCISE.wrong
def unbounded_and_infinite_at_zero(scores, threshold, sharpness):
    """Weights of ordinary scores exceed 1, and a score of 0 gets an infinite one. Change only those
    above the threshold."""
    return np.asarray((threshold / scores) ** sharpness)


@EXERCISE.wrong
def forgets_the_sharpness(scores, threshold, sharpness):
    """You leave the sharpness out. It is the exponent."""
    return soft_weights(scores, threshold, 1.0)


@EXERCISE.wrong
def multiplies_by_the_sharpness(scores, threshold, sharpness):
    """You multiply by the sharpness. It is the exponent: κ = 4 turns one half into one
    sixteenth."""
    return np.minimum(1, sharpness * soft_weights(scores, threshold, 1.0))


@EXERCISE.wrong
def divides_by_a_score_of_0(scores, threshold, sharpness):
    """A score of 0 is as ordinary as can be, and must get the weight 1. Do not divide where the
    score is below the threshold."""
    weights = np.minimum(1, threshold / scores) ** sharpness
    return np.where(scores == 0, np.nan, weights)


@EXERCISE.wrong
def makes_them_sum_to_1(scores, threshold, sharpness):
    """You divide by the sum of the weights. That comes later, with the mean: a weight of 1 means
    full trust."""
    weights = soft_weights(scores, threshold, sharpness)
    return np.asarray(weights / weights.sum())


@EXERCISE.wrong
def falls_exponentially(scores, threshold, sharpness):
    """Your weights fall exponentially with the distance from the threshold. Equation (weights) is a
    power of T / s."""
    return np.exp(-sharpness * np.maximum(0, scores - threshold))


@EXERCISE.wrong
def takes_the_root(scores, threshold, sharpness):
    """You take a root: the exponent is the sharpness itself, not one over it."""
    return soft_weights(scores, threshold, 1 / sharpness)


@EXERCISE.wrong
def nothing_for_ordinary_scores(scores, threshold, sharpness):
    """Scores below the threshold get no weight at all. They are the trusted ones: start with
    weights of 1."""
    return np.where(scores > threshold, soft_weights(scores, threshold, sharpness), 0)


@EXERCISE.wrong
def powers_the_score_alone(scores, threshold, sharpness):
    """You raise the score alone to the power. It is the fraction T / s that is raised:
    parentheses."""
    return np.where(scores > threshold, threshold / np.maximum(scores, 1e-12) ** sharpness, 1)


@EXERCISE.wrong
def larger_instead_of_smaller(scores, threshold, sharpness):
    """Your weights are 1 or more: you take the larger of 1 and T / s. No weight is above 1."""
    return np.maximum(1, threshold / np.maximum(scores, 1e-300)) ** sharpness


@EXERCISE.wrong
def turned_over_without_a_bound(scores, threshold, sharpness):
    """You divide the score by the threshold, so that high scores get the high weights, above 1
    even. Divide the threshold by the score, and bound it by 1."""
    return (scores / threshold) ** sharpness


@EXERCISE.wrong
def distance_from_the_threshold(scores, threshold, sharpness):
    """Your weights fall in a straight line. Equation (weights) is a power of T / s."""
    return np.clip(1 - (scores - threshold) / threshold, 0, 1) ** sharpness


@EXERCISE.wrong
def sigmoid(scores, threshold, sharpness):
    """This is a sigmoid, which is one half at the threshold. Equation (weights) is a power of T /
    s, and 1 up to the threshold."""
    return 1 / (1 + np.exp(sharpness * (scores - threshold)))


@EXERCISE.wrong
def bound_without_a_power(scores, threshold, sharpness):
    """You multiply T / s by the sharpness and bound the product. The sharpness is the exponent."""
    return np.minimum(1, threshold / np.maximum(scores, 1e-300) * sharpness)


@EXERCISE.wrong
def exponential_of_the_ratio(scores, threshold, sharpness):
    """Your weights fall exponentially with s / T. Equation (weights) is a power of T / s."""
    return np.where(scores > threshold, np.exp(-sharpness * (scores / threshold - 1)), 1)


for little in (1e-3, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10):
    EXERCISE.mistakes.append(
        Mistake(
            f"adds {little:g} to the score",
            functools.partial(_adds, little),
            f"You add {little:g} to the scores against a division by 0. Where they are small "
            "themselves, that changes the weights: divide only where the score is above the "
            "threshold.",
        )
    )


@EXERCISE.wrong
def multiplies_above_the_threshold(s, t, k):
    """You multiply T / s by the sharpness. It is the exponent."""
    return np.where(s > t, k * t / np.maximum(s, 1e-300), 1)


@EXERCISE.wrong
def exponential_everywhere(s, t, k):
    """Your weights fall exponentially from 0 on. They are 1 up to the threshold, and then a power
    of T / s."""
    return np.exp(-k * s / t)


@EXERCISE.wrong
def nothing_for_a_score_of_0(scores, threshold, sharpness):
    """A score of 0 gets no weight in your answer. It is the most ordinary of all, and has the
    weight 1."""
    return np.where(scores == 0, 0, soft_weights(scores, threshold, sharpness))


@EXERCISE.wrong
def above_1_for_ordinary_scores(scores, threshold, sharpness):
    """Below the threshold your weights are above 1. Bound the fraction by 1."""
    return (threshold / np.where(scores == 0, threshold, scores)) ** sharpness


@EXERCISE.wrong
def multiplies_after_the_bound(scores, threshold, sharpness):
    """You bound the fraction and multiply by the sharpness. It is the exponent."""
    return sharpness * soft_weights(scores, threshold, 1)


@EXERCISE.wrong
def power_of_the_threshold_alone(scores, threshold, sharpness):
    """You raise the threshold to the power, and not the score. The whole fraction is raised."""
    return np.minimum(1, threshold**sharpness / np.maximum(scores, 1e-300))


@EXERCISE.wrong
def always_squared(scores, threshold, sharpness):
    """Your exponent is 2, whatever `sharpness` says."""
    return soft_weights(scores, threshold, 2)


@EXERCISE.wrong
def larger_of_one_and_the_fraction(scores, threshold, sharpness):
    """You take the larger of 1 and the fraction. Take the smaller."""
    return np.maximum(1, threshold / np.maximum(scores, 1e-9)) ** sharpness
