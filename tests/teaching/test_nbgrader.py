"""The assignments for nbgrader: what is released, what is graded, and what grading withstands.

``COZAD_NBGRADER=complete`` hands in every stored wrong answer, which takes many minutes.
"""

from __future__ import annotations

import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest

import assignment
import assignment_grading
import assignment_notebooks
import notebooks
import set_up
from assignment_cells import Posed, numbered_equations
from cozad_book.checking.exercises import all_exercises
from cozad_book.own.sources import source_with_needs
from cozad_teach.errors import CozadError

COMPLETE = os.environ.get("COZAD_NBGRADER") == "complete"
EXERCISES = all_exercises()
EQUATIONS = numbered_equations()
PATHS = {p.stem: p for p in notebooks.notebook_paths() if p.parent.name == "chapters"}
CHAPTER = "04_confidence"
# What graded cells of submissions got: {student: {test: points}}.
POINTS = """
import json, sys
from nbgrader.api import Gradebook
with Gradebook("sqlite:///gradebook.db", "cozad") as book:
    found = {
        submission.student.id: {g.name: g.score for n in submission.notebooks for g in n.grades}
        for submission in book.assignment_submissions(sys.argv[1])
    }
print(json.dumps(found))
"""


def posed_in(name: str) -> list[Posed]:
    return assignment_notebooks.posed_in(PATHS[name], EQUATIONS)


def wrong(posed: Posed, number: int) -> str:
    """Give a stored wrong answer as a student would write it; numbers begin anew at the end."""
    mistakes = EXERCISES[posed.name].mistakes
    mistake = mistakes[number % len(mistakes)]
    try:
        text = source_with_needs(mistake.function)
        made = (
            f"def made():\n{textwrap.indent(text, '    ')}\n    return {mistake.function.__name__}"
        )
        return f"{made}\n\n\n{posed.function} = made()"
    except CozadError:  # it is not written with `def`: with all that stands around it in the bank
        module = sys.modules[f"cozad_book.exercises.{posed.name.replace('.', '_')}"]
        at = f"EXERCISE.mistakes[{number % len(mistakes)}].function"
        return f"{inspect.getsource(module)}\n\n{posed.function} = {at}"


def cell_of(notebook: Any, kind: str, posed: Posed) -> Any:
    wanted = f"{kind}-{posed.name.replace('.', '-')}"
    return next(
        c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == wanted
    )


def made(name: str) -> Any:
    points = assignment_notebooks.points_table()
    return assignment_notebooks.assignment(PATHS[name], points, EQUATIONS)


