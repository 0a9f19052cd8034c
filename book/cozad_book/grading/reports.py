"""Write marks: a table for the learning platform, one of all verdicts, and a page per student."""

from __future__ import annotations

import csv
import html
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from cozad_book.grading.marks import Mark
from cozad_book.grading.submissions import Submission
from cozad_teach.errors import printable

__all__ = ["ANSWERS", "Marks", "total", "write_feedback", "write_grades"]

ANSWERS = "student,exercise,points,out of,status,mistake,message,file"
Marks = Mapping[str, Mapping[str, Mark]]

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark">
<style>body{{font:1rem/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}}
div{{margin:.8rem 0}} code{{overflow-wrap:anywhere}}</style></head>
<body><main><h1>{title}</h1>
<p><strong>{total:g} of {possible:g} points.</strong></p>
{body}
</main></body></html>
"""


def write_grades(path: Path, marks: Marks, points: Mapping[str, float]) -> None:
    """Write a row per student: its name, points per exercise, their sum, what was possible.

    Parameters
    ----------
    path : pathlib.Path
        File to write.
    marks : mapping
        For each student and exercise a mark.
    points : mapping of str to float
        What each exercise is worth.
    """
    rows: list[Sequence[object]] = [["student", *points, "total", "out of"]]
    for student, of_each in marks.items():
        got = [_number(of_each[name].points) for name in points]
        rows.append([student, *got, total(of_each), _number(sum(points.values()))])
    _write(path, rows)


def total(of_each: Mapping[str, Mark]) -> str:
    """Give the sum of a student's points, as tables write it."""
    return _number(sum(mark.points for mark in of_each.values()))


def write_feedback(
    folder: Path, submissions: Iterable[Submission], marks: Marks, points: Mapping[str, float]
) -> None:
    """Write ``answers.csv``, a row per answer, and ``students/NAME.html``, what to do next.

    Parameters
    ----------
    folder : pathlib.Path
        Folder to make.
    submissions, marks, points
        As for `write_grades`.
    """
    (folder / "students").mkdir(parents=True)
    rows: list[Sequence[object]] = [ANSWERS.split(",")]
    for submission in submissions:
        of_each = marks[submission.student]
        for name, mark in of_each.items():
            verdict, worth = mark.verdict, (_number(mark.points), _number(points[name]))
            told = (verdict.status, verdict.mistake or "", verdict.message, mark.file)
            rows.append([submission.student, name, *worth, *told])
        page = _page(submission, of_each, points)
        (folder / "students" / f"{submission.student}.html").write_text(page, encoding="utf-8")
    _write(folder / "answers.csv", rows)


def _page(submission: Submission, of_each: Mapping[str, Mark], points: Mapping[str, float]) -> str:
    body = [mark.verdict._repr_html_() for mark in of_each.values()]
    if submission.unread:
        items = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in submission.unread)
        body.append(f"<h2>Not read</h2><ul>{items}</ul>")
    return _PAGE.format(
        title=html.escape(printable(submission.student)),
        total=sum(mark.points for mark in of_each.values()),
        possible=sum(points.values()),
        body="\n".join(body),
    )


def _number(value: float) -> str:
    return f"{value:g}"


def _write(path: Path, rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        csv.writer(file).writerows([_harmless(str(cell)) for cell in row] for row in rows)


def _harmless(cell: str) -> str:
    """Keep a spreadsheet from taking a student's text for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
