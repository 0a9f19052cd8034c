"""Set .venv up with uv: what requirements.lock pins, and the package itself.

Every make target that needs .venv runs this first; when nothing has changed it costs 0.1 s. It uses
the standard library alone, and syntax that Python 3.6 reads: any Python can fetch uv, which finds
one that is new enough, or fetches that too.
"""

import contextlib
import hashlib
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import from_wheelhouse
import own_folder
import torch_wheels
from torch_wheels import NoWheels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PYTHONS = ">=3.11,<3.15"  # that requirements.lock has wheels for
CORNER = "build/uv"  # uv's own environment
READY = ".venv/.ready"  # says what a finished .venv was made from
# What would make pip or uv install to, or delete from, elsewhere than .venv.
FOREIGN = ["PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX", "UV_PYTHON", "UV_SYSTEM_PYTHON"]
FOREIGN += ["UV_TARGET", "UV_PREFIX", "UV_PROJECT_ENVIRONMENT", "UV_WORKING_DIR", "UV_CONFIG_FILE"]
FOREIGN += ["UV_TORCH_BACKEND"]  # another torch than the one that is pinned


class SetUpError(Exception):
    """One sentence for the user: what is wrong and what to do."""


def call(command: "list[str]", root: Path, **variables: str) -> None:
    """Run a command whose output the user sees."""
    environment = {k: v for k, v in os.environ.items() if k not in FOREIGN}
    # torch is large: a slow line may be silent for longer than uv waits by itself.
    variables = {"UV_HTTP_TIMEOUT": "180", **environment, **variables}
    # Open files go along: the lock of `one_at_a_time` is held for as long as anything runs.
    if subprocess.run(command, cwd=str(root), env=variables, close_fds=False).returncode:
        what = " ".join([Path(command[0]).name, *command[1:3]])
        raise SetUpError(
            f"`{what} ...` failed and said why: mend that (most often it is the network or the"
            " disk), then run make again"
        )


def fetch_uv(root: Path) -> Path:
    """Give the uv that requirements.lock pins, after fetching it into a corner of its own."""
    lock = (root / "requirements.lock").read_text(encoding="utf-8")
    pins = re.findall(r"^uv==(?:.*\\\n)*.*\n", lock, re.M)
    corner = own(root, CORNER)
    uv, kept = corner / "bin/uv", corner / "pin.txt"
    if not (uv.exists() and kept.exists() and kept.read_text(encoding="utf-8") == "".join(pins)):
        print("set-up: fetching uv", flush=True)
        call([sys.executable, "-m", "venv", str(corner)], root)
        kept.write_text("".join(pins), encoding="utf-8")
        pip = [str(corner / "bin/python"), "-m", "pip", "install", "--quiet"]
        try:
            call([*pip, "--require-hashes", "-r", str(kept)], root, PIP_USER="0")
        except BaseException:
            kept.unlink()
            raise
    return uv


