"""What training takes from the auxiliary categories: patch features, their scale, a covariance."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from tqdm.auto import tqdm

from cozad_teach.data.drawn.textures import TextureSet
from cozad_teach.data.identity.fingerprints import Fingerprints
from cozad_teach.features import (
    Backbone,
    extract_features,
    feature_moments,
    standardise,
    unit_length,
)
from cozad_teach.settings import Settings
from cozad_teach.training.auxiliary_images import AuxiliaryPhotographs
from cozad_teach.training.calibration_samples import (
    CalibrationSample,
    calibration_categories,
    take_sample,
)
from cozad_teach.training.episodes import AuxiliaryCategory, patch_labels
from cozad_teach.training.feature_store import FeatureStore, Reading
from cozad_teach.training.sharding import own_turn

__all__ = [
    "AuxiliaryFeatures",
    "prepare_auxiliary",
    "prepare_photographs",
    "within_covariance",
]


@dataclass(frozen=True)
class AuxiliaryFeatures:
    """The auxiliary categories as training sees them.

    Attributes
    ----------
    categories : list of AuxiliaryCategory
        Standardised patch features of unit length by level, with patch labels.
    mean, std : torch.Tensor
        Shape (C,): the moments that standardise every patch feature.
    prior : torch.Tensor
        S_0 of `within_covariance`, shape (C, C).
    images : Fingerprints
        Which images these are.
    names : tuple of str
        Of the categories, where they are photographs.
    samples : tuple of CalibrationSample
        Images that were kept back from training, to choose thresholds on; none of drawn ones,
        which can be drawn anew.
    seconds : float
        Wall time that photographs took.
    """

    categories: list[AuxiliaryCategory]
    mean: Tensor
    std: Tensor
    prior: Tensor
    images: Fingerprints
    names: tuple[str, ...] = ()
    samples: tuple[CalibrationSample, ...] = ()
    seconds: float = 0.0


def prepare_auxiliary(
    backbone: Backbone,
    auxiliary: Sequence[TextureSet],
    settings: Settings,
    *,
    progress: bool = False,
) -> AuxiliaryFeatures:
    """Extract the features of the auxiliary categories, and what is computed from all of them.

    Parameters
    ----------
    backbone : Backbone
        On the device that extracts.
    auxiliary : sequence of TextureSet
        One set of images and masks per category.
    settings : Settings
        Gives the size of images and the precision of the backbone.
    progress : bool
        Show a bar.

    Returns
    -------
    AuxiliaryFeatures
        On the CPU; the features of all categories share one block of memory.
    """
    images = [image for category in auxiliary for image in category.images]
    grids = extract_features(
        backbone, images, settings.image_size, settings.precision, progress=progress
    )
    mean, std = feature_moments(grids)
    categories = []
    start = 0
    for category in auxiliary:
        # In place: with `full` settings all features together fill half the memory of a machine.
        features = grids[start : start + len(category.images)]
        start += len(features)
        features.copy_(unit_length(standardise(features, mean, std), backbone.level_channels))
        labels = patch_labels(category.masks, (features.shape[1], features.shape[2]))
        categories.append(AuxiliaryCategory(features.flatten(1, 2), labels))
    names = [f"auxiliary {n}/{i}" for n, c in enumerate(auxiliary) for i in range(len(c.images))]
    return AuxiliaryFeatures(
        categories, mean, std, within_covariance(categories), Fingerprints.of(names, images)
    )


def prepare_photographs(
    store: FeatureStore,
    auxiliary: Sequence[AuxiliaryPhotographs],
    settings: Settings,
    *,
    progress: bool = False,
) -> AuxiliaryFeatures:
    """As `prepare_auxiliary`, of categories of any number of images, a category in memory at once.

    Parameters
    ----------
    store : FeatureStore
        Extracts features, and keeps them.
    auxiliary : sequence of AuxiliaryPhotographs
        Of `open_auxiliary`.
    settings : Settings
        Decides how many images tasks need, which are never kept back for calibration.
    progress : bool
        Show bars.

    Returns
    -------
    AuxiliaryFeatures
        In float16. Every category counts alike in the moments, however many images it has.

    Raises
    ------
    CozadError
        As `FeatureStore.read`.
    """
    started = time.perf_counter()
    n_images = sum(len(category.images) for category in auxiliary)
    with (
        own_turn(),
        tqdm(total=n_images, desc="features", unit="image", disable=not progress) as bar,
    ):
        found = [_moments(store.read(category.images, bar)) for category in auxiliary]
    images, first, second = zip(*found, strict=True)
    mean, square = (torch.stack(values).mean(0) for values in (first, second))
    std = (square - mean.square()).clamp(min=0).sqrt()
    mean, std = mean.float(), torch.where(std > 0, std, 1.0).float()

    calibrated = calibration_categories(len(auxiliary))
    categories, samples = [], []
    with tqdm(total=n_images, desc="standardising", unit="image", disable=not progress) as bar:
        for number, category in enumerate(auxiliary):
            reading = store.read(category.images, bar)
            reading.features.sub_(mean).div_(std)  # in place: a category may fill a gigabyte
            kept = torch.ones(len(category.images), dtype=torch.bool)
            if number in calibrated and (taken := take_sample(category.name, reading, settings)):
                samples.append(taken[0])
                kept[taken[1]] = False
            categories.append(_in_half(reading, kept, store.backbone.level_channels))
            del reading  # before the next one is in memory
    return AuxiliaryFeatures(
        categories,
        mean,
        std,
        within_covariance(categories),
        Fingerprints.join(images),
        tuple(category.name for category in auxiliary),
        tuple(samples),
        time.perf_counter() - started,
    )


def _moments(reading: Reading) -> tuple[Fingerprints, Tensor, Tensor]:
    """Give which images these are, and the mean of their features and of the squares."""
    features, double = reading.features.flatten(0, -2), torch.float64
    return reading.images, features.mean(0, dtype=double), features.square_().mean(0, dtype=double)


def _in_half(reading: Reading, kept: Tensor, levels: Sequence[int]) -> AuxiliaryCategory:
    """Give some images of a category, as training wants them, in float16."""
    features = [unit_length(some, levels)[None].half() for some in reading.features[kept]]
    return AuxiliaryCategory(torch.cat(features).flatten(1, 2), reading.anomalous[kept])


def within_covariance(categories: Sequence[AuxiliaryCategory]) -> Tensor:
    """Average the covariance of normal images within categories, equation (auxiliary-covariance).

    Parameters
    ----------
    categories : sequence of AuxiliaryCategory
        At least one; each with a normal image.

    Returns
    -------
    torch.Tensor
        S_0, shape (C, C): how patches of one normal material differ from each other, whatever the
        material. Every category counts alike; its mean is its own.
    """
    total = torch.zeros(())
    for category in categories:
        normal = category.features[~category.anomalous.any(-1)].flatten(0, 1)
        normal = normal.to(torch.promote_types(normal.dtype, torch.float32))
        centred = normal - normal.mean(0)
        total = total + centred.mT @ centred / len(centred)
    return total / len(categories)
