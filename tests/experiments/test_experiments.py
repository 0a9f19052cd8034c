"""Lists of runs: what is missing is done, what is done is kept, and summaries say how sure."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import multiprocessing
import os
import signal
import struct
import subprocess
import time
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from cozad_book.experiments import bench as commands
from cozad_book.experiments import data as experiment_data
from cozad_book.experiments import models as experiment_models
from cozad_book.experiments import provenance, runner, summary
from cozad_book.experiments.data import auxiliary_hash, data_hash, open_data
from cozad_book.experiments.ledger import read_results, write_results
from cozad_book.experiments.left_out import left_out_target
from cozad_book.experiments.lists import EXPERIMENTS, experiment, run_settings
from cozad_book.experiments.plan import Experiment, Line
from cozad_book.experiments.provenance import settings_hash
from cozad_book.experiments.runner import Done, run_all
from cozad_book.experiments.summary import ledger_content, summarise
from cozad_book.experiments.toy import TOY, in_small
from cozad_book.experiments.variants import (
    AUXILIARY_VARIANTS,
    BACKBONE_VARIANTS,
    PAPER_VARIANTS,
    SCALE_VARIANTS,
    VARIANTS,
)
from cozad_teach.backbones import load_backbone
from cozad_teach.data.folders import Category, ImageFile, LabelledImage
from cozad_teach.data.images import read_image
from cozad_teach.errors import CozadError, LeakError
from cozad_teach.evaluation.category import Measured, measure
from cozad_teach.evaluation.methods import METHODS, suits
from cozad_teach.evaluation.metrics import image_auroc
from cozad_teach.evaluation.reports import Evaluation
from cozad_teach.evaluation.uncertainty.bootstrap import image_draws, resample
from cozad_teach.evaluation.uncertainty.intervals import (
    Spread,
    difference_interval,
    interval,
    over_seeds,
    spread,
)
from cozad_teach.settings import LITE, SETTINGS
from cozad_teach.training.auxiliary_images import DRAWN
from cozad_teach.training.meta_training import MetaStep

LABELS = np.repeat([0, 1], [12, 15])
SMALL = Experiment(
    question="Why?",
    data=("tiles", "wood"),
    protocols=("single", "batch"),
    methods=("cozad", "knn", "mutual"),
    seeds=(0, 1, 2),
    means={"both": ("tiles", "wood")},
)


def scores_of(line: Line, category: str) -> np.ndarray:
    """Scores that depend on the run; the images of a category are the same for all."""
    images = np.random.default_rng(len(category)).normal(size=27)
    own = np.random.default_rng(zlib.crc32(repr(line).encode())).normal(size=27)
    strength = {"cozad": 1.5, "knn": 0.8}.get(line.method, 1.0)
    return images + 0.5 * own + strength * LABELS


def fake_evaluation(line: Line) -> Evaluation:
    measured: dict[str, Measured] = {}
    for category in ("oak", "walnut") if line.data == "wood" else ("tile",):
        masks = maps = None
        if line.data == "wood":
            masks = [np.eye(5, 7, dtype=bool) if label else None for label in LABELS]
            maps = [
                s + np.random.default_rng(0).normal(size=(5, 7)) for s in scores_of(line, category)
            ]
        measured[category] = measure(
            scores_of(line, category), LABELS, maps, masks, n_resamples=200
        )
    rows = {
        name: {
            "n_normal": 12,
            "n_anomalous": 15,
            **m.row(),
            "at_threshold": {"f1": 0.123456789},
            "calibration_error": 0.1,
        }
        for name, m in measured.items()
    }
    proof = {
        "uses": [{"purpose": "weights", "labels": True, "images": 3, "digest": "d" * 64}],
        "support": {"images": 0, "digest": "e" * 64},
        "test": {"images": 27, "digest": "f" * 64},
        "leaks": [],
        "copies_within_test": [["a", "b", "c"]],
        "passed": True,
        "skipped": ["x"],
    }
    mean = {m: None for m in summary.METRICS} | {"intervals": {"image_auroc": [0.1, 0.9]}}
    mean["image_auroc"] = float(np.mean([m.values["image_auroc"] for m in measured.values()]))
    report = {
        "method": line.method,
        "categories": rows,
        "mean": mean,
        "calibration": {"threshold": 1.23456789},
        "seconds": {"fit": 0.0},
        "peak_memory_mb": 1.0,
        "leaks": dict.fromkeys(measured, proof),
    }
    return Evaluation(report, measured)


@dataclasses.dataclass
class FakeCalibrated:
    model: Any

    def shared_with(self, model: Any) -> FakeCalibrated:
        return FakeCalibrated(model)


@dataclasses.dataclass
class FakeFeatures:
    calibrated_model: FakeCalibrated
    dataset: Any

    def shared_with(self, calibrated_model: FakeCalibrated) -> FakeFeatures:
        return FakeFeatures(calibrated_model, self.dataset)


@dataclasses.dataclass
class FakeModel:
    settings: Any
    seed: int
    uses: tuple = ()
    samples: tuple = ()
    backbone: Any = dataclasses.field(
        default_factory=lambda: SimpleNamespace(weights_digest="w" * 64)
    )
    trained_on: str = "a card"
    history: tuple = (MetaStep(0.5, 0.25, 0.1),)

    @property
    def feature_mean(self) -> torch.Tensor:
        return torch.tensor([float(self.seed)])

    feature_std = feature_mean


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    return fake_world(monkeypatch)


def fake_world(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Training and evaluation that take no time, and what they were asked to do."""
    asked = SimpleNamespace(
        **{"weights": [], "read": [], "trained": [], "auxiliary": [], "checkpoints": []},
        **{"settings": [], "runs": [], "scored": []},
    )

    def train(settings: Any, seed: int, **others: Any) -> FakeModel:
        asked.trained.append(seed)
        asked.auxiliary.append((others["auxiliary"], others["leave_out"]))
        asked.checkpoints.append(others["checkpoint"])
        asked.settings.append(settings)
        asked.weights.append(others["weights"])
        return FakeModel(settings, seed)

    def evaluate(
        model: Any, dataset: Any, protocol: str, method: str, *, data: str, seed: int, **_: Any
    ) -> Evaluation:
        assert model.seed == seed
        line = Line("lite", seed, data, protocol, method)
        asked.runs.append(line)
        asked.scored.append(model.settings)
        return fake_evaluation(line)

    def read(calibrated_model: FakeCalibrated, dataset: Any) -> FakeFeatures:
        asked.read.append(calibrated_model.model.settings)
        return FakeFeatures(calibrated_model, dataset)

    monkeypatch.setattr(experiment_models, "train", train)
    monkeypatch.setattr(runner, "evaluate", evaluate)
    monkeypatch.setattr(experiment_models, "CalibratedModel", FakeCalibrated)
    monkeypatch.setattr(experiment_models, "TargetFeatures", read)
    monkeypatch.setattr(
        runner, "open_data", lambda name, packs=None: {name: Category(name, (), ())}
    )
    return asked


