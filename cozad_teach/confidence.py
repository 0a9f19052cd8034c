"""Chapter 4: confidence weights, so that a doubtful patch counts less instead of not at all."""

from __future__ import annotations

import torch
from torch import Tensor

from cozad_teach.errors import CozadError

__all__ = ["WEIGHTS", "confidence_weights", "hard_weights", "iqr_threshold", "soft_weights"]

WEIGHTS = ("soft", "hard", "none")


def iqr_threshold(scores: Tensor, gamma: float = 1.5) -> Tensor:
    """Give T = Q3 + γ (Q3 - Q1), Tukey's fence for high scores, equation (threshold).

    Parameters
    ----------
    scores : torch.Tensor
        Shape (..., N), N ≥ 1; each row is a set of its own.
    gamma : float
        γ ≥ -1: how many interquartile ranges above Q3 a score is still ordinary; -1 gives T = Q1.

    Returns
    -------
    torch.Tensor
        Shape (...,). Quartiles are interpolated linearly between order statistics.

    Raises
    ------
    CozadError
        If there is no score, a score is not finite, or γ is below -1.

    Examples
    --------
    >>> iqr_threshold(torch.tensor([1.0, 2.0, 3.0, 4.0, 50.0]))
    tensor(7.)
    """
    if scores.shape[-1] == 0:
        raise CozadError("confidence weights need at least one score")
    if not torch.isfinite(scores).all():
        raise CozadError("a score is not finite: check the features of the support")
    if gamma < -1:
        raise CozadError(f"gamma must be at least -1, got {gamma}")
    # Not torch.quantile, which refuses more than 16 million values.
    ordered = scores.sort(dim=-1).values
    q1, q3 = (_between(ordered, share * (scores.shape[-1] - 1)) for share in (0.25, 0.75))
    # In this form T is exactly Q1 at γ = -1: rounding cannot leave all of many ties above it.
    return torch.lerp(q1, q3, 1 + gamma)


def _between(ordered: Tensor, place: float) -> Tensor:
    """Interpolate linearly between the two neighbours of a place in the last dimension."""
    low = int(place)
    high = min(low + 1, ordered.shape[-1] - 1)
    return torch.lerp(ordered[..., low], ordered[..., high], place - low)


def soft_weights(scores: Tensor, gamma: float = 1.5, sharpness: float = 1.0) -> Tensor:
    """Give every sample a confidence weight w = min(1, T / s)^κ, equation (weights).

    Parameters
    ----------
    scores : torch.Tensor
        Scores s ≥ 0, shape (..., N); higher is more anomalous.
    gamma : float
        γ of `iqr_threshold`.
    sharpness : float
        κ > 0: 1 as in the paper; 2 gives the weights by which Huber's M-estimator of a covariance
        is found.

    Returns
    -------
    torch.Tensor
        Shape (..., N), in [0, 1]: 1 up to the threshold, then falling as 1/s^κ. Positive for every
        positive threshold: no sample is discarded.

    Raises
    ------
    CozadError
        As `iqr_threshold`; also if a score is negative, for then T / s means nothing.

    Examples
    --------
    >>> soft_weights(torch.tensor([1.0, 2.0, 3.0, 4.0, 50.0]))
    tensor([1.0000, 1.0000, 1.0000, 1.0000, 0.1400])
    """
    threshold = iqr_threshold(scores, gamma).unsqueeze(-1)
    if (scores < 0).any():
        raise CozadError("confidence weights need scores of at least 0, such as distances")
    # Where a score is at most the threshold the ratio is not used, so that 0 / 0 cannot arise.
    ordinary = scores <= threshold
    ratio = threshold / torch.where(ordinary, 1.0, scores)
    return torch.where(ordinary, 1.0, ratio.pow(sharpness))


def hard_weights(scores: Tensor, gamma: float = 1.5) -> Tensor:
    """Select samples as classic confident learning does, w = 1[s ≤ T], equation (hard-weights).

    Parameters
    ----------
    scores : torch.Tensor
        Shape (..., N); higher is more anomalous.
    gamma : float
        γ of `iqr_threshold`.

    Returns
    -------
    torch.Tensor
        Shape (..., N): 1 up to the threshold, 0 above it. For γ ≥ 0, T ≥ Q3: three
        quarters of many samples are kept, and at least one of few.

    Raises
    ------
    CozadError
        As `iqr_threshold`.
    """
    threshold = iqr_threshold(scores, gamma).unsqueeze(-1)
    return (scores <= threshold).to(scores.dtype)


def confidence_weights(
    scores: Tensor, gamma: float = 1.5, sharpness: float = 1.0, kind: str = "soft"
) -> Tensor:
    """Weigh samples in one of the three ways that the book compares.

    Parameters
    ----------
    scores : torch.Tensor
        Shape (..., N); higher is more anomalous.
    gamma, sharpness : float
        γ of `iqr_threshold` and κ of `soft_weights`.
    kind : str
        ``soft`` for `soft_weights`, ``hard`` for `hard_weights`, ``none`` for weights of 1.

    Returns
    -------
    torch.Tensor
        Shape (..., N), in [0, 1].

    Raises
    ------
    CozadError
        If the kind is unknown, or as the functions named.
    """
    if kind == "soft":
        return soft_weights(scores, gamma, sharpness)
    if kind == "hard":
        return hard_weights(scores, gamma)
    if kind == "none":
        return torch.ones_like(scores)
    raise CozadError(f"unknown weights {kind!r}: choose {', '.join(WEIGHTS)}")
