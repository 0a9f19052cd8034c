"""Exercise features.mean_pool."""

import numpy as np

from cozad_book.checking.cases import Case, Exercise


def _mean_around(features, before, after):
    """Average windows that reach so many patches to either side, as far as they exist."""
    pooled = np.empty_like(features, dtype=np.float64)
    for i, j in np.ndindex(features.shape[:2]):
        rows = slice(max(i - before, 0), i + after + 1)
        columns = slice(max(j - before, 0), j + after + 1)
        pooled[i, j] = features[rows, columns].mean(axis=(0, 1))
    return pooled


def _windows(padded):
    """Give all 3x3 windows of (h + 2, w + 2, C), shape (h, w, C, 3, 3)."""
    return np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(0, 1))


def _padded(features, mode):
    return np.pad(features, ((1, 1), (1, 1), (0, 0)), mode=mode)


def _along(features, axis):
    lines = np.split(features, features.shape[1 - axis], axis=1 - axis)
    return np.concatenate([mean_pool(line) for line in lines], axis=1 - axis)


def _pool_cases():
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


EXERCISE = Exercise("features.mean_pool", cases=_pool_cases())


@EXERCISE.right
def mean_pool(features: np.ndarray) -> np.ndarray:
    """Average each patch of (h, w, C) with those of its eight neighbours that exist."""
    return _mean_around(features, 1, 1)


@EXERCISE.wrong
def counts_the_padding(features):
    """The values at the border are too close to 0: you divide by 9 also where fewer than nine
    patches exist. Divide by the number of real ones."""
    return _windows(_padded(features, "constant")).mean(axis=(-2, -1))


@EXERCISE.wrong
def repeats_the_border(features):
    """At the border, patches count more than once: you repeat them as padding. Average the patches
    that exist, each of them once."""
    return _windows(_padded(features, "edge")).mean(axis=(-2, -1))


@EXERCISE.wrong
def drops_the_border(features):
    """The result is two rows and two columns too small: you average only where all nine patches
    exist. Every patch needs a value, those at the border too."""
    return _windows(features).mean(axis=(-2, -1))


@EXERCISE.wrong
def sums(features):
    """You add the neighbours up. Divide the sum by their number."""
    return _windows(_padded(features, "constant")).sum(axis=(-2, -1))


@EXERCISE.wrong
def takes_the_maximum(features):
    """You take the largest value of each neighbourhood. Take the mean."""
    padded = np.pad(features.astype(float), ((1, 1), (1, 1), (0, 0)), constant_values=-np.inf)
    return _windows(padded).max(axis=(-2, -1))


@EXERCISE.wrong
def mixes_channels(features):
    """All channels of a patch get the same value: you average over channels too. Average over rows
    and columns only; see the `axis` argument of `mean`."""
    pooled = mean_pool(features).mean(axis=-1, keepdims=True)
    return np.broadcast_to(pooled, features.shape)


@EXERCISE.wrong
def starts_at_a_negative_index(features):
    """The first row and column are not a number: for i = 0 the slice starts at -1, which Python
    counts from the end, and it is empty. Start it at max(i - 1, 0)."""
    pooled = np.empty_like(features, dtype=np.float64)
    for i, j in np.ndindex(features.shape[:2]):
        pooled[i, j] = features[i - 1 : i + 2, j - 1 : j + 2].mean(axis=(0, 1))
    return pooled


@EXERCISE.wrong
def shifts_the_window(features):
    """Your window starts at the patch and should be centred on it: it must reach one patch to each
    side."""
    return _mean_around(features, 0, 2)


@EXERCISE.wrong
def reflects_the_border(features):
    """At the border you reflect the image, so that inner patches count twice. Average the patches
    that exist, each of them once."""
    return _windows(_padded(features, "reflect" if min(features.shape[:2]) > 1 else "edge")).mean(
        axis=(-2, -1)
    )


@EXERCISE.wrong
def window_ends_too_early(features):
    """Your window ends at the patch: a slice leaves its end out, so that `i + 1` stops before the
    next row."""
    return _mean_around(features, 1, 0)


@EXERCISE.wrong
def four_neighbours(features):
    """You average with four neighbours. Those at the corners belong to the eight as well."""
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])
    total, count = (
        (_windows(_padded(values, "constant")) * cross).sum(axis=(-2, -1))
        for values in (features, np.ones_like(features))
    )
    return total / count


