"""Student versions: no solution is left, and everything else is."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

import notebooks
import student

PATHS = [p for p in notebooks.notebook_paths() if p.parent.name == "chapters"]
each_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda p: p.stem)


def code(notebook: NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


@each_notebook
def test_no_solution_is_left_and_each_exercise_is(path: Path) -> None:
    whole = nbformat.read(path, as_version=4)
    left = student.without_solutions(whole)
    text = "\n".join(cell.source for cell in left.cells)
    assert "Solution" not in text and "</details>" not in text
    exercises = text.count("{exercise}")
    assert exercises == sum(cell.source.count("{exercise}") for cell in whole.cells) >= 2
    assert len(re.findall(r"^check_exercise\(", "\n".join(code(left)), re.M)) == exercises
    assert all(not cell.outputs for cell in left.cells if cell.cell_type == "code")
    assert "widgets" not in left.metadata
    nbformat.validate(left)


def made(*cells: tuple[str, str]) -> NotebookNode:
    make = {"md": nbformat.v4.new_markdown_cell, "code": nbformat.v4.new_code_cell}
    return nbformat.v4.new_notebook(cells=[make[kind](source) for kind, source in cells])


SOLUTION = '<details class="solution">\n\n```python\nx = 1\n```\n\n</details>'


def test_solutions_are_removed_and_what_stands_beside_them_stays() -> None:
    notebook = made(
        ("md", "# Title"),
        ("md", SOLUTION),
        ("md", f"before\n\n{SOLUTION}\n\nafter"),
        ("code", "kept = 2"),
    )
    left = student.without_solutions(notebook)
    assert [cell.source for cell in left.cells] == ["# Title", "before\n\nafter", "kept = 2"]


def test_solution_without_an_end_is_refused() -> None:
    with pytest.raises(ValueError, match="has no end"):
        student.without_solutions(made(("md", SOLUTION.removesuffix("</details>"))))


def test_command_writes_all_chapters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert student.main(["--out", str(tmp_path)]) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(p.name for p in PATHS)
    assert f"{len(PATHS)} chapters without solutions" in capsys.readouterr().out
