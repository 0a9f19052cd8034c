"""Model files: what was saved comes back, and whatever else is refused before anything is done."""

from __future__ import annotations

import copy
import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from cozad_teach.backbones import load_backbone
from cozad_teach.cozad import CoZAD
from cozad_teach.data.drawn.textures import AUXILIARY_CATEGORIES, UNSEEN_CATEGORIES, draw_category
from cozad_teach.errors import CozadError
from cozad_teach.features import Backbone
from cozad_teach.files.backbone_weights import packaged_weights
from cozad_teach.models import saved as model_file
from cozad_teach.models.saved import FORMAT, load_model, save_model
from cozad_teach.models.train import fit
from cozad_teach.settings import FULL, LITE, from_dict
from cozad_teach.training.meta_training import MetaStep

TINY = dataclasses.replace(
    LITE, image_size=64, meta_steps=2, patches_per_image=8, support_images=3, query_images=2
)
HASH = "0123456789abcdef" * 4
Header = dict[str, Any]


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return load_backbone()


@pytest.fixture(scope="module")
def tiny(backbone: Backbone) -> CoZAD:
    auxiliary = [draw_category(name, 5, 4, 0, (64, 64)) for name in AUXILIARY_CATEGORIES[:3]]
    return fit(backbone, auxiliary, TINY, seed=3)


