"""Untouched images are measured once: whatever they are called, and however a look ends."""

from __future__ import annotations

import dataclasses
import json
import multiprocessing
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from cozad_book.experiments import untouched
from cozad_book.experiments.looks import identify, one_look
from cozad_book.experiments.provenance import settings_hash
from cozad_teach.cli.main import main
from cozad_teach.cozad import CoZAD
from cozad_teach.data.drawn.textures import UNSEEN_CATEGORIES, write_dataset
from cozad_teach.data.folders import open_dataset
from cozad_teach.errors import CozadError, LeakError
from cozad_teach.settings import LITE


@pytest.fixture(autouse=True)
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Records of a test are its own, never the user's."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "cozad-teach" / "looks"


def stand_in(**changes: Any) -> SimpleNamespace:
    """What a look asks of a model, which is never run here."""
    values: dict[str, Any] = {
        "settings": LITE,
        "backbone": SimpleNamespace(name="resnet18", weights_digest="b" * 64),
        "parameters": {"A": torch.zeros(3, 3)},
        "feature_mean": torch.zeros(3),
        "feature_std": torch.ones(3),
        "prior": torch.eye(3),
        "samples": (),
        "trained_on": "cpu",
    }
    return SimpleNamespace(**values | changes)


MODELS = {
    "first": stand_in(),
    "trained again": stand_in(fit_seconds=7.0),
    "other parameters": stand_in(parameters={"A": torch.eye(3)}),
    "other settings": stand_in(settings=dataclasses.replace(LITE, gamma=0.0)),
    "other backbone": stand_in(backbone=SimpleNamespace(name="resnet18", weights_digest="c" * 64)),
}


