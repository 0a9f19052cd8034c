"""Exercise thresholds.alarm_limits. The wrong answers are wrong on purpose."""

from __future__ import annotations

import numpy as np
from scipy import stats

from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISE"]


def alarm_limits(windows: np.ndarray, false_alarm_rate: float, significance: float) -> np.ndarray:
    """Give for each window (K,) the least m with P(X > m) ≤ significance, X binomial."""
    return stats.binom.isf(significance, windows, false_alarm_rate)


def _expected(windows: np.ndarray, false_alarm_rate: float, significance: float) -> np.ndarray:
    return np.ceil(windows * false_alarm_rate)


def _at_least(windows: np.ndarray, false_alarm_rate: float, significance: float) -> np.ndarray:
    return alarm_limits(windows, false_alarm_rate, significance) + 1


def _normal_quantile(
    windows: np.ndarray, false_alarm_rate: float, significance: float
) -> np.ndarray:
    deviation = np.sqrt(windows * false_alarm_rate * (1 - false_alarm_rate))
    return windows * false_alarm_rate + stats.norm.isf(significance) * deviation


def _normal_limit(windows: np.ndarray, false_alarm_rate: float, significance: float) -> np.ndarray:
    return np.ceil(_normal_quantile(windows, false_alarm_rate, significance))


def _other_tail(windows: np.ndarray, false_alarm_rate: float, significance: float) -> np.ndarray:
    return stats.binom.ppf(significance, windows, false_alarm_rate)


def _two_sided(windows: np.ndarray, false_alarm_rate: float, significance: float) -> np.ndarray:
    return alarm_limits(windows, false_alarm_rate, significance / 2)


def _as_a_share(windows: np.ndarray, false_alarm_rate: float, significance: float) -> np.ndarray:
    return alarm_limits(windows, false_alarm_rate, significance) / windows


def _exactly(windows: np.ndarray, false_alarm_rate: float, significance: float) -> np.ndarray:
    limits = []
    for window in windows:
        numbers = np.arange(int(window * false_alarm_rate), window + 1)
        likely = stats.binom.pmf(numbers, window, false_alarm_rate) > significance
        limits.append(numbers[likely].max(initial=numbers[0]))
    return np.array(limits)


def _one_too_low(windows: np.ndarray, false_alarm_rate: float, significance: float) -> np.ndarray:
    return np.maximum(alarm_limits(windows, false_alarm_rate, significance) - 1, 0)


def _poisson(windows: np.ndarray, false_alarm_rate: float, significance: float) -> np.ndarray:
    return stats.poisson.isf(significance, windows * false_alarm_rate)


def _from_one(windows: np.ndarray, false_alarm_rate: float, significance: float) -> np.ndarray:
    return np.maximum(alarm_limits(windows, false_alarm_rate, significance), 1)


def _longest(windows: np.ndarray, false_alarm_rate: float, significance: float) -> np.ndarray:
    limit = alarm_limits(windows.max(keepdims=True), false_alarm_rate, significance)
    return np.full(len(windows), limit[0])


def _strictly(windows: np.ndarray, false_alarm_rate: float, significance: float) -> np.ndarray:
    return alarm_limits(windows, false_alarm_rate, significance * (1 - 1e-9))


def _limit_cases() -> tuple[Case, ...]:
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


EXERCISE = Exercise(
    name="thresholds.alarm_limits",
    reference=alarm_limits,
    cases=_limit_cases(),
    mistakes=(
        Mistake(
            "expected number",
            _expected,
            "This is the number of alarms to expect. Many windows have more, by chance alone.",
        ),
        Mistake(
            "at least",
            _at_least,
            "You are one too high: m alarms are still bearable, *more than* m are not.",
        ),
        Mistake(
            "normal approximation",
            _normal_limit,
            "Rare alarms are not normally distributed: take the binomial distribution itself.",
        ),
        Mistake(
            "other tail",
            _other_tail,
            "This is the limit for suspiciously few alarms.",
        ),
        Mistake(
            "two-sided",
            _two_sided,
            "You halve the probability, as for a test of both sides. Only many alarms count.",
        ),
        Mistake(
            "a share",
            _as_a_share,
            "You return a share. Return a number of alarms.",
        ),
        Mistake(
            "exactly so many",
            _exactly,
            "You ask how probable *exactly* m alarms are. Ask for more than m: the whole tail.",
        ),
        Mistake(
            "one too low",
            _one_too_low,
            "You are one too low: more than m alarms still happen too often there. Look "
            "for the smallest m where they do not.",
        ),
        Mistake(
            "Poisson",
            _poisson,
            "You take the Poisson distribution, in which a window has no end. Alarms "
            "among so many images are binomial.",
        ),
        Mistake(
            "at least one",
            _from_one,
            "Your limits start at 1. In a short window a single alarm can already be "
            "too many: start at 0.",
        ),
        Mistake(
            "the longest window for all",
            _longest,
            "All windows get the same limit. Each has its own length.",
        ),
        Mistake(
            "below instead of at most",
            _strictly,
            "Where more than m alarms have exactly the probability `significance`, you go one "
            "further. At most is asked for.",
        ),
        Mistake(
            "expected and deviations",
            lambda windows, rate, chance: np.ceil(
                windows * rate + 3 * np.sqrt(windows * rate * (1 - rate))
            ),
            "You add three standard deviations to the expected number. Take the tail of the "
            "binomial distribution.",
        ),
        Mistake(
            "significance of all windows",
            lambda windows, rate, chance: alarm_limits(windows, rate, chance / len(windows)),
            "You divide the probability among the windows. Each has it for its own.",
        ),
        Mistake(
            "rates exchanged",
            lambda windows, rate, chance: alarm_limits(windows, chance, rate),
            "You exchange the probability of an alarm and that of a false warning.",
        ),
        Mistake(
            "rounded expectation",
            lambda windows, rate, chance: np.round(windows * rate),
            "This is the number of alarms to expect, rounded. Many windows have more, by chance "
            "alone.",
        ),
        Mistake(
            "floor of the expectation",
            lambda windows, rate, chance: np.floor(windows * rate),
            "This is the number of alarms to expect, rounded down. Many windows have more, by "
            "chance alone.",
        ),
        Mistake(
            "two too low",
            lambda windows, rate, chance: alarm_limits(windows, rate, chance) - 1,
            "Your limits are one too low, and may be below 0.",
        ),
        Mistake(
            "normal quantile, not rounded",
            _normal_quantile,
            "Alarms are counted, and rare ones are not normally distributed: take the binomial "
            "distribution itself.",
        ),
        Mistake(
            "rounded normal approximation",
            lambda windows, rate, chance: np.round(_normal_quantile(windows, rate, chance)),
            "You round a normal approximation. Rare alarms are not normally distributed: take "
            "the binomial distribution itself.",
        ),
        Mistake(
            "normal approximation rounded down",
            lambda windows, rate, chance: np.floor(_normal_quantile(windows, rate, chance)),
            "You round a normal approximation down. Rare alarms are not normally distributed: "
            "take the binomial distribution itself.",
        ),
    ),
)
