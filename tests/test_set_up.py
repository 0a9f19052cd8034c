"""The set-up of .venv: fresh, unchanged, killed, stale, failing, two at once, no build of torch."""

from __future__ import annotations

import ast
import functools
import http.server
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_uv import FakeUv
from small_repository import STANDALONE, TOOLS, real_project

import own_folder
import set_up
from set_up import READY, SetUpError, ensure

THIS = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "requirements.lock").write_text("numpy==1.0\n")
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    return tmp_path


@pytest.fixture
def uv() -> FakeUv:
    return FakeUv()


@pytest.fixture
def ready(root: Path, uv: FakeUv) -> Path:
    """A repository whose set-up has finished, with a file that only a rebuild deletes."""
    assert ensure(root, "", uv)
    assert uv.asked() == ["venv", "cache", "install"]
    (root / ".venv/kept").touch()
    return root


def test_fresh_then_nothing_to_do(ready: Path, uv: FakeUv) -> None:
    assert not ensure(ready, "", uv)
    assert uv.asked() == []
    assert (ready / ".venv/kept").exists()


def test_what_the_cache_lacks_comes_from_the_network(root: Path, uv: FakeUv) -> None:
    uv.has_cache = False
    assert ensure(root, "", uv)
    assert uv.asked() == ["venv", "cache", "sync", "install"]


@pytest.mark.parametrize("step", ["venv", "sync", "install"])
def test_a_set_up_that_failed_is_made_anew(root: Path, uv: FakeUv, step: str) -> None:
    uv.has_cache, uv.fails_in = False, step
    with pytest.raises(SetUpError):
        ensure(root, "", uv)
    assert not (root / READY).exists()
    (root / ".venv/half").touch()
    uv.fails_in, uv.calls = "", []
    assert ensure(root, "", uv)
    assert uv.asked() == ["venv", "cache", "sync", "install"]
    assert not (root / ".venv/half").exists()


@pytest.mark.parametrize("stamp", ["", "{", "numpy==1.0"])
def test_a_damaged_stamp_means_that_all_is_installed(ready: Path, uv: FakeUv, stamp: str) -> None:
    (ready / READY).write_text(stamp)
    assert ensure(ready, "", uv)
    assert uv.asked()[-2:] == ["cache", "install"]


@pytest.mark.parametrize("name", ["requirements.lock", "pyproject.toml"])
def test_what_changed_is_installed_in_place(ready: Path, uv: FakeUv, name: str) -> None:
    (ready / name).write_text("# changed\n")
    assert ensure(ready, "", uv)
    assert uv.asked() == ["cache", "install"]
    assert (ready / ".venv/kept").exists()
    assert not ensure(ready, "", uv)


def test_vanished_interpreter_is_made_anew(ready: Path, uv: FakeUv) -> None:
    (ready / ".venv/bin/python").unlink()
    (ready / ".venv/bin/python").symlink_to("/nowhere/python3")
    assert ensure(ready, "", uv)
    assert not (ready / ".venv/kept").exists()


def test_another_python_only_if_asked_for(
    ready: Path, uv: FakeUv, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not ensure(ready, sys.executable, uv)
    versions = {str(ready / ".venv/bin/python"): THIS, "python3.99": "3.99"}
    monkeypatch.setattr(set_up, "version", versions.__getitem__)
    assert not ensure(ready, "", uv)
    assert ensure(ready, "python3.99", uv)
    assert uv.asked() == ["venv", "cache", "install"]
    assert not (ready / ".venv/kept").exists()


def test_two_at_the_same_time_install_once(
    root: Path, uv: FakeUv, capsys: pytest.CaptureFixture[str]
) -> None:
    entered = threading.Event()

    def slow(root: Path, *arguments: str) -> None:
        entered.set()
        time.sleep(0.1)
        uv(root, *arguments)

    results: list[bool] = []
    first = threading.Thread(target=lambda: results.append(ensure(root, "", slow)))
    first.start()
    assert entered.wait(10)
    results.append(ensure(root, "", slow))
    first.join()
    assert results == [True, False]
    assert uv.asked() == ["venv", "cache", "install"]
    assert "waiting" in capsys.readouterr().out


def test_any_python_3_can_read_the_scripts() -> None:
    for name in STANDALONE:
        source = (TOOLS / name).read_text()
        ast.parse(source, feature_version=(3, 6))
        # Subscripts that only a newer Python evaluates stand in quotes.
        evaluated = [
            annotation
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.FunctionDef)
            for annotation in [*(a.annotation for a in node.args.args), node.returns]
        ]
        assert not [ast.unparse(a) for a in evaluated if isinstance(a, ast.Subscript)]


