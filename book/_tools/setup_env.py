"""Make .venv, or mend it, so that it holds what requirements.lock pins and the package itself.

Every make target that needs .venv runs this first; when nothing has changed it costs 0.1 s. It uses
the standard library alone, and syntax that Python 3.6 reads, so that an old Python gets a sentence
and not a traceback.
"""

import contextlib
import errno
import hashlib
import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import own_folder
from setup_messages import FREE_GB, THIS, Progress, SetupError, explain, stop, without_torch

MINIMUM = (3, 10)
if sys.version_info < MINIMUM:
    names = [f"python3.{minor}" for minor in range(20, 9, -1)]
    newer = ([name for name in names if shutil.which(name)] or ["python3.12"])[0]
    stop(f"Python {THIS} is too old, name a newer one, as in `PYTHON={newer} make book`")

try:
    import fcntl
except ImportError:
    stop("make works on Linux and macOS; on Windows run it inside WSL")

Pip = Callable[[Path, list[str], Progress, int], None]
Obstacle = Callable[[Path, str], str]


def stamp_path(root: Path) -> Path:
    return root / ".venv/set-up.json"


def read_stamp(root: Path) -> dict[str, str]:
    """What the last finished set-up was made from; empty if none has finished."""
    try:
        return dict(json.loads(stamp_path(root).read_text()))
    except (OSError, ValueError, TypeError):
        return {}


def write_stamp(root: Path, stamp: dict[str, str]) -> None:
    """The last act of a set-up, in one rename: a killed set-up leaves no stamp."""
    part = stamp_path(root).with_suffix(".part")
    part.write_text(json.dumps(stamp, indent=1))
    part.replace(stamp_path(root))


def wanted_stamp(root: Path, python: str) -> dict[str, str]:
    def digest(name: str) -> str:
        return hashlib.sha256((root / name).read_bytes()).hexdigest()

    return {
        "lock": digest("requirements.lock"),
        "pyproject": digest("pyproject.toml"),
        "python": python,
        "place": str(root),  # the scripts in .venv/bin name their interpreter by its full path
    }


def venv_version(root: Path) -> str:
    """The Python that .venv runs, as "3.11"; empty if it does not run."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    command = [str(root / ".venv/bin/python"), "-I", "-S", "-c", code]
    try:
        run = subprocess.run(command, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return run.stdout.strip()


def reason_to_rebuild(root: Path, stamp: dict[str, str], want: dict[str, str]) -> str:
    """Why .venv must be made from nothing; empty if it can be kept."""
    if not os.path.lexists(root / ".venv"):
        return "there is no .venv yet"
    if not stamp:
        return "an earlier set-up of .venv did not finish"
    if stamp.get("python") != want["python"]:
        return f".venv has Python {stamp.get('python')} and {want['python']} is asked for"
    if venv_version(root) != want["python"]:
        return "the Python that .venv was made with has gone"
    return ""


def own(root: Path, name: str, obstacle: Obstacle = own_folder.file_obstacle) -> Path:
    """Give the path, or stop before anything is changed that set-up did not make in this place."""
    reason = obstacle(root, name)
    if reason:
        raise SetupError(f"{root / name} {reason}, then run make again")
    return root / name


@contextlib.contextmanager
def one_at_a_time(root: Path) -> Iterator[int]:
    """Hold the lock file's lock; yields its descriptor.

    pip inherits the descriptor: if this process is killed and pip lives on, the next set-up waits
    for that pip before it touches .venv.
    """
    with open(own(root, ".venv.lock"), "w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("set-up: another make is setting .venv up: waiting for it", flush=True)
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError:
            print("set-up: this disk has no file locks: run one make at a time", flush=True)
        yield handle.fileno()


def clean_environment() -> dict[str, str]:
    """The user's environment, less what would make pip install to, or import from, elsewhere."""
    foreign = ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX")
    return {"PIP_USER": "0", **{k: v for k, v in os.environ.items() if k not in foreign}}


