"""Settings: what a student may type, what is refused and in which words, and their readers."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from cozad_book.experiments.lists import run_settings
from cozad_book.experiments.provenance import settings_hash
from cozad_book.experiments.variants import VARIANTS
from cozad_teach.confidence import WEIGHTS
from cozad_teach.errors import CozadError
from cozad_teach.features import PRECISIONS
from cozad_teach.files.values import parse_json
from cozad_teach.maml import ORDERS
from cozad_teach.nearest import SCORES
from cozad_teach.settings import FULL, LITE, PAPER, SETTINGS, SOURCES, Settings
from cozad_teach.training.episodes import images_needed


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"image_size": 0}, "image_size is 0, it must be a whole number from 1 to 2048"),
        ({"image_size": 224.0}, "image_size is 224.0, it must be a whole number"),
        ({"image_size": 8}, r"image_size is 8, with strides \(8, 16\) it must be from 16 to 1024"),
        ({"image_size": 1025}, r"with strides \(8, 16\) it must be from 16 to 1024"),
        ({"strides": 8}, "strides is 8, it must be a list of 1 to 8"),
        ({"strides": (16, 8)}, "strides must rise"),
        ({"strides": (4, 8), "image_size": 513}, "it must be from 8 to 512"),
        ({"backbone": "hf-hub:timm/resnet18"}, "it must be a plain name of timm's"),
        ({"gamma": "1.5"}, "gamma is '1.5', it must be a number from -1 to 1000"),
        ({"gamma": float("nan")}, "gamma is nan, it must be a number"),
        ({"inner_learning_rate": float("inf")}, "inner_learning_rate is inf"),
        ({"passes": 2.0}, "passes is 2.0, it must be a whole number from 0 to 100"),
        ({"by_place": "no"}, "by_place is 'no', it must be true or false"),
        ({"order": "third"}, "order is 'third', it must be second or first or reptile"),
        ({"top_share": 0}, "top_share is 0, it must be a number from 1e-06 to 1"),
        ({"window": 1}, "window is 1, it must be a whole number from 2"),
        ({"smoothing": 113}, "smoothing is 113.0, it must be at most half of image_size"),
        ({"name": "two\nlines"}, r"name is 'two\\nlines', it must be a text"),
        ({"meta_steps": 10**5000}, "meta_steps is too long, it must be a whole number"),
    ],
)
def test_wrong_settings_are_refused_in_a_sentence(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(CozadError, match=words) as caught:
        dataclasses.replace(LITE, **changes)
    assert str(caught.value).isprintable() and len(str(caught.value)) < 200
    with pytest.raises(CozadError, match=words):
        Settings(**changes)


def test_numbers_of_other_kinds_become_those_of_the_settings() -> None:
    """So that runs with the same values have the same hash."""
    typed = dataclasses.replace(
        LITE,
        gamma=-1,
        prior_images=np.int64(12),
        image_size=np.int32(224),
        noise=np.float64(1.0),
        strides=[8, np.int64(16)],
    )
    assert typed == LITE and settings_hash(typed) == settings_hash(LITE)
    assert [type(typed.gamma), type(typed.image_size), type(typed.strides)] == [float, int, tuple]


def test_the_limits_leave_room_for_all_that_the_book_does() -> None:
    for name in SETTINGS:
        for variant in VARIANTS:
            run_settings(name, variant)
    for size in (160, 224, 320, 448, 640, 896, 952):
        dataclasses.replace(FULL, image_size=size)
    dataclasses.replace(LITE, image_size=9, strides=(4,))
    dataclasses.replace(LITE, inner_learning_rate=1e30, outer_learning_rate=0.0)
    dataclasses.replace(LITE, passes=0, inner_steps=0, base_decay=0.0, prior_images=0.0)


def test_every_way_that_the_method_knows_can_be_set() -> None:
    ways = {
        "score": SCORES,
        "single_score": SCORES,
        "weights": WEIGHTS,
        "single_weights": WEIGHTS,
        "order": ORDERS,
        "precision": PRECISIONS,
    }
    for name, words in ways.items():
        with pytest.raises(CozadError, match=f"it must be {' or '.join(words)}$"):
            dataclasses.replace(LITE, **{name: "another"})
        for word in words:
            assert getattr(dataclasses.replace(LITE, **{name: word}), name) == word


NO_JSON = [
    *("", "{", "[1,]", "NaN", "-Infinity", '{"a": 1, "a": 1}', '[{"a": {"b": 1, "b": 2}}]', "'a'"),
    *("[" * 100_000, '{"a":' * 100_000, "\ufeff1", "1 2", b"\xff", b"\xff\xfe1\x00"),
]


@pytest.mark.parametrize("text", NO_JSON, ids=range(len(NO_JSON)))
def test_what_is_no_strict_json_is_refused(text: str | bytes) -> None:
    with pytest.raises(CozadError, match="no JSON"):
        parse_json(text)


def test_strict_json_is_read() -> None:
    assert parse_json('{"a": [1, -2.5e3, "é", null, true], "b": {}}'.encode()) == {
        "a": [1, -2500.0, "é", None, True],
        "b": {},
    }


def test_every_value_of_the_paper_has_a_source_or_is_ours() -> None:
    """What no source gives is what `lite` has; what one gives is no accident of the defaults."""
    fields = {field.name for field in dataclasses.fields(Settings)}
    assert set(SOURCES) < fields
    ours = {name for name in fields if getattr(PAPER, name) == getattr(LITE, name)}
    # Steps of its size are smaller, and its tasks take more images.
    assert fields - set(SOURCES) - ours == {"name", "meta_steps"}
    assert all(need <= have for need, have in zip(images_needed(PAPER), (10, 5), strict=True))
    assert (PAPER.gamma, PAPER.sharpness, PAPER.weighed) == (1.5, 1, "images")
    assert (PAPER.prior_images, PAPER.by_place) == (0, False)
    values = (PAPER.base_decay, PAPER.decay_growth, PAPER.determinant_cap, PAPER.window)
    assert values == (0.005, 0.5, 100, 5)
    steps = (PAPER.inner_steps, PAPER.inner_learning_rate, PAPER.outer_learning_rate)
    assert steps == (5, 1e-4, 2e-4)
