"""What the capstone gives to build on: four short functions in PyTorch. And cases to check it with.

Answers may call them; the checker takes them for no part of the package.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from cozad_teach.settings import LITE

__all__ = ["contrast", "distance", "move_prior", "small_task", "small_values", "unpack"]


def unpack(theta: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Take θ, one long vector, apart: the head A (D, D), log a and b of the calibrated score."""
    n = math.isqrt(len(theta) - 2)
    return theta[:-2].reshape(n, n), theta[-2], theta[-1]


def distance(e: Tensor, mean: Tensor, covariance: Tensor) -> Tensor:
    """Give the Mahalanobis distance over √D, (...,), of embeddings (..., D): equation (2.6)."""
    away = e - mean
    solved = torch.linalg.solve(covariance, away.flatten(0, -2).mT).mT.reshape(away.shape)
    return (away * solved).mean(-1).sqrt()


def move_prior(prior: Tensor, A: Tensor) -> Tensor:
    """Move the prior (D, D) to the space of embeddings, its trace kept: equation (7.2)."""
    W = torch.eye(len(A), dtype=A.dtype) + A
    moved = W @ prior @ W.mT
    return moved * prior.trace() / moved.trace()


def contrast(e: Tensor, anomalous: Tensor, temperature: float) -> Tensor:
    """Give the contrastive loss of embeddings (P, D): equation (3.2), without an `if`."""
    u = F.normalize(e, dim=-1)
    itself = torch.eye(len(u), dtype=torch.bool)
    logits = (u @ u.mT / temperature).masked_fill(itself, -torch.inf)
    log_shares = logits - logits.logsumexp(-1, keepdim=True)
    positive = ~anomalous[:, None] & ~anomalous & ~itself
    of_each = -torch.where(positive, log_shares, 0.0).sum(-1) / positive.sum(-1).clamp(min=1)
    return of_each.sum() / positive.any(-1).sum().clamp(min=1)


# Settings of the cases on which the steps are checked: few channels, and no value that hides
# another. Their `decay_growth` is large, so that λ(Σ) shows.
SMALL = dataclasses.replace(
    LITE,
    inner_steps=3,
    inner_learning_rate=0.1,
    outer_learning_rate=0.05,
    prior_images=1.5,
    shrinkage=0.2,
    contrastive_weight=0.4,
    decay_growth=20.0,
    gamma=-0.5,
    sharpness=3.0,
    window=3,
)


def small_values(seed: int, *shape: int, scale: float = 1.0) -> Tensor:
    """Draw numbers of float64 to check a step with."""
    generator = torch.Generator().manual_seed(seed)
    return scale * torch.randn(*shape, generator=generator, dtype=torch.float64)


def small_task(
    seed: int,
    images: int,
    patches: int,
    channels: int,
    *,
    weights: bool = True,
    decay: bool = True,
) -> dict[str, Any]:
    """Draw a task to check a step with: what the notebook says that one holds.

    Parameters
    ----------
    seed : int
        Decides its values.
    images, patches, channels : int
        K, P and D of its support.
    weights, decay : bool
        Whether these are there already, which the step that trains has to add.
    """
    root = small_values(seed, channels, channels)
    task: dict[str, Any] = {
        "support": small_values(seed + 1, images, patches, channels),
        "noise": small_values(seed + 2, 1, patches, channels, scale=0.7),
        "prior": root @ root.mT / channels + 0.3 * torch.eye(channels, dtype=torch.float64),
        "query": small_values(seed + 4, images + 1, patches, channels),
        "query_anomalous": small_values(seed + 5, images + 1, patches) > 0.4,
    }
    if weights:
        task["weights"] = small_values(seed + 3, images, patches).sigmoid()
    if decay:
        task["decay"] = 0.05 + 0.01 * seed % 0.1
    return task
