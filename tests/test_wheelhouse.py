"""A folder of wheels for computers without network: filled, stopped, damaged, and set up from."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_repository import (
    CPU,
    CUDA,
    VERSIONS,
    clean_environment,
    run,
    state,
    torch_project,
)
from torch_index import TorchIndex, linux_wheel, serve, sha256, write_wheel

import from_wheelhouse
import torch_wheels
import wheelhouse
from cozad_teach.errors import CozadError

ROOT = Path(__file__).resolve().parents[1]
SUMS = torch_wheels.SUMS


def listed(folder: Path) -> Path:
    """List the wheels of a folder as `make wheelhouse` does."""
    rows = [f"{sha256(wheel)}  {wheel.name}\n" for wheel in sorted(folder.glob("*.whl"))]
    (folder / SUMS).write_text("".join(rows))
    return folder


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TorchIndex]:
    """The index that pip asks, with two packages."""
    folder = tmp_path / "served"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    with serve(folder) as served:
        for name in ("one", "two"):
            served.offer(write_wheel(folder, name, "1.0"))
        monkeypatch.setenv("PIP_INDEX_URL", served.url)
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
        yield served


def lock(index: TorchIndex) -> str:
    one, two = (sha256(index.folder / f"{name}-1.0-py3-none-any.whl") for name in ("one", "two"))
    return (
        f"# Made\none==1.0 \\\n    --hash=sha256:{'0' * 64} \\\n    --hash=sha256:{one}\n"
        f"elsewhere==1.0 ; sys_platform == 'win32' \\\n    --hash=sha256:{'1' * 64}\n"
        f"two==1.0 \\\n    --hash=sha256:{two}\n"
    )


def test_filled_once_and_what_is_damaged_again(
    tmp_path: Path,
    index: TorchIndex,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder, text = tmp_path / "wheels", lock(index)
    size = wheelhouse.fill(ROOT, text, folder)
    names = {path.name for path in folder.iterdir()}
    assert {"one-1.0-py3-none-any.whl", "two-1.0-py3-none-any.whl", SUMS} < names
    assert len(names) == 4 and any(name.startswith("cozad_teach-") for name in names)
    assert size == sum(path.stat().st_size for path in folder.glob("*.whl"))
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", SUMS], cwd=folder, check=True)
    assert "2 packages, of which 0 are there" in capsys.readouterr().out
    assert not list((ROOT / "build").glob("lib")) and not list((ROOT / "build").glob("bdist*"))

    (own,) = folder.glob("cozad_teach-*")
    monkeypatch.setattr(wheelhouse, "build_own", lambda *_: own)  # as before, which takes long
    index.asked.clear()
    wheelhouse.fill(ROOT, text, folder)
    assert index.asked == []
    with (folder / "two-1.0-py3-none-any.whl").open("r+b") as file:
        file.truncate(100)  # as after a full disk
    wheelhouse.fill(ROOT, text, folder)
    assert index.asked == ["two", "two-1.0-py3-none-any.whl"]
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", SUMS], cwd=folder, check=True)


def test_a_wrong_hash_leaves_no_list_and_keeps_what_is_right(
    tmp_path: Path, index: TorchIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheelhouse, "AT_ONCE", 1)
    folder = listed(tmp_path)
    text = lock(index).replace(sha256(index.folder / "two-1.0-py3-none-any.whl"), "2" * 64)
    with pytest.raises(CozadError, match="could not fetch all of two and said why"):
        wheelhouse.fill(ROOT, text, folder)
    assert [path.name for path in folder.glob("*.whl")] == ["one-1.0-py3-none-any.whl"]
    assert not (folder / SUMS).exists()


def test_the_lock_of_this_repository_is_read_whole() -> None:
    text = (ROOT / torch_wheels.LOCK).read_text()
    found = {pin.name for pin in wheelhouse.pins(text)}
    assert {"torch", "numpy", "uv", "pip", "setuptools"} < found
    assert "pywinpty" not in found and len(found) > 150
    assert all(pin.hashes for pin in wheelhouse.pins(text))
    line = "torch @ https://host/torch-2.15.0%2Bcpu-x.whl --hash=sha256:" + "a" * 64
    (pin,) = wheelhouse.pins(line)
    assert (pin.name, pin.hashes) == ("torch", {"a" * 64})


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no wheel has CUDA")
@pytest.mark.parametrize("kind", ["cpu", "cuda"])
def test_the_real_uv_takes_all_from_the_folder(tmp_path: Path, kind: str) -> None:
    root = torch_project(tmp_path)
    folder = tmp_path / "a stick"
    shutil.move(tmp_path / "found", folder)
    if kind == "cpu":
        for wheel in [*folder.glob("torch*"), *folder.glob("nvidia*")]:
            wheel.unlink()
        for name, version in VERSIONS.items():
            linux_wheel(folder, name, f"{version}+cpu")
    listed(folder)
    nowhere = {"UV_DEFAULT_INDEX": "http://127.0.0.1:1", "TORCH_INDEX": "http://127.0.0.1:1"}
    environment = clean_environment(tmp_path, **nowhere, WHEELHOUSE=os.path.relpath(folder))
    other = {"cpu": "cuda", "cuda": "cpu"}[kind]
    code, said = run(root, environment, TORCH=other)
    assert code == 2 and "without CUDA" in said, said
    code, said = run(root, environment)
    assert code == 0, said
    assert set(state(root)) == {"cpu": CPU, "cuda": CUDA}[kind]
    assert run(root, environment) == (0, "")
    del environment["WHEELHOUSE"]
    assert run(root, environment) == (0, "")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no wheel has CUDA")
def test_a_damaged_wheel_is_not_installed(tmp_path: Path) -> None:
    root = torch_project(tmp_path)
    folder = listed(tmp_path / "found")
    write_wheel(folder, "other", "1.0").write_bytes((folder / SUMS).read_bytes())
    nowhere = {"UV_DEFAULT_INDEX": "http://127.0.0.1:1", "WHEELHOUSE": str(folder)}
    code, said = run(root, clean_environment(tmp_path, **nowhere))
    assert code == 2 and "other" in said and "other-1.0" not in state(root)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        (None, "has no SHA256SUMS: name a folder that make wheelhouse has filled to its end"),
        (["x-1-cp311-cp311-macosx_11_0_ppc.whl"], ""),
        (["x-1-cp399-cp399-linux_MACHINE.whl"], r"is for Python 3\.99, which is not here"),
        (
            ["x-1-cp311-cp311-SYSTEM_mips.whl", "y-1-cp311-cp311-OTHER_arm64.whl"],
            "run make wheelhouse on",
        ),
    ],
)
def test_a_folder_that_does_not_fit_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: list[str] | None, sentence: str
) -> None:
    mac = sys.platform == "darwin"
    words = {
        "MACHINE": platform.machine(),
        "SYSTEM": "linux",
        "OTHER": "linux" if mac else "macosx",
    }
    for name in ("PIP_NO_INDEX", "PIP_FIND_LINKS", "UV_OFFLINE", "UV_FIND_LINKS"):
        monkeypatch.setenv(name, "")  # put back afterwards
    monkeypatch.setenv("UV_PYTHON_DOWNLOADS", "never")
    for row in rows or []:
        for word, value in words.items():
            row = row.replace(word, value)
        with (tmp_path / SUMS).open("a") as file:
            file.write(f"{'0' * 64}  {row}\n")
    if sentence:
        with pytest.raises(from_wheelhouse.UnfitWheelhouse, match=sentence):
            from_wheelhouse.enter(tmp_path, "")
        assert os.environ["PIP_NO_INDEX"] == ""
    else:
        assert from_wheelhouse.enter(tmp_path, "") == ""
        assert os.environ["PIP_FIND_LINKS"] == tmp_path.as_uri()
