"""Exercise experiments.seed_interval. The wrong answers are wrong on purpose."""

from __future__ import annotations

import numpy as np
from scipy import stats

from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISE"]


def seed_interval(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Give the 95 % interval (2,) of the mean difference over seeds (S,), by Student's t."""
    return _around(first - second, 1)


def _around(differences: np.ndarray, ddof: int, level: float = 0.975) -> np.ndarray:
    n = len(differences)
    half = stats.t.ppf(level, n - 1) * differences.std(ddof=ddof) / np.sqrt(n)
    return _limits(differences.mean(), half)


def _limits(middle: float, half: float) -> np.ndarray:
    return np.array([middle - half, middle + half])


def _normal_quantile(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    differences = first - second
    half = 1.96 * differences.std(ddof=1) / np.sqrt(len(first))
    return _limits(differences.mean(), half)


def _by_number(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return _around(first - second, 0)


def _of_one_seed(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    differences = first - second
    half = stats.t.ppf(0.975, len(first) - 1) * differences.std(ddof=1)
    return _limits(differences.mean(), half)


def _unpaired(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return _of_two_samples(first, second, len(first) - 1)


def _of_two_samples(first: np.ndarray, second: np.ndarray, degrees: int) -> np.ndarray:
    error = np.sqrt((first.var(ddof=1) + second.var(ddof=1)) / len(first))
    return _limits(first.mean() - second.mean(), stats.t.ppf(0.975, degrees) * error)


def _ninety(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return _around(first - second, 1, level=0.95)


def _welch(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.array(stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.95))


def _normal_by_number(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    differences = first - second
    return _limits(differences.mean(), 1.96 * differences.std() / np.sqrt(len(first)))


def _turned_round(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return seed_interval(second, first)


def _half_width(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    low, high = seed_interval(first, second)
    return np.array([(low + high) / 2, (high - low) / 2])


def _range(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    differences = first - second
    return np.array([differences.min(), differences.max()])


def _absolute(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return _around(abs(first - second), 1)


def _all_degrees(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    differences = first - second
    half = stats.t.ppf(0.975, len(first)) * differences.std(ddof=1) / np.sqrt(len(first))
    return _limits(differences.mean(), half)


def _two_samples(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return _of_two_samples(first, second, 2 * len(first) - 2)


def _exchanged(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return seed_interval(first, second)[::-1]


def _variance(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    differences = first - second
    half = stats.t.ppf(0.975, len(first) - 1) * differences.var(ddof=1) / np.sqrt(len(first))
    return _limits(differences.mean(), half)


def _root_of_one_less(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    differences = first - second
    half = stats.t.ppf(0.975, len(first) - 1) * differences.std(ddof=1) / np.sqrt(len(first) - 1)
    return _limits(differences.mean(), half)


def _seed_cases() -> tuple[Case, ...]:
    random = np.random.default_rng(61)
    cases = []
    for n, gain, hidden in ((3, 0.02, False), (5, -0.004, False), (4, 0.01, True)):
        seeds = random.normal(0.8, 0.05, n)
        pair = seeds + random.normal(gain, 0.01, n), seeds
        cases.append(Case(f"{n} seeds", pair, hidden))
    percent = random.normal(80, 5, 7)
    cases.insert(2, Case("7 seeds, in percent", (percent, percent + random.normal(1, 3, 7))))
    cases.append(Case("2 seeds", (percent[:2], percent[2:4]), hidden=True))
    return tuple(cases)


EXERCISE = Exercise(
    name="experiments.seed_interval",
    reference=seed_interval,
    cases=_seed_cases(),
    mistakes=(
        Mistake(
            "1.96",
            _normal_quantile,
            "1.96 is for many seeds. With few of them the standard deviation is itself "
            "uncertain: take the quantile of Student's t with S - 1 degrees of freedom.",
        ),
        Mistake(
            "divides by the number",
            _by_number,
            "Your standard deviation divides by the number of seeds. Divide by one less, "
            "since the mean comes from the same seeds.",
        ),
        Mistake(
            "of one seed",
            _of_one_seed,
            "This is where one more seed would lie. The mean of S seeds varies less, by the "
            "root of S.",
        ),
        Mistake(
            "unpaired",
            _unpaired,
            "You add the variances of both. The seeds are paired: subtract first.",
        ),
        Mistake(
            "90 %",
            _ninety,
            "Your interval leaves 5 % outside on each side.",
        ),
        Mistake(
            "turned round",
            _turned_round,
            "You subtract the first from the second.",
        ),
        Mistake(
            "middle and half width",
            _half_width,
            "You return the middle and the half width. Return the lower and the upper limit.",
        ),
        Mistake(
            "range",
            _range,
            "You give the least and the largest difference. With more seeds this would grow, "
            "and an interval should shrink.",
        ),
        Mistake(
            "sizes of differences",
            _absolute,
            "You take the size of each difference. Some seeds speak for the other "
            "variant: keep the sign.",
        ),
        Mistake(
            "one degree too many",
            _all_degrees,
            "S seeds leave S - 1 degrees of freedom: one was spent on the mean.",
        ),
        Mistake(
            "two samples",
            _two_samples,
            "This is the interval for two samples that have nothing to do with each "
            "other. Here each seed has a pair: subtract first.",
        ),
        Mistake(
            "limits exchanged",
            _exchanged,
            "The upper limit comes first in your answer. Give the lower one first.",
        ),
        Mistake(
            "variance for deviation",
            _variance,
            "You multiply by a variance. Take its root, the standard deviation.",
        ),
        Mistake(
            "root of one less",
            _root_of_one_less,
            "You divide by one less twice: in the deviation, where it belongs, and "
            "under the root, where S stands.",
        ),
        Mistake(
            "percentiles of the differences",
            lambda first, second: np.percentile(first - second, [2.5, 97.5]),
            "These are percentiles of single differences. The mean of S seeds varies less; take "
            "mean, deviation and the quantile of Student's t.",
        ),
        Mistake(
            "two samples of unequal variance",
            _welch,
            "This is Welch's interval, for two samples that have nothing to do with each other. "
            "Here each seed has a pair: subtract first.",
        ),
        Mistake(
            "1.96 and the number",
            _normal_by_number,
            "1.96 is for many seeds, and your deviation divides by their number. Take the "
            "quantile of Student's t, and one less.",
        ),
        Mistake(
            "standard error alone",
            lambda first, second: _limits(
                (first - second).mean(), (first - second).std(ddof=1) / np.sqrt(len(first))
            ),
            "You go one standard error to each side. Multiply it by the quantile of Student's t.",
        ),
        Mistake(
            "deviation alone",
            lambda first, second: _limits((first - second).mean(), (first - second).std(ddof=1)),
            "You go one standard deviation to each side. Take the standard error, times the "
            "quantile of Student's t.",
        ),
        Mistake(
            "1.96 deviations",
            lambda first, second: _limits(
                (first - second).mean(), 1.96 * (first - second).std(ddof=1)
            ),
            "This is where a single seed may lie, if there were many. Divide by the root of S, "
            "and take the quantile of Student's t.",
        ),
        Mistake(
            "divides by S",
            lambda first, second: _limits(
                (first - second).mean(),
                stats.t.ppf(0.975, len(first) - 1) * (first - second).std(ddof=1) / len(first),
            ),
            "You divide the deviation by S. Divide it by the root of S.",
        ),
        Mistake(
            "99 %",
            lambda first, second: _around(first - second, 1, level=0.995),
            "Your interval leaves 0.5 % outside on each side. 2.5 % are wanted.",
        ),
        Mistake(
            "first alone",
            lambda first, second: _around(first, 1),
            "The second variant has no influence on your answer: subtract it.",
        ),
        Mistake(
            "two degrees too few",
            lambda first, second: _limits(
                (first - second).mean(),
                stats.t.ppf(0.975, 2 * len(first) - 2)
                * (first - second).std(ddof=1)
                / np.sqrt(len(first)),
            ),
            "You have 2 S - 2 degrees of freedom. There is one mean, of S differences: S - 1.",
        ),
        Mistake(
            "sum of the differences",
            lambda first, second: _around(first - second, 1) - (first - second).mean(),
            "Your interval lies around 0. It lies around the mean difference.",
        ),
        Mistake(
            "quantile of the normal distribution",
            lambda first, second: _limits(
                (first - second).mean(),
                stats.norm.ppf(0.975) * (first - second).std(ddof=1) / np.sqrt(len(first)),
            ),
            "The quantile of the normal distribution is for many seeds. With few of them take "
            "that of Student's t, with S - 1 degrees of freedom.",
        ),
    ),
)
