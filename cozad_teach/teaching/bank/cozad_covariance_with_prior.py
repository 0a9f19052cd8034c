"""Exercise cozad.covariance_with_prior. The wrong answers are wrong on purpose."""

from __future__ import annotations

import numpy as np

from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISE"]


def covariance_with_prior(
    embeddings: np.ndarray, weights: np.ndarray, prior: np.ndarray, prior_weight: float
) -> np.ndarray:
    """Give the covariance (D, D) of weighted patches (P, D) after a prior (D, D)."""
    return _mix(_scatter(embeddings, weights), weights.sum(), prior, prior_weight)


def _scatter(embeddings: np.ndarray, weights: np.ndarray) -> np.ndarray:
    centred = embeddings - np.average(embeddings, axis=0, weights=weights)
    return np.asarray((weights[:, None] * centred).T @ centred)


def _mix(scatter: np.ndarray, total: float, prior: np.ndarray, prior_weight: float) -> np.ndarray:
    return np.asarray((prior_weight * prior + scatter) / (prior_weight + total))


def _half_and_half(
    embeddings: np.ndarray, weights: np.ndarray, prior: np.ndarray, prior_weight: float
) -> np.ndarray:
    return np.asarray((prior + _scatter(embeddings, weights) / weights.sum()) / 2)


def _no_prior(
    embeddings: np.ndarray, weights: np.ndarray, prior: np.ndarray, prior_weight: float
) -> np.ndarray:
    return np.asarray(_scatter(embeddings, weights) / weights.sum())


def _divides_by_support(
    embeddings: np.ndarray, weights: np.ndarray, prior: np.ndarray, prior_weight: float
) -> np.ndarray:
    scatter = _scatter(embeddings, weights)
    return np.asarray((prior_weight * prior + scatter) / weights.sum())


def _counts_patches(
    embeddings: np.ndarray, weights: np.ndarray, prior: np.ndarray, prior_weight: float
) -> np.ndarray:
    return _mix(_scatter(embeddings, weights), len(weights), prior, prior_weight)


def _unweighted_mean(
    embeddings: np.ndarray, weights: np.ndarray, prior: np.ndarray, prior_weight: float
) -> np.ndarray:
    centred = embeddings - embeddings.mean(axis=0)
    return _mix((weights[:, None] * centred).T @ centred, weights.sum(), prior, prior_weight)


def _around_zero(
    embeddings: np.ndarray, weights: np.ndarray, prior: np.ndarray, prior_weight: float
) -> np.ndarray:
    scatter = (weights[:, None] * embeddings).T @ embeddings
    return _mix(scatter, weights.sum(), prior, prior_weight)


def _prior_counts_once(
    embeddings: np.ndarray, weights: np.ndarray, prior: np.ndarray, prior_weight: float
) -> np.ndarray:
    return _mix(_scatter(embeddings, weights), weights.sum(), prior, 1.0)


def _unweighted(
    embeddings: np.ndarray, weights: np.ndarray, prior: np.ndarray, prior_weight: float
) -> np.ndarray:
    return covariance_with_prior(embeddings, np.ones_like(weights), prior, prior_weight)


def _prior_unscaled(
    embeddings: np.ndarray, weights: np.ndarray, prior: np.ndarray, prior_weight: float
) -> np.ndarray:
    scatter = _scatter(embeddings, weights)
    return np.asarray((prior + scatter) / (prior_weight + weights.sum()))


def _weights_squared(
    embeddings: np.ndarray, weights: np.ndarray, prior: np.ndarray, prior_weight: float
) -> np.ndarray:
    centred = weights[:, None] * (embeddings - np.average(embeddings, axis=0, weights=weights))
    return _mix(centred.T @ centred, weights.sum(), prior, prior_weight)


def _weights_to_one(
    embeddings: np.ndarray, weights: np.ndarray, prior: np.ndarray, prior_weight: float
) -> np.ndarray:
    return covariance_with_prior(embeddings, weights / weights.sum(), prior, prior_weight)


def _one_less(
    embeddings: np.ndarray, weights: np.ndarray, prior: np.ndarray, prior_weight: float
) -> np.ndarray:
    total = weights.sum()
    return (prior_weight * prior + _scatter(embeddings, weights)) / (prior_weight + total - 1)


def _corrected(
    embeddings: np.ndarray, weights: np.ndarray, prior: np.ndarray, prior_weight: float
) -> np.ndarray:
    covariance = np.atleast_2d(np.cov(embeddings, rowvar=False, aweights=weights))
    return _mix(weights.sum() * covariance, weights.sum(), prior, prior_weight)


def _mean_with_prior(
    embeddings: np.ndarray, weights: np.ndarray, prior: np.ndarray, prior_weight: float
) -> np.ndarray:
    centred = embeddings - weights @ embeddings / (weights.sum() + prior_weight)
    return _mix((weights[:, None] * centred).T @ centred, weights.sum(), prior, prior_weight)


