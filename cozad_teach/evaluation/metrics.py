"""How well scores separate anomalous from normal, for images and for pixels; exact, ties included.

Every metric sweeps the threshold over all distinct scores (see `curves` for how). No score is
binned, scaled or rounded, so only their order counts: a strictly increasing change of the scores
leaves every metric as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cozad_teach.evaluation import curves
from cozad_teach.evaluation.curves import Array, Pair

__all__ = [
    "METRICS",
    "aupro",
    "category_metrics",
    "image_ap",
    "image_auroc",
    "image_f1max",
    "pixel_ap",
    "pixel_auroc",
]

METRICS = ("image_auroc", "image_ap", "image_f1max", "pixel_auroc", "pixel_ap", "aupro")


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
    """
    return curves.auroc(*curves.split([_checked_images(scores, labels)], "image"))


def image_ap(scores: ArrayLike, labels: ArrayLike) -> float:
    """Average precision of the image scores: precision, averaged over the anomalous images.

    The precision of an anomalous image is taken at the threshold that just finds it. This is the
    area under the step-wise precision-recall curve, without interpolation. Parameters and errors
    as `image_auroc`.

    Returns
    -------
    float
        0 to 1; chance is the share of anomalous images.
    """
    return curves.average_precision(*curves.split([_checked_images(scores, labels)], "image"))


def image_f1max(scores: ArrayLike, labels: ArrayLike) -> float:
    """Largest F1 value that any threshold on the image scores gives.

    The threshold is chosen with the labels at hand, so this is an upper bound, not what a user
    would see. Parameters and errors as `image_auroc`.

    Returns
    -------
    float
        0 to 1; calling every image anomalous gives 2 p / (1 + p), p the share of anomalous ones.
    """
    return curves.f1_max(*curves.split([_checked_images(scores, labels)], "image"))


def pixel_auroc(maps: Sequence[ArrayLike], masks: Sequence[ArrayLike | None]) -> float:
    """Area under the ROC curve over the pixels of all images together.

    Parameters
    ----------
    maps : sequence of array_like, each (H_i, W_i)
        Anomaly maps of any real type; any finite numbers; higher means more anomalous.
    masks : sequence of array_like, each (H_i, W_i), or None
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
    return curves.auroc(*curves.split(_checked_pairs(maps, masks), "pixel"))


def pixel_ap(maps: Sequence[ArrayLike], masks: Sequence[ArrayLike | None]) -> float:
    """Average precision over the pixels of all images together.

    As `image_ap`, with the parameters and errors of `pixel_auroc`.
    """
    return curves.average_precision(*curves.split(_checked_pairs(maps, masks), "pixel"))


def aupro(
    maps: Sequence[ArrayLike], masks: Sequence[ArrayLike | None], limit: float = 0.3
) -> float:
    """Area under the per-region overlap curve up to a false positive rate, scaled to 0 to 1.

    A region is a set of anomalous pixels connected by edges or corners in one image. PRO is the
    share of a region that is found, averaged over the regions of all images, so that small
    defects count as much as large ones; the false positive rate is taken over all normal pixels,
    those of anomalous images too.

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
    pairs = _checked_pairs(maps, masks)
    normal, _ = curves.split(pairs, "pixel")
    return curves.region_overlap(pairs, normal, limit)


def category_metrics(
    scores: ArrayLike,
    labels: ArrayLike,
    maps: Sequence[ArrayLike] | None = None,
    masks: Sequence[ArrayLike | None] | None = None,
) -> dict[str, Any]:
    """All metrics of one category; what cannot be computed is None, with the reason.

    Parameters
    ----------
    scores, labels : array_like, (N,)
        As in `image_auroc`.
    maps : sequence of array_like, each (H_i, W_i), optional
        As in `pixel_auroc`.
    masks : sequence of array_like or None, optional
        As in `pixel_auroc`. None for an anomalous image means that nobody marked its pixels.

    Returns
    -------
    dict
        ``image_auroc``, ``image_ap``, ``image_f1max``, ``pixel_auroc``, ``pixel_ap`` and
        ``aupro`` (limit 0.3), each a float or None, and ``null_reasons``, a dict that has one
        sentence for each None.

    Raises
    ------
    ValueError
        If the arguments do not belong together (unequal lengths, a mask of another size than its
        map): that is a mistake in the calling code and no property of the data.
    """
    values, anomalous = _checked_images(scores, labels)
    found: dict[str, float] = {}
    image_reason = _why_no_image_metrics(values, anomalous)
    if image_reason is None:
        normal, positive = curves.split([(values, anomalous)], "image")
        found["image_auroc"] = curves.auroc(normal, positive)
        found["image_ap"] = curves.average_precision(normal, positive)
        found["image_f1max"] = curves.f1_max(normal, positive)
    pairs, pixel_reason = _pairs_or_reason(anomalous, maps, masks)
    if pixel_reason is None:
        normal, positive = curves.split(pairs, "pixel")
        found["pixel_auroc"] = curves.auroc(normal, positive)
        found["pixel_ap"] = curves.average_precision(normal, positive)
        found["aupro"] = curves.region_overlap(pairs, normal, limit=0.3)
    reasons = {
        key: image_reason if key.startswith("image") else pixel_reason
        for key in METRICS
        if key not in found
    }
    return {**{key: found.get(key) for key in METRICS}, "null_reasons": reasons}


