"""The student edition: nothing that answers is in it, everything else is, and it works alone."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest

import notebooks
import student
from cozad_book.checking.exercises import all_exercises
from cozad_book.quiz import Bet, Question, pack, predict_first, unpack

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def edition(made_once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    def write(folder: Path) -> None:
        assert student.main(["--out", str(folder)]) == 0

    return made_once("student edition", write)


def texts(folder: Path) -> Iterator[tuple[str, str]]:
    """All files of a folder with their text; of notebooks the text of the cells."""
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.suffix != ".bin"):
        if path.suffix == ".ipynb":
            cells = nbformat.read(path, as_version=4).cells
            text = "\n".join(cell.source for cell in cells)
        else:
            text = path.read_text(encoding="utf-8", errors="replace")
        yield path.relative_to(folder).as_posix(), text


def lines(text: str) -> set[str]:
    """Lines that say something by themselves."""
    stripped = (line.strip() for line in text.splitlines())
    return {line for line in stripped if len(line) >= 25 and re.search("[a-z]{3}", line)}


def answers() -> set[str]:
    """Whatever only a teacher should read, line by line."""
    found = set[str]()
    for path in notebooks.notebook_paths():
        for cell in nbformat.read(path, as_version=4).cells:
            if "solution" in cell.metadata.get("tags", []):
                found |= lines(
                    "\n".join(re.findall(r"^```python\n(.*?)^```$", cell.source, re.M | re.S))
                )
            elif cell.cell_type == "code" and "cozad_book.quiz" in cell.source:
                found |= lines(cell.source) - lines("from cozad_book.quiz import predict_first")
    for path in (ROOT / "book" / "cozad_book" / "exercises").glob("*.py"):
        found |= lines(path.read_text(encoding="utf-8"))
    for _, text in texts(ROOT / "book" / "instructors"):
        found |= lines(text)
    labs = (ROOT / "book" / "appendix" / "labs.md").read_text(encoding="utf-8")
    rubrics = re.findall(r"^\*\*A good answer contains\*\*.*?\n\n", f"{labs}\n\n", re.M | re.S)
    assert len(rubrics) == 12
    return found | lines("\n".join(rubrics))


def test_nothing_for_teachers_is_in_it(edition: Path) -> None:
    public = set[str]()  # what stands in the package, or in a chapter before its exercise
    for folder in ("cozad_teach", "data_scripts", "book/cozad_book"):
        for name, text in texts(ROOT / folder):
            if not name.startswith(("exercises/", "grading/")):
                public |= lines(text)
    for path in notebooks.notebook_paths():
        for cell in nbformat.read(path, as_version=4).cells:
            if "solution" not in cell.metadata.get("tags", []) and "book.quiz" not in cell.source:
                public |= lines(cell.source)
    secret = answers() - public
    assert len(secret) > 4000
    leaks = {name: found for name, text in texts(edition) if (found := lines(text) & secret)}
    assert leaks == {}
    names = {path.relative_to(edition).as_posix() for path in edition.rglob("*")}
    assert not {name for name in names if re.search("instructors|grading|exam|slides", name)}
    project = tomllib.loads((edition / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(project["entry-points"]["cozad_teach.commands"]) == {
        *("bench", "demo", "doctor", "results")
    }
    sealed = (edition / "book" / "cozad_book" / "exercises" / "sealed.bin").read_bytes()
    assert b"def " not in sealed and b"return" not in sealed


def test_chapters_are_whole_but_for_that(edition: Path) -> None:
    for path in notebooks.notebook_paths():
        whole = nbformat.read(path, as_version=4)
        left = nbformat.read(edition / path.relative_to(ROOT), as_version=4)
        nbformat.validate(left)
        kept = [c.id for c in whole.cells if "solution" not in c.metadata.get("tags", [])]
        assert [cell.id for cell in left.cells] == kept
        assert all(not cell.outputs for cell in left.cells if cell.cell_type == "code")
        assert "widgets" not in left.metadata


def test_links_are_alive(edition: Path) -> None:
    dead = []
    for name, text in texts(edition):
        if not name.endswith((".md", ".ipynb")):
            continue
        for target in re.findall(r"\]\(((?!https?:|#|mailto:)[^)#\s]+)", text):
            if not (edition / name).parent.joinpath(target).resolve().is_file():
                dead.append(f"{name}: {target}")
    assert dead == []


CHECKS = """
import json, sys
import numpy as np
from cozad_book.checking.exercises import all_exercises, check_exercise, take_passed
from cozad_book.own.pieces import catch_up, my_pieces
from cozad_teach.errors import CozadError

