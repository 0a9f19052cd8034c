"""Exercise thresholds.conformal_threshold."""

import math

import numpy as np
from scipy import stats

from cozad_book.checking.cases import Case, Exercise


def _rank(scores, false_alarm_rate):
    return math.ceil(round((len(scores) + 1) * (1 - false_alarm_rate), 9))


def _kth(scores, k):
    return np.array(np.sort(scores)[k - 1] if 1 <= k <= len(scores) else math.inf)


def _threshold_cases():
    random = np.random.default_rng(70)
    tied = np.array([2.0, 1.0, 3.0, 2.0, 1.0, 4.0, 2.0, 2.0, 3.0, 1.0, 5.0, 4.0])
    ties = Case("12 scores with ties and δ = 0.4", (tied, 0.4))
    below = Case("16 scores of both signs and δ = 0.2", (random.normal(0, 2, 16), 0.2))
    negative = Case("11 scores below 0 and δ = 0.25", (-random.gamma(4.0, 0.3, 11), 0.25), True)
    one = Case("a single score and δ = 0.5", (np.array([1.7]), 0.5), True)
    cases = [
        Case(f"{n} scores and δ = {rate:g}", (random.gamma(4.0, 0.3, n), rate), hidden)
        for n, rate, hidden in (
            (19, 0.05, False),
            (35, 0.1, False),
            (12, 0.05, False),
            (13, 0.3, False),
            (9, 0.7, False),
            (47, 0.07, True),
            (9, 0.1, True),
            (5, 0.5, True),
        )
    ]
    return (*cases[:5], ties, below, *cases[5:], negative, one)


EXERCISE = Exercise("thresholds.conformal_threshold", cases=_threshold_cases())


@EXERCISE.right
def conformal_threshold(scores: np.ndarray, false_alarm_rate: float) -> np.ndarray:
    """Give the j-th smallest of the scores (N,), j = ⌈(N + 1)(1 - δ)⌉, or infinity if j > N."""
    return _kth(scores, _rank(scores, false_alarm_rate))


@EXERCISE.wrong
def plain_quantile(scores, false_alarm_rate):
    """This is a quantile of the scores that you have, interpolated between two of them. The new
    image is one more: count it in, and take one of the scores."""
    return np.array(np.quantile(scores, 1 - false_alarm_rate))


@EXERCISE.wrong
def forgets_the_new_image(scores, false_alarm_rate):
    """You count N images. With the new one there are N + 1, and each is equally likely to be the
    highest."""
    return _kth(scores, math.ceil(round(len(scores) * (1 - false_alarm_rate), 9)))


@EXERCISE.wrong
def rounds_down(scores, false_alarm_rate):
    """You round down, so that good images raise an alarm more often than promised."""
    return _kth(scores, math.floor((len(scores) + 1) * (1 - false_alarm_rate)))


@EXERCISE.wrong
def index_for_number(scores, false_alarm_rate):
    """You are one score too high: the j-th smallest has the index j - 1."""
    return _kth(scores, _rank(scores, false_alarm_rate) + 1)


@EXERCISE.wrong
def unsorted(scores, false_alarm_rate):
    """You take the j-th score of the list. Take the j-th smallest."""
    k = _rank(scores, false_alarm_rate)
    return np.array(scores[k - 1] if k <= len(scores) else math.inf)


@EXERCISE.wrong
def always_finite(scores, false_alarm_rate):
    """With so few images no score is high enough for the promise. Say so: infinity."""
    k = _rank(scores, false_alarm_rate)
    return _kth(scores, min(k, len(scores)))


@EXERCISE.wrong
def lower_tail(scores, false_alarm_rate):
    """This is the threshold that a share of 1 - δ exceeds. High scores are anomalous."""
    return _kth(scores, math.ceil(round((len(scores) + 1) * false_alarm_rate, 9)))


@EXERCISE.wrong
def normal_distribution(scores, false_alarm_rate):
    """You take scores for normally distributed, which they are not. The conformal threshold needs
    their order only."""
    quantile = stats.norm.ppf(1 - false_alarm_rate)
    return np.array(scores.mean() + quantile * scores.std(ddof=1))


@EXERCISE.wrong
def the_last_bit(scores, false_alarm_rate):
    """You round up a number that is whole but for its last bit, (9 + 1)(1 - 0.7) for example. Round
    it to nine decimals first."""
    return _kth(scores, math.ceil((len(scores) + 1) * (1 - false_alarm_rate)))


@EXERCISE.wrong
def the_next_score_of_those_there_are(scores, false_alarm_rate):
    """This is a quantile of the scores that you have. The new image is one more: count it in, N +
    1."""
    return np.array(np.quantile(scores, 1 - false_alarm_rate, method="higher"))