@pytest.mark.parametrize(
    ("system", "machine", "python", "sentence"),
    [
        ("darwin", "x86_64", "", "PyTorch is not built for Intel Macs, nor for an Intel Python"),
        ("linux", "riscv64", "", "PyTorch is not built for Linux on riscv64: use"),
        ("linux", "armv7l", "", "PyTorch is not built for Linux on armv7l: use"),
        ("freebsd14", "amd64", "", "PyTorch is not built for freebsd14 on amd64: use"),
        ("win32", "AMD64", "", "PyTorch is not built for Windows on AMD64: use Linux on x86_64 or"),
        ("linux", "x86_64", "3.10", "python3.10 is Python 3.10: name one of 3.11 to 3.14, or none"),
        ("linux", "x86_64", "3.15", "python3.15 is Python 3.15: name one of"),
        ("darwin", "arm64", "", ""),
        ("linux", "x86_64", "3.12", ""),
        ("linux", "aarch64", "3.14", ""),
    ],
)
def test_a_machine_without_a_build_of_torch_is_told_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    system: str,
    machine: str,
    python: str,
    sentence: str,
) -> None:
    began: list[object] = []
    names = {"linux": "Linux", "win32": "Windows"}
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(set_up.platform, "machine", lambda: machine)
    monkeypatch.setattr(set_up.platform, "system", lambda: names.get(system, system))
    monkeypatch.setattr(set_up, "version", lambda name: python)
    monkeypatch.setattr(set_up, "ensure", lambda *arguments: began.append(arguments))
    monkeypatch.setenv("PYTHON", f"python{python}" if python else "")
    code = set_up.main()
    said = capsys.readouterr().err
    assert (code, bool(began)) == ((2, False) if sentence else (0, True))
    assert said.startswith(f"set-up: {sentence}" if sentence else "")
    assert said.count("\n") == (code == 2)


def test_a_folder_of_another_account_is_told_apart(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied", "/kit/.venv.lock")

    monkeypatch.setattr(set_up, "ensure", refuse)
    monkeypatch.delenv("PYTHON", raising=False)
    assert set_up.main() == 2
    assert capsys.readouterr().err == (
        "set-up: /kit/.venv.lock is not yours to change: work in a copy of this folder that has no"
        " .venv\n"
    )


def test_uv_asks_the_index_that_pip_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "build/uv/bin").mkdir(parents=True)
    python = tmp_path / "build/uv/bin/python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    for name in [n for n in os.environ if n.startswith(("PIP_", "UV_"))]:
        monkeypatch.delenv(name)
    settings = tmp_path / "pip.conf"
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    settings.write_text("")
    assert set_up.mirror(tmp_path) == {}
    settings.write_text("[global]\nindex-url = http://127.0.0.1:1/simple\n")
    assert set_up.mirror(tmp_path) == {"UV_DEFAULT_INDEX": "http://127.0.0.1:1/simple"}
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:2/simple")
    assert set_up.mirror(tmp_path) == {"UV_DEFAULT_INDEX": "http://127.0.0.1:2/simple"}
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:3/simple")
    assert set_up.mirror(tmp_path) == {}


