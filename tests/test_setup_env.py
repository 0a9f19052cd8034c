"""The set-up of .venv: fresh, unchanged, killed, stale, failing, two at once, no build of torch."""

from __future__ import annotations

import ast
import hashlib
import os
import resource
import signal
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path

import pytest

import setup_env
import setup_messages
from setup_env import SetupError, ensure, read_stamp

TOOLS = Path(setup_env.__file__).parent


class FakePip:
    """Records what it is asked for; can fail before or while it unpacks."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.fails_in = ""
        self.output = ""

    def __call__(self, root: Path, arguments: list[str], *_: object) -> None:
        step = "package" if "-e" in arguments else "lock"
        assert arguments[-2:] == (["-e", "."] if step == "package" else ["-r", "requirements.lock"])
        self.calls.append(step)
        with open(root / ".venv.log", "a") as log:
            log.write(self.output)
        (root / ".venv" / step).touch()
        if step == self.fails_in:
            raise SetupError("pip failed")

    def asked(self) -> list[str]:
        """Give the calls since the last question."""
        calls, self.calls = self.calls, []
        return calls


def create(root: Path) -> None:
    (root / ".venv/bin").mkdir(parents=True)
    (root / ".venv/bin/python").symlink_to(sys.executable)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "requirements.lock").write_text("numpy==1.0\n")
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    return tmp_path


@pytest.fixture
def pip() -> FakePip:
    return FakePip()


@pytest.fixture
def ready(root: Path, pip: FakePip) -> Path:
    """A repository whose set-up has finished, with a file that only a rebuild deletes."""
    assert ensure(root, "", create, pip)
    assert pip.asked() == ["lock", "package"]
    (root / ".venv/kept").touch()
    return root


def test_fresh_then_nothing_to_do(ready: Path, pip: FakePip) -> None:
    assert not ensure(ready, "", create, pip)
    assert pip.asked() == []
    assert (ready / ".venv/kept").exists()


def test_failed_first_set_up_leaves_no_stamp_and_is_made_anew(root: Path, pip: FakePip) -> None:
    pip.fails_in = "lock"
    with pytest.raises(SetupError):
        ensure(root, "", create, pip)
    assert read_stamp(root) == {}
    (root / ".venv/half").touch()
    pip.fails_in = ""
    assert ensure(root, "", create, pip)
    assert pip.asked() == ["lock", "lock", "package"]
    assert not (root / ".venv/half").exists()


def test_a_stamp_that_lacks_the_lock_installs_it(ready: Path, pip: FakePip) -> None:
    setup_env.stamp_path(ready).write_text(f'{{"python": "{setup_messages.THIS}"}}')
    assert ensure(ready, "", create, pip)
    assert pip.asked() == ["lock", "package"]


@pytest.mark.parametrize("stamp", ["", "{", "[1]", "null"])
def test_unreadable_stamp_counts_as_none(ready: Path, pip: FakePip, stamp: str) -> None:
    setup_env.stamp_path(ready).write_text(stamp)
    assert ensure(ready, "", create, pip)
    assert not (ready / ".venv/kept").exists()


def test_changed_lock_is_installed_in_place(ready: Path, pip: FakePip) -> None:
    (ready / "requirements.lock").write_text("numpy==2.0\n")
    assert ensure(ready, "", create, pip)
    assert pip.asked() == ["lock", "package"]
    assert (ready / ".venv/kept").exists()
    assert not ensure(ready, "", create, pip)


def test_failed_download_of_a_changed_lock_loses_nothing(ready: Path, pip: FakePip) -> None:
    old = read_stamp(ready)
    (ready / "requirements.lock").write_text("numpy==2.0\n")
    pip.fails_in = "lock"
    with pytest.raises(SetupError):
        ensure(ready, "", create, pip)
    assert read_stamp(ready) == old
    pip.fails_in = ""
    assert ensure(ready, "", create, pip)
    assert (ready / ".venv/kept").exists()


def test_changed_lock_that_failed_while_unpacking_is_made_anew(ready: Path, pip: FakePip) -> None:
    (ready / "requirements.lock").write_text("numpy==2.0\n")
    pip.fails_in, pip.output = "lock", "Installing collected packages: numpy\n"
    with pytest.raises(SetupError):
        ensure(ready, "", create, pip)
    assert read_stamp(ready) == {}
    pip.fails_in = ""
    assert ensure(ready, "", create, pip)
    assert not (ready / ".venv/kept").exists()


def test_changed_pyproject_reinstalls_the_package_alone(ready: Path, pip: FakePip) -> None:
    (ready / "pyproject.toml").write_text("[project]\nversion = '2'\n")
    assert ensure(ready, "", create, pip)
    assert pip.asked() == ["package"]


def test_failed_package_step_does_not_repeat_the_lock(root: Path, pip: FakePip) -> None:
    pip.fails_in = "package"
    with pytest.raises(SetupError):
        ensure(root, "", create, pip)
    pip.fails_in = ""
    assert ensure(root, "", create, pip)
    assert pip.asked() == ["lock", "package", "package"]
    assert not ensure(root, "", create, pip)


def test_vanished_interpreter_is_made_anew(ready: Path, pip: FakePip) -> None:
    (ready / ".venv/bin/python").unlink()
    (ready / ".venv/bin/python").symlink_to("/nowhere/python3")
    assert ensure(ready, "", create, pip)
    assert not (ready / ".venv/kept").exists()


def test_another_python_only_if_asked_for(ready: Path, pip: FakePip) -> None:
    stamp = {**read_stamp(ready), "python": "3.99"}
    want = setup_env.wanted_stamp(ready, setup_messages.THIS)
    assert "3.99" in setup_env.reason_to_rebuild(ready, stamp, want)
    assert not ensure(ready, "", create, pip)
    assert not ensure(ready, setup_messages.THIS, create, pip)


def test_an_environment_that_could_not_be_finished_is_made_anew(root: Path, pip: FakePip) -> None:
    def stub(root: Path) -> None:
        create(root)  # an interpreter without pip, as left by venv without ensurepip
        raise SetupError("no ensurepip")

    with pytest.raises(SetupError, match="no ensurepip"):
        ensure(root, "", stub, pip)
    (root / ".venv/half").touch()
    assert ensure(root, "", create, pip)
    assert pip.asked() == ["lock", "package"]
    assert not (root / ".venv/half").exists()


def test_two_at_the_same_time_install_once(
    root: Path, pip: FakePip, capsys: pytest.CaptureFixture[str]
) -> None:
    entered = threading.Event()

    def slow(root: Path, arguments: list[str], *_: object) -> None:
        entered.set()
        time.sleep(0.2)
        pip(root, arguments)

    results: list[bool] = []
    first = threading.Thread(target=lambda: results.append(ensure(root, "", create, slow)))
    first.start()
    assert entered.wait(10)
    results.append(ensure(root, "", create, slow))
    first.join()
    assert results == [True, False]
    assert pip.asked() == ["lock", "package"]
    assert "waiting" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ("OSError: [Errno 28] No space left on device", "the disk is full"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM", "damaged"),
        (
            "WARNING: Retrying (Retry(total=4)) after connection broken\n"
            "ERROR: No matching distribution found for torch==2.15.0",
            "a download failed",
        ),
        ("ERROR: No matching distribution found for torch==2.15.0", "torch==2.15.0 is not to be"),
        ("error: subprocess-exited-with-error", "compiled"),
        ("PermissionError: [Errno 13] Permission denied: '/x'", "who owns"),
        ("Collecting x\nERROR: something new", "pip failed (ERROR: something new)"),
        ("", "pip failed (no reason given)"),
    ],
)
def test_every_failure_of_pip_gets_one_sentence(log: str, expected: str) -> None:
    sentence = setup_messages.explain(log)
    assert expected in sentence
    assert "\n" not in sentence
    assert "make again" in sentence or ".venv.log" in sentence


def test_no_venv_module(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup_env.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SetupError, match="apt install python3"):
        setup_env.create_venv(root)


def test_too_little_disk(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = 7.9e9

    monkeypatch.setattr(setup_env.shutil, "disk_usage", lambda path: Usage)
    monkeypatch.setattr(setup_env, "FREE_GB", 8)
    with pytest.raises(SetupError, match=r"7\.9 GB are free here: free 8 GB"):
        setup_env.create_venv(root)
    assert not (root / ".venv").exists()


def test_old_python_gets_a_sentence() -> None:
    for name in ("setup_env.py", "setup_messages.py", "own_folder.py"):
        ast.parse((TOOLS / name).read_text(), feature_version=(3, 6))
    code = "import sys, runpy; sys.version_info = (3, 8, 1); runpy.run_path(sys.argv[1])"
    run = subprocess.run(
        [sys.executable, "-c", code, str(TOOLS / "setup_env.py")],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(TOOLS)},
    )
    assert run.returncode == 2
    assert run.stderr.startswith("set-up: Python 3.8 is too old, name a newer one, as in `PYTHON=")


MACHINE = """
import os, platform, runpy, subprocess, sys, sysconfig
sysconfig.get_config_vars()
sys.path.insert(0, os.path.dirname(sys.argv[1]))
sys.platform, platform.machine = sys.argv[2], lambda: sys.argv[3]
sys.maxsize = 2 ** int(sys.argv[4]) - 1
platform.system = lambda: {"linux": "Linux", "darwin": "Darwin"}.get(sys.platform, sys.platform)
platform.mac_ver = lambda: (sys.argv[5], ("", "", ""), "")
os.confstr = lambda name: sys.argv[5] or None
found = runpy.run_path(sys.argv[1], run_name="__main__")
print(repr(found["without_torch"]()))
"""


def on_machine(
    script: Path, what: tuple[str, str, int, str], rosetta: str
) -> subprocess.CompletedProcess[str]:
    """Run a script as on another machine: system, processor, bits, version of glibc or macOS."""
    folder = script.parents[2] / "commands"
    folder.mkdir()
    (folder / "sysctl").write_text(f"#!/bin/sh\ntest -n '{rosetta}' && echo '{rosetta}'\n")
    (folder / "sysctl").chmod(0o755)
    return subprocess.run(
        [sys.executable, "-c", MACHINE, str(script), *map(str, what)],
        capture_output=True,
        text=True,
        env={**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"},
    )


@pytest.mark.parametrize(
    ("machine", "rosetta", "sentence"),
    [
        (("darwin", "x86_64", 63, "15.1"), "0", "PyTorch is no longer built for Intel Macs: use a"),
        (("darwin", "x86_64", 63, "12.7"), "", "PyTorch is no longer built for Intel Macs: use a"),
        (("darwin", "x86_64", 63, "15.1"), "1", "this Python is one for Intel on a Mac with Apple"),
        (("darwin", "arm64", 63, "13.6"), "0", "PyTorch needs macOS 14 or later, and this is 13:"),
        (("linux", "armv7l", 31, "glibc 2.36"), "", "PyTorch needs a 64-bit Python, and this is a"),
        (("linux", "aarch64", 31, "glibc 2.36"), "", "PyTorch needs a 64-bit Python, and this is"),
        (("linux", "riscv64", 63, "glibc 2.36"), "", "PyTorch is not built for Linux on riscv64:"),
        (("freebsd14", "amd64", 63, ""), "", "PyTorch is not built for freebsd14 on amd64: use"),
        (("linux", "x86_64", 63, ""), "", "PyTorch needs a Linux with glibc 2.28 or later, such"),
        (("linux", "aarch64", 63, "glibc 2.27"), "", "PyTorch needs a Linux with glibc 2.28 or"),
    ],
)
def test_a_machine_without_a_build_of_torch_is_told_before_anything_is_made(
    tmp_path: Path, machine: tuple[str, str, int, str], rosetta: str, sentence: str
) -> None:
    root = real_project(tmp_path)
    run = on_machine(root / "book/_tools/setup_env.py", machine, rosetta)
    assert run.returncode == 2
    assert run.stderr.startswith(f"set-up: {sentence}")
    assert run.stderr.count("\n") == 1
    assert "PYTHON=python3.12" not in run.stderr, "no Python of this machine would help"
    assert not (root / ".venv").exists()


@pytest.mark.parametrize(
    "machine",
    [
        ("darwin", "arm64", 63, "14.0"),
        ("darwin", "arm64", 63, "10.16"),  # what an old Python takes macOS 11 to 26 for
        ("darwin", "arm64", 63, ""),
        ("linux", "x86_64", 63, "glibc 2.28"),
        ("linux", "aarch64", 63, "glibc 3.0"),
    ],
)
def test_other_machines_are_served(tmp_path: Path, machine: tuple[str, str, int, str]) -> None:
    root = real_project(tmp_path)
    run = on_machine(root / "book/_tools/setup_messages.py", machine, "0")
    assert run.stdout == "''\n", run.stderr


def test_another_python_is_named_only_where_this_one_is_unusual() -> None:
    code = (
        "import runpy, sys; sys.version_info = (3, 19, 0, 'final', 0)\n"
        "said = runpy.run_path(sys.argv[1])['explain']\n"
        "print(said('ERROR: No matching distribution found for a==1'))\n"
        "print(said('error: subprocess-exited-with-error'))"
    )
    command = [sys.executable, "-c", code, str(TOOLS / "setup_messages.py")]
    for line in subprocess.check_output(command, text=True).splitlines():
        assert line.endswith(
            "name a usual Python of 3.10 to 3.14 (PYTHON=python3.12 make book), then run make again"
        )
    assert setup_messages.USUAL
    for log in ("No matching distribution found for a==1", "Failed building wheel"):
        assert "PYTHON" not in setup_messages.explain(log)


def test_progress_follows_pip(capsys: pytest.CaptureFixture[str]) -> None:
    with setup_messages.Progress(205) as progress:
        progress.follow("Collecting torch==2.15.0 (from -r requirements.lock (line 7))\n")
        assert progress.doing == "1 of about 205 packages: torch==2.15.0"
        progress.follow("  Downloading torch-2.15.0-cp311-none.whl (915.2 MB)\n")
        assert progress.doing == "1 of about 205 packages: torch (915.2 MB)"
        progress.follow("  Downloading six-1.0-py3-none-any.whl (11 kB)\n")
        progress.follow("\n")
        progress.follow("Installing collected packages: a, b, c\n")
    assert "unpacking 3 packages" in capsys.readouterr().out


# A build back end in 20 lines, so that the real pip can be run without network. While the file
# named in HOLD is there, building a distribution takes for ever.
BACKEND = """
import os, pathlib, time, zipfile

