"""Exercise experiments.seed_interval."""

import numpy as np
from scipy import stats

from cozad_book.checking.cases import Case, Exercise


def _around(differences, ddof, level=0.975):
    n = len(differences)
    half = stats.t.ppf(level, n - 1) * differences.std(ddof=ddof) / np.sqrt(n)
    return _limits(differences.mean(), half)


def _limits(middle, half):
    return np.array([middle - half, middle + half])


def _of_two_samples(first, second, degrees):
    error = np.sqrt((first.var(ddof=1) + second.var(ddof=1)) / len(first))
    return _limits(first.mean() - second.mean(), stats.t.ppf(0.975, degrees) * error)


def _seed_cases():
    random = np.random.default_rng(61)
    cases = []
    for n, gain, hidden in ((3, 0.02, False), (5, -0.004, False), (4, 0.01, True)):
        seeds = random.normal(0.8, 0.05, n)
        pair = seeds + random.normal(gain, 0.01, n), seeds
        cases.append(Case(f"{n} seeds", pair, hidden))
    percent = random.normal(80, 5, 7)
    cases.insert(2, Case("7 seeds, in percent", (percent, percent + random.normal(1, 9, 7))))
    cases.append(Case("2 seeds", (percent[:2], percent[2:4]), hidden=True))
    return tuple(cases)


EXERCISE = Exercise("experiments.seed_interval", cases=_seed_cases())


@EXERCISE.right
def seed_interval(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Give the 95 % interval (2,) of the mean difference over seeds (S,), by Student's t."""
    return _around(first - second, 1)


@EXERCISE.wrong
def normal_quantile(first, second):
    """1.96 is for many seeds. With few of them the standard deviation is itself uncertain: take the
    quantile of Student's t with S - 1 degrees of freedom."""
    differences = first - second
    half = 1.96 * differences.std(ddof=1) / np.sqrt(len(first))
    return _limits(differences.mean(), half)


@EXERCISE.wrong
def divides_by_the_number(first, second):
    """Your standard deviation divides by the number of seeds. Divide by one less, since the mean
    comes from the same seeds."""
    return _around(first - second, 0)


@EXERCISE.wrong
def of_one_seed(first, second):
    """This is where one more seed would lie. The mean of S seeds varies less, by the root of S."""
    differences = first - second
    half = stats.t.ppf(0.975, len(first) - 1) * differences.std(ddof=1)
    return _limits(differences.mean(), half)


@EXERCISE.wrong
def unpaired(first, second):
    """You add the variances of both. The seeds are paired: subtract first."""
    return _of_two_samples(first, second, len(first) - 1)


@EXERCISE.wrong
def ninety_percent(first, second):
    """Your interval leaves 5 % outside on each side."""
    return _around(first - second, 1, level=0.95)


@EXERCISE.wrong
def turned_round(first, second):
    """You subtract the first from the second."""
    return seed_interval(second, first)


@EXERCISE.wrong
def middle_and_half_width(first, second):
    """You return the middle and the half width. Return the lower and the upper limit."""
    low, high = seed_interval(first, second)
    return np.array([(low + high) / 2, (high - low) / 2])


@EXERCISE.wrong
def range_(first, second):
    """You give the least and the largest difference. With more seeds this would grow, and an
    interval should shrink."""
    differences = first - second
    return np.array([differences.min(), differences.max()])


@EXERCISE.wrong
def sizes_of_differences(first, second):
    """You take the size of each difference. Some seeds speak for the other variant: keep the
    sign."""
    return _around(abs(first - second), 1)


@EXERCISE.wrong
def one_degree_too_many(first, second):
    """S seeds leave S - 1 degrees of freedom: one was spent on the mean."""
    differences = first - second
    half = stats.t.ppf(0.975, len(first)) * differences.std(ddof=1) / np.sqrt(len(first))
    return _limits(differences.mean(), half)


@EXERCISE.wrong
def two_samples(first, second):
    """This is the interval for two samples that have nothing to do with each other. Here each seed
    has a pair: subtract first."""
    return _of_two_samples(first, second, 2 * len(first) - 2)


@EXERCISE.wrong
def limits_exchanged(first, second):
    """The upper limit comes first in your answer. Give the lower one first."""
    return seed_interval(first, second)[::-1]


@EXERCISE.wrong
def variance_for_deviation(first, second):
    """You multiply by a variance. Take its root, the standard deviation."""
    differences = first - second
    half = stats.t.ppf(0.975, len(first) - 1) * differences.var(ddof=1) / np.sqrt(len(first))
    return _limits(differences.mean(), half)


@EXERCISE.wrong
def root_of_one_less(first, second):
    """You divide by one less twice: in the deviation, where it belongs, and under the root, where S
    stands."""
    differences = first - second
    half = stats.t.ppf(0.975, len(first) - 1) * differences.std(ddof=1) / np.sqrt(len(first) - 1)
    return _limits(differences.mean(), half)


@EXERCISE.wrong
def percentiles_of_the_differences(first, second):
    """These are percentiles of single differences. The mean of S seeds varies less; take mean,
    deviation and the quantile of Student's t."""
    return np.percentile(first - second, [2.5, 97.5])


@EXERCISE.wrong
def two_samples_of_unequal_variance(first, second):
    """This is Welch's interval, for two samples that have nothing to do with each other. Here each
    seed has a pair: subtract first."""
    return np.array(stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.95))


