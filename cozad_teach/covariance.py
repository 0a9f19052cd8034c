"""Chapter 5: unsteady losses make the weight decay stronger."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from cozad_teach.errors import CozadError

__all__ = ["decay_strength", "loss_covariance"]


def loss_covariance(losses: Sequence[tuple[float, float]], window: int = 5) -> np.ndarray:
    """Give Σ of (training, validation) loss over the last steps, equation (loss-covariance).

    Parameters
    ----------
    losses : sequence of (float, float)
        Training (support) and validation (query) loss of every meta-step so far, oldest first.
    window : int
        W ≥ 2, the number of last steps that enter Σ.

    Returns
    -------
    numpy.ndarray
        float64, shape (2, 2), symmetric, positive semi-definite; zeros before two steps.

    Raises
    ------
    ValueError
        If `window` is below 2.
    CozadError
        If a loss is not finite.

    Notes
    -----
    Losses are z-scored over the *whole* history. Scored within the window instead, both variances
    would be 1 by construction, Σ a correlation matrix and det Σ = 1 - r²: a window in which the
    losses jump would look as steady as one in which they rest.
    """
    if window < 2:
        raise ValueError(f"a covariance needs a window of at least 2 steps, got {window}")
    history = np.asarray(losses, dtype=np.float64).reshape(-1, 2)
    if not np.isfinite(history).all():
        raise CozadError("a loss is not finite: lower the learning rate")
    if len(history) < 2:
        return np.zeros((2, 2))
    spread = history.std(axis=0)
    scored = (history - history.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return np.cov(scored[-window:], rowvar=False)


def decay_strength(
    covariance: np.ndarray, base: float = 0.1, growth: float = 0.5, cap: float = 100.0
) -> float:
    """Give λ(Σ) = λ0 (1 + η log(1 + min(det Σ, c)) / log(1 + c)), equation (decay).

    Parameters
    ----------
    covariance : numpy.ndarray
        Σ, shape (2, 2).
    base, growth, cap : float
        λ0 ≥ 0, η ≥ 0 and c > 0.

    Returns
    -------
    float
        From λ0, where Σ is singular, up to λ0 (1 + η), where det Σ ≥ c; never falls as det Σ rises.

    Examples
    --------
    >>> decay_strength(np.zeros((2, 2))), round(decay_strength(np.eye(2)), 4)
    (0.1, 0.1075)
    """
    determinant = covariance[0, 0] * covariance[1, 1] - covariance[0, 1] * covariance[1, 0]
    # Rounding can push the determinant of a singular matrix a little below 0.
    bounded = min(max(float(determinant), 0.0), cap)
    return base * (1.0 + growth * math.log1p(bounded) / math.log1p(cap))
