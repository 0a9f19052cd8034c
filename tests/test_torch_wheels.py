"""PyTorch without CUDA where no driver is: present, absent, silent, wrong, and chosen by hand."""

from __future__ import annotations

import re
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from small_repository import CPU, CUDA, VERSIONS, clean_environment, run, state, torch_project
from torch_index import TAG, TorchIndex, linux_wheel, serve, sha256, write_wheel

import set_up
import torch_wheels
from torch_wheels import CPU_LOCK, LOCK, NoWheels

ROOT = Path(__file__).resolve().parents[1]
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
PINS = "torch==2.15.0 \\\n    --hash=sha256:aa\ntorchvision==0.29.2 \\\n    --hash=sha256:bb\n"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no wheel has CUDA")


@pytest.fixture
def index(tmp_path: Path) -> Iterator[TorchIndex]:
    """An index that has both wheels for this machine, among others that are not for it."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    with serve(folder) as served:
        for name, version in VERSIONS.items():
            served.offer(linux_wheel(folder, name, "1.0+cpu"))
            served.offer(linux_wheel(folder, name, f"{version}+cpu", "cp310"))
            served.offer(linux_wheel(folder, name, version))
            served.offer(linux_wheel(folder, name, f"{version}+cpu"))
            tags = f"{TAG}-{TAG}-win_amd64"
            served.offer(write_wheel(folder, name, f"{version}+cpu", tags))
        yield served


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository whose lock pins torch, with what only CUDA needs, and something else."""
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / LOCK).write_text(f"# Made\nnvidia-nccl==1.0\nnumpy==1.0\n{PINS}")
    return tmp_path / "root"


def machine(monkeypatch: pytest.MonkeyPatch, index: TorchIndex, *, driver: bool) -> None:
    monkeypatch.setattr(torch_wheels, "has_driver", lambda: driver)
    monkeypatch.setattr(torch_wheels, "SECONDS", 0.3)
    monkeypatch.delenv("WHEELHOUSE", raising=False)
    monkeypatch.setenv("TORCH_INDEX", index.url)


def test_the_wheels_for_this_machine_with_their_hashes(index: TorchIndex) -> None:
    lines = torch_wheels.on_index(VERSIONS, PYTHON, index.url + "/", 10)
    for line, (name, version) in zip(lines, VERSIONS.items(), strict=True):
        (wheel,) = index.folder.glob(f"{name}-{version}+cpu-{TAG}-{TAG}-manylinux*")
        base = index.url.removesuffix("/whl/cpu")
        address = f"{base}/wheels/{wheel.name.replace('+', '%2B')}"
        assert line == f"{name} @ {address} --hash=sha256:{sha256(wheel)}"


def test_an_index_that_lacks_something_says_what(index: TorchIndex) -> None:
    with pytest.raises(NoWheels, match=r"^it has no torch 9\.0 for Python 3\.\d+ on this machine$"):
        torch_wheels.on_index({"torch": "9.0"}, PYTHON, index.url, 10)
    with pytest.raises(NoWheels, match=r"^HTTP Error 404: Not Found$"):
        torch_wheels.on_index({"other": "1.0"}, PYTHON, index.url, 10)
    index.pages["torch"] = re.sub("#sha256=[0-9a-f]+", "", index.pages["torch"])
    with pytest.raises(NoWheels, match=r"^it states no SHA-256 of torch-2\.15\.0\+cpu-"):
        torch_wheels.on_index(VERSIONS, PYTHON, index.url, 10)


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "no address", "file:///nowhere"])
def test_no_index_at_all(address: str) -> None:
    with pytest.raises(NoWheels):
        torch_wheels.on_index(VERSIONS, PYTHON, address, 10)


def test_a_silent_index_is_given_up_after_the_limit(index: TorchIndex) -> None:
    index.open.clear()
    start = time.monotonic()
    with pytest.raises(NoWheels, match=r"^it did not answer within 0\.2 s$"):
        torch_wheels.on_index(VERSIONS, PYTHON, index.url, 0.2)
    assert time.monotonic() - start < 2


