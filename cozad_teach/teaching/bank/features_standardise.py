"""Exercise features.standardise. The wrong answers are wrong on purpose."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISE"]


def standardise(features: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    """Shift and scale each channel of (h, w, C) by the auxiliary statistics (C,); σ = 0 as 1."""
    return (features - mean) / np.where(std == 0, 1, std)


def _own_statistics(features: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    return standardise(features, features.mean(axis=(0, 1)), features.std(axis=(0, 1)))


def _by_zero(features: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    return (features - mean) / std


def _by_little(features: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    return (features - mean) / (std + 1e-6)


def _nothing_there(features: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    return np.where(std == 0, 0, standardise(features, mean, std))


def _not_scaled(features: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    return features - mean


def _by_variance(features: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    return (features - mean) / np.where(std == 0, 1, std**2)


def _by_product(features: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    return (features - mean) * std


def _no_mean(features: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    return standardise(features, np.zeros_like(mean), std)


def _divide_first(features: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    return standardise(features, np.zeros_like(mean), std) - mean


def _one_scale(features: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    return (features - mean.mean()) / std.mean()


def _by_divisor(
    divisor: Callable[[np.ndarray], np.ndarray],
    features: np.ndarray,
    mean: np.ndarray,
    std: np.ndarray,
) -> np.ndarray:
    return np.asarray((features - mean) / divisor(std))


def _ones_up_to(small: float, std: np.ndarray) -> np.ndarray:
    return np.where(std <= small, 1, std)


def _standardise_cases() -> tuple[Case, ...]:
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
    nearly = (mean + varied * random.normal(0, 9, (4, 6, 3)), mean, varied)
    cases.insert(1, Case("channels that vary very little", nearly))
    cases.insert(
        1, Case("a channel that never varies in the auxiliary data", (features, mean, std))
    )
    return tuple(cases)


EXERCISE = Exercise(
    name="features.standardise",
    reference=standardise,
    cases=_standardise_cases(),
    mistakes=(
        Mistake(
            "uses the image's own statistics",
            _own_statistics,
            "You standardise with the mean and deviation of these very features. Use the "
            "auxiliary set's: the target must not decide its own scale.",
        ),
        Mistake(
            "divides by 0",
            _by_zero,
            "A channel that never varies has deviation 0, and you divide by it. Divide by 1 there.",
        ),
        Mistake(
            "divides by very little",
            _by_little,
            "You keep the divisor above 0 with a tiny number. Where the deviation is 0, a "
            "target a little off the mean gets an enormous value: divide by 1 there.",
        ),
        Mistake(
            "leaves nothing",
            _nothing_there,
            "You give 0 in a channel that never varies. A target that is off the mean there "
            "keeps its offset: divide by 1.",
        ),
        Mistake(
            "shifts only",
            _not_scaled,
            "You subtract the mean and stop. Divide by the deviation, channel by channel.",
        ),
        Mistake(
            "divides by the variance",
            _by_variance,
            "You divide by the variance, the square of the standard deviation. `std` is the "
            "deviation already.",
        ),
        Mistake(
            "multiplies by the deviation",
            _by_product,
            "You multiply by the deviation. Divide by it, so that every channel has the same "
            "spread.",
        ),
        Mistake(
            "keeps the mean",
            _no_mean,
            "The mean is still in. Subtract it first.",
        ),
        Mistake(
            "divides before it subtracts",
            _divide_first,
            "You divide first and subtract the mean afterwards. The mean is on the scale of "
            "the features: subtract it before you divide. Are the parentheses there?",
        ),
        Mistake(
            "uses one scale for all channels",
            _one_scale,
            "You use one mean and one deviation for all channels. Each channel has its own.",
        ),
        *(
            Mistake(
                f"adds {little:g}",
                functools.partial(_by_divisor, functools.partial(np.add, little)),
                f"You add {little:g} to the deviation. A channel that never varies gets an "
                "enormous "
                "value, and one that varies very little is scaled wrongly: where the deviation is "
                "0, divide by 1.",
            )
            for little in (1e-3, 1e-5, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12)
        ),
        *(
            Mistake(
                f"at least {least:g}",
                functools.partial(_by_divisor, functools.partial(np.maximum, least)),
                f"You keep the divisor at {least:g} or above. A small deviation is one all the "
                "same; only where it is 0, divide by 1.",
            )
            for least in (0.1, 0.01, 1e-3, 1e-4, 1e-5)
        ),
        *(
            Mistake(
                f"takes {small:g} for 0",
                functools.partial(_by_divisor, functools.partial(_ones_up_to, small)),
                f"A deviation of {small:g} counts as 0 in your answer, and you divide by 1. Do so "
                "only where it is 0.",
            )
            for small in (0.05, 0.004, 2e-6)
        ),
        Mistake(
            "mean divided",
            lambda z, mean, std: z - mean / np.where(std == 0, 1, std),
            "You divide the mean alone: a division comes before a subtraction. Parentheses "
            "around the difference are missing.",
        ),
        Mistake(
            "mean divided, by 0 too",
            lambda z, mean, std: z - mean / std,
            "You divide the mean alone, and by 0 where a channel never varies. Parentheses "
            "around the difference are missing; divide by 1 there.",
        ),
        Mistake(
            "bounded",
            lambda z, mean, std: np.clip(standardise(z, mean, std), -10, 10),
            "You bound the result. A target may be as far from the mean as it is.",
        ),
        Mistake(
            "bounded closely",
            lambda z, mean, std: np.clip(standardise(z, mean, std), -3, 3),
            "You bound the result at three deviations. A target may be as far off as it is.",
        ),
        Mistake(
            "turned round",
            lambda z, mean, std: -standardise(z, mean, std),
            "You subtract the features from the mean.",
        ),
        Mistake(
            "root of the deviation",
            lambda z, mean, std: standardise(z, mean, np.sqrt(std)),
            "You divide by the root of the deviation. `std` is the deviation, not the variance.",
        ),
        Mistake(
            "adds the mean",
            lambda z, mean, std: standardise(z, -mean, std),
            "You add the mean. Subtract it.",
        ),
        Mistake(
            "own mean",
            lambda z, mean, std: standardise(z, z.mean(axis=(0, 1)), std),
            "You subtract the mean of these very features. Subtract the auxiliary set's.",
        ),
        Mistake(
            "own deviation",
            lambda z, mean, std: standardise(z, mean, z.std(axis=(0, 1))),
            "You divide by the deviation of these very features. Divide by the auxiliary set's.",
        ),
        Mistake(
            "little for 0",
            lambda z, mean, std: (z - mean) / np.where(std == 0, 1e-6, std),
            "Where the deviation is 0 you divide by a millionth, so that a target a little off "
            "the mean gets an enormous value. Divide by 1 there.",
        ),
        Mistake(
            "very little for 0",
            lambda z, mean, std: (z - mean) / np.where(std == 0, 1e-8, std),
            "Where the deviation is 0 you divide by a hundredth of a millionth, so that a "
            "target a little off the mean gets an enormous value. Divide by 1 there.",
        ),
        Mistake(
            "at least 1",
            lambda z, mean, std: (z - mean) / np.maximum(std, 1),
            "You divide by 1 where the deviation is smaller. Do so only where it is 0.",
        ),
        Mistake(
            "infinity to a number",
            lambda z, mean, std: np.nan_to_num((z - mean) / std),
            "You divide by 0 and replace what comes out. Divide by 1 where the deviation is 0, "
            "so that the offset stays.",
        ),
    ),
)
