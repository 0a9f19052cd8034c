"""Make nbgrader assignments of the notebooks of the book: exercises, their tests, public cases."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import tomllib
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import torch
from nbformat import NotebookNode

import notebooks
from assignment_cells import Equations, Posed, answer_source, in_plain_markdown, posed_exercises
from cozad_book import given
from cozad_book.checking.exercises import all_exercises
from cozad_book.checking.running import outcome_of
from cozad_teach.errors import CozadError
from cozad_teach.settings import Settings

FILES = notebooks.BOOK / "assignments"
CAPSTONE = notebooks.BOOK / "chapters" / "capstone.ipynb"
# What the steps of the capstone need to know beforehand: cells of its notebook.
_CONTEXT = ("opening", "task-table", "given", "settings")
_OPENING = """\
# {title}: exercises

From the book *CoZAD, step by step*, whose symbols are used here.

Write each function in the place of its three dots, then run the cell below it: it compares the
function with a few public cases. More cases are tried when it is graded. Cells that you cannot edit
are put back before that, so leave them as they are. You need Python with NumPy, SciPy and PyTorch,
and the file `public_cases.json` beside this notebook.
"""
_BROUGHT = """\
## What you bring

Four functions of chapters 4 and 5, which need no gradient. Copy yours here. They count no points,
but the steps below call them, so that they are checked once more.
"""


def points_table() -> dict[str, float]:
    """Give the points of every exercise, as ``book/assignments/points.toml`` says.

    Raises
    ------
    CozadError
        If the table names an exercise that there is not, or something that is no points.
    """
    path = FILES / "points.toml"
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    named, names = table["points"], list(all_exercises())
    if unknown := sorted(set(named) - set(names)):
        raise CozadError(f"{path} names {unknown[0]!r}, which is no exercise: mend or delete it")
    points = {name: named.get(name, table["default"]) for name in names}
    for name, value in points.items():
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1e6:
            raise CozadError(f"{path} gives {name!r} {value!r} points: write a number from 0 on")
    return points


def posed_in(path: Path, equations: Equations) -> list[Posed]:
    """Give the exercises of an assignment; the capstone begins with what students bring to it."""
    posed = posed_exercises(path, equations)
    if path != CAPSTONE:
        return posed
    by_name = {
        each.name: each
        for chapter in notebooks.notebook_paths()
        if chapter.name.startswith(("04", "05"))
        for each in posed_exercises(chapter, equations)
    }
    (cell,) = (c for c in nbformat.read(path, as_version=4).cells if c.id == "own-pieces-read")
    (line,) = (node for node in ast.parse(cell.source).body if isinstance(node, ast.Assign))
    called = re.findall(r"\w+", ast.unparse(line.targets[0]))
    names = ast.literal_eval("".join(re.findall(r"\(('.*')\)", ast.unparse(line.value))))
    return [_renamed(by_name[n], c) for n, c in zip(names, called, strict=True)] + posed


def _renamed(posed: Posed, function: str) -> Posed:
    stub = re.sub(r"^def \w+", f"def {function}", posed.stub)
    return posed._replace(function=function, stub=stub)


def assignment(path: Path, points: dict[str, float], equations: Equations) -> NotebookNode:
    """Make the assignment of a notebook of the book, with its solutions."""
    stored = nbformat.read(path, as_version=4)
    title = stored.cells[0].source.splitlines()[0].removeprefix("# ")
    cells = [_text("assignment", _OPENING.format(title=title))]
    cells.append(_locked("check", _public_check()))
    brought = 0
    posed = posed_in(path, equations)
    if path == CAPSTONE:
        cells += [_context(c, equations) for c in stored.cells if c.id in _CONTEXT]
        cells += [_locked("given-source", given_source()), _text("brought", _BROUGHT)]
        brought = sum(not each.name.startswith("capstone.") for each in posed)
    for number, each in enumerate(posed):
        worth = 0 if number < brought else points[each.name]
        cells += _exercise(each, worth, in_steps=path == CAPSTONE)
    metadata = {"kernelspec": notebooks.KERNEL, "language_info": {"name": "python"}}
    made: NotebookNode = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
    nbformat.validate(made)
    return made


def given_source() -> str:
    """Give the four functions that the capstone hands out, as Python that needs PyTorch alone."""
    functions = (given.unpack, given.distance, given.move_prior, given.contrast)
    imports = (
        "import math\n\nimport torch\nimport torch.nn.functional as F\nfrom torch import Tensor"
    )
    return "\n\n\n".join([imports, *(inspect.getsource(f).strip() for f in functions)])


def public_cases(names: list[str]) -> dict[str, Any]:
    """Give the public cases of exercises with their right results, to be stored as JSON."""
    found = {}
    for name in names:
        exercise = all_exercises()[name]
        cases = [
            {
                "label": case.label,
                "arguments": [_encoded(argument) for argument in case.arguments],
                "result": _encoded(outcome_of(exercise.reference, case.arguments)),
            }
            for case in exercise.cases
            if not case.hidden
        ]
        found[name] = {"tolerance": exercise.tolerance, "cases": cases}
    return found


def _encoded(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_encoded(part) for part in value]
    if isinstance(value, torch.Tensor):
        return {"tensor": _encoded(value.numpy())["array"]}
    if isinstance(value, np.ndarray):
        array = {"dtype": str(value.dtype), "shape": value.shape, "values": value.ravel().tolist()}
        return {"array": array}
    if isinstance(value, Settings):
        fields = dataclasses.asdict(value)
        return {"settings": {name: _encoded(part) for name, part in fields.items()}}
    if isinstance(value, dict):
        return {"dict": {name: _encoded(part) for name, part in value.items()}}
    return value.item() if isinstance(value, np.generic) else value


def _public_check() -> str:
    text = (FILES / "public_check.py").read_text(encoding="utf-8")
    return text.partition("# --- cell\n")[2].strip()


def _context(cell: NotebookNode, equations: Equations) -> NotebookNode:
    """Show a cell of the book as text: a table as it came out, the opening without its box."""
    if cell.cell_type == "code":
        text = "```text\n" + "".join(cell.outputs[0]["data"]["text/plain"]) + "\n```"
    else:
        text = cell.source.rpartition("\n:::\n")[2] if cell.id == "opening" else cell.source
    return _text(cell.id, in_plain_markdown(text.strip(), equations))


def _exercise(posed: Posed, points: float, *, in_steps: bool) -> list[NotebookNode]:
    title = "" if posed.statement.startswith("#") else f"## {posed.title}\n\n"
    worth = f"*{points:g} {'point' if points == 1 else 'points'}.*"
    name = posed.name.replace(".", "-")
    space = ", globals()" if in_steps else ""
    test = (
        "### BEGIN HIDDEN TESTS\n"
        "from assignment_grading import grade\n\n"
        f'grade("{posed.name}", {posed.function}{space})\n'
        "### END HIDDEN TESTS\n"
        f'check_public("{posed.name}", {posed.function})'
    )
    return [
        _text(f"text-{name}", f"{title}{posed.statement}\n\n{worth}"),
        _code(f"answer-{name}", answer_source(posed), solution=True),
        _code(f"test-{name}", test, grade=True, locked=True, points=points),
    ]


def _text(place: str, source: str) -> NotebookNode:
    return nbformat.v4.new_markdown_cell(source.strip(), id=place)


def _locked(place: str, source: str) -> NotebookNode:
    return _code(place, source, locked=True)


def _code(place: str, source: str, **how: Any) -> NotebookNode:
    kind = {"grade": False, "solution": False, "locked": False, "task": False, **how}
    marks = {"schema_version": 3, "grade_id": place, **kind}
    return nbformat.v4.new_code_cell(source, id=place, metadata={"nbgrader": marks})
