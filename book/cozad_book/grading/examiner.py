"""Have answers run by a `worker`, and judge what comes back: nothing in it is taken on trust."""

from __future__ import annotations

import base64
import binascii
import functools
import inspect
import json
import math
import os
import pickle
import subprocess
import sys
from typing import Any

import numpy as np

from cozad_book.checking.cases import Exercise
from cozad_book.checking.exercises import FINAL, Verdict, all_exercises, judge_outcomes
from cozad_book.checking.recognition import Outcome
from cozad_book.checking.running import Fault
from cozad_book.grading.submissions import HandedIn
from cozad_book.grading.worker import Job, Reply

__all__ = ["SECONDS", "Examiner"]

SECONDS = 20  # of computing time for all cases of an answer; three times as many may pass
_KINDS = {"signature", "to do", "printed", "exception", "in place", "type", *FINAL}
_ENDINGS = {
    "endless": "Your answer did not end within {seconds} seconds: is each loop's end ever reached?",
    "too much": "Your answer writes or returns megabytes, where a few numbers are asked for.",
    "stopped": "Your answer was stopped by the system: it takes too much time or memory.",
}
_DENIED = (
    " (while it is graded an answer reads no files, reaches no network and starts no processes)"
)


class Examiner:
    """Gives verdicts on answers, with a process of its own that runs them.

    Parameters
    ----------
    seconds : int
        Of computing time that an answer may take.
    """

    def __init__(self, seconds: int = SECONDS) -> None:
        self.seconds = seconds
        self._worker: subprocess.Popen[bytes] | None = None

    def verdict(self, handed: HandedIn, name: str) -> Verdict:
        """Give the verdict on the answer to an exercise.

        Parameters
        ----------
        handed : HandedIn
            The file that holds the answer.
        name : str
            Of the exercise, one of the bank.
        """
        exercise = all_exercises()[name]
        if name in handed.from_book or _is_the_books(handed, exercise):
            return Verdict(name, "failed", "This is the book's own answer, taken over.")
        reply = self._run(handed, exercise)
        if reply.ending or not reply.data:
            return Verdict(name, "failed", _sentence(reply.ending or "code 0", self.seconds))
        try:
            return _judged(exercise, json.loads(reply.data))
        except (ValueError, KeyError, TypeError, RecursionError):  # not what a worker writes
            return Verdict(name, "failed", "The answer meddles with what reports its results.")

    def close(self) -> None:
        """End the process."""
        if self._worker:
            self._worker.communicate()  # it ends when nothing more can come
        self._worker = None

    def _run(self, handed: HandedIn, exercise: Exercise) -> Reply:
        function = handed.answered.get(exercise.name, "")
        job = Job(exercise.name, function, handed.cells, _cases(exercise.name), self.seconds)
        if self._worker is None:
            code = "from cozad_book.grading.worker import main; main()"
            command = [sys.executable, "-c", code]
            self._worker = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                # A thread of its own for a library would be missing in what is forked.
                env={**os.environ, "OMP_NUM_THREADS": "1"},
            )
        assert self._worker.stdin and self._worker.stdout
        pickle.dump(job, self._worker.stdin)
        self._worker.stdin.flush()
        reply: Reply = pickle.load(self._worker.stdout)
        return reply


@functools.cache
def _cases(name: str) -> bytes:
    return pickle.dumps([case.arguments for case in all_exercises()[name].cases])


def _is_the_books(handed: HandedIn, exercise: Exercise) -> bool:
    """Whether a file `my_cozad.py` holds what `catch_up` writes, without the mark that says so."""
    source = inspect.getsource(inspect.unwrap(exercise.reference))
    source = source[source.index("def ") :].rstrip()
    return handed.file.endswith(".py") and any(source in cell.code for cell in handed.cells)


def _sentence(ending: str, seconds: int) -> str:
    kind, _, number = ending.partition(" ")
    if kind == "code":
        return f"Your answer ends the process (code {number}): a function ends with `return`."
    if kind == "signal":
        return f"Your answer brings Python down (signal {number})."
    return _ENDINGS[ending].format(seconds=seconds)


def _judged(exercise: Exercise, found: dict[str, Any]) -> Verdict:
    name = exercise.name
    if asked := found.get("imports"):
        told = f"Your answer asks for `{str(asked)[:80]}`: write it yourself."
        return Verdict(name, "failed", told)
    if "error" in found:
        told = str(found["error"])[:500]
        return Verdict(name, "failed", told[:1].upper() + told[1:] + ".")
    observed = [_outcome(packed) for packed in found["outcomes"]]
    cut = bool(observed) and isinstance(observed[-1], Fault) and observed[-1].kind in FINAL
    if len(observed) != len(exercise.cases) and not (cut and len(observed) < len(exercise.cases)):
        raise ValueError("an outcome for each case")
    return judge_outcomes(exercise, observed)


def _outcome(packed: dict[str, Any]) -> Outcome:
    if "kind" in packed:
        if packed["kind"] not in _KINDS:
            raise ValueError("an unknown fault")
        told = str(packed["sentence"])[:500]
        return Fault(packed["kind"], told + _DENIED * ("PermissionError" in told))
    shape = tuple(map(int, packed["shape"]))
    try:
        data = base64.b64decode(packed["data"], validate=True)
    except binascii.Error as error:
        raise ValueError("no numbers") from error
    if len(shape) > 32 or min(shape, default=0) < 0 or 8 * math.prod(shape) != len(data):
        raise ValueError("no array")
    return np.frombuffer(data, "<f8").reshape(shape).astype(np.float64)
