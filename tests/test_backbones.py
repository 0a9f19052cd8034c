"""Any network of timm's as a backbone: levels by stride or by block, against timm's own forward."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from cozad_teach.backbones import backbone_settings, load_backbone
from cozad_teach.cli.main import main
from cozad_teach.errors import CozadError
from cozad_teach.features import Backbone, extract_features, mean_pool
from cozad_teach.files.values import Wrong
from cozad_teach.models.saved import load_model, save_model
from cozad_teach.models.train import train
from cozad_teach.settings import LITE, Settings


def random_weights(name: str, folder: Path) -> tuple[Any, Path]:
    """The whole network with random weights, and a file of them."""
    torch.manual_seed(0)
    whole = timm.create_model(name, pretrained=False).eval()
    path = folder / f"{name}.safetensors"
    save_file({key: value.contiguous() for key, value in whole.state_dict().items()}, path)
    return whole, path


def pictures(n: int, size: int) -> torch.Tensor:
    return torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(1))


def scaled(backbone: Backbone, images: torch.Tensor) -> torch.Tensor:
    return (images - backbone.mean) / backbone.std


@pytest.mark.parametrize(
    ("name", "stride"), [("vit_small_patch14_dinov2", 14), ("vit_small_patch16_dinov3", 16)]
)
@torch.no_grad()
def test_grids_of_a_transformer_are_those_of_timm(name: str, stride: int, tmp_path: Path) -> None:
    _, path = random_weights(name, tmp_path)
    whole = timm.create_model(
        name, pretrained=False, dynamic_img_size=True, checkpoint_path=str(path)
    ).eval()
    backbone = load_backbone(name, (stride,), path, blocks=(3, 12))
    assert backbone.level_channels == (384, 384) and backbone.blocks == (3, 12)
    images = pictures(2, 224)
    found = backbone(images)
    assert found.shape == (2, 224 // stride, 224 // stride, 768)
    levels = whole.forward_intermediates(
        scaled(backbone, images), indices=[2, 11], intermediates_only=True
    )
    expected = torch.cat([mean_pool(level) for level in levels], 1).permute(0, 2, 3, 1)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)
    # The last block is what the whole network normalises and makes its logits of.
    patches = whole.forward_features(scaled(backbone, images))[:, whole.num_prefix_tokens :]
    own = backbone.network(scaled(backbone, images))[-1].flatten(2).mT
    torch.testing.assert_close(whole.norm(own), patches, rtol=1e-3, atol=1e-3)
    logits = whole.forward_head(whole.forward_features(scaled(backbone, images)))
    torch.testing.assert_close(logits, whole(scaled(backbone, images)))


def test_a_transformer_is_cut_behind_its_last_block(tmp_path: Path) -> None:
    _, path = random_weights("vit_tiny_patch16_224", tmp_path)
    few, all_blocks = (
        load_backbone("vit_tiny_patch16_224", (16,), path, blocks=blocks)
        for blocks in ((2,), (12,))
    )
    n_few, n_all = (sum(p.numel() for p in b.parameters()) for b in (few, all_blocks))
    assert n_few < n_all / 3


@pytest.mark.parametrize("name", ["resnet18", "convnext_atto", "swin_tiny_patch4_window7_224"])
@torch.no_grad()
def test_levels_by_stride_are_those_of_timm(name: str, tmp_path: Path) -> None:
    """Channels may come first or last."""
    whole, path = random_weights(name, tmp_path)
    backbone = load_backbone(name, (8, 16), path)
    images = pictures(1, 224)
    found = backbone(images)
    assert found.shape == (1, 28, 28, sum(backbone.level_channels))
    stages = whole.forward_intermediates(scaled(backbone, images), intermediates_only=True)
    (first,) = (stage for stage in stages if stage.shape[-1] == 28)
    assert first.shape[1] == backbone.level_channels[0]
    expected = mean_pool(first).permute(0, 2, 3, 1)
    torch.testing.assert_close(found[..., : first.shape[1]], expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("vit_small_patch14_dinov2", (14,)), "has 12 blocks of stride 14: choose levels from 1"),
        (("vit_small_patch14_dinov2", (8, 16)), "has 12 blocks of stride 14"),
        (("vit_small_patch14_dinov2", (14,), (0,)), "choose levels from 1 to 12"),
        (("vit_small_patch14_dinov2", (14,), (6, 13)), "choose levels from 1 to 12"),
        (("tf_efficientnet_lite0", (8, 16), (2,)), "are strides: choose from"),
        (("tf_efficientnet_lite0", (8, 64)), "no level of stride 64"),
    ],
)
def test_levels_that_are_not_there_are_refused(arguments: tuple[Any, ...], words: str) -> None:
    name, strides, blocks = (*arguments, ())[:3]
    with pytest.raises(CozadError, match=words):
        load_backbone(name, strides, blocks=blocks)


def test_settings_take_strides_or_blocks() -> None:
    plain = backbone_settings(LITE, "resnet18")
    assert (plain.backbone, plain.strides, plain.blocks) == ("resnet18", (8, 16), ())
    assert backbone_settings(LITE, "resnet18", [4, 8]).strides == (4, 8)
    transformer = backbone_settings(LITE, "vit_small_patch14_dinov2")
    assert (transformer.strides, transformer.blocks) == ((14,), (6, 9))
    chosen = backbone_settings(LITE, "vit_small_patch16_dinov3", [4, 8, 12])
    assert (chosen.strides, chosen.blocks) == ((16,), (4, 8, 12))
    with pytest.raises(CozadError, match="blocks must rise"):
        backbone_settings(LITE, "vit_small_patch14_dinov2", [6, 3])
    with pytest.raises(Wrong, match="blocks must rise"):
        Settings(blocks=(3, 3))


def test_sizes_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    image = np.zeros((30, 40, 3), np.uint8)
    _, path = random_weights("vit_tiny_patch16_224", tmp_path)
    backbone = load_backbone("vit_tiny_patch16_224", (16,), path, blocks=(1,))
    assert extract_features(backbone, [image], 96).shape == (1, 6, 6, 192)
    with pytest.raises(CozadError, match="patches of 16 pixels, of which image_size 100 is no"):
        extract_features(backbone, [image], 100)
    network = timm.create_model(
        "swin_tiny_patch4_window7_224", pretrained=False, features_only=True, out_indices=[1]
    )
    fixed = Backbone(network, "swin_tiny_patch4_window7_224", (8,))
    with pytest.raises(CozadError, match="takes images of 224 pixels only, image_size is 96"):
        extract_features(fixed, [image], 96)


def test_a_model_with_a_transformer_is_kept_whole(tmp_path: Path) -> None:
    _, path = random_weights("vit_tiny_patch16_224", tmp_path)
    tiny = dataclasses.replace(LITE, image_size=96, meta_steps=1, patches_per_image=8)
    settings = backbone_settings(tiny, "vit_tiny_patch16_224", [1, 2])
    model = train(settings, weights=path)
    save_model(model, tmp_path / "model.safetensors")
    again = load_model(tmp_path / "model.safetensors", weights=path)
    assert again.settings == settings and again.backbone.blocks == (1, 2)
    images = [np.full((50, 60, 3), i, np.uint8) for i in (20, 200)]
    assert torch.equal(again.features(images), model.features(images))


def test_levels_need_a_backbone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "m.safetensors")
    assert main(["train", "--levels", "8", "--out", out]) == 2
    assert "--levels are those of a --backbone: name it" in capsys.readouterr().err
    assert main(["train", "--backbone", "resnet999", "--out", out]) == 2
    assert "unknown backbone 'resnet999'" in capsys.readouterr().err
    assert main(["train", "--backbone", "resnet18", "--levels", "5", "--out", out]) == 2
    assert "resnet18 has no level of stride 5: choose from [2, 4, 8, 16, 32]" in (
        capsys.readouterr().err
    )
    assert not list(tmp_path.iterdir())
