"""Tasks: contaminated supports, labelled queries, no image in both."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from cozad_teach.settings import LITE
from cozad_teach.training.episodes import AuxiliaryCategory, patch_labels, sample_meta_batch

SMALL = dataclasses.replace(LITE, tasks_per_step=3, patches_per_image=6)


def numbered_categories(n: int = 4) -> list[AuxiliaryCategory]:
    """Make features that say where they come from: (category, image, patch, is anomalous)."""
    categories = []
    for c in range(n):
        anomalous = torch.zeros(12, 20, dtype=torch.bool)
        anomalous[8:, 3:7] = True
        image, patch = torch.meshgrid(torch.arange(12), torch.arange(20), indexing="ij")
        features = torch.stack([torch.full_like(image, c), image, patch, anomalous.long()], -1)
        categories.append(AuxiliaryCategory(features.float(), anomalous))
    return categories


def test_patch_labels_equal_loops_also_where_cells_are_uneven() -> None:
    rng = np.random.default_rng(0)
    masks = rng.random((3, 33, 50)) < 0.01
    found = patch_labels(masks, (4, 7)).reshape(3, 4, 7).numpy()
    for r in range(4):
        for c in range(7):
            rows = slice(r * 33 // 4, -(-(r + 1) * 33 // 4))
            columns = slice(c * 50 // 7, -(-(c + 1) * 50 // 7))
            assert (found[:, r, c] == masks[:, rows, columns].any((1, 2))).all()


def test_support_and_query_share_no_image_and_no_category_mixes() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        batch = sample_meta_batch(numbered_categories(), rng, SMALL)
        for support, query in zip(batch.support, batch.query, strict=True):
            assert len(support[..., 0].unique()) == 1
            assert torch.equal(support[..., 0].unique(), query[..., 0].unique())
            assert not set(support[:, 0, 1].tolist()) & set(query[:, 0, 1].tolist())
            assert len(support[:, 0, 1].unique()) == SMALL.support_images


def test_contamination_varies_up_to_its_limit_and_is_not_labelled() -> None:
    rng = np.random.default_rng(1)
    shares = []
    for _ in range(60):
        batch = sample_meta_batch(numbered_categories(), rng, SMALL)
        dirty = batch.support[:, :, 0, 1] >= 8
        shares.extend(dirty.float().mean(1).tolist())
    limit = round(SMALL.max_contamination * SMALL.support_images) / SMALL.support_images
    assert min(shares) == 0
    assert max(shares) == pytest.approx(limit)


def test_query_is_half_anomalous_and_labels_fit_their_patches() -> None:
    batch = sample_meta_batch(numbered_categories(), np.random.default_rng(2), SMALL)
    assert torch.equal(batch.query_anomalous, batch.query[..., 3].bool())
    per_image = batch.query_anomalous.sum(-1)
    half = SMALL.query_images // 2
    assert ((per_image > 0).sum(-1) == half).all()
    # Four of twenty patches are anomalous: half of the six drawn are sure to be.
    assert per_image[per_image > 0].min() == 3
    for image in batch.query.flatten(0, 1):
        assert len(image[:, 2].unique()) == SMALL.patches_per_image


def test_same_seed_draws_the_same_tasks() -> None:
    one, two, other = (
        sample_meta_batch(numbered_categories(), np.random.default_rng(s), SMALL) for s in (5, 5, 6)
    )
    assert torch.equal(one.support, two.support) and torch.equal(one.query, two.query)
    assert not torch.equal(one.support, other.support)
