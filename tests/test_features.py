"""Backbone, pooling and standardisation: against another implementation and against loops."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from cozad_teach.backbones import load_backbone
from cozad_teach.errors import CozadError
from cozad_teach.features import (
    Backbone,
    extract_features,
    feature_moments,
    mean_pool,
    preprocess,
    standardise,
)
from cozad_teach.files.backbone_weights import packaged_weights, read_weights


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
    ours.load_state_dict(read_weights(name))
    images = torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        assert torch.equal(ours.eval()(images), theirs.eval()(images))


def test_features_are_those_of_the_whole_network(backbone: Backbone) -> None:
    """Cutting the network after its last level and pooling level by level changes no number."""
    whole = timm.create_model(
        "tf_efficientnet_lite0", pretrained=False, features_only=True, out_indices=(2, 3)
    )
    state = read_weights("tf_efficientnet_lite0")
    whole.load_state_dict({name: state[name] for name in whole.state_dict()})
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
        ({"strides": ()}, r"strides is \(\), it must be a list of 1 to 8"),
        ({"strides": (8.0, 16)}, r"strides\[0\] is 8.0, it must be a whole number"),
        ({"strides": 8}, "strides is 8, it must be a list"),
        ({"name": "hf-hub:timm/resnet18.a1_in1k"}, "'hf-hub:timm/resnet18.a1_in1k', it must be a"),
        ({"name": "local-dir:/tmp"}, "it must be a plain name of timm's"),
        ({"name": "timm/resnet18"}, "it must be a plain name of timm's"),
        ({"name": 5}, "the backbone is 5, it must be a plain name of timm's"),
        ({"name": "resnet18.no_such_tag"}, "gives no levels of features"),
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


def other_weights() -> dict[str, Any]:
    """Weights that fit, drawn at random."""
    return dict(timm.create_model("tf_efficientnet_lite0", pretrained=False).state_dict())


def change(**changes: Any) -> dict[str, Any]:
    """Weights of which the first tensor, or another, is changed."""
    state = other_weights()
    return state | {key.replace("__", "."): value for key, value in changes.items()}


KERNEL = torch.zeros(32, 3, 3, 3)  # conv_stem.weight
WEIGHTS: dict[str, tuple[Callable[[], Any], str]] = {
    "a list": (lambda: [KERNEL], "not a readable weights file"),
    "a number": (lambda: 5, "not a readable weights file"),
    "a tensor": (lambda: KERNEL, "not a readable weights file"),
    "nothing": (dict, "do not fit"),
    "values that are text": (lambda: dict.fromkeys(other_weights(), "x"), "do not fit"),
    "names that are numbers": (lambda: dict(enumerate(other_weights())), "do not fit"),
    "a network around them": (lambda: {"state_dict": other_weights()}, "do not fit"),
    "whole numbers": (lambda: change(conv_stem__weight=KERNEL.int()), "do not fit"),
    "truth values": (lambda: change(conv_stem__weight=KERNEL.bool()), "do not fit"),
    "complex numbers": (lambda: change(conv_stem__weight=KERNEL + 1j), "do not fit"),
    "a sparse tensor": (lambda: change(conv_stem__weight=KERNEL.to_sparse()), "do not fit"),
    "a tensor of no device": (lambda: change(conv_stem__weight=KERNEL.to("meta")), "do not fit"),
    "another shape": (lambda: change(conv_stem__weight=KERNEL[:1]), "do not fit"),
    "one number, expanded": (
        lambda: change(conv_stem__weight=torch.zeros(()).expand(2**20, 2**20, 2**10)),
        "do not fit",
    ),
    "NaN": (lambda: change(conv_stem__weight=KERNEL + torch.nan), "not finite"),
    "infinity": (lambda: change(bn1__running_var=torch.full((32,), torch.inf)), "not finite"),
    "code": (lambda: {"x": Dangerous()}, "not a readable weights file"),
}


class Dangerous:
    """Runs a command where pickle is not kept from it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch dangerous",)


@pytest.mark.parametrize("legacy", [False, True])
@pytest.mark.parametrize("kind", WEIGHTS)
def test_weights_that_are_none_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, legacy: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    make, words = WEIGHTS[kind]
    torch.save(make(), "weights.pth", _use_new_zipfile_serialization=not legacy)
    with pytest.raises(CozadError, match=rf"weights\.pth.*{words}|{words}.*weights\.pth") as caught:
        load_backbone(weights="weights.pth")
    assert str(caught.value).isprintable() and os.listdir() == ["weights.pth"]


def test_weights_of_half_precision_are_taken(tmp_path: Path) -> None:
    state = other_weights()
    half = {k: v.half() if v.is_floating_point() else v for k, v in state.items()}
    torch.save(half, tmp_path / "weights.pth")
    save_file(half, tmp_path / "weights.safetensors")
    digests = {
        load_backbone(weights=tmp_path / name).weights_digest
        for name in ("weights.pth", "weights.safetensors")
    }
    assert len(digests) == 1


def test_weights_that_unpack_to_more_than_the_file_are_refused(tmp_path: Path) -> None:
    torch.save({"x": torch.zeros(10_000_000)}, tmp_path / "whole.pth")
    with (
        zipfile.ZipFile(tmp_path / "whole.pth") as whole,
        zipfile.ZipFile(tmp_path / "packed.pth", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for name in whole.namelist():
            packed.writestr(name, whole.read(name))
    with pytest.raises(CozadError, match="not a readable weights file"):
        load_backbone(weights=tmp_path / "packed.pth")


def test_weights_that_are_no_file_are_refused(tmp_path: Path) -> None:
    """A pipe or a device would be read for ever."""
    os.mkfifo(tmp_path / "pipe.safetensors")
    (tmp_path / "zero.pth").symlink_to("/dev/zero")
    with (tmp_path / "huge.pth").open("wb") as file:
        file.truncate(2**40)  # takes no room on the disk
    for path in (tmp_path, *tmp_path.iterdir()):
        with pytest.raises(CozadError, match=r"there is no weights file .* \(.*check --weights"):
            load_backbone(weights=path)


def test_a_network_far_larger_than_the_weights_is_never_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A billion parameters: shapes are compared before any memory is taken."""
    create = timm.create_model

    def without_memory(*arguments: Any, **options: Any) -> Any:
        assert torch.empty(0).is_meta
        return create(*arguments, **options)

    monkeypatch.setattr(timm, "create_model", without_memory)
    with pytest.raises(CozadError, match="do not fit eva_giant_patch14_224"):
        weights = packaged_weights("tf_efficientnet_lite0")
        load_backbone("eva_giant_patch14_224", (14,), weights, blocks=(40,))


def test_no_image_is_an_error(backbone: Backbone) -> None:
    with pytest.raises(CozadError, match="no image"):
        extract_features(backbone, [], 64)
