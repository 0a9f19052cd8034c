"""The command ``cozad grade``."""

from __future__ import annotations

import argparse
from pathlib import Path

from cozad_book.grading import sandbox
from cozad_book.grading.marks import asked_exercises, mark_all, read_points
from cozad_book.grading.reports import ANSWERS, write_feedback, write_grades
from cozad_book.grading.submissions import read_submissions
from cozad_teach.errors import CozadError
from cozad_teach.files.places import check_target, head
from cozad_teach.files.writing import atomic_folder, atomic_write, only_writer

__all__ = ["grade"]


def grade(options: argparse.Namespace) -> int:
    """Mark a folder of submissions: notebooks or files `my_cozad.py`.

    Parameters
    ----------
    options : argparse.Namespace
        ``folder``, ``out`` and ``points``.

    Returns
    -------
    int
        0.

    Raises
    ------
    CozadError
        If the system cannot run strangers' code safely, or something cannot be read or written.
    """
    if lacking := sandbox.missing():
        raise CozadError(
            f"grading runs strangers' code and needs {lacking} to do so safely: use the project's "
            "container, or another machine"
        )
    out: Path = options.out
    done = Path(f"{out}.partial")
    feedback = out.with_name(f"{out.stem}_feedback")
    check_target(out, reads=[options.folder, options.points], ours=_is_table)
    check_target(done, reads=[options.folder, options.points], ours=_is_partial)
    _check_feedback(feedback)
    submissions = read_submissions(options.folder)
    points = read_points(options.points) if options.points else asked_exercises(submissions)
    if not points:
        raise CozadError(
            f"nothing in {options.folder} answers an exercise of the book: no cell calls "
            "check_exercise(...), no file holds blocks of my_cozad.py"
        )
    with only_writer(out):
        marks = mark_all(submissions, points, done)
        with atomic_write(out) as file:
            write_grades(file, marks, points)
        with atomic_folder(feedback, replace=True) as folder:
            write_feedback(folder, submissions, marks, points)
        done.unlink(missing_ok=True)
    unread = [sentence for submission in submissions for sentence in submission.unread]
    not_read = f"; {len(unread)} files could not be read, see the pages" if unread else ""
    print(f"{len(submissions)} submissions, {len(points)} exercises: {out}{not_read}")
    print(f"what to tell the students: {feedback}")
    return 0


def _is_table(path: Path) -> bool:
    return head(path, 100).startswith(b"student,")


def _is_partial(path: Path) -> bool:
    return head(path, 100).startswith(b'["')


def _check_feedback(folder: Path) -> None:
    """Refuse a folder that is no earlier feedback."""
    if not folder.exists() and not folder.is_symlink():
        return
    table = folder / "answers.csv"
    first = head(table, 200) if table.is_file() and not folder.is_symlink() else b""
    if not first.startswith(ANSWERS.encode()) or {p.name for p in folder.iterdir()} != {
        "answers.csv",
        "students",
    }:
        raise CozadError(
            f"{folder} is there already and is no feedback of this command: move it away, or give "
            "another --out"
        )
