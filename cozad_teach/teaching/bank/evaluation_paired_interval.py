"""Exercise evaluation.paired_interval. The wrong answers are wrong on purpose."""

from __future__ import annotations

import numpy as np
from scipy import stats

from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISE"]


def paired_interval(first: np.ndarray, second: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Give the 2.5 % and 97.5 % quantiles of the mean of first - second (N,) over draws (B, N)."""
    return np.quantile((first - second)[draws].mean(1), [0.025, 0.975])


def _unpaired(first: np.ndarray, second: np.ndarray, draws: np.ndarray) -> np.ndarray:
    return np.quantile(first[draws].mean(1) - second[draws[::-1]].mean(1), [0.025, 0.975])


def _difference_of_quantiles(
    first: np.ndarray, second: np.ndarray, draws: np.ndarray
) -> np.ndarray:
    levels = [0.025, 0.975]
    a, b = (np.quantile(values[draws].mean(1), levels) for values in (first, second))
    return np.asarray(a - b)


def _worst_corners(first: np.ndarray, second: np.ndarray, draws: np.ndarray) -> np.ndarray:
    levels = [0.025, 0.975]
    a, b = (np.quantile(values[draws].mean(1), levels) for values in (first, second))
    return np.array([a[0] - b[1], a[1] - b[0]])


def _ninety(first: np.ndarray, second: np.ndarray, draws: np.ndarray) -> np.ndarray:
    return np.quantile((first - second)[draws].mean(1), [0.05, 0.95])


def _of_single_images(first: np.ndarray, second: np.ndarray, draws: np.ndarray) -> np.ndarray:
    return np.quantile(first - second, [0.025, 0.975])


def _turned_round(first: np.ndarray, second: np.ndarray, draws: np.ndarray) -> np.ndarray:
    return paired_interval(second, first, draws)


def _size_alone(first: np.ndarray, second: np.ndarray, draws: np.ndarray) -> np.ndarray:
    return np.quantile(abs((first - second)[draws].mean(1)), [0.025, 0.975])


def _over_draws(first: np.ndarray, second: np.ndarray, draws: np.ndarray) -> np.ndarray:
    return np.quantile((first - second)[draws].mean(0), [0.025, 0.975])


def _normal_limits(first: np.ndarray, second: np.ndarray, draws: np.ndarray) -> np.ndarray:
    means = (first - second)[draws].mean(1)
    return means.mean() + 1.96 * means.std() * np.array([-1, 1])


def _shares_for_percent(first: np.ndarray, second: np.ndarray, draws: np.ndarray) -> np.ndarray:
    return np.percentile((first - second)[draws].mean(1), [0.025, 0.975])


def _limits_exchanged(first: np.ndarray, second: np.ndarray, draws: np.ndarray) -> np.ndarray:
    return np.asarray(paired_interval(first, second, draws)[::-1])


def _images_of_draws(first: np.ndarray, second: np.ndarray, draws: np.ndarray) -> np.ndarray:
    return np.quantile((first - second)[draws], [0.025, 0.975])


def _sums_of_draws(first: np.ndarray, second: np.ndarray, draws: np.ndarray) -> np.ndarray:
    return len(first) * paired_interval(first, second, draws)


def _interval_cases() -> tuple[Case, ...]:
    random = np.random.default_rng(42)
    cases = []
    for n, b, hidden in ((8, 40, False), (5, 100, False), (12, 60, True), (6, 333, True)):
        hard = random.normal(0.7, 0.2, n)
        pair = hard + random.normal(0.03, 0.05, n), hard
        draws = random.integers(0, n, (b, n))
        cases.append(Case(f"{n} images and {b} draws", (*pair, draws), hidden))
    return tuple(cases)


EXERCISE = Exercise(
    name="evaluation.paired_interval",
    reference=paired_interval,
    cases=_interval_cases(),
    mistakes=(
        Mistake(
            "unpaired",
            _unpaired,
            "Your two methods see different draws. They were measured on the same images: "
            "draw the images once, for both.",
        ),
        Mistake(
            "difference of quantiles",
            _difference_of_quantiles,
            "You subtract the quantiles. Subtract first, image by image, then take the "
            "quantiles of the differences.",
        ),
        Mistake(
            "worst corners",
            _worst_corners,
            "You compare the worst of one method with the best of the other. The images that "
            "are hard for one are hard for the other: that must cancel.",
        ),
        Mistake(
            "90 %",
            _ninety,
            "These are the 5 % and 95 % quantiles. They leave 10 % outside.",
        ),
        Mistake(
            "quantiles of single images",
            _of_single_images,
            "You give the spread of single images. The mean over images spreads far less: "
            "take the mean of each draw.",
        ),
        Mistake(
            "turned round",
            _turned_round,
            "You subtract the first method from the second.",
        ),
        Mistake(
            "size alone",
            _size_alone,
            "You take absolute values. Then the interval can never hold 0.",
        ),
        Mistake(
            "mean over draws",
            _over_draws,
            "You average over the draws. Average over the images of each draw: which axis is that?",
        ),
        Mistake(
            "normal approximation",
            _normal_limits,
            "You take mean and deviation of the draws. Asked for are two quantiles of "
            "them, which fit any shape.",
        ),
        Mistake(
            "shares for percent",
            _shares_for_percent,
            "`np.percentile` counts to 100, so 0.025 is a fortieth of one percent. Ask "
            "for 2.5 and 97.5, or use `np.quantile`.",
        ),
        Mistake(
            "limits exchanged",
            _limits_exchanged,
            "The upper limit comes first in your answer.",
        ),
        Mistake(
            "single images of the draws",
            _images_of_draws,
            "You take quantiles over all images of all draws. Take the mean of each "
            "draw first: `axis=1`.",
        ),
        Mistake(
            "sums of draws",
            _sums_of_draws,
            "You add up each draw. Take its mean.",
        ),
        Mistake(
            "one-sided",
            lambda first, second, draws: np.quantile((first - second)[draws].mean(1), [0.0, 0.95]),
            "Your interval leaves 5 % outside above, and nothing below. Leave 2.5 % on each side.",
        ),
        Mistake(
            "99 %",
            lambda first, second, draws: np.quantile(
                (first - second)[draws].mean(1), [0.005, 0.995]
            ),
            "These are the 0.5 % and 99.5 % quantiles. They leave 1 % outside.",
        ),
        Mistake(
            "draws of the list",
            lambda first, second, draws: np.sort((first - second)[draws].mean(1))[
                [int(0.025 * len(draws)), min(int(0.975 * len(draws)), len(draws) - 1)]
            ],
            "Your limits are draws of the sorted list. Between two of them a quantile "
            "interpolates: `np.quantile`.",
        ),
        Mistake(
            "range of the draws",
            lambda first, second, draws: np.quantile((first - second)[draws].mean(1), [0.0, 1.0]),
            "You give the least and the largest draw. More draws would make that wider.",
        ),
        Mistake(
            "quartiles",
            lambda first, second, draws: np.quantile((first - second)[draws].mean(1), [0.25, 0.75]),
            "These are the quartiles: 0.25 and 0.75 instead of 0.025 and 0.975.",
        ),
        Mistake(
            "corrected normal approximation",
            lambda first, second, draws: (
                (first - second)[draws].mean(1).mean()
                + 1.96 * (first - second)[draws].mean(1).std(ddof=1) * np.array([-1, 1])
            ),
            "You take mean and deviation of the draws. Asked for are two quantiles.",
        ),
        Mistake(
            "Student",
            lambda first, second, draws: np.array(
                stats.t.interval(
                    0.95,
                    len(first) - 1,
                    (first - second).mean(),
                    stats.sem(first - second),
                )
            ),
            "This is Student's interval, without any draw. Take quantiles over the draws.",
        ),
        Mistake(
            "one method alone",
            lambda first, second, draws: np.quantile(first[draws].mean(1), [0.025, 0.975]),
            "This is the interval of the first method. Subtract the second.",
        ),
        Mistake(
            "median of each draw",
            lambda first, second, draws: np.quantile(
                np.median((first - second)[draws], axis=1), [0.025, 0.975]
            ),
            "You take the median of each draw. Take its mean.",
        ),
    ),
)