def _covariance_cases() -> tuple[Case, ...]:
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


EXERCISE = Exercise(
    name="cozad.covariance_with_prior",
    reference=covariance_with_prior,
    cases=_covariance_cases(),
    mistakes=(
        Mistake(
            "half and half",
            _half_and_half,
            "Prior and support count one half each in your answer. Each should count by its "
            "weight: a large support outweighs the prior.",
        ),
        Mistake(
            "no prior",
            _no_prior,
            "The prior has no influence on your answer.",
        ),
        Mistake(
            "divides by the support alone",
            _divides_by_support,
            "The prior is in the sum but not in the number that you divide by.",
        ),
        Mistake(
            "counts patches",
            _counts_patches,
            "You count each patch as 1 in the denominator. The support counts by the sum of "
            "its weights.",
        ),
        Mistake(
            "unweighted mean",
            _unweighted_mean,
            "You subtract the plain mean. The weighted one is meant.",
        ),
        Mistake(
            "no mean",
            _around_zero,
            "You do not subtract the mean of the support: a covariance is around the mean.",
        ),
        Mistake(
            "prior counts once",
            _prior_counts_once,
            "Your prior counts as much as one patch, whatever `prior_weight` says.",
        ),
        Mistake(
            "ignores the weights",
            _unweighted,
            "All patches count alike in your answer. Use the weights.",
        ),
        Mistake(
            "prior without its weight",
            _prior_unscaled,
            "The weight of the prior is in the denominator, but not in the sum: "
            "multiply the prior by it.",
        ),
        Mistake(
            "weights squared",
            _weights_squared,
            "You weigh the offsets on both sides of the product, which squares the "
            "weights. One side is enough.",
        ),
        Mistake(
            "weights scaled to 1",
            _weights_to_one,
            "You scale the weights to sum to 1, so that a support of any size counts as "
            "one patch. Leave them as they are: a large support outweighs the prior.",
        ),
        Mistake(
            "one less",
            _one_less,
            "You subtract 1 from the number that you divide by. The equation does not.",
        ),
        Mistake(
            "corrected covariance",
            _corrected,
            "`np.cov` corrects for the estimated mean unless "
            "`ddof=0`. The equation has the plain sum over the weights.",
        ),
        Mistake(
            "mean with the prior",
            _mean_with_prior,
            "The prior enters your mean. It is one of the covariance: the mean is that "
            "of the support.",
        ),
        Mistake(
            "prior below alone",
            lambda e, w, prior, n: _mix(_scatter(e, w), w.sum(), 0 * prior, n),
            "The weight of the prior is in the denominator, but the prior is not in the sum.",
        ),
        Mistake(
            "scatter without weights",
            lambda e, w, prior, n: _mix(
                (e - np.average(e, axis=0, weights=w)).T @ (e - np.average(e, axis=0, weights=w)),
                w.sum(),
                prior,
                n,
            ),
            "In the scatter all patches count alike. The weights belong there as well, not only "
            "in the mean.",
        ),
        Mistake(
            "mean scatter in the sum",
            lambda e, w, prior, n: _mix(_scatter(e, w) / w.sum(), w.sum(), prior, n),
            "You divide the scatter by the weights before you add the prior, and by all weights "
            "once more.",
        ),
        Mistake(
            "does not divide",
            lambda e, w, prior, n: (n + w.sum()) * covariance_with_prior(e, w, prior, n),
            "You do not divide by the weights of prior and support.",
        ),
        Mistake(
            "sum of both",
            lambda e, w, prior, n: prior + _scatter(e, w) / w.sum(),
            "You add prior and covariance. Each counts by its weight, and the weights sum to 1.",
        ),
        Mistake(
            "shares exchanged",
            lambda e, w, prior, n: (w.sum() * prior + n * _scatter(e, w) / w.sum()) / (n + w.sum()),
            "The two weights are exchanged: the prior counts by `prior_weight`.",
        ),
        Mistake(
            "prior for each patch",
            lambda e, w, prior, n: covariance_with_prior(e, w, prior, n * len(e)),
            "Your prior counts for each patch anew. It counts as much as `prior_weight` patches, "
            "whatever the support.",
        ),
        Mistake(
            "the prior alone",
            lambda e, w, prior, n: prior,
            "The support has no influence on your answer.",
        ),
        Mistake(
            "variances alone",
            lambda e, w, prior, n: np.diag(np.diag(covariance_with_prior(e, w, prior, n))),
            "Beside the diagonal you have 0. A covariance also says how channels vary together.",
        ),
        Mistake(
            "weights of at most 1",
            lambda e, w, prior, n: covariance_with_prior(e, np.minimum(w, 1), prior, n),
            "You bound the weights by 1. Take them as they are.",
        ),
    ),
)
