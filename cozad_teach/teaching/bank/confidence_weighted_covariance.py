"""Exercise confidence.weighted_covariance. The wrong answers are wrong on purpose."""

from __future__ import annotations

import numpy as np

from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISE"]


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


def _covariance_cases() -> tuple[Case, ...]:
    random = np.random.default_rng(9)
    cases = []
    for n, d, hidden in ((5, 3, False), (7, 2, False), (4, 6, True)):
        weights = random.uniform(0.1, 1, n)
        arguments = (random.normal(2, 1.5, (n, d)), weights)
        cases.append(Case(f"{n} patches with {d} numbers", arguments, hidden))
    heavy = (random.normal(0, 2, (6, 3)), np.array([0.2, 3.0, 0.9, 1.7, 5.0, 0.4]))
    ignored = (random.normal(1, 1, (8, 3)), np.array([0.0, 1.0, 0.3, 0.0, 1.0, 0.8, 0.1, 0.6]))
    cases.insert(2, Case("weights above 1", heavy))
    cases.append(Case("two weights of 0", ignored, hidden=True))
    return tuple(cases)


EXERCISE = Exercise(
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
            "`weights @ embeddings` is a sum. For the mean, divide it by the sum of the weights.",
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
        Mistake(
            "weights of at most 1",
            lambda embeddings, weights: weighted_covariance(embeddings, np.minimum(weights, 1)),
            "You bound the weights by 1. Take them as they are: only their ratios count.",
        ),
        Mistake(
            "does not divide",
            lambda embeddings, weights: weighted_covariance(embeddings, weights) * weights.sum(),
            "You do not divide by the sum of the weights.",
        ),
        Mistake(
            "variances alone",
            lambda embeddings, weights: np.diag(np.diag(weighted_covariance(embeddings, weights))),
            "Beside the diagonal you have 0. A covariance also says how channels vary together.",
        ),
        Mistake(
            "squared weights",
            lambda embeddings, weights: weighted_covariance(embeddings, weights**2),
            "Your weights are squared, in the mean and in the sum. Take them as they are.",
        ),
    ),
)
