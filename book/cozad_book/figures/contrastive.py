"""What the chapter on the contrastive head draws: pushes on a circle, and embeddings in a disc."""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor

from cozad_book.figures.drawing import ANOMALOUS, NORMAL
from cozad_teach.contrastive import supervised_contrastive_loss

__all__ = ["disc", "draw_disc", "draw_pushes", "pushes"]

LENGTH = 2.2  # of an arrow, as a multiple of its push


def pushes(embeddings: Tensor, anomalous: Tensor, temperature: float) -> Tensor:
    """Give the direction in which the contrastive loss moves each embedding, and how strongly.

    Parameters
    ----------
    embeddings : torch.Tensor
        Shape (P, D), of unit length.
    anomalous : torch.Tensor
        Boolean, shape (P,).
    temperature : float
        τ > 0.

    Returns
    -------
    torch.Tensor
        Shape (P, D): minus the gradient of `supervised_contrastive_loss`, times τ, without which
        low temperatures would only look stronger. Each is perpendicular to its embedding.
    """
    points = embeddings.clone().requires_grad_()
    loss = supervised_contrastive_loss(points, anomalous, temperature)
    (gradient,) = torch.autograd.grad(loss, points)
    return -temperature * gradient


def disc(embeddings: Tensor, anomalous: Tensor) -> np.ndarray:
    """Project embeddings on the sphere into a disc around the mean direction of the normal ones.

    Parameters
    ----------
    embeddings : torch.Tensor
        Shape (P, D), of any length; at least one must be normal.
    anomalous : torch.Tensor
        Boolean, shape (P,).

    Returns
    -------
    numpy.ndarray
        Shape (P, 2), inside the unit circle. The first is the cosine to the mean direction of the
        normal patches; the second that to the direction, perpendicular to it, in which all patches
        vary most; most anomalous ones lie above 0.
    """
    unit = torch.nn.functional.normalize(embeddings.double(), dim=-1).numpy()
    normal = unit[~anomalous.numpy()].mean(0)
    normal /= np.linalg.norm(normal)
    rest = unit - np.outer(unit @ normal, normal)
    _, _, directions = np.linalg.svd(rest - rest.mean(0), full_matrices=False)
    # Nothing of `normal` is left in the data, but rounding puts some into the directions.
    second = directions[0] - (directions[0] @ normal) * normal
    second /= np.linalg.norm(second)
    height = unit @ second
    odd = anomalous.numpy()
    # A direction has no sign: choose it, or pictures that belong together come out mirrored.
    if height[odd].mean() < 0 if odd.any() else second[np.abs(second).argmax()] < 0:
        height = -height
    return np.stack([unit @ normal, height], -1)


def draw_disc(axis: Axes, points: np.ndarray, anomalous: np.ndarray) -> None:
    """Draw points (P, 2) of `disc` inside the unit circle; `anomalous` is boolean, (P,)."""
    circle = np.linspace(0, 2 * np.pi, 181)
    axis.plot(np.cos(circle), np.sin(circle), color="#767676", lw=0.8)
    for chosen, style, size, label in (
        (~anomalous, NORMAL, 22, "normal"),
        (anomalous, ANOMALOUS, 30, "anomalous"),
    ):
        x, y = points[chosen].T
        axis.scatter(x, y, s=size, label=label, alpha=0.7, linewidths=0, **style)
    axis.set(xlim=(-1.15, 1.15), ylim=(-1.15, 1.15), aspect="equal")
    axis.set_axis_off()


def draw_pushes(axis: Axes, embeddings: Tensor, anomalous: Tensor, temperature: float) -> None:
    """Draw embeddings (P, 2) on the unit circle, and an arrow where each is pushed.

    Parameters
    ----------
    axis : matplotlib.axes.Axes
        Empty.
    embeddings, anomalous, temperature
        As in `pushes`, with D = 2.
    """
    draw_disc(axis, embeddings.numpy(), anomalous.numpy())
    arrows = LENGTH * pushes(embeddings, anomalous, temperature).numpy()
    for start, arrow, odd in zip(embeddings.numpy(), arrows, anomalous.numpy(), strict=True):
        if np.linalg.norm(arrow) > 0.02:  # a shorter one is all head
            colour = (ANOMALOUS if odd else NORMAL)["color"]
            axis.annotate(
                "",
                xy=start + arrow,
                xytext=start,
                arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 1.6, "shrinkA": 0},
            )
    axis.set(xlim=(-1.4, 1.4), ylim=(-1.4, 1.4))
