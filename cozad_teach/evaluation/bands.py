"""ROC, precision-recall and PRO curves, and how far each would move on other images.

A band is pointwise, not simultaneous: at any one place of the x axis 95 of 100 resampled curves
pass through it, but fewer than 95 stay inside along their whole length. Nor do overlapping bands
say that two methods are alike: the methods scored the same images, so their curves move together
(see `intervals.difference_interval`). Where a curve is perfect, every resample is perfect too, and
the band has no width although the truth is not certain.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cozad_teach.evaluation.bootstrap import Floats, pixel_tables
from cozad_teach.evaluation.metrics import checked_images, image_auroc
from cozad_teach.evaluation.pixels import ImagePixels

__all__ = ["Band", "pixel_roc_band", "precision_recall_band", "pro_band", "roc_band"]

# Equal steps that the x axis is cut into, and vertices of the curve that are added, at most.
_STEPS, _VERTICES = 200, 512

Read = Callable[[Floats, Floats, Floats], Floats]


@dataclass(frozen=True)
class Band:
    """A curve with its pointwise 95 % limits, ready to be drawn from point to point.

    Attributes
    ----------
    x : numpy.ndarray
        Rising, shape (K,). Every place is there twice, for a curve may jump: first with the limits
        from the left, then with those from the right. A jump is then a vertical line, and the
        trapezoids between the points have the area of the curve.
    y : numpy.ndarray
        The curve of all images, shape (K,), in 0 to 1.
    low, high : numpy.ndarray
        2.5 % and 97.5 % quantiles of the resampled curves at each x, shape (K,); NaN throughout
        where there are no resamples, or one of them has no curve.
    """

    x: Floats
    y: Floats
    low: Floats
    high: Floats


def roc_band(scores: ArrayLike, labels: ArrayLike, weights: Floats) -> Band:
    """Give the ROC curve of image scores: true over false positive rate.

    Parameters
    ----------
    scores, labels : array_like, (N,)
        As in `metrics.image_auroc`, which is the area under this curve.
    weights : numpy.ndarray
        Of `bootstrap.resample`, shape (B, N): how often each image is drawn. B may be 0.

    Returns
    -------
    Band
        Interpolated linearly over ties.

    Raises
    ------
    ValueError
        As `metrics.image_auroc`, and if the weights have not one column for each image.
    """
    normal, anomalous = _image_counts(scores, labels, weights)
    return _band(_rates(normal), _rates(anomalous), _between)


def precision_recall_band(scores: ArrayLike, labels: ArrayLike, weights: Floats) -> Band:
    """Give the precision-recall curve of image scores.

    Parameters and errors as `roc_band`.

    Returns
    -------
    Band
        In steps: a recall between two thresholds has the precision of the lower threshold. A
        straight line would promise precisions that no threshold gives (Davis and Goadrich, 2006).
        The area is `metrics.image_ap`.
    """
    normal, anomalous = _image_counts(scores, labels, weights)
    true, false = _from_above(anomalous), _from_above(normal)
    precision = true / np.maximum(true + false, np.finfo(float).tiny)
    return _band(_rates(anomalous), precision, _step)


def pixel_roc_band(images: Sequence[ImagePixels], weights: Floats) -> Band:
    """Give the ROC curve over the pixels of all images together.

    Images, not pixels, are drawn anew: the pixels of one image are no independent witnesses.

    Parameters
    ----------
    images : sequence of ImagePixels
        N of them, with regions.
    weights : numpy.ndarray
        Of `bootstrap.resample`, shape (B, N). B may be 0.

    Returns
    -------
    Band
        Interpolated linearly between about a thousand thresholds, chosen where the scores are;
        fewer distinct scores are exact. The area is `metrics.pixel_auroc`.

    Raises
    ------
    ValueError
        As `metrics.pixel_auroc`, and if the weights have not one column for each image.
    """
    normal, anomalous = _pixel_counts(images, weights, shares=False)
    return _band(_rates(normal), _rates(anomalous), _between)


def pro_band(images: Sequence[ImagePixels], weights: Floats, limit: float = 0.3) -> Band:
    """Give the PRO curve: mean share of a region that is found, over the false positive rate.

    Parameters
    ----------
    images, weights
        As in `pixel_roc_band`, with regions.
    limit : float
        Largest false positive rate, in (0, 1], where the curve ends.

    Returns
    -------
    Band
        As `pixel_roc_band` gives. The area, divided by `limit`, is `metrics.aupro`.

    Raises
    ------
    ValueError
        As `pixel_roc_band`, and if `limit` is out of range.
    """
    if not 0 < limit <= 1:
        raise ValueError(f"limit must be above 0 and at most 1, not {limit}")
    normal, shares = _pixel_counts(images, weights, shares=True)
    return _band(_rates(normal), _rates(shares), _between, limit)


def _band(x: Floats, y: Floats, read: Read, limit: float = 1.0) -> Band:
    """Read curves (1 + B, K) at common places; the first is that of all images."""
    vertices = np.unique(x[0])
    if len(vertices) > _VERTICES:
        # By rank: where the curve is steep, vertices are dense, and stay so.
        vertices = vertices[np.linspace(0, len(vertices) - 1, _VERTICES).astype(int)]
    places = np.union1d(vertices[vertices < limit], np.arange(_STEPS + 1) / _STEPS * limit)
    curve = read(places, x[0], y[0])
    low = high = np.full(len(curve), np.nan)
    if len(x) > 1 and np.isfinite(x).all() and np.isfinite(y).all():
        drawn = np.stack([read(places, *one) for one in zip(x[1:], y[1:], strict=True)])
        low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    return Band(np.repeat(places, 2), curve, low, high)


def _between(places: Floats, x: Floats, y: Floats) -> Floats:
    """Read a line from point to point, x rising from 0 to 1, on both sides of each place."""
    sides = []
    left, right = np.searchsorted(x, places, "left"), np.searchsorted(x, places, "right")
    for end, upright in ((left, 0.0), (right, 1.0)):
        end = end.clip(1, len(x) - 1)
        span = x[end] - x[end - 1]
        # Only an upright piece at either end of the x axis has no span: take its outer end.
        share = np.full(len(places), upright)
        np.divide(places - x[end - 1], span, out=share, where=span > 0)
        sides.append(y[end - 1] + share * (y[end] - y[end - 1]))
    return np.stack(sides, axis=-1).ravel()


def _step(places: Floats, x: Floats, y: Floats) -> Floats:
    """Read steps: at x and to its left, down to the x before, the curve has the y of x."""
    known = x > 0  # where nothing is found yet there is no precision
    x, y = x[known], y[known]
    left, right = np.searchsorted(x, places, "left"), np.searchsorted(x, places, "right")
    right = np.where(right < len(x), right, left)  # beyond the end there is nothing to find
    return np.stack([y[left], y[right]], axis=-1).ravel()


def _from_above(counts: Floats) -> Floats:
    """Count from the highest score down, beginning with nothing: (R, K) to (R, K + 1)."""
    return np.pad(np.cumsum(counts[:, ::-1], axis=1), ((0, 0), (1, 0)))


def _rates(counts: Floats) -> Floats:
    """Give shares found, rising from 0 to 1; NaN where there is nothing to be found."""
    found = _from_above(counts)
    total = found[:, -1:]
    return np.divide(found, total, out=np.full(found.shape, np.nan), where=total > 0)


def _with_original(weights: Floats, n_images: int) -> Floats:
    """Put the set itself, every image once, before its resamples."""
    drawn = np.asarray(weights, float)
    if drawn.ndim != 2 or drawn.shape[1] != n_images:
        raise ValueError(
            f"weights must have one column for each of the {n_images} images, "
            f"not the shape {drawn.shape}"
        )
    return np.vstack([np.ones(n_images), drawn])


def _image_counts(scores: ArrayLike, labels: ArrayLike, weights: Floats) -> tuple[Floats, Floats]:
    """Count normal and anomalous images at each distinct score, (1 + B, K) each."""
    image_auroc(scores, labels)  # refuses what has no curve
    values, anomalous = checked_images(scores, labels)
    drawn = _with_original(weights, len(values))
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    normal, found = (
        np.add.reduceat(drawn[:, order] * (anomalous[order] == kind), starts, axis=1)
        for kind in (False, True)
    )
    return normal, found


def _pixel_counts(
    images: Sequence[ImagePixels], weights: Floats, *, shares: bool
) -> tuple[Floats, Floats]:
    """Count normal and anomalous pixels, or shares of regions, in bins, (1 + B, K) each."""
    n_normal = sum(len(image.normal) for image in images)
    n_anomalous = sum(len(image.anomalous) for image in images)
    if not n_normal + n_anomalous:
        raise ValueError("there are no pixels")
    for kind, number in (("normal", n_normal), ("anomalous", n_anomalous)):
        if not number:
            raise ValueError(f"there are no {kind} pixels: the curve needs both kinds")
    drawn = _with_original(weights, len(images))
    # A threshold on an edge splits no bin, so every vertex of the curve is exact.
    tables = pixel_tables(images)
    return drawn @ tables[0], drawn @ tables[2 if shares else 1]