# Lists


def test_a_list_is_every_combination_that_suits() -> None:
    runs = SMALL.lines()
    assert len(runs) == 3 * 2 * (2 + 3) == len(set(runs))
    assert Line("lite", 0, "tiles", "single", "mutual") not in runs
    assert [line.seed for line in runs] == sorted(line.seed for line in runs)
    for name, one in EXPERIMENTS.items():
        assert all(suits(line.method, line.protocol) for line in one.lines()), name
        assert set(one.methods) <= {*METHODS, *VARIANTS}
        assert all(set(members) <= set(one.data) for members in one.means.values())
    with pytest.raises(CozadError, match="unknown experiment 'magic': choose first_result"):
        experiment("magic")


def test_each_run_is_done_once_with_one_model_for_each_seed(
    world: SimpleNamespace, tmp_path: Path
) -> None:
    done = run_all(SMALL.lines(), folder=tmp_path)
    assert [one.line for one in done] == SMALL.lines() == world.runs
    assert world.trained == [0, 1, 2]
    again = run_all(SMALL.lines(), folder=tmp_path)
    assert len(world.runs) == 30 and world.trained == [0, 1, 2]
    assert ledger_content("cozad bench trial", SMALL, again) == ledger_content(
        "cozad bench trial", SMALL, done
    )


def test_a_stopped_list_goes_on_where_it_was(world: SimpleNamespace, tmp_path: Path) -> None:
    run_all(SMALL.lines()[:13], folder=tmp_path)
    assert len(world.runs) == 13
    run_all(SMALL.lines(), folder=tmp_path)
    assert world.runs == SMALL.lines()
    assert world.trained == [0, 1, 1, 2]


