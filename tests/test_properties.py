"""What must hold of adaptation and scores whatever the support is."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from cozad_teach.cozad import CoZAD
from cozad_teach.errors import CozadError
from cozad_teach.objectives import starting_point
from cozad_teach.scoring import image_scores
from cozad_teach.settings import LITE
from cozad_teach.training.meta_training import MetaStep

LEVELS, HEIGHT, WIDTH = (4, 8), 4, 6
CHANNELS = sum(LEVELS)
SETTINGS = dataclasses.replace(LITE, patches_per_image=HEIGHT * WIDTH)
seeds = st.integers(0, 2**32 - 1)
quick = settings(max_examples=25, deadline=None)


def detector(**changes: Any) -> CoZAD:
    """A model whose parameters are drawn: what holds must hold before and after training."""
    theta = starting_point(CHANNELS)
    source = torch.Generator().manual_seed(0)
    theta["head"] = 0.05 * torch.randn(CHANNELS, CHANNELS, generator=source)
    backbone: Any = SimpleNamespace(
        mean=torch.zeros(3, 1, 1), channels=CHANNELS, level_channels=LEVELS
    )
    return CoZAD(
        settings=dataclasses.replace(SETTINGS, **changes),
        backbone=backbone,
        feature_mean=torch.zeros(CHANNELS),
        feature_std=torch.ones(CHANNELS),
        prior=torch.eye(CHANNELS),
        parameters=theta,
        history=[MetaStep(1.0, 1.0, 0.005)],
        seed=0,
        uses=(),
        fit_seconds=0.0,
        trained_on="nothing",
    )


def images(seed: int, n_normal: int, n_anomalous: int) -> tuple[Tensor, np.ndarray]:
    """Draw features; each anomalous image has a 2×2 defect, far off in its own direction.

    Normal patches point about one way. A defect turns them, and does not only make them longer,
    which no score of directions can see.
    """
    rng = np.random.default_rng(seed)
    n = n_normal + n_anomalous
    drawn = rng.normal(size=(n, HEIGHT, WIDTH, CHANNELS)) * np.tile([0.5, 1, 0.5, 0.8], 3) + 4
    for i in range(n_normal, n):
        row, column = rng.integers(HEIGHT - 1), rng.integers(WIDTH - 1)
        parts = (rng.normal(size=size) for size in LEVELS)
        away = np.concatenate([part - part.mean() for part in parts])
        drawn[i, row : row + 2, column : column + 2] += 15 * away / np.linalg.norm(away)
    return torch.from_numpy(drawn).float(), np.arange(n) >= n_normal


def scored(model: CoZAD, support: Tensor) -> tuple[Tensor, Tensor]:
    adapted = model.adapt(support)
    return model.score(support, adapted), adapted.weights


@quick
@given(seeds, st.integers(1, 7), st.integers(0, 5))
def test_order_of_images_does_not_matter(seed: int, n_normal: int, n_anomalous: int) -> None:
    model = detector()
    support, _ = images(seed, n_normal, n_anomalous)
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(support)))
    scores, weights = scored(model, support)
    turned, turned_weights = scored(model, support[order])
    assert torch.allclose(scores[order], turned, rtol=1e-3, atol=1e-3)
    assert torch.allclose(weights[order], turned_weights, atol=1e-3)


@quick
@given(seeds, st.integers(1, 7), st.integers(0, 5))
def test_order_of_patches_does_not_matter_to_statistics_and_image_scores(
    seed: int, n_normal: int, n_anomalous: int
) -> None:
    """Without the inner loop, whose noise differs from place to place."""
    model = detector(inner_steps=0)
    support, _ = images(seed, n_normal, n_anomalous)
    order = torch.from_numpy(np.random.default_rng(seed).permutation(HEIGHT * WIDTH))
    turned = support.flatten(1, 2)[:, order].reshape(support.shape)
    scores, weights = scored(model, support)
    again, again_weights = scored(model, turned)
    assert torch.allclose(scores.flatten(1)[:, order], again.flatten(1), rtol=1e-3, atol=1e-3)
    assert torch.allclose(weights.mean(), again_weights.mean(), atol=1e-3)
    of_images = image_scores(scores.flatten(1)), image_scores(again.flatten(1))
    assert torch.allclose(*of_images, rtol=1e-3, atol=1e-3)


@quick
@given(seeds, st.integers(1, 6), st.integers(0, 4), st.integers(2, 4))
def test_a_support_that_is_repeated_changes_nothing(
    seed: int, n_normal: int, n_anomalous: int, times: int
) -> None:
    """Without the prior, which counts for less beside more patches, and without weights.

    Quartiles interpolate between neighbours, so that thresholds of few patches may shift. How far
    places differ is surer with more images, so one mean is taken.
    """
    model = detector(prior_images=0.0, weights="none", by_place=False)
    support, _ = images(seed, n_normal, n_anomalous)
    once, again = model.adapt(support), model.adapt(support.repeat(times, 1, 1, 1))
    a, b = model.score(support, once), model.score(support, again)
    assert torch.allclose(a, b, rtol=1e-3, atol=1e-3)


@quick
@given(seeds, st.integers(1, 6), st.floats(0.1, 50))
def test_a_common_scale_of_all_features_does_not_matter(
    seed: int, n_normal: int, scale: float
) -> None:
    """Without the inner loop, whose noise has a size of its own."""
    model = detector(inner_steps=0)
    support, _ = images(seed, n_normal, 2)
    scores, weights = scored(model, support)
    scaled, scaled_weights = scored(model, scale * support)
    assert torch.allclose(scores, scaled, rtol=1e-2, atol=1e-3)
    assert torch.allclose(weights, scaled_weights, atol=1e-2)


@quick
@given(seeds, st.integers(0, 8), st.integers(0, 8))
def test_scores_and_weights_of_any_support_are_usable(
    seed: int, n_normal: int, n_anomalous: int
) -> None:
    """All normal, all anomalous, one image, many: finite, in range, and no image without a say."""
    if n_normal + n_anomalous == 0:
        n_normal = 1
    support, _ = images(seed, n_normal, n_anomalous)
    scores, weights = scored(detector(), support)
    assert torch.isfinite(scores).all() and (scores >= 0).all()
    assert ((weights > 0) & (weights <= 1)).all()
    single = detector().score_singly(support)
    assert torch.isfinite(single).all() and (single >= 0).all()


@quick
@given(seeds, st.integers(1, 5))
def test_equal_images_get_equal_scores_and_weights(seed: int, times: int) -> None:
    support, _ = images(seed, 4, 1)
    support = torch.cat([support, support[:1].expand(times, -1, -1, -1)])
    scores, weights = scored(detector(), support)
    for i in range(5, 5 + times):
        assert torch.allclose(scores[0], scores[i], rtol=1e-4, atol=1e-5)
        assert torch.allclose(weights[0], weights[i], atol=1e-5)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.3, 0.5, 0.7, 0.9])
def test_defects_are_found_at_any_contamination(share: float) -> None:
    """Planted defects, each in a direction of its own, in a support of which a share has one."""
    model = detector()
    for seed in range(5):
        n_anomalous = round(20 * share)
        support, anomalous = images(seed, 20 - n_anomalous, n_anomalous)
        scores, weights = scored(model, support)
        of_images = image_scores(scores.flatten(1)).numpy()
        assert np.isfinite(of_images).all()
        if n_anomalous > 0:
            assert of_images[anomalous].min() > of_images[~anomalous].max()
            by_image = weights.reshape(20, -1).mean(1).numpy()
            assert by_image[anomalous].mean() <= by_image[~anomalous].mean()


def test_a_grid_of_neighbours_only_is_refused() -> None:
    support = images(0, 2, 0)[0][:, :, :5]
    with pytest.raises(CozadError, match="raise image_size"):
        detector().score_singly(support)
    assert torch.isfinite(detector(single_score="gaussian").score_singly(support)).all()


@pytest.mark.parametrize("changes", [{}, {"weights": "none"}, {"passes": 0}])
def test_features_that_are_not_finite_are_refused(changes: dict) -> None:
    support, _ = images(0, 3, 1)
    model = detector(**changes)
    adapted = model.adapt(support)
    support[1, 2, 3, 4] = torch.nan
    with pytest.raises(CozadError, match="feature is not finite"):
        model.adapt(support)
    with pytest.raises(CozadError, match="feature is not finite"):
        model.score(support, adapted)
