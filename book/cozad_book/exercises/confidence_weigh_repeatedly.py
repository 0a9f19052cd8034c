"""Exercise confidence.weigh_repeatedly."""

import numpy as np

from cozad_book.checking.cases import Case, Exercise


def _scores(values, weights):
    mean = np.average(values, weights=weights)
    return np.asarray(
        abs(values - mean) / np.sqrt(np.average((values - mean) ** 2, weights=weights))
    )


def _threshold(scores, gamma):
    low, high = np.quantile(scores, [0.25, 0.75])
    return float(high + gamma * (high - low))


def _soft(scores, gamma, sharpness):
    threshold = _threshold(scores, gamma)
    above = scores > threshold
    return np.asarray(np.where(above, threshold / np.where(above, scores, 1), 1) ** sharpness)


def _with_mean(mean, values, gamma, sharpness, passes):
    weights = np.ones_like(values)
    for _ in range(passes):
        weights = _soft(abs(values - mean(values, weights)), gamma, sharpness)
    return weights


def _with_threshold(of_quartiles, values, sharpness, passes):
    weights = np.ones_like(values)
    for _ in range(passes):
        scores = _scores(values, weights)
        threshold = of_quartiles(*np.quantile(scores, [0.25, 0.75]))
        weights = np.minimum(1, threshold / np.maximum(scores, 1e-12)) ** sharpness
    return weights


def _with_bound(values, gamma, sharpness, passes):
    weights = np.ones_like(values)
    for _ in range(passes):
        scores = _scores(values, weights)
        weights = (_threshold(scores, gamma) / scores) ** sharpness
    return weights


def _weighing_cases():
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


EXERCISE = Exercise("confidence.weigh_repeatedly", cases=_weighing_cases())


@EXERCISE.right
def weigh_repeatedly(values: np.ndarray, gamma: float, sharpness: float, passes: int) -> np.ndarray:
    """Score values (N,) by their distance from the weighted mean, weigh, and begin anew; (N,)."""
    weights = np.ones_like(values)
    for _ in range(passes):
        weights = _soft(_scores(values, weights), gamma, sharpness)
    return weights


@EXERCISE.wrong
def one_pass(values, gamma, sharpness, passes):
    """The weights of one pass do not enter the mean of the next: you stop after one pass, begin
    each with equal weights, or take the plain mean."""
    return weigh_repeatedly(values, gamma, sharpness, min(passes, 1))


@EXERCISE.wrong
def a_pass_too_many(values, gamma, sharpness, passes):
    """You weigh once more than asked for. The first pass begins with equal weights."""
    return weigh_repeatedly(values, gamma, sharpness, passes + 1)


@EXERCISE.wrong
def multiplies(values, gamma, sharpness, passes):
    """You multiply the weights of all passes, so that they can only fall. Each pass decides
    anew."""
    weights = np.ones_like(values)
    for _ in range(passes):
        weights = weights * _soft(_scores(values, weights), gamma, sharpness)
    return weights


@EXERCISE.wrong
def upside_down(values, gamma, sharpness, passes):
    """Your weights are low for low scores. High scores are to be doubted: T / s, not s / T."""
    weights = np.ones_like(values)
    for _ in range(passes):
        scores = _scores(values, weights)
        weights = np.minimum(1, scores / _threshold(scores, gamma)) ** sharpness
    return weights


@EXERCISE.wrong
def not_sharp(values, gamma, sharpness, passes):
    """The sharpness has no influence on your answer: it is the power of T / s."""
    return weigh_repeatedly(values, gamma, 1.0, passes)


@EXERCISE.wrong
def hard(values, gamma, sharpness, passes):
    """Your weights are 0 or 1. Soft weights fall as T / s does above the threshold."""
    return weigh_repeatedly(values, gamma, 1e9, passes)


@EXERCISE.wrong
def first_threshold(values, gamma, sharpness, passes):
    """You compute the threshold once. Scores change from pass to pass, and the threshold with
    them."""
    weights = np.ones_like(values)
    threshold = _threshold(_scores(values, weights), gamma)
    for _ in range(passes):
        scores = _scores(values, weights)
        weights = np.minimum(1, threshold / np.maximum(scores, 1e-12)) ** sharpness
    return weights


@EXERCISE.wrong
def gives_scores(values, gamma, sharpness, passes):
    """You return the scores of the last pass. Return the weights."""
    return _scores(values, weigh_repeatedly(values, gamma, sharpness, passes - 1))


@EXERCISE.wrong
def a_pass_too_few(values, gamma, sharpness, passes):
    """You weigh once less than asked for."""
    return weigh_repeatedly(values, gamma, sharpness, passes - 1)


