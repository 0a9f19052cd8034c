"""What the chapter on confidence weights draws: points, and the ellipse that sums them up."""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from cozad_teach.teaching.figures import COLOURS

__all__ = ["draw_cloud", "draw_ellipse", "toy_cloud"]


def toy_cloud(n_normal: int = 120, n_anomalous: int = 30, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Draw points of two numbers: a long normal cloud, and a small group of outliers beside it.

    Parameters
    ----------
    n_normal, n_anomalous : int
        Numbers of points.
    seed : int
        Decides all that is random.

    Returns
    -------
    points : torch.Tensor
        Shape (n_normal + n_anomalous, 2), the normal ones first.
    anomalous : torch.Tensor
        Boolean, shape (n_normal + n_anomalous,).
    """
    random = torch.Generator().manual_seed(seed)
    normal = torch.randn(n_normal, 2, generator=random) * torch.tensor([2.0, 0.6])
    outliers = torch.randn(n_anomalous, 2, generator=random) * 0.5 + torch.tensor([1.5, 4.0])
    return torch.cat([normal, outliers]), torch.arange(n_normal + n_anomalous) >= n_normal


def draw_cloud(axis: Axes, points: Tensor, anomalous: Tensor, weights: Tensor) -> None:
    """Draw points (P, 2), each with an area that grows with its weight (P,)."""
    for chosen, colour, marker, label in (
        (~anomalous, "blue", "o", "normal"),
        (anomalous, "vermilion", "^", "anomalous"),
    ):
        x, y = points[chosen].numpy().T
        axis.scatter(
            x,
            y,
            s=(3 + 30 * weights[chosen]).numpy(),
            color=COLOURS[colour],
            marker=marker,
            alpha=0.6,
            linewidths=0,
            label=label,
        )
    axis.set(aspect="equal", xticks=[], yticks=[])


def draw_ellipse(
    axis: Axes, mean: Tensor, covariance: Tensor, distance: float = 2.0, linestyle: str = "-"
) -> None:
    """Draw the points of one Mahalanobis distance, √((x - μ)ᵀ S⁻¹ (x - μ)) = `distance`.

    Parameters
    ----------
    axis : matplotlib.axes.Axes
        Where.
    mean : torch.Tensor
        μ, shape (2,).
    covariance : torch.Tensor
        S, shape (2, 2), positive definite.
    distance : float
        Above 0.
    linestyle : str
        As matplotlib spells it.
    """
    angles = torch.linspace(0, 2 * np.pi, 181, dtype=covariance.dtype)
    circle = torch.stack([angles.cos(), angles.sin()])
    line = mean[:, None] + distance * torch.linalg.cholesky(covariance) @ circle
    axis.plot(*line.numpy(), color=COLOURS["black"], lw=1.5, ls=linestyle)