@pytest.fixture(scope="module")
def good(tiny: CoZAD, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("good") / "model.safetensors"
    save_model(tiny, path)
    return path


@pytest.fixture
def no_backbone(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(*_: Any) -> Backbone:
        raise AssertionError("a backbone was loaded for a file that is to be refused")

    monkeypatch.setattr(model_file, "load_backbone", load)


def parts(path: Path) -> tuple[Header, dict[str, Tensor]]:
    with safe_open(path, framework="pt") as file:
        return json.loads(file.metadata()["header"]), load_file(path)


def refused(path: Path) -> str:
    """Give the sentence, which names the file and stays on one short line."""
    before = sorted(path.parent.iterdir())
    with pytest.raises(CozadError) as caught:
        load_model(path)
    said = str(caught.value)
    assert type(caught.value) is CozadError and str(path) in said
    assert said.isprintable() and len(said) < len(str(path)) + 400
    assert sorted(path.parent.iterdir()) == before
    return said


# What was saved comes back


def test_saved_model_scores_as_before(tiny: CoZAD, good: Path) -> None:
    again = load_model(good)
    assert (again.settings, again.seed) == (tiny.settings, tiny.seed)
    assert (again.history, again.trained_on) == (tiny.history, tiny.trained_on)
    assert again.fit_seconds == tiny.fit_seconds
    for use, was in zip(again.uses, tiny.uses, strict=True):
        assert (use.purpose, use.labels) == (was.purpose, was.labels)
        assert (use.images.names, use.images.hashes) == (was.images.names, was.images.hashes)
        assert np.array_equal(use.images.thumbnails, was.images.thumbnails)
    images = list(draw_category(UNSEEN_CATEGORIES[0], 2, 1, 0, (64, 64)).images)
    before, after = tiny.features(images), again.features(images)
    assert torch.equal(before, after)
    assert torch.equal(tiny.score_singly(before), again.score_singly(after))
    assert [path.name for path in good.parent.iterdir()] == ["model.safetensors"]


def test_settings_survive_json() -> None:
    values = json.loads(json.dumps(dataclasses.asdict(FULL)))
    assert from_dict(values) == FULL
    with pytest.raises(CozadError, match=r"another version.*gamma"):
        from_dict({key: value for key, value in values.items() if key != "gamma"})


def test_other_spellings_of_a_header_are_read(good: Path, tmp_path: Path, tiny: CoZAD) -> None:
    """Whole numbers for others, keys in another order, spaces: the same model."""
    header, tensors = parts(good)
    header["settings"]["gamma"] = -1
    header["fit_seconds"] = 7
    shuffled = {key: header[key] for key in reversed(header)}
    metadata = {"format": FORMAT, "header": json.dumps(shuffled, indent=3)}
    save_file(tensors, tmp_path / "model", metadata)
    again = load_model(tmp_path / "model")
    assert again.settings == tiny.settings and type(again.settings.gamma) is float
    assert again.fit_seconds == 7


# What does not come back: the header, value by value

SAMPLE = {"category": "a", "n_support": 4, "n_normal": 9, "image_set": 0}
USE = {"purpose": "weights", "labels": True, "image_set": 0}
SET = {"names": ["a"], "hashes": [HASH]}
DEEP: Any = []
for _ in range(600):
    DEEP = [DEEP]
ROWS: list[tuple[str, Any, str]] = [
    ("settings", 3, "settings is 3, it must be a table"),
    ("settings", [], "settings is [], it must be a table"),
    ("settings", {"gamma": 1}, "another version of cozad_teach"),
    ("settings.more", 1, "another version of cozad_teach ('more')"),
    ("settings.name", "x" * 10_000_000, "name is 'xxx"),
    ("settings.name", "\x1b[31mred", r"name is '\x1b[31mred', it must be a text of at most"),
    ("settings.name", None, "name is None, it must be a text"),
    ("settings.backbone", "hf-hub:evil/repo", "backbone is 'hf-hub:evil/repo', it must be a"),
    ("settings.backbone", "../weights", "it must be a plain name of timm's"),
    ("settings.backbone", 7, "backbone is 7, it must be a plain name of timm's"),
    ("settings.strides", "ab", "strides is 'ab', it must be a list of 1 to 8"),
    ("settings.strides", [], "strides is [], it must be a list of 1 to 8"),
    ("settings.strides", [8, 8], "strides must rise, without repeats, finest first"),
    ("settings.strides", [16, 8], "strides must rise, without repeats, finest first"),
    ("settings.strides", [10**9], "strides[0] is 1000000000, it must be a whole number"),
    ("settings.strides", [1e9], "strides[0] is 1000000000.0, it must be a whole number"),
    ("settings.strides", [8, None], "strides[1] is None, it must be a whole number"),
    ("settings.strides", [1] * 100_000, "it must be a list of 1 to 8"),
    ("settings.image_size", 0, "image_size is 0, it must be a whole number from 1 to 2048"),
    ("settings.image_size", "224", "image_size is '224', it must be a whole number"),
    ("settings.image_size", 10**9, "image_size is 1000000000, it must be a whole number"),
    ("settings.image_size", True, "image_size is True, it must be a whole number"),
    ("settings.image_size", 224.0, "image_size is 224.0, it must be a whole number"),
    ("settings.image_size", -64, "image_size is -64, it must be a whole number"),
    ("settings.image_size", 10**4000, "it must be a whole number"),
    ("settings.image_size", [224], "image_size is [224], it must be a whole number"),
    ("settings.image_size", 2000, "image_size is 2000, with strides (8, 16) it must be from 16"),
    ("settings.image_size", 12, "image_size is 12, with strides (8, 16) it must be from 16"),
    ("settings.precision", "float16", "precision is 'float16', it must be float32 or bfloat16"),
    ("settings.precision", ["float32"], "precision is ['float32'], it must be float32"),
    ("settings.images_per_category", 0, "images_per_category is 0"),
    ("settings.tasks_per_step", -1, "tasks_per_step is -1"),
    ("settings.support_images", 10**7, "support_images is 10000000"),
    ("settings.query_images", 2.5, "query_images is 2.5"),
    ("settings.patches_per_image", 0, "patches_per_image is 0"),
    ("settings.max_contamination", 1.01, "max_contamination is 1.01, it must be a number from 0"),
    ("settings.meta_steps", 0, "meta_steps is 0"),
    ("settings.meta_steps", 10**12, "meta_steps is 1000000000000"),
    ("settings.meta_steps", 3, "its history has 2 steps, not as many as meta_steps"),
    ("settings.inner_steps", 101, "inner_steps is 101, it must be a whole number from 0 to 100"),
    ("settings.inner_learning_rate", "0.02", "inner_learning_rate is '0.02'"),
    ("settings.outer_learning_rate", -0.1, "outer_learning_rate is -0.1"),
    ("settings.temperature", 0, "temperature is 0, it must be a number from 0.001"),
    ("settings.contrastive_weight", [], "contrastive_weight is []"),
    ("settings.noise", -1e-9, "noise is -1e-09"),
    ("settings.shrinkage", 0, "shrinkage is 0, it must be a number from 1e-06 to 1"),
    ("settings.shrinkage", 1.5, "shrinkage is 1.5, it must be a number from 1e-06 to 1"),
    ("settings.prior_images", -1, "prior_images is -1"),
    ("settings.by_place", 1, "by_place is 1, it must be true or false"),
    ("settings.by_place", "yes", "by_place is 'yes', it must be true or false"),
    ("settings.score", "loud", "score is 'loud', it must be gaussian or knn or both"),
    ("settings.single_score", None, "single_score is None, it must be gaussian"),
    ("settings.weights", "firm", "weights is 'firm', it must be soft or hard or none"),
    ("settings.single_weights", 0, "single_weights is 0, it must be soft or hard or none"),
    ("settings.gamma", "high", "gamma is 'high', it must be a number from -1 to 1000"),
    ("settings.gamma", -1.5, "gamma is -1.5, it must be a number from -1 to 1000"),
    ("settings.gamma", True, "gamma is True, it must be a number"),
    ("settings.gamma", 10**400, "it must be a number from -1 to 1000"),
    ("settings.sharpness", -4, "sharpness is -4"),
    ("settings.passes", 10**7, "passes is 10000000, it must be a whole number from 0 to 100"),
    ("settings.passes", -1, "passes is -1, it must be a whole number from 0 to 100"),
    ("settings.order", "third", "order is 'third', it must be second or first or reptile"),
    ("settings.base_decay", -0.1, "base_decay is -0.1"),
    ("settings.decay_growth", 1e300, "decay_growth is 1e+300"),
    ("settings.determinant_cap", 0, "determinant_cap is 0"),
    ("settings.window", 0, "window is 0, it must be a whole number from 2"),
    ("settings.window", 1, "window is 1, it must be a whole number from 2"),
    ("settings.top_share", -1, "top_share is -1, it must be a number from 1e-06 to 1"),
    ("settings.top_share", 0.0, "top_share is 0.0, it must be a number from 1e-06 to 1"),
    ("settings.top_share", 1.0001, "top_share is 1.0001, it must be a number"),
    ("settings.smoothing", -4.0, "smoothing is -4.0"),
    ("settings.smoothing", 33, "smoothing is 33.0, it must be at most half of image_size"),
    ("backbone", "resnet18", "header.backbone is 'resnet18', it must be a table"),
    ("backbone", {"name": "tf_efficientnet_lite0"}, "backbone has no weights_digest"),
    ("backbone.name", "local-dir:/etc", "backbone.name is 'local-dir:/etc', it must be a plain"),
    ("backbone.name", "", "backbone.name is '', it must be a plain name of timm's"),
    ("backbone.name", "resnet18\n", r"backbone.name is 'resnet18\n', it must be a plain name"),
    ("backbone.weights_digest", 5, "backbone.weights_digest is 5, it must be a text"),
    ("backbone.folder", "/etc", "backbone has an entry 'folder', which nothing knows"),
    ("seed", -1, "seed is -1, it must be a whole number from 0"),
    ("seed", 2**64, "seed is 18446744073709551616, it must be a whole number"),
    ("seed", 1.5, "seed is 1.5, it must be a whole number"),
    ("seed", True, "seed is True, it must be a whole number"),
    ("fit_seconds", "fast", "fit_seconds is 'fast', it must be a number"),
    ("fit_seconds", -1, "fit_seconds is -1, it must be a number from 0"),
    ("trained_on", 5, "trained_on is 5, it must be a text"),
    ("trained_on", "a\x00b", r"trained_on is 'a\x00b', it must be a text"),
    ("history", [], "it does not say how it was trained"),
    ("history", None, "history is None, it must be a list"),
    ("history", [[1.0]], "history[0] is [1.0], it must be a list of 3 entries"),
    ("history", [[1, 2, 3]] * 3, "its history has 3 steps, not as many as meta_steps"),
    ("history", [[1, 2, 3], [1, 2, "3"]], "history[1][2] is '3', it must be a number"),
    ("history", [[1, 2, 3], [1, 2, -3]], "history[1][2] is -3, it must be a number from 0"),
    ("history", [{"a": 1}, 2], "history[0] is {'a': 1}, it must be a list of 3 entries"),
    ("history", DEEP, "history[0] is [[[[[[[...]]]]]]], it must be a list of 3 entries"),
    ("image_sets", {}, "image_sets is {}, it must be a list"),
    ("image_sets", [], "a use or a sample names an image_set beyond the 0 that there are"),
    (
        "image_sets",
        [{**SET, "names": []}],
        "image_sets[0].names is [], it must be a list of 1 or more",
    ),
    ("image_sets", [{**SET, "names": ["a", "b"]}], "image_sets[0] has not as many names as hash"),
    ("image_sets", [{**SET, "hashes": ["x"]}], "hashes[0] is 'x', it must be a SHA-256"),
    ("image_sets", [{**SET, "hashes": [HASH.upper()]}], "it must be a SHA-256"),
    ("image_sets", [{**SET, "hashes": [HASH + "\n"]}], "it must be a SHA-256"),
    ("image_sets", [{**SET, "hashes": HASH}], "it must be a list of 1 or more"),
    ("image_sets", [{**SET, "names": "a"}], "image_sets[0].names is 'a', it must be a list"),
    ("image_sets", [{**SET, "names": [5]}], "image_sets[0].names[0] is 5, it must be a text"),
    ("image_sets", [{**SET, "names": ["\r\x1b[2J"]}], "names[0] is '\\r\\x1b[2J', it must be"),
    ("image_sets", [{**SET, "names": ["\ud800"]}], r"names[0] is '\ud800', it must be a text"),
    ("image_sets", [{**SET, "names": ["a" * 1001]}], "it must be a text of at most 1000"),
    ("image_sets", [SET], "thumbnails.0 is uint8 (27, 64, 64), it must be uint8 (1, 64, 64)"),
    ("image_sets", [SET, SET], "it has no tensor thumbnails.1"),
    ("uses", [], "it does not say how it was trained"),
    ("uses", [USE], "it does not say how it was trained"),
    ("uses", "all", "uses is 'all', it must be a list"),
    ("uses.0.purpose", "fun", "purpose is 'fun', it must be weights or statistics or threshold"),
    ("uses.0.labels", "yes", "uses[0].labels is 'yes', it must be true or false"),
    ("uses.0.labels", 1, "uses[0].labels is 1, it must be true or false"),
    ("uses.1.image_set", -1, "uses[1].image_set is -1, it must be a whole number from 0"),
    ("uses.1.image_set", True, "uses[1].image_set is True, it must be a whole number"),
    ("uses.1.image_set", 7, "a use or a sample names an image_set beyond the 1 that there are"),
    ("uses.1.image_set", 0.0, "uses[1].image_set is 0.0, it must be a whole number"),
    ("auxiliary", "bottle", "auxiliary is 'bottle', it must be a list"),
    ("auxiliary", ["\x1b[2J"], "auxiliary[0] is '\\x1b[2J', it must be a text"),
    ("samples", [SAMPLE], "it has no samples.0 with a grid of patches"),
    ("samples", [{**SAMPLE, "n_normal": 27}], "samples[0] has no normal or no anomalous image"),
    ("samples", [{**SAMPLE, "n_support": 9}], "samples[0] has no normal or no anomalous image"),
    ("samples", [{**SAMPLE, "n_support": 0}], "n_support is 0, it must be a whole number from 1"),
    ("samples", [{**SAMPLE, "image_set": 9}], "a use or a sample names an image_set beyond the 1"),
    ("samples", [SAMPLE] * 101, "it must be a list of 0 to 100"),
    ("versions", [], "versions is [], it must be a table of cozad_teach, torch"),
    ("versions.torch", 2, "versions.torch is 2, it must be a text"),
    ("command", "rm", "header has an entry 'command', which nothing knows"),
]


def put(header: Header, place: str, value: Any) -> Header:
    """Change one value of a copy, found by the keys and numbers of its place."""
    changed = copy.deepcopy(header)
    within: Any = changed
    *above, last = (int(key) if key.isdecimal() else key for key in place.split("."))
    for key in above:
        within = within[key]
    within[last] = value
    return changed


@pytest.mark.parametrize(("place", "value", "words"), ROWS, ids=range(len(ROWS)))
def test_a_header_with_a_wrong_value_is_refused(
    good: Path, tmp_path: Path, no_backbone: None, place: str, value: Any, words: str
) -> None:
    header, tensors = parts(good)
    path = tmp_path / "model.safetensors"
    content = json.dumps(put(header, place, value))
    save_file(tensors, path, {"format": FORMAT, "header": content})
    said = refused(path)
    assert words in said and said.endswith(": train again")


@pytest.mark.parametrize("key", ["settings", "backbone", "seed", "history", "uses", "versions"])
def test_a_header_that_lacks_a_value_is_refused(
    good: Path, tmp_path: Path, no_backbone: None, key: str
) -> None:
    header, tensors = parts(good)
    del header[key]
    save_file(tensors, tmp_path / "m", {"format": FORMAT, "header": json.dumps(header)})
    assert f"header has no {key}" in refused(tmp_path / "m")


TEXTS: dict[str, Callable[[str], str]] = {
    "nothing": lambda text: "",
    "half": lambda text: text[: len(text) // 2],
    "a list": lambda text: f"[{text}]",
    "a number": lambda text: "3",
    "a key twice": lambda text: text.replace('"seed": 3', '"seed": 3, "seed": 4'),
    "a setting twice": lambda text: text.replace('"gamma": -1.0', '"gamma": -1.0, "gamma": 9.0'),
    "NaN": lambda text: text.replace('"gamma": -1.0', '"gamma": NaN'),
    "infinity": lambda text: text.replace('"gamma": -1.0', '"gamma": Infinity'),
    "infinity by overflow": lambda text: text.replace('"gamma": -1.0', '"gamma": 1e999'),
    "smoothing NaN": lambda text: text.replace('"smoothing": 4.0', '"smoothing": NaN'),
    "loss -Infinity": lambda text: text.replace('"history": [[', '"history": [[-Infinity, '),
    "deep": lambda text: "[" * 100_000,
    "long": lambda text: text + " " * 2**24,
    "deep within": lambda text: text.replace('"seed": 3', '"seed": ' + '{"a":' * 100_000),
    "long number": lambda text: text.replace('"seed": 3', '"seed": ' + "9" * 1_000_000),
    "after the end": lambda text: text + "{}",
    "a byte mark": lambda text: "\ufeff" + text,
    "single quotes": lambda text: text.replace('"', "'"),
    "a comment": lambda text: text + " // fine",
}


@pytest.mark.parametrize("kind", TEXTS)
def test_a_header_that_is_no_plain_json_is_refused(
    good: Path, tmp_path: Path, no_backbone: None, kind: str
) -> None:
    header, tensors = parts(good)
    text = json.dumps(header)
    changed = TEXTS[kind](text)
    assert changed != text
    save_file(tensors, tmp_path / "model", {"format": FORMAT, "header": changed})
    assert "is damaged (" in refused(tmp_path / "model")


# The tensors

C = 152
TENSORS: list[tuple[dict[str, Tensor | None], str]] = [
    ({"prior": None}, "it has no tensor prior"),
    ({"feature_mean": None}, "it has no feature_mean with a number for each channel"),
    ({"thumbnails.0": None}, "it has no tensor thumbnails.0"),
    ({"parameters.more": torch.zeros(1)}, "it has a tensor 'parameters.more', which nothing"),
    ({"x" * 5000: torch.zeros(1)}, "it has a tensor 'xxx"),
    ({"thumbnails.1": torch.zeros(1, 64, 64, dtype=torch.uint8)}, "'thumbnails.1', which"),
    ({"parameters.head": torch.zeros(3, 3)}, "parameters.head is float32 (3, 3), it must be"),
    ({"parameters.head": torch.zeros(C * C)}, "parameters.head is float32 (23104,), it must be"),
    ({"parameters.log_slope": torch.zeros(1)}, "log_slope is float32 (1,), it must be float32 ()"),
    ({"prior": torch.eye(C).double()}, "prior is float64 (152, 152), it must be float32"),
    ({"prior": torch.eye(C).half()}, "prior is float16 (152, 152), it must be float32"),
    ({"prior": torch.eye(C).bfloat16()}, "prior is bfloat16 (152, 152), it must be float32"),
    ({"prior": torch.eye(C).long()}, "prior is int64 (152, 152), it must be float32"),
    ({"prior": torch.eye(C).bool()}, "prior is bool (152, 152), it must be float32"),
    ({"prior": torch.eye(C) + 0j}, "prior is of another type (152, 152), it must be float32"),
    ({"feature_std": torch.ones(C, dtype=torch.int32)}, "it must be float32 (152,)"),
    ({"feature_std": torch.ones(1)}, "feature_std is float32 (1,), it must be float32 (152,)"),
    ({"feature_std": torch.ones(C, 1)}, "feature_std is float32 (152, 1), it must be"),
    ({"feature_mean": torch.zeros(1, C)}, "no feature_mean with a number for each channel"),
    ({"feature_mean": torch.zeros(0)}, "no feature_mean with a number for each channel"),
    ({"thumbnails.0": torch.zeros(27, 64, 64)}, "thumbnails.0 is float32 (27, 64, 64), it must"),
    ({"thumbnails.0": torch.zeros(2, 64, 64, dtype=torch.uint8)}, "must be uint8 (27, 64, 64)"),
    ({"feature_mean": torch.full((C,), torch.nan)}, "feature_mean holds numbers that are not fin"),
    ({"parameters.offset": torch.tensor(torch.inf)}, "parameters.offset holds numbers that are no"),
    ({"prior": torch.eye(C).fill_(torch.nan)}, "prior holds numbers that are not finite"),
    ({"feature_std": torch.zeros(C)}, "feature_std holds numbers that are not from 1e-12"),
    ({"feature_std": -torch.ones(C)}, "feature_std holds numbers that are not from 1e-12"),
    ({"parameters.log_slope": torch.tensor(1e4)}, "log_slope holds numbers that are not from -20"),
    ({"parameters.head": torch.full((C, C), 1e30)}, "head holds numbers that are not from -1e+06"),
    ({"prior": -torch.eye(C)}, "prior is no covariance"),
    ({"prior": torch.eye(C).roll(1, 0)}, "prior is no covariance"),
    ({"prior": torch.ones(C, C).triu()}, "prior is no covariance"),
    ({"prior": 2 * torch.ones(C, C) - torch.eye(C)}, "prior is no covariance"),
]


@pytest.mark.parametrize(("changes", "words"), TENSORS, ids=range(len(TENSORS)))
def test_wrong_tensors_are_refused(
    good: Path, tmp_path: Path, no_backbone: None, changes: dict[str, Tensor | None], words: str
) -> None:
    header, tensors = parts(good)
    changed = {**tensors, **changes}
    kept = {name: value for name, value in changed.items() if value is not None}
    metadata = {"format": FORMAT, "header": json.dumps(header)}
    save_file(kept, tmp_path / "model", metadata)
    assert words in refused(tmp_path / "model")


def test_a_backbone_that_does_not_fit_is_refused(good: Path, tmp_path: Path) -> None:
    """The file agrees with itself, on other channels than the backbone gives."""
    header, tensors = parts(good)
    for name, value in tensors.items():
        if not name.startswith("thumbnails"):
            tensors[name] = value[(slice(100),) * value.ndim].contiguous()
    metadata = {"format": FORMAT, "header": json.dumps(header)}
    save_file(tensors, tmp_path / "model", metadata)
    assert "its 100 channels at strides (8, 16) are not those of tf_eff" in refused(
        tmp_path / "model"
    )


@pytest.mark.parametrize("strides", [[8], [8, 32], [4, 12]])
def test_strides_that_the_tensors_are_not_of_are_refused(
    good: Path, tmp_path: Path, strides: list[int]
) -> None:
    header, tensors = parts(good)
    header["settings"]["strides"] = strides
    save_file(tensors, tmp_path / "model", {"format": FORMAT, "header": json.dumps(header)})
    assert "wants the backbone tf_efficientnet_lite0: " in refused(tmp_path / "model")


# The file around them


def raw(header: bytes, data: bytes = b"", length: int | None = None) -> bytes:
    return (len(header) if length is None else length).to_bytes(8, "little") + header + data


def one(**fields: Any) -> bytes:
    """A safetensors header of one tensor."""
    return json.dumps(
        {"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4], **fields}}
    ).encode()


FILES: dict[str, bytes] = {
    "empty": b"",
    "seven bytes": b"\x00" * 7,
    "zeros": b"\x00" * 4096,
    "text": b"hello world, this is no model\n" * 9,
    "a zip": b"PK\x03\x04" + b"\x00" * 99,
    "no header": raw(b""),
    "header of the largest length": raw(b"{}", length=2**64 - 1),
    "header longer than the file": raw(b"{}", length=10**6),
    "header longer than any": raw(b"{}", length=2**26),
    "no JSON": raw(b"{'x': 1}"),
    "a list": raw(b"[]"),
    "deep JSON": raw(b"[" * 100_000),
    "huge shape": raw(one(shape=[2**62, 2]), b"abcd"),
    "product overflows": raw(one(shape=[2**33, 2**33]), b"abcd"),
    "negative shape": raw(one(shape=[-1]), b"abcd"),
    "beyond the end": raw(one(shape=[9], data_offsets=[0, 36]), b"abcd"),
    "backwards": raw(one(data_offsets=[4, 0]), b"abcd"),
    "unknown type": raw(one(dtype="Q9"), b"abcd"),
    "metadata that is no text": raw(b'{"__metadata__": {"format": 5}}'),
    "bytes that no tensor has": raw(one(), b"abcdefgh"),
}


@pytest.mark.parametrize("kind", FILES)
def test_files_that_are_no_safetensors_are_refused(
    tmp_path: Path, no_backbone: None, kind: str
) -> None:
    (tmp_path / "model").write_bytes(FILES[kind])
    assert "model is damaged (it" in refused(tmp_path / "model")


@pytest.mark.parametrize("keep", [0, 7, 5_000, -10])
def test_truncated_model_files_are_refused(good: Path, tmp_path: Path, keep: int) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(good.read_bytes()[:keep])
    assert "truncated or not a model file" in refused(path)


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"format": "cozad-teach model, version 99"}, "another version ('cozad-teach model, v"),
        ({"format": "cozad-teach model, version " + "9\n" * 10**6}, "another version ('cozad"),
        ({"format": "something else"}, "another program"),
        ({"format": "cozad-teach checkpoint, version 1"}, "another program"),
        (None, "another program"),
        ({"format": FORMAT}, "damaged (its text is no JSON"),
    ],
)
def test_files_of_other_programs_are_refused(
    tmp_path: Path, no_backbone: None, metadata: dict[str, str] | None, words: str
) -> None:
    save_file({"x": torch.zeros(1, dtype=torch.bool)}, tmp_path / "model", metadata)
    assert words in refused(tmp_path / "model")


