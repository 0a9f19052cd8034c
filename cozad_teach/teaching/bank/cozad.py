"""Exercises on how the parts fit together. The wrong answers are wrong on purpose."""

from __future__ import annotations

import numpy as np

from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISES"]


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


def nearest_elsewhere(embeddings: np.ndarray, radius: int) -> np.ndarray:
    """Give each patch of (h, w, D) its distance to the nearest one beyond the radius, (h, w)."""
    rows, columns = _places(embeddings)
    near = np.maximum(abs(rows[:, None] - rows), abs(columns[:, None] - columns)) <= radius
    return _least(embeddings, near)


def _places(embeddings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.indices(embeddings.shape[:2])
    return rows.ravel(), columns.ravel()


def _apart(embeddings: np.ndarray) -> np.ndarray:
    patches = embeddings.reshape(-1, embeddings.shape[-1])
    return np.asarray(np.linalg.norm(patches[:, None] - patches, axis=-1))


def _least(embeddings: np.ndarray, near: np.ndarray) -> np.ndarray:
    found = np.where(near, np.inf, _apart(embeddings)).min(axis=1)
    return np.asarray(found.reshape(embeddings.shape[:2]))


def _itself(embeddings: np.ndarray, radius: int) -> np.ndarray:
    return np.zeros(embeddings.shape[:2])


def _only_not_itself(embeddings: np.ndarray, radius: int) -> np.ndarray:
    return nearest_elsewhere(embeddings, 0)


def _by_number(embeddings: np.ndarray, radius: int) -> np.ndarray:
    numbers = np.arange(embeddings[..., 0].size)
    return _least(embeddings, abs(numbers[:, None] - numbers) <= radius)


def _diamond(embeddings: np.ndarray, radius: int) -> np.ndarray:
    rows, columns = _places(embeddings)
    return _least(embeddings, abs(rows[:, None] - rows) + abs(columns[:, None] - columns) <= radius)


def _at_the_radius(embeddings: np.ndarray, radius: int) -> np.ndarray:
    return nearest_elsewhere(embeddings, radius - 1)


def _farthest(embeddings: np.ndarray, radius: int) -> np.ndarray:
    return np.asarray(_apart(embeddings).max(axis=1).reshape(embeddings.shape[:2]))


def _squared(embeddings: np.ndarray, radius: int) -> np.ndarray:
    return nearest_elsewhere(embeddings, radius) ** 2


def _inside(embeddings: np.ndarray, radius: int) -> np.ndarray:
    rows, columns = _places(embeddings)
    apart = np.maximum(abs(rows[:, None] - rows), abs(columns[:, None] - columns))
    return _least(embeddings, (apart > radius) | (apart == 0))


def _both_far(embeddings: np.ndarray, radius: int) -> np.ndarray:
    rows, columns = _places(embeddings)
    near = np.minimum(abs(rows[:, None] - rows), abs(columns[:, None] - columns)) <= radius
    return _least(embeddings, near)


def _circle(embeddings: np.ndarray, radius: int) -> np.ndarray:
    rows, columns = _places(embeddings)
    return _least(embeddings, np.hypot(rows[:, None] - rows, columns[:, None] - columns) <= radius)


def _rows_alone(embeddings: np.ndarray, radius: int) -> np.ndarray:
    rows, _ = _places(embeddings)
    return _least(embeddings, abs(rows[:, None] - rows) <= radius)


def _one_side(embeddings: np.ndarray, radius: int) -> np.ndarray:
    rows, columns = _places(embeddings)
    near = (rows[:, None] - rows <= radius) & (columns[:, None] - columns <= radius)
    return _least(embeddings, near)


def _sum_of_sizes(embeddings: np.ndarray, radius: int) -> np.ndarray:
    rows, columns = _places(embeddings)
    near = np.maximum(abs(rows[:, None] - rows), abs(columns[:, None] - columns)) <= radius
    patches = embeddings.reshape(-1, embeddings.shape[-1])
    apart = abs(patches[:, None] - patches).sum(-1)
    return np.where(near, np.inf, apart).min(1).reshape(embeddings.shape[:2])


def _number(embeddings: np.ndarray, radius: int) -> np.ndarray:
    rows, columns = _places(embeddings)
    near = np.maximum(abs(rows[:, None] - rows), abs(columns[:, None] - columns)) <= radius
    return np.where(near, np.inf, _apart(embeddings)).argmin(1).reshape(embeddings.shape[:2])


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
    return (*cases, Case("a prior without weight", without, hidden=True))


def _nearest_cases() -> tuple[Case, ...]:
    random = np.random.default_rng(31)
    shapes = (
        *((4, 5, 3, 1, False), (9, 8, 2, 3, False)),
        *((3, 8, 4, 1, True), (2, 9, 5, 2, True), (2, 3, 4, 2, True)),
    )
    return tuple(
        Case(f"a grid of {h} x {w} and a radius of {r}", (random.normal(size=(h, w, d)), r), hidden)
        for h, w, d, r, hidden in shapes
    )


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


EXERCISES = (
    Exercise(
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
                "The shares are right, but `np.cov` corrects for the estimated mean unless "
                "`ddof=0`. The equation has the plain sum over the weights.",
            ),
            Mistake(
                "mean with the prior",
                _mean_with_prior,
                "The prior enters your mean. It is one of the covariance: the mean is that "
                "of the support.",
            ),
        ),
    ),
    Exercise(
        name="cozad.nearest_elsewhere",
        reference=nearest_elsewhere,
        cases=_nearest_cases(),
        mistakes=(
            Mistake(
                "finds itself",
                _itself,
                "All distances are 0: the nearest patch is the patch itself, or you put a 0 where "
                "a pair is too close. Put infinity there.",
            ),
            Mistake(
                "only itself is left out",
                _only_not_itself,
                "You leave out the patch itself, but not its neighbours within the radius, which "
                "look like it because they see the same pixels.",
            ),
            Mistake(
                "counts along the rows",
                _by_number,
                "You compare the numbers of patches. The last of a row and the first of the next "
                "one follow each other and are far apart: compare rows and columns.",
            ),
            Mistake(
                "diamond",
                _diamond,
                "You add the distances in rows and columns, which leaves out a diamond. A square "
                "is meant: the larger of the two counts.",
            ),
            Mistake(
                "at the radius",
                _at_the_radius,
                "Patches exactly at the radius count in your answer. They should be left out.",
            ),
            Mistake(
                "farthest",
                _farthest,
                "You give the distance to the farthest patch. The nearest one is wanted.",
            ),
            Mistake(
                "squared",
                _squared,
                "Your distances are squared.",
            ),
            Mistake(
                "inside the radius",
                _inside,
                "You search among the neighbours. Search everywhere else.",
            ),
            Mistake(
                "both far",
                _both_far,
                "You want rows *and* columns to be far. One of them is enough: a patch far "
                "away in the same row counts.",
            ),
            Mistake(
                "circle",
                _circle,
                "You leave out a circle. A square is meant: the larger of the distances in "
                "rows and columns counts.",
            ),
            Mistake(
                "rows alone",
                _rows_alone,
                "You compare rows alone. A patch far away in the same row counts too.",
            ),
            Mistake(
                "one side alone",
                _one_side,
                "You look to one side only. Distances have no sign: `abs`.",
            ),
            Mistake(
                "other distance",
                _sum_of_sizes,
                "You add the sizes of the differences. The Euclidean distance is wanted: "
                "the root of the sum of squares.",
            ),
            Mistake(
                "number of the patch",
                _number,
                "You return which patch is nearest. Return how far away it is.",
            ),
        ),
    ),
    Exercise(
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
                "Your weights are low for low scores. High scores are to be doubted: T / s, not "
                "s / T.",
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
    ),
)