@EXERCISE.wrong
def rounds_to_the_nearest(scores, false_alarm_rate):
    """You round to the nearest number, which is sometimes down. The promise needs rounding up."""
    return _kth(scores, round((len(scores) + 1) * (1 - false_alarm_rate)))


@EXERCISE.wrong
def highest_first(scores, false_alarm_rate):
    """You count from the highest score down. The j-th *smallest* is wanted."""
    k = _rank(scores, false_alarm_rate)
    return np.array(-np.sort(-scores)[k - 1] if k <= len(scores) else math.inf)


@EXERCISE.wrong
def infinite_too_early(scores, false_alarm_rate):
    """The highest score is still a threshold: infinity only where j is larger than N."""
    k = _rank(scores, false_alarm_rate)
    return _kth(scores, k) if k < len(scores) else np.array(math.inf)


@EXERCISE.wrong
def equal_scores_once(scores, rate):
    """Equal scores count once in your answer: `np.unique` drops the others. Each image counts:
    `np.sort`."""
    return conformal_threshold(np.unique(scores), rate)


@EXERCISE.wrong
def interpolated(scores, rate):
    """You interpolate between two scores. The j-th smallest is one of them."""
    return np.array(
        np.quantile(scores, _rank(scores, rate) / len(scores))
        if _rank(scores, rate) <= len(scores)
        else math.inf
    )


@EXERCISE.wrong
def interpolated_always_finite(scores, rate):
    """You interpolate between two scores, and give a number also where there are too few images.
    The j-th smallest score is wanted; infinity where j is larger than N."""
    return np.array(np.quantile(scores, min((len(scores) + 1) * (1 - rate) / len(scores), 1)))


@EXERCISE.wrong
def quartiles(scores, rate):
    """This is the fence of a box plot, whatever δ is. It promises nothing."""
    return np.array(
        np.percentile(scores, 75) + 1.5 * (np.percentile(scores, 75) - np.percentile(scores, 25))
    )


@EXERCISE.wrong
def normal_distribution_deviation_by_N(scores, rate):
    """You take scores for normally distributed, which they are not. The conformal threshold needs
    only their order."""
    return np.array(scores.mean() + stats.norm.ppf(1 - rate) * scores.std())


@EXERCISE.wrong
def three_deviations(scores, rate):
    """Mean and three standard deviations, whatever δ is: that promises nothing. Take the j-th
    smallest score."""
    return np.array(scores.mean() + 3 * scores.std())


@EXERCISE.wrong
def highest_score(scores, rate):
    """You give the highest score, whatever δ is."""
    return np.array(scores.max())


@EXERCISE.wrong
def one_too_low(scores, rate):
    """You are one score too low."""
    return _kth(scores, _rank(scores, rate) - 1)


@EXERCISE.wrong
def rounds_down_the_plain_number(scores, rate):
    """You count N images and round down. With the new one there are N + 1, and the promise needs
    rounding up."""
    return _kth(scores, math.floor(len(scores) * (1 - rate)))


@EXERCISE.wrong
def the_score_before(scores, rate):
    """This is a quantile of the scores that you have, and the lower of two. The new image is one
    more: count it in, and round up."""
    return np.array(np.quantile(scores, 1 - rate, method="lower"))


@EXERCISE.wrong
def rate_itself(scores, rate):
    """This is the quantile at δ. The threshold is to be high: 1 - δ, and N + 1 images."""
    return np.array(np.quantile(scores, rate))


@EXERCISE.wrong
def none_for_infinity(scores, rate):
    """Where there are too few images your answer is not a number. Give infinity."""
    return np.array(
        np.nan if _rank(scores, rate) > len(scores) else _kth(scores, _rank(scores, rate))
    )


@EXERCISE.wrong
def the_number_itself(scores, false_alarm_rate):
    """You return j. Return the j-th smallest score."""
    return math.ceil(round((len(scores) + 1) * (1 - false_alarm_rate), 9))


@EXERCISE.wrong
def one_more_outside(scores, false_alarm_rate):
    """You add 1 behind the product. N + 1 is multiplied: check the parentheses."""
    number = math.ceil(round(len(scores) * (1 - false_alarm_rate) + 1, 9))
    return np.sort(scores)[number - 1] if number <= len(scores) else np.inf


@EXERCISE.wrong
def one_less(scores, false_alarm_rate):
    """You count N - 1 images. With the new one there are N + 1."""
    number = math.ceil(round((len(scores) - 1) * (1 - false_alarm_rate), 9))
    return np.sort(scores)[number - 1]