def test_what_is_no_file_is_refused(tmp_path: Path, no_backbone: None) -> None:
    """A pipe or a device would be read for ever."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name, words in {
        "nowhere": "No such file",
        "pipe": "it is a pipe or a device",
        "zero": "it is a pipe or a device",
        "loop": "symbolic links",
        "a" * 300: "File name too long",
    }.items():
        said = refused(tmp_path / name)
        assert said.startswith("there is no model file") and words in said
        assert said.endswith("make one with cozad train")
    (tmp_path / "folder").mkdir()
    assert "it is a folder" in refused(tmp_path / "folder")
    with pytest.raises(CozadError, match=r"there is no model file 'a\\x00b' \(.*null byte"):
        load_model("a\x00b")


def test_a_file_larger_than_any_model_is_refused_unread(tmp_path: Path, no_backbone: None) -> None:
    with (tmp_path / "model").open("wb") as file:
        file.truncate(2**40)  # takes no room on the disk
    assert "its 1,099,511,627,776 bytes are more than" in refused(tmp_path / "model")


# Saving


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"history": []}, "it does not say how it was trained"),
        ({"history": [MetaStep(1.0, float("nan"), 0.1)] * 2}, "its text is no JSON"),
        ({"history": [MetaStep(1.0, 1.0, 0.1)]}, "its history has 1 steps"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": np.int64(3)}, "int64 is not JSON serializable"),
        ({"uses": ()}, "it does not say how it was trained"),
        ({"fit_seconds": -2.0}, "fit_seconds is -2.0"),
        ({"trained_on": "a\nb"}, "trained_on is 'a\\nb'"),
        ({"feature_std": torch.zeros(C)}, "feature_std holds numbers that are not from"),
        ({"feature_mean": torch.zeros(C).double()}, "feature_mean is float64"),
        ({"prior": torch.full((C, C), torch.nan)}, "prior holds numbers that are not finite"),
        ({"parameters": {}}, "it has no tensor parameters.head"),
        ({"settings": dataclasses.replace(TINY, strides=(8, 32))}, "are not those of tf_eff"),
    ],
)
def test_no_model_is_written_that_would_not_be_read(
    tiny: CoZAD, tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"the old one")
    with pytest.raises(CozadError) as caught:
        save_model(dataclasses.replace(tiny, **change), path)
    said = str(caught.value)
    assert words in said and str(path) in said and said.isprintable()
    assert path.read_bytes() == b"the old one" and len(list(tmp_path.iterdir())) == 1


# Network and other files

NAMES = [
    "hf-hub:evil/repo",
    "hf_hub:evil/repo@main",
    "HF-HUB:evil/repo",
    "local-dir:/etc",
    "local-dir:../..",
    "local-dir:",
    "https://example.org/model",
    "file:///etc/passwd",
    "/etc/passwd",
    "../../secret",
    "~/secret",
    "C:\\secret",
    "\\\\host\\share",
    "timm/resnet18.a1_in1k",
    "resnet18",
    "resnet18.a1_in1k",
    "wide_resnet50_2",
    "tf_efficientnet_lite0.in1k",
    "tf_efficientnet_lite3",
    "tf_efficientnet_lite0 ",
    "TF_EFFICIENTNET_LITE0",
    "resnet18\x00",
    "resnet18/../../x",
    "..",
    "vit_giant_patch14_reg4_dinov2",
    "no_such_network",
    "__main__",
    "x" * 100_000,
]
WATCHED = """
import json, socket, sys
from pathlib import Path
from cozad_teach.errors import CozadError
from cozad_teach.models.saved import load_model

