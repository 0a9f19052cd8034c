"""All metrics of one category with their intervals; what cannot be had is None, with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cozad_teach.evaluation.exact import curves
from cozad_teach.evaluation.exact.curves import Array
from cozad_teach.evaluation.exact.pixels import (
    ImagePixels,
    Mask,
    NotFiniteError,
    checked_pairs,
    rank_pixels,
    read_pixels,
)
from cozad_teach.evaluation.metrics import checked_images, region_overlap
from cozad_teach.evaluation.uncertainty import bootstrap, intervals
from cozad_teach.evaluation.uncertainty.bootstrap import Floats
from cozad_teach.evaluation.uncertainty.intervals import Spread

__all__ = ["IMAGE_METRICS", "METRICS", "PIXEL_METRICS", "Measured", "measure"]

IMAGE_METRICS = ("image_auroc", "image_ap", "image_f1max")
PIXEL_METRICS = ("pixel_auroc", "pixel_ap", "pixel_f1max", "aupro")
METRICS = (*IMAGE_METRICS, *PIXEL_METRICS)
_MAXIMA = ("image_f1max", "pixel_f1max")


class _NotAvailable(Exception):
    """Carries the reason why the data does not allow a metric."""


@dataclass
class Measured:
    """The metrics of one method on one category.

    Attributes
    ----------
    values : dict of str to float
        By name in `METRICS`; AUPRO up to a false positive rate of 0.3.
    thresholds : dict of str to float
        The thresholds of ``image_f1max`` and ``pixel_f1max``.
    null_reasons : dict of str to str
        One sentence for each metric that is missing.
    draws : dict of str to numpy.ndarray
        The metric of every resample, shape (B,). Of methods on the same images, entry by entry,
        they are paired. Those of the F1 values are not there: a maximum over thresholds is too
        high in every sample, more so in a small one, so that an interval around it misses the
        truth of all images in up to one case of eight.
    spreads : dict of str to Spread
        Of the draws.
    interval_reason : str or None
        Why there are no draws.
    no_mask : list of int
        Anomalous images whose pixels nobody marked; if there is one, no pixel metric is had.
    contradictions : dict of int to str
        Images that the pixel metrics leave out, since their masks contradict their labels, with
        the reason, to follow their names.
    """

    values: dict[str, float] = field(default_factory=dict)
    thresholds: dict[str, float] = field(default_factory=dict)
    null_reasons: dict[str, str] = field(default_factory=dict)
    draws: dict[str, Floats] = field(default_factory=dict)
    spreads: dict[str, Spread] = field(default_factory=dict)
    interval_reason: str | None = None
    no_mask: list[int] = field(default_factory=list)
    contradictions: dict[int, str] = field(default_factory=dict)

    def row(self) -> dict[str, Any]:
        """Give what a report stores, ready for JSON."""
        return {
            **{name: self.values.get(name) for name in METRICS},
            "intervals": {
                name: list(intervals.interval(self.values[name], spread))
                for name, spread in self.spreads.items()
            },
            "f1max_thresholds": self.thresholds,
            "null_reasons": self.null_reasons,
            "interval_reason": self.interval_reason,
        }


def measure(
    scores: ArrayLike,
    labels: ArrayLike,
    maps: Iterable[ArrayLike] | None = None,
    masks: Iterable[Mask] | None = None,
    *,
    n_resamples: int = 0,
    groups: ArrayLike | None = None,
) -> Measured:
    """Compute every metric that the data allows.

    Parameters
    ----------
    scores, labels : array_like, (N,)
        As in `metrics.image_auroc`.
    maps : iterable of array_like, each (H_i, W_i), optional
        As in `metrics.pixel_auroc`; taken one at a time.
    masks : iterable of array_like, callable or None, optional
        As in `pixels.checked_pairs`. None for an anomalous image means that nobody marked its
        pixels.
    n_resamples : int
        Resamples for the intervals; 0 leaves them out.
    groups : array_like, (N,), optional
        Which images show the same picture, as in `bootstrap.resample`.

    Returns
    -------
    Measured

    Raises
    ------
    ValueError
        If the arguments do not belong together (unequal lengths, a mask of another size than its
        map): that is a mistake in the calling code and no property of the data.
    """
    values, anomalous = checked_images(scores, labels)
    found = Measured()
    weights = None
    if n_resamples and len(anomalous):
        try:
            weights = bootstrap.resample(anomalous, n_resamples, groups=groups)
        except ValueError as error:
            found.interval_reason = str(error)
    _measure_images(found, values, anomalous, weights)
    _measure_pixels(found, anomalous, maps, masks, weights)
    for name, draws in list(found.draws.items()):
        if name in _MAXIMA:
            del found.draws[name]
        elif np.isfinite(draws).all():
            found.spreads[name] = intervals.spread(draws, anomalous, groups)
        else:
            del found.draws[name]
            found.interval_reason = (
                "a resample of the images has no pixels of one kind, normal or anomalous"
            )
    return found


def _measure_images(
    found: Measured, values: Array, anomalous: NDArray[np.bool_], weights: Floats | None
) -> None:
    reason = _why_no_image_metrics(values, anomalous)
    if reason is not None:
        found.null_reasons.update(dict.fromkeys(IMAGE_METRICS, reason))
        return
    ranks = curves.rank([values[~anomalous]], values[anomalous])
    best = curves.f1_max(ranks)
    found.values["image_auroc"] = curves.auroc(ranks)
    found.values["image_ap"] = curves.average_precision(ranks)
    found.values["image_f1max"] = best.value
    found.thresholds["image"] = best.threshold
    if weights is not None:
        found.draws.update(bootstrap.image_draws(values, anomalous, weights))


def _measure_pixels(
    found: Measured,
    anomalous: NDArray[np.bool_],
    maps: Iterable[ArrayLike] | None,
    masks: Iterable[Mask] | None,
    weights: Floats | None,
) -> None:
    try:
        images = _read_usable(found, anomalous, maps, masks)
    except _NotAvailable as reason:
        found.null_reasons.update(dict.fromkeys(PIXEL_METRICS, str(reason)))
        return
    ranks = rank_pixels(images)
    best = curves.f1_max(ranks)
    found.values["pixel_auroc"] = curves.auroc(ranks)
    found.values["pixel_ap"] = curves.average_precision(ranks)
    found.values["pixel_f1max"] = best.value
    found.values["aupro"] = region_overlap(images, ranks)
    found.thresholds["pixel"] = best.threshold
    if weights is not None:
        found.draws.update(bootstrap.pixel_draws(images, weights))


def _why_no_image_metrics(values: Array, anomalous: NDArray[np.bool_]) -> str | None:
    if not anomalous.any():
        return "no anomalous images" if anomalous.size else "no test images"
    if anomalous.all():
        return "no normal images"
    return None if np.isfinite(values).all() else "an image score is not finite"


def _read_usable(
    found: Measured,
    anomalous: NDArray[np.bool_],
    maps: Iterable[ArrayLike] | None,
    masks: Iterable[Mask] | None,
) -> list[ImagePixels]:
    """Read the pixels of all images, or say what about the data forbids pixel metrics."""
    n_anomalous = int(anomalous.sum())
    if not n_anomalous:
        raise _NotAvailable("no anomalous images" if anomalous.size else "no test images")
    no_masks = "no masks: this set has image labels only"
    if masks is None:
        raise _NotAvailable(no_masks)
    marked = list(masks)
    if len(marked) != len(anomalous):
        raise ValueError(f"there are {len(anomalous)} labels but {len(marked)} masks")
    found.no_mask = [int(i) for i in np.flatnonzero(anomalous) if marked[int(i)] is None]
    missing = len(found.no_mask)
    if missing == n_anomalous:
        raise _NotAvailable(no_masks)
    if missing:
        has = "has" if missing == 1 else "have"
        raise _NotAvailable(f"{missing} of {n_anomalous} anomalous images {has} no mask")
    if maps is None:
        raise _NotAvailable("no anomaly maps: only image scores were given")
    images = read_pixels(_usable(found, anomalous, maps, marked))
    if not any(image.n_regions for image in images):
        raise _NotAvailable(f"all {n_anomalous} masks of anomalous images are empty")
    if not any(len(image.normal) for image in images):
        raise _NotAvailable("no normal pixels")
    return images


def _usable(
    found: Measured,
    anomalous: NDArray[np.bool_],
    maps: Iterable[ArrayLike],
    masks: list[Mask],
) -> Iterator[tuple[Array, NDArray[np.bool_]]]:
    """Give maps with their masks; those of a contradiction without any pixel."""
    pairs = zip(anomalous, checked_pairs(maps, masks), strict=True)
    try:
        for number, (is_anomalous, (values, marks)) in enumerate(pairs):
            if is_anomalous == marks.any():
                yield values, marks
                continue
            found.contradictions[number] = (
                "is anomalous, but its mask is empty"
                if is_anomalous
                else "is good, but its mask has anomalous pixels"
            )
            yield values[:0], marks[:0]
    except NotFiniteError as error:
        raise _NotAvailable("an anomaly map has a value that is not finite") from error
