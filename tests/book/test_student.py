"""Student versions: no solution is left, everything else is, and nothing left needs a solution."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import nbformat
import notebooks
import pytest
import student
from nbformat import NotebookNode

PATHS = [p for p in notebooks.notebook_paths() if p.parent.name == "chapters"]
each_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem)


def code(notebook: NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def names(sources: list[str], kind: type[ast.expr_context]) -> set[str]:
    """Collect the names that are stored (functions and arguments among them) or loaded."""
    found = set()
    for source in sources:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Name) and isinstance(node.ctx, kind):
                found.add(node.id)
            elif isinstance(node, ast.FunctionDef) and kind is ast.Store:
                found.add(node.name)
            elif isinstance(node, ast.arg) and kind is ast.Store:
                found.add(node.arg)
    return found


@each_notebook
def test_no_solution_is_left_and_each_exercise_is(path: Path) -> None:
    whole = nbformat.read(path, as_version=4)
    left = student.without_solutions(whole)
    text = "\n".join(cell.source for cell in left.cells)
    assert "{solution" not in text and "solved_" not in text
    exercises = text.count("{exercise}")
    assert exercises == sum(cell.source.count("{exercise}") for cell in whole.cells) >= 2
    assert len(re.findall(r"^check_exercise\(", "\n".join(code(left)), re.M)) == exercises
    assert all(not cell.outputs for cell in left.cells if cell.cell_type == "code")
    assert "widgets" not in left.metadata
    nbformat.validate(left)


@each_notebook
def test_nothing_that_is_left_needs_a_solution(path: Path) -> None:
    whole = nbformat.read(path, as_version=4)
    remaining = code(student.without_solutions(whole))
    removed = [source for source in code(whole) if source not in remaining]
    only_there = names(removed, ast.Store) - names(remaining, ast.Store)
    assert not only_there & names(remaining, ast.Load)


def made(*cells: tuple[str, str]) -> NotebookNode:
    make = {"md": nbformat.v4.new_markdown_cell, "code": nbformat.v4.new_code_cell}
    return nbformat.v4.new_notebook(cells=[make[kind](source) for kind, source in cells])


def test_solutions_of_both_forms_are_removed() -> None:
    start, end = "```{solution-start} ex\n```", "```{solution-end}\n```"
    block = "````{solution} ex\n```python\nx = 1\n```\n````"
    notebook = made(
        ("md", "# Title"),
        ("md", start),
        ("code", "secret = 1"),
        ("md", end),
        ("md", block),
        ("md", f"before\n\n{block}\n\nafter"),
        ("code", "kept = 2"),
    )
    left = student.without_solutions(notebook)
    assert [cell.source for cell in left.cells] == ["# Title", "before\n\nafter", "kept = 2"]


@pytest.mark.parametrize("alone", ["```{solution-start} ex\n```", "```{solution-end}\n```"])
def test_half_a_solution_is_refused(alone: str) -> None:
    with pytest.raises(ValueError, match=r"no start or no end|has no end"):
        student.without_solutions(made(("md", alone), ("code", "secret = 1")))


def test_command_writes_all_chapters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert student.main(["--out", str(tmp_path)]) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(p.name for p in PATHS)
    assert f"{len(PATHS)} chapters without solutions" in capsys.readouterr().out
