"""The assembled method: what it learns, what it ignores, and that runs repeat."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from cozad_teach import cozad, settings
from cozad_teach.contrastive import embed
from cozad_teach.cozad import CoZAD
from cozad_teach.data import parallel
from cozad_teach.data.drawn.textures import (
    AUXILIARY_CATEGORIES,
    UNSEEN_CATEGORIES,
    TextureSet,
    draw_category,
)
from cozad_teach.data.identity.fingerprints import image_hash
from cozad_teach.errors import CozadError
from cozad_teach.evaluation.metrics import image_auroc, pixel_auroc
from cozad_teach.features import Backbone, unit_length
from cozad_teach.models import train as train_module
from cozad_teach.models.train import fit, train
from cozad_teach.nearest import SCORES, neighbourhood, patch_distances
from cozad_teach.scoring import image_scores, pixel_maps
from cozad_teach.settings import FULL, LITE, PAPER, PHOTOGRAPHS

TINY = dataclasses.replace(LITE, image_size=64, meta_steps=3, patches_per_image=16)


@pytest.fixture(scope="module")
def tiny(trained: CoZAD) -> CoZAD:
    auxiliary = [draw_category(name, 8, 4, 0, (64, 64)) for name in AUXILIARY_CATEGORIES[:5]]
    return fit(trained.backbone, auxiliary, TINY, seed=3)


@pytest.fixture(scope="module")
def unseen(trained: CoZAD) -> dict[str, tuple]:
    size = (trained.settings.image_size,) * 2
    sets = {name: draw_category(name, 7, 4, 7, size) for name in UNSEEN_CATEGORIES}
    return {name: (trained.features(list(s.images)), s) for name, s in sets.items()}


def test_training_lowers_the_query_loss(lite: CoZAD) -> None:
    losses = [step.query_loss for step in lite.history]
    assert np.mean(losses[-20:]) < np.mean(losses[:20])
    assert all(LITE.base_decay <= s.decay <= 1.5 * LITE.base_decay for s in lite.history)
    assert lite.parameters["head"].abs().max() > 0


def test_defects_in_categories_never_seen_are_found(lite: CoZAD) -> None:
    """Chance is 0.5: a thin training run must be clearly above it, in images and in pixels."""
    of_images, of_pixels = [], []
    size = (lite.settings.image_size,) * 2
    for name in UNSEEN_CATEGORIES:
        drawn = draw_category(name, 7, 4, 7, size)
        features = lite.features(list(drawn.images))
        scores = lite.score(features, lite.adapt(features))
        labels = [defect != "good" for defect in drawn.defects]
        of_images.append(image_auroc(image_scores(scores.flatten(1)).numpy(), labels))
        maps = pixel_maps(scores, [drawn.masks.shape[1:]] * len(scores))
        of_pixels.append(pixel_auroc(maps, list(drawn.masks)))
    assert np.mean(of_images) > 0.75
    assert np.mean(of_pixels) > 0.85


def test_order_of_the_support_leaves_no_trace(trained: CoZAD, unseen: dict) -> None:
    features = next(iter(unseen.values()))[0]
    order = torch.tensor([3, 0, 10, 7, 1, 2, 9, 4, 8, 6, 5])
    straight, turned = trained.adapt(features), trained.adapt(features[order])
    assert torch.allclose(straight.weights[order], turned.weights, atol=1e-4)
    there, back = trained.score(features, straight), trained.score(features, turned)
    assert torch.allclose(there, back, rtol=1e-2, atol=1e-2)


def test_single_protocol_scores_each_image_alone(trained: CoZAD, unseen: dict) -> None:
    features = next(iter(unseen.values()))[0]
    together = trained.score_singly(features)
    alone = torch.cat([trained.score_singly(features[i : i + 1]) for i in (0, 4)])
    assert together.shape == features.shape[:3]
    assert torch.allclose(together[[0, 4]], alone, rtol=1e-3, atol=1e-3)


def test_large_grids_are_scored_in_smaller_chunks_to_the_same_end(
    tiny: CoZAD, unseen: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    features = next(iter(unseen.values()))[0][:3, :9, :10]
    together = tiny.score_singly(features)
    monkeypatch.setattr(cozad, "CHUNK_PAIRS", 1)
    assert torch.allclose(tiny.score_singly(features), together, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("weights", ["none", "soft"])
@pytest.mark.parametrize("kind", SCORES)
def test_single_protocol_is_adaptation_to_a_support_of_one(
    trained: CoZAD, unseen: dict, weights: str, kind: str
) -> None:
    image = next(iter(unseen.values()))[0][2:3]
    changed = dataclasses.replace(trained.settings, weights=weights, by_place=False)
    adapted = dataclasses.replace(trained, settings=changed).adapt(image)
    assert adapted.weights.shape == (1, image.shape[1] * image.shape[2])
    assert (adapted.weights.min() == 1) == (weights == "none")
    near = neighbourhood(*image.shape[1:3])[:, adapted.bank_places]
    flat = unit_length(image[0].flatten(0, 1), trained.backbone.level_channels)
    by_hand = patch_distances(
        embed(flat, adapted.parameters["head"]),
        *(adapted.mean, adapted.covariance, adapted.bank),
        *(adapted.weights[0][adapted.bank_places], near),
        kind=kind,
    )
    changed = dataclasses.replace(trained.settings, single_weights=weights, single_score=kind)
    found = dataclasses.replace(trained, settings=changed).score_singly(image)
    assert torch.allclose(found.flatten(), by_hand, rtol=1e-3, atol=1e-3)


def test_a_support_that_is_known_to_be_normal_is_not_doubted(trained: CoZAD, unseen: dict) -> None:
    """Nothing else changes: means by place and the inner loop are those of a batch."""
    support = next(iter(unseen.values()))[0][:3]
    found = trained.adapt(support, normal=True)
    assert (found.weights == 1).all() and (trained.adapt(support).weights < 1).any()
    equal = dataclasses.replace(trained.settings, weights="none")
    expected = dataclasses.replace(trained, settings=equal).adapt(support)
    assert torch.equal(found.mean, expected.mean)
    assert torch.equal(found.covariance, expected.covariance)


def test_same_seed_gives_the_same_model_to_the_last_bit(tiny: CoZAD) -> None:
    auxiliary = [draw_category(name, 8, 4, 0, (64, 64)) for name in AUXILIARY_CATEGORIES[:5]]
    again = fit(tiny.backbone, auxiliary, TINY, seed=3)
    other = fit(tiny.backbone, auxiliary, TINY, seed=4)
    assert all(torch.equal(again.parameters[k], v) for k, v in tiny.parameters.items())
    assert not torch.equal(other.parameters["head"], tiny.parameters["head"])


@pytest.fixture(scope="module")
def on_threads(tiny: CoZAD) -> Callable[[int], torch.Tensor]:
    """Give what is computed on a number of threads, once for all tests."""
    return functools.cache(functools.partial(scores_from_images, tiny.backbone))


def scores_from_images(backbone: Backbone, threads: int) -> torch.Tensor:
    """Train, adapt and score, all from images, with a number of threads."""
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        auxiliary = [draw_category(name, 8, 4, 0, (64, 64)) for name in AUXILIARY_CATEGORIES[:5]]
        model = fit(backbone, auxiliary, TINY, seed=3)
        features = model.features(list(draw_category(UNSEEN_CATEGORIES[0], 4, 2, 0).images))
        together = model.score(features, model.adapt(features))
        return torch.stack([together, model.score_singly(features)])
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("threads", [1, 2])
def test_scores_repeat_to_the_last_bit(
    tiny: CoZAD, on_threads: Callable[[int], torch.Tensor], threads: int
) -> None:
    assert torch.equal(on_threads(threads), scores_from_images(tiny.backbone, threads))


def test_scores_hardly_depend_on_the_number_of_threads(
    on_threads: Callable[[int], torch.Tensor],
) -> None:
    """Sums come in another order on more threads; distances are near 1."""
    for threads in (2, 3):
        assert torch.allclose(on_threads(threads), on_threads(1), atol=1e-5, rtol=1e-5)


def test_every_training_image_is_on_record(tiny: CoZAD) -> None:
    drawn = draw_category(AUXILIARY_CATEGORIES[2], 8, 4, 0, (64, 64))
    assert [(use.purpose, use.labels) for use in tiny.uses] == [
        ("weights", True),
        ("statistics", True),
    ]
    for use in tiny.uses:
        assert len(use.images) == 5 * 12
        assert {image_hash(image) for image in drawn.images} <= set(use.images.hashes)


def test_categories_too_small_for_a_task_are_refused(tiny: CoZAD) -> None:
    auxiliary = [draw_category(AUXILIARY_CATEGORIES[0], 4, 1, 0, (64, 64))]
    with pytest.raises(CozadError, match="too small"):
        fit(tiny.backbone, auxiliary, TINY)


def test_a_loss_that_is_not_finite_stops_the_training(tiny: CoZAD) -> None:
    """At the first step too, before the history of losses has any."""
    auxiliary = [draw_category(AUXILIARY_CATEGORIES[0], 8, 4, 0, (64, 64))]
    wild = dataclasses.replace(TINY, inner_learning_rate=1e30, meta_steps=1)
    with pytest.raises(CozadError, match="not finite"):
        fit(tiny.backbone, auxiliary, wild)


def test_train_draws_the_auxiliary_categories() -> None:
    model = train(dataclasses.replace(TINY, meta_steps=1), seed=1)
    assert len(model.uses[0].images) == len(AUXILIARY_CATEGORIES) * TINY.images_per_category


@pytest.mark.slow
def test_many_large_images_are_drawn_in_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_module, "AUXILIARY_CATEGORIES", AUXILIARY_CATEGORIES[:2])
    one_by_one = train_module._drawn(TINY, 1, progress=False)
    shared = []

    def in_processes(*arguments: Any, **options: Any) -> list[TextureSet]:
        shared.append(arguments)
        return parallel.in_processes(*arguments, **options)

    monkeypatch.setattr(train_module, "in_processes", in_processes)
    monkeypatch.setattr(train_module, "_PIXELS_OF_SECONDS", 0)
    for one, other in zip(one_by_one, train_module._drawn(TINY, 1, progress=False), strict=True):
        assert np.array_equal(one.images, other.images) and np.array_equal(one.masks, other.masks)
    assert len(shared) == 1


def test_lite_and_full_differ_by_values_only() -> None:
    assert type(LITE) is type(FULL)
    assert settings.SETTINGS == {
        "lite": LITE,
        "full": FULL,
        "photographs": PHOTOGRAPHS,
        "paper": PAPER,
    }