good, *others, weights = map(Path, sys.argv[1:])
load_model(good)
import torch._dynamo.utils  # what Python imports late is there from now on
seen, own = [], ""

def watch(event, arguments):
    if event.startswith(("socket.", "subprocess.", "os.system", "os.exec", "ctypes.dlopen")):
        seen.append([event, str(arguments)])
        raise RuntimeError("forbidden")
    if event in ("open", "os.listdir", "os.scandir") and str(arguments[0]) != own:
        seen.append([event, str(arguments[0])])

sys.addaudithook(watch)
sentences = []
for path in others:
    for given in (None, weights):
        own = str(path)
        try:
            load_model(path, weights=given)
            sentences.append("loaded " + path.suffix)
        except CozadError as error:
            sentences.append(str(error))
print(json.dumps([seen, sentences]))
"""


def test_no_name_in_a_file_leads_to_a_network_or_another_file(good: Path, tmp_path: Path) -> None:
    """In a process whose every socket and open file is seen; with and without weights at hand."""
    header, tensors = parts(good)
    paths = []
    for i, name in enumerate(NAMES):
        for place in ("backbone.name", "settings.backbone"):
            # Nothing is loaded by what the settings say: a plain name does no harm there.
            if place == "settings.backbone" and name.isidentifier() and name != "resnet18":
                continue
            paths.append(tmp_path / f"model{i}-{place}")
            content = json.dumps(put(header, place, name))
            save_file(tensors, paths[-1], {"format": FORMAT, "header": content})
    weights = tmp_path / "weights.safetensors"
    save_file({"x": torch.zeros(1)}, weights)
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, str(good), *map(str, paths), str(weights)],
        capture_output=True,
        text=True,
        env={**os.environ, "HF_HOME": str(tmp_path / "hub"), "HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    seen, sentences = json.loads(done.stdout.splitlines()[-1])
    # A plain name, and weights that are installed or that the user brought: these are looked at.
    installed = packaged_weights("tf_efficientnet_lite0")
    assert {event for event, _ in seen} == {"open", "os.scandir"}
    assert {path for _, path in seen} == set(map(str, [weights, installed, installed.parent]))
    assert len(sentences) == 2 * len(paths) and "loaded .name" not in sentences
    wanted = "wants the backbone resnet18, whose weights are not installed: bring them with --we"
    assert sum(wanted in sentence for sentence in sentences) == 1
    assert not (tmp_path / "hub").exists()
