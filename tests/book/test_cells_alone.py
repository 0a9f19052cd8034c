"""Cells that a student runs alone work alone, and every solution passes its exercise."""

from __future__ import annotations

import ast
import builtins
import symtable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from solutions import solved_cells

from notebooks import BOOK

CHAPTERS = sorted((BOOK / "chapters").glob("[0-9][0-9]_*.ipynb"))
APPENDIX = sorted((BOOK / "appendix").glob("*.ipynb"))
ALONE = ("check_exercise(", "Question(", "frame_slider(", "predict_first(", "my_detector(")


def cells(path: Path) -> list[Any]:
    return list(nbformat.read(path, as_version=4).cells)


def missing(source: str) -> set[str]:
    """Give the names that a cell uses and neither makes nor imports."""
    table = symtable.symtable(source, "cell", "exec")
    made = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported()}

    def used(scope: symtable.SymbolTable) -> set[str]:
        here = {
            s.get_name()
            for s in scope.get_symbols()
            if s.is_referenced() and (s.is_global() or scope is table)
        }
        return here.union(*map(used, scope.get_children()))

    return used(table) - made - set(dir(builtins))


def announced(source: str) -> set[str]:
    """Give the names for which the cell asks with `needs`."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    asks = [c for c in calls if isinstance(c.func, ast.Name) and c.func.id == "needs"]
    return {ast.literal_eval(argument) for call in asks for argument in call.args}


@pytest.mark.parametrize("path", [*CHAPTERS, *APPENDIX], ids=lambda path: path.stem)
def test_exercises_quizzes_and_explorers_run_alone_or_say_what_they_need(path: Path) -> None:
    code = [c for c in cells(path) if c.cell_type == "code"]
    alone = [c for c in code if any(call in c.source for call in ALONE)]
    assert alone
    for cell in alone:
        assert missing(cell.source) == announced(cell.source), cell.id
        if "frame_slider(" not in cell.source:
            assert not announced(cell.source), f"{cell.id} must not need other cells"


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_solution_passes_in_the_cell_of_its_exercise(path: Path) -> None:
    checked = 0
    for solved in solved_cells(path):
        if solved.check:
            space: dict[str, Any] = {}
            exec(solved.source, space)
            verdict = eval(solved.check.strip(), space)
            assert verdict.passed, verdict
            checked += 1
    assert checked >= 2


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_listing_runs_where_it_is_pasted(path: Path) -> None:
    outputs = [o for c in cells(path) for o in c.get("outputs", [])]
    texts = [str(o.get("data", {}).get("text/markdown", "")) for o in outputs]
    listings = [text for text in texts if text.startswith("````python\n")]
    assert listings
    for text in listings:
        code = text.removeprefix("````python\n").removesuffix("````")
        exec(compile(code, "pasted", "exec", dont_inherit=True), {"__name__": "__main__"})


def test_missing_names_are_found_in_functions_too() -> None:
    source = "import numpy as np\n\ndef f(x):\n    y = np.sum(x)\n    return y + z\n\nw = f(a)\n"
    assert missing(source) == {"a", "z"}
    assert announced('needs("a", "z")\n') == {"a", "z"}
