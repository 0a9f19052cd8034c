"""Kernels that die on their way up: started anew, and heard when they never come up."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient.exceptions import DeadKernelError
from nbformat.v4 import new_code_cell, new_notebook

import kernel_start
import notebooks

# Python imports this at its start; the first kernels die before they say anything to the manager.
DIES_AT_FIRST = """
import os, sys, pathlib
if "ipykernel_launcher" in sys.orig_argv:
    tally = pathlib.Path(__file__).with_name("deaths_left")
    left = int(tally.read_text())
    tally.write_text(str(left - 1))
    if left > 0:
        print("no port is free", file=sys.stderr, flush=True)
        os._exit(1)
"""


CELL = ("print(2 * 3)", "6\n")


def dying(folder: Path, times: int) -> dict[str, str]:
    (folder / "sitecustomize.py").write_text(DIES_AT_FIRST, encoding="utf-8")
    (folder / "deaths_left").write_text(str(times), encoding="utf-8")
    return notebooks.environment(folder, packs=False)


def save(folder: Path, source: str) -> Path:
    path = folder / "one_cell.ipynb"
    nbformat.write(new_notebook(cells=[new_code_cell(source)]), path)
    return path


def test_two_deaths_are_overcome(tmp_path: Path, check_notebook: Any) -> None:
    variables = dying(tmp_path, kernel_start.STARTS - 1)
    path = save(tmp_path, CELL[0])
    notebook = asyncio.run(notebooks.execute(path, tmp_path, variables))
    assert notebook.cells[0].outputs[0].text == "6\n"
    assert (tmp_path / "deaths_left").read_text(encoding="utf-8") == "-1"
    result = check_notebook(dying(tmp_path, kernel_start.STARTS - 1), CELL)
    assert result.returncode == 0 and "1 passed" in result.stdout, result.stdout
    assert (tmp_path / "deaths_left").read_text(encoding="utf-8") == "-1"


def test_a_kernel_that_never_comes_up_is_heard(tmp_path: Path, check_notebook: Any) -> None:
    words = "Kernel died before replying to kernel_info, 3 times; it wrote: no port is free"
    path = save(tmp_path, CELL[0])
    with pytest.raises(DeadKernelError, match=words):
        asyncio.run(notebooks.execute(path, tmp_path, dying(tmp_path, kernel_start.STARTS)))
    result = check_notebook(dying(tmp_path, kernel_start.STARTS), CELL)
    assert result.returncode == 1 and words in result.stdout, result.stdout


def test_a_kernel_that_dies_in_a_cell_is_not_started_anew(tmp_path: Path) -> None:
    path = save(tmp_path, "import os\nos._exit(1)")
    with pytest.raises(DeadKernelError, match=r"^Kernel died$"):
        asyncio.run(notebooks.execute(path, tmp_path, dying(tmp_path, 0)))
    assert (tmp_path / "deaths_left").read_text(encoding="utf-8") == "-1"
