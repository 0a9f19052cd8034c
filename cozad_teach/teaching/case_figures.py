"""Where a detector does well and where it fails: category by category, and image by image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from numpy.typing import ArrayLike
from skimage.measure import find_contours

from cozad_teach.evaluation.metrics import checked_images
from cozad_teach.teaching.evaluation_figures import SERIES, WIDTH, check_number, legend_below
from cozad_teach.teaching.figures import COLOURS, overlay

__all__ = ["case_gallery", "category_bars", "draw_outline", "pick_cases"]


def category_bars(
    results: Mapping[str, Mapping[str, tuple[float, float, float] | None]], metric_label: str
) -> Figure:
    """Draw a metric of every method on every category, with its interval.

    Points with whiskers, for bars would have to start at 0 and hide what differs.

    Parameters
    ----------
    results : mapping of str to mapping of str to (value, low, high), or None
        By method (at most seven), then by category. What is None, NaN or absent is shown as "not
        available"; a value whose low and high are NaN, as a point without whiskers.
    metric_label : str
        Name of the metric.

    Returns
    -------
    matplotlib.figure.Figure
        The category that is easiest for most methods is on top.

    Raises
    ------
    ValueError
        If there is no method or no category, or there are too many methods.
    """
    check_number(results)
    names = list(dict.fromkeys(name for row in results.values() for name in row))
    if not names:
        raise ValueError("there are no categories to draw")
    table = np.array([[row.get(n) or (np.nan,) * 3 for n in names] for row in results.values()])
    known = np.isfinite(table[..., 0])
    order = _easiest_first(table[..., 0], known)
    table, known = table[:, order], known[:, order]
    height = 0.7 + len(names) * (0.13 * len(results) + 0.14)
    figure, axis = plt.subplots(figsize=(WIDTH, height), layout="constrained")
    places = np.arange(len(names))
    for place in places[::2]:
        axis.axhspan(place - 0.5, place + 0.5, color=COLOURS["black"], alpha=0.05, linewidth=0)
    for number, (method, look) in enumerate(zip(results, SERIES, strict=False)):
        rows = places + 0.8 * ((number + 0.5) / len(results) - 0.5)
        value, low, high = table[number, known[number]].T
        style = {**look, "linestyle": "none", "markersize": 5, "capsize": 2}
        at = rows[known[number]]
        axis.errorbar(value, at, xerr=(value - low, high - value), label=method, **style)
        for row in rows[~known[number]]:
            text = f" {method}: not available"
            side = axis.get_yaxis_transform()  # from the left edge, whatever the values are
            axis.text(0, row, text, transform=side, va="center", fontsize=8, style="italic")
    axis.set(xlabel=metric_label, ylim=(len(names) - 0.5, -0.5), yticks=places)
    axis.set_yticklabels([names[number].replace("_", " ") for number in order])
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="x", alpha=0.3)
    legend_below(figure, list(results))
    return figure


def _easiest_first(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Order categories by how far the methods are above their own means there.

    Against its own mean, so that a category does not rise because a weak method is missing there.
    """

    def mean(of: np.ndarray, axis: int) -> np.ndarray:
        total = np.where(known, of, 0).sum(axis, keepdims=True)
        return total / np.maximum(known.sum(axis, keepdims=True), 1)

    above = mean(values - mean(values, 1), 0)[0]
    return np.argsort(np.where(known.any(0), -above, np.inf), kind="stable")


def pick_cases(scores: ArrayLike, labels: ArrayLike, n: int) -> dict[str, list[int]]:
    """Choose the images with the highest and the lowest scores of each class.

    Parameters
    ----------
    scores, labels : array_like, (N,)
        As in `metrics.image_auroc`; one class may be missing.
    n : int
        Images of each kind, at most; where a class has fewer than 2 n images, each is chosen once,
        the half with the higher scores as highest.

    Returns
    -------
    dict of list of int
        Indices by title of the group; the most extreme first. The order of the groups is that in
        which failures are looked for: found, missed, false alarms, quiet.

    Raises
    ------
    ValueError
        If `n` is below 1, there are no images, or a score is not finite.
    """
    values, anomalous = checked_images(scores, labels)
    if n < 1:
        raise ValueError(f"n must be 1 or more, not {n}")
    if not len(values) or not np.isfinite(values).all():
        raise ValueError("a gallery needs one or more scores, all of them finite")
    groups = {}
    for kind, highest, lowest in (
        (True, "Anomalous, highest scores", "Anomalous, lowest scores: missed first"),
        (False, "Normal, highest scores: false alarms first", "Normal, lowest scores"),
    ):
        members = np.flatnonzero(anomalous == kind)
        falling = members[np.argsort(-values[members].astype(float), kind="stable")].tolist()
        half = (len(falling) + 1) // 2
        groups[highest] = falling[: min(n, half)]
        groups[lowest] = falling[half:][::-1][:n]
    return groups


