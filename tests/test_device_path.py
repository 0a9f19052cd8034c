"""Where tensors are on a graphics card, tried without one: fake tensors have a device, no numbers.

Of two devices that meet in one operation they complain as real ones do.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from cozad_teach import adaptation
from cozad_teach.cozad import CoZAD
from cozad_teach.evaluation.baselines import training_free
from cozad_teach.evaluation.methods import Run
from cozad_teach.objectives import starting_point
from cozad_teach.settings import LITE
from cozad_teach.training.meta_training import MetaStep

CHANNELS, SIDE, SIZE, N_IMAGES = (4, 8), 12, 96, 3


class Crossings(TorchDispatchMode):
    """Notes how many numbers go to the card, and how many come back."""

    def __init__(self) -> None:
        super().__init__()
        self.there: list[int] = []
        self.back: list[int] = []

    def __torch_dispatch__(self, func: Any, _: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        result = func(*args, **kwargs)
        copied = func is torch.ops.aten._to_copy.default
        given = args[0] if args else kwargs.get("self")
        if copied and isinstance(given, Tensor) and given.device != result.device:
            (self.there if result.is_cuda else self.back).append(result.numel())
        return result


class Network(torch.nn.Module):
    """A backbone of no weights: any grid of features, on the device of its buffers."""

    level_channels, blocks, strides = CHANNELS, (), (8,)

    def __init__(self) -> None:
        super().__init__()
        self.network = torch.nn.Identity()
        self.network.pretrained_cfg = {"input_size": (3, SIZE, SIZE)}
        self.mean = torch.zeros(3, 1, 1, device="cuda")

    def forward(self, images: Tensor) -> Tensor:
        pooled = torch.nn.functional.avg_pool2d(images, 8)
        return pooled.repeat(1, sum(CHANNELS) // 3, 1, 1).permute(0, 2, 3, 1)


@pytest.fixture
def crossings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Crossings]:
    # What looks at numbers, of which there are none.
    monkeypatch.setattr(Tensor, "__bool__", lambda self: True, raising=False)
    monkeypatch.setattr(
        adaptation, "confidence_weights", lambda scores, *_: torch.ones_like(scores)
    )
    with FakeTensorMode(allow_non_fake_inputs=True), Crossings() as crossings:
        yield crossings


def model() -> CoZAD:
    n = sum(CHANNELS)
    return CoZAD(
        **{"settings": SETTINGS, "backbone": Network(), "parameters": starting_point(n, "cuda")},
        **{"feature_mean": torch.zeros(n), "feature_std": torch.ones(n), "prior": torch.eye(n)},
        **{"history": [MetaStep(0.0, 0.0, 0.1)], "seed": 0, "uses": (), "fit_seconds": 0.0},
        trained_on="a card",
    )


# Without the inner loop: gradients want a real card.
SETTINGS = dataclasses.replace(
    LITE, image_size=SIZE, strides=(8,), patches_per_image=8, inner_steps=0
)
IMAGES = [np.zeros((SIZE, SIZE, 3), np.uint8)] * N_IMAGES
N_PATCHES = N_IMAGES * SIDE**2


def test_images_travel_once_as_bytes_and_scores_come_back(crossings: Crossings) -> None:
    on_card = model()
    crossings.there.clear()
    features = on_card.features(IMAGES)
    assert features.device.type == "cuda" and features.shape == (N_IMAGES, SIDE, SIDE, 12)
    n_moments = len(on_card.feature_mean)
    assert crossings.there == [3 * N_IMAGES * SIZE**2, n_moments, n_moments]
    assert not crossings.back
    crossings.there.clear()
    scores = on_card.score(features, on_card.adapt(features), own=torch.arange(N_IMAGES))
    assert scores.device.type == "cpu" and crossings.back == [N_PATCHES]
    assert max(crossings.there) < features.numel()  # the prior, places and their noise


@pytest.mark.parametrize("method", ["cozad", "mahalanobis", "mahalanobis-unit"])
def test_methods_work_where_the_features_are(crossings: Crossings, method: str) -> None:
    on_card = model()
    features = on_card.features(IMAGES)
    crossings.there.clear()
    scores, _ = Run.of(method, "batch").score([on_card], [features])
    assert scores.device.type == "cpu" and crossings.back == [N_PATCHES]
    assert max(crossings.there, default=0) < features.numel()


def test_neighbours_in_an_image_are_sought_where_it_is(crossings: Crossings) -> None:
    features = model().features(IMAGES)
    scores = training_free.nearest_neighbour_scores(features, None, is_test=True)
    assert scores.device.type == "cuda" and not crossings.back


def test_devices_that_meet_are_noticed(crossings: Crossings) -> None:
    on_card = model()
    features = on_card.features(IMAGES)
    with pytest.raises(RuntimeError, match="device"):
        features + torch.zeros(12)
