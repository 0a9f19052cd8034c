"""The package without its checkout, as ``pip install`` leaves it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel, and install it into a folder of its own."""
    folder = tmp_path_factory.mktemp("plain")
    source = folder / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE-TEXT"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(
        ROOT / "cozad_teach", source / "cozad_teach", ignore=shutil.ignore_patterns("__pycache__")
    )
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        *options,
        "--target",
        folder / "site",
        source,
    ]
    subprocess.run(command, check=True)
    shutil.rmtree(source)
    return folder / "site"


def cozad(installed: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    code = "import sys, cozad_teach; from cozad_teach.cli.main import main\n"
    code += f"assert cozad_teach.__file__.startswith({str(installed)!r})\n"
    code += "sys.exit(main(sys.argv[1:]))"
    environment = {**os.environ, "PYTHONPATH": str(installed), "XDG_CACHE_HOME": str(folder / "c")}
    return subprocess.run(
        [sys.executable, "-c", code, *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    "words",
    [["results"], ["results", "accuracy"], ["results", "--check", "1"], ["bench", "accuracy"]],
    ids=" ".join,
)
def test_what_needs_the_book_says_so(installed: Path, tmp_path: Path, words: list[str]) -> None:
    run = cozad(installed, tmp_path, *words)
    assert (run.returncode, run.stdout) == (2, "")
    assert run.stderr == (
        "cozad: error: the results are part of the book, which is not here: run this in a checkout "
        "of the project\n"
    )


def test_chapters_find_the_results_of_their_book(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "book").mkdir()
    shutil.copytree(ROOT / "book" / "results", tmp_path / "book" / "results")
    (tmp_path / "book" / "chapters").mkdir()
    run = cozad(installed, tmp_path / "book" / "chapters", "results", "first_result")
    assert run.returncode == 0 and run.stdout.startswith("first_result: ")


def test_nothing_is_built_beside_the_package(installed: Path, tmp_path: Path) -> None:
    before = sorted(path for path in installed.parent.iterdir())
    code = "from cozad_teach.files.checkout import build_folder; print(build_folder())"
    environment = {**os.environ, "PYTHONPATH": str(installed), "XDG_CACHE_HOME": str(tmp_path)}
    found = subprocess.check_output(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, text=True
    )
    assert found.strip() == str(tmp_path / "cozad-teach")
    run = cozad(installed, tmp_path, "data", "--out", "textures")
    assert run.returncode == 0, run.stderr
    assert sorted(installed.parent.iterdir()) == before
