"""The command line: whole jobs, and one clear line with exit code 2 for every wrong input."""

from __future__ import annotations

import csv
import functools
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from processes import start_python

from cozad_book.experiments import untouched
from cozad_book.experiments.ledger import read_results
from cozad_teach import __version__
from cozad_teach.cli.main import main
from cozad_teach.cozad import CoZAD
from cozad_teach.data.drawn.textures import UNSEEN_CATEGORIES, write_dataset
from cozad_teach.data.folders import open_dataset
from cozad_teach.data.identity.copy_lists import Audit
from cozad_teach.data.identity.fingerprints import Fingerprints
from cozad_teach.data.identity.uses import Use
from cozad_teach.evaluation import reports
from cozad_teach.evaluation.calibrated_model import CalibratedModel
from cozad_teach.evaluation.methods import Run
from cozad_teach.models.saved import load_model, save_model
from fetching.audit import audit_sets, write_audit

NAME = UNSEEN_CATEGORIES[0]


@pytest.fixture(scope="module")
def model_file(trained: CoZAD, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    save_model(trained, path)
    return str(path)


@pytest.fixture(autouse=True)
def drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """All models here are one: what their thresholds are chosen on is drawn by the first test."""
    monkeypatch.setattr(reports, "CalibratedModel", _calibrated)


@functools.cache
def _first(image_size: int, seed: int) -> list[CalibratedModel]:
    return []


def _calibrated(model: CoZAD, *, progress: bool) -> CalibratedModel:
    drawn = _first(model.settings.image_size, model.seed)
    drawn.append(CalibratedModel(model, progress=progress))
    return drawn[0].shared_with(model)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    root = tmp_path / "textures"
    write_dataset(root, [NAME], n_train=4, n_normal=3, n_anomalous=3, seed=0, size=(64, 96))
    return root


def first(folder: Path) -> Path:
    return sorted(folder.iterdir())[0]


def fails(capsys: pytest.CaptureFixture[str], arguments: list[str], code: int = 2) -> str:
    """Run a command that must fail with one line on standard error; give that line."""
    assert main(arguments) == code
    captured = capsys.readouterr()
    # On a slow machine there are progress bars before it, which end in a unit of time.
    lines = [
        line
        for line in captured.err.splitlines()
        if line.strip() and not re.search(r"(it|s|step|image|category)(/s)?\]$", line)
    ]
    assert captured.out == ""
    assert len(lines) == 1, captured.err
    assert lines[0].startswith("cozad: error: ")
    return lines[0]


def test_evaluate_writes_the_report_and_prints_a_table(
    model_file: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "metrics.json"
    for protocol, method in [("batch", "cozad"), ("few-4", "knn"), ("single", "mahalanobis")]:
        arguments = ["--protocol", protocol, "--method", method, "--out", str(out)]
        assert main(["evaluate", "--model", model_file, "--data", str(data), *arguments]) == 0
        report = json.loads(out.read_text())
        assert (report["protocol"], report["method"]) == (protocol, method)
        assert report["data"] == "textures"
        table = capsys.readouterr().out
        assert NAME in table and f"{report['mean']['aupro']:.3f}" in table
    assert [path.name for path in out.parent.iterdir()] == ["metrics.json"]


def test_a_look_at_untouched_images_shows_what_evaluate_finds(
    model_file: str,
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    arguments = ["bench", "untouched", str(data), "--model", model_file]
    assert main(arguments) == 0
    first = capsys.readouterr().out
    monkeypatch.setattr(untouched, "evaluate", lambda *_, **__: pytest.fail("a second look"))
    assert main(arguments) == 0
    assert capsys.readouterr().out == first.replace("for the only time", "and not again")
    out = tmp_path / "metrics.json"
    assert main(["evaluate", "--model", model_file, "--data", str(data), "--out", str(out)]) == 0
    table = capsys.readouterr().out.partition("at the threshold")[0]
    assert table in first
    (path,) = (tmp_path / "home").rglob("*.json")
    record, report = json.loads(path.read_text()), json.loads(out.read_text())
    for of_time in ("seconds", "peak_memory_mb"):
        del record["report"][of_time], report[of_time]
    assert record["report"] == report
    for value in (record["date"], record["settings"]["settings"], record["data"], str(path)):
        assert value in first
    assert set(record["made_with"]) > {"commit", "cozad_teach", "hardware"}


def test_evaluate_shows_a_category_whose_scores_are_not_finite(
    model_file: str,
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is decided there, and the table says so instead of breaking off."""

    class Broken(Run):
        def score(self, *arguments: Any, **options: Any) -> tuple[torch.Tensor, float]:
            scores, seconds = super().score(*arguments, **options)
            of_target = len(scores) == 6  # not those that a threshold is chosen on
            return (torch.full_like(scores, torch.nan) if of_target else scores), seconds

    monkeypatch.setattr(reports, "Run", Broken)
    out = tmp_path / "metrics.json"
    arguments = ["--data", str(data), "--method", "mahalanobis", "--out", str(out)]
    assert main(["evaluate", "--model", model_file, *arguments]) == 0
    row = json.loads(out.read_text())["categories"][NAME]
    assert row["image_auroc"] is None and "finite" in row["null_reasons"]["image_auroc"]
    assert row["at_threshold"] is row["calibration_error"] is None
    table = capsys.readouterr().out
    assert "–" in table and "at the threshold" not in table


def test_evaluate_reads_a_zip_as_it_reads_the_folder(
    model_file: str, data: Path, tmp_path: Path
) -> None:
    archive = tmp_path / "textures.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(data.rglob("*.png")):
            file.write(path, path.relative_to(data.parent))
    reports = []
    for source in (data, archive):
        out = tmp_path / "metrics.json"
        arguments = ["--data", str(source), "--method", "mahalanobis", "--out", str(out)]
        assert main(["evaluate", "--model", model_file, *arguments]) == 0
        reports.append(json.loads(out.read_text())["categories"])
    assert reports[0] == reports[1]


@pytest.mark.parametrize("protocol", ["batch", "single"])
def test_predict_draws_overlays_and_ranks_scores(
    lite: CoZAD, tmp_path: Path, protocol: str
) -> None:
    model_file = str(tmp_path / "model.safetensors")
    save_model(lite, model_file)
    images = tmp_path / "photographs"
    (images / "more").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for i, name in enumerate(["a.png", "b.jpg", "more/a.png", "grey.png"]):
        pixels = rng.integers(90, 110, (70, 110, 3), dtype=np.uint8)
        if i == 2:
            pixels[20:40, 60:90] = (255, 0, 0)
        picture = Image.fromarray(pixels)
        (picture.convert("L") if name == "grey.png" else picture).save(images / name)
    out = tmp_path / "out"
    arguments = ["--images", str(images), "--out", str(out), "--protocol", protocol]
    assert main(["predict", "--model", model_file, *arguments]) == 0
    with (out / "scores.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert sorted(row["image"] for row in rows) == ["a.png", "b.jpg", "grey.png", "more/a.png"]
    scores = [float(row["score"]) for row in rows]
    assert scores == sorted(scores, reverse=True)
    for row in rows:
        with Image.open(out / row["overlay"]) as overlay:
            assert (overlay.size, overlay.mode) == ((110, 70), "RGB")
    if protocol == "batch":  # alone, an image cannot know that red is rare
        assert rows[0]["image"] == "more/a.png"
        assert 50 <= int(rows[0]["peak_x"]) <= 100 and 10 <= int(rows[0]["peak_y"]) <= 50


def test_data_writes_categories_that_evaluate_can_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["data", "--out", str(tmp_path / "textures")]) == 0
    assert sorted(p.name for p in (tmp_path / "textures").iterdir()) == sorted(UNSEEN_CATEGORIES)
    assert str(len(UNSEEN_CATEGORIES)) in capsys.readouterr().out
    assert "exists" in fails(capsys, ["data", "--out", str(tmp_path / "textures")])


def bad_image(kind: str) -> bytes:
    """Make a file that has an image's suffix but cannot be used."""
    rng = np.random.default_rng(0)
    picture = Image.fromarray(rng.integers(0, 256, (64, 96, 3), dtype=np.uint8))
    buffer = io.BytesIO()
    if kind == "zero bytes":
        return b""
    if kind == "truncated":
        picture.save(buffer, "PNG")
        return buffer.getvalue()[:2000]
    if kind == "16 bits":
        Image.fromarray(rng.integers(0, 65536, (64, 96)).astype(np.uint16)).save(buffer, "PNG")
    elif kind == "CMYK":
        picture.convert("CMYK").save(buffer, "JPEG")
    elif kind == "alpha":
        picture.convert("RGBA").save(buffer, "PNG")
    elif kind == "animated":
        picture.save(buffer, "PNG", save_all=True, append_images=[picture.rotate(90)])
    return buffer.getvalue()


@pytest.mark.parametrize(
    "kind", ["zero bytes", "truncated", "16 bits", "CMYK", "alpha", "animated"]
)
def test_unusable_images_are_named(
    model_file: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    victim = first(data / NAME / "test" / "good")
    victim.write_bytes(bad_image(kind))
    out = tmp_path / "metrics.json"
    arguments = ["evaluate", "--model", model_file, "--data", str(data), "--out", str(out)]
    assert victim.name in fails(capsys, arguments)
    assert not out.exists()
    overlays = tmp_path / "overlays"
    arguments = ["--images", str(victim.parent), "--out", str(overlays)]
    assert victim.name in fails(capsys, ["predict", "--model", model_file, *arguments])
    assert not list(overlays.iterdir())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (["--model", "nowhere.safetensors"], "no model file nowhere.safetensors"),
        (["--data", "nowhere"], "nowhere"),
        (["--data", ""], "of the command is empty: is a variable not set?"),
        (["--protocol", "zero"], "unknown protocol 'zero': choose single, batch, full, or few-K"),
        (["--method", "magic"], "unknown method 'magic': choose from cozad, mahalanobis"),
        (["--protocol", "single", "--method", "mutual"], "use protocol batch"),
        (["--protocol", "few-9"], "holds 4: choose a smaller K"),
        (["--device", "abacus"], "device 'abacus' is not available"),
        (["--weights", "nowhere.pth"], "no weights file nowhere.pth"),
    ],
)
def test_wrong_arguments_are_one_clear_line(
    model_file: str,
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    change: list[str],
    words: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    out = tmp_path / "metrics.json"
    arguments = ["evaluate", "--model", model_file, "--data", str(data), "--out", str(out)]
    assert words in fails(capsys, [*arguments, *change])
    assert not out.exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["textures"]


def test_broken_folders_are_one_clear_line(
    model_file: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "metrics.json")

    def message(source: Path) -> str:
        arguments = ["--model", model_file, "--data", str(source), "--out", out]
        return fails(capsys, ["evaluate", *arguments])

    empty = tmp_path / "empty"
    empty.mkdir()
    assert "empty" in message(empty)
    slipping = tmp_path / "slipping.zip"
    with zipfile.ZipFile(slipping, "w") as file:
        file.writestr("../outside.png", bad_image("alpha"))
    assert ".." in message(slipping)
    mask = next(iter(sorted((data / NAME / "ground_truth").rglob("*_mask.png"))))
    Image.new("L", (10, 10), 255).save(mask)
    assert mask.name in message(data)
    mask.rename(mask.with_name("unknown_mask.png"))
    assert "unknown_mask.png" in message(data)


def test_a_model_of_another_backbone_is_refused(
    trained: CoZAD, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file says lite1 where it was trained on lite0."""
    from safetensors import safe_open
    from safetensors.torch import load_file, save_file

    path = tmp_path / "model.safetensors"
    save_model(trained, path)
    with safe_open(path, framework="pt") as file:
        metadata = dict(file.metadata())
    metadata["header"] = metadata["header"].replace("efficientnet_lite0", "efficientnet_lite1")
    save_file(load_file(path), path, metadata)
    arguments = ["--model", str(path), "--data", str(data), "--out", str(tmp_path / "m.json")]
    assert "other weights of tf_efficientnet_lite1" in fails(capsys, ["evaluate", *arguments])


def test_outputs_that_cannot_be_written_fail_before_the_work(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The model is not even looked for: there is none, and nothing says so."""
    file = tmp_path / "file"
    file.write_text("precious")
    below_a_file = str(file / "metrics.json")
    arguments = ["evaluate", "--model", "nowhere", "--data", str(data), "--out"]
    assert "cannot write" in fails(capsys, [*arguments, below_a_file])
    assert "is a folder" in fails(capsys, [*arguments, str(tmp_path)])
    assert "cannot write" in fails(capsys, ["train", "--out", below_a_file])
    arguments = ["predict", "--model", "nowhere", "--images", str(data), "--out"]
    assert "is a file" in fails(capsys, [*arguments, str(file)])
    assert file.read_text() == "precious"


def test_unknown_settings_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["train", "--settings", "huge", "--out", str(tmp_path / "m.safetensors")]
    assert "choose lite, full, photographs, paper" in fails(capsys, arguments)


def test_usage_errors_exit_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["evaluate"])
    assert stop.value.code == 2
    assert "--model" in capsys.readouterr().err


def test_version_and_help_do_not_import_torch() -> None:
    code = "import sys; from cozad_teach.cli.main import main\ntry: main(sys.argv[1:])\n"
    code += "except SystemExit: pass\nassert 'torch' not in sys.modules"
    for flag in ("--version", "--help"):
        done = subprocess.run(
            [sys.executable, "-c", code, flag], capture_output=True, text=True, check=True
        )
        assert (__version__ if flag == "--version" else "evaluate") in done.stdout


CLI = "import sys; from cozad_teach.cli.main import main; sys.exit(main(sys.argv[1:]))"


def start(arguments: list[str], folder: Path, code: str = CLI) -> subprocess.Popen[str]:
    return start_python(["-c", code, *arguments], folder)


def test_ctrl_c_leaves_the_old_model_and_nothing_half_written(tmp_path: Path) -> None:
    model = tmp_path / "model.safetensors"
    old = b'{"format": "cozad-teach model, an older one"}'
    model.write_bytes(old)
    # The process waits where it draws its third material: however fast it is, the signal finds it.
    code = """
        import sys, time
        from cozad_teach.models import train as training
        from cozad_teach.cli.main import main

        def wait_at_the_third(name, settings, seed, drawn=[]):
            drawn.append(draw(name, settings, seed))
            if len(drawn) == 3:
                print("drawing", file=sys.stderr, flush=True)
                time.sleep(60)
            return drawn[-1]

        draw, training.draw_auxiliary = training.draw_auxiliary, wait_at_the_third
        sys.exit(main(["train", "--out", sys.argv[1]]))
    """
    with start([str(model)], tmp_path, textwrap.dedent(code)) as process:
        assert process.stderr is not None
        seen = ""
        while "drawing" not in seen:
            letter = process.stderr.read(1)
            assert letter, seen
            seen += letter
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopped; nothing half-written is left" in rest
    assert "Traceback" not in rest
    assert model.read_bytes() == old
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors"]


def test_seed_decides_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import dataclasses

    from cozad_teach import settings

    tiny = dataclasses.replace(settings.LITE, image_size=64, meta_steps=2, patches_per_image=8)
    monkeypatch.setitem(settings.SETTINGS, "lite", tiny)
    heads = []
    for seed in ("0", "0", "1"):
        path = tmp_path / "model.safetensors"
        assert main(["train", "--out", str(path), "--seed", seed]) == 0
        heads.append(load_model(path).parameters["head"])
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])


def test_a_stopped_training_goes_on_to_the_same_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import dataclasses

    from cozad_teach import settings
    from cozad_teach.training import meta_training

    tiny = dataclasses.replace(settings.LITE, image_size=64, meta_steps=23, patches_per_image=8)
    monkeypatch.setitem(settings.SETTINGS, "lite", tiny)
    straight, stopped = str(tmp_path / "straight"), str(tmp_path / "stopped")
    assert main(["train", "--out", straight]) == 0
    sample, count = meta_training.sample_meta_batch, iter(range(21))

    def until_ctrl_c(*arguments: Any) -> Any:
        if next(count, None) is None:
            raise KeyboardInterrupt
        return sample(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(meta_training, "sample_meta_batch", until_ctrl_c)
        assert main(["train", "--out", stopped]) == 130
    assert f"goes on from {stopped}.checkpoint" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["stopped.checkpoint", "straight"]
    assert "other settings, seed" in fails(capsys, ["train", "--out", stopped, "--seed", "1"])
    assert main(["train", "--out", stopped]) == 0
    assert "the last part of a run that was stopped" in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["stopped", "straight"]
    was, now = load_model(straight), load_model(stopped)
    assert was.history == now.history
    assert all(torch.equal(now.parameters[name], value) for name, value in was.parameters.items())


@pytest.mark.skipif(os.name == "nt", reason="a closed pipe is told otherwise on Windows")
def test_a_closed_pipe_is_no_traceback(model_file: str, data: Path, tmp_path: Path) -> None:
    arguments = ["evaluate", "--model", model_file, "--data", str(data), "--method", "mahalanobis"]
    with start([*arguments, "--out", str(tmp_path / "m.json")], tmp_path) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        error = process.stderr.read()
    assert "Traceback" not in error
    assert (tmp_path / "m.json").exists()


def test_experiments_say_what_they_lack(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COZAD_PACKS", raising=False)
    assert "--packs" in fails(capsys, ["bench", "first_result", "--trial"])
    packs = ["--packs", str(tmp_path)]
    assert "unknown experiment 'magic'" in fails(capsys, ["bench", "magic", *packs])
    assert "no magnetic_tile.zip" in fails(capsys, ["bench", "first_result", "--trial", *packs])


def test_results_shows_the_ledger(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["results"]) == 0
    shown = capsys.readouterr().out
    assert "first_result: How well" in shown
    assert "| batch | cozad |" in shown
    assert main(["results", "first_result"]) == 0
    one = capsys.readouterr().out
    assert one in shown and len(one) < len(shown)
    assert "holds no experiment 'magic'" in fails(capsys, ["results", "magic"])
    assert "--check needs 1 or more" in fails(capsys, ["results", "--check", "0"])


def test_results_fills_texts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    place = "first_result/magnetic_tile/batch/knn/image_auroc"
    page.write_text(f"<!-- ledger {place} -->?<!-- /ledger -->", encoding="utf-8")
    assert main(["results", "--fill", str(page)]) == 0
    value = read_results("first_result").value("knn", "batch", "image_auroc")
    assert page.read_text(encoding="utf-8") == f"<!-- ledger {place} -->{value:.3f}<!-- /ledger -->"
    capsys.readouterr()
    page.write_text("<!-- ledger magic/a/b/c/d --><!-- /ledger -->", encoding="utf-8")
    assert "no experiment 'magic'" in fails(capsys, ["results", "--fill", str(page)])
    assert "magic" in page.read_text(encoding="utf-8")


def test_a_leak_ends_with_3_and_nothing_is_published(
    data: Path, model_file: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A copy of a test image, saved anew and mirrored, had a part in the model's threshold."""
    stream = io.BytesIO()
    leaked = Image.open(sorted(data.rglob("test/*/*.png"))[1]).convert("RGB")
    leaked.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(stream, "JPEG", quality=85)
    planted = Fingerprints.of(["planted"], [np.asarray(Image.open(stream))])
    model = load_model(model_file)
    model.uses = (*model.uses, Use("threshold", planted, labels=True))
    guilty = tmp_path / "guilty.safetensors"
    save_model(model, guilty)
    out = tmp_path / "metrics.json"
    arguments = ["evaluate", "--model", str(guilty), "--data", str(data), "--out", str(out)]
    said = fails(capsys, [*arguments, "--method", "mahalanobis"], code=3)
    assert "a part in the threshold (1: planted = " in said and "mirrored or turned" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == ["guilty.safetensors", "textures"]


def test_copies_are_counted_once_by_a_list(
    model_file: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The report is that of the set without its copies, and says what was left out."""
    arguments = ["evaluate", "--model", model_file, "--method", "mahalanobis"]
    once = ["--data", str(data), "--once", str(tmp_path / "copies.json")]
    out = tmp_path / "metrics.json"
    plain = [*arguments, "--data", str(data), "--out", str(out)]
    assert main(plain) == 0
    clean = json.loads(out.read_text())
    assert "once" not in clean
    for file in sorted((data / NAME / "test").rglob("*.png"))[:4]:
        image = Image.open(file).convert("RGB").transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        image.save(file.with_name(f"x{file.stem}.jpg"), quality=90)
    write_audit(audit_sets(open_dataset(data), names=["textures"]), tmp_path / "copies.json")
    assert main(plain) == 0
    doubled = json.loads(out.read_text())
    capsys.readouterr()
    assert main([*arguments, *once, "--out", str(out)]) == 0
    printed = capsys.readouterr().out.splitlines()[-1]
    assert "4 files left out (counted already, as a copy: " in printed
    found = json.loads(out.read_text())
    assert found["once"]["images_left_out"] == len(found["once"]["left_out"][NAME]) == 4
    assert found["categories"] == clean["categories"] != doubled["categories"]

    (tmp_path / "copies.json").write_text("{}")
    assert "is no list of copies" in fails(capsys, [*arguments, *once, "--out", str(out)])
    write_audit(Audit(("other",), (("0" * 64,),), ()), tmp_path / "copies.json")
    assert "holds no image of this data set" in fails(
        capsys, [*arguments, *once, "--out", str(out)]
    )
    assert json.loads(out.read_text()) == found


def test_own_images_in_good_and_bad_are_evaluated(
    model_file: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same images, masks and numbers as in the layout of MVTec-AD."""
    own = tmp_path / NAME
    shutil.copytree(data / NAME / "test", own)
    shutil.copytree(data / NAME / "ground_truth", own / "ground_truth")
    found = []
    for source in (data, own):
        out = tmp_path / "metrics.json"
        arguments = ["--data", str(source), "--method", "mahalanobis", "--out", str(out)]
        assert main(["evaluate", "--model", model_file, *arguments]) == 0
        found.append(json.loads(out.read_text())["categories"][NAME])
    assert found[0] == found[1] and found[0]["pixel_auroc"] is not None
    capsys.readouterr()
    arguments = ["--model", model_file, "--data", str(own), "--out", str(tmp_path / "m.json")]
    said = fails(capsys, ["evaluate", *arguments, "--protocol", "few-4"])
    assert "few-4 needs normal images" in said
    shutil.copytree(data / NAME / "train", own / "train")
    assert "good lies beside folders train or test" in fails(capsys, ["evaluate", *arguments])


@pytest.mark.parametrize("n", [1, 4])
def test_predict_takes_photographs_as_a_telephone_leaves_them(
    model_file: str, tmp_path: Path, n: int
) -> None:
    """Odd names, mixed sizes, turned by EXIF; one alone too."""
    images = tmp_path / "photographs"
    images.mkdir()
    rng = np.random.default_rng(0)
    turned = Image.Exif()
    turned[0x0112] = 6  # to be shown turned clockwise
    sizes = {"IMG 1 (copy).JPG": (110, 70), 'é,"q".jpeg': (64, 64), "-rf.png": (301, 40)}
    sizes["#%s\n.jpg"] = (33, 90)
    for name, (width, height) in list(sizes.items())[:n]:
        picture = Image.fromarray(rng.integers(90, 110, (height, width, 3), dtype=np.uint8))
        picture.save(images / name, exif=turned)
    out = tmp_path / "out"
    arguments = ["--model", model_file, "--images", str(images), "--out", str(out)]
    assert main(["predict", *arguments]) == 0
    with (out / "scores.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["image"] for row in rows} == set(list(sizes)[:n])
    for row in rows:
        width, height = sizes[row["image"]]
        with Image.open(out / row["overlay"]) as overlay:
            assert overlay.size == (height, width)
        assert 0 <= int(row["peak_x"]) < height and 0 <= int(row["peak_y"]) < width
