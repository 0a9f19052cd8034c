"""Run the notebooks of book/full in this terminal: ``COZAD_SETTINGS=full full_runs.py [NB ...]``.

Their cells run one after another as in JupyterLab, with bars, and end at the first error. What
they store is in the ledger, and what they have done is kept: the same command goes on from there.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import matplotlib
import nbformat
from IPython.core.interactiveshell import InteractiveShell

from cozad_teach.cli.endings import run_command
from notebooks import BOOK, ROOT

NOTEBOOKS = sorted((BOOK / "full").glob("*.ipynb"))


def run(path: Path) -> None:
    """Run the cells of a notebook, and raise what one of them raises."""
    shell = InteractiveShell.instance()
    shell.reset(new_session=False)
    shell.showtraceback = lambda *_, **__: None  # it is raised, and told in one place
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "code":
            shell.run_cell(cell.source).raise_error()


def main(paths: list[Path]) -> int:
    """Run some notebooks, by default all."""
    matplotlib.use("agg")
    for path in paths or NOTEBOOKS:
        print(f"\n== {path.name}", flush=True)
        run(path)
    return 0


if __name__ == "__main__":
    arguments = [Path(argument).resolve() for argument in sys.argv[1:]]
    os.chdir(ROOT)  # where datasets/ lies
    sys.exit(run_command("full", lambda: main(arguments)))
