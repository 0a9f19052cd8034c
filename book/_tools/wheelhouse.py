"""Fill build/wheelhouse with all that a set-up without network takes, and with this package.

``make wheelhouse``, for a room of computers; then, on each, ``make setup WHEELHOUSE=folder``. The
wheels are those of this machine's kind and of the Python of .venv. What is there already, with
the right hash, is not fetched again: after a stop the same command goes on.
"""

from __future__ import annotations

import hashlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.tags import sys_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

import own_folder
import torch_wheels
from cozad_teach.errors import CozadError
from cozad_teach.files.writing import atomic_write

ROOT = Path(__file__).resolve().parents[2]
FOLDER = "build/wheelhouse"
AT_ONCE = 8  # a stop costs what pip was fetching for no more than so many
OWN = ("pyproject.toml", "README.md", "LICENSE", "LICENSE-TEXT", "cozad_teach", "book/cozad_book")


@dataclass(frozen=True)
class Pin:
    """An entry of the lock: its name, its text and the hashes of its files."""

    name: str
    text: str
    hashes: frozenset[str]


def pins(lock: str) -> Iterator[Pin]:
    """Give the entries of a lock that hold for this Python on this machine."""
    for entry in re.split(r"\n(?=\S)", lock.strip()):
        if not entry.startswith("#"):
            requirement = Requirement(re.split(r"\s*\\\n|\s--hash=", entry)[0])
            if requirement.marker is None or requirement.marker.evaluate():
                hashes = frozenset(re.findall(r"--hash=sha256:(\w+)", entry))
                yield Pin(requirement.name, entry, hashes)


def usable(path: Path) -> bool:
    """Say whether a wheel is one for this Python on this machine."""
    try:
        tags = parse_wheel_filename(path.name)[3]
    except InvalidWheelFilename:
        return False
    return not tags.isdisjoint(sys_tags())


def sums(folder: Path) -> dict[str, Path]:
    """Give the usable wheels of a folder by the SHA-256 of what is in them now."""
    found = {}
    for path in sorted(folder.glob("*.whl")):
        if usable(path):
            with path.open("rb") as file:
                found[hashlib.file_digest(file, "sha256").hexdigest()] = path
    return found


def download(wanted: list[Pin], folder: Path) -> None:
    """Let pip fetch the wheels of some pins and compare their hashes.

    Raises
    ------
    CozadError
        If pip fails, whose own words stand above the message.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("".join(f"{pin.text}\n" for pin in wanted))
        file.flush()
        options = ["--no-deps", "--require-hashes", "--only-binary=:all:", "--quiet"]
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
        command = [*pip, "download", *options]
        if subprocess.run([*command, f"--dest={folder}", f"--requirement={file.name}"]).returncode:
            raise CozadError(
                f"pip could not fetch all of {', '.join(pin.name for pin in wanted)} and said why: "
                "mend that (most often it is the network or the disk), then run make wheelhouse "
                "again; what is there stays"
            )


def build_own(root: Path, folder: Path) -> Path:
    """Build the wheel of this package from a copy, so that nothing is built into the checkout."""
    with tempfile.TemporaryDirectory() as name:
        copy = Path(name)
        for source in OWN:
            (copy / source).parent.mkdir(parents=True, exist_ok=True)
            if (root / source).is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(root / source, copy / source, ignore=ignored)
            else:
                shutil.copy(root / source, copy / source)
        options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
        command = [sys.executable, "-m", "pip", "wheel", *options]
        subprocess.run([*command, f"--wheel-dir={copy / 'made'}", str(copy)], check=True)
        (wheel,) = (copy / "made").iterdir()
        return Path(shutil.copy(wheel, folder))


def fill(root: Path, lock: str, folder: Path) -> int:
    """Fetch what is missing, and list all with their hashes; give their size in bytes.

    The list is written last: a folder without one was not filled to the end.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / torch_wheels.SUMS).unlink(missing_ok=True)
    wanted, there = list(pins(lock)), sums(folder)
    missing = [pin for pin in wanted if not pin.hashes & set(there)]
    print(f"wheelhouse: {len(wanted)} packages, of which {len(wanted) - len(missing)} are there")
    for start in range(0, len(missing), AT_ONCE):
        some = missing[start : start + AT_ONCE]
        names = ", ".join(pin.name for pin in some)
        print(
            f"wheelhouse: {start + 1} to {start + len(some)} of {len(missing)}: {names}", flush=True
        )
        download(some, folder)
    there = sums(folder)
    files = {there[sha]: sha for pin in wanted for sha in pin.hashes & set(there)}
    own = build_own(root, folder)
    files[own] = hashlib.sha256(own.read_bytes()).hexdigest()
    with atomic_write(folder / torch_wheels.SUMS) as path:
        path.write_text("".join(f"{sha}  {path.name}\n" for path, sha in sorted(files.items())))
    old = len(list(folder.glob("*.whl"))) - len(files)
    if old:
        print(f"wheelhouse: {old} wheels in {folder} are of no use for this lock and this machine")
    return sum(path.stat().st_size for path in files)


def main() -> int:
    """Run the command line: no arguments."""
    python = ".".join(platform.python_version_tuple()[:2])
    try:
        if reason := own_folder.obstacle(ROOT, FOLDER):
            raise CozadError(f"{ROOT / FOLDER} {reason}")
        # `make setup`, which came before, has heeded TORCH.
        has = torch_wheels.installed(ROOT / ".venv")
        lock = torch_wheels.choose(ROOT, python, "", has)
        size = fill(ROOT, (ROOT / lock).read_text(encoding="utf-8"), ROOT / FOLDER)
    except (CozadError, OSError) as error:
        print(f"wheelhouse: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("wheelhouse: stopped; make wheelhouse goes on from here", file=sys.stderr)
        return 130
    kind = (
        "without CUDA" if lock == torch_wheels.CPU_LOCK or sys.platform != "linux" else "with CUDA"
    )
    print(
        f"wheelhouse: {ROOT / FOLDER} is complete: {size / 1e6:.0f} MB, for Python {python} on "
        f"{platform.system()} on {platform.machine()}, PyTorch {kind}\n"
        "wheelhouse: on each computer, in a copy of this project: make setup WHEELHOUSE=folder"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
