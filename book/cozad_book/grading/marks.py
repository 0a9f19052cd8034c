"""From submissions to marks: what is asked, each answer once, several at a time, and the best."""

from __future__ import annotations

import csv
import hashlib
import inspect
import json
import multiprocessing
import os
import signal
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path

from tqdm import tqdm

from cozad_book.checking.exercises import Verdict, all_exercises
from cozad_book.grading.examiner import SECONDS, Examiner
from cozad_book.grading.submissions import HandedIn, Submission
from cozad_teach.errors import CozadError, printable
from cozad_teach.files.reading import check_file

__all__ = ["Mark", "asked_exercises", "mark_all", "read_points"]

LARGEST_TABLE = 2**20  # bytes

Task = tuple[HandedIn, str]


@dataclass(frozen=True)
class Mark:
    """What an exercise brings a student.

    Attributes
    ----------
    verdict : Verdict
        Of the best answer.
    file : str
        That holds it, or nothing.
    points : float
        All that the exercise is worth, or 0.
    """

    verdict: Verdict
    file: str
    points: float


def read_points(path: Path) -> dict[str, float]:
    """Read what each exercise is worth: a table with the columns ``exercise`` and ``points``.

    Raises
    ------
    CozadError
        If it is no such table, names no exercise of the book, or gives no points.
    """
    known = all_exercises()
    points: dict[str, float] = {}
    check_file(path, "cannot read the table of points", "check --points", LARGEST_TABLE)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise CozadError(f"{path} cannot be read as a table: {error}") from error
    for number, row in enumerate(rows, 2):
        name, worth = str(row.get("exercise", "")).strip(), str(row.get("points", "")).strip()
        if name not in known:
            raise CozadError(
                f"{path}, line {number}: {printable(name)!r} is no exercise of the book; its "
                "columns are exercise, as in check_exercise(...), and points"
            )
        if name in points:
            raise CozadError(f"{path}, line {number}: {name} stands there twice: delete one")
        try:
            points[name] = float(worth)
        except ValueError:
            points[name] = -1.0
        if not 0 <= points[name] < 1e6:
            raise CozadError(f"{path}, line {number}: {worth!r} are no points: write a number >= 0")
    if not points:
        raise CozadError(f"{path} is empty: its columns are exercise and points")
    return points


def asked_exercises(submissions: Iterable[Submission]) -> dict[str, float]:
    """Give one point to each exercise that anyone answers, in the order of the bank."""
    answered = {name for s in submissions for handed in s.files for name in handed.answered}
    return {name: 1.0 for name in all_exercises() if name in answered}


def mark_all(
    submissions: Sequence[Submission], points: dict[str, float], done: Path
) -> dict[str, dict[str, Mark]]:
    """Mark every answer.

    Parameters
    ----------
    submissions : sequence of Submission
        Of students with different names.
    points : dict of str to float
        What each exercise is worth; others are not looked at.
    done : pathlib.Path
        A file that keeps each verdict as soon as it is there, so that a run that was stopped goes
        on where it was.

    Returns
    -------
    dict
        For each student and exercise a mark. Where several files answer an exercise, the better
        answer counts.
    """
    tasks = {
        _key(task): task
        for submission in submissions
        for handed in submission.files
        for task in ((handed, name) for name in handed.answered if name in points)
    }
    verdicts = _verdicts(tasks, done)
    return {
        submission.student: {
            name: _best(submission, name, worth, verdicts) for name, worth in points.items()
        }
        for submission in submissions
    }


def _best(submission: Submission, name: str, worth: float, verdicts: dict[str, Verdict]) -> Mark:
    answers = [
        (verdicts[_key((handed, name))], handed.file)
        for handed in submission.files
        if name in handed.answered
    ]
    if not answers:
        unread = "".join(f" {sentence}." for sentence in submission.unread)
        return Mark(Verdict(name, "to do", f"No answer was handed in.{unread}"), "", 0.0)
    rank = ("failed", "to do")
    verdict, file = min(answers, key=lambda a: -1 if a[0].passed else rank.index(a[0].status))
    return Mark(verdict, file, worth * verdict.passed)


def _key(task: Task) -> str:
    """Name an answer by all that its verdict depends on."""
    handed, name = task
    bank = inspect.getsource(inspect.getmodule(inspect.unwrap(all_exercises()[name].reference)))  # type: ignore[arg-type]
    parts = [bank, name, handed.file.endswith(".py"), handed.cells, handed.answered[name]]
    parts.append(name in handed.from_book)
    return hashlib.sha256(repr(parts).encode(errors="surrogateescape")).hexdigest()


def _verdicts(tasks: dict[str, Task], done: Path) -> dict[str, Verdict]:
    found = {key: verdict for key, verdict in _read(done) if key in tasks}
    waiting = {key: task for key, task in tasks.items() if key not in found}
    if not waiting:
        return found
    workers = min(os.cpu_count() or 1, len(waiting))
    context = multiprocessing.get_context("spawn")  # threads of the libraries do not survive a fork
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_be_an_examiner)
    try:
        with done.open("a", encoding="utf-8") as file:
            futures = {pool.submit(_verdict, task): key for key, task in waiting.items()}
            bar = tqdm(as_completed(futures), "answers", len(futures), unit="answer")
            for future in bar:
                found[futures[future]] = verdict = future.result()
                file.write(json.dumps([futures[future], asdict(verdict)]) + "\n")
                file.flush()
    finally:
        pool.shutdown(cancel_futures=True)
    return found


def _read(done: Path) -> Iterator[tuple[str, Verdict]]:
    if not done.exists():
        return
    for line in done.read_text(encoding="utf-8").splitlines():
        try:
            key, fields = json.loads(line)
            yield key, Verdict(**fields)
        except (ValueError, TypeError):  # the last line of a run that was killed
            continue


_EXAMINER = Examiner(SECONDS)


def _be_an_examiner() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears Ctrl-C, and says so


def _verdict(task: Task) -> Verdict:
    handed, name = task
    return _EXAMINER.verdict(handed, name)