def mirror(root: Path) -> "dict[str, str]":
    """Point uv at the index that pip is told to use: uv does not read pip's settings."""
    if "UV_DEFAULT_INDEX" in os.environ or "UV_INDEX_URL" in os.environ:
        return {}
    command = [str(root / CORNER / "bin/python"), "-m", "pip", "config", "get"]
    for section in (":env:", "install", "global"):
        asked = [*command, f"{section}.index-url"]
        run = subprocess.run(asked, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        if not run.returncode:
            return {"UV_DEFAULT_INDEX": run.stdout.decode().strip()}
    return {}


def run_uv(root: Path, *arguments: str) -> None:
    """Run uv on .venv.

    Raises
    ------
    SetUpError
        If it fails.
    """
    if arguments[0] == "pip":
        arguments += ("--python", str(root / ".venv/bin/python"))
    # Without uv's own settings too: they may name a folder to install to, which `sync` would empty.
    command = [str(fetch_uv(root)), *arguments]
    index = mirror(root) if "sync" in arguments and "--offline" not in arguments else {}
    call(command, root, UV_NO_CONFIG="1", **index)


def install_lock(root: Path, uv: "Callable[..., None]", lock: str, *options: str) -> None:
    """Install what the lock pins: from uv's cache if that holds all, else from the network."""
    command = ("pip", "sync", "--require-hashes", lock, *options)
    try:
        uv(root, *command, "--offline", "--quiet", "--quiet")
    except SetUpError:
        print("set-up: installing what requirements.lock pins", flush=True)
        try:
            uv(root, *command)
        except SetUpError:
            torch_wheels.forget(root)
            raise


def own(
    root: Path, name: str, obstacle: "Callable[[Path, str], str]" = own_folder.obstacle
) -> Path:
    """Give the path, or stop before anything is changed that set-up did not make in this place."""
    reason = obstacle(root, name)
    if reason:
        raise SetUpError(f"{root / name} {reason}, then run make again")
    return root / name


@contextlib.contextmanager
def one_at_a_time(root: Path) -> "Iterator[None]":
    """Hold the lock file's lock.

    What runs meanwhile inherits it: if this process is killed and uv lives on, the next set-up
    waits for that uv before it touches .venv.
    """
    import fcntl

    with open(str(own(root, ".venv.lock", own_folder.file_obstacle)), "w") as handle:
        os.set_inheritable(handle.fileno(), True)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("set-up: another make is setting .venv up: waiting for it", flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError:
            print("set-up: this disk has no file locks: run one make at a time", flush=True)
        yield


def version(python: str) -> str:
    """Give the version of a Python, as "3.11"; empty if it does not run."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        return subprocess.check_output([python, "-I", "-S", "-c", code]).decode().strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def ensure(
    root: Path, asked: str = "", uv: "Callable[..., None]" = run_uv, torch: str = ""
) -> bool:
    """Bring .venv to what requirements.lock and pyproject.toml say; False if it is so.

    Parameters
    ----------
    root : Path
        The repository.
    asked : str
        The Python that the user named; empty: any that will do.
    uv : callable
        Runs uv on .venv.
    torch : str
        The kind of PyTorch that the user named, cpu or cuda; empty: the one that .venv has, and in
        a new one what this machine can use.

    Raises
    ------
    SetUpError, NoWheels
        If it cannot be done; the sentence says why and what to do.
    """
    with one_at_a_time(root):
        venv, ready = own(root, ".venv"), root / READY
        files = [(root / name).read_bytes() for name in ("requirements.lock", "pyproject.toml")]
        # The place too: the programs in .venv/bin name their Python by its whole path.
        wanted = hashlib.sha256(b"".join([*files, os.fsencode(str(root))])).hexdigest()
        kept = ready.read_text(encoding="utf-8") if ready.is_file() else ""
        python = version(str(venv / "bin/python"))
        usable = kept and python and (not asked or python == version(asked))
        has = torch_wheels.installed(venv) if usable else ""
        if usable and kept == wanted and torch in ("", has):
            return False
        own_folder.claim(own(root, ".venv", own_folder.refusal))
        if not usable:
            print("set-up: making .venv", flush=True)
            own_folder.empty(venv)
            uv(root, "venv", "--quiet", "--allow-existing", "--python", asked or PYTHONS, ".venv")
        own(root, CORNER)
        lock = torch_wheels.choose(root, version(str(venv / "bin/python")), torch, has)
        if ready.exists():
            ready.unlink()  # from here on .venv is neither the old one nor the new one
        install_lock(root, uv, lock, *torch_wheels.exchange(lock, has))
        package = ("--no-deps", "--no-build-isolation", "--editable", ".")
        uv(root, "pip", "install", "--quiet", *package)
        ready.write_text(wanted, encoding="utf-8")
        print("set-up: .venv is ready", flush=True)
        return True


def without_torch(asked: str) -> str:
    """Say why the pinned PyTorch cannot run here, and what to do; empty if it can.

    uv would say so in words of wheels and tags.
    """
    machine, python = platform.machine(), version(asked) if asked else ""
    if asked and python not in ("3.11", "3.12", "3.13", "3.14"):
        return f"{asked} is Python {python or 'no more'}: name one of 3.11 to 3.14, or none"
    if sys.platform == "darwin" and machine == "x86_64":
        return (
            "PyTorch is not built for Intel Macs, nor for an Intel Python on Apple silicon: use a"
            " Python for Apple silicon (PYTHON=/path/to/python3 make book), or Linux"
        )
    if sys.platform not in ("linux", "darwin") or machine not in ("x86_64", "aarch64", "arm64"):
        return (
            f"PyTorch is not built for {platform.system()} on {machine}: use Linux on x86_64 or"
            " aarch64 (on Windows inside WSL), or a Mac with Apple silicon"
        )
    return ""


def main() -> int:
    """Run the command line: no arguments; PYTHON, TORCH and WHEELHOUSE from the environment."""
    asked, torch, house = map(os.environ.get, ("PYTHON", "TORCH", "WHEELHOUSE"))
    try:
        sentence = without_torch(asked or "") or torch_wheels.refusal(torch or "")
        if sentence:
            raise SetUpError(sentence)
        if house:
            asked = from_wheelhouse.enter(Path(house), asked or "")
        ensure(Path(__file__).resolve().parents[2], asked or "", run_uv, torch or "")
    except PermissionError as error:
        remedy = "work in a copy of this folder that has no .venv"
        print(f"set-up: {error.filename} is not yours to change: {remedy}", file=sys.stderr)
    except (SetUpError, NoWheels, from_wheelhouse.UnfitWheelhouse, OSError) as error:
        print(f"set-up: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("set-up: stopped; the next make goes on from here", file=sys.stderr)
        return 130
    else:
        return 0
    return 2


if __name__ == "__main__":
    sys.exit(main())
