"""Auxiliary photographs that are kept back from training, to choose thresholds on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from cozad_teach.data.identity.fingerprints import Fingerprints
from cozad_teach.settings import Settings
from cozad_teach.training.episodes import images_needed
from cozad_teach.training.feature_store import Reading

__all__ = ["CalibrationSample", "calibration_categories", "take_sample"]

MOST_CATEGORIES = 6  # what is kept of each takes 6 MB of a model file
_N_NORMAL, _N_ANOMALOUS = 16, 8


@dataclass(frozen=True)
class CalibrationSample:
    """Images of one auxiliary category on which no weight was trained.

    Attributes
    ----------
    category : str
        Its name.
    features : torch.Tensor
        Standardised, float16, shape (N, h, w, C).
    n_support, n_normal : int
        The first `n_support` images are a normal support; up to `n_normal` images are normal, the
        others anomalous.
    images : Fingerprints
        Which images these are.
    """

    category: str
    features: Tensor
    n_support: int
    n_normal: int
    images: Fingerprints


def calibration_categories(n_categories: int) -> list[int]:
    """Choose the categories that give samples, spread over all."""
    n_chosen = min(n_categories, MOST_CATEGORIES)
    return np.linspace(0, n_categories - 1, n_chosen).round().astype(int).tolist()


def take_sample(
    category: str, reading: Reading, settings: Settings
) -> tuple[CalibrationSample, list[int]] | None:
    """Take images of a category, spread evenly, as many as the tasks of training can do without.

    Parameters
    ----------
    category : str
        Its name.
    reading : Reading
        Of all of its N images, standardised.
    settings : Settings
        Gives how many images tasks need.

    Returns
    -------
    sample : CalibrationSample
    places : list of int
        Of its images among the N. None instead of both where fewer than 4 normal images, half of
        them a support, and 2 anomalous ones can be spared.
    """
    chosen: list[list[int]] = []
    anomalous = reading.anomalous.any(-1).numpy()
    limits = zip((_N_NORMAL, _N_ANOMALOUS), (4, 2), images_needed(settings), strict=True)
    for kind, (most, fewest, needed) in enumerate(limits):
        of_kind = np.flatnonzero(anomalous == bool(kind))
        n_taken = min(most, len(of_kind) - needed)
        if n_taken < fewest:
            return None
        spread = np.linspace(0, len(of_kind) - 1, n_taken).round().astype(int)
        chosen.append(of_kind[spread].tolist())
    normal, n_normal = chosen[0], len(chosen[0])
    # Every second one: of places that are spread evenly, both halves are.
    places = [*normal[::2], *normal[1::2], *chosen[1]]
    sample = CalibrationSample(
        category,
        reading.features[places].half(),
        -(-n_normal // 2),
        n_normal,
        reading.images.take(places),
    )
    return sample, places
