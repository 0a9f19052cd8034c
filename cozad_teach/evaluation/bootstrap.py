"""How far a metric would move on other images of the same kind: intervals from resampling.

The image is the unit: the pixels of one image are no independent witnesses, so they are drawn or
left out together. Normal and anomalous images are drawn separately, as a test set fixes how many of
each there are. Methods that scored the same images share the draws, so the spread of a difference
is that of the difference and not of two unrelated numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from scipy.special import expit, logit

from cozad_teach.evaluation import histograms
from cozad_teach.evaluation.pixels import ImagePixels

__all__ = [
    "N_RESAMPLES",
    "Interval",
    "Spread",
    "average",
    "difference_interval",
    "image_draws",
    "interval",
    "over_seeds",
    "pixel_draws",
    "resample",
    "spread",
]

N_RESAMPLES = 2000
# Bins of a histogram of pixel scores, and scores among which their edges are chosen.
_BINS, _SAMPLE = 1024, 2**17

Floats = NDArray[np.floating[Any]]


class Interval(NamedTuple):
    """A 95 % confidence interval."""

    low: float
    high: float


@dataclass(frozen=True)
class Spread:
    """Variance of a metric, and how many independent observations its estimate is worth.

    Attributes
    ----------
    variance : float
        Square of the standard error.
    degrees : float
        Degrees of freedom of Student's t.
    """

    variance: float
    degrees: float


def resample(labels: ArrayLike, n_resamples: int = N_RESAMPLES, seed: int = 0) -> Floats:
    """Draw images with replacement, normal among normal and anomalous among anomalous.

    Parameters
    ----------
    labels : array_like, (N,)
        1 or True for anomalous, 0 or False for normal; of a class that is there, two or more.
    n_resamples : int
        B, the number of resamples.
    seed : int
        Equal labels and seeds give equal draws.

    Returns
    -------
    numpy.ndarray
        float64, shape (B, N): how often each image is drawn. Of n images of a class n - 1 are
        drawn: then the variance over resamples is the unbiased one (with n it is too small by
        1 - 1/n).

    Raises
    ------
    ValueError
        If a class has one image only: nothing is known about its spread.
    """
    marks = np.asarray(labels, bool)
    rng = np.random.default_rng(seed)
    weights = np.zeros((n_resamples, len(marks)))
    for kind, name in ((False, "normal"), (True, "anomalous")):
        members = np.flatnonzero(marks == kind)
        if len(members) == 1:
            raise ValueError(f"there is one {name} image only: an interval needs two or more")
        if len(members):
            equal = np.full(len(members), 1 / len(members))
            weights[:, members] = rng.multinomial(len(members) - 1, equal, n_resamples)
    return weights


def image_draws(scores: ArrayLike, labels: ArrayLike, weights: Floats) -> dict[str, Floats]:
    """Give the image metrics of every resample, exact, ties included.

    Parameters
    ----------
    scores, labels : array_like, (N,)
        As in `metrics.image_auroc`; both classes are there.
    weights : numpy.ndarray
        Of `resample`, shape (B, N).

    Returns
    -------
    dict of numpy.ndarray
        ``image_auroc``, ``image_ap`` and ``image_f1max``, shape (B,) each.
    """
    values, marks = np.asarray(scores), np.asarray(labels, bool)
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.diff(values[order], prepend=np.nan) != 0)  # of each distinct score
    drawn = weights[:, order]
    normal, anomalous = (
        np.add.reduceat(drawn * (marks[order] == kind), starts, axis=1) for kind in (False, True)
    )
    return {
        "image_auroc": histograms.auroc(normal, anomalous),
        "image_ap": histograms.average_precision(normal, anomalous),
        "image_f1max": histograms.f1_max(normal, anomalous),
    }


def pixel_draws(images: Sequence[ImagePixels], weights: Floats) -> dict[str, Floats]:
    """Give the pixel metrics of every resample.

    An image enters as three histograms of its scores; a resample is a weighted sum of them. There
    are about a thousand bins, chosen where the scores are; fewer distinct scores are exact.

    Parameters
    ----------
    images : sequence of ImagePixels
        With regions.
    weights : numpy.ndarray
        Of `resample`, shape (B, N).

    Returns
    -------
    dict of numpy.ndarray
        ``pixel_auroc``, ``pixel_ap``, ``pixel_f1max`` and ``aupro``, shape (B,) each; NaN where a
        resample has no normal pixels.
    """
    edges = _edges(images)
    n_bins = len(edges) + 1
    tables = np.zeros((3, len(images), n_bins))
    for row, image in enumerate(images):
        bins = np.searchsorted(edges, image.anomalous, "right")
        tables[0, row] = np.bincount(np.searchsorted(edges, image.normal, "right"), None, n_bins)
        tables[1, row] = np.bincount(bins, None, n_bins)
        tables[2, row] = np.bincount(bins, image.shares, n_bins)
    normal, anomalous, shares = (weights @ table for table in tables)
    normal[normal.sum(1) == 0] = np.nan
    return {
        "pixel_auroc": histograms.auroc(normal, anomalous),
        "pixel_ap": histograms.average_precision(normal, anomalous),
        "pixel_f1max": histograms.f1_max(normal, anomalous),
        "aupro": histograms.pro_area(normal, shares),
    }


def _edges(images: Sequence[ImagePixels]) -> Floats:
    """Choose edges at quantiles of the normal and of the anomalous scores."""
    edges = []
    for pieces in ([image.normal for image in images], [image.anomalous for image in images]):
        step = max(1, sum(map(len, pieces)) // _SAMPLE)
        sample = np.sort(np.concatenate([piece[::step] for piece in pieces]))
        distinct = np.unique(sample)
        if len(distinct) > _BINS // 2:
            distinct = sample[np.linspace(0, len(sample) - 1, _BINS // 2).astype(int)]
        edges.append(distinct)
    return np.unique(np.concatenate(edges))


def spread(draws: Floats, labels: ArrayLike) -> Spread:
    """Measure the spread of a metric, or of a difference, over its resamples, shape (B,).

    Student's t with as many degrees of freedom as the smaller class has images, less one.
    """
    n_anomalous = int(np.asarray(labels, bool).sum())
    sizes = [n for n in (n_anomalous, len(np.asarray(labels)) - n_anomalous) if n]
    return Spread(float(np.var(draws, ddof=1)), min(sizes) - 1)


def average(spreads: Sequence[Spread]) -> Spread:
    """Give the spread of the mean of independent metrics, as of the categories of a data set."""
    return _combine([Spread(s.variance / len(spreads) ** 2, s.degrees) for s in spreads])


def over_seeds(values: Sequence[float], images: Spread) -> Spread:
    """Give the spread of a mean over training seeds, on the same images.

    Parameters
    ----------
    values : sequence of float
        The metric of each seed.
    images : Spread
        Of the mean over the seeds, as the images vary: that of the mean of their draws.

    Returns
    -------
    Spread
        With the variance between seeds added, known from as many values as there are seeds.
    """
    if len(values) < 2:
        return images
    between = Spread(float(np.var(values, ddof=1)) / len(values), len(values) - 1)
    return _combine([images, between])


def _combine(spreads: Sequence[Spread]) -> Spread:
    """Add variances; the degrees of freedom after Welch and Satterthwaite."""
    variance = sum(s.variance for s in spreads)
    if not variance > 0:
        return Spread(variance, sum(s.degrees for s in spreads))
    return Spread(variance, variance**2 / sum(s.variance**2 / s.degrees for s in spreads))


def interval(value: float, spread: Spread) -> Interval:
    """Give the 95 % interval of a metric that lies in 0 to 1.

    Parameters
    ----------
    value : float
        The metric on all images.
    spread : Spread
        Of it.

    Returns
    -------
    Interval
        On the logit scale, value ± t · standard error, so that it never leaves 0 to 1 and is
        longer to the side that has more room.

    Notes
    -----
    A perfect result stays perfect in every resample: the bootstrap sees no spread. That says
    little where images are few, so the exact interval for a share that was observed on as many
    images as the smaller class has takes its place (Clopper and Pearson, 1934).
    """
    if not spread.variance > 0 or not 0 < value < 1:
        n = spread.degrees + 1
        low = stats.beta.ppf(0.025, value * n, n - value * n + 1) if value > 0 else 0.0
        high = stats.beta.ppf(0.975, value * n + 1, n - value * n) if value < 1 else 1.0
        return Interval(float(low), float(high))
    half = stats.t.ppf(0.975, spread.degrees) * np.sqrt(spread.variance) / (value * (1 - value))
    return Interval(float(expit(logit(value) - half)), float(expit(logit(value) + half)))


def difference_interval(value: float, spread: Spread) -> Interval:
    """Give the 95 % interval of the difference of two metrics, value ± t · standard error.

    `spread` is that of the differences of paired draws: both methods scored the same images.
    """
    half = stats.t.ppf(0.975, spread.degrees) * np.sqrt(spread.variance)
    return Interval(float(value - half), float(value + half))
