"""Draw test images anew to see how far a metric moves; see `intervals` for what follows.

The image is the unit: the pixels of one image are no independent witnesses, so they are drawn or
left out together. Normal and anomalous images are drawn separately, as a test set fixes how many of
each there are. Methods that scored the same images share the draws, so the spread of a difference
is that of the difference and not of two unrelated numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cozad_teach.evaluation.exact import histograms
from cozad_teach.evaluation.exact.pixels import ImagePixels

__all__ = ["N_RESAMPLES", "class_units", "image_draws", "pixel_draws", "pixel_tables", "resample"]

N_RESAMPLES = 2000
# Bins of a histogram of pixel scores, and scores among which their edges are chosen.
_BINS, _SAMPLE = 1024, 2**17

Floats = NDArray[np.floating[Any]]


def resample(
    labels: ArrayLike,
    n_resamples: int = N_RESAMPLES,
    seed: int = 0,
    *,
    groups: ArrayLike | None = None,
) -> Floats:
    """Draw images with replacement, normal among normal and anomalous among anomalous.

    Parameters
    ----------
    labels : array_like, (N,)
        1 or True for anomalous, 0 or False for normal.
    n_resamples : int
        B, the number of resamples, 2 or more.
    seed : int
        Equal labels, groups and seeds give equal draws.
    groups : array_like, (N,), optional
        Equal values for images that show the same picture: those of a class are drawn or left out
        together, for the second photograph of a part is no new witness. By default each image is
        its own.

    Returns
    -------
    numpy.ndarray
        float64, shape (B, N): how often each image is drawn. Of n images or groups of a class
        n - 1 are drawn: then the variance over resamples is the unbiased one (with n it is too
        small by 1 - 1/n).

    Raises
    ------
    ValueError
        If a class has one image or group only: nothing is known about its spread.
    """
    marks = np.asarray(labels, bool)
    rng = np.random.default_rng(seed)
    weights = np.zeros((n_resamples, len(marks)))
    for kind, name in ((False, "normal"), (True, "anomalous")):
        members, units, n = class_units(marks, kind, groups)
        if n == 1:
            raise ValueError(f"there is one {name} image only: an interval needs two or more")
        if n:
            drawn = rng.multinomial(n - 1, np.full(n, 1 / n), n_resamples)
            weights[:, members] = drawn[:, units]
    return weights


def class_units(
    marks: NDArray[np.bool_], kind: bool, groups: ArrayLike | None
) -> tuple[NDArray[np.intp], NDArray[np.intp], int]:
    """Give the images of one class, the number of the group of each, and how many groups."""
    members = np.flatnonzero(marks == kind)
    own = np.arange(len(marks)) if groups is None else np.asarray(groups)
    names, units = np.unique(own[members], return_inverse=True)
    return members, units, len(names)


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
        ``image_auroc``, ``image_ap`` and ``image_f1max``, shape (B,) each. Their spread is what
        they are for.
    """
    values, marks = np.asarray(scores), np.asarray(labels, bool)
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    starts = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1]))  # of each distinct score
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
    are about a thousand bins, chosen where the scores are; fewer distinct scores are exact. The
    metric itself is computed exactly, elsewhere: of the draws only the spread is used.

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
        resample has no normal or no anomalous pixels.
    """
    normal, anomalous, shares = (weights @ table for table in pixel_tables(images))
    for counted in (normal, anomalous, shares):
        counted[counted.sum(1) == 0] = np.nan
    return {
        "pixel_auroc": histograms.auroc(normal, anomalous),
        "pixel_ap": histograms.average_precision(normal, anomalous),
        "pixel_f1max": histograms.f1_max(normal, anomalous),
        "aupro": histograms.pro_area(normal, shares),
    }


def pixel_tables(images: Sequence[ImagePixels]) -> Floats:
    """Count the pixel scores of each image in bins that all images share.

    Parameters
    ----------
    images : sequence of ImagePixels
        With regions.

    Returns
    -------
    numpy.ndarray
        Shape (3, N, K): normal pixels, anomalous pixels, and the sum of their shares of a region.
        Edges are quantiles of the normal and of the anomalous scores, or all distinct scores
        where there are few; a score at an edge is above it.
    """
    edges = _edges(images)
    n_bins = len(edges) + 1
    tables = np.zeros((3, len(images), n_bins))
    for row, image in enumerate(images):
        bins = np.searchsorted(edges, image.anomalous, "right")
        tables[0, row] = np.bincount(np.searchsorted(edges, image.normal, "right"), None, n_bins)
        tables[1, row] = np.bincount(bins, None, n_bins)
        tables[2, row] = np.bincount(bins, image.shares, n_bins)
    return tables


def _edges(images: Sequence[ImagePixels]) -> Floats:
    edges = []
    for pieces in ([image.normal for image in images], [image.anomalous for image in images]):
        step = max(1, sum(map(len, pieces)) // _SAMPLE)
        sample = np.sort(np.concatenate([piece[::step] for piece in pieces]))
        distinct = np.unique(sample)
        if len(distinct) > _BINS // 2:
            distinct = sample[np.linspace(0, len(sample) - 1, _BINS // 2).astype(int)]
        edges.append(distinct)
    return np.unique(np.concatenate(edges))
