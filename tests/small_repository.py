"""A repository of next to nothing, which the real uv sets up without network."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tarfile
from pathlib import Path

import set_up

TOOLS = Path(set_up.__file__).parent
STANDALONE = ("set_up.py", "own_folder.py", "torch_wheels.py")  # what runs before .venv is there

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
