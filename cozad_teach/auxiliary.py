"""What training takes from the auxiliary categories: patch features, their scale, a covariance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from cozad_teach.data.episodes import AuxiliaryCategory, patch_labels
from cozad_teach.data.hashes import Fingerprints
from cozad_teach.data.textures import TextureSet, draw_category
from cozad_teach.features import (
    Backbone,
    extract_features,
    feature_moments,
    standardise,
    unit_length,
)
from cozad_teach.settings import Settings

__all__ = ["AuxiliaryFeatures", "draw_auxiliary", "prepare_auxiliary", "within_covariance"]


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
    """

    categories: list[AuxiliaryCategory]
    mean: Tensor
    std: Tensor
    prior: Tensor
    images: Fingerprints


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
        centred = normal - normal.mean(0)
        total = total + centred.mT @ centred / len(centred)
    return total / len(categories)


def draw_auxiliary(category: str, settings: Settings, seed: int) -> TextureSet:
    """Draw the images of one auxiliary category as training does; every third has a defect."""
    n_anomalous = settings.images_per_category // 3
    n_normal = settings.images_per_category - n_anomalous
    size = (settings.image_size, settings.image_size)
    return draw_category(category, n_normal, n_anomalous, seed, size)