def case_gallery(
    images: Sequence[np.ndarray],
    masks: Sequence[np.ndarray | None],
    pixel_maps: Sequence[np.ndarray],
    scores: ArrayLike,
    labels: ArrayLike,
    n: int = 3,
    low: float | None = None,
    high: float | None = None,
) -> Figure:
    """Show the best and the worst cases, each above its heat map with the true defect outlined.

    Parameters
    ----------
    images : sequence of numpy.ndarray
        uint8, shape (H_i, W_i, 3).
    masks : sequence of numpy.ndarray or None
        Boolean, shape (H_i, W_i); None, or nothing marked, has no outline.
    pixel_maps : sequence of numpy.ndarray
        Anomaly scores, shape (H_i, W_i).
    scores, labels, n
        As in `pick_cases`.
    low, high : float, optional
        As in `figures.overlay`, one scale for all images; without them, the 0.5 and the 0.999
        quantile of all pixel scores.

    Returns
    -------
    matplotlib.figure.Figure
        Groups of `pick_cases` below each other; one that has no images is left out.

    Raises
    ------
    ValueError
        As `pick_cases`, and if there are not as many of each as there are scores.
    """
    groups = {title: cases for title, cases in pick_cases(scores, labels, n).items() if cases}
    values = np.asarray(scores)
    for name, given in (("images", images), ("masks", masks), ("maps", pixel_maps)):
        if len(given) != len(values):
            raise ValueError(f"there are {len(values)} scores but {len(given)} {name}")
    limits = np.quantile(np.concatenate([np.ravel(m) for m in pixel_maps]), [0.5, 0.999])
    scale = [float(v) if g is None else g for g, v in zip((low, high), limits, strict=True)]
    columns = max(2, *map(len, groups.values()))  # of one alone, the titles would not fit
    width = max(1.5, 3.9 / columns)
    tallest = max(np.divide(*images[i].shape[:2]) for cases in groups.values() for i in cases)
    size = (width * columns, 0.25 + (2 * width * tallest + 0.6) * len(groups))
    close = ConstrainedLayoutEngine(h_pad=0.035, w_pad=0.02, hspace=0, wspace=0)
    figure = plt.figure(figsize=size, layout=close)
    figure.suptitle("Below each image: heat map, true defect outlined", fontsize=9)
    parts = figure.subfigures(len(groups), 1, squeeze=False)[:, 0]
    for part, (title, cases) in zip(parts, groups.items(), strict=True):
        part.suptitle(title, fontsize=10, fontweight="bold")
        axes = part.subplots(2, columns, squeeze=False)
        for axis in axes.flat:
            axis.set_axis_off()
        for (above, below), case in zip(axes.T, cases, strict=False):
            above.set_anchor("S")  # image and heat map side to side, away from the next group
            below.set_anchor("N")
            above.imshow(images[case])
            above.set_title(f"score {values[case]:#.3g}")
            below.imshow(overlay(images[case], pixel_maps[case], *scale))
            draw_outline(below, masks[case])
    return figure


def draw_outline(axis: Axes, mask: np.ndarray | None) -> None:
    """Draw the outline of each region of a mask (H, W), two-coloured: seen on any ground."""
    if mask is None:
        return
    framed = np.pad(np.asarray(mask, float), 1)  # closes outlines that reach the edge
    for outline in find_contours(framed, 0.5):
        rows, columns = outline.T - 1
        axis.plot(columns, rows, color=COLOURS["black"], linewidth=2.6)
        axis.plot(columns, rows, color=COLOURS["sky"], linewidth=1.2)