@EXERCISE.wrong
def leaves_the_patch_itself_out(features):
    """You average the neighbours without the patch itself. It belongs to its window."""
    total = _windows(_padded(features, "constant")).sum(axis=(-2, -1))
    count = _windows(_padded(np.ones_like(features), "constant")).sum(axis=(-2, -1))
    return np.asarray((total - features) / (count - 1))


@EXERCISE.wrong
def keeps_the_border(features):
    """Patches at the border stay as they were. They have neighbours too: fewer of them."""
    pooled = features.astype(float)
    if min(features.shape[:2]) > 2:
        pooled[1:-1, 1:-1] = _windows(features).mean(axis=(-2, -1))
    return pooled


@EXERCISE.wrong
def border_left_at_0(features):
    """Patches at the border stay 0. They have neighbours too: fewer of them."""
    pooled = np.zeros(features.shape)
    if min(features.shape[:2]) > 2:
        pooled[1:-1, 1:-1] = _windows(features).mean(axis=(-2, -1))
    return pooled


@EXERCISE.wrong
def around_the_edges(z):
    """`np.roll` brings patches from the opposite border. They are no neighbours."""
    return sum(np.roll(z.astype(float), (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)) / 9


@EXERCISE.wrong
def whole_numbers(z):
    """Where the input holds whole numbers, your output does too, and cuts the means off: give it a
    dtype of its own, `float`."""
    return mean_pool(z).astype(z.dtype)


@EXERCISE.wrong
def returns_within_the_loop(z):
    """Only the first row is filled: does the `return` stand inside the loop?"""
    return np.where(np.arange(len(z))[:, None, None] == 0, mean_pool(z), 0)


@EXERCISE.wrong
def returns_at_once(z):
    """Only the first patch is filled: does the `return` stand inside the loop?"""
    return np.where(np.indices(z.shape[:2]).sum(0)[..., None] == 0, mean_pool(z), 0)


@EXERCISE.wrong
def in_the_same_array(features):
    """Patches further down are averaged with values that were pooled already. Write into a new
    array."""
    pooled = features.astype(float)
    for i, j in np.ndindex(features.shape[:2]):
        pooled[i, j] = mean_pool(pooled)[i, j]
    return pooled


@EXERCISE.wrong
def median(features):
    """You take the median of each neighbourhood. Take the mean."""
    padded = np.pad(features.astype(float), ((1, 1), (1, 1), (0, 0)), constant_values=np.nan)
    return np.nanmedian(_windows(padded), axis=(-2, -1))


@EXERCISE.wrong
def rows_alone(z):
    """You average along the rows of the grid alone. The eight neighbours lie to all sides."""
    return _along(z, 0)


@EXERCISE.wrong
def columns_alone(z):
    """You average along the columns of the grid alone. The eight neighbours lie to all sides."""
    return _along(z, 1)


@EXERCISE.wrong
def window_of_five(z):
    """Your window reaches two patches to each side. The eight neighbours are one away."""
    return _mean_around(z, 2, 2)


@EXERCISE.wrong
def no_pooling(z):
    """You give the patches as they are."""
    return z.astype(float)


@EXERCISE.wrong
def mean_of_all(z):
    """You average over the whole grid. Take each patch with its neighbours."""
    return np.broadcast_to(z.mean((0, 1)), z.shape)


@EXERCISE.wrong
def divides_by_eight(z):
    """You divide by 8. The patch itself counts too, and at the border there are fewer."""
    return sums(z) / 8


@EXERCISE.wrong
def odd_divisor(z):
    """You divide by the number of neighbours. The patch itself counts too."""
    return sums(z) / (sums(np.ones_like(z)) - 1)


@EXERCISE.wrong
def one_number_for_a_patch(z):
    """You average over channels too. Average over rows and columns only; see the `axis` argument of
    `mean`."""
    return mean_pool(z).mean(axis=-1)


@EXERCISE.wrong
def channels_as_neighbours(features):
    """Your window also runs over neighbouring channels. Average over rows and columns, each
    channel by itself."""
    padded = np.pad(features.astype(float), 1, mode="symmetric")
    shape = features.shape
    shifted = [
        padded[i : i + shape[0], j : j + shape[1], k : k + shape[2]]
        for i, j, k in np.ndindex(3, 3, 3)
    ]
    return np.mean(shifted, axis=0)
