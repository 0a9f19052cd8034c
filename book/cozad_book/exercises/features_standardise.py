"""Exercise features.standardise."""

import functools

import numpy as np

from cozad_book.checking.cases import Case, Exercise, Mistake


def _by_divisor(divisor, features, mean, std):
    return np.asarray((features - mean) / divisor(std))


def _ones_up_to(small, std):
    return np.where(std <= small, 1, std)


def _standardise_cases():
    random = np.random.default_rng(3)
    cases = []
    for label, shape, hidden in (
        ("a grid of 4x5 patches with 3 channels", (4, 5, 3), False),
        ("a grid of 2x7 patches with 6 channels", (2, 7, 6), True),
    ):
        mean, std = random.normal(2, 1, shape[-1]), random.uniform(0.5, 3, shape[-1])
        cases.append(Case(label, (random.normal(1, 2, shape), mean, std), hidden))
    features, mean, std = (a.copy() for a in cases[0].arguments)
    std[1] = 0
    varied = np.array([0.05, 0.004, 2e-6])
    nearly = (varied * random.normal(0, 9, (4, 6, 3)), mean * varied, varied)
    cases.insert(1, Case("channels that vary very little", nearly))
    cases.insert(
        1, Case("a channel that never varies in the auxiliary data", (features, mean, std))
    )
    return tuple(cases)


EXERCISE = Exercise("features.standardise", cases=_standardise_cases())


