"""Many choices at once: the effect of each over all ways to make the others."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["interactions", "main_effects"]


def main_effects(values: ArrayLike) -> NDArray[np.float64]:
    """Give what each of M choices changes on average over the others, equation (main-effect).

    Parameters
    ----------
    values : array_like
        Shape (2,) * M, M ≥ 1: a result for every combination; on axis i, index 0 is without choice
        i and index 1 with it.

    Returns
    -------
    numpy.ndarray
        Shape (M,): mean of the results with choice i less the mean of those without.

    Raises
    ------
    ValueError
        If an axis has not two entries, there is no axis, or a value is not a finite number.

    References
    ----------
    Fisher, "The design of experiments", 1935; for choices of an analysis Steegen, Tuerlinckx,
    Gelman and Vanpaemel, "Increasing transparency through a multiverse analysis", 2016.
    """
    results = _checked(values)
    return np.array([_difference(results, axis).mean() for axis in range(results.ndim)])


def interactions(values: ArrayLike) -> NDArray[np.float64]:
    """Give how much more each choice brings together with each other, equation (interaction).

    Parameters
    ----------
    values : array_like
        As in `main_effects`.

    Returns
    -------
    numpy.ndarray
        Shape (M, M), symmetric: effect of choice i where choice j is made, less its effect where
        it is not, on average over the others. 0 on the diagonal.

    Raises
    ------
    ValueError
        As `main_effects`.
    """
    results = _checked(values)
    table = np.zeros((results.ndim,) * 2)
    for i in range(results.ndim):
        for j in range(i):
            # Without axis i, which lies behind it, axis j is still axis j.
            table[i, j] = table[j, i] = _difference(_difference(results, i), j).mean()
    return table


def _difference(results: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    return np.asarray(results.take(1, axis) - results.take(0, axis))


def _checked(values: ArrayLike) -> NDArray[np.float64]:
    results = np.asarray(values, float)
    if not results.ndim or set(results.shape) != {2}:
        raise ValueError(f"every choice needs an axis of length 2, got the shape {results.shape}")
    if not np.isfinite(results).all():
        raise ValueError("a result is not a finite number")
    return results
