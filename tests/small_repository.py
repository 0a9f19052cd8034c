"""A repository of next to nothing, which the real uv sets up without network."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from torch_index import linux_wheel, sha256, write_wheel

import set_up

TOOLS = Path(set_up.__file__).parent
# What runs before .venv is there.
STANDALONE = ("set_up.py", "own_folder.py", "torch_wheels.py", "from_wheelhouse.py")

# A build back end in 20 lines, so that the real uv can be run without network. While the file
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
[project]
name = "{}"
version = "1.0"
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
"""


def real_project(folder: Path) -> Path:
    """Make a repository whose lock pins one distribution that lies beside it, by hash."""
    root = folder / "a repository"
    (root / "book/_tools").mkdir(parents=True)
    for name in STANDALONE:
        shutil.copy(TOOLS / name, root / "book/_tools")
    (root / "backend.py").write_text(BACKEND)
    source = folder / "tiny-1.0.tar.gz"
    with tarfile.open(source, "w:gz") as archive:
        for name in ("tiny", "kit"):  # what stays is that of the repository itself
            (root / "pyproject.toml").write_text(PYPROJECT.format(name))
            if name == "tiny":
                archive.add(root / "pyproject.toml", "tiny-1.0/pyproject.toml")
        archive.add(root / "backend.py", "tiny-1.0/backend.py")
    digest = hashlib.sha256(source.read_bytes()).hexdigest()
    (root / "requirements.lock").write_text(f"tiny==1.0 \\\n    --hash=sha256:{digest}\n")
    own_uv = root / "build/uv/bin/uv"  # as if it had been fetched: this lock pins none
    own_uv.parent.mkdir(parents=True)
    shutil.copy(Path(sys.executable).with_name("uv"), own_uv)
    (root / "build/uv/pin.txt").write_text("")
    return root


VERSIONS = {"torch": "2.15.0", "torchvision": "0.29.2"}
CPU = {"torch-2.15.0+cpu", "torchvision-0.29.2+cpu", "other-1.0", "kit-1.0"}
CUDA = {"torch-2.15.0", "torchvision-0.29.2", "nvidia_nccl-1.0", "other-1.0", "kit-1.0"}


def torch_project(folder: Path) -> Path:
    """Make a repository whose lock pins the wheels that this writes into `found`.

    These are torch and torchvision with CUDA, what they need for it, and `other`.
    """
    root, found = real_project(folder), folder / "found"
    found.mkdir()
    wheels = [linux_wheel(found, name, version) for name, version in VERSIONS.items()]
    wheels += [write_wheel(found, name, "1.0") for name in ("nvidia_nccl", "other")]
    pins = (("==".join(w.name.split("-")[:2]).replace("_", "-"), sha256(w)) for w in wheels)
    lock = "".join(f"{pin} \\\n    --hash=sha256:{digest}\n" for pin, digest in pins)
    (root / "requirements.lock").write_text(lock)
    return root


def clean_environment(folder: Path, **variables: str) -> dict[str, str]:
    """Give an environment for a set-up: nothing of the user's, and a cache of its own."""
    away = ("PYTHON", "VIRTUAL_ENV", "UV_", "PIP_", "TORCH", "WHEELHOUSE", "COV_CORE")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(away)}
    own = {"UV_CACHE_DIR": str(folder / "cache"), "HOLD": str(folder / "hold")}
    return {**kept, **own, **variables}


def run(root: Path, environment: dict[str, str], **variables: str) -> tuple[int, str]:
    """Run the set-up; give its exit status and all that it said."""
    done = subprocess.run(
        [sys.executable, str(root / "book/_tools/set_up.py")],
        env={**environment, **variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout


def state(root: Path) -> dict[str, int]:
    """Give what is installed, each with the inode of its folder: another one, another."""
    site = next((root / ".venv/lib").glob("python3*/site-packages"))
    return {path.stem: path.stat().st_ino for path in site.glob("*.dist-info")}
