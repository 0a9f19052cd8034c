"""Schematic pictures of the method: no measured values, only ideas."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse

from cozad_book.figures import drawing as figures
from cozad_book.figures.drawing import COLOURS

__all__ = ["method_steps"]

NORMAL: dict[str, Any] = {**figures.NORMAL, "s": 14}
ANOMALOUS: dict[str, Any] = {**figures.ANOMALOUS, "s": 30}


def method_steps() -> Figure:
    """Draw the six steps of CoZAD, one panel each, to be read row by row.

    Blue dots stand for normal patches or images, vermilion triangles for anomalous ones.
    """
    panels: tuple[tuple[str, Callable[[Axes], None]], ...] = (
        ("1  Features", _features),
        ("2  Contrastive head", _head),
        ("3  Statistics and score", _statistics),
        ("4  Confidence", _confidence),
        ("5  Covariance", _covariance),
        ("6  Meta-learning", _meta_learning),
    )
    figure, axes = plt.subplots(3, 2, figsize=(5.6, 7.2))
    for axis, (title, draw) in zip(axes.flat, panels, strict=True):
        axis.set(xticks=[], yticks=[])
        axis.set_title(title, loc="left", fontweight="bold", fontsize=12)
        axis.spines[["top", "right"]].set_visible(True)
        draw(axis)
    return figure


def _arrow(axis: Axes, start: tuple[float, float], end: tuple[float, float], colour: str) -> None:
    style = {"arrowstyle": "-|>", "color": colour, "lw": 1.6}
    axis.annotate("", xy=end, xytext=start, arrowprops=style)


def _features(axis: Axes) -> None:
    """Draw an image cut into patches; a patch becomes a row of numbers."""
    y, x = np.mgrid[0:1:48j, 0:1:48j]
    picture = 0.75 + 0.12 * np.sin(40 * x + 6 * np.sin(5 * y))
    picture[(x - 0.62) ** 2 + (y - 0.4) ** 2 < 0.012] = 0.15
    axis.imshow(picture, cmap="gray", vmin=0, vmax=1, extent=(0, 4, 0, 4))
    for line in range(5):
        axis.plot([line, line], [0, 4], [0, 4], [line, line], color=COLOURS["sky"], lw=1)
    for row, colour, heights in (
        (2.7, COLOURS["vermilion"], (0.9, 0.2, 0.7, 1.0, 0.3)),
        (0.6, COLOURS["blue"], (0.3, 0.6, 0.5, 0.2, 0.6)),
    ):
        _arrow(axis, (2.6 if row > 1 else 1.5, row - 0.2), (4.9, row), colour)
        axis.bar(5.1 + 0.42 * np.arange(5), heights, 0.36, row - 0.4, color=colour)
    axis.set(xlim=(-0.2, 7.3), ylim=(-0.3, 4.3), aspect="auto")


def _head(axis: Axes) -> None:
    """Draw patches before, mixed, and after: normal ones in a cluster, anomalous ones outside."""
    random = np.random.default_rng(0)
    before, after = random.normal(0, 0.8, (18, 2)), random.normal(0, 0.3, (18, 2))
    odd, far = (
        np.array([[0.7, 0.9], [-0.8, -0.6], [1.0, -0.8]]),
        np.array([[1.3, 1.5], [-1.2, -1.4], [1.4, -1.3]]),
    )
    for centre, good, bad in ((0.0, before, odd), (5.0, after, far)):
        axis.scatter(good[:, 0] + centre, good[:, 1], **NORMAL)
        axis.scatter(bad[:, 0] + centre, bad[:, 1], **ANOMALOUS)
    _arrow(axis, (1.9, 0), (3.5, 0), "black")
    axis.set(xlim=(-2, 7), ylim=(-2.2, 2.2))


def _statistics(axis: Axes) -> None:
    """Draw normal patches inside ellipses; the score says how many ellipses out a patch lies."""
    random = np.random.default_rng(1)
    points = 0.75 * random.normal(size=(30, 2)) @ np.array([[1.5, 0.5], [0.0, 0.45]])
    axis.scatter(points[:, 0], points[:, 1], **NORMAL)
    for scale in (1, 2, 3):
        ring = Ellipse((0, 0), 2.6 * scale, 1.2 * scale, angle=18, fill=False, color="gray", lw=1)
        axis.add_patch(ring)
    axis.scatter([-0.9], [2.2], **ANOMALOUS)
    axis.plot([0, -0.9], [0, 2.2], color=COLOURS["vermilion"], ls="--", lw=1.4)
    axis.text(-1.1, 2.2, "score", ha="right", va="center", fontsize=11)
    axis.set(xlim=(-4.6, 4.6), ylim=(-2.9, 2.9))


def _confidence(axis: Axes) -> None:
    """Draw the weight of a support patch: 1 up to a threshold, then less, never nothing."""
    scores = np.linspace(0, 4, 200)
    axis.plot(scores, np.minimum(1, 1.6 / np.maximum(scores, 0.1)), color="black", lw=1.6)
    axis.axvline(1.6, color="gray", ls="--", lw=1)
    axis.scatter([0.5, 0.8, 1.0, 1.3], [1] * 4, **NORMAL, zorder=3)
    axis.scatter([2.4, 3.4], [1.6 / 2.4, 1.6 / 3.4], **ANOMALOUS, zorder=3)
    axis.text(1.7, 0.12, "T", fontsize=11)
    axis.set(xlim=(0, 4), ylim=(0, 1.25))
    axis.set_xlabel("score of a support patch")
    axis.set_ylabel("weight")


def _covariance(axis: Axes) -> None:
    """Draw losses that swing, and so an unsure model, and the decay that answers them."""
    step = np.linspace(0, 1, 120)
    swing = np.exp(-4 * step) * np.sin(38 * step)
    axis.plot(step, 2.1 - step + 0.5 * swing, color=COLOURS["blue"], lw=1.6)
    axis.plot(step, 2.7 - step + 0.8 * swing, color=COLOURS["orange"], lw=1.6, ls="--")
    axis.fill_between(step, 0.15 + 0.7 * np.exp(-4 * step), 0.15, color="gray", alpha=0.5)
    axis.text(0.98, 2.55, "two losses", ha="right", fontsize=11)
    axis.text(0.98, 0.35, "weight decay", ha="right", fontsize=11)
    axis.set(xlim=(0, 1), ylim=(0, 3.5))
    axis.set_xlabel("meta-steps")


def _meta_learning(axis: Axes) -> None:
    """Draw one starting point from which a few steps reach every task, a new one too."""
    axis.scatter([0], [0], s=60, color="black")
    axis.text(-0.15, -0.3, "θ", fontsize=13, ha="right", va="top")
    for x, y, name in ((-2.0, 1.5, "wood"), (0.3, 2.0, "cloth"), (2.3, 0.9, "stone")):
        _arrow(axis, (0, 0), (x, y), COLOURS["blue"])
        axis.text(x, y + 0.12, name, ha="center", va="bottom", fontsize=11)
    _arrow(axis, (0, 0), (1.7, -1.3), COLOURS["vermilion"])
    axis.text(1.7, -1.45, "a new category", ha="center", va="top", fontsize=11)
    axis.set(xlim=(-3.2, 3.4), ylim=(-2.3, 2.8))
