"""The package without its checkout, as ``pip install`` leaves it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory, wheel: Path) -> Path:
    """Install the wheel into a folder of its own."""
    folder = tmp_path_factory.mktemp("plain")
    options = ["--quiet", "--no-deps", "--no-index"]
    command = [sys.executable, "-m", "pip", "install", *options, "--target", folder / "site", wheel]
    subprocess.run(command, check=True)
    return folder / "site"


RUN = """
import contextlib, io, json, sys
import cozad_teach
from cozad_teach.cli.main import main
from cozad_teach.files.checkout import build_folder

found = [cozad_teach.__file__, str(build_folder())]
for words in json.loads(sys.argv[1]):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        with contextlib.redirect_stderr(io.StringIO()) as error:
            code = main(words)
    found.append([code, out.getvalue(), error.getvalue()])
print(json.dumps(found))
"""
LACKING = (["results"], ["results", "accuracy"], ["results", "--check", "1"], ["bench", "accuracy"])


def cozad(installed: Path, folder: Path, *commands: list[str]) -> tuple[str, list[Any]]:
    """Run commands one after another in a fresh Python; give its folder to build in, and ends."""
    environment = {**os.environ, "PYTHONPATH": str(installed), "XDG_CACHE_HOME": str(folder / "c")}
    run = subprocess.run(
        [sys.executable, "-c", RUN, json.dumps(commands)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    file, build, *ends = json.loads(run.stdout)
    assert file.startswith(str(installed))
    return build, ends


@pytest.fixture(scope="module")
def outside(
    installed: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str, list[Any], bool]:
    """What commands do where no book is: in which folder, and whether nothing lies beside them."""
    folder = tmp_path_factory.mktemp("outside")
    before = sorted(installed.parent.iterdir())
    build, ends = cozad(installed, folder, *LACKING, ["demo"], ["data", "--out", "textures"])
    return folder, build, ends, sorted(installed.parent.iterdir()) == before


@pytest.mark.parametrize("words", LACKING, ids=" ".join)
def test_what_needs_the_book_says_so(outside: Any, words: list[str]) -> None:
    code, out, error = outside[2][LACKING.index(words)]
    assert (code, out) == (2, "")
    assert error == (
        "cozad: error: the results are part of the book, which is not here: run this in a checkout "
        "of the project\n"
    )


def test_commands_of_the_book_come_along(outside: Any) -> None:
    code, out, error = outside[2][len(LACKING)]
    assert (code, out) == (2, "")
    assert error.startswith("cozad: error: there is no ready model yet: ")


def test_chapters_find_the_results_of_their_book(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "book").mkdir()
    shutil.copytree(ROOT / "book" / "results", tmp_path / "book" / "results")
    (tmp_path / "book" / "chapters").mkdir()
    _, [(code, out, _)] = cozad(
        installed, tmp_path / "book" / "chapters", ["results", "first_result"]
    )
    assert code == 0 and out.startswith("first_result: ")


def test_nothing_is_built_beside_the_package(outside: Any) -> None:
    folder, build, ends, unchanged = outside
    assert build == str(folder / "c" / "cozad-teach")
    assert ends[-1][0] == 0, ends[-1]
    assert (folder / "textures").is_dir() and unchanged
