"""The row of a category in a report: counts, metrics, decisions, what is to be said of masks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from cozad_teach.cozad import CoZAD
from cozad_teach.data.folders import Category, LabelledImage
from cozad_teach.data.masks import mask_of
from cozad_teach.evaluation import calibration
from cozad_teach.evaluation.calibration import Calibration
from cozad_teach.evaluation.category import Measured, measure
from cozad_teach.evaluation.uncertainty import bootstrap

__all__ = ["measured_row"]


def measured_row(
    model: CoZAD,
    category: Category,
    scores: Tensor,
    sizes: Sequence[tuple[int, int]],
    of_images: np.ndarray,
    chosen: Calibration,
    groups: Sequence[int],
) -> tuple[Measured, dict[str, Any]]:
    """Measure the images of one category, and write its row of the report.

    Parameters
    ----------
    model : CoZAD
        Says how patch scores become maps.
    category : Category
        Its test images have labels and, some of them, masks.
    scores : torch.Tensor
        Patch scores, shape (N, h, w).
    sizes : sequence of (int, int)
        (H_i, W_i) of each image in pixels.
    of_images : numpy.ndarray
        Image scores, shape (N,).
    chosen : Calibration
        Decides which images are called anomalous.
    groups : sequence of int
        Images of one number are copies of each other.
    """
    labels = np.array([item.is_anomalous for item in category.test])
    # One map and one mask at a time: at the size of the files, all of them may not fit in memory.
    maps = (
        model.pixel_maps(patches[None], [size])[0]
        for patches, size in zip(scores, sizes, strict=True)
    )
    notes: dict[str, tuple[str, ...]] = {}
    masks = [_reader(item, notes) if item.mask else None for item in category.test]
    found = measure(
        of_images, labels, maps, masks, n_resamples=bootstrap.N_RESAMPLES, groups=groups
    )
    row = {
        "n_normal": int((~labels).sum()),
        "n_anomalous": int(labels.sum()),
        **found.row(),
        **_decisions(of_images, labels, chosen),
        "no_mask": [category.test[i].image.name for i in found.no_mask],
        "not_in_pixel_metrics": {
            category.test[i].image.name: reason for i, reason in found.contradictions.items()
        },
        "mask_notes": {name: list(said) for name, said in notes.items() if said},
    }
    return found, row


def _reader(
    item: LabelledImage, notes: dict[str, tuple[str, ...]]
) -> Callable[[], NDArray[np.bool_]]:
    """Read a mask when it is needed, and keep what is to be said of it."""

    def read() -> NDArray[np.bool_]:
        assert item.mask is not None
        pixels, notes[item.mask.name] = mask_of(item.mask, item.image)
        return pixels

    return read


def _decisions(scores: np.ndarray, labels: np.ndarray, chosen: Calibration) -> dict[str, Any]:
    if not np.isfinite(scores).all():
        return {"at_threshold": None, "calibration_error": None, "reliability": None}
    probabilities = chosen.probability(scores)
    return {
        "at_threshold": calibration.at_threshold(scores, labels, chosen.threshold),
        "calibration_error": calibration.expected_calibration_error(probabilities, labels),
        "reliability": calibration.reliability(probabilities, labels),
    }
