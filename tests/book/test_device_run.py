"""What a lent graphics card is to do: in stages, each within its time, with all kept after each."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import device_run
from cozad_teach.cli.main import main as cozad
from device_run import STAGES, TOTAL, Stage

SLEEP = "import sys, time; print(sys.argv[1:], flush=True); time.sleep({})"


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for folder, name in (("trials", "full.json"), ("runs/checkpoints", "a.safetensors")):
        (tmp_path / "build" / folder).mkdir(parents=True)
        (tmp_path / "build" / folder / name).write_text(name)
    monkeypatch.setattr(device_run, "build_folder", lambda: tmp_path / "build")
    return tmp_path / "build"


def stub(monkeypatch: pytest.MonkeyPatch, seconds: dict[str, float]) -> None:
    """Let each stage sleep in the place of its command."""
    start = subprocess.Popen

    def sleeping(command: list[str], **options: object) -> object:
        program = SLEEP.format(seconds[command[4]])
        return start([sys.executable, "-c", program, *command[3:]], **options)

    monkeypatch.setattr(subprocess, "Popen", sleeping)
    monkeypatch.setattr(device_run, "STAGES", tuple(Stage(name, 1, (name,)) for name in seconds))


@pytest.mark.slow
def test_a_stage_that_takes_too_long_is_stopped_and_the_next_one_begins(
    build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stub(monkeypatch, {"long": 60.0, "short": 0.0})
    assert device_run.main(["--out", str(tmp_path / "out"), "--settings", "toy"]) == 1
    ends = [line.rsplit(",", 1)[0] for line in capsys.readouterr().out.splitlines()]
    assert ends == ["long: stopped", "short: done"]
    log = (tmp_path / "out" / "log.txt").read_text()
    assert "['bench', 'short', '--trial', '--device', 'cuda', '--settings', 'toy']" in log
    assert (tmp_path / "out" / "full.json").read_text() == "full.json"
    with zipfile.ZipFile(tmp_path / "out" / "kept.zip") as kept:
        assert kept.namelist() == ["runs/checkpoints/a.safetensors"]


def test_no_stage_begins_where_no_time_is_left(
    build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stub(monkeypatch, {"first": 0.0})
    assert device_run.main(["--out", str(tmp_path / "out"), "--total", "5"]) == 1
    assert capsys.readouterr().out == "first: not begun, 0 s\n"


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_every_stage_is_a_command_that_there_is(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Asked for a device that is not there, the command comes as far as that."""
    words = ["bench", *stage.words, "--trial", "--device", "none", "--settings", "toy"]
    assert cozad(words) == 2
    assert "device 'none' is not available" in capsys.readouterr().err


def test_all_stages_fit_into_their_time() -> None:
    assert sum(stage.seconds for stage in STAGES) <= TOTAL <= 480
