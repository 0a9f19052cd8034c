"""Write an exam for each student out of the bank of questions, and mark what comes back.

``exam.py --seed 7 --students names.csv --out FOLDER`` writes a notebook for each student into
``FOLDER/students`` and the key into ``FOLDER/teacher``. Everybody gets the same kinds of questions,
with numbers of his or her own. ``names.csv`` has the columns ``id`` and ``name``.

``exam.py --mark FOLDER/students --key FOLDER/teacher/key.json --out marks.csv`` reads the numbers
after ``answer_1 =`` and so on; it runs nothing that a student wrote.
"""

from __future__ import annotations

import argparse
import ast
import csv
import json
import re
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

import notebooks
from cozad_teach.cli.endings import run_command
from cozad_teach.errors import CozadError
from cozad_teach.files.reading import check_file
from cozad_teach.files.writing import atomic_folder, atomic_write

sys.path.insert(0, str(notebooks.BOOK / "instructors" / "exam"))
from drawing import choose, questions_of

POINTS = 5  # for each question
LARGEST_TABLE = 2**26  # bytes
INTRODUCTION = """# Exam: {name}

Replace `None` in the cell below each question by a number, with at least three digits that count.
Write the number itself, not the way to it: `answer_1 = 0.417`. Compute wherever you like, in
cells of your own too. The book may be used. Every question counts {points} points. Do not rename
this file."""


def read_students(path: Path) -> list[tuple[str, str]]:
    """Read a list of students as pairs of id and name.

    Raises
    ------
    CozadError
        If a column is missing, an id occurs twice or is not fit for a file's name.
    """
    check_file(path, "cannot read the list of students", "check --students", LARGEST_TABLE)
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, ValueError, csv.Error) as error:
        raise CozadError(f"{path} is no table ({error}): save it as CSV in UTF-8") from error
    if not rows or not {"id", "name"} <= set(rows[0]):
        raise CozadError(f"{path} needs the columns id and name, and a line for each student")
    students = [((row["id"] or "").strip(), (row["name"] or "").strip()) for row in rows]
    ids = [number for number, _ in students]
    for number in ids:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", number):
            raise CozadError(f"{path}: {number!r} is no id: take letters, digits, - and _")
        if sum(other.lower() == number.lower() for other in ids) > 1:
            raise CozadError(f"{path}: the id {number} occurs twice, a or A alike")
    return students


def notebook_of(name: str, chosen: list[Any], questions: list[Any]) -> nbformat.NotebookNode:
    """Give the notebook of a student. It holds no answer."""
    cells = [new_markdown_cell(INTRODUCTION.format(name=name, points=POINTS), id="introduction")]
    for n, (template, question) in enumerate(zip(chosen, questions, strict=True), start=1):
        form = "a whole number" if question.whole else "a number"
        head = f"## {n}. {template.title} (chapter {template.chapter})\n\n"
        cells.append(new_markdown_cell(head + question.text, id=f"question-{n}"))
        cells.append(new_code_cell(f"answer_{n} = None  # {form}", id=f"answer-{n}"))
    return notebooks.stable(new_notebook(cells=cells))