@pytest.fixture(autouse=True)
def models(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(untouched, "load_model_of", lambda options: MODELS[options.model])


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data") / "parts"
    write_dataset(root, UNSEEN_CATEGORIES[:2], 1, 3, 3, seed=0, size=(64, 96))
    return root


@pytest.fixture
def data(drawn: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(drawn, tmp_path / "parts"))


ROW = dict.fromkeys(("image_auroc", "image_ap", "image_f1max", "pixel_auroc", "pixel_ap"), 0.5)
ROW |= {"pixel_f1max": 0.5, "aupro": 0.5}
REPORT = {
    "categories": {},
    "mean": ROW,
    "calibration": {"threshold": 1.0, "follows_level": True, "chosen_on": "images"},
    "without_test_images": [],
}


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Count measurements instead of making them; gives their protocols."""
    protocols: list[str] = []

    def count(model: CoZAD, dataset: Any, protocol: str, **_: Any) -> Any:
        protocols.append(protocol)
        return SimpleNamespace(report=dict(REPORT))

    monkeypatch.setattr(untouched, "evaluate", count)
    return protocols


def look(data: Path, *words: str, model: str = "first") -> int:
    return main(["bench", "untouched", str(data), "--model", model, *words])


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """The last line of what a command said on standard error; bars stand before it."""
    return capsys.readouterr().err.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("model", "words", "changed"),
    [
        ("other parameters", [], "model "),
        ("other settings", [], f"settings lite {settings_hash(MODELS['other settings'].settings)}"),
        ("other backbone", [], "backbone resnet18 cccccccc"),
        ("first", ["--protocol", "single"], "protocol single"),
    ],
)
def test_other_settings_get_no_second_look(
    model: str,
    words: list[str],
    changed: str,
    data: Path,
    measured: list[str],
    records: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert look(data) == 0
    (path,) = records.glob("*.json")
    date = json.loads(path.read_text())["date"]
    assert look(data, *words, model=model) == 2
    told = said(capsys)
    assert "12 of 12 test images" in told and f"with {changed}" in told
    assert date in told and settings_hash(LITE) in told
    assert look(data, model="trained again") == 0  # to the same parameters
    assert f"measured on {date}, and not again" in capsys.readouterr().out
    assert measured == ["batch"]


def other_names(data: Path) -> Path:
    for folder in sorted(data.glob("*/*/*")):
        for file in sorted(folder.iterdir()):
            file.rename(file.with_name(f"x{file.name}"))
    category = sorted(data.iterdir())[0]
    category.rename(category.with_name("a_new_part"))
    return Path(data.rename(data.with_name("other parts")))


def archive(data: Path) -> Path:
    path = data.with_suffix(".zip")
    with zipfile.ZipFile(path, "w") as file:
        for one in data.rglob("*.png"):
            file.write(one, one.relative_to(data))
    return path


@pytest.mark.parametrize("disguise", [other_names, archive])
def test_the_same_images_are_known_under_any_name(
    data: Path, measured: list[str], disguise: Callable[[Path], Path]
) -> None:
    assert look(data) == 0
    same = disguise(data)
    assert look(same) == 0 and look(same, "--protocol", "single") == 2
    assert measured == ["batch"]


def a_part(data: Path) -> int:
    shutil.rmtree(sorted(data.iterdir())[1])
    return 6


def and_more(data: Path) -> int:
    write_dataset(data.parent / "new", UNSEEN_CATEGORIES[2:3], 1, 2, 2, seed=5, size=(64, 96))
    shutil.move(data.parent / "new" / UNSEEN_CATEGORIES[2], data)
    return 12


def one_among_others(data: Path) -> int:
    seen = next(data.glob("*/test/good/*"))
    write_dataset(data.parent / "new", UNSEEN_CATEGORIES[2:3], 1, 4, 2, seed=5, size=(64, 96))
    seen.rename(next((data.parent / "new").glob("*/test/good/*")))
    shutil.rmtree(data)
    (data.parent / "new").rename(data)
    return 1


def saved_anew(data: Path) -> int:
    for file in data.glob("*/test/*/*.png"):
        with Image.open(file) as image:
            larger = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).resize((144, 96))
        larger.save(file.with_suffix(".jpg"), quality=90)
        file.unlink()
    for masks in data.glob("*/ground_truth"):
        shutil.rmtree(masks)
    return 12


def another_label(data: Path) -> int:
    bad = next(f for f in sorted(data.glob("*/test/*/*.png")) if f.parent.name != "good")
    for mask in data.glob(f"*/ground_truth/{bad.parent.name}/{bad.stem}_mask.png"):
        mask.unlink()
    bad.rename(bad.parent.parent / "good" / "now_good.png")
    return 12


def another_mask(data: Path) -> int:
    mask = next(data.glob("*/ground_truth/*/*.png"))
    Image.fromarray(np.eye(64, 96, dtype=np.uint8) * 255).save(mask)
    return 12


@pytest.mark.parametrize(
    "change", [a_part, and_more, one_among_others, saved_anew, another_label, another_mask]
)
def test_a_choice_of_images_labels_or_masks_is_a_second_look(
    data: Path,
    measured: list[str],
    capsys: pytest.CaptureFixture[str],
    change: Callable[[Path], int],
) -> None:
    assert look(data) == 0
    n_seen = change(data)
    assert look(data) == 2
    told = said(capsys)
    assert f"{n_seen} of " in told and "with other images, labels or masks, would" in told
    assert measured == ["batch"]


def test_other_images_may_be_looked_at(data: Path, measured: list[str]) -> None:
    """Of the same materials, drawn from other seeds; with any settings."""
    assert look(data) == 0
    write_dataset(data.parent / "new", UNSEEN_CATEGORIES[:2], 1, 3, 3, seed=7, size=(64, 96))
    assert look(data.parent / "new", "--protocol", "single") == 0
    assert measured == ["batch", "single"]


def test_a_look_that_was_stopped_counts_and_may_only_be_finished(
    data: Path,
    measured: list[str],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(untouched, "evaluate", stop)
        assert look(data) == 130
    assert "only the same command may finish it" in capsys.readouterr().err
    assert look(data, "--protocol", "single") == 2
    assert "was begun on" in said(capsys) and measured == []
    assert look(data) == 0 and look(data) == 0
    assert measured == ["batch"]


def test_a_look_that_shows_nothing_is_taken_back(
    data: Path, records: Path, measured: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the audit finds that the model has seen an image."""

    def leak(*_: Any, **__: Any) -> None:
        raise LeakError("leak: it was trained on them")

    with monkeypatch.context() as patch:
        patch.setattr(untouched, "evaluate", leak)
        assert look(data) == 3
    assert list(records.glob("*.json")) == []
    assert look(data, "--protocol", "single") == 0 and measured == ["single"]


def test_the_numbers_are_on_record_before_they_are_shown(
    data: Path, records: Path, measured: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def shown(report: Any) -> str:
        (path,) = records.glob("*.json")
        assert json.loads(path.read_text())["report"] == report
        return "shown"

    monkeypatch.setattr(untouched.printed, "table", shown)
    assert look(data) == 0 and measured == ["batch"]


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def changed_by_hand(path: Path) -> None:
    path.write_text(path.read_text().replace('"image_auroc": 0.5', '"image_auroc": 0.9'))


@pytest.mark.parametrize("damage", [cut, changed_by_hand])
def test_a_damaged_record_is_no_licence(
    data: Path,
    records: Path,
    measured: list[str],
    capsys: pytest.CaptureFixture[str],
    damage: Callable[[Path], None],
) -> None:
    assert look(data) == 0
    (path,) = records.glob("*.json")
    damage(path)
    assert look(data) == 2
    told = said(capsys)
    assert f"{path} is damaged" in told and "backup" in told
    assert measured == ["batch"]


def test_where_nothing_can_be_written_nothing_is_measured(
    data: Path,
    records: Path,
    measured: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    records.parent.parent.mkdir()
    records.parent.write_text("a file where a folder should be")
    assert look(data) == 2
    assert "nothing can be written" in (told := said(capsys)) and "XDG_DATA_HOME" in told
    assert measured == []


def hold(records: Path, held: Any, done: Any) -> None:
    with one_look(records):
        held.set()
        done.wait(60)


def test_two_looks_at_once_are_one(
    data: Path, records: Path, measured: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    context = multiprocessing.get_context("fork")
    held, done = context.Event(), context.Event()
    other = context.Process(target=hold, args=(records, held, done))
    other.start()
    held.wait(60)
    assert look(data) == 2 and measured == []
    assert "another look" in said(capsys)
    done.set()
    other.join()
    assert look(data) == 0 and measured == ["batch"]


def no_defects(data: Path) -> None:
    for folder in data.glob("*/*/*"):
        if folder.name != "good":
            shutil.rmtree(folder)


def only_one_kind(data: Path) -> None:
    shutil.rmtree(sorted(data.iterdir())[0] / "test" / "good")


def no_labels(data: Path) -> None:
    for file in data.rglob("*.png"):
        file.rename(data / f"{abs(hash(file))}.png")


def not_an_image(data: Path) -> None:
    next(data.glob("*/test/good/*.png")).write_bytes(b"no image")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (no_defects, "of both kinds"),
        (only_one_kind, f"{sorted(UNSEEN_CATEGORIES[:2])[0]} has no test images of both kinds"),
        (no_labels, "has no good images"),
        (not_an_image, "image"),
        (shutil.rmtree, "parts"),
    ],
)
def test_what_cannot_be_measured_costs_no_look(
    data: Path,
    records: Path,
    measured: list[str],
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[Path], None],
    told: str,
) -> None:
    spoil(data)
    assert look(data) == 2
    assert told in said(capsys)
    assert not records.exists() and measured == []


@pytest.mark.parametrize(
    "words",
    [
        ["bench", "untouched"],
        ["bench", "untouched", "x", "--settings", "lite"],
        ["bench", "untouched", "x", "--trial"],
        ["bench", "untouched", "x", "--workers", "2"],
        ["bench", "untouched", "x", "--auxiliary", "official"],
        ["bench", "untouched", "x", "--protocol", "few-4"],
        ["bench", "speed", "x"],
        ["bench", "accuracy", "--model", "x"],
        ["bench", "accuracy", "--protocol", "single"],
        ["bench", "speed", "--packs", "x"],
        ["bench", "speed", "--settings", "full"],
        ["bench", "scaling", "--workers", "2"],
        ["bench", "scaling", "--device", "cpu"],
    ],
)
def test_words_that_do_not_go_together_are_refused(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    assert "untouched" in (last := said(capsys)) or "leave" in last


def test_images_are_told_by_what_they_show_and_how_they_are_sorted(data: Path) -> None:
    digest = identify(open_dataset(data)).digest
    assert identify(open_dataset(other_names(data))).digest == digest
    data = data.with_name("other parts")
    one, two = sorted(data.iterdir())
    moved = next((one / "test" / "good").iterdir())
    moved.rename(two / "test" / "good" / "moved.png")
    assert identify(open_dataset(data)).digest != digest
    with pytest.raises(CozadError, match="moved"):
        (two / "test" / "good" / "moved.png").write_bytes(b"")
        identify(open_dataset(data))
