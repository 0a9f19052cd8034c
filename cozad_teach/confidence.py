"""Step 4: soft confidence weights, so that a doubtful image counts less instead of not at all."""

from __future__ import annotations

import torch
from torch import Tensor

from cozad_teach.errors import CozadError

__all__ = ["iqr_threshold", "soft_weights"]


def iqr_threshold(scores: Tensor, gamma: float = 1.5) -> Tensor:
    """Give T = Q3 + γ (Q3 - Q1), Tukey's fence for high scores, equation (threshold).

    Parameters
    ----------
    scores : torch.Tensor
        Image scores, shape (..., N), N ≥ 1; each row is a set of its own.
    gamma : float
        γ ≥ 0: how many interquartile ranges above Q3 a score is still ordinary.

    Returns
    -------
    torch.Tensor
        Shape (...,). Quartiles are interpolated linearly between order statistics.

    Raises
    ------
    CozadError
        If there is no score, a score is not finite, or γ is negative.
    """
    if scores.shape[-1] == 0:
        raise CozadError("confidence weights need at least one image in the support")
    if not torch.isfinite(scores).all():
        raise CozadError("an image score is not finite: check the support images")
    if gamma < 0:
        raise CozadError(f"gamma must be at least 0, got {gamma}")
    quartiles = torch.tensor([0.25, 0.75], dtype=scores.dtype, device=scores.device)
    q1, q3 = torch.quantile(scores, quartiles, dim=-1)
    return q3 + gamma * (q3 - q1)


def soft_weights(scores: Tensor, gamma: float = 1.5) -> Tensor:
    """Give every image a confidence weight w = min(1, T / s), equation (weights).

    Parameters
    ----------
    scores : torch.Tensor
        Image scores s ≥ 0, shape (..., N); higher is more anomalous.
    gamma : float
        γ of `iqr_threshold`.

    Returns
    -------
    torch.Tensor
        Shape (..., N), in [0, 1]: 1 up to the threshold, then falling as 1/s. Positive for every
        positive threshold: no image is discarded.

    Raises
    ------
    CozadError
        As `iqr_threshold`; also if a score is negative, for then T / s means nothing.
    """
    threshold = iqr_threshold(scores, gamma).unsqueeze(-1)
    if (scores < 0).any():
        raise CozadError("confidence weights need scores of at least 0, such as distances")
    # Where a score is at most the threshold the ratio is not used, so that 0 / 0 cannot arise.
    ordinary = scores <= threshold
    return torch.where(ordinary, 1.0, threshold / torch.where(ordinary, 1.0, scores))
