"""Exercise confidence.weighted_covariance."""

import numpy as np

from cozad_book.checking.cases import Case, Exercise


def _covariance_cases():
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


EXERCISE = Exercise("confidence.weighted_covariance", cases=_covariance_cases())


@EXERCISE.right
def weighted_covariance(embeddings: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Give the weighted covariance of (P, D) around the weighted mean, divided by the weights."""
    share = weights / weights.sum()
    offsets = embeddings - share @ embeddings
    return np.asarray((share[:, None] * offsets).T @ offsets)


@EXERCISE.wrong
def ignores_the_weights(embeddings, weights):
    """All patches count the same here. Use the weights, in the mean and in the sum."""
    return weighted_covariance(embeddings, np.ones(len(weights)))


@EXERCISE.wrong
def has_a_mean_without_weights(embeddings, weights):
    """The sum is weighted, but the mean is not: what is doubted still shifts it."""
    offsets = embeddings - embeddings.mean(axis=0)
    return np.asarray((weights[:, None] * offsets).T @ offsets / weights.sum())


@EXERCISE.wrong
def divides_by_the_number_of_patches(embeddings, weights):
    """You divide by the number of patches. Divide by the sum of the weights, or the covariance
    shrinks with every patch that is doubted."""
    return weighted_covariance(embeddings, weights) * weights.sum() / len(weights)


@EXERCISE.wrong
def corrects_for_the_estimated_mean(embeddings, weights):
    """Your divisor is smaller than the sum of the weights: `np.cov` corrects for the estimated mean
    unless `ddof=0`. The equation divides by the sum itself."""
    return np.atleast_2d(np.cov(embeddings, rowvar=False, aweights=weights))


@EXERCISE.wrong
def weighs_twice(embeddings, weights):
    """Each product holds the weight squared: you weigh the offsets on both sides. One side is
    enough."""
    share = weights / weights.sum()
    offsets = weights[:, None] * (embeddings - share @ embeddings)
    return np.asarray(offsets.T @ offsets / weights.sum())


@EXERCISE.wrong
def leaves_the_mean_in(embeddings, weights):
    """You do not subtract the mean."""
    return np.asarray((weights[:, None] * embeddings).T @ embeddings / weights.sum())


@EXERCISE.wrong
def compares_patches(embeddings, weights):
    """The result is one number for each pair of patches. A covariance has one for each pair of
    channels: turn the product around."""
    share = weights / weights.sum()
    offsets = embeddings - share @ embeddings
    return np.asarray(offsets @ offsets.T / weights.sum())


@EXERCISE.wrong
def weighs_the_embeddings(embeddings, weights):
    """You multiply the embeddings by their weights, which moves doubtful patches towards 0. They
    stay where they are and count less."""
    return np.asarray(np.cov(weights[:, None] * embeddings, rowvar=False, bias=True))


@EXERCISE.wrong
def one_less(embeddings, weights):
    """You divide by the sum of the weights minus 1. Weights are no counts, and their sum may be
    below 1: divide by the sum."""
    return weighted_covariance(embeddings, weights) * weights.sum() / (weights.sum() - 1)


@EXERCISE.wrong
def a_sum_for_the_mean(embeddings, weights):
    """`weights @ embeddings` is a sum. For the mean, divide it by the sum of the weights."""
    offsets = embeddings - weights @ embeddings
    return np.asarray((weights[:, None] * offsets).T @ offsets / weights.sum())


@EXERCISE.wrong
def weights_in_the_mean_alone(embeddings, weights):
    """The mean is weighted, but in the sum of products all patches count the same."""
    offsets = embeddings - weights @ embeddings / weights.sum()
    return np.asarray(offsets.T @ offsets / len(embeddings))


@EXERCISE.wrong
def ignores_the_weights_one_less(embeddings, weights):
    """All patches count the same here, and `np.cov` divides by one less than their number. Use the
    weights, and divide by their sum."""
    return np.atleast_2d(np.cov(embeddings, rowvar=False))


@EXERCISE.wrong
def weights_of_at_most_1(embeddings, weights):
    """You bound the weights by 1. Take them as they are: only their ratios count."""
    return weighted_covariance(embeddings, np.minimum(weights, 1))


@EXERCISE.wrong
def does_not_divide(embeddings, weights):
    """You do not divide by the sum of the weights."""
    return weighted_covariance(embeddings, weights) * weights.sum()


@EXERCISE.wrong
def variances_alone(embeddings, weights):
    """Beside the diagonal you have 0. A covariance also says how channels vary together."""
    return np.diag(np.diag(weighted_covariance(embeddings, weights)))


@EXERCISE.wrong
def squared_weights(embeddings, weights):
    """Your weights are squared, in the mean and in the sum. Take them as they are."""
    return weighted_covariance(embeddings, weights**2)


@EXERCISE.wrong
def roots_of_the_weights(embeddings, weights):
    """You multiply one side by the roots of the weights. Either one side by the weights or both
    sides by their roots."""
    away = embeddings - np.average(embeddings, axis=0, weights=weights)
    return (away * np.sqrt(weights)[:, None]).T @ away / weights.sum()


@EXERCISE.wrong
def mean_of_weighted_rows(embeddings, weights):
    """Your mean divides the weighted sum by the number of patches. Divide by the sum of the
    weights."""
    away = embeddings - (weights[:, None] * embeddings).mean(axis=0)
    return (away * weights[:, None]).T @ away / weights.sum()


@EXERCISE.wrong
def squares_above_and_below(embeddings, weights):
    """You weigh both sides and divide by the sum of the squared weights. Each patch counts by
    its weight, not by its square."""
    away = embeddings - np.average(embeddings, axis=0, weights=weights)
    return (away * weights[:, None] ** 2).T @ away / (weights**2).sum()
