"""The book under test: its tools, its notebooks and its pages, built once per session."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "book" / "_tools"
sys.path.insert(0, str(TOOLS))

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
CHROMIUM = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, driven by Playwright."""
    if CHROMIUM is None:
        pytest.skip("no Chromium was found: install one, or set CHROMIUM to its path")
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as play:
        running = play.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield running
        running.close()


@pytest.fixture(scope="session")
def html(made_once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """Pages built by ``build.py --check`` from the stored outputs, warnings as errors."""

    def build(target: Path) -> None:
        command = [sys.executable, str(TOOLS / "build.py"), "--check", "--out", str(target)]
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if not target.is_dir():
            pytest.fail(f"build.py --check built no pages:\n{result.stdout}{result.stderr}")

    return made_once("html", build)


@pytest.fixture
def check_notebook(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Give a function that runs ``pytest --nbval`` on a book of a few cells: source and output."""

    def check(
        variables: dict[str, str], *cells: tuple[str, str]
    ) -> subprocess.CompletedProcess[str]:
        shutil.copytree(TOOLS, tmp_path / "book" / "_tools")
        for file in ("book/conftest.py", "pyproject.toml"):
            shutil.copy(ROOT / file, tmp_path / file)
        chapters = tmp_path / "book" / "chapters"
        chapters.mkdir()
        notebook = new_notebook()
        for number, (source, stored) in enumerate(cells, 1):
            cell = new_code_cell(source, id=f"cell-{number}", execution_count=number)
            cell.outputs = [new_output("stream", text=stored)]
            notebook.cells.append(cell)
        nbformat.write(notebook, chapters / "a.ipynb")
        return subprocess.run(
            [sys.executable, "-m", "pytest", "--nbval", "book/chapters", "-q"],
            cwd=tmp_path,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )

    return check