def _why_no_image_metrics(scores: Array, anomalous: NDArray[np.bool_]) -> str | None:
    if not anomalous.any():
        return "no anomalous images" if anomalous.size else "no test images"
    if anomalous.all():
        return "no normal images"
    return None if np.isfinite(scores).all() else "an image score is not finite"


def _pairs_or_reason(
    anomalous: NDArray[np.bool_],
    maps: Sequence[ArrayLike] | None,
    masks: Sequence[ArrayLike | None] | None,
) -> tuple[list[Pair], str | None]:
    """Pair maps with masks, or say what about the data forbids pixel metrics."""
    for name, arrays in (("maps", maps), ("masks", masks)):
        if arrays is not None and len(arrays) != len(anomalous):
            raise ValueError(f"there are {len(anomalous)} labels but {len(arrays)} {name}")
    n_anomalous = int(anomalous.sum())
    if not n_anomalous:
        return [], "no anomalous images" if anomalous.size else "no test images"
    n_masks = sum(masks[int(i)] is not None for i in np.flatnonzero(anomalous)) if masks else 0
    if masks is None or not n_masks:
        return [], "no masks: this set has image labels only"
    if n_missing := n_anomalous - n_masks:
        has = "has" if n_missing == 1 else "have"
        return [], f"{n_missing} of {n_anomalous} anomalous images {has} no mask"
    if maps is None:
        return [], "no anomaly maps: only image scores were given"
    pairs = _checked_pairs(maps, masks)
    marked = np.array([marks.any() for _, marks in pairs])
    if not marked[anomalous].all():
        return [], "an anomalous image has an empty mask"
    if marked[~anomalous].any():
        return [], "a normal image has a mask with anomalous pixels"
    if all(marks.all() for _, marks in pairs):
        return [], "no normal pixels"
    if not all(np.isfinite(values).all() for values, _ in pairs):
        return [], "an anomaly map has a value that is not finite"
    return pairs, None


def _checked_images(scores: ArrayLike, labels: ArrayLike) -> Pair:
    values, marks = np.asarray(scores), np.asarray(labels)
    if values.ndim != 1 or values.shape != marks.shape:
        raise ValueError(
            f"scores and labels must be two lists of one length, not of shapes {values.shape} and "
            f"{marks.shape}"
        )
    if not np.isin(marks, (0, 1)).all():
        raise ValueError("labels must be 0 (normal) or 1 (anomalous)")
    return values, marks.astype(bool)


def _checked_pairs(maps: Sequence[ArrayLike], masks: Sequence[ArrayLike | None]) -> list[Pair]:
    if len(maps) != len(masks):
        raise ValueError(f"there are {len(maps)} maps but {len(masks)} masks")
    pairs = []
    for index in range(len(maps)):
        values, mask = np.asarray(maps[index]), masks[index]
        marks = np.zeros(values.shape, bool) if mask is None else np.asarray(mask)
        if values.ndim != 2 or values.shape != marks.shape:
            raise ValueError(
                f"map {index} has the shape {values.shape} and its mask {marks.shape}: both must "
                "be the (height, width) of the image"
            )
        if marks.dtype.kind not in "biu":
            raise ValueError(f"mask {index} must be boolean or integer, not {marks.dtype}")
        pairs.append((values, marks.astype(bool)))
    return pairs
