"""Exercise cozad.covariance_with_prior."""

import numpy as np

from cozad_book.checking.cases import Case, Exercise


def _scatter(embeddings, weights):
    centred = embeddings - np.average(embeddings, axis=0, weights=weights)
    return np.asarray((weights[:, None] * centred).T @ centred)


def _mix(scatter, total, prior, prior_weight):
    return np.asarray((prior_weight * prior + scatter) / (prior_weight + total))


def _covariance_cases():
    random = np.random.default_rng(30)
    cases = []
    for n, d, prior_weight, hidden in ((7, 2, 5.0, False), (4, 3, 2.5, False), (3, 5, 8.0, True)):
        root = random.normal(size=(d, d + 1))
        arguments = (
            random.normal(1, 2, (n, d)),
            random.uniform(0.1, 1, n),
            root @ root.T,
            prior_weight,
        )
        cases.append(Case(f"{n} patches of {d} channels", arguments, hidden))
    without = (*cases[0].arguments[:3], 0.0)
    few, _, of_two, weight = cases[0].arguments
    heavy = (few[:6], np.array([3.0, 0.0, 0.4, 1.0, 2.5, 0.0]), of_two, weight)
    cases.insert(2, Case("weights of 0 and above 1", heavy))
    return (*cases, Case("a prior without weight", without, hidden=True))


EXERCISE = Exercise("cozad.covariance_with_prior", cases=_covariance_cases())


@EXERCISE.right
def covariance_with_prior(
    embeddings: np.ndarray, weights: np.ndarray, prior: np.ndarray, prior_weight: float
) -> np.ndarray:
    """Give the covariance (D, D) of weighted patches (P, D) after a prior (D, D)."""
    return _mix(_scatter(embeddings, weights), weights.sum(), prior, prior_weight)


@EXERCISE.wrong
def half_and_half(embeddings, weights, prior, prior_weight):
    """Prior and support count one half each in your answer. Each should count by its weight: a
    large support outweighs the prior."""
    return np.asarray((prior + _scatter(embeddings, weights) / weights.sum()) / 2)


@EXERCISE.wrong
def no_prior(embeddings, weights, prior, prior_weight):
    """The prior has no influence on your answer."""
    return np.asarray(_scatter(embeddings, weights) / weights.sum())


@EXERCISE.wrong
def divides_by_the_support_alone(embeddings, weights, prior, prior_weight):
    """The prior is in the sum but not in the number that you divide by."""
    scatter = _scatter(embeddings, weights)
    return np.asarray((prior_weight * prior + scatter) / weights.sum())


@EXERCISE.wrong
def counts_patches(embeddings, weights, prior, prior_weight):
    """You count each patch as 1 in the denominator. The support counts by the sum of its
    weights."""
    return _mix(_scatter(embeddings, weights), len(weights), prior, prior_weight)


@EXERCISE.wrong
def unweighted_mean(embeddings, weights, prior, prior_weight):
    """You subtract the plain mean. The weighted one is meant."""
    centred = embeddings - embeddings.mean(axis=0)
    return _mix((weights[:, None] * centred).T @ centred, weights.sum(), prior, prior_weight)


@EXERCISE.wrong
def no_mean(embeddings, weights, prior, prior_weight):
    """You do not subtract the mean of the support: a covariance is around the mean."""
    scatter = (weights[:, None] * embeddings).T @ embeddings
    return _mix(scatter, weights.sum(), prior, prior_weight)


@EXERCISE.wrong
def prior_counts_once(embeddings, weights, prior, prior_weight):
    """Your prior counts as much as one patch, whatever `prior_weight` says."""
    return _mix(_scatter(embeddings, weights), weights.sum(), prior, 1.0)


@EXERCISE.wrong
def ignores_the_weights(embeddings, weights, prior, prior_weight):
    """All patches count alike in your answer. Use the weights."""
    return covariance_with_prior(embeddings, np.ones_like(weights), prior, prior_weight)


@EXERCISE.wrong
def prior_without_its_weight(embeddings, weights, prior, prior_weight):
    """The weight of the prior is in the denominator, but not in the sum: multiply the prior by
    it."""
    scatter = _scatter(embeddings, weights)
    return np.asarray((prior + scatter) / (prior_weight + weights.sum()))


@EXERCISE.wrong
def weights_squared(embeddings, weights, prior, prior_weight):
    """You weigh the offsets on both sides of the product, which squares the weights. One side is
    enough."""
    centred = weights[:, None] * (embeddings - np.average(embeddings, axis=0, weights=weights))
    return _mix(centred.T @ centred, weights.sum(), prior, prior_weight)


@EXERCISE.wrong
def weights_scaled_to_1(embeddings, weights, prior, prior_weight):
    """You scale the weights to sum to 1, so that a support of any size counts as one patch. Leave
    them as they are: a large support outweighs the prior."""
    return covariance_with_prior(embeddings, weights / weights.sum(), prior, prior_weight)


