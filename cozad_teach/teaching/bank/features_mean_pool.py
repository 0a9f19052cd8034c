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


def _pool_cases() -> tuple[Case, ...]:
    draw = np.random.default_rng(2).normal
    return (
        Case("a grid of 4x5 patches with 3 channels", (draw(1.0, 2.0, (4, 5, 3)),)),
        Case("a grid of 7x3 patches with 2 channels", (draw(0.0, 1.0, (7, 3, 2)),)),
        Case("a single row of 6 patches", (draw(5.0, 1.0, (1, 6, 2)),), hidden=True),
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
    ),
)
