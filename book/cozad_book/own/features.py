"""The images that a student's detector is tried on, and those that it learns from, as features."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from cozad_book.own.pieces import Pieces
from cozad_teach.backbones import load_backbone
from cozad_teach.data.drawn.textures import (
    AUXILIARY_CATEGORIES,
    add_defect,
    draw_category,
)
from cozad_teach.features import feature_moments, preprocess, unit_length
from cozad_teach.settings import LITE
from cozad_teach.training.episodes import patch_labels

__all__ = ["Features", "read_features"]

MATERIAL, N_GOOD, N_DRILLED, HOLES = "cells_terrazzo", 14, 10, 8


@dataclass(frozen=True)
class Features:
    """Patch features in float64, by the student's own pooling and scaling.

    Attributes
    ----------
    target : numpy.ndarray
        Of the tiles, shape (N, P, C); every level of unit length.
    drilled : numpy.ndarray
        Boolean, shape (N, P): which patches a hole touches. Only to measure by.
    auxiliary : numpy.ndarray
        Shape (categories, images, P, C).
    anomalous : numpy.ndarray
        Boolean, shape (categories, images, P).
    """

    target: np.ndarray
    drilled: np.ndarray
    auxiliary: np.ndarray
    anomalous: np.ndarray

    @property
    def labels(self) -> np.ndarray:
        """Which tiles are drilled, 0 or 1, shape (N,)."""
        return self.drilled.any(axis=1).astype(int)


def read_features(pieces: Pieces) -> Features:
    """Turn the images into features by the student's `mean_pool` and `standardise`."""
    (tiles, drilled), (auxiliary, anomalous) = _tiles(), _materials()
    pool, scale = pieces["features.mean_pool"], pieces["features.standardise"]
    z_tiles, z_auxiliary = (_pooled(levels, pool) for levels in (tiles, auxiliary))
    mean, std = (m.numpy() for m in feature_moments(torch.from_numpy(z_auxiliary)))
    channels = [level.shape[-1] for level in tiles]

    def finished(grids: np.ndarray) -> np.ndarray:
        scaled = np.stack([scale(grid, mean, std) for grid in grids])
        unit = unit_length(torch.from_numpy(scaled), channels)  # (N, h, w, C)
        return unit.flatten(1, 2).numpy()  # (N, P, C)

    shape = (*anomalous.shape, -1)
    return Features(finished(z_tiles), drilled, finished(z_auxiliary).reshape(shape), anomalous)


def _pooled(levels: list[np.ndarray], pool: object) -> np.ndarray:
    """Pool each level of each image, resize it to the finest, and join the channels."""
    assert callable(pool)
    grids = [
        torch.from_numpy(np.stack([np.asarray(pool(grid), dtype=float) for grid in level]))
        for level in levels
    ]
    size = grids[0].shape[1:3]
    resized = [
        F.interpolate(grid.permute(0, 3, 1, 2), size=size, mode="bilinear").permute(0, 2, 3, 1)
        for grid in grids
    ]
    return torch.cat(resized, -1).numpy()


def _levels(images: list[np.ndarray]) -> list[np.ndarray]:
    """Give what the backbone says of the images before any pooling, (N, h, w, C) of each level."""
    backbone = load_backbone(LITE.backbone, LITE.strides)
    with torch.no_grad():
        found = [
            backbone.network((preprocess([image], LITE.image_size) - backbone.mean) / backbone.std)
            for image in images
        ]
    return [
        torch.cat(level).permute(0, 2, 3, 1).double().numpy() for level in zip(*found, strict=True)
    ]


@functools.cache
def _tiles() -> tuple[list[np.ndarray], np.ndarray]:
    """Tiles of terrazzo, the last ones drilled by mistake."""
    size = (LITE.image_size, LITE.image_size)
    images = list(draw_category(MATERIAL, N_GOOD + N_DRILLED, 0, seed=1, size=size).images)
    masks = np.zeros((len(images), *size), bool)
    for i in range(N_GOOD, len(images)):
        for hole in range(HOLES):
            images[i], mask = add_defect(images[i], "hole", seed=100 * i + hole)
            masks[i] |= mask
    levels = _levels(images)
    return levels, patch_labels(masks, levels[0].shape[1:3]).numpy()


@functools.cache
def _materials() -> tuple[list[np.ndarray], np.ndarray]:
    """All auxiliary materials, a good image and two with a defect of each."""
    size = (LITE.image_size, LITE.image_size)
    sets = [draw_category(name, 1, 2, seed=0, size=size) for name in AUXILIARY_CATEGORIES]
    levels = _levels([image for one in sets for image in one.images])
    labels = [patch_labels(one.masks, levels[0].shape[1:3]).numpy() for one in sets]
    return levels, np.stack(labels)