@pytest.mark.parametrize("damage", ["cut", "emptied", "changed", "text", "folder", "pipe", "huge"])
def test_a_damaged_run_is_done_again(
    world: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    runs = SMALL.lines()[:2]
    done = run_all(runs, folder=tmp_path)
    victim = sorted(tmp_path.iterdir())[0]
    content = bytearray(victim.read_bytes())
    if damage == "cut":
        victim.write_bytes(content[:-30])
    elif damage == "emptied":
        victim.write_bytes(b"")
    elif damage == "changed":
        content[len(content) // 2] ^= 0xFF
        victim.write_bytes(content)
    elif damage == "text":
        np.savez_compressed(victim, text=np.array("[" * 100_000))
    elif damage == "huge":
        # An array of 4 EiB, by its own account.
        header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (2**60,), }"
        header = header.replace(b"2**60", str(2**60).encode()).ljust(117) + b"\n"
        with zipfile.ZipFile(victim, "w") as file:
            file.writestr("text.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", 118) + header)
    else:
        victim.unlink()
        victim.mkdir() if damage == "folder" else os.mkfifo(victim)
    if damage in ("folder", "pipe"):
        # What is no file is not replaced either: that has a sentence of its own.
        with contextlib.suppress(CozadError):
            run_all(runs, folder=tmp_path)
    else:
        again = run_all(runs, folder=tmp_path)
        for one, was in zip(again, done, strict=True):
            assert (one.line, one.report, one.degrees) == (was.line, was.report, was.degrees)
            assert one.draws.keys() == was.draws.keys()
    assert len(world.runs) == 3
    assert capsys.readouterr().err.count(f"{victim.name} is damaged: this run is done again") == 1


def test_variants_train_only_where_their_change_concerns_training(world: SimpleNamespace) -> None:
    methods = ("cozad", "no weights", "one mean")
    both = dataclasses.replace(SMALL, methods=methods, seeds=(4,), protocols=("batch",))
    done = run_all(both.lines(), folder=None)
    assert [one.line.method for one in done] == [*methods, *methods]
    assert world.settings == [LITE, dataclasses.replace(LITE, weights="none")]
    changed = [LITE, world.settings[1], dataclasses.replace(LITE, by_place=False)]
    assert world.scored == changed * 2
    assert {line.method for line in world.runs} == {"cozad"}
    hashes = [one.report["made_with"]["settings_hash"] for one in done]
    assert hashes == [settings_hash(one) for one in changed] * 2


def test_variants_are_trained_on_their_auxiliary_images(
    world: SimpleNamespace, tmp_path: Path
) -> None:
    for pack in ("mvtec_aux5", "dtd10_textures"):
        (tmp_path / f"{pack}.zip").write_bytes(pack.encode())
    names = ("cozad", "photographs", "textures", "all")
    runs = [Line("lite", 0, data, "batch", name) for data in ("tiles", "wood") for name in names]
    done = run_all(runs, packs=tmp_path)
    photographs, textures = (str(tmp_path / f"{p}.zip") for p in ("mvtec_aux5", "dtd10_textures"))
    asked = [None, [photographs], [textures], ["drawn", textures, photographs]]
    assert world.auxiliary == [(what, None) for what in asked]  # once for both data sets
    packs = [set(one.report["made_with"].get("auxiliary", ())) for one in done[:4]]
    assert packs == [set(), {"mvtec_aux5"}, {"dtd10_textures"}, {"mvtec_aux5", "dtd10_textures"}]


def test_a_run_is_done_anew_where_its_auxiliary_images_have_changed(
    world: SimpleNamespace, tmp_path: Path
) -> None:
    pack, kept = tmp_path / "mvtec_aux5.zip", tmp_path / "kept"
    runs = [Line("lite", 0, "tiles", "batch", name) for name in ("cozad", "photographs")]
    for content, n_runs in ((b"1", 2), (b"1", 2), (b"other", 3)):
        pack.write_bytes(content)
        auxiliary_hash.cache_clear()
        run_all(runs, packs=tmp_path, folder=kept)
        assert len(world.runs) == n_runs


