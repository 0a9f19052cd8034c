"""Write the chapters for Colab: with a first cell that brings the package and what it needs.

``python book/_tools/colab.py`` writes build/colab, the content of the branch "colab" of the
repository that `book/_config.yml` names: the buttons on the pages lead there.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import nbformat
import yaml
from nbformat.v4 import new_code_cell

from cozad_teach.cli.endings import run_command
from cozad_teach.errors import CozadError
from cozad_teach.files.writing import atomic_folder
from notebooks import BOOK, ROOT

TARGET = ROOT / "build" / "colab"
CELL = """# Colab lacks the package of this book: this gets the book and installs what is missing.
import importlib.util
import os
import subprocess
import sys

if importlib.util.find_spec("cozad_teach") is None:
    clone = ["git", "clone", "--quiet", "--depth", "1", "--branch", {branch!r}, {url!r}, "cozad"]
    subprocess.run(clone, check=True)
    install = [sys.executable, "-m", "pip", "install", "--quiet", {package!r}, "ruff"]
    subprocess.run(install, check=True)
    importlib.invalidate_caches()
    os.chdir("cozad/book/chapters")"""


def repository(config: Path = BOOK / "_config.yml") -> tuple[str, str]:
    """Read the address and the branch of the repository.

    Raises
    ------
    CozadError
        If none is named.
    """
    named = yaml.safe_load(config.read_text(encoding="utf-8"))["repository"]
    if not named["url"]:
        raise CozadError(f"{config} names no repository: give its address as repository: url")
    return named["url"], named["branch"]


def first_cell(url: str, branch: str, package: str = "./cozad") -> str:
    """Give the source of the first cell; `package` is what pip installs, beside the book."""
    return CELL.format(url=url, branch=branch, package=package)


def write(folder: Path, url: str, branch: str) -> None:
    """Write the chapters, each with the first cell, into a folder, and what they link to."""
    with atomic_folder(folder, replace=True) as made:
        shutil.copytree(BOOK / "assets", made / "book" / "assets", ignore=lambda *_: ["vendor"])
        (made / "book" / "chapters").mkdir()
        for path in sorted((BOOK / "chapters").glob("*.ipynb")):
            notebook = nbformat.read(path, as_version=4)
            cell = new_code_cell(first_cell(url, branch), id="colab")
            notebook.cells.insert(0, cell)
            nbformat.write(notebook, made / "book" / "chapters" / path.name)


def main() -> int:
    """Write the folder anew."""
    url, branch = repository()
    write(TARGET, url, branch)
    print(f"{TARGET} is the content of the branch colab of {url}")
    return 0


if __name__ == "__main__":
    sys.exit(run_command("colab", main))