def distance(z, mean, covariance):
    return np.sqrt(np.einsum("pc,cd,pd->p", z - mean, np.linalg.inv(covariance), z - mean))

def squared(z, mean, covariance):
    return distance(z, mean, covariance) ** 2

exercises = all_exercises()
said = {
    "right": repr(check_exercise("scoring.mahalanobis", distance)),
    "wrong": check_exercise("scoring.mahalanobis", squared).mistake,
    "exercises": {name: len(e.cases) for name, e in exercises.items()},
    "whose": sorted({piece.whose for piece in my_pieces().by_name.values()}),
}
take_passed()  # its source is no file that could be copied
z = np.random.default_rng(0).normal(size=(6, 2))
piece = my_pieces()["scoring.mahalanobis"]
said["piece"] = bool(np.allclose(piece(z, z[0], np.eye(2)), distance(z, z[0], np.eye(2))))
for name, call in {
    "catch up": lambda: catch_up(2),
    "reference": lambda: exercises["contrastive.info_nce"].reference(1, 2, 3, 4),
    "mistake": lambda: exercises["scoring.mahalanobis"].mistakes[0].function(1, 2, 3),
}.items():
    try:
        said[name] = repr(call())
    except CozadError as error:
        said[name] = str(error)
json.dump(said, sys.stdout)
"""


def test_its_checker_judges_as_the_whole_one_does(edition: Path, tmp_path: Path) -> None:
    paths = os.pathsep.join([str(edition / "book"), str(edition)])
    ran = subprocess.run(
        [sys.executable, "-c", CHECKS],
        env={**os.environ, "PYTHONPATH": paths, "COZAD_MY_FILE": str(tmp_path / "my_cozad.py")},
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout)
    assert said["right"] == (
        "scoring.mahalanobis: passed. It agrees with the reference on all 4 cases. "
        "Your teacher has one more."
    )
    assert said["wrong"] == "gives the square"
    assert said["exercises"] == {n: len(e.cases) - 1 for n, e in all_exercises().items()}
    assert said["whose"] == ["still the book's"] and said["piece"]
    for name in ("catch up", "reference", "mistake"):
        assert "this edition of the book holds no answers" in said[name]


def test_a_folder_in_which_somebody_worked_stays(
    edition: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "mine"
    with zipfile.ZipFile(edition.with_name(f"{edition.name}.zip")) as packed:
        packed.extractall(tmp_path)
    (tmp_path / edition.name).rename(folder)
    work = folder / "book" / "chapters" / "my_cozad.py"
    work.write_text("hours of work")
    assert student.main(["--out", str(folder)]) == 2
    assert "somebody has worked in" in capsys.readouterr().err
    assert work.read_text() == "hours of work"
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.txt").write_text("mine")
    assert student.main(["--out", str(tmp_path / "other")]) == 2
    assert "is no student edition" in capsys.readouterr().err


def test_what_it_needs_to_open_is_there(edition: Path) -> None:
    targets = re.findall(r"^([a-z]+):", (edition / "Makefile").read_text(), re.M)
    assert {"help", "setup", "lab"} <= {*targets} <= student.TARGETS
    for tool in re.findall(r"book/_tools/(\w+)\.py", (edition / "Makefile").read_text()):
        path = edition / "book" / "_tools" / f"{tool}.py"
        needed = re.findall(r"^(?:from|import) (\w+)", path.read_text(), re.M)
        ours = {p.stem for p in (ROOT / "book" / "_tools").glob("*.py")} & {*needed}
        assert all((path.parent / f"{name}.py").exists() for name in ours), path


def test_packed_questions_show_the_same() -> None:
    question = Question("How $x$?", [("a", True, "since `b`"), ("c", False, "no")])
    bet = predict_first("Which?", {"one": "then 1", "two": "then 2"})
    for shown in (question, bet):
        letters = pack(shown)
        assert "since" not in letters and "then" not in letters
        assert unpack(letters)._repr_html_() == shown._repr_html_()
    assert isinstance(unpack(pack(bet)), Bet)
