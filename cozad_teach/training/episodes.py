"""Tasks for meta-learning: contaminated, unlabelled support sets and labelled query sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from cozad_teach.errors import CozadError
from cozad_teach.settings import Settings

__all__ = ["AuxiliaryCategory", "MetaBatch", "images_needed", "patch_labels", "sample_meta_batch"]


@dataclass(frozen=True)
class AuxiliaryCategory:
    """The patch features of one auxiliary category, held in memory.

    Attributes
    ----------
    features : torch.Tensor
        Patch features of unit length by level, shape (N, P, C). float32, or float16 to halve the
        memory of many images: tasks are float32 in any case.
    anomalous : torch.Tensor
        Boolean patch labels, shape (N, P). An image is anomalous if one of its patches is.
    """

    features: Tensor
    anomalous: Tensor


@dataclass(frozen=True)
class MetaBatch:
    """A few tasks, stacked.

    Attributes
    ----------
    support : torch.Tensor
        Shape (tasks, K, P, C), without labels.
    query : torch.Tensor
        Shape (tasks, Q, P, C).
    query_anomalous : torch.Tensor
        Boolean, shape (tasks, Q, P).
    """

    support: Tensor
    query: Tensor
    query_anomalous: Tensor


def patch_labels(masks: np.ndarray, grid: tuple[int, int]) -> Tensor:
    """Say which patches of a grid touch an anomalous pixel.

    Parameters
    ----------
    masks : numpy.ndarray
        Boolean, shape (N, H, W).
    grid : (int, int)
        (h, w) of the grid of patches, h ≤ H and w ≤ W.

    Returns
    -------
    torch.Tensor
        Boolean, shape (N, h·w), row by row. A patch owns the pixels of its cell only, although
        its receptive field is larger.
    """
    pooled = F.adaptive_max_pool2d(torch.from_numpy(masks).float()[:, None], grid)
    return (pooled > 0).flatten(1)


def images_needed(settings: Settings) -> tuple[int, int]:
    """Give the fewest normal and anomalous images of a category from which tasks can be drawn."""
    n_wrong = settings.query_images // 2
    n_dirty = round(settings.max_contamination * settings.support_images)
    return settings.support_images + settings.query_images - n_wrong, n_dirty + n_wrong


def sample_meta_batch(
    categories: Sequence[AuxiliaryCategory],
    rng: np.random.Generator,
    settings: Settings,
) -> MetaBatch:
    """Draw tasks, each from another category where there are enough.

    Parameters
    ----------
    categories : sequence of AuxiliaryCategory
        Where tasks come from.
    rng : numpy.random.Generator
        Decides everything that is drawn.
    settings : Settings
        Tasks in the batch; K support and Q query images of a task, disjoint; patches drawn of
        each image; the highest share of anomalous support images, below which each task draws
        its own.

    Returns
    -------
    MetaBatch
        Half of the query images are anomalous, and at least half of the patches drawn of them
        are, or all there are, so that small defects are not lost among the normal patches.

    Raises
    ------
    CozadError
        If a category has too few normal or anomalous images for a task.
    """
    tasks, n_support = settings.tasks_per_step, settings.support_images
    n_query, patches = settings.query_images, settings.patches_per_image
    chosen = rng.choice(len(categories), size=tasks, replace=tasks > len(categories))
    drawn = []
    for index in chosen:
        category = categories[index]
        is_anomalous = category.anomalous.any(-1).numpy()
        normal = rng.permutation(np.flatnonzero(~is_anomalous))
        anomalous = rng.permutation(np.flatnonzero(is_anomalous))
        n_dirty = round(rng.uniform(0, settings.max_contamination) * n_support)
        n_clean, n_wrong = n_support - n_dirty, n_query // 2
        if len(normal) < n_clean + n_query - n_wrong or len(anomalous) < n_dirty + n_wrong:
            raise CozadError(
                f"a category of {len(normal)} normal and {len(anomalous)} anomalous images is too "
                f"small for {n_support} support and {n_query} query images: bring more"
            )
        support = np.concatenate([normal[:n_clean], anomalous[:n_dirty]])
        query = np.concatenate(
            [normal[n_clean:][: n_query - n_wrong], anomalous[n_dirty:][:n_wrong]]
        )
        drawn.append(
            (
                _draw_patches(category, support, patches, rng, enrich=False)[0],
                *_draw_patches(category, query, patches, rng, enrich=True),
            )
        )
    return MetaBatch(*(torch.stack(parts) for parts in zip(*drawn, strict=True)))


def _draw_patches(
    category: AuxiliaryCategory,
    images: np.ndarray,
    patches: int,
    rng: np.random.Generator,
    *,
    enrich: bool,
) -> tuple[Tensor, Tensor]:
    """Draw patches of each image without replacement; `enrich` takes anomalous ones first."""
    labels = category.anomalous[images].numpy()
    order = rng.random(labels.shape)
    if enrich:
        # As many anomalous patches as make half of what is drawn move to the front.
        rank = np.cumsum(labels, axis=1)
        order = np.where(labels & (rank <= patches // 2), order - 1, order)
    index = torch.from_numpy(np.argsort(order, axis=1)[:, :patches])
    rows = torch.from_numpy(images)[:, None]
    return category.features[rows, index].float(), category.anomalous[rows, index]
