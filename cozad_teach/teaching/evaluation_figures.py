"""Figures of an evaluation: curves with their bands, scores, probabilities."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike

from cozad_teach.evaluation.bands import Band
from cozad_teach.evaluation.intervals import Spread, interval
from cozad_teach.evaluation.metrics import checked_images
from cozad_teach.teaching.figures import COLOURS

__all__ = [
    "SERIES",
    "WIDTH",
    "check_number",
    "legend_below",
    "precision_recall_figure",
    "pro_figure",
    "reliability_figure",
    "roc_figure",
    "score_histogram",
]

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
CHANCE: dict[str, Any] = {"color": COLOURS["black"], "linewidth": 0.8, "linestyle": (0, (1, 2))}
WIDTH = 4.6  # inches: at 90 dots to the inch a little wider than a phone


def check_number(series: Mapping[str, object]) -> None:
    """Raise ValueError if there are none to show, or more than can be told apart."""
    if not 0 < len(series) <= len(SERIES):
        raise ValueError(f"a figure shows 1 to {len(SERIES)} methods, not {len(series)}")


def legend_below(figure: Figure, labels: Sequence[str]) -> None:
    """Add a legend and the height it needs; if a label is long, each has a line of its own."""
    columns = 2 if max(map(len, labels)) <= 20 else 1
    figure.set_figheight(figure.get_figheight() + 0.22 * -(-len(labels) // columns))
    figure.legend(loc="outside lower center", ncols=columns, frameon=False)


def roc_figure(bands: Mapping[str, Band]) -> Figure:
    """Draw ROC curves of images or of pixels.

    Parameters
    ----------
    bands : mapping of str to Band
        By name of the method, of `bands.roc_band` or `bands.pixel_roc_band`. Of more than three,
        whose bands would cover each other, only the first has its band drawn.

    Raises
    ------
    ValueError
        If there is no curve, or more than seven: they could not be told apart.
    """
    return _curves(bands, 1, (0, 1), "chance", ("false positive rate", "true positive rate"))


def precision_recall_figure(bands: Mapping[str, Band], share: float) -> Figure:
    """Draw precision-recall curves.

    Parameters
    ----------
    bands : mapping of str to Band
        As in `roc_figure`, of `bands.precision_recall_band`.
    share : float
        Share of anomalous images: the precision of a detector that guesses.

    Raises
    ------
    ValueError
        As `roc_figure`.
    """
    return _curves(bands, 1, (share, share), f"chance: {share:.2f}", ("recall", "precision"))


def pro_figure(bands: Mapping[str, Band], limit: float = 0.3) -> Figure:
    """Draw PRO curves.

    Parameters
    ----------
    bands : mapping of str to Band
        As in `roc_figure`, of `bands.pro_band` with the same limit.
    limit : float
        Largest false positive rate.

    Raises
    ------
    ValueError
        As `roc_figure`.
    """
    names = "false positive rate of pixels", "per-region overlap"
    return _curves(bands, limit, (0, limit), "chance", names)


def score_histogram(scores: ArrayLike, labels: ArrayLike, threshold: float | None = None) -> Figure:
    """Draw the image scores of the two classes in the same bins.

    Parameters
    ----------
    scores, labels : array_like, (N,)
        As in `metrics.image_auroc`; one class may be missing.
    threshold : float, optional
        Drawn as a line; the legend counts the images at or above it.

    Raises
    ------
    ValueError
        If there are no images, or a score is not finite.
    """
    values, anomalous = checked_images(scores, labels)
    if not len(values) or not np.isfinite(values).all():
        raise ValueError("a histogram needs one or more scores, all of them finite")
    n_bins = int(np.clip(2 * np.sqrt(len(values)), 8, 40))
    edges = np.histogram_bin_edges(values, n_bins)
    figure, axis = plt.subplots(figsize=(WIDTH, 3.4), layout="constrained")
    for name, members, look in (
        ("normal", values[~anomalous], {"facecolor": COLOURS["sky"], "alpha": 0.7}),
        ("anomalous", values[anomalous], {"edgecolor": COLOURS["vermilion"], "hatch": "////"}),
    ):
        label = f"{name}: {_images(len(members))}"
        if threshold is not None:
            label += f", {(members >= threshold).sum()} at or above the threshold"
        counts = np.where(len(members), np.histogram(members, edges)[0], np.nan)
        axis.stairs(counts, edges, fill=name == "normal", label=label, linewidth=1.6, **look)
    if threshold is not None:
        label = f"threshold {threshold:.3g}"
        axis.axvline(threshold, color=COLOURS["black"], linestyle="--", label=label)
    axis.set(xlabel="image score", ylabel="number of images")
    axis.yaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(loc="outside lower center", frameon=False)
    return figure


def reliability_figure(
    predicted: ArrayLike, observed: ArrayLike, counts: ArrayLike, error: float
) -> Figure:
    """Draw a reliability diagram: how often images that are called p % anomalous are anomalous.

    Parameters
    ----------
    predicted : array_like, (K,)
        Mean predicted probability in each bin; of an empty bin it does not matter.
    observed : array_like, (K,)
        Share of anomalous images in each bin; likewise.
    counts : array_like, (K,)
        Number of images in each bin.
    error : float
        Expected calibration error, for the title.

    Notes
    -----
    Whiskers are exact 95 % intervals of a share (Clopper and Pearson): a bin with few images may
    be far from the diagonal by chance.
    """
    values = np.stack([np.asarray(v, float) for v in (predicted, observed, counts)])
    filled = values[:, values[2] > 0]
    limits = [interval(share, Spread(0.0, n - 1)) for share, n in filled[1:].T]
    figure, (axis, below) = plt.subplots(
        2, 1, sharex=True, height_ratios=(3, 1), figsize=(WIDTH, 5.2), layout="constrained"
    )
    axis.plot([0, 1], [0, 1], label="perfectly calibrated", **CHANCE)
    whiskers = np.abs(np.array(limits).reshape(-1, 2).T - filled[1])
    style = {**SERIES[0], "linestyle": "-", "linewidth": 1.6, "elinewidth": 1, "capsize": 3}
    axis.errorbar(*filled[:2], yerr=whiskers, label="this model, with 95 % intervals", **style)
    axis.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), ylabel="observed share of anomalous images")
    axis.set_title(f"Expected calibration error {error:.3f}")
    below.bar(*filled[::2], width=0.5 / max(len(values.T), 1), color=SERIES[0]["color"])
    below.set(xlabel="mean predicted probability", ylabel="images")
    below.yaxis.set_major_locator(MaxNLocator(3, integer=True))
    figure.legend(loc="outside lower center", frameon=False)
    return figure


def _curves(
    bands: Mapping[str, Band],
    end: float,
    chance: tuple[float, float],
    chance_label: str,
    axis_labels: tuple[str, str],
) -> Figure:
    check_number(bands)
    figure, axis = plt.subplots(figsize=(WIDTH, 3.9), layout="constrained")
    shaded: list[str] = []
    for (name, band), look in zip(bands.items(), SERIES, strict=False):
        if np.isfinite(band.low).all() and (len(bands) <= 3 or not shaded):
            axis.fill_between(band.x, band.low, band.high, color=look["color"], alpha=0.15, lw=0)
            shaded.append(name)
        style = {"color": look["color"], "linestyle": look["linestyle"]}
        axis.plot(band.x, band.y, label=name, linewidth=1.8, **style)
    axis.plot([0, end], chance, label=chance_label, zorder=1.5, **CHANCE)  # below the curves
    # A little beyond both ends, where curves would hide under the axes.
    axis.set(xlim=(-0.01 * end, 1.01 * end), ylim=(-0.01, 1.01))
    axis.set(xlabel=axis_labels[0], ylabel=axis_labels[1])
    if shaded:
        whose = "" if len(shaded) == len(bands) else f" of {' and '.join(shaded)}"
        title = f"Shaded: 95 % band{whose}, at each place alone"
        axis.set_title(textwrap.fill(title, 50), fontsize=9)
    legend_below(figure, [*bands, chance_label])
    return figure


def _images(number: int) -> str:
    return f"{number} image" if number == 1 else f"{number} images"
