"""Chapter 8: how well scores separate anomalous from normal, for images and for pixels.

Higher scores mean more anomalous, everywhere. Metrics are exact, ties included: the threshold takes
every distinct score (see `curves` for how). No score is binned, scaled or rounded, so only their
order counts: a strictly increasing change of the scores leaves every metric as it is. For sets that
are too large to keep every score, `histograms` has variants that know their error.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cozad_teach.evaluation.exact import curves
from cozad_teach.evaluation.exact.curves import Array, BestF1, Ranks, rank
from cozad_teach.evaluation.exact.pixels import ImagePixels, checked_pairs, rank_pixels, read_pixels

__all__ = [
    "aupro",
    "checked_images",
    "image_ap",
    "image_auroc",
    "image_f1max",
    "pixel_ap",
    "pixel_auroc",
    "pixel_f1max",
    "region_overlap",
]


def image_auroc(scores: ArrayLike, labels: ArrayLike) -> float:
    """Area under the ROC curve of the image scores, equation (image-auroc).

    It is the chance that an anomalous image scores above a normal one; a tie counts one half.

    Parameters
    ----------
    scores : array_like, (N,)
        Any finite numbers; higher means more anomalous.
    labels : array_like, (N,)
        1 or True for anomalous, 0 or False for normal.

    Returns
    -------
    float
        0 to 1; 0.5 is chance.

    Raises
    ------
    ValueError
        If the input is empty, of unequal lengths, not finite, or has one class only.

    Examples
    --------
    Of the four pairs of an anomalous and a normal image, two are in order and one is a tie.

    >>> image_auroc([0.1, 0.4, 0.4, 0.3], [0, 0, 1, 1])
    0.625
    """
    return curves.auroc(_rank_images(scores, labels))


def image_ap(scores: ArrayLike, labels: ArrayLike) -> float:
    """Precision, averaged over the anomalous images, equation (average-precision).

    The precision of an anomalous image is taken at the threshold that just finds it. This is the
    area under the step-wise precision-recall curve, without interpolation. Parameters and errors
    as `image_auroc`.

    Returns
    -------
    float
        0 to 1; chance is the share of anomalous images.
    """
    return curves.average_precision(_rank_images(scores, labels))


def image_f1max(scores: ArrayLike, labels: ArrayLike) -> BestF1:
    """Largest F1 value that any threshold on the image scores gives, and that threshold.

    The threshold is chosen with the labels at hand, so the value is an upper bound, not what a
    user would see: `calibration` chooses thresholds without the target's labels. Parameters and
    errors as `image_auroc`.

    Returns
    -------
    value : float
        0 to 1; calling every image anomalous gives 2 p / (1 + p), p the share of anomalous ones.
    threshold : float
        Images at or above it are called anomalous; the highest, where several are equally good.
    """
    return curves.f1_max(_rank_images(scores, labels))


def pixel_auroc(maps: Iterable[ArrayLike], masks: Iterable[ArrayLike | None]) -> float:
    """Area under the ROC curve over the pixels of all images together.

    Parameters
    ----------
    maps : iterable of array_like, each (H_i, W_i)
        Anomaly maps of any real type; any finite numbers; higher means more anomalous. They are
        taken one at a time: a generator need never hold two.
    masks : iterable of array_like, each (H_i, W_i), or None
        Boolean or integer; every value but 0 is anomalous. None stands for zeros: a normal image.

    Returns
    -------
    float
        0 to 1; 0.5 is chance.

    Raises
    ------
    ValueError
        If there is no map, a map and its mask differ in size, a value is not finite, or there are
        no anomalous or no normal pixels.
    """
    return curves.auroc(_rank_maps(maps, masks))


def pixel_ap(maps: Iterable[ArrayLike], masks: Iterable[ArrayLike | None]) -> float:
    """Average precision over the pixels of all images together.

    As `image_ap`, with the parameters and errors of `pixel_auroc`.
    """
    return curves.average_precision(_rank_maps(maps, masks))


def pixel_f1max(maps: Iterable[ArrayLike], masks: Iterable[ArrayLike | None]) -> BestF1:
    """Largest F1 value over the pixels of all images together, and its threshold.

    As `image_f1max`, with the parameters and errors of `pixel_auroc`.
    """
    return curves.f1_max(_rank_maps(maps, masks))


def aupro(
    maps: Iterable[ArrayLike], masks: Iterable[ArrayLike | None], limit: float = 0.3
) -> float:
    """Area under the per-region overlap curve up to a false positive rate, equation (aupro).

    The area is divided by that rate, so that it lies in 0 to 1. A region is a set of anomalous
    pixels connected by edges or corners in one image. PRO is the share of a region that is found,
    averaged over the regions of all images, so that small defects count as much as large ones; the
    false positive rate is taken over all normal pixels, those of anomalous images too.

    Parameters
    ----------
    maps, masks
        As in `pixel_auroc`.
    limit : float
        Largest false positive rate, in (0, 1].

    Returns
    -------
    float
        0 to 1; chance is ``limit / 2``.

    Raises
    ------
    ValueError
        As `pixel_auroc`, and if `limit` is out of range.

    References
    ----------
    Bergmann, Fauser, Sattlegger and Steger, "MVTec AD: a comprehensive real-world dataset for
    unsupervised anomaly detection", CVPR 2019; limit 0.3 after "Uninformed students", CVPR 2020.
    """
    if not 0 < limit <= 1:
        raise ValueError(f"limit must be above 0 and at most 1, not {limit}")
    images = read_pixels(checked_pairs(maps, masks))
    return region_overlap(images, rank_pixels(images), limit)


def region_overlap(images: Sequence[ImagePixels], ranks: Ranks, limit: float = 0.3) -> float:
    """Give `aupro` of pixels that are read and ranked already."""
    n_regions = sum(image.n_regions for image in images)
    shares = np.concatenate([image.shares for image in images]) / n_regions
    return curves.pro_area(ranks, shares, limit)


def checked_images(scores: ArrayLike, labels: ArrayLike) -> tuple[Array, NDArray[np.bool_]]:
    """Give scores and labels as arrays of one length.

    Raises
    ------
    ValueError
        If they are not lists of one length, scores are not real numbers, or labels are not 0 and 1.
    """
    values, marks = np.asarray(scores), np.asarray(labels)
    if values.ndim != 1 or values.shape != marks.shape:
        raise ValueError(
            f"scores and labels must be two lists of one length, not of shapes {values.shape} and "
            f"{marks.shape}"
        )
    if not np.isin(marks, (0, 1)).all():
        raise ValueError("labels must be 0 (normal) or 1 (anomalous)")
    if values.dtype.kind not in "biuf":
        raise ValueError(f"image scores must be real numbers, not {values.dtype}")
    return values, marks.astype(bool)


def _rank_images(scores: ArrayLike, labels: ArrayLike) -> Ranks:
    values, anomalous = checked_images(scores, labels)
    if not len(values):
        raise ValueError("there are no images")
    if not np.isfinite(values).all():
        raise ValueError("a score of images is not finite (NaN or infinite)")
    if anomalous.all() or not anomalous.any():
        missing = "normal" if anomalous.all() else "anomalous"
        raise ValueError(f"there are no {missing} images: the metric needs both kinds")
    return rank([values[~anomalous]], values[anomalous])


def _rank_maps(maps: Iterable[ArrayLike], masks: Iterable[ArrayLike | None]) -> Ranks:
    return rank_pixels(read_pixels(checked_pairs(maps, masks), regions=False))
