"""Adaptation to several supports at once, repeated weighing, and the auxiliary features."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from cozad_teach.adaptation import adapt_supports, support_weights
from cozad_teach.confidence import confidence_weights
from cozad_teach.cozad import CoZAD
from cozad_teach.data.drawn.textures import AUXILIARY_CATEGORIES, draw_category
from cozad_teach.objectives import starting_point
from cozad_teach.scoring import gaussian_statistics, mahalanobis
from cozad_teach.settings import LITE
from cozad_teach.training.auxiliary import prepare_auxiliary

SMALL = dataclasses.replace(LITE, patches_per_image=5, inner_learning_rate=0.3)


def supports(seed: int, *shape: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape)) + 2


def prior(d: int) -> torch.Tensor:
    root = torch.from_numpy(np.random.default_rng(9).normal(size=(d, d)))
    return root @ root.T / d + 0.1 * torch.eye(d)


@pytest.mark.parametrize("by_place", [False, True])
def test_several_supports_at_once_equal_each_alone(double: None, by_place: bool) -> None:
    theta, many = starting_point(4), supports(0, 3, 2, 7, 4)
    together = adapt_supports(theta, many, prior(4), 0.1, SMALL, seed=5, by_place=by_place)
    assert not torch.allclose(together.parameters["head"][0], together.parameters["head"][1])
    for i in range(3):
        options = {"seed": 5, "by_place": by_place}
        alone = adapt_supports(theta, many[i : i + 1], prior(4), 0.1, SMALL, **options)
        for name, value in together.parameters.items():
            assert torch.allclose(value[i], alone.parameters[name][0], atol=1e-9), name
        for name in ("embeddings", "weights", "mean", "covariance"):
            assert torch.allclose(getattr(together, name)[i], getattr(alone, name)[0], atol=1e-9)


@pytest.mark.parametrize("passes", [0, 1, 2, 5])
def test_patches_are_weighed_as_often_as_the_settings_say(double: None, passes: int) -> None:
    embeddings, s0 = supports(1, 1, 6, 8, 3), prior(3)
    settings = dataclasses.replace(SMALL, passes=passes)
    expected = torch.ones(6, 8)
    for _ in range(passes):
        statistics = gaussian_statistics(
            embeddings[0], expected, LITE.shrinkage, prior=s0, prior_images=LITE.prior_images
        )
        scores = mahalanobis(embeddings[0], *statistics).flatten()
        expected = confidence_weights(scores, LITE.gamma, LITE.sharpness).reshape(6, 8)
    assert torch.allclose(support_weights(embeddings, s0[None], settings)[0], expected)
    if passes:
        assert 0 < expected.min() < expected.max() == 1


@pytest.mark.parametrize("passes", [1, 3])
def test_images_are_weighed_as_a_whole(double: None, passes: int) -> None:
    """By a slow loop: the image score of each image, and one weight for all of its patches."""
    embeddings, s0 = supports(1, 1, 6, 8, 3), prior(3)
    embeddings[0, 4, 2] += 9
    changes = {"weighed": "images", "gamma": 0.5, "sharpness": 1.0, "top_share": 0.3}
    settings = dataclasses.replace(SMALL, passes=passes, **changes)
    expected = torch.ones(6, 8)
    for _ in range(passes):
        statistics = gaussian_statistics(
            embeddings[0], expected, LITE.shrinkage, prior=s0, prior_images=LITE.prior_images
        )
        scores = mahalanobis(embeddings[0], *statistics)
        of_images = [sum(sorted(row.tolist())[-3:]) / 3 for row in scores]  # of 2.4 patches
        low, high = np.quantile(of_images, [0.25, 0.75])
        limit = high + 0.5 * (high - low)
        weights = [min(1.0, limit / score) for score in of_images]
        expected = torch.tensor(weights)[:, None].expand(6, 8)
    found = support_weights(embeddings, s0[None], settings)[0]
    assert torch.allclose(found, expected.to(found.dtype))
    assert found[4].max() < 0.9 and (found == found[:, :1]).all()


def test_auxiliary_features_are_what_training_wants(trained: CoZAD) -> None:
    settings = dataclasses.replace(LITE, image_size=64)
    drawn = [draw_category(name, 3, 2, 0, (64, 64)) for name in AUXILIARY_CATEGORIES[:2]]
    found = prepare_auxiliary(trained.backbone, drawn, settings)
    levels = trained.backbone.level_channels
    for category, images in zip(found.categories, drawn, strict=True):
        assert category.features.shape == (5, 64, sum(levels))
        for level in category.features.split(list(levels), dim=-1):
            assert torch.allclose(level.square().mean(-1), torch.ones(5, 64), atol=1e-4)
        touched = torch.from_numpy(images.masks).unfold(1, 8, 8).unfold(2, 8, 8)
        assert torch.equal(category.anomalous, touched.flatten(3).any(-1).flatten(1))
    assert len(found.mean) == len(found.std) == sum(levels)
    normal = [c.features[~c.anomalous.any(-1)].flatten(0, 1).numpy() for c in found.categories]
    expected = np.mean([np.cov(x, rowvar=False, ddof=0) for x in normal], axis=0)
    assert np.allclose(found.prior.numpy(), expected, atol=1e-3)
    assert len(found.images.hashes) == 10
