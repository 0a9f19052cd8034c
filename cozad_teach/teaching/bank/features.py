"""Exercises on patch features. The wrong answers are wrong on purpose."""

from __future__ import annotations

import numpy as np

from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISES"]


def mean_pool(features: np.ndarray) -> np.ndarray:
    """Average each patch of (h, w, C) with those of its eight neighbours that exist."""
    return _mean_around(features, 1, 1)


def _mean_around(features: np.ndarray, before: int, after: int) -> np.ndarray:
    """Average windows that reach so many patches to either side, as far as they exist."""
    pooled = np.empty_like(features, dtype=np.float64)
    for i, j in np.ndindex(features.shape[:2]):
        rows = slice(max(i - before, 0), i + after + 1)
        columns = slice(max(j - before, 0), j + after + 1)
        pooled[i, j] = features[rows, columns].mean(axis=(0, 1))
    return pooled


def _windows(padded: np.ndarray) -> np.ndarray:
    """Give all 3x3 windows of (h + 2, w + 2, C), shape (h, w, C, 3, 3)."""
    return np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))


def _padded(features: np.ndarray, mode: str) -> np.ndarray:
    return np.pad(features, ((1, 1), (1, 1), (0, 0)), mode=mode)  # type: ignore[call-overload]


def _count_padding(features: np.ndarray) -> np.ndarray:
    return _windows(_padded(features, "constant")).mean(axis=(-2, -1))


def _repeat_border(features: np.ndarray) -> np.ndarray:
    return _windows(_padded(features, "edge")).mean(axis=(-2, -1))


def _drop_border(features: np.ndarray) -> np.ndarray:
    return _windows(features).mean(axis=(-2, -1))


def _sum(features: np.ndarray) -> np.ndarray:
    return _windows(_padded(features, "constant")).sum(axis=(-2, -1))


def _max(features: np.ndarray) -> np.ndarray:
    padded = np.pad(features, ((1, 1), (1, 1), (0, 0)), constant_values=-np.inf)
    return _windows(padded).max(axis=(-2, -1))


def _mix_channels(features: np.ndarray) -> np.ndarray:
    pooled = mean_pool(features).mean(axis=-1, keepdims=True)
    return np.broadcast_to(pooled, features.shape)


def _negative_start(features: np.ndarray) -> np.ndarray:
    pooled = np.empty_like(features, dtype=np.float64)
    for i, j in np.ndindex(features.shape[:2]):
        pooled[i, j] = features[i - 1 : i + 2, j - 1 : j + 2].mean(axis=(0, 1))
    return pooled


def _window_shifted(features: np.ndarray) -> np.ndarray:
    return _mean_around(features, 0, 2)


def _reflect(features: np.ndarray) -> np.ndarray:
    return _windows(_padded(features, "reflect" if min(features.shape[:2]) > 1 else "edge")).mean(
        axis=(-2, -1)
    )


def _window_ends_early(features: np.ndarray) -> np.ndarray:
    return _mean_around(features, 1, 0)


def _four_neighbours(features: np.ndarray) -> np.ndarray:
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])
    total, count = (
        (_windows(_padded(values, "constant")) * cross).sum(axis=(-2, -1))
        for values in (features, np.ones_like(features))
    )
    return total / count


def _without_itself(features: np.ndarray) -> np.ndarray:
    total = _windows(_padded(features, "constant")).sum(axis=(-2, -1))
    count = _windows(_padded(np.ones_like(features), "constant")).sum(axis=(-2, -1))
    return np.asarray((total - features) / (count - 1))


def _keep_border(features: np.ndarray) -> np.ndarray:
    pooled = features.astype(float)
    if min(features.shape[:2]) > 2:
        pooled[1:-1, 1:-1] = _windows(features).mean(axis=(-2, -1))
    return pooled


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


def _pool_cases() -> tuple[Case, ...]:
    draw = np.random.default_rng(2).normal
    return (
        Case("a grid of 4x5 patches with 3 channels", (draw(1.0, 2.0, (4, 5, 3)),)),
        Case("a grid of 7x3 patches with 2 channels", (draw(0.0, 1.0, (7, 3, 2)),)),
        Case("a single row of 6 patches", (draw(5.0, 1.0, (1, 6, 2)),), hidden=True),
        Case("a grid of ones", (np.ones((3, 4, 2)),), hidden=True),
    )


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
    cases.insert(
        1, Case("a channel that never varies in the auxiliary data", (features, mean, std))
    )
    return tuple(cases)


EXERCISES = (
    Exercise(
        name="features.mean_pool",
        reference=mean_pool,
        cases=_pool_cases(),
        mistakes=(
            Mistake(
                "counts the padding",
                _count_padding,
                "Inside it is right, but the values at the border are too close to 0: you divide "
                "by 9 also where fewer than nine patches exist. Divide by the number of real ones.",
            ),
            Mistake(
                "repeats the border",
                _repeat_border,
                "Inside it is right, but the border patches count more than once: you repeat them "
                "as padding. Average the patches that exist, each of them once.",
            ),
            Mistake(
                "drops the border",
                _drop_border,
                "The result is two rows and two columns too small: you average only where all nine "
                "patches exist. Every patch needs a value, those at the border too.",
            ),
            Mistake(
                "sums",
                _sum,
                "You add the neighbours up. Divide the sum by their number.",
            ),
            Mistake(
                "takes the maximum",
                _max,
                "You take the largest value of each neighbourhood. Take the mean.",
            ),
            Mistake(
                "mixes channels",
                _mix_channels,
                "All channels of a patch get the same value: you average over channels too. "
                "Average over rows and columns only; see the `axis` argument of `mean`.",
            ),
            Mistake(
                "starts at a negative index",
                _negative_start,
                "The first row and column are not a number: for i = 0 the slice starts at -1, "
                "which Python counts from the end, and it is empty. Start it at max(i - 1, 0).",
            ),
            Mistake(
                "shifts the window",
                _window_shifted,
                "Your window starts at the patch and should be centred on it: it must reach one "
                "patch to each side.",
            ),
            Mistake(
                "reflects the border",
                _reflect,
                "Inside it is right, but at the border you reflect the image, so that inner "
                "patches count twice. Average the patches that exist, each of them once.",
            ),
            Mistake(
                "window ends too early",
                _window_ends_early,
                "Your window ends at the patch: a slice leaves its end out, so that `i + 1` "
                "stops before the next row.",
            ),
            Mistake(
                "four neighbours",
                _four_neighbours,
                "You average with four neighbours. Those at the corners belong to the eight "
                "as well.",
            ),
            Mistake(
                "leaves the patch itself out",
                _without_itself,
                "You average the neighbours without the patch itself. It belongs to its window.",
            ),
            Mistake(
                "keeps the border",
                _keep_border,
                "Patches at the border stay as they were. They have neighbours too: fewer of them.",
            ),
        ),
    ),
    Exercise(
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
                "A channel that never varies has deviation 0, and you divide by it. Divide by 1 "
                "there.",
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
                "The scale is right, but the mean is still in. Subtract it first.",
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
        ),
    ),
)
