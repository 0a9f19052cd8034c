"""What ``make lab`` sets up: trust for what the repository has, a kernel, settings of its own."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from ipykernel.ipkernel import IPythonKernel
from nbformat.sign import NotebookNotary
from nbformat.v4 import new_code_cell, new_notebook, new_output

import lab
from lab_kernel import BookKernel
from notebooks import ROOT


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    return tmp_path


def is_trusted(path: Path) -> bool:
    return bool(NotebookNotary().check_signature(nbformat.read(path, as_version=4)))


def test_only_what_the_repository_has_is_trusted(user: Path) -> None:
    shown = new_output("display_data", {"text/html": "<b>shown</b>"})
    paths = [user / name for name in ("as_it_was.ipynb", "changed.ipynb", "new.ipynb")]
    for path in paths:
        nbformat.write(
            new_notebook(cells=[new_code_cell("1", outputs=[shown], id=path.stem)]), path
        )
    git = ["git", "-C", str(user), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "as_it_was.ipynb", "changed.ipynb"], check=True)
    subprocess.run([*git, "commit", "-qm", "both"], check=True)
    paths[1].write_text(paths[1].read_text().replace("shown", "other"))
    assert lab.trust(paths, user) == paths[:1]
    assert [is_trusted(path) for path in paths] == [True, False, False]


def test_without_a_repository_nothing_is_trusted(user: Path) -> None:
    nbformat.write(new_notebook(), user / "alone.ipynb")
    assert lab.trust([user / "alone.ipynb"], user) == []


def test_kernel_is_this_python_whatever_else_is_installed(user: Path) -> None:
    lab.write_settings(user / "lab")
    variables = {**os.environ, "JUPYTER_PATH": str(user / "lab")}
    command = [sys.executable, "-m", "jupyter", "kernelspec", "list", "--json"]
    listed = subprocess.run(command, env=variables, capture_output=True, text=True, check=True)
    found = json.loads(listed.stdout)["kernelspecs"]["python3"]
    assert Path(found["resource_dir"]) == user / "lab" / "kernels" / "python3"
    assert found["spec"]["argv"][0] == sys.executable


def test_kernel_says_the_same_of_itself_on_every_python() -> None:
    ours, theirs = BookKernel.language_info, IPythonKernel.language_info
    assert ours == {**theirs, "version": "3"}


def test_make_lab_runs_the_tool() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^lab: setup .*\n\t@\$\(RUN\) book/_tools/lab\.py \$\(LAB\)$", makefile, re.M)
