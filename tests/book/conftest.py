"""The book under test: its tools, its notebooks and its pages, built once per session."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "book" / "_tools"
sys.path.insert(0, str(TOOLS))


@pytest.fixture(scope="session")
def html(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Pages built by ``build.py --check`` from the stored outputs, warnings as errors."""
    target = tmp_path_factory.mktemp("pages") / "html"
    command = [sys.executable, str(TOOLS / "build.py"), "--check", "--out", str(target)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if not target.is_dir():
        pytest.fail(f"build.py --check built no pages:\n{result.stdout}{result.stderr}")
    return target