@pytest.mark.parametrize("name", PATHS)
def test_an_assignment_holds_every_exercise_and_shows_in_any_jupyter(name: str) -> None:
    notebook = made(name)
    posed = posed_in(name)
    tests = [c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade")]
    assert len(tests) == len(posed) >= 2
    for each in posed:
        answer, test = cell_of(notebook, "answer", each), cell_of(notebook, "test", each)
        assert answer.metadata.nbgrader.solution and not answer.metadata.nbgrader.locked
        assert (
            test.metadata.nbgrader.locked and f'grade("{each.name}", {each.function}' in test.source
        )
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            assert not re.search(r"^:{3,}|\{\w+\}`|\]\(|check_exercise", cell.source, re.M), (
                cell.source
            )
    asked = re.findall(r'^check_exercise\("(.*?)"', source_of(PATHS[name]), re.M)
    assert [each.name for each in posed if each.name in asked] == asked


def source_of(path: Path) -> str:
    return "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)


def test_equations_have_the_numbers_that_the_chapters_give_them() -> None:
    linked = {
        (label, number)
        for path in PATHS.values()
        for number, label in re.findall(r"\[\(([\d.]+)\)\]\([\w.]+#(eq-[\w-]+)\)", source_of(path))
    }
    assert len(linked) > 10
    assert {(label, EQUATIONS[label][0]) for label, _ in linked} == linked


def test_points_come_from_one_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points = assignment_notebooks.points_table()
    assert points["features.mean_pool"] == 1 and points["capstone.fit"] == 3
    monkeypatch.setattr(assignment_notebooks, "FILES", tmp_path)
    for text, sentence in (
        ('[points]\n"no.such" = 1', "'no.such', which is no exercise"),
        ('[points]\n"capstone.fit" = -1', "'capstone.fit' -1 points"),
    ):
        (tmp_path / "points.toml").write_text(f"default = 1\n{text}\n")
        with pytest.raises(CozadError, match=re.escape(sentence)):
            assignment_notebooks.points_table()


@pytest.mark.parametrize("name", [n for n in PATHS if COMPLETE or n != "capstone"])
def test_public_checks_run_without_the_book(name: str, tmp_path: Path) -> None:
    notebook = made(name)
    cases = assignment_notebooks.public_cases([posed.name for posed in posed_in(name)])
    (tmp_path / "public_cases.json").write_text(json.dumps(cases), encoding="utf-8")
    parts = ["import sys\nsys.modules.update(cozad_book=None, cozad_teach=None)"]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            hidden = r"### BEGIN HIDDEN TESTS.*### END HIDDEN TESTS\n"
            parts.append(re.sub(hidden, "", cell.source, flags=re.S))
    # And what has not been written yet fails.
    last = posed_in(name)[-1]
    check = f'check_public("{last.name}", {last.function})'
    parts.append(f"{last.stub}    ...\n\n\ntry:\n    {check}")
    parts[-1] += "\nexcept NotYetError as error:\n    print(error)"
    command = [sys.executable, "-W", "error", "-c", "\n\n\n".join(parts)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    assert run.stdout.count("right on all") == len(posed_in(name))
    assert run.stdout.endswith("the function returns nothing\n")


def graded(notebook: Any, posed: Posed, answer: str, space: dict[str, Any]) -> str:
    """Run an answer and the hidden test of its exercise; give what the test says."""
    exec(answer, space)
    test = cell_of(notebook, "test", posed).source
    hidden = re.search(r"### BEGIN HIDDEN TESTS\n(.*?)### END HIDDEN TESTS", test, re.S)
    assert hidden
    try:
        exec(hidden[1], space)
    except assignment_grading.WrongAnswerError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", [n for n in PATHS if COMPLETE or n != "capstone"])
def test_each_answer_gets_what_it_is_worth(name: str) -> None:
    notebook = made(name)
    space: dict[str, Any] = {"__name__": "__main__"}
    if name == "capstone":
        exec(assignment_notebooks.given_source(), space)
    for posed in posed_in(name):
        assert not graded(notebook, posed, posed.solution, space), posed.name
        empty = graded(notebook, posed, f"{posed.imports}\n{posed.stub}    ...", space)
        assert "returns nothing yet" in empty
        mistakes = EXERCISES[posed.name].mistakes
        for number, mistake in enumerate(mistakes if COMPLETE else mistakes[:2]):
            said = graded(notebook, posed, wrong(posed, number), space)
            assert said.startswith(f"{posed.name}: {mistake.message}"), mistake.name
        exec(posed.solution, space)


def test_a_wrong_step_of_the_capstone_costs_its_own_points_alone() -> None:
    notebook = made("capstone")
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(assignment_notebooks.given_source(), space)
    by_name = {posed.name: posed for posed in posed_in("capstone")}
    for name in ("confidence.iqr_threshold", "capstone.place_means"):
        said = graded(notebook, by_name[name], wrong(by_name[name], 0), space)
        assert f"the book's `{by_name[name].function}` in its place" in said
    for name in ("confidence.soft_weights", "capstone.covariance", "capstone.weigh"):
        assert not graded(notebook, by_name[name], by_name[name].solution, space)


def test_the_books_own_functions_are_no_answers() -> None:
    space: dict[str, Any] = {"__name__": "__main__"}
    (posed,) = (p for p in posed_in(CHAPTER) if p.name == "confidence.soft_weights")
    for answer in (
        "from cozad_book.exercises.confidence_soft_weights import soft_weights as weigh_scores",
        "from cozad_book.checking.exercises import all_exercises\n"
        "weigh_scores = all_exercises()['confidence.soft_weights'].reference",
    ):
        assert "one of the book's" in graded(made(CHAPTER), posed, answer, space)


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of a course of one chapter, or, for the complete run, of three."""
    try:
        assignment.install(notebooks.ROOT)
    except set_up.SetUpError as error:
        pytest.skip(f"nbgrader is not in uv's cache and could not be fetched: {error}")
    folder = tmp_path_factory.mktemp("course")
    asked = [CHAPTER, *(["05_covariance", "capstone"] if COMPLETE else [])]
    assert assignment.main(["--out", str(folder), *asked]) == 0
    return folder


def nbgrader(course: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(course / "nbgrader"), *arguments]
    (course / "home").mkdir(exist_ok=True)
    environment = {**os.environ, "HOME": str(course / "home")}
    return subprocess.run(command, capture_output=True, text=True, timeout=7200, env=environment)


def hand_in(
    course: Path,
    student: str,
    name: str,
    answers: dict[str, str],
    edit: Callable[..., Any] | None = None,
) -> Path:
    """Write answers into a copy of the released notebook, and hand it in."""
    folder = course / "submitted" / student / name
    shutil.copytree(course / "release" / name, folder)
    notebook = nbformat.read(folder / f"{name}.ipynb", as_version=4)
    for posed in posed_in(name):
        if posed.name in answers:
            cell_of(notebook, "answer", posed).source = answers[posed.name]
    if edit:
        edit(notebook)
    nbformat.write(notebook, folder / f"{name}.ipynb")
    return folder


def points_of(course: Path, name: str) -> dict[str, dict[str, float]]:
    """Have nbgrader grade all that was handed in; give the points by student and exercise."""
    run = nbgrader(course, "autograde", name)
    assert run.returncode == 0, run.stderr[-3000:]
    python = notebooks.ROOT / assignment.HOME / "bin" / "python"
    command = [str(python), "-c", POINTS, name]
    out = subprocess.run(command, cwd=course, capture_output=True, text=True, check=True).stdout
    exercises = {f"test-{p.name.replace('.', '-')}": p.name for p in posed_in(name)}
    return {
        student: {exercises[test]: score for test, score in tests.items()}
        for student, tests in json.loads(out).items()
    }


HOSTILE = {
    # Calls what is none of its business, before any test.
    "confidence.iqr_threshold": """
def check_public(*_):
    print("confidence.iqr_threshold: right on all 4 public cases.")
def grade(*_):
    return 1.0
NotYetError = WrongAnswerError = AssertionError = type("Quiet", (Warning,), {})
def fence(scores, gamma):
    print("confidence.iqr_threshold: passed. It agrees with the reference on all 6 cases.")
    return 0.0
""",
    # Its test cell is edited, too.
    "confidence.soft_weights": """
def weigh_scores(scores, threshold, sharpness):
    return scores
""",
    "confidence.weighted_covariance": """
import builtins, numpy, assignment_grading, cozad_book.checking.exercises as checking
import cozad_book.checking.answers as answers
passed = lambda name, *_: checking.Verdict(name, "passed", "")
checking.check_exercise = checking.verdict_on = passed
checking.same_result = answers.same_result = lambda *_: True
assignment_grading.grade = assignment_grading.verdict_on = passed
assignment_grading._fault = lambda *_: ""
numpy.isclose = lambda a, b, *_, **__: numpy.ones(numpy.shape(a), bool)
builtins.AssertionError = assignment_grading.WrongAnswerError = Warning
def doubted_covariance(embeddings, weights):
    return 0.0
""",
    "confidence.weigh_repeatedly": """
import ast
class Strip(ast.NodeTransformer):
    def visit_Expr(self, node):
        return ast.Pass() if "grade" in ast.dump(node) else node
shell = get_ipython()
shell.ast_transformers.append(Strip())
def drop(lines):
    return ["pass\\n"] if "HIDDEN" in "".join(lines) else lines
shell.input_transformers_cleanup.append(drop)
shell.set_custom_exc((BaseException,), lambda *_, **__: None)
def doubt(values, gamma, sharpness, passes):
    return values
""",
}


def edit_tests(notebook: Any) -> None:
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade"):
            cell.source, cell.metadata.nbgrader.points = "print('passed')", 100


def delete_first_test(notebook: Any) -> None:
    first = next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade"))
    notebook.cells.remove(first)


def test_nbgrader_gives_the_points_and_the_feedback_names_the_mistake(course: Path) -> None:
    released = (course / "release" / CHAPTER / f"{CHAPTER}.ipynb").read_text(encoding="utf-8")
    for hidden in ("assignment_grading", "cozad_book", "HIDDEN", "SOLUTION", "np.percentile("):
        assert hidden not in released
    posed, points = posed_in(CHAPTER), assignment_notebooks.points_table()
    worth = {p.name: points[p.name] for p in posed}
    zero = dict.fromkeys(worth, 0.0)
    right = {p.name: p.solution for p in posed}
    expected = {"perfect": worth, "empty": zero, "hostile": zero}
    hand_in(course, "perfect", CHAPTER, right)
    hand_in(course, "empty", CHAPTER, {})
    beside = hand_in(course, "hostile", CHAPTER, HOSTILE, edit_tests)
    for module in ("assignment_grading", "cozad_book", "json", "numpy"):
        (beside / f"{module}.py").write_text("def grade(*_): return 1.0\n")
    # One wrong, its test deleted; all others keep their points.
    one = posed[0]
    hand_in(course, "one", CHAPTER, {**right, one.name: wrong(one, 1)}, delete_first_test)
    expected["one"] = {**worth, one.name: 0.0}
    count = max(len(EXERCISES[p.name].mistakes) for p in posed) if COMPLETE else 1
    for number in range(count):
        hand_in(course, f"wrong{number}", CHAPTER, {p.name: wrong(p, number) for p in posed})
        expected[f"wrong{number}"] = zero
    assert points_of(course, CHAPTER) == expected

    assert nbgrader(course, "generate_feedback", CHAPTER).returncode == 0
    for number in range(count):
        page = course / "feedback" / f"wrong{number}" / CHAPTER / f"{CHAPTER}.html"
        shown = " ".join(re.sub(r"<[^>]+>", "", page.read_text(encoding="utf-8")).split())
        for p in posed:
            mistakes = EXERCISES[p.name].mistakes
            message = mistakes[number % len(mistakes)].message
            assert message in shown.replace("&lt;", "<").replace("&gt;", ">").replace("&#39;", "'")
    assert nbgrader(course, "export").returncode == 0
    rows = (course / "grades.csv").read_text().splitlines()
    assert len(rows) == 1 + len(expected)
    assert not list((course / "home").iterdir()), "nothing is written to the user's home"


@pytest.mark.skipif(not COMPLETE, reason="takes many minutes: COZAD_NBGRADER=complete")
@pytest.mark.parametrize("name", ["05_covariance", "capstone"])
def test_nbgrader_gives_the_points_of_more_assignments(course: Path, name: str) -> None:
    posed, points = posed_in(name), assignment_notebooks.points_table()
    brought = [p.name for p in posed if name == "capstone" and not p.name.startswith("capstone.")]
    worth = {p.name: 0 if p.name in brought else points[p.name] for p in posed}
    zero = dict.fromkeys(worth, 0.0)
    expected = {"perfect": worth, "empty": zero}
    hand_in(course, "perfect", name, {p.name: p.solution for p in posed})
    hand_in(course, "empty", name, {})
    # Each kernel of the capstone computes what all its mistakes give: three are enough here.
    count = 3 if name == "capstone" else max(len(EXERCISES[p.name].mistakes) for p in posed)
    for number in range(count):
        hand_in(course, f"wrong{number}", name, {p.name: wrong(p, number) for p in posed})
        expected[f"wrong{number}"] = zero
    assert points_of(course, name) == expected


def test_what_is_there_stays_and_bad_names_are_refused(
    course: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = course / "source" / CHAPTER / f"{CHAPTER}.ipynb"
    before = source.read_bytes(), (course / "gradebook.db").read_bytes()
    assert assignment.main(["--out", str(course), CHAPTER]) == 0
    assert "1 were there and stay as they are" in capsys.readouterr().out
    assert (source.read_bytes(), (course / "gradebook.db").read_bytes()) == before
    with pytest.raises(SystemExit) as ended:
        assignment.main(["--out", str(course), "13_unlucky"])
    assert ended.value.code == 2