def test_images_are_read_once_for_each_backbone_and_size(
    world: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(experiment_models, "build_folder", lambda: tmp_path)
    methods = ("cozad", "no weights", *SCALE_VARIANTS, *BACKBONE_VARIANTS, "0 adaptation steps")
    lines = [
        Line("lite", 0, data, "batch", method) for data in ("tiles", "wood") for method in methods
    ]
    runner.run_all(lines)
    read = [(settings.backbone, settings.image_size) for settings in world.read]
    lite0, lite2 = "tf_efficientnet_lite0", "tf_efficientnet_lite2"
    once = [(lite0, 224), (lite2, 224), (lite0, 320), (lite2, 320), (lite0, 224)]
    assert read == 2 * once  # the last one with random weights
    assert len(set(map(str, filter(None, world.weights)))) == 1
    assert world.weights.count(None) == 2 + len(SCALE_VARIANTS)


def test_a_random_backbone_depends_on_the_seed_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(experiment_models, "build_folder", lambda: tmp_path)
    before = torch.get_rng_state()
    experiment_models.random_weights("tf_efficientnet_lite0", 0)
    assert torch.equal(torch.get_rng_state(), before)
    digests = []
    for seed in (0, 1, 0):
        path = experiment_models.random_weights("tf_efficientnet_lite0", seed)
        digests.append(load_backbone(weights=path).weights_digest)
    zero, one, again = digests
    assert zero == again != one
    assert load_backbone().weights_digest not in (zero, one)


def test_an_experiment_may_be_trained_on_other_images(
    world: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mvtec_aux5.zip").write_bytes(b"")
    monkeypatch.setattr(commands, "build_folder", lambda: tmp_path / "build")
    monkeypatch.setitem(EXPERIMENTS, "trial", dataclasses.replace(SMALL, seeds=(0,)))
    for auxiliary in ("photographs", "drawn"):
        path = commands.bench("trial", auxiliary=auxiliary, packs=tmp_path, folder=tmp_path)
    assert path.name == "trial.json"
    found = read_results("trial_photographs", tmp_path).content
    assert found["command"] == "cozad bench trial --auxiliary photographs"
    assert found["trainings"] == [
        {
            **{"seed": 0, "trained_on": "a card", "auxiliary": ["mvtec_aux5"], "seconds": 0.0},
            **{"memory_mb": 1.0, "losses": [[0.5, 0.25, 0.1]]},
        }
    ]
    assert read_results("trial", tmp_path).content["trainings"][0]["auxiliary"] == ["drawn"]
    # Neither takes a run, or the state of a training, for the other's.
    assert [what for what, _ in world.auxiliary] == [[str(tmp_path / "mvtec_aux5.zip")], None]
    assert len(set(world.checkpoints)) == 2
    assert all(path.parent == tmp_path / "build/runs/checkpoints" for path in world.checkpoints)
    for auxiliary in ("none such", "none"):
        with pytest.raises(CozadError, match=f"auxiliary data '{auxiliary}': choose drawn"):
            commands.bench("trial", auxiliary=auxiliary, folder=tmp_path)


def test_a_training_that_was_stopped_goes_on_from_its_own_state(
    world: SimpleNamespace, tmp_path: Path
) -> None:
    methods = ("cozad", "no weights", "one mean")
    runs = dataclasses.replace(SMALL, methods=methods, protocols=("batch",)).lines()
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt), pytest.MonkeyPatch.context() as patch:
            patch.setattr(runner, "evaluate", _stop)
            run_all(runs, folder=tmp_path)
    assert world.checkpoints[0] == world.checkpoints[1] is not None
    run_all(runs, folder=tmp_path)
    assert len(set(world.checkpoints)) == 2 * len(SMALL.seeds)  # the last method trains none
    world.checkpoints.clear()
    run_all(runs, folder=None)
    assert set(world.checkpoints) == {None}


def _stop(*_: Any, **__: Any) -> Evaluation:
    raise KeyboardInterrupt


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_experiment_can_be_made_small(name: str) -> None:
    small = in_small(EXPERIMENTS[name])
    lines = small.lines()
    assert 0 < len(lines) <= 6 and {line.settings for line in lines} == {"toy"}
    assert {line.data for line in lines} <= {"toy", "toy-10"}
    assert {line.method for line in lines} == set(small.methods)
    assert run_settings("toy", "cozad") == TOY
    for line in lines:
        found = run_settings("toy", line.method)
        assert (found.name, found.image_size, found.meta_steps) <= ("toy", 64, 2)
        assert found.patches_per_image <= 6 and found.inner_steps <= 2
    assert all({*pair} <= {*small.methods} for pair in small.pairs)


def test_the_hash_of_code_leaves_out_what_is_there_and_no_part_of_the_method() -> None:
    package, book = experiment_data._PACKAGE, Path(experiment_data.__file__).parent
    without = set(experiment_data._NOT_METHOD)
    assert without <= {path.name for folder in (package, book) for path in folder.rglob("*")}
    files = {path.relative_to(package) for path in package.rglob("*.py")}
    left_out = {path.as_posix() for path in files if {*path.parts} & without}
    assert left_out == {path.as_posix() for path in files if path.parts[0] == "cli"} | {
        "evaluation/memory.py"
    }


def test_a_toy_is_no_entry_of_the_ledger(
    world: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "build_folder", lambda: tmp_path / "build")
    monkeypatch.setattr(commands, "results_folder", lambda: tmp_path / "results")
    monkeypatch.setattr(commands, "current_commit", lambda: "0123456789ab")
    monkeypatch.setitem(EXPERIMENTS, "trial", SMALL)
    assert commands.bench("trial", "toy") == tmp_path / "build" / "trials" / "trial_toy.json"


def test_toy_images_are_few_and_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(experiment_data, "build_folder", lambda: tmp_path)
    (category,) = open_data("toy").values()
    kinds = [item.is_anomalous for item in category.test]
    assert (len(kinds), sum(kinds)) == (15, 6) and len(category.train_good) == 8
    assert read_image(category.test[0].image).shape == (TOY.image_size, TOY.image_size, 3)
    (part,) = open_data("toy-20").values()
    assert [item.is_anomalous for item in part.test].count(True) == 2 and len(part.test) == 10


def test_what_is_left_out_is_not_trained_on(world: SimpleNamespace, tmp_path: Path) -> None:
    (tmp_path / "mvtec_aux5.zip").write_bytes(b"")
    runs = [Line("lite", 0, f"left out: {c}", "batch", "cozad") for c in ("pill", "bottle")]
    run_all(runs, packs=tmp_path)
    place = [str(tmp_path / "mvtec_aux5.zip")]
    assert world.auxiliary == [(place, "pill"), (place, "bottle")]


def test_a_left_out_category_is_a_target_of_all_of_its_images() -> None:
    def files(folder: str, n: int) -> tuple[ImageFile, ...]:
        return tuple(ImageFile(f"{folder}/{i}.png", bytes) for i in range(n))

    good, bad = files("test/good", 4), files("test/cut", 90)
    test = (
        *(LabelledImage(file, "good", None) for file in good),
        *(LabelledImage(file, "cut", file) for file in bad),
    )
    found = left_out_target(Category("leather", files("train/good", 100), test))
    assert found.train_good == () and len(found.test) == 40 + 60
    names = [item.image.name for item in found.test if not item.is_anomalous]
    assert names[0] == "test/good/0.png" and names[-1] == "train/good/99.png"
    assert len({item.image.name for item in found.test}) == 100
    few = left_out_target(Category("pill", (), test[2:10]))
    assert [item.image.name for item in few.test] == [item.image.name for item in test[2:10]]


def test_pairs_of_an_experiment_are_compared(world: SimpleNamespace) -> None:
    compared = dataclasses.replace(SMALL, pairs=(("mutual", "knn"),))
    runs = [line for line in compared.lines() if line.protocol == "batch"]
    found = summarise(compared, run_all(runs))["differences"]
    pairs = {(row["method"], row["other"]) for row in found}
    assert pairs == {("cozad", "knn"), ("cozad", "mutual"), ("mutual", "knn")}
    value = {
        (row["method"], row["other"]): row["values"]["image_auroc"][0]
        for row in found
        if row["data"] == "tiles"
    }
    direct = value["cozad", "knn"] - value["cozad", "mutual"]
    assert value["mutual", "knn"] == pytest.approx(direct, abs=2e-5)


@pytest.mark.parametrize("commit", [None, "0123456789ab+"])
def test_the_ledger_takes_nothing_from_changed_files(
    world: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commit: str | None
) -> None:
    monkeypatch.setattr(commands, "current_commit", lambda: commit)
    monkeypatch.setattr(commands, "build_folder", lambda: tmp_path / "build")
    monkeypatch.setattr(commands, "results_folder", lambda: tmp_path / "results")
    monkeypatch.setitem(EXPERIMENTS, "trial", SMALL)
    with pytest.raises(CozadError, match="commit them, or try things out with --trial"):
        commands.bench("trial")
    assert not world.runs and not list(tmp_path.iterdir())
    assert commands.bench("trial", trial=True) == tmp_path / "build" / "trials" / "trial.json"
    monkeypatch.setattr(commands, "current_commit", lambda: "0123456789ab")
    assert commands.bench("trial") == tmp_path / "results" / "trial.json"


def test_a_changed_checkout_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "cozad_teach"
    package.mkdir()
    place = tmp_path / "book" / "cozad_book" / "experiments"
    place.mkdir(parents=True)
    monkeypatch.setattr(provenance, "__file__", str(place / "provenance.py"))
    assert provenance.current_commit() is None
    with monkeypatch.context() as patch:
        patch.setenv("COZAD_COMMIT", "0123456789ab")
        assert provenance.current_commit() == "0123456789ab"
        patch.setenv("COZAD_COMMIT", "")
        assert provenance.current_commit() is None
    (package / "a.py").write_text("")

    def git(*words: str) -> None:
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True)

    monkeypatch.chdir(tmp_path)
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "a"]):
        git(*words)
    commit = provenance.current_commit()
    assert commit and len(commit) == 12
    (tmp_path / "notes.txt").write_text("no part of the package")
    assert provenance.current_commit() == commit
    (tmp_path / "book" / "results").mkdir(parents=True)
    stored = tmp_path / "book" / "results" / "trial.json"
    for content in ("{}", '{"other": 1}'):
        stored.write_text(content)
        assert provenance.current_commit() == commit
        git("add", "book")
        assert provenance.current_commit() == commit  # one experiment does not stop the next
    (package / "new.py").write_text("")
    assert provenance.current_commit() == commit + "+"
    git("add", "-A")
    assert provenance.current_commit() == commit + "+"


