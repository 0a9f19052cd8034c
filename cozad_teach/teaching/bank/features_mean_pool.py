"""Exercise features.mean_pool. The wrong answers are wrong on purpose."""

from __future__ import annotations

import numpy as np

from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISE"]


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
    padded = np.pad(features.astype(float), ((1, 1), (1, 1), (0, 0)), constant_values=-np.inf)
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


def _border_of_zeros(features: np.ndarray) -> np.ndarray:
    pooled = np.zeros(features.shape)
    if min(features.shape[:2]) > 2:
        pooled[1:-1, 1:-1] = _windows(features).mean(axis=(-2, -1))
    return pooled


def _in_order(features: np.ndarray) -> np.ndarray:
    pooled = features.astype(float)
    for i, j in np.ndindex(features.shape[:2]):
        pooled[i, j] = mean_pool(pooled)[i, j]
    return pooled


def _median(features: np.ndarray) -> np.ndarray:
    padded = np.pad(features.astype(float), ((1, 1), (1, 1), (0, 0)), constant_values=np.nan)
    return np.nanmedian(_windows(padded), axis=(-2, -1))


def _along(features: np.ndarray, axis: int) -> np.ndarray:
    lines = np.split(features, features.shape[1 - axis], axis=1 - axis)
    return np.concatenate([mean_pool(line) for line in lines], axis=1 - axis)


def _pool_cases() -> tuple[Case, ...]:
    draw = np.random.default_rng(2).normal
    whole = np.random.default_rng(3).integers(-9, 9, (3, 4, 2))
    return (
        Case("a grid of 4x5 patches with 3 channels", (draw(1.0, 2.0, (4, 5, 3)),)),
        Case("a grid of 7x3 patches with 2 channels", (draw(0.0, 1.0, (7, 3, 2)),)),
        Case("a grid of 3x4 patches with whole numbers", (whole,)),
        Case("a single row of 6 patches", (draw(5.0, 1.0, (1, 6, 2)),), hidden=True),
        Case("a single column of 4 patches", (draw(0.0, 3.0, (4, 1, 3)),), hidden=True),
        Case("a grid of ones", (np.ones((3, 4, 2)),), hidden=True),
    )


EXERCISE = Exercise(
    name="features.mean_pool",
    reference=mean_pool,
    cases=_pool_cases(),
    mistakes=(
        Mistake(
            "counts the padding",
            _count_padding,
            "The values at the border are too close to 0: you divide "
            "by 9 also where fewer than nine patches exist. Divide by the number of real ones.",
        ),
        Mistake(
            "repeats the border",
            _repeat_border,
            "At the border, patches count more than once: you repeat them "
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
            "At the border you reflect the image, so that inner "
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
            "You average with four neighbours. Those at the corners belong to the eight as well.",
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
        Mistake(
            "border left at 0",
            _border_of_zeros,
            "Patches at the border stay 0. They have neighbours too: fewer of them.",
        ),
        Mistake(
            "around the edges",
            lambda z: (
                sum(
                    np.roll(z.astype(float), (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)
                )
                / 9
            ),
            "`np.roll` brings patches from the opposite border. They are no neighbours.",
        ),
        Mistake(
            "whole numbers",
            lambda z: mean_pool(z).astype(z.dtype),
            "Where the input holds whole numbers, your output does too, and cuts the means off: "
            "give it a dtype of its own, `float`.",
        ),
        Mistake(
            "returns within the loop",
            lambda z: np.where(np.arange(len(z))[:, None, None] == 0, mean_pool(z), 0),
            "Only the first row is filled: does the `return` stand inside the loop?",
        ),
        Mistake(
            "returns at once",
            lambda z: np.where(np.indices(z.shape[:2]).sum(0)[..., None] == 0, mean_pool(z), 0),
            "Only the first patch is filled: does the `return` stand inside the loop?",
        ),
        Mistake(
            "in the same array",
            _in_order,
            "Patches further down are averaged with values that were pooled already. Write into "
            "a new array.",
        ),
        Mistake(
            "median",
            _median,
            "You take the median of each neighbourhood. Take the mean.",
        ),
        Mistake(
            "rows alone",
            lambda z: _along(z, 0),
            "You average along the rows of the grid alone. The eight neighbours lie to all sides.",
        ),
        Mistake(
            "columns alone",
            lambda z: _along(z, 1),
            "You average along the columns of the grid alone. The eight neighbours lie to all "
            "sides.",
        ),
        Mistake(
            "window of five",
            lambda z: _mean_around(z, 2, 2),
            "Your window reaches two patches to each side. The eight neighbours are one away.",
        ),
        Mistake(
            "no pooling",
            lambda z: z.astype(float),
            "You give the patches as they are.",
        ),
        Mistake(
            "mean of all",
            lambda z: np.broadcast_to(z.mean((0, 1)), z.shape),
            "You average over the whole grid. Take each patch with its neighbours.",
        ),
        Mistake(
            "divides by eight",
            lambda z: _sum(z) / 8,
            "You divide by 8. The patch itself counts too, and at the border there are fewer.",
        ),
        Mistake(
            "odd divisor",
            lambda z: _sum(z) / (_sum(np.ones_like(z)) - 1),
            "You divide by the number of neighbours. The patch itself counts too.",
        ),
        Mistake(
            "one number for a patch",
            lambda z: mean_pool(z).mean(axis=-1),
            "You average over channels too. Average over rows and columns only; see the `axis` "
            "argument of `mean`.",
        ),
    ),
)