def write(folder, name, files):
    wheel = f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    files[f"{info}/METADATA"] = f"Metadata-Version: 2.1\\nName: {name}\\nVersion: 1.0\\n"
    files[f"{info}/WHEEL"] = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
    files[f"{info}/RECORD"] = ""
    with zipfile.ZipFile(pathlib.Path(folder, wheel), "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return wheel

def build_wheel(folder, config_settings=None, metadata_directory=None):
    hold = pathlib.Path(os.environ["HOLD"])
    hold.with_suffix(".reached").touch()
    while hold.exists():
        time.sleep(0.05)
    return write(folder, "tiny", {"tiny.py": "SIZE = 1"})

def build_editable(folder, config_settings=None, metadata_directory=None):
    return write(folder, "kit", {"kit.pth": os.getcwd()})
"""
PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""


def real_project(folder: Path) -> Path:
    """Make a repository whose lock pins one distribution that lies beside it, by hash."""
    root = folder / "a repository"
    (root / "book/_tools").mkdir(parents=True)
    for name in ("setup_env.py", "setup_messages.py", "own_folder.py"):
        (root / "book/_tools" / name).write_text((TOOLS / name).read_text())
    (root / "pyproject.toml").write_text(PYPROJECT)
    (root / "backend.py").write_text(BACKEND)
    source = folder / "tiny-1.0.tar.gz"
    with tarfile.open(source, "w:gz") as archive:
        archive.add(root / "pyproject.toml", "tiny-1.0/pyproject.toml")
        archive.add(root / "backend.py", "tiny-1.0/backend.py")
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    (root / "requirements.lock").write_text(f"tiny==1.0 \\\n    --hash=sha256:{digest}\n")
    return root


def test_the_real_pip_killed_waited_for_repaired_and_left_alone(tmp_path: Path) -> None:
    root, hold = real_project(tmp_path), tmp_path / "hold"
    environment = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path), "HOLD": str(hold)}
    environment = {k: v for k, v in os.environ.items() if k != "PYTHON"} | environment

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, str(root / "book/_tools/setup_env.py")]
        return subprocess.Popen(
            command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    hold.touch()
    with start() as killed:
        while not hold.with_suffix(".reached").exists():
            assert killed.poll() is None, killed.stdout and killed.stdout.read()
            time.sleep(0.05)
        killed.send_signal(signal.SIGKILL)
    assert (root / ".venv/bin/python").exists()
    assert read_stamp(root) == {}

    # pip of the killed set-up is still at work: the next set-up waits, then starts from nothing.
    with start() as second:
        assert second.stdout is not None
        assert "waiting" in second.stdout.readline()
        hold.unlink()
        assert "an earlier set-up of .venv did not finish" in second.stdout.read()
    assert second.returncode == 0
    code = "import tiny, importlib.metadata as m; print(tiny.SIZE, m.version('kit'))"
    found = subprocess.check_output([root / ".venv/bin/python", "-c", code], text=True)
    assert found == "1 1.0\n"
    assert not (root / ".venv/tmp").exists()

    def cpu_seconds() -> float:  # the clock on the wall depends on what else the machine does
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    began = cpu_seconds()
    with start() as third:
        assert third.stdout is not None
        assert third.stdout.read() == ""
    assert third.returncode == 0
    assert cpu_seconds() - began < 1

    (root / "requirements.lock").write_text(f"tiny==2.0 \\\n    --hash=sha256:{'0' * 64}\n")
    with start() as failing:
        assert failing.stdout is not None
        assert "tiny==2.0 is not to be had" in failing.stdout.read()
    assert failing.returncode == 2
    assert read_stamp(root) != {}