def create_venv(root: Path) -> None:
    # From inside .venv itself (activated) the interpreter that is about to vanish is not used.
    python = getattr(sys, "_base_executable", sys.executable)
    if not all(importlib.util.find_spec(name) for name in ("venv", "ensurepip")):
        raise SetupError(
            f"{python} has no venv module: install it, then run make again"
            f" (Debian and Ubuntu: sudo apt install python{THIS}-venv)"
        )
    free = shutil.disk_usage(root).free / 1e9
    if free < FREE_GB:
        raise SetupError(f"{free:.1f} GB are free here: free {FREE_GB} GB, then run make again")
    command = [python, "-m", "venv", str(root / ".venv")]
    run = subprocess.run(command, capture_output=True, text=True, env=clean_environment())
    if run.returncode:
        last = (run.stderr + run.stdout).strip().splitlines()[-1:]
        raise SetupError(f"{python} could not make .venv: {''.join(last)}")


def run_pip(root: Path, arguments: list[str], progress: Progress, lock: int) -> None:
    """Run `pip install` of .venv; its whole output goes to .venv.log.

    Raises
    ------
    SetupError
        If pip fails; the sentence says why and what to do.
    """
    options = ["--disable-pip-version-check", "--no-input", "--progress-bar", "off"]
    temporary = root / ".venv/tmp"  # on the disk that has the room, which /tmp may not be
    temporary.mkdir(exist_ok=True)
    process = subprocess.Popen(
        [str(root / ".venv/bin/python"), "-m", "pip", "install", *options, *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        cwd=root,
        env={**clean_environment(), "TMPDIR": str(temporary)},
        pass_fds=(lock,),
    )
    assert process.stdout is not None
    with process, open(root / ".venv.log", "a") as log:
        try:
            for line in process.stdout:
                log.write(line)
                progress.follow(line)
        except BaseException:
            process.terminate()
            log.write(process.stdout.read())
            raise
    shutil.rmtree(temporary, ignore_errors=True)
    if process.returncode:
        raise SetupError(explain((root / ".venv.log").read_text()))


def install_lock(root: Path, pip: Pip, progress: Progress, lock: int) -> None:
    """Install what the lock pins; there is no stamp while .venv is neither the old nor the new."""
    old = read_stamp(root)
    stamp_path(root).unlink(missing_ok=True)
    progress.say("installing what requirements.lock pins: some minutes the first time")
    try:
        # Compiling all modules takes a minute, and most of them are never imported.
        pins = ["--no-compile", "--require-hashes", "-r", "requirements.lock"]
        pip(root, pins, progress, lock)
    except BaseException:
        # pip downloads everything before it replaces anything: up to there the old .venv is whole.
        if old and "Installing collected packages" not in (root / ".venv.log").read_text():
            write_stamp(root, old)
        raise


def ensure(
    root: Path, python: str = "", create: Callable[[Path], None] = create_venv, pip: Pip = run_pip
) -> bool:
    """Bring .venv to what the lock and pyproject.toml say; False if there was nothing to do.

    `python` is the version the user asked for, as "3.12"; empty: whichever .venv has.
    """
    with one_at_a_time(root) as lock:
        venv = own(root, ".venv", own_folder.obstacle)
        stamp = read_stamp(root)
        want = wanted_stamp(root, python or stamp.get("python") or THIS)
        reason = reason_to_rebuild(root, stamp, want)
        if not reason and stamp == want:
            return False
        if without_torch():
            raise SetupError(without_torch())
        own_folder.claim(own(root, ".venv", own_folder.refusal))
        own(root, ".venv.log").write_text("")
        pins = (root / "requirements.lock").read_text().splitlines()
        with Progress(len({pin.split("==")[0] for pin in pins if "==" in pin})) as progress:
            if reason:
                want["python"] = THIS
                progress.say(f"{reason}: making it")
                own_folder.empty(venv)
                create(root)
            if reason or stamp.get("lock") != want["lock"]:
                install_lock(root, pip, progress, lock)
                write_stamp(root, {**want, "pyproject": ""})
            progress.say("installing the package itself")
            pip(root, ["--no-deps", "--no-build-isolation", "-e", "."], progress, lock)
            write_stamp(root, want)
        print(f"set-up: .venv is ready, after {progress.seconds():.0f} s", flush=True)
        return True


def main() -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        ensure(Path(__file__).resolve().parents[2], THIS if os.environ.get("PYTHON") else "")
    except (SetupError, OSError) as error:
        if isinstance(error, PermissionError) or getattr(error, "errno", 0) == errno.EROFS:
            remedy = "work in a copy of this folder that has no .venv"
            stop(f"{error.filename} is not yours to change: {remedy}")
        stop(str(error))
    except KeyboardInterrupt:
        print("set-up: stopped; the next make goes on from here", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