@pytest.fixture
def index(tmp_path: Path) -> Iterator[str]:
    """Serve an index of packages with what lies in the folder, for as long as `open` is there."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if not (tmp_path / "open").exists():
                self.send_error(503)
            else:
                super().do_GET()

        def log_message(self, *_: object) -> None:
            pass

    (tmp_path / "open").touch()
    (tmp_path / "simple/tiny").mkdir(parents=True)
    (tmp_path / "simple/tiny/index.html").write_text(
        '<a href="/tiny-1.0.tar.gz">tiny-1.0.tar.gz</a>'
    )
    handler = functools.partial(Handler, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/simple"
        server.shutdown()


def test_the_real_uv_killed_waited_for_repaired_and_left_alone(tmp_path: Path, index: str) -> None:
    root, hold = real_project(tmp_path), tmp_path / "hold"
    without = ("PYTHON", "VIRTUAL_ENV", "COV_CORE")
    environment = {k: v for k, v in os.environ.items() if not k.startswith((*without, "UV_"))}
    environment |= {"UV_DEFAULT_INDEX": index, "HOLD": str(hold)}
    environment |= {"UV_CACHE_DIR": str(tmp_path / "cache")}
    # Nor is another environment filled or emptied, whatever names it.
    other = tmp_path / "other"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", other], check=True)
    in_other = other / f"lib/python{THIS}/site-packages/kept-1.0.dist-info"
    in_other.mkdir()
    (in_other / "METADATA").write_text("Metadata-Version: 2.1\nName: kept\nVersion: 1.0\n")
    (in_other / "RECORD").write_text("kept-1.0.dist-info/METADATA,,\n")
    (tmp_path / "uv.toml").write_text(f'[pip]\ntarget = "{tmp_path / "target"}"\n')
    environment |= {"VIRTUAL_ENV": str(other), "UV_PYTHON": str(other / "bin/python")}
    environment |= {"UV_CONFIG_FILE": str(tmp_path / "uv.toml"), "UV_SYSTEM_PYTHON": "1"}
    environment |= {"UV_PROJECT_ENVIRONMENT": str(other), "PIP_TARGET": str(tmp_path / "target")}

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, str(root / "book/_tools/set_up.py")]
        return subprocess.Popen(
            command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    hold.touch()
    with start() as killed:
        while not hold.with_suffix(".reached").exists():
            assert killed.poll() is None, killed.stdout and killed.stdout.read()
            time.sleep(0.05)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert (root / ".venv/bin/python").exists()
        assert not (root / READY).exists()

        # uv of the killed set-up is still at work: the next one waits, then starts from nothing.
        with start() as second:
            assert second.stdout is not None
            assert "waiting" in second.stdout.readline()
            hold.unlink()
            assert "making .venv" in second.stdout.read()
    assert second.returncode == 0
    code = "import tiny, importlib.metadata as m; print(tiny.SIZE, m.version('kit'))"
    found = subprocess.check_output([root / ".venv/bin/python", "-c", code], text=True)
    assert found == "1 1.0\n"
    assert (in_other / "METADATA").exists() and not (tmp_path / "target").exists()
    assert not (other / f"lib/python{THIS}/site-packages/tiny.py").exists()

    with start() as third:
        assert third.stdout is not None
        assert third.stdout.read() == ""
    assert third.returncode == 0

    # All that the lock names is in uv's cache: no index is needed again.
    own_folder.empty(root / ".venv")
    (tmp_path / "open").unlink()
    with start() as offline:
        assert offline.stdout is not None
        said = offline.stdout.read()
    assert offline.returncode == 0, said

    (root / "requirements.lock").write_text(f"tiny==2.0 \\\n    --hash=sha256:{'0' * 64}\n")
    with start() as failing:
        assert failing.stdout is not None
        said = failing.stdout.read()
    assert failing.returncode == 2
    assert "tiny" in said and said.splitlines()[-1].startswith("set-up: `uv pip sync ...` failed")
