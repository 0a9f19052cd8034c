"""What the chapter on confidence weights draws: points, and the ellipse that sums them up."""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from cozad_book.figures.drawing import ANOMALOUS, COLOURS, NORMAL

__all__ = ["draw_cloud", "draw_ellipse", "toy_cloud"]


def toy_cloud() -> tuple[Tensor, Tensor]:
    """Draw points of two numbers: a long normal cloud, and a small group of outliers beside it.

    Returns
    -------
    points : torch.Tensor
        Shape (150, 2), the same every time; 120 normal ones, then 30 outliers.
    anomalous : torch.Tensor
        Boolean, shape (150,).
    """
    random = torch.Generator().manual_seed(0)
    normal = torch.randn(120, 2, generator=random) * torch.tensor([2.0, 0.6])
    outliers = torch.randn(30, 2, generator=random) * 0.5 + torch.tensor([1.5, 4.0])
    return torch.cat([normal, outliers]), torch.arange(150) >= 120


def draw_cloud(axis: Axes, points: Tensor, anomalous: Tensor, weights: Tensor) -> None:
    """Draw points (P, 2), each with an area that grows with its weight (P,)."""
    for chosen, style, label in (
        (~anomalous, NORMAL, "normal"),
        (anomalous, ANOMALOUS, "anomalous"),
    ):
        x, y = points[chosen].numpy().T
        axis.scatter(
            x,
            y,
            s=(3 + 30 * weights[chosen]).numpy(),
            label=label,
            alpha=0.6,
            linewidths=0,
            **style,
        )
    axis.set(aspect="equal", xticks=[], yticks=[])


def draw_ellipse(axis: Axes, mean: Tensor, covariance: Tensor, distance: float = 2.0) -> None:
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
    """
    angles = torch.linspace(0, 2 * np.pi, 181, dtype=covariance.dtype)
    circle = torch.stack([angles.cos(), angles.sin()])
    line = mean[:, None] + distance * torch.linalg.cholesky(covariance) @ circle
    axis.plot(*line.numpy(), color=COLOURS["black"], lw=1.5)