def test_every_variant_changes_something() -> None:
    hashes = {
        name: settings_hash(run_settings("lite", name))
        for name in ("cozad", *VARIANTS)
        if name == "none"
        or name not in {**AUXILIARY_VARIANTS, **PAPER_VARIANTS, **BACKBONE_VARIANTS}
    }
    others = {name: (v.auxiliary, str(v.changes)) for name, v in AUXILIARY_VARIANTS.items()}
    assert DRAWN not in [auxiliary for auxiliary, _ in others.values()]
    assert len(set(others.values())) == len(others)
    # Some differ in when the change is made: before training, or after it.
    for before, after in (
        ("no inner loop", "0 adaptation steps"),
        ("no weights", "equal weights"),
    ):
        assert hashes.pop(before) == hashes.pop(after)
    assert len(set(hashes.values())) == len(hashes)


def test_without_a_folder_nothing_is_kept(world: SimpleNamespace, tmp_path: Path) -> None:
    run_all(SMALL.lines()[:2], folder=None)
    run_all(SMALL.lines()[:2], folder=None)
    assert len(world.runs) == 4 and not list(tmp_path.iterdir())


@pytest.mark.parametrize("what", ["settings", "data", "code", "weights"])
def test_runs_of_other_settings_data_or_code_are_done_anew(
    world: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    runs = SMALL.lines()[:1]
    run_all(runs, folder=tmp_path)
    if what == "settings":
        other = dataclasses.replace(LITE, gamma=2.0)
        monkeypatch.setitem(SETTINGS, "lite", other)
        assert settings_hash(other) != settings_hash(LITE)
    elif what == "data":
        monkeypatch.setattr(runner, "data_hash", lambda dataset: "other")
    elif what == "code":
        monkeypatch.setattr(runner, "code_hash", lambda: "other")
    weights = None
    if what == "weights":
        weights = tmp_path / "other.pth"
        weights.write_bytes(b"other weights")
    run_all(runs, folder=tmp_path, weights=weights)
    assert len(world.runs) == 2


def test_a_leak_keeps_nothing_of_its_run(
    world: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good: Callable[..., Evaluation] = runner.evaluate

    def evaluate(*args: Any, **options: Any) -> Evaluation:
        if options["seed"] == 1:
            raise LeakError("leak: planted")
        return good(*args, **options)

    monkeypatch.setattr(runner, "evaluate", evaluate)
    with pytest.raises(LeakError):
        run_all(SMALL.lines(), folder=tmp_path)
    assert len(list(tmp_path.iterdir())) == 10
    with pytest.raises(LeakError):
        bench_into(tmp_path / "ledger", tmp_path, monkeypatch)
    assert not (tmp_path / "ledger").exists()


def bench_into(
    ledger: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, settings: str | None = None
) -> Path:
    monkeypatch.setattr(commands, "build_folder", lambda: folder / "build")
    monkeypatch.setitem(EXPERIMENTS, "trial", SMALL)
    return commands.bench("trial", settings, folder=ledger)


@pytest.mark.parametrize(
    ("settings", "name", "command"),
    [("lite", "trial", "trial"), ("full", "trial_full", "trial --settings full")],
)
def test_other_settings_than_its_own_give_an_experiment_another_name(
    world: SimpleNamespace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: str,
    name: str,
    command: str,
) -> None:
    path = bench_into(tmp_path, tmp_path, monkeypatch, settings)
    assert path == tmp_path / f"{name}.json"
    content = read_results(name, tmp_path).content
    assert content["command"] == f"cozad bench {command}"
    assert content["made_with"]["settings"] == settings


def test_an_experiment_may_be_made_for_the_full_settings(
    world: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "build_folder", lambda: tmp_path / "build")
    monkeypatch.setitem(EXPERIMENTS, "full", dataclasses.replace(SMALL, settings="full"))
    assert commands.bench("full", folder=tmp_path) == tmp_path / "full.json"
    content = read_results("full", tmp_path).content
    assert content["command"] == "cozad bench full"
    assert content["made_with"]["settings"] == "full"


def _endless(folder: Path) -> None:
    """Runs in a process of its own, which is killed."""

    def slow(*args: Any, **options: Any) -> Evaluation:
        time.sleep(0.05)
        return fake_evaluation(Line("lite", options["seed"], options["data"], args[2], args[3]))

    runner.train = lambda *a, **k: FakeModel(*a)  # type: ignore
    runner.evaluate = slow  # type: ignore[assignment]
    runner.CalibratedModel = FakeCalibrated  # type: ignore
    runner.TargetFeatures = FakeFeatures  # type: ignore
    runner.open_data = lambda n, p=None: {n: Category(n, (), ())}  # type: ignore
    run_all(SMALL.lines(), folder=folder)


def test_killed_in_the_middle_it_leaves_whole_runs_only(
    world: SimpleNamespace, tmp_path: Path
) -> None:
    process = multiprocessing.get_context("fork").Process(target=_endless, args=(tmp_path,))
    process.start()
    while len(list(tmp_path.glob("*.npz"))) < 3:
        assert process.is_alive()
        time.sleep(0.01)
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    kept = len(list(tmp_path.glob("*.npz")))
    assert 3 <= kept < 30
    done = run_all(SMALL.lines(), folder=tmp_path)
    assert len(done) == 30 and len(world.runs) == 30 - kept


# Data


def test_the_hash_of_data_changes_with_any_image_and_not_with_the_container(
    tmp_path: Path,
) -> None:
    from cozad_teach.data.drawn.textures import UNSEEN_CATEGORIES, write_dataset
    from cozad_teach.data.folders import open_dataset

    write_dataset(tmp_path / "a", UNSEEN_CATEGORIES[:1], 1, 1, 1, seed=0, size=(32, 40))
    first = data_hash(open_dataset(tmp_path / "a"))
    assert len(first) == 16 and first == data_hash(open_dataset(tmp_path / "a"))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for file in (tmp_path / "a").rglob("*.png"):
            archive.write(file, file.relative_to(tmp_path / "a"))
    assert data_hash(open_dataset(tmp_path / "a.zip")) == first
    for pattern in ("train/good/*.png", "test/good/*.png", "ground_truth/*/*.png"):
        image = next((tmp_path / "a").rglob(pattern))
        content = image.read_bytes()
        image.write_bytes(content + b"\0")
        assert data_hash(open_dataset(tmp_path / "a")) != first, pattern
        image.write_bytes(content)
    assert data_hash(open_dataset(tmp_path / "a")) == first
    image.unlink()
    assert data_hash(open_dataset(tmp_path / "a")) != first


def test_missing_packs_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COZAD_PACKS", raising=False)
    with pytest.raises(CozadError, match="name their folder with --packs"):
        open_data("magnetic_tile")
    with pytest.raises(CozadError, match=r"there is no magnetic_tile\.zip in"):
        open_data("magnetic_tile", tmp_path)


# Summaries


def lookup(rows: list[dict], **wanted: str) -> dict:
    (found,) = [row for row in rows if all(row[key] == value for key, value in wanted.items())]
    return found


@pytest.fixture
def done(world: SimpleNamespace) -> list[Done]:
    return run_all(SMALL.lines(), folder=None)


def test_results_are_means_over_seeds_and_categories_by_loops(done: list[Done]) -> None:
    found = summarise(SMALL, done)
    row = lookup(found["results"], data="wood", protocol="batch", method="knn")
    assert (row["seeds"], row["images"]) == (3, 54)
    values = [
        [
            image_auroc(scores_of(Line("lite", s, "wood", "batch", "knn"), c), LABELS)
            for s in range(3)
        ]
        for c in ("oak", "walnut")
    ]
    value, low, high = row["values"]["image_auroc"]
    assert value == pytest.approx(np.mean(values), abs=1e-5)
    assert row["categories"]["oak"]["image_auroc"][0] == pytest.approx(np.mean(values[0]), abs=1e-5)
    weights = resample(LABELS, 200)
    variances = []
    for category in ("oak", "walnut"):
        draws = [
            image_draws(
                scores_of(Line("lite", s, "wood", "batch", "knn"), category), LABELS, weights
            )
            for s in range(3)
        ]
        mean = np.mean([d["image_auroc"] for d in draws], axis=0)
        variances.append(spread(mean, LABELS).variance / 4)
    of_seeds = np.var(np.mean(values, axis=0), ddof=1) / 3
    degrees = (sum(variances) + of_seeds) ** 2 / (
        sum(v**2 / 11 for v in variances) + of_seeds**2 / 2
    )
    expected = interval(value, Spread(sum(variances) + of_seeds, degrees))
    assert (low, high) == pytest.approx(expected, abs=2e-4)


def test_differences_are_paired(done: list[Done]) -> None:
    found = summarise(SMALL, done)
    row = lookup(found["differences"], data="tiles", protocol="batch", other="knn")
    ours, theirs = (
        lookup(found["results"], data="tiles", protocol="batch", method=m)["values"]["image_auroc"]
        for m in ("cozad", "knn")
    )
    value, low, high = row["values"]["image_auroc"]
    assert value == pytest.approx(ours[0] - theirs[0], abs=2e-5)
    unpaired = np.hypot(ours[2] - ours[1], theirs[2] - theirs[1])
    assert 0 < high - low < unpaired
    by_seed, draws = [], []
    weights = resample(LABELS, 200)
    for seed in range(3):
        scores = [
            scores_of(Line("lite", seed, "tiles", "batch", m), "tile") for m in ("cozad", "knn")
        ]
        by_seed.append(image_auroc(scores[0], LABELS) - image_auroc(scores[1], LABELS))
        both = [image_draws(s, LABELS, weights)["image_auroc"] for s in scores]
        draws.append(both[0] - both[1])
    spread_of = over_seeds(by_seed, spread(np.mean(draws, axis=0), LABELS))
    assert (low, high) == pytest.approx(difference_interval(value, spread_of), abs=3e-4)
    assert {r["other"] for r in found["differences"] if r["protocol"] == "single"} == {"knn"}


def test_means_over_data_sets_leave_out_what_a_set_lacks(done: list[Done]) -> None:
    """`tiles` has no masks: image metrics are means of both sets, pixel metrics those of `wood`."""
    results = summarise(SMALL, done)["results"]
    tiles, wood, both = (
        lookup(results, data=d, protocol="batch", method="cozad") for d in ("tiles", "wood", "both")
    )
    mean = (tiles["values"]["image_auroc"][0] + wood["values"]["image_auroc"][0]) / 2
    assert both["values"]["image_auroc"][0] == pytest.approx(mean, abs=2e-5)
    assert both["images"] == 81
    assert "pixel_auroc" not in tiles["values"]
    assert both["values"]["pixel_auroc"] == wood["values"]["pixel_auroc"]
    assert both["sets"]["image_auroc"] == 2 and both["sets"]["pixel_auroc"] == 1
    assert "pixel_f1max" not in wood["values"]
    assert "categories" not in both and "categories" not in tiles


def test_the_ledger_keeps_each_run_with_its_provenance_and_proof(
    world: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = bench_into(tmp_path / "ledger", tmp_path, monkeypatch)
    results = read_results("trial", tmp_path / "ledger")
    content = results.content
    assert path == tmp_path / "ledger" / "trial.json"
    assert content["command"] == "cozad bench trial"
    assert [(r["seed"], r["data"], r["protocol"], r["method"]) for r in content["runs"]] == [
        line[1:] for line in SMALL.lines()
    ]
    run = content["runs"][0]
    assert run["made_with"]["settings_hash"] == settings_hash(LITE)
    kept = {"commit", "code", "data_hash", "backbone_weights", "torch", "python", "hardware"}
    assert kept | {"trained_on"} <= set(run["made_with"])
    assert run["leaks"] == {
        "passed": True,
        "uses": [{"purpose": "weights", "labels": True, "images": 3, "digest": "d" * 16}],
        "categories": {
            "tile": {
                "test": {"images": 27, "digest": "f" * 16},
                "support": {"images": 0, "digest": "e" * 16},
                "leaks": 0,
                "copies_within_test": 2,
                "skipped": 1,
                "independence": None,
            }
        },
    }
    assert run["categories"]["tile"]["at_threshold"] == {"f1": 0.12346}
    assert results.value("cozad", "batch", "image_auroc", "tiles") == pytest.approx(
        results.interval("cozad", "batch", "image_auroc", "tiles")[0]
    )
    with pytest.raises(CozadError, match="no aupro of cozad under batch on tiles"):
        results.value("cozad", "batch", "aupro", "tiles")
    # One line for each entry: a change of one result is a change of one line.
    lines = path.read_text().splitlines()
    for key in ("results", "differences", "runs"):
        for entry in content[key]:
            text = json.dumps(entry, ensure_ascii=False, separators=(",", ":"))
            assert text in lines or f"{text}," in lines
    assert len(lines) < sum(len(content[key]) for key in ("results", "differences", "runs")) + 20


# The check


def test_the_check_does_runs_again_and_names_what_differs(
    world: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cozad_book.experiments.ledger.results_folder", lambda: tmp_path)
    bench_into(tmp_path, tmp_path, monkeypatch)
    n = len(world.runs)
    said = commands.check("trial", 4)
    assert said == (
        "4 values of 4 runs lie within their stored intervals; the largest change is 0.00000"
    )
    assert len(world.runs) == n + 4
    content = read_results("trial").content
    for limits in ([0.0, 0.01], [0.999, 1.0]):
        for run in content["runs"]:
            run["intervals"]["image_auroc"] = limits
        write_results("trial", content, tmp_path)
        with pytest.raises(CozadError, match=r"2 of 2 values differ from the ledger.*image_auroc"):
            commands.check("trial", 2)
    for run in content["runs"]:
        run["intervals"] = {}
    write_results("trial", content, tmp_path)
    with pytest.raises(CozadError, match="have no interval to compare with"):
        commands.check("trial", 2)
    content["runs"].pop()
    write_results("trial", content, tmp_path)
    with pytest.raises(CozadError, match="the list of trial has changed"):
        commands.check("trial", 2)
    with pytest.raises(CozadError, match="no runs of speed that could be done again: choose first"):
        commands.check("speed", 2)