def test_the_limit_holds_whatever_it_is_that_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is looked up for a minute knows no limit of its own."""
    leave = threading.Event()
    monkeypatch.setattr(torch_wheels.urllib.request, "urlopen", lambda *_, **__: leave.wait(60))
    with pytest.raises(NoWheels, match="did not answer"):
        torch_wheels.on_index(VERSIONS, PYTHON, "http://127.0.0.1:1", 0.1)
    leave.set()


def test_a_toolkit_is_no_driver(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(torch_wheels, "LIBRARY", "libcuda-of-nobody.so.1")
    monkeypatch.setattr(torch_wheels, "DRIVER", (str(tmp_path / "version"),))
    for toolkit in ("nvcc", "libcudart.so.13"):  # as on the path of a machine that only compiles
        (tmp_path / toolkit).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CUDA_HOME", str(tmp_path))
    assert not torch_wheels.has_driver()
    (tmp_path / "version").touch()
    assert torch_wheels.has_driver()


def test_the_library_of_the_driver_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_wheels, "DRIVER", ())
    monkeypatch.setattr(torch_wheels, "LIBRARY", "libc.so.6")  # one that can be loaded
    assert torch_wheels.has_driver()


@pytest.mark.parametrize(
    ("driver", "asked", "has", "wanted"),
    [
        (False, "", "", CPU_LOCK),
        (True, "", "", LOCK),
        (True, "cpu", "", CPU_LOCK),
        (False, "cuda", "", LOCK),
        # What is there stays, whatever the machine: a driver may come, or be of another day.
        (False, "", "cuda", LOCK),
        (True, "", "cpu", CPU_LOCK),
        (True, "cuda", "cpu", LOCK),
        (False, "cpu", "cuda", CPU_LOCK),
    ],
)
def test_which_is_installed(
    root: Path,
    index: TorchIndex,
    monkeypatch: pytest.MonkeyPatch,
    driver: bool,
    asked: str,
    has: str,
    wanted: str,
) -> None:
    machine(monkeypatch, index, driver=driver)
    monkeypatch.setattr(torch_wheels, "SECONDS", 10)
    assert torch_wheels.choose(root, PYTHON, asked, has) == wanted
    assert index.asked == (list(VERSIONS) if wanted == CPU_LOCK else [])
    if wanted == CPU_LOCK:
        text = (root / CPU_LOCK).read_text()
        assert text.startswith("# Made\nnumpy==1.0\ntorch @ http://127.0.0.1:")
        assert text.count("--hash") == text.count("@") == 2
        # The next time they are known: nobody is asked.
        index.asked.clear()
        assert torch_wheels.choose(root, PYTHON, asked, has) == CPU_LOCK
        assert index.asked == [] and (root / CPU_LOCK).read_text() == text


def test_a_lock_that_was_renewed_asks_anew(
    root: Path, index: TorchIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(monkeypatch, index, driver=False)
    monkeypatch.setattr(torch_wheels, "SECONDS", 10)
    torch_wheels.choose(root, PYTHON, "", "")
    (root / LOCK).write_text(PINS.replace("2.15.0", "1.0").replace("0.29.2", "1.0"))
    assert torch_wheels.choose(root, PYTHON, "", "cpu") == CPU_LOCK
    assert "torch-1.0" in (root / CPU_LOCK).read_text() and len(index.asked) == 4


@pytest.mark.parametrize("trouble", ["silent", "absent"])
def test_without_the_index_the_other_is_taken_and_said_so(
    root: Path,
    index: TorchIndex,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    trouble: str,
) -> None:
    machine(monkeypatch, index, driver=False)
    if trouble == "silent":
        index.open.clear()
    else:
        index.pages.clear()
    assert torch_wheels.choose(root, PYTHON, "", "") == LOCK
    reason = {"silent": "it did not answer within 0.3 s", "absent": "HTTP Error 404: Not Found"}
    assert capsys.readouterr().out == (
        f"set-up: {index.url} gives no PyTorch without CUDA: {reason[trouble]}; taking the one with"
        " CUDA, 3 GB more\n"
    )
    assert not (root / CPU_LOCK).exists()


def test_who_asked_for_cpu_gets_it_or_an_error(
    root: Path, index: TorchIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine(monkeypatch, index, driver=False)
    index.open.clear()
    with pytest.raises(NoWheels, match=r"within 0\.3 s; try again later, or .*TORCH=cuda make"):
        torch_wheels.choose(root, PYTHON, "cpu", "")


def test_torch_is_cpu_or_cuda(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TORCH", "gpu")
    monkeypatch.delenv("PYTHON", raising=False)
    assert set_up.main() == 2
    assert capsys.readouterr().err == (
        "set-up: TORCH=gpu is neither cpu nor cuda: name one of the two, or none\n"
    )


def test_on_a_mac_nothing_is_chosen(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setenv("TORCH_INDEX", "http://127.0.0.1:1")
    assert [torch_wheels.choose(root, PYTHON, asked, "") for asked in ("", "cpu")] == [LOCK, LOCK]
    assert torch_wheels.refusal("cuda").startswith("TORCH=cuda: PyTorch has CUDA on Linux only")


def test_what_goes_with_cuda_is_needed_by_torch_alone() -> None:
    """The lock without CUDA lacks what torch asks for with CUDA, and nothing that others need."""
    lock = (ROOT / LOCK).read_text()
    assert set(torch_wheels.pins(lock)) == set(VERSIONS)
    names = re.compile(r"^([\w.-]+)==", re.M)
    gone = {*names.findall(lock)} - {*names.findall(torch_wheels.without_cuda(lock, []))}
    assert {"torch", "torchvision", "triton", "nvidia-cudnn-cu13", "cuda-toolkit"} < gone
    others = [d for d in metadata.distributions() if canonicalize_name(d.name) not in gone]
    assert len(others) > 150
    for distribution in others:
        whole = [Requirement(text) for text in distribution.requires or []]
        needed = [r for r in whole if not r.marker or r.marker.evaluate({"extra": ""})]
        names_needed = {canonicalize_name(r.name) for r in needed}
        assert names_needed & gone <= set(VERSIONS), distribution.name


@pytest.fixture
def repository(tmp_path: Path, index: TorchIndex) -> Iterator[tuple[Path, dict[str, str]]]:
    """A repository for the real uv, and the environment for its set-up."""
    root = torch_project(tmp_path)
    environment = clean_environment(tmp_path, TORCH_INDEX=index.url)
    environment |= {"UV_FIND_LINKS": str(tmp_path / "found")}
    (tmp_path / "empty").mkdir()
    with serve(tmp_path / "empty") as empty:
        yield root, {**environment, "UV_DEFAULT_INDEX": empty.url}


def test_the_real_uv_changes_only_torch(
    repository: tuple[Path, dict[str, str]], index: TorchIndex
) -> None:
    root, environment = repository
    code, said = run(root, environment, TORCH="cpu")
    assert code == 0, said
    first = state(root)
    assert set(first) == CPU
    index.asked.clear()
    assert run(root, environment, TORCH="cpu") == (0, "")
    assert run(root, environment) == (0, "")  # no word is no wish for the other
    assert index.asked == []

    code, said = run(root, environment, TORCH="cuda")
    assert code == 0, said
    second = state(root)
    assert set(second) == CUDA and second["other-1.0"] == first["other-1.0"]
    assert run(root, environment) == (0, "")

    # Back again, and anew, needs no network: uv has kept the wheels, and build/uv their hashes.
    index.open.clear()
    code, said = run(root, environment, TORCH="cpu")
    assert code == 0, said
    assert set(state(root)) == CPU and state(root)["other-1.0"] == first["other-1.0"]
    shutil.rmtree(root / ".venv")
    code, said = run(root, environment, TORCH="cpu")
    assert code == 0 and set(state(root)) == CPU, said
    assert index.asked == []


def test_the_real_uv_refuses_another_file(
    repository: tuple[Path, dict[str, str]], index: TorchIndex
) -> None:
    root, environment = repository
    right = index.pages["torch"]
    index.pages["torch"] = re.sub("sha256=[0-9a-f]+", f"sha256={'0' * 64}", right)
    code, said = run(root, environment, TORCH="cpu")
    assert code == 2 and "Hash mismatch" in said, said
    assert said.splitlines()[-1].startswith("set-up: `uv pip sync ...` failed")
    assert not (root / set_up.READY).exists() and not state(root)
    # The wrong hash is not kept.
    index.pages["torch"] = right
    code, said = run(root, environment, TORCH="cpu")
    assert code == 0 and set(state(root)) == CPU, said
