"""Backbone, pooling and standardisation: against another implementation and against loops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from cozad_teach.errors import CozadError
from cozad_teach.features import (
    Backbone,
    extract_features,
    feature_moments,
    load_backbone,
    mean_pool,
    preprocess,
    standardise,
)
from cozad_teach.weights import load_weights, packaged_weights


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return load_backbone()


def some_images(n: int = 3, height: int = 70, width: int = 90) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (height, width, 3), dtype=np.uint8) for _ in range(n)]


@pytest.mark.parametrize(
    ("name", "height", "width"),
    [("tf_efficientnet_lite0", 160, 192), ("tf_efficientnet_lite1", 240, 240)],
)
def test_packaged_weights_give_the_logits_of_the_package_they_were_made_with(
    name: str, height: int, width: int
) -> None:
    """timm's network, loaded by order of tensors, against the weights' own implementation.

    That one fixes its padding for one input size per network; for lite0 it holds for any multiple
    of 32.
    """
    from efficientnet_lite_pytorch import EfficientNet

    theirs = EfficientNet.from_name(name.removeprefix("tf_").replace("_", "-"))
    theirs.load_state_dict(torch.load(packaged_weights(name), weights_only=True))
    ours = timm.create_model(name, pretrained=False)
    load_weights(ours, name)
    images = torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        assert torch.equal(ours.eval()(images), theirs.eval()(images))


def test_features_are_those_of_the_whole_network(backbone: Backbone) -> None:
    """Cutting the network after its last level and pooling level by level changes no number."""
    whole = timm.create_model(
        "tf_efficientnet_lite0", pretrained=False, features_only=True, out_indices=(2, 3)
    )
    load_weights(whole, "tf_efficientnet_lite0")
    images = torch.rand(2, 3, 96, 160)
    with torch.no_grad():
        fine, coarse = whole.eval()((images - 0.5) / 0.5)
        found = backbone(images)
    assert found.shape == (2, 12, 20, 152)
    assert torch.allclose(found[..., :40], mean_pool(fine).permute(0, 2, 3, 1), atol=1e-5)
    # A patch well inside a coarse cell's centre is interpolated from its four nearest cells.
    pooled = mean_pool(coarse)
    shares = torch.tensor([0.25, 0.75])
    expected = torch.einsum("i,j,ncij->nc", shares, shares, pooled[:, :, 1:3, 2:4])
    assert torch.allclose(found[:, 4, 6, 40:], expected, atol=1e-5)


def test_preprocess_scales_and_resizes_images_of_any_size() -> None:
    white = np.full((30, 50, 3), 255, np.uint8)
    black_red = np.zeros((64, 64, 3), np.uint8)
    black_red[..., 0] = 255
    found = preprocess([white, black_red], 64)
    assert found.shape == (2, 3, 64, 64)
    assert torch.equal(found[0], torch.ones(3, 64, 64))
    assert found[1].mean((1, 2)).tolist() == [1.0, 0.0, 0.0]


def test_batches_do_not_change_features(backbone: Backbone) -> None:
    images = some_images(5)
    together = extract_features(backbone, images, 64, batch_size=5)
    apart = extract_features(backbone, images, 64, batch_size=2)
    lazily = extract_features(backbone, [lambda i=i: images[i] for i in range(5)], 64, batch_size=2)
    assert together.shape == (5, 8, 8, 152)
    assert torch.allclose(together, apart, atol=1e-4)
    assert torch.equal(apart, lazily)


def test_backbone_has_no_gradients_and_stays_in_evaluation_mode(backbone: Backbone) -> None:
    assert not any(parameter.requires_grad for parameter in backbone.parameters())
    assert not any(module.training for module in backbone.modules())


def test_moments_equal_numpy_and_spare_constant_channels() -> None:
    features = np.random.default_rng(1).normal(3, 2, size=(2, 3, 4, 5))
    features[..., 2] = 7.0
    mean, std = feature_moments(torch.from_numpy(features))
    assert mean.numpy() == pytest.approx(features.mean(axis=(0, 1, 2)))
    expected = features.std(axis=(0, 1, 2))
    expected[2] = 1.0
    assert std.numpy() == pytest.approx(expected)
    scaled = standardise(torch.from_numpy(features), mean, std)
    assert scaled[..., 2].abs().max() < 1e-12
    assert scaled[..., :2].std(dim=(0, 1, 2), correction=0).tolist() == pytest.approx([1.0, 1.0])


def test_weights_digest_tells_other_weights_apart(backbone: Backbone, tmp_path: Path) -> None:
    state = timm.create_model("tf_efficientnet_lite0", pretrained=False).state_dict()
    save_file(state, tmp_path / "random.safetensors")
    other = load_backbone(weights=tmp_path / "random.safetensors")
    assert other.weights_digest != backbone.weights_digest
    assert load_backbone().weights_digest == backbone.weights_digest


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name": "resnet999"}, "unknown backbone"),
        ({"strides": (8, 12)}, "no level of stride 12"),
        ({"strides": (16, 8)}, "strides must rise"),
        ({"strides": ()}, "strides must rise"),
        ({"weights": "nowhere.pth"}, "no weights file"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict, words: str) -> None:
    with pytest.raises(CozadError, match=words):
        load_backbone(**arguments)


def test_weights_of_another_backbone_and_damaged_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CozadError, match="do not fit"):
        load_backbone("tf_efficientnet_lite0", weights=packaged_weights("tf_efficientnet_lite1"))
    damaged = tmp_path / "weights.pth"
    damaged.write_bytes(packaged_weights("tf_efficientnet_lite0").read_bytes()[:100_000])
    with pytest.raises(CozadError, match="not a readable weights file"):
        load_backbone(weights=damaged)


def test_no_image_is_an_error(backbone: Backbone) -> None:
    with pytest.raises(CozadError, match="no image"):
        extract_features(backbone, [], 64)
