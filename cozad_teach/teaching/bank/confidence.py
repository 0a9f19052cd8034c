"""Exercises on confidence weights. The wrong answers are wrong on purpose."""

from __future__ import annotations

import numpy as np

from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISES"]


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


def weighted_covariance(embeddings: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Give the weighted covariance of (P, D) around the weighted mean, divided by the weights."""
    share = weights / weights.sum()
    offsets = embeddings - share @ embeddings
    return np.asarray((share[:, None] * offsets).T @ offsets)


def _plain(embeddings: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return weighted_covariance(embeddings, np.ones(len(weights)))


def _plain_mean(embeddings: np.ndarray, weights: np.ndarray) -> np.ndarray:
    offsets = embeddings - embeddings.mean(axis=0)
    return np.asarray((weights[:, None] * offsets).T @ offsets / weights.sum())


def _by_number(embeddings: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return weighted_covariance(embeddings, weights) * weights.sum() / len(weights)


def _unbiased(embeddings: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.atleast_2d(np.cov(embeddings, rowvar=False, aweights=weights))


def _twice(embeddings: np.ndarray, weights: np.ndarray) -> np.ndarray:
    share = weights / weights.sum()
    offsets = weights[:, None] * (embeddings - share @ embeddings)
    return np.asarray(offsets.T @ offsets / weights.sum())


def _no_mean(embeddings: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.asarray((weights[:, None] * embeddings).T @ embeddings / weights.sum())


def _of_patches(embeddings: np.ndarray, weights: np.ndarray) -> np.ndarray:
    share = weights / weights.sum()
    offsets = embeddings - share @ embeddings
    return np.asarray(offsets @ offsets.T / weights.sum())


def _weighted_data(embeddings: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.asarray(np.cov(weights[:, None] * embeddings, rowvar=False, bias=True))


def _one_less(embeddings: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return weighted_covariance(embeddings, weights) * weights.sum() / (weights.sum() - 1)


def _sum_as_mean(embeddings: np.ndarray, weights: np.ndarray) -> np.ndarray:
    offsets = embeddings - weights @ embeddings
    return np.asarray((weights[:, None] * offsets).T @ offsets / weights.sum())


def _weights_in_mean(embeddings: np.ndarray, weights: np.ndarray) -> np.ndarray:
    offsets = embeddings - weights @ embeddings / weights.sum()
    return np.asarray(offsets.T @ offsets / len(embeddings))


def _plain_unbiased(embeddings: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return np.atleast_2d(np.cov(embeddings, rowvar=False))


def _threshold_cases() -> tuple[Case, ...]:
    draw = np.random.default_rng(7).gamma
    tied = np.array([3.0, 1.0, 2.0, 2.0, 9.0, 2.0, 4.0])
    return (
        Case("8 scores, γ = 1.5", (draw(2.0, 1.0, 8), 1.5)),
        Case("7 scores with ties, γ = 0.5", (tied, 0.5)),
        Case("11 scores, γ = -1", (draw(1.0, 2.0, 11), -1.0), hidden=True),
        Case("a single score", (np.array([2.5]), 1.5), hidden=True),
    )


def _weight_cases() -> tuple[Case, ...]:
    draw = np.random.default_rng(8).gamma
    return (
        Case("6 scores, T = 2, κ = 1", (np.array([0.5, 2.0, 2.5, 4.0, 1.9, 800.0]), 2.0, 1.0)),
        Case("7 scores, T = 1.2, κ = 4", (draw(2.0, 0.8, 7), 1.2, 4.0)),
        Case("a score of 0, T = 1, κ = 2", (np.array([0.0, 3.0, 1.0]), 1.0, 2.0)),
        Case("9 scores, T = 0.7, κ = 0.5", (draw(1.0, 1.0, 9), 0.7, 0.5), hidden=True),
    )


def _covariance_cases() -> tuple[Case, ...]:
    random = np.random.default_rng(9)
    cases = []
    for n, d, hidden in ((5, 3, False), (7, 2, False), (4, 6, True)):
        weights = random.uniform(0.1, 1, n)
        arguments = (random.normal(2, 1.5, (n, d)), weights)
        cases.append(Case(f"{n} patches with {d} numbers", arguments, hidden))
    return tuple(cases)


EXERCISES = (
    Exercise(
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
                "You take scores by their place in the list. Quartiles are places in the sorted "
                "list.",
            ),
            Mistake(
                "ignores γ",
                _always_tukey,
                "Your γ is 1.5, whatever the argument says.",
            ),
            Mistake(
                "around Q1",
                _lower_fence,
                "This is the fence below the scores. Low ones are not in doubt: start at "
                "Q3, and add.",
            ),
            Mistake(
                "of the sorted list, without interpolation",
                _no_interpolation,
                "Your quartiles are scores of the list. Between two of them, interpolate linearly.",
            ),
        ),
    ),
    Exercise(
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
        ),
    ),
    Exercise(
        name="confidence.weighted_covariance",
        reference=weighted_covariance,
        cases=_covariance_cases(),
        mistakes=(
            Mistake(
                "ignores the weights",
                _plain,
                "All patches count the same here. Use the weights, in the mean and in the sum.",
            ),
            Mistake(
                "has a mean without weights",
                _plain_mean,
                "The sum is weighted, but the mean is not: what is doubted still shifts it.",
            ),
            Mistake(
                "divides by the number of patches",
                _by_number,
                "You divide by the number of patches. Divide by the sum of the weights, or the "
                "covariance shrinks with every patch that is doubted.",
            ),
            Mistake(
                "corrects for the estimated mean",
                _unbiased,
                "Your divisor is smaller than the sum of the weights: `np.cov` corrects for the "
                "estimated mean unless `ddof=0`. The equation divides by the sum itself.",
            ),
            Mistake(
                "weighs twice",
                _twice,
                "Each product holds the weight squared: you weigh the offsets on both sides. One "
                "side is enough.",
            ),
            Mistake(
                "leaves the mean in",
                _no_mean,
                "You do not subtract the mean.",
            ),
            Mistake(
                "compares patches",
                _of_patches,
                "The result is one number for each pair of patches. A covariance has one for each "
                "pair of channels: turn the product around.",
            ),
            Mistake(
                "weighs the embeddings",
                _weighted_data,
                "You multiply the embeddings by their weights, which moves doubtful patches "
                "towards 0. They stay where they are and count less.",
            ),
            Mistake(
                "one less",
                _one_less,
                "You divide by the sum of the weights minus 1. Weights are no counts, and "
                "their sum may be below 1: divide by the sum.",
            ),
            Mistake(
                "a sum for the mean",
                _sum_as_mean,
                "`weights @ embeddings` is a sum. For the mean, divide it by the sum of the "
                "weights.",
            ),
            Mistake(
                "weights in the mean alone",
                _weights_in_mean,
                "The mean is weighted, but in the sum of products all patches count the same.",
            ),
            Mistake(
                "ignores the weights, one less",
                _plain_unbiased,
                "All patches count the same here, and `np.cov` divides by one less than "
                "their number. Use the weights, and divide by their sum.",
            ),
        ),
    ),
)