@EXERCISE.wrong
def one_less(embeddings, weights, prior, prior_weight):
    """You subtract 1 from the number that you divide by. The equation does not."""
    total = weights.sum()
    return (prior_weight * prior + _scatter(embeddings, weights)) / (prior_weight + total - 1)


@EXERCISE.wrong
def corrected_covariance(embeddings, weights, prior, prior_weight):
    """`np.cov` corrects for the estimated mean unless `ddof=0`. The equation has the plain sum over
    the weights."""
    covariance = np.atleast_2d(np.cov(embeddings, rowvar=False, aweights=weights))
    return _mix(weights.sum() * covariance, weights.sum(), prior, prior_weight)


@EXERCISE.wrong
def mean_with_the_prior(embeddings, weights, prior, prior_weight):
    """The prior enters your mean. It is one of the covariance: the mean is that of the support."""
    centred = embeddings - weights @ embeddings / (weights.sum() + prior_weight)
    return _mix((weights[:, None] * centred).T @ centred, weights.sum(), prior, prior_weight)


@EXERCISE.wrong
def prior_below_alone(e, w, prior, n):
    """The weight of the prior is in the denominator, but the prior is not in the sum."""
    return _mix(_scatter(e, w), w.sum(), 0 * prior, n)


@EXERCISE.wrong
def scatter_without_weights(e, w, prior, n):
    """In the scatter all patches count alike. The weights belong there as well, not only in the
    mean."""
    return _mix(
        (e - np.average(e, axis=0, weights=w)).T @ (e - np.average(e, axis=0, weights=w)),
        w.sum(),
        prior,
        n,
    )


@EXERCISE.wrong
def mean_scatter_in_the_sum(e, w, prior, n):
    """You divide the scatter by the weights before you add the prior, and by all weights once
    more."""
    return _mix(_scatter(e, w) / w.sum(), w.sum(), prior, n)


@EXERCISE.wrong
def does_not_divide(e, w, prior, n):
    """You do not divide by the weights of prior and support."""
    return (n + w.sum()) * covariance_with_prior(e, w, prior, n)


@EXERCISE.wrong
def sum_of_both(e, w, prior, n):
    """You add prior and covariance. Each counts by its weight, and the weights sum to 1."""
    return prior + _scatter(e, w) / w.sum()


@EXERCISE.wrong
def shares_exchanged(e, w, prior, n):
    """The two weights are exchanged: the prior counts by `prior_weight`."""
    return (w.sum() * prior + n * _scatter(e, w) / w.sum()) / (n + w.sum())


@EXERCISE.wrong
def prior_for_each_patch(e, w, prior, n):
    """Your prior counts for each patch anew. It counts as much as `prior_weight` patches, whatever
    the support."""
    return covariance_with_prior(e, w, prior, n * len(e))


@EXERCISE.wrong
def the_prior_alone(e, w, prior, n):
    """The support has no influence on your answer."""
    return prior


@EXERCISE.wrong
def variances_alone(e, w, prior, n):
    """Beside the diagonal you have 0. A covariance also says how channels vary together."""
    return np.diag(np.diag(covariance_with_prior(e, w, prior, n)))


@EXERCISE.wrong
def weights_of_at_most_1(e, w, prior, n):
    """You bound the weights by 1. Take them as they are."""
    return covariance_with_prior(e, np.minimum(w, 1), prior, n)


@EXERCISE.wrong
def a_sum_for_the_mean(embeddings, weights, prior, prior_weight):
    """`weights @ embeddings` is a sum. For the mean, divide it by the sum of the weights."""
    away = embeddings - weights @ embeddings
    scatter = (away * weights[:, None]).T @ away
    return (prior_weight * prior + scatter) / (prior_weight + weights.sum())


@EXERCISE.wrong
def share_by_the_number_of_patches(embeddings, weights, prior, prior_weight):
    """You mix the two covariances by the number of patches. The support counts by the sum of
    its weights."""
    own = covariance_with_prior(embeddings, weights, prior, 0)
    share = prior_weight / (prior_weight + len(embeddings))
    return share * prior + (1 - share) * own


@EXERCISE.wrong
def whole_numbers(embeddings, weights, prior, prior_weight):
    """You cut the weight of the prior to a whole number."""
    return covariance_with_prior(embeddings, weights, prior, int(prior_weight))


@EXERCISE.wrong
def weighs_the_embeddings(embeddings, weights, prior, prior_weight):
    """You multiply the embeddings by their weights, which moves doubtful patches towards 0.
    They stay where they are and count less."""
    moved = (embeddings * weights[:, None]).T
    total = weights.sum()
    return (prior_weight * prior + total * np.cov(moved, ddof=0)) / (prior_weight + total)
