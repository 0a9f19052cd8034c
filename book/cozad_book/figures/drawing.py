"""Figures of the book: one look, colours that survive colour blindness, both themes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from IPython import get_ipython
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib_inline.backend_inline import set_matplotlib_formats

from cozad_teach.models.overlays import overlay

__all__ = [
    "ANOMALOUS",
    "COLOURS",
    "NORMAL",
    "SERIES",
    "heat_map_grid",
    "heat_map_row",
    "image_grid",
    "set_style",
]

# Okabe and Ito's palette, without its yellow, which is too pale on white.
COLOURS = {
    "blue": "#0072B2",
    "vermilion": "#D55E00",
    "green": "#009E73",
    "orange": "#E69F00",
    "purple": "#CC79A7",
    "sky": "#56B4E9",
    "black": "#000000",
}
# Colour, line and marker of each series: any one of the three is enough to tell them apart.
SERIES: tuple[dict[str, Any], ...] = tuple(
    {"color": COLOURS[colour], "linestyle": line, "marker": marker}
    for colour, line, marker in (
        ("blue", "-", "o"),
        ("vermilion", "--", "s"),
        ("green", "-.", "^"),
        ("orange", ":", "D"),
        ("purple", (0, (6, 1, 1, 1, 1, 1)), "v"),
        ("sky", (0, (2, 1)), "P"),
        ("black", (0, (10, 3)), "X"),
    )
)
# How points of either kind look in every scatter plot: told apart without colours, too.
NORMAL: dict[str, Any] = {"color": COLOURS["blue"], "marker": "o"}
ANOMALOUS: dict[str, Any] = {"color": COLOURS["vermilion"], "marker": "^"}


def set_style() -> None:
    """Give all later figures the look of the book.

    Figures keep a white ground: text and lines stay legible where the page is dark. In a notebook
    they are stored as JPEG, for photographs a fifth of PNG's bytes.
    """
    if get_ipython() is not None:
        set_matplotlib_formats("jpeg", pil_kwargs={"quality": 88})
    plt.rcParams.update(
        {
            "figure.dpi": 90,
            "figure.facecolor": "white",
            "savefig.facecolor": "white",
            "figure.constrained_layout.use": True,
            "axes.prop_cycle": plt.cycler(color=list(COLOURS.values())),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": "medium",
            "font.size": 10,
            "image.cmap": "inferno",
            "image.interpolation": "nearest",
        }
    )


def image_grid(
    images: Sequence[np.ndarray], titles: Sequence[str], *, columns: int = 6, width: float = 1.5
) -> Figure:
    """Show images in rows, with a title above each.

    Parameters
    ----------
    images : sequence of numpy.ndarray
        Shape (H_i, W_i, 3) or (H_i, W_i).
    titles : sequence of str
        One per image.
    columns : int
        Images in a row.
    width : float
        Width of an image in inches.
    """
    rows = -(-len(images) // columns)
    columns = min(columns, len(images))
    size = (width * columns, (width + 0.25) * rows)
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, image, title in zip(axes.flat, images, titles, strict=False):
        axis.imshow(image, cmap="gray" if image.ndim == 2 else None)
        axis.set_title(title)
    return figure


def heat_map_row(
    axes: Sequence[Axes],
    image: np.ndarray,
    mask: np.ndarray | None,
    pixel_map: np.ndarray,
    low: float,
    high: float,
) -> None:
    """Draw image, overlay and, where it is known, the outline of the true defect in three axes.

    Parameters
    ----------
    axes : sequence of matplotlib.axes.Axes
        Three of them.
    image : numpy.ndarray
        uint8, shape (H, W, 3).
    mask : numpy.ndarray or None
        Boolean, shape (H, W).
    pixel_map, low, high
        As in `overlay`.
    """
    blended = overlay(image, pixel_map, low, high)
    truth = image if mask is None else np.where(mask[..., None], image, image // 3)
    for axis, picture, title in zip(
        axes, (image, blended, truth), ("image", "heat map", "true defect"), strict=True
    ):
        axis.imshow(picture)
        axis.set_title(title)
        axis.set_axis_off()


def heat_map_grid(
    images: Sequence[np.ndarray],
    masks: Sequence[np.ndarray | None],
    pixel_maps: Sequence[np.ndarray],
    titles: Sequence[str],
    low: float,
    high: float,
    *,
    width: float = 1.7,
) -> Figure:
    """Show images side by side, each above its heat map and its true defect.

    Parameters
    ----------
    images, masks, pixel_maps, low, high
        One or more images with all that `heat_map_row` takes; one scale for all of them.
    titles : sequence of str
        One per image, above it.
    width : float
        Width of a column in inches.
    """
    size = (width * len(images), 3 * width + 0.75)
    figure, axes = plt.subplots(3, len(images), figsize=size, squeeze=False)
    columns = zip(axes.T, images, masks, pixel_maps, titles, strict=True)
    for number, (column, image, mask, pixel_map, title) in enumerate(columns):
        heat_map_row(column, image, mask, pixel_map, low, high)
        for axis in column[1 if number == 0 else 0 :]:
            axis.set_title("")
        column[0].set_title(title)
        if number == 0:
            column[1].set_title("heat map")
            column[2].set_title("true defect")
    return figure