def write_exam(seed: int, students: list[tuple[str, str]], folder: Path, n: int) -> None:
    """Write the notebooks of all students, and apart from them the key.

    Raises
    ------
    CozadError
        If the folder is there already: somebody's answers may be in it.
    """
    if folder.exists():
        raise CozadError(f"{folder} is there already: name a new folder for --out")
    chosen = choose(seed, n)
    key: dict[str, Any] = {"seed": seed, "points": POINTS, "students": {}}
    exams: dict[str, nbformat.NotebookNode] = {}
    lines = [f"# Key of the exam with the seed {seed}\n"]
    for number, name in students:
        questions = questions_of(seed, number, chosen)
        exams[number] = notebook_of(name, chosen, questions)
        key["students"][number] = {
            "name": name,
            "questions": [
                {
                    "template": template.name,
                    "answer": float(question.answer),
                    "tolerance": question.tolerance,
                    "wrong": question.mistakes,
                }
                for template, question in zip(chosen, questions, strict=True)
            ],
        }
        lines.append(f"\n## {number}, {name}\n")
        for place, (template, question) in enumerate(zip(chosen, questions, strict=True), 1):
            wrong = "; ".join(f"{value:.4g}: {why}" for why, value in question.mistakes.items())
            lines.append(f"{place}. *{template.title}*: **{question.answer:.4g}** ({wrong})")
    with atomic_folder(folder) as part:
        for number, exam in exams.items():
            notebooks.write(exam, part / "students" / f"{number}.ipynb")
        teacher = part / "teacher"
        teacher.mkdir()
        (teacher / "key.json").write_text(json.dumps(key, indent=1) + "\n", encoding="utf-8")
        (teacher / "key.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def answers_in(path: Path) -> dict[int, float | None]:
    """Read the numbers that a student wrote, without running anything.

    Raises
    ------
    CozadError
        If the file is no notebook.
    """
    try:
        cells = nbformat.read(path, as_version=4).cells
    except Exception as error:
        raise CozadError(f"{path} is not a notebook: ask for the file again") from error
    found: dict[int, float | None] = {}
    for cell in cells:
        if cell.cell_type == "code":
            for match in re.finditer(r"^answer_(\d+)\s*=([^\n#]*)", cell.source, re.MULTILINE):
                try:
                    value = ast.literal_eval(match[2].strip())
                except (ValueError, SyntaxError, RecursionError, MemoryError):
                    value = None
                good = isinstance(value, (int, float)) and not isinstance(value, bool)
                found[int(match[1])] = float(value) if good else None
    return found


def mark(
    answers: dict[int, float | None], questions: list[dict[str, Any]]
) -> list[tuple[int, str]]:
    """Give points and a remark for each question."""
    results = []
    for place, question in enumerate(questions, start=1):
        number = answers.get(place)
        if number is None:
            results.append((0, "no number: look at it" if place in answers else "no answer"))
        elif abs(number - question["answer"]) <= question["tolerance"]:
            results.append((POINTS, ""))
        else:
            near = [
                why
                for why, value in question["wrong"].items()
                if abs(number - value) <= max(question["tolerance"], 0.006 * abs(value))
            ]
            results.append((0, near[0] if near else f"{number:g} is wrong in a way of its own"))
    return results


def write_marks(folder: Path, key_path: Path, out: Path) -> int:
    """Mark all notebooks of a folder; give the number of students who are in the table.

    Raises
    ------
    CozadError
        If the key cannot be read, or the table is there already.
    """
    if out.exists():
        raise CozadError(f"{out} is there already: name a new file for --out")
    if not folder.is_dir():
        raise CozadError(f"{folder} is not a folder: name the one with the students' notebooks")
    check_file(key_path, "cannot read the key", "name teacher/key.json", LARGEST_TABLE)
    try:
        key = json.loads(key_path.read_text(encoding="utf-8"))
        students = key["students"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CozadError(f"{key_path} is no key of an exam: name teacher/key.json") from error
    n = max(len(student["questions"]) for student in students.values())
    columns = ["id", "name", "points", "of", *(f"q{i}" for i in range(1, n + 1)), "remarks"]
    rows = []
    for number, student in students.items():
        path = folder / f"{number}.ipynb"
        if path.is_file():
            results = mark(answers_in(path), student["questions"])
        else:
            results = [(0, "nothing came back")] * len(student["questions"])
        points = [p for p, _ in results]
        remarks = "; ".join(f"q{i}: {r}" for i, (_, r) in enumerate(results, start=1) if r)
        name = student["name"]
        # A spreadsheet takes such a text for a formula.
        name = f"'{name}" if name[:1] in ("=", "+", "-", "@") else name
        rows.append([number, name, sum(points), POINTS * len(points), *points, remarks])
    with atomic_write(out) as part, part.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([columns, *rows])
    return len(rows)


def main(arguments: list[str]) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--seed", type=int, help="of the questions; keep it to yourself")
    parser.add_argument("--students", type=Path, help="CSV with the columns id and name")
    parser.add_argument("--questions", type=int, default=12, help="for each student")
    parser.add_argument("--mark", type=Path, metavar="ANSWERS", help="folder that came back")
    parser.add_argument("--key", type=Path, help="teacher/key.json, for --mark")
    parser.add_argument("--out", type=Path, required=True, help="new folder, or new table of marks")
    options = parser.parse_args(arguments)
    return run_command("exam", lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    if options.mark:
        if not options.key:
            raise CozadError("--mark needs --key: the file teacher/key.json of this exam")
        print(f"{write_marks(options.mark, options.key, options.out)} students: {options.out}")
        return 0
    if options.seed is None or options.seed < 0 or not options.students:
        raise CozadError("name a --seed of 0 or more and --students, or --mark what came back")
    students = read_students(options.students)
    write_exam(options.seed, students, options.out, options.questions)
    print(f"{len(students)} exams: {options.out / 'students'}; the key: {options.out / 'teacher'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
