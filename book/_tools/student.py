"""Write the chapters without their solutions, for students who should not see them.

``python book/_tools/student.py [--out FOLDER]``; nothing of it is stored in the repository.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

import nbformat
import notebooks
from nbformat import NotebookNode

START, END = "{solution-start}", "{solution-end}"
# A solution that is one block of Markdown, with as many backticks at its end as at its start.
BLOCK = re.compile(r"^(`{3,})\{solution\}.*?^\1[ \t]*$\n*", re.M | re.S)


def without_solutions(notebook: NotebookNode) -> NotebookNode:
    """Give a copy without solutions and without outputs, ready to be worked in.

    Raises
    ------
    ValueError
        If a solution has a start and no end, or the other way round.
    """
    copy = notebooks.stable(notebook)
    kept, inside = [], False
    for cell in copy.cells:
        markdown = cell.cell_type == "markdown"
        if markdown and (START in cell.source or END in cell.source):
            if inside == (START in cell.source):
                raise ValueError(f"the solution around cell {cell.id!r} has no start or no end")
            inside = not inside
            continue
        if inside:
            continue
        if markdown:
            cell.source = BLOCK.sub("", cell.source).rstrip()
            if not cell.source:
                continue
        else:
            cell.outputs, cell.execution_count = [], None
        kept.append(cell)
    if inside:
        raise ValueError("the last solution has no end")
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
