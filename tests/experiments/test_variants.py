"""Each variant of the ablation does what its name says, at toy size."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch

from cozad_book.experiments.variants import (
    AUXILIARY_VARIANTS,
    BACKBONE_VARIANTS,
    SCALE_VARIANTS,
    VARIANTS,
)
from cozad_teach import adaptation
from cozad_teach.contrastive import embed
from cozad_teach.cozad import CoZAD
from cozad_teach.data.drawn.textures import AUXILIARY_CATEGORIES, UNSEEN_CATEGORIES, draw_category
from cozad_teach.errors import CozadError
from cozad_teach.features import extract_features, unit_length
from cozad_teach.models.train import fit
from cozad_teach.nearest import nearest_distances
from cozad_teach.settings import LITE

TINY = dataclasses.replace(LITE, image_size=64, meta_steps=6, patches_per_image=16)
# What stays as it is in TINY where a variant has all settings of its own.
SIZES = ("image_size", "patches_per_image", "images_per_category", "support_images", "query_images")


def fitted(trained: CoZAD, **changes: Any) -> CoZAD:
    auxiliary = [draw_category(name, 8, 4, 0, (64, 64)) for name in AUXILIARY_CATEGORIES[:5]]
    settings = dataclasses.replace(TINY, **changes)
    return fit(trained.backbone, auxiliary, settings, seed=3)


@pytest.fixture(scope="module")
def base(trained: CoZAD) -> CoZAD:
    return fitted(trained)


@pytest.fixture(scope="module")
def features(base: CoZAD) -> torch.Tensor:
    return base.features(list(draw_category(UNSEEN_CATEGORIES[0], 4, 2, 0, (64, 64)).images))


def batch_scores(model: CoZAD, features: torch.Tensor) -> torch.Tensor:
    return model.score(features, model.adapt(features), own=torch.arange(len(features)))


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in VARIANTS
        if name not in {**AUXILIARY_VARIANTS, **SCALE_VARIANTS, **BACKBONE_VARIANTS}
    ],
)
def test_every_variant_trains_scores_and_changes_the_scores(
    trained: CoZAD, base: CoZAD, features: torch.Tensor, name: str
) -> None:
    variant = VARIANTS[name]
    if variant.retrain:
        changes = {k: v for k, v in variant.changes.items() if k not in SIZES}
        # Another number of steps is enough of a change: two hundred prove no more.
        if "meta_steps" in changes:
            changes["meta_steps"] = TINY.meta_steps + 1
        model = fitted(trained, **changes)
    else:
        model = dataclasses.replace(base, settings=dataclasses.replace(TINY, **variant.changes))
    found = batch_scores(model, features)
    assert found.shape == features.shape[:3]
    single = model.score_singly(features)
    assert torch.isfinite(found).all() and torch.isfinite(single).all()
    concerns_single = any(setting.startswith("single_") for setting in variant.changes)
    before = base.score_singly(features) if concerns_single else batch_scores(base, features)
    assert not torch.equal(single if concerns_single else found, before)


def test_untrained_is_the_identity(trained: CoZAD, base: CoZAD) -> None:
    untrained = fitted(trained, **VARIANTS["untrained"].changes)
    assert untrained.parameters["head"].abs().max() == 0
    assert base.parameters["head"].abs().max() > 0
    assert torch.equal(untrained.prior, base.prior)


def test_adaptation_steps_move_away_from_the_starting_point(
    base: CoZAD, features: torch.Tensor
) -> None:
    moved = []
    for steps in (0, 1, 3, 10):
        settings = dataclasses.replace(TINY, inner_steps=steps)
        adapted = dataclasses.replace(base, settings=settings).adapt(features)
        moved.append(float((adapted.parameters["head"] - base.parameters["head"]).norm()))
    assert moved[0] == 0
    assert moved == sorted(moved)


def test_nearest_patches_come_from_other_images(base: CoZAD, features: torch.Tensor) -> None:
    model = dataclasses.replace(base, settings=dataclasses.replace(TINY, score="knn"))
    adapted = model.adapt(features)
    assert model.score(features, adapted).max() < 0.05  # each patch finds itself
    assert batch_scores(model, features).min() > 0.05
    with pytest.raises(CozadError, match="bring two or more"):
        batch_scores(model, features[:1])


def test_of_many_support_patches_some_are_sought_among(
    base: CoZAD, features: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adaptation, "BANK_SIZE", 30)
    model = dataclasses.replace(base, settings=dataclasses.replace(TINY, score="knn"))
    adapted = model.adapt(features)
    n_images, n_patches = adapted.weights.shape
    assert adapted.bank.shape == (30, features.shape[-1]) and n_images * n_patches > 30
    assert len(set(adapted.bank_places.tolist())) == 30
    flat = unit_length(features.flatten(0, 2), base.backbone.level_channels)
    everything = embed(flat, adapted.parameters["head"])
    assert torch.allclose(adapted.bank, everything[adapted.bank_places], atol=1e-5)
    # Only some patches can find themselves, and only where their own image is not left out.
    assert (model.score(features, adapted) < 0.05).sum() == 30
    itself = adapted.bank_places // n_patches
    for i, found in enumerate(batch_scores(model, features)):
        others = itself != i
        expected = nearest_distances(
            everything.reshape(n_images, n_patches, -1)[i],
            adapted.bank[others],
            adapted.weights.flatten()[adapted.bank_places][others],
            adapted.covariance,
        )
        assert torch.allclose(found.flatten(), expected, atol=1e-3)


def test_precision_is_that_of_the_backbone_alone(trained: CoZAD, base: CoZAD) -> None:
    """In bfloat16 the backbone rounds to three digits; what comes after it is float32."""
    images = list(draw_category(UNSEEN_CATEGORIES[0], 2, 1, 0, (64, 64)).images)
    rough = dataclasses.replace(base, settings=dataclasses.replace(TINY, precision="bfloat16"))
    found, exact = rough.features(images), base.features(images)
    assert found.dtype == exact.dtype == torch.float32
    assert not torch.equal(found, exact)
    agreement = torch.nn.functional.cosine_similarity(found, exact, dim=-1)
    assert agreement.min() > 0.9 and agreement.mean() > 0.99
    assert batch_scores(rough, found).dtype == torch.float32
    with pytest.raises(CozadError, match="unknown precision 'half': choose float32 or bfloat16"):
        extract_features(base.backbone, images, 64, "half")
