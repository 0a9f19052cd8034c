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
    assert len(whole.cells) - len(left.cells) == text.count("{exercise}")
    exercises = text.count("{exercise}")
    assert exercises == sum(cell.source.count("{exercise}") for cell in whole.cells) >= 2
    assert len(re.findall(r"^check_exercise\(", "\n".join(code(left)), re.M)) == exercises
    assert all(not cell.outputs for cell in left.cells if cell.cell_type == "code")
    assert "widgets" not in left.metadata
    nbformat.validate(left)


def test_chapters_that_are_there_already_stay_as_they_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert student.main(["--out", str(tmp_path)]) == 0
    assert f"{len(PATHS)} chapters without solutions are new in" in capsys.readouterr().out
    worked_in, lost = (tmp_path / path.name for path in PATHS[:2])
    worked_in.write_text("hours of work", encoding="utf-8")
    lost.unlink()
    assert student.main(["--out", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("1 chapters") and f"; {len(PATHS) - 1} were there and stay" in said
    assert worked_in.read_text(encoding="utf-8") == "hours of work"
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted(p.name for p in PATHS)
