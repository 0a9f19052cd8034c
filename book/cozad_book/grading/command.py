"""The command ``cozad grade``."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from cozad_book.grading import sandbox
from cozad_book.grading.marks import asked_exercises, mark_all, read_points
from cozad_book.grading.reports import ANSWERS, Marks, total, write_feedback, write_grades
from cozad_book.grading.roster import Roster, match, read_roster
from cozad_book.grading.submissions import Submission, read_submissions
from cozad_teach.errors import CozadError, printable
from cozad_teach.files.places import check_target, head
from cozad_teach.files.writing import atomic_folder, atomic_write, only_writer, settled

__all__ = ["grade"]


def grade(words: Sequence[str]) -> int:
    """Do ``cozad grade``: mark a folder of submissions, notebooks or files `my_cozad.py`.

    Parameters
    ----------
    words : sequence of str
        What follows the command.

    Returns
    -------
    int
        0.

    Raises
    ------
    CozadError
        If the system cannot run strangers' code safely, or something cannot be read or written.
    """
    options = _parser().parse_args(words)
    if lacking := sandbox.missing():
        raise CozadError(
            f"grading runs strangers' code and needs {lacking} to do so safely: use the project's "
            "container, or another machine"
        )
    out: Path = options.out
    done = Path(f"{out}.partial")
    feedback = out.with_name(f"{out.stem}_feedback")
    reads = [options.folder, options.points, options.roster]
    check_target(out, reads=reads, ours=_is_table)
    check_target(done, reads=reads, ours=_is_partial)
    _check_feedback(feedback)
    submissions = read_submissions(options.folder)
    upload = _upload(options, submissions, reads)
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
        if upload:
            with atomic_write(upload.path) as file:
                file.write_bytes(upload.filled(marks))
        with atomic_folder(feedback, replace=True) as folder:
            write_feedback(folder, submissions, marks, points)
        done.unlink(missing_ok=True)
    unread = [sentence for submission in submissions for sentence in submission.unread]
    not_read = f"; {len(unread)} files could not be read, see the pages" if unread else ""
    print(f"{len(submissions)} submissions, {len(points)} exercises: {out}{not_read}")
    print(f"what to tell the students: {feedback}")
    if upload:
        print(f"the roster with marks: {upload.path}\n{upload.unmatched(marks)}")
    return 0


class _Upload(NamedTuple):
    """A roster, the place of the one with marks, and the submissions by its lines."""

    roster: Roster
    path: Path
    found: dict[int, str]

    def filled(self, marks: Marks) -> bytes:
        return self.roster.filled({line: total(marks[name]) for line, name in self.found.items()})

    def unmatched(self, submissions: Iterable[str]) -> str:
        """Say who has no mark, and which marks are in no line."""
        students = self.roster.students()
        idle = [printable(entry) for line, entry in students.items() if line not in self.found]
        strange = [printable(name) for name in submissions if name not in self.found.values()]
        said = [f"{len(self.found)} of {len(students)} students on it have handed in"]
        said += [f"without a submission, left as they were: {', '.join(idle)}"] if idle else []
        said += [f"submissions of nobody on it: {', '.join(strange)}"] if strange else []
        return "\n".join(said)


def _upload(
    options: argparse.Namespace, submissions: Iterable[Submission], reads: Iterable[Path | None]
) -> _Upload | None:
    if options.roster is None:
        if options.by or options.column:
            raise CozadError("--by and --column are titles in a table: name it with --roster")
        return None
    roster = read_roster(options.roster, options.by, options.column or "Grade")
    path = options.out.with_name(f"{options.out.stem}_roster{options.roster.suffix}")
    begins = len(roster.head)
    check_target(path, reads=reads, ours=lambda old: head(old, begins) == roster.head)
    return _Upload(roster, path, match(roster, [one.student for one in submissions]))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cozad grade",
        description="Mark exercises in notebooks or files my_cozad.py. Each answer runs in a "
        "process of its own without files, network and other processes. Where it was stopped, the "
        "same command goes on from GRADES.csv.partial.",
    )
    add = parser.add_argument
    add("folder", type=Path, metavar="FOLDER", help="a folder or file per student")
    add("--out", type=Path, required=True, metavar="GRADES.csv")
    add(
        "--points",
        type=Path,
        metavar="POINTS.csv",
        help="what is graded and its worth: columns exercise and points; by default each exercise "
        "that anyone answers, one point each",
    )
    add(
        "--roster",
        type=Path,
        metavar="TABLE.csv",
        help="a learning platform's table of students: the same one with marks is written beside "
        "GRADES.csv",
    )
    add(
        "--by",
        metavar="TITLE",
        help="the roster's column whose entries are names of submissions, or e-mail addresses with "
        "these before the @; by default Identifier (Moodle), ID (Canvas) or Username (Blackboard), "
        "as these platforms put them into names of files",
    )
    add(
        "--column",
        metavar="TITLE",
        help="the roster's column for the marks, which is added where it is missing; by default "
        "Grade",
    )
    return parser


def _is_table(path: Path) -> bool:
    return head(path, 100).startswith(b"student,")


def _is_partial(path: Path) -> bool:
    return head(path, 100).startswith(b'["')


def _check_feedback(folder: Path) -> None:
    """Refuse a folder that is no earlier feedback."""
    folder = settled(folder)
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