@EXERCISE.right
def standardise(features: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    """Shift and scale each channel of (h, w, C) by the auxiliary statistics (C,); σ = 0 as 1."""
    return (features - mean) / np.where(std == 0, 1, std)


@EXERCISE.wrong
def uses_statistics_of_the_image_itself(features, mean, std):
    """You standardise with the mean and deviation of these very features. Use the auxiliary set's:
    the target must not decide its own scale."""
    return standardise(features, features.mean(axis=(0, 1)), features.std(axis=(0, 1)))


@EXERCISE.wrong
def divides_by_0(features, mean, std):
    """A channel that never varies has deviation 0, and you divide by it. Divide by 1 there."""
    return (features - mean) / std


@EXERCISE.wrong
def divides_by_very_little(features, mean, std):
    """You keep the divisor above 0 with a tiny number. Where the deviation is 0, a target a little
    off the mean gets an enormous value: divide by 1 there."""
    return (features - mean) / (std + 1e-6)


@EXERCISE.wrong
def leaves_nothing(features, mean, std):
    """You give 0 in a channel that never varies. A target that is off the mean there keeps its
    offset: divide by 1."""
    return np.where(std == 0, 0, standardise(features, mean, std))


@EXERCISE.wrong
def shifts_only(features, mean, std):
    """You subtract the mean and stop. Divide by the deviation, channel by channel."""
    return features - mean


@EXERCISE.wrong
def divides_by_the_variance(features, mean, std):
    """You divide by the variance, the square of the standard deviation. `std` is the deviation
    already."""
    return (features - mean) / np.where(std == 0, 1, std**2)


@EXERCISE.wrong
def multiplies_by_the_deviation(features, mean, std):
    """You multiply by the deviation. Divide by it, so that every channel has the same spread."""
    return (features - mean) * std


@EXERCISE.wrong
def keeps_the_mean(features, mean, std):
    """The mean is still in. Subtract it first."""
    return standardise(features, np.zeros_like(mean), std)


@EXERCISE.wrong
def divides_before_it_subtracts(features, mean, std):
    """You divide first and subtract the mean afterwards. The mean is on the scale of the features:
    subtract it before you divide. Are the parentheses there?"""
    return standardise(features, np.zeros_like(mean), std) - mean


@EXERCISE.wrong
def uses_one_scale_for_all_channels(features, mean, std):
    """You use one mean and one deviation for all channels. Each channel has its own."""
    return (features - mean.mean()) / std.mean()


for little in (1e-3, 1e-5, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12):
    EXERCISE.mistakes.append(
        Mistake(
            f"adds {little:g}",
            functools.partial(_by_divisor, functools.partial(np.add, little)),
            f"You add {little:g} to the deviation. A channel that never varies gets an "
            "enormous "
            "value, and one that varies very little is scaled wrongly: where the deviation is "
            "0, divide by 1.",
        )
    )


for least in (0.1, 0.01, 1e-3, 1e-4, 1e-5):
    EXERCISE.mistakes.append(
        Mistake(
            f"at least {least:g}",
            functools.partial(_by_divisor, functools.partial(np.maximum, least)),
            f"You keep the divisor at {least:g} or above. A small deviation is one all the "
            "same; only where it is 0, divide by 1.",
        )
    )


for small in (0.05, 0.004, 2e-6):
    EXERCISE.mistakes.append(
        Mistake(
            f"takes {small:g} for 0",
            functools.partial(_by_divisor, functools.partial(_ones_up_to, small)),
            f"A deviation of {small:g} counts as 0 in your answer, and you divide by 1. Do so "
            "only where it is 0.",
        )
    )


@EXERCISE.wrong
def mean_divided(z, mean, std):
    """You divide the mean alone: a division comes before a subtraction. Parentheses around the
    difference are missing."""
    return z - mean / np.where(std == 0, 1, std)


@EXERCISE.wrong
def mean_divided_by_zero_too(z, mean, std):
    """You divide the mean alone, and by 0 where a channel never varies. Parentheses around the
    difference are missing; divide by 1 there."""
    return z - mean / std


@EXERCISE.wrong
def bounded(z, mean, std):
    """You bound the result. A target may be as far from the mean as it is."""
    return np.clip(standardise(z, mean, std), -10, 10)


@EXERCISE.wrong
def bounded_closely(z, mean, std):
    """You bound the result at three deviations. A target may be as far off as it is."""
    return np.clip(standardise(z, mean, std), -3, 3)


@EXERCISE.wrong
def turned_round(z, mean, std):
    """You subtract the features from the mean."""
    return -standardise(z, mean, std)


@EXERCISE.wrong
def root_of_the_deviation(z, mean, std):
    """You divide by the root of the deviation. `std` is the deviation, not the variance."""
    return standardise(z, mean, np.sqrt(std))


@EXERCISE.wrong
def adds_the_mean(z, mean, std):
    """You add the mean. Subtract it."""
    return standardise(z, -mean, std)


@EXERCISE.wrong
def own_mean(z, mean, std):
    """You subtract the mean of these very features. Subtract the auxiliary set's."""
    return standardise(z, z.mean(axis=(0, 1)), std)


@EXERCISE.wrong
def own_deviation(z, mean, std):
    """You divide by the deviation of these very features. Divide by the auxiliary set's."""
    return standardise(z, mean, z.std(axis=(0, 1)))


@EXERCISE.wrong
def little_for_0(z, mean, std):
    """Where the deviation is 0 you divide by a millionth, so that a target a little off the mean
    gets an enormous value. Divide by 1 there."""
    return (z - mean) / np.where(std == 0, 1e-6, std)


@EXERCISE.wrong
def very_little_for_0(z, mean, std):
    """Where the deviation is 0 you divide by a hundredth of a millionth, so that a target a little
    off the mean gets an enormous value. Divide by 1 there."""
    return (z - mean) / np.where(std == 0, 1e-8, std)


@EXERCISE.wrong
def at_least_1(z, mean, std):
    """You divide by 1 where the deviation is smaller. Do so only where it is 0."""
    return (z - mean) / np.maximum(std, 1)


@EXERCISE.wrong
def infinity_to_a_number(z, mean, std):
    """You divide by 0 and replace what comes out. Divide by 1 where the deviation is 0, so that the
    offset stays."""
    return np.nan_to_num((z - mean) / std)


@EXERCISE.wrong
def multiplies(features, mean, std):
    """You multiply by the deviation. Divide by it."""
    return (features - mean) * np.where(std == 0, 1, std)


@EXERCISE.wrong
def adds_one_to_the_deviation(features, mean, std):
    """You add 1 to every deviation. Put a 1 only where it is 0."""
    return (features - mean) / (std + 1)


@EXERCISE.wrong
def a_constant_channel_as_it_is(features, mean, std):
    """A channel that never varies stays as it is in your answer. Its mean is subtracted,
    too."""
    return np.where(std == 0, features, (features - mean) / np.where(std == 0, 1, std))
