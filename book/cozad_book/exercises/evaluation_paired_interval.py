"""Exercise evaluation.paired_interval."""

import numpy as np
from scipy import stats

from cozad_book.checking.cases import Case, Exercise


def _interval_cases():
    random = np.random.default_rng(42)
    cases = []
    for n, b, hidden in ((8, 40, False), (5, 100, False), (12, 60, True), (6, 333, True)):
        hard = random.normal(0.7, 0.2, n)
        pair = hard + random.normal(0.03, 0.05, n), hard
        draws = random.integers(0, n, (b, n))
        cases.append(Case(f"{n} images and {b} draws", (*pair, draws), hidden))
    return tuple(cases)


EXERCISE = Exercise("evaluation.paired_interval", cases=_interval_cases())


@EXERCISE.right
def paired_interval(first: np.ndarray, second: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Give the 2.5 % and 97.5 % quantiles of the mean of first - second (N,) over draws (B, N)."""
    return np.quantile((first - second)[draws].mean(1), [0.025, 0.975])


@EXERCISE.wrong
def unpaired(first, second, draws):
    """Your two methods see different draws. They were measured on the same images: draw the images
    once, for both."""
    return np.quantile(first[draws].mean(1) - second[draws[::-1]].mean(1), [0.025, 0.975])


@EXERCISE.wrong
def difference_of_quantiles(first, second, draws):
    """You subtract the quantiles. Subtract first, image by image, then take the quantiles of the
    differences."""
    levels = [0.025, 0.975]
    a, b = (np.quantile(values[draws].mean(1), levels) for values in (first, second))
    return np.asarray(a - b)


@EXERCISE.wrong
def worst_corners(first, second, draws):
    """You compare the worst of one method with the best of the other. The images that are hard for
    one are hard for the other: that must cancel."""
    levels = [0.025, 0.975]
    a, b = (np.quantile(values[draws].mean(1), levels) for values in (first, second))
    return np.array([a[0] - b[1], a[1] - b[0]])


@EXERCISE.wrong
def ninety_percent(first, second, draws):
    """These are the 5 % and 95 % quantiles. They leave 10 % outside."""
    return np.quantile((first - second)[draws].mean(1), [0.05, 0.95])


@EXERCISE.wrong
def quantiles_of_single_images(first, second, draws):
    """You give the spread of single images. The mean over images spreads far less: take the mean of
    each draw."""
    return np.quantile(first - second, [0.025, 0.975])


@EXERCISE.wrong
def turned_round(first, second, draws):
    """You subtract the first method from the second."""
    return paired_interval(second, first, draws)


@EXERCISE.wrong
def size_alone(first, second, draws):
    """You take absolute values. Then the interval can never hold 0."""
    return np.quantile(abs((first - second)[draws].mean(1)), [0.025, 0.975])


@EXERCISE.wrong
def mean_over_draws(first, second, draws):
    """You average over the draws. Average over the images of each draw: which axis is that?"""
    return np.quantile((first - second)[draws].mean(0), [0.025, 0.975])


@EXERCISE.wrong
def normal_approximation(first, second, draws):
    """You take mean and deviation of the draws. Asked for are two quantiles of them, which fit any
    shape."""
    means = (first - second)[draws].mean(1)
    return means.mean() + 1.96 * means.std() * np.array([-1, 1])


@EXERCISE.wrong
def shares_for_percent(first, second, draws):
    """`np.percentile` counts to 100, so 0.025 is a fortieth of one percent. Ask for 2.5 and 97.5,
    or use `np.quantile`."""
    return np.percentile((first - second)[draws].mean(1), [0.025, 0.975])


@EXERCISE.wrong
def limits_exchanged(first, second, draws):
    """The upper limit comes first in your answer."""
    return np.asarray(paired_interval(first, second, draws)[::-1])


@EXERCISE.wrong
def single_images_of_the_draws(first, second, draws):
    """You take quantiles over all images of all draws. Take the mean of each draw first:
    `axis=1`."""
    return np.quantile((first - second)[draws], [0.025, 0.975])


@EXERCISE.wrong
def sums_of_draws(first, second, draws):
    """You add up each draw. Take its mean."""
    return len(first) * paired_interval(first, second, draws)


@EXERCISE.wrong
def one_sided(first, second, draws):
    """Your interval leaves 5 % outside above, and nothing below. Leave 2.5 % on each side."""
    return np.quantile((first - second)[draws].mean(1), [0.0, 0.95])


@EXERCISE.wrong
def ninety_nine_percent(first, second, draws):
    """These are the 0.5 % and 99.5 % quantiles. They leave 1 % outside."""
    return np.quantile((first - second)[draws].mean(1), [0.005, 0.995])


@EXERCISE.wrong
def draws_of_the_list(first, second, draws):
    """Your limits are draws of the sorted list. Between two of them a quantile interpolates:
    `np.quantile`."""
    return np.sort((first - second)[draws].mean(1))[
        [int(0.025 * len(draws)), min(int(0.975 * len(draws)), len(draws) - 1)]
    ]


@EXERCISE.wrong
def range_of_the_draws(first, second, draws):
    """You give the least and the largest draw. More draws would make that wider."""
    return np.quantile((first - second)[draws].mean(1), [0.0, 1.0])


@EXERCISE.wrong
def quartiles(first, second, draws):
    """These are the quartiles: 0.25 and 0.75 instead of 0.025 and 0.975."""
    return np.quantile((first - second)[draws].mean(1), [0.25, 0.75])


@EXERCISE.wrong
def corrected_normal_approximation(first, second, draws):
    """You take mean and deviation of the draws. Asked for are two quantiles."""
    return (first - second)[draws].mean(1).mean() + 1.96 * (first - second)[draws].mean(1).std(
        ddof=1
    ) * np.array([-1, 1])


@EXERCISE.wrong
def Student(first, second, draws):
    """This is Student's interval, without any draw. Take quantiles over the draws."""
    return np.array(
        stats.t.interval(
            0.95,
            len(first) - 1,
            (first - second).mean(),
            stats.sem(first - second),
        )
    )


@EXERCISE.wrong
def one_method_alone(first, second, draws):
    """This is the interval of the first method. Subtract the second."""
    return np.quantile(first[draws].mean(1), [0.025, 0.975])


@EXERCISE.wrong
def median_of_each_draw(first, second, draws):
    """You take the median of each draw. Take its mean."""
    return np.quantile(np.median((first - second)[draws], axis=1), [0.025, 0.975])


@EXERCISE.wrong
def normal_of_the_draws(first, second, draws):
    """You go 1.96 standard deviations of the draws to each side. Take their quantiles, which
    need no normal distribution."""
    means = (first - second)[draws].mean(axis=1)
    return (first - second).mean() + np.array([-1.96, 1.96]) * means.std()


@EXERCISE.wrong
def basic_bootstrap(first, second, draws):
    """You reflect the quantiles at the mean, which is another bootstrap interval. The quantiles
    themselves are wanted."""
    return 2 * (first - second).mean() - paired_interval(first, second, draws)[::-1]


@EXERCISE.wrong
def around_0(first, second, draws):
    """Your interval lies around 0: you subtract the mean difference from every draw."""
    return paired_interval(first, second, draws) - (first - second).mean()


@EXERCISE.wrong
def sizes_of_differences(first, second, draws):
    """You take the size of each difference. Some images speak for the other detector: keep the
    sign."""
    return np.quantile(abs(first - second)[draws].mean(axis=1), [0.025, 0.975])


@EXERCISE.wrong
def nearest_draw(first, second, draws):
    """Your quantiles are the nearest draws. Between two of them a quantile interpolates, as
    `np.quantile` does by default."""
    return np.quantile((first - second)[draws].mean(axis=1), [0.025, 0.975], method="nearest")