@EXERCISE.wrong
def normal_quantile_and_the_number(first, second):
    """1.96 is for many seeds, and your deviation divides by their number. Take the quantile of
    Student's t, and one less."""
    differences = first - second
    return _limits(differences.mean(), 1.96 * differences.std() / np.sqrt(len(first)))


@EXERCISE.wrong
def standard_error_alone(first, second):
    """You go one standard error to each side. Multiply it by the quantile of Student's t."""
    return _limits((first - second).mean(), (first - second).std(ddof=1) / np.sqrt(len(first)))


@EXERCISE.wrong
def deviation_alone(first, second):
    """You go one standard deviation to each side. Take the standard error, times the quantile of
    Student's t."""
    return _limits((first - second).mean(), (first - second).std(ddof=1))


@EXERCISE.wrong
def normal_quantile_deviations(first, second):
    """This is where a single seed may lie, if there were many. Divide by the root of S, and take
    the quantile of Student's t."""
    return _limits((first - second).mean(), 1.96 * (first - second).std(ddof=1))


@EXERCISE.wrong
def divides_by_S(first, second):
    """You divide the deviation by S. Divide it by the root of S."""
    return _limits(
        (first - second).mean(),
        stats.t.ppf(0.975, len(first) - 1) * (first - second).std(ddof=1) / len(first),
    )


@EXERCISE.wrong
def ninety_nine_percent(first, second):
    """Your interval leaves 0.5 % outside on each side. 2.5 % are wanted."""
    return _around(first - second, 1, level=0.995)


@EXERCISE.wrong
def first_alone(first, second):
    """The second variant has no influence on your answer: subtract it."""
    return _around(first, 1)


@EXERCISE.wrong
def two_degrees_too_few(first, second):
    """You have 2 S - 2 degrees of freedom. There is one mean, of S differences: S - 1."""
    return _limits(
        (first - second).mean(),
        stats.t.ppf(0.975, 2 * len(first) - 2) * (first - second).std(ddof=1) / np.sqrt(len(first)),
    )


@EXERCISE.wrong
def sum_of_the_differences(first, second):
    """Your interval lies around 0. It lies around the mean difference."""
    return _around(first - second, 1) - (first - second).mean()


@EXERCISE.wrong
def quantile_of_the_normal_distribution(first, second):
    """The quantile of the normal distribution is for many seeds. With few of them take that of
    Student's t, with S - 1 degrees of freedom."""
    return _limits(
        (first - second).mean(),
        stats.norm.ppf(0.975) * (first - second).std(ddof=1) / np.sqrt(len(first)),
    )


@EXERCISE.wrong
def quantile_of_2(first, second):
    """You take 2 for the quantile of Student's t. With few seeds it is far above 2."""
    differences = first - second
    return _limits(differences.mean(), 2 * differences.std(ddof=1) / np.sqrt(len(first)))


@EXERCISE.wrong
def variance_for_the_deviation(first, second):
    """You take the variance of the mean. Take its root, the standard error."""
    differences = first - second
    quantile = stats.t.ppf(0.975, len(first) - 1)
    return _limits(differences.mean(), quantile * differences.var(ddof=1) / len(first))


@EXERCISE.wrong
def probability_for_quantile(first, second):
    """`t.cdf` gives a probability. Its inverse, `t.ppf`, gives the quantile."""
    differences = first - second
    share = stats.t.cdf(0.975, len(first) - 1)
    return _limits(differences.mean(), share * differences.std(ddof=1) / np.sqrt(len(first)))
