"""What the chapter on evaluation draws: the ROC curve, a threshold at work, what looks gain."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from skimage.measure import find_contours

from cozad_book.figures.drawing import COLOURS

__all__ = ["draw_found", "draw_looks", "draw_outline", "draw_roc_walk", "roc_walk"]


def roc_walk(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Give the corners of the ROC curve, from the highest threshold to the lowest.

    Parameters
    ----------
    scores : numpy.ndarray
        Shape (N,).
    labels : numpy.ndarray
        1 for anomalous, 0 for normal, shape (N,); both occur.

    Returns
    -------
    numpy.ndarray
        Shape (K + 1, 2) for K distinct scores: false and true positive rate, from (0, 0) to
        (1, 1). Equal scores are one step, which goes up and to the right at once.
    """
    thresholds = np.unique(scores)[::-1]
    anomalous = labels == 1
    corners = [
        ((scores[~anomalous] >= t).mean(), (scores[anomalous] >= t).mean()) for t in thresholds
    ]
    return np.array([(0.0, 0.0), *corners])


def draw_roc_walk(axis: Axes, scores: np.ndarray, labels: np.ndarray) -> None:
    """Draw the ROC curve of a few images step by step, each step with the score that makes it."""
    corners = roc_walk(scores, labels)
    axis.fill_between(*corners.T, color=COLOURS["sky"], alpha=0.3, lw=0)
    axis.plot(*corners.T, "o-", color=COLOURS["blue"], ms=5, clip_on=False)
    axis.plot([0, 1], [0, 1], ":", color="#767676")
    for score, (start, end) in zip(
        np.unique(scores)[::-1], itertools.pairwise(corners), strict=True
    ):
        x, y = (start + end) / 2
        up = end[1] > start[1]
        axis.annotate(
            f"{score:g}",
            (x, y),
            (6, -4 if end[0] > start[0] else 0) if up else (0, 5),
            textcoords="offset points",
            ha="left" if up else "center",
            va="center" if up else "bottom",
            fontsize=9,
        )
    axis.set(xlim=(-0.08, 1.02), ylim=(-0.02, 1.1), aspect="equal")
    axis.set(xlabel="false positive rate", ylabel="true positive rate")


def draw_found(axis: Axes, image: np.ndarray, mask: np.ndarray, found: np.ndarray) -> None:
    """Draw an image with its defect outlined and what a threshold finds shaded.

    Parameters
    ----------
    axis : matplotlib.axes.Axes
        Empty.
    image : numpy.ndarray
        uint8, shape (H, W, 3).
    mask, found : numpy.ndarray
        Boolean, shape (H, W).
    """
    shaded = image.copy()
    colour = np.array([0xD5, 0x5E, 0x00])
    shaded[found] = (0.4 * image[found] + 0.6 * colour).astype(np.uint8)
    axis.imshow(shaded)
    draw_outline(axis, mask)
    axis.set_axis_off()


def draw_outline(axis: Axes, mask: np.ndarray | None) -> None:
    """Draw the outline of each region of a mask (H, W), two-coloured: seen on any ground."""
    if mask is None:
        return
    framed = np.pad(np.asarray(mask, float), 1)  # closes outlines that reach the edge
    for outline in find_contours(framed, 0.5):
        rows, columns = outline.T - 1
        axis.plot(columns, rows, color=COLOURS["black"], linewidth=2.6)
        axis.plot(columns, rows, color=COLOURS["sky"], linewidth=1.2)


def draw_looks(axis: Axes, gains: Mapping[int, tuple[np.ndarray, np.ndarray]]) -> None:
    """Draw by how much the best of k equally good settings exceeds their mean.

    Parameters
    ----------
    axis : matplotlib.axes.Axes
        Empty.
    gains : mapping of int to pair of numpy.ndarray
        For at most three numbers of images: what was found, drawn as points, and what chance
        explains, drawn as a line; each of shape (K,), for the looks 1 to K.
    """
    marks = (("blue", "o"), ("vermilion", "s"), ("green", "^"))
    for (n, (found, chance)), (name, mark) in zip(gains.items(), marks, strict=False):
        looks = np.arange(1, len(found) + 1)
        axis.plot(looks, found, mark, ms=4, color=COLOURS[name], label=f"{n} images")
        axis.plot(looks, chance, "--", lw=1, color=COLOURS[name])
    axis.set(xscale="log", xlabel="looks k", ylabel="image AUROC gained")
    axis.set_xticks([1, 2, 4, 8, 16, 32], ["1", "2", "4", "8", "16", "32"])
    axis.minorticks_off()
    axis.legend(fontsize=8)
