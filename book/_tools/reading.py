"""How long a chapter takes to read, by one rule for all: words, shown code, and what it draws.

``python book/_tools/reading.py`` prints the minutes of each chapter.
"""

from __future__ import annotations

import re
import sys

import nbformat
from nbformat import NotebookNode

import notebooks

# Words of prose, and lines of code that are not folded, in a minute; and minutes for a figure, a
# table or an explorer. Prose on mathematics is read slowly, code line by line.
WORDS, LINES, FOR_A_PICTURE = 180, 25, 0.4
HIDDEN = {"hide-input", "remove-input", "remove-cell", "solution"}


def reading_minutes(notebook: NotebookNode) -> int:
    """Give the minutes, rounded up to five; exercises have minutes of their own."""
    words = lines = pictures = 0
    for cell in notebook.cells:
        hidden = bool(HIDDEN & set(cell.metadata.get("tags", [])))
        if cell.cell_type == "markdown":
            words += 0 if hidden else len(_prose(cell.source).split())
            continue
        if not hidden and "check_exercise(" not in cell.source:
            lines += len([line for line in cell.source.splitlines() if line.strip()])
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            listing = str(data.get("text/markdown", ""))
            lines += listing.count("\n") if listing.startswith("````") else 0
            shown = any(kind.startswith("image/") for kind in data) or "text/html" in data
            pictures += shown and "check_exercise(" not in cell.source
    minutes = words / WORDS + lines / LINES + FOR_A_PICTURE * pictures
    return 5 * -(-round(minutes) // 5)


def exercise_minutes(notebook: NotebookNode) -> int:
    """Add up the minutes that the exercises state, rounded up to five."""
    text = "\n\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    parts = re.findall(r"^:{3,}\{exercise\}.*?\*(?:Easy|Medium|Hard), (\d+) min", text, re.M | re.S)
    return 5 * -(-sum(map(int, parts)) // 5)


def _prose(text: str) -> str:
    """Leave out exercises, which have their own time, markup, and the addresses of links."""
    text = re.sub(r"^::::\{exercise\}.*?^::::$", "", text, flags=re.M | re.S)
    text = re.sub(r"^:{3,}.*$|^:\w+:.*$|^```.*$", "", text, flags=re.M)
    text = re.sub(r"\{[\w:]+\}`[^`]*`", "word", text)
    return re.sub(r"\]\([^)]*\)", "]", text)


if __name__ == "__main__":
    for path in notebooks.notebook_paths():
        read = nbformat.read(path, as_version=4)
        sys.stdout.write(f"{path.stem}: {reading_minutes(read)} + {exercise_minutes(read)} min\n")
