"""Step 3: weighted statistics of the support, and distances from them as anomaly scores."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import gaussian_filter
from torch import Tensor

__all__ = [
    "calibrate",
    "gaussian_statistics",
    "image_scores",
    "mahalanobis",
    "pixel_maps",
]


def gaussian_statistics(
    embeddings: Tensor, weights: Tensor, shrinkage: float = 0.1
) -> tuple[Tensor, Tensor]:
    """Give the weighted mean and the shrunk covariance of support patches, equation (statistics).

    Parameters
    ----------
    embeddings : torch.Tensor
        e, shape (N, P, D).
    weights : torch.Tensor
        w, shape (N,): one confidence weight ≥ 0 per image, at least one of them positive.
    shrinkage : float
        ρ in (0, 1]: S = (1 - ρ) Σ_w + ρ (tr Σ_w / D) I. Without it S is singular for few patches.

    Returns
    -------
    mean : torch.Tensor
        μ, shape (D,).
    covariance : torch.Tensor
        S, shape (D, D), symmetric and positive definite unless all patches are equal.
    """
    share = weights / (weights.sum() * embeddings.shape[1])
    mean = torch.einsum("n,npd->d", share, embeddings)
    centred = (embeddings - mean).flatten(0, 1)
    share = share.repeat_interleave(embeddings.shape[1])
    covariance = (centred * share[:, None]).mT @ centred
    identity = torch.eye(len(mean), dtype=mean.dtype, device=mean.device)
    scale = torch.einsum("dd->", covariance) / len(mean)
    return mean, (1 - shrinkage) * covariance + shrinkage * scale * identity


def mahalanobis(embeddings: Tensor, mean: Tensor, covariance: Tensor) -> Tensor:
    """Give the Mahalanobis distance of each patch, divided by √D, equation (mahalanobis).

    Parameters
    ----------
    embeddings : torch.Tensor
        Shape (..., D).
    mean, covariance : torch.Tensor
        μ and S of `gaussian_statistics`.

    Returns
    -------
    torch.Tensor
        Shape (...,), ≥ 0. Divided by √D, a patch drawn from the Gaussian itself has a distance
        near 1 whatever D is.
    """
    n_dimensions = len(mean)
    # The floor keeps the factorisation alive where all patches are equal.
    floor = torch.finfo(covariance.dtype).tiny ** 0.5
    identity = torch.eye(n_dimensions, dtype=mean.dtype, device=mean.device)
    precision = _inverse(covariance + floor * identity)
    centred = embeddings - mean
    squared = ((centred @ precision) * centred).mean(-1)
    # The gradient of a square root is infinite at 0.
    return squared.clamp(min=floor).sqrt()


def _inverse(matrix: Tensor) -> Tensor:
    """Invert a positive definite matrix, exactly in value and in two derivatives.

    What is not positive definite, or not finite, gives nan: callers check scores and losses.

    Not torch.linalg.inv: of a batch of matrices it gives wrong results on several threads
    (pytorch/pytorch#142815), and an inverse through a Cholesky factor has derivatives that are
    chains of triangular solves. So the factor gives the value alone. Each of Newton's steps then
    squares the residual I - S P: after two of them its fourth power is left, whose first three
    derivatives are 0.
    """
    factor, failed = torch.linalg.cholesky_ex(matrix.detach())
    inverse = torch.cholesky_inverse(torch.where(failed == 0, factor, torch.nan))
    twice = 2 * torch.eye(len(matrix), dtype=matrix.dtype, device=matrix.device)
    for _ in range(2):
        inverse = inverse @ (twice - matrix @ inverse)
    return inverse


def calibrate(scores: Tensor, log_slope: Tensor, offset: Tensor) -> Tensor:
    """Turn distances into logits, a·log s + b with a = exp(`log_slope`), equation (calibration).

    A positive slope cannot reorder scores: calibration changes thresholds, never a ranking.
    """
    return log_slope.exp() * scores.log() + offset


def image_scores(patch_scores: Tensor, top_share: float = 0.01) -> Tensor:
    """Give the mean of each image's highest patch scores, equation (image-score).

    Parameters
    ----------
    patch_scores : torch.Tensor
        Shape (..., P).
    top_share : float
        Share of the P patches that enters, in (0, 1]; at least one patch does.

    Returns
    -------
    torch.Tensor
        Shape (...,). Higher is more anomalous.
    """
    k = math.ceil(top_share * patch_scores.shape[-1])
    return patch_scores.topk(k, dim=-1).values.mean(-1)


def pixel_maps(
    patch_scores: Tensor, sizes: Sequence[tuple[int, int]], smoothing: float = 4.0 / 224
) -> list[np.ndarray]:
    """Upsample patch scores to images of their own sizes and smooth them.

    Parameters
    ----------
    patch_scores : torch.Tensor
        Shape (N, h, w).
    sizes : sequence of (int, int)
        (H_i, W_i) of each image in pixels.
    smoothing : float
        Standard deviation of the Gaussian as a share of the image's height and width.

    Returns
    -------
    list of numpy.ndarray
        float32 maps of shape (H_i, W_i).
    """
    maps = []
    for scores, (height, width) in zip(patch_scores, sizes, strict=True):
        upsampled = F.interpolate(
            scores[None, None],
            size=(height, width),
            mode="bilinear",
            align_corners=False,
        )
        sigma = (smoothing * height, smoothing * width)
        maps.append(gaussian_filter(upsampled[0, 0].cpu().numpy(), sigma, mode="nearest"))
    return maps
