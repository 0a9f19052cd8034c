"""Threads that wait must leave the processor to others: under make, in a shell and in kernels."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "book").glob("[!_]*/*.ipynb"))


def turns(code: str, **variables: str) -> int:
    """Give how often a thread turns before it sleeps in a fresh Python, as OpenMP tells itself."""
    known = ("OMP_", "GOMP_", "KMP_")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(known)}
    environment |= {"OMP_DISPLAY_ENV": "VERBOSE", **variables}
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    found = re.search(r"GOMP_SPINCOUNT = '(\w+)'", run.stderr)
    assert found, run.stderr
    return int(found[1])


def test_threads_wait_for_a_short_while_unless_the_user_says_otherwise() -> None:
    usual = turns("import torch")
    assert turns("import cozad_book.checking.exercises") == 30_000 == usual / 10
    assert turns("import cozad_teach.cli.main, cozad_teach.models.train") == 30_000
    # What torch loads reads the policy; torch is long in coming.
    code = f"import cozad_teach, ctypes; ctypes.CDLL({str(openmp())!r})"
    assert turns(code) == 30_000
    assert turns(code, GOMP_SPINCOUNT="7") == 7
    assert turns(code, OMP_WAIT_POLICY="PASSIVE") == 0
    assert turns(code, OMP_WAIT_POLICY="ACTIVE") > usual


def openmp() -> Path:
    """The OpenMP that torch brings and loads."""
    folder = Path(torch.__file__).parent
    found = [*folder.glob("lib/libgomp*"), *folder.parent.glob("torch.libs/libgomp*")]
    assert found, "torch brings another OpenMP: which one?"
    return found[0]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_import_the_package_before_torch(path: Path) -> None:
    """OpenMP reads its policy once, when torch is loaded: in a kernel too, whoever started it."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code")
    imported = re.findall(r"^(?:from|import) (\w+)", code, re.MULTILINE)
    heavy = [place for place, name in enumerate(imported) if name in ("torch", "sklearn", "timm")]
    assert not heavy or {"cozad_teach", "cozad_book"} & set(imported[: heavy[0]])
