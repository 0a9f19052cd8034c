"""Write the chapters without their solutions, for students who should not see them.

``python book/_tools/student.py [--out FOLDER]``; nothing of it is stored in the repository, and
chapters that are in the folder already stay as they are: somebody may have worked in them.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import nbformat
from nbconvert.preprocessors import ClearOutputPreprocessor, TagRemovePreprocessor
from nbformat import NotebookNode

import notebooks


def without_solutions(notebook: NotebookNode) -> NotebookNode:
    """Give a copy without outputs and without the cells that are tagged as a solution."""
    copy = notebooks.stable(notebook)
    TagRemovePreprocessor(enabled=True, remove_cell_tags={"solution"}).preprocess(copy, {})
    ClearOutputPreprocessor(enabled=True).preprocess(copy, {})
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
    new = [path for path in paths if not (folder / path.name).exists()]
    for path in new:
        notebooks.write(without_solutions(nbformat.read(path, as_version=4)), folder / path.name)
    kept = f"; {len(paths) - len(new)} were there and stay as they are" if new != paths else ""
    print(f"{len(new)} chapters without solutions are new in {folder}{kept}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
