"""Exercise thresholds.alarm_limits."""

import numpy as np
from scipy import stats

from cozad_book.checking.cases import Case, Exercise


def _limit_cases():
    return tuple(
        Case(f"windows of {windows}, δ = {rate:g}", (np.array(windows), rate, chance), hidden)
        for windows, rate, chance, hidden in (
            ([50, 30, 100], 0.05, 0.001, False),
            ([5, 40], 0.002, 0.02, False),
            ([30, 200], 0.1, 0.01, False),
            ([1, 2, 3, 4], 0.5, 0.125, False),
            ([17, 400, 64, 5], 0.25, 0.03, True),
            ([2, 4], 0.5, 0.0625, True),
            ([400, 90], 0.01, 0.002, True),
        )
    )


EXERCISE = Exercise("thresholds.alarm_limits", cases=_limit_cases())


@EXERCISE.right
def alarm_limits(windows: np.ndarray, false_alarm_rate: float, significance: float) -> np.ndarray:
    """Give for each window (K,) the least m with P(X > m) ≤ significance, X binomial."""
    return stats.binom.isf(significance, windows, false_alarm_rate)


@EXERCISE.wrong
def expected_number(windows, false_alarm_rate, significance):
    """This is the number of alarms to expect. Many windows have more, by chance alone."""
    return np.ceil(windows * false_alarm_rate)


@EXERCISE.wrong
def at_least(windows, false_alarm_rate, significance):
    """You are one too high: m alarms are still bearable, *more than* m are not."""
    return alarm_limits(windows, false_alarm_rate, significance) + 1


@EXERCISE.wrong
def normal_approximation(windows, false_alarm_rate, significance):
    """Rare alarms are not normally distributed: take the binomial distribution itself."""
    return np.ceil(normal_quantile_not_rounded(windows, false_alarm_rate, significance))


@EXERCISE.wrong
def other_tail(windows, false_alarm_rate, significance):
    """This is the limit for suspiciously few alarms."""
    return stats.binom.ppf(significance, windows, false_alarm_rate)


@EXERCISE.wrong
def two_sided(windows, false_alarm_rate, significance):
    """You halve the probability, as for a test of both sides. Only many alarms count."""
    return alarm_limits(windows, false_alarm_rate, significance / 2)


@EXERCISE.wrong
def a_share(windows, false_alarm_rate, significance):
    """You return a share. Return a number of alarms."""
    return alarm_limits(windows, false_alarm_rate, significance) / windows


@EXERCISE.wrong
def exactly_so_many(windows, false_alarm_rate, significance):
    """You ask how probable *exactly* m alarms are. Ask for more than m: the whole tail."""
    limits = []
    for window in windows:
        numbers = np.arange(int(window * false_alarm_rate), window + 1)
        likely = stats.binom.pmf(numbers, window, false_alarm_rate) > significance
        limits.append(numbers[likely].max(initial=numbers[0]))
    return np.array(limits)


@EXERCISE.wrong
def one_too_low(windows, false_alarm_rate, significance):
    """You are one too low: more than m alarms still happen too often there. Look for the smallest m
    where they do not."""
    return np.maximum(alarm_limits(windows, false_alarm_rate, significance) - 1, 0)


@EXERCISE.wrong
def Poisson(windows, false_alarm_rate, significance):
    """You take the Poisson distribution, in which a window has no end. Alarms among so many images
    are binomial."""
    return stats.poisson.isf(significance, windows * false_alarm_rate)


@EXERCISE.wrong
def at_least_one(windows, false_alarm_rate, significance):
    """Your limits start at 1. In a short window a single alarm can already be too many: start at
    0."""
    return np.maximum(alarm_limits(windows, false_alarm_rate, significance), 1)


@EXERCISE.wrong
def the_longest_window_for_all(windows, false_alarm_rate, significance):
    """All windows get the same limit. Each has its own length."""
    limit = alarm_limits(windows.max(keepdims=True), false_alarm_rate, significance)
    return np.full(len(windows), limit[0])


@EXERCISE.wrong
def below_instead_of_at_most(windows, false_alarm_rate, significance):
    """Where more than m alarms have exactly the probability `significance`, you go one further. At
    most is asked for."""
    return alarm_limits(windows, false_alarm_rate, significance * (1 - 1e-9))


@EXERCISE.wrong
def expected_and_deviations(windows, rate, chance):
    """You add three standard deviations to the expected number. Take the tail of the binomial
    distribution."""
    return np.ceil(windows * rate + 3 * np.sqrt(windows * rate * (1 - rate)))


@EXERCISE.wrong
def significance_of_all_windows(windows, rate, chance):
    """You divide the probability among the windows. Each has it for its own."""
    return alarm_limits(windows, rate, chance / len(windows))


@EXERCISE.wrong
def rates_exchanged(windows, rate, chance):
    """You exchange the probability of an alarm and that of a false warning."""
    return alarm_limits(windows, chance, rate)


@EXERCISE.wrong
def rounded_expectation(windows, rate, chance):
    """This is the number of alarms to expect, rounded. Many windows have more, by chance alone."""
    return np.round(windows * rate)


@EXERCISE.wrong
def floor_of_the_expectation(windows, rate, chance):
    """This is the number of alarms to expect, rounded down. Many windows have more, by chance
    alone."""
    return np.floor(windows * rate)


@EXERCISE.wrong
def two_too_low(windows, rate, chance):
    """Your limits are one too low, and may be below 0."""
    return alarm_limits(windows, rate, chance) - 1


@EXERCISE.wrong
def normal_quantile_not_rounded(windows, false_alarm_rate, significance):
    """Alarms are counted, and rare ones are not normally distributed: take the binomial
    distribution itself."""
    deviation = np.sqrt(windows * false_alarm_rate * (1 - false_alarm_rate))
    return windows * false_alarm_rate + stats.norm.isf(significance) * deviation


@EXERCISE.wrong
def rounded_normal_approximation(windows, rate, chance):
    """You round a normal approximation. Rare alarms are not normally distributed: take the binomial
    distribution itself."""
    return np.round(normal_quantile_not_rounded(windows, rate, chance))


@EXERCISE.wrong
def normal_approximation_rounded_down(windows, rate, chance):
    """You round a normal approximation down. Rare alarms are not normally distributed: take the
    binomial distribution itself."""
    return np.floor(normal_quantile_not_rounded(windows, rate, chance))


@EXERCISE.wrong
def stops_before_the_window(windows, false_alarm_rate, significance):
    """You try no m as large as the window. A window may be all alarms: try m from 0 to n."""
    return np.minimum(alarm_limits(windows, false_alarm_rate, significance), windows - 1)


@EXERCISE.wrong
def probability(windows, false_alarm_rate, significance):
    """You return a probability. Return the number of alarms where it is low enough."""
    return stats.binom.sf(windows * false_alarm_rate, windows, false_alarm_rate)
