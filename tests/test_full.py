"""`full` is `lite` with other values: the same calls, in the same order, at toy size."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
import timm
import torch

import cozad_teach
from cozad_teach import backbones
from cozad_teach.data.drawn.textures import UNSEEN_CATEGORIES, draw_category
from cozad_teach.models.saved import load_model, save_model
from cozad_teach.models.train import train
from cozad_teach.settings import FULL, LITE, Settings

PACKAGE = str(Path(cozad_teach.__file__).parent)
TOY = {
    "image_size": 64,
    "images_per_category": 12,
    "tasks_per_step": 2,
    "support_images": 3,
    "query_images": 2,
    "patches_per_image": 6,
    "meta_steps": 2,
    "inner_steps": 2,
}


def calls_of(action: Callable[[], Any]) -> list[str]:
    """Give the functions of the package that an action enters, in order, repeats joined."""
    found: list[str] = []

    def watch(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(PACKAGE):
            name = f"{Path(code.co_filename).stem}.{code.co_qualname}"
            if name.startswith("surfaces."):
                return  # photographs that are read once in a process
            # Comprehensions and the like run as often as a backbone has tensors.
            if not name.endswith(">") and found[-1:] != [name]:
                found.append(name)

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        action()
    finally:
        sys.setprofile(before)
    return found


def whole_way(settings: Settings, weights: Path, folder: Path) -> Callable[[], None]:
    """Train, save, load, adapt and score under all protocols."""

    def action() -> None:
        save_model(train(settings, 0, weights=weights), folder / "model")
        model = load_model(folder / "model", weights=weights)
        features = model.features(
            list(draw_category(UNSEEN_CATEGORIES[0], 2, 1, 0, (64, 64)).images)
        )
        assert torch.isfinite(model.score(features, model.adapt(features))).all()
        assert torch.isfinite(model.score_singly(features)).all()

    return action


@pytest.mark.skipif(sys.version_info < (3, 11), reason="qualified names of code came with 3.11")
def test_lite_and_full_make_the_same_calls(tmp_path: Path) -> None:
    """Weights are drawn; a small ResNet stands for the wide one, whose weights are 270 MB."""
    torch.manual_seed(0)
    lite = dataclasses.replace(LITE, **TOY)
    full = dataclasses.replace(FULL, backbone="resnet10t", **TOY)
    ways = []
    for settings in (lite, full):
        backbones._levels.cache_clear()  # otherwise it is called once in a process
        (folder := tmp_path / settings.name).mkdir()
        network = timm.create_model(settings.backbone, pretrained=False)
        torch.save(network.state_dict(), folder / "weights.pt")
        ways.append(calls_of(whole_way(settings, folder / "weights.pt", folder)))
    assert len(set(ways[0])) > 50
    assert ways[0] == ways[1]


def test_lite_and_full_have_the_same_method() -> None:
    """What differs is size, not kind."""
    sizes = {"name", "backbone", "precision", *TOY}
    values = [dataclasses.asdict(settings) for settings in (LITE, FULL)]
    assert {name for name in values[0] if values[0][name] != values[1][name]} <= sizes