@EXERCISE.wrong
def signed_distances(values, gamma, sharpness, passes):
    """Your scores have a sign, so that values far below the mean look ordinary. A distance is never
    negative: `abs`."""
    weights = np.ones_like(values)
    for _ in range(passes):
        mean = np.average(values, weights=weights)
        scores = (values - mean) / np.sqrt(np.average((values - mean) ** 2, weights=weights))
        weights = _soft(scores, gamma, sharpness)
    return weights


@EXERCISE.wrong
def squared_scores(values, gamma, sharpness, passes):
    """Your scores are squared distances. A score is the distance itself."""
    weights = np.ones_like(values)
    for _ in range(passes):
        weights = _soft(_scores(values, weights) ** 2, gamma, sharpness)
    return weights


@EXERCISE.wrong
def threshold_of_the_values(values, gamma, sharpness, passes):
    """Your quartiles are those of the values. They should be those of the scores."""
    weights = np.ones_like(values)
    for _ in range(passes):
        scores = _scores(values, weights)
        threshold = _threshold(values, gamma)
        weights = np.minimum(1, threshold / np.maximum(scores, 1e-12)) ** sharpness
    return weights


@EXERCISE.wrong
def weights_that_sum_to_1(values, gamma, sharpness, passes):
    """You scale the weights to sum to 1. A weight of 1 means full trust; what is divided by their
    sum is the mean."""
    weights = weigh_repeatedly(values, gamma, sharpness, passes)
    return np.asarray(weights / weights.sum())


@EXERCISE.wrong
def sharp_at_the_end_alone(values, gamma, sharpness, passes):
    """You apply the sharpness in the last pass alone. It shapes the weights of every pass, and so
    the next mean."""
    weights = weigh_repeatedly(values, gamma, 1.0, passes - 1)
    return _soft(_scores(values, weights), gamma, sharpness)


@EXERCISE.wrong
def sum_without_division(values, gamma, sharpness, passes):
    """You divide the weighted sum by the number of values. The weighted mean divides by the sum of
    the weights."""
    return _with_mean(lambda v, w: v @ w / len(v), values, gamma, sharpness, passes)


@EXERCISE.wrong
def median(values, gamma, sharpness, passes):
    """You measure from the median. Measure from the weighted mean."""
    return _with_mean(lambda v, w: np.median(v), values, gamma, sharpness, passes)


@EXERCISE.wrong
def starts_at_Q1(values, gamma, sharpness, passes):
    """Your threshold starts at Q1, not at Q3."""
    return _with_threshold(lambda q1, q3: q1 + gamma * (q3 - q1), values, sharpness, passes)


@EXERCISE.wrong
def subtracts_the_range(values, gamma, sharpness, passes):
    """You subtract γ times the interquartile range. It is added."""
    return weigh_repeatedly(values, -gamma, sharpness, passes)


@EXERCISE.wrong
def ignores_γ(values, gamma, sharpness, passes):
    """Your γ is 1.5, whatever the argument says."""
    return weigh_repeatedly(values, 1.5, sharpness, passes)


@EXERCISE.wrong
def Q3_alone(values, gamma, sharpness, passes):
    """γ has no influence on your answer."""
    return weigh_repeatedly(values, 0.0, sharpness, passes)


@EXERCISE.wrong
def root(values, gamma, sharpness, passes):
    """You take a root: the exponent is the sharpness itself."""
    return weigh_repeatedly(values, gamma, 1 / sharpness, passes)


@EXERCISE.wrong
def no_bound(values, gamma, sharpness, passes):
    """Your weights exceed 1 where a score is below the threshold. No weight is above 1."""
    return _with_bound(values, gamma, sharpness, passes)


@EXERCISE.wrong
def clips_values(values, gamma, sharpness, passes):
    """You measure from 0. Subtract the weighted mean."""
    return _with_mean(lambda v, w: 0.0, values, gamma, sharpness, passes)


@EXERCISE.wrong
def two_passes_always(values, gamma, sharpness, passes):
    """You take two passes, however many are asked for."""
    return weigh_repeatedly(values, gamma, sharpness, 2)


@EXERCISE.wrong
def keeps_weights_of_the_pass_before(values, gamma, sharpness, passes):
    """Values below the threshold keep the weight of the pass before. Each pass begins with
    weights of 1."""
    weights = np.ones(len(values))
    for _ in range(passes):
        scores = abs(values - np.average(values, weights=weights))
        q1, q3 = np.quantile(scores, [0.25, 0.75])
        threshold = q3 + gamma * (q3 - q1)
        high = scores > threshold
        weights[high] = (threshold / scores[high]) ** sharpness
    return weights


@EXERCISE.wrong
def one_result_for_each_pass(values, gamma, sharpness, passes):
    """You return the weights of every pass. Those of the last one are wanted."""
    return np.array([weigh_repeatedly(values, gamma, sharpness, n + 1) for n in range(passes)])
