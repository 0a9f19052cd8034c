"""The exercises of a notebook with their solutions put in."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import nbformat


class Solved(NamedTuple):
    """A cell of code; of an exercise, its stub has given way to the solution."""

    cell: Any
    source: str
    check: str  # the last lines of an exercise's cell, else nothing


def solved_cells(path: Path) -> list[Solved]:
    """Give the cells of code in order. Every exercise has one solution, behind it."""
    found: list[Solved] = []
    waiting = None
    for cell in nbformat.read(path, as_version=4).cells:
        if "solution" in cell.metadata.get("tags", []):
            assert waiting, "a solution without an exercise"
            (answer,) = re.findall(r"^```python\n(.*?)^```$", cell.source, re.M | re.S)
            before, stub, check = re.split(
                r"^(?=def |check_exercise)", waiting.source, maxsplit=2, flags=re.M
            )
            name = re.match(r"def (\w+)\(", stub)
            assert name and f"def {name[1]}(" in answer, "it defines the exercise's function"
            found.append(Solved(waiting, before + answer, check))
            waiting = None
        elif cell.cell_type == "code" and re.search(r"^check_exercise\(", cell.source, re.M):
            assert not waiting, "an exercise without a solution"
            waiting = cell
        elif cell.cell_type == "code":
            found.append(Solved(cell, cell.source, ""))
    assert not waiting, "an exercise without a solution"
    return found
