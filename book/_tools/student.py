"""Write the chapters without their solutions, for students who should not see them.

``python book/_tools/student.py [--out FOLDER]``; nothing of it is stored in the repository.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

import notebooks

START = '<details class="solution">'
SOLUTION = re.compile(rf"^{START}$.*?^</details>$\n*", re.M | re.S)


def without_solutions(notebook: NotebookNode) -> NotebookNode:
    """Give a copy without solutions and without outputs, ready to be worked in.

    Raises
    ------
    ValueError
        If a solution has no end.
    """
    copy = notebooks.stable(notebook)
    kept = []
    for cell in copy.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        elif START in cell.source:
            cell.source = SOLUTION.sub("", cell.source).rstrip()
            if START in cell.source:
                raise ValueError(f"the solution in cell {cell.id!r} has no end")
            if not cell.source:
                continue
        kept.append(cell)
    copy.cells = kept
    copy.metadata.pop("widgets", None)
    return copy


def main(arguments: list[str]) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=notebooks.ROOT / "build" / "student")
    folder = parser.parse_args(arguments).out
    paths = [p for p in notebooks.notebook_paths() if p.parent.name == "chapters"]
    for path in paths:
        notebooks.write(without_solutions(nbformat.read(path, as_version=4)), folder / path.name)
    print(f"{len(paths)} chapters without solutions are in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
