"""Run answers, each in a process of its own that has lost its rights.

The process of `main` reads jobs and forks. It has the libraries loaded and nothing of the book that
knows an answer: no exercise, no mistake, no method. What a child sends back is bytes, which
`examiner` reads with suspicion.
"""

from __future__ import annotations

import base64
import contextlib
import importlib
import json
import os
import pickle
import select
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any

import numpy as np

from cozad_book.checking.running import Fault, run_answer
from cozad_book.grading.answers import AnswerError, Cell, function_in
from cozad_book.grading.sandbox import enter, readable

__all__ = ["Job", "Reply", "main"]

LARGEST_REPLY = 16 * 2**20  # bytes
LARGEST_FOLDER = 64 * 2**20  # bytes
# What answers import, loaded once for all of them; and of the project, what answers may import.
_LIBRARIES = (
    *("scipy.linalg", "scipy.stats", "scipy.ndimage", "scipy.spatial.distance"),
    *("sklearn.metrics", "torch.nn.functional", "torch.func", "cozad_book.given"),
)
# As in `checking.exercises`, which knows the answers and is not loaded here.
_FINAL = ("endless", "stopped", "peeked", "package")


@dataclass(frozen=True)
class Job:
    """One answer to run.

    Attributes
    ----------
    exercise, name : str
        Of the exercise, and of its function in the book.
    cells : tuple of Cell
        All code of the file.
    cases : bytes
        Pickled list of arguments, a tuple for each case.
    seconds : int
        Of computing time; three times as many may pass.
    """

    exercise: str
    name: str
    cells: tuple[Cell, ...]
    cases: bytes
    seconds: int


@dataclass(frozen=True)
class Reply:
    """What became of a job.

    Attributes
    ----------
    data : bytes
        What the child wrote: JSON, unless somebody forged it.
    ending : str
        Empty if it came to its end; else ``endless``, ``too much``, ``stopped`` (by the system: too
        much time or memory), or the ``code`` or ``signal`` that it ended with.
    """

    data: bytes
    ending: str


class _NoProject(MetaPathFinder):
    """Refuse what is left of the project to import: it holds the method that answers rebuild."""

    def __init__(self) -> None:
        self.asked = ""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.partition(".")[0] in ("cozad_teach", "cozad_book"):
            self.asked = name
            raise ModuleNotFoundError(f"an answer cannot import {name}", name=name)


def main() -> None:
    """Take jobs from standard input until it ends, and write replies to standard output."""
    jobs, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    for name in _LIBRARIES:
        importlib.import_module(name)
    run_answer(abs, (np.ones(1),))  # what the first call loads is there for all children
    refuse = _NoProject()
    sys.meta_path.insert(0, refuse)
    places = readable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # its parent says when it is over
    while True:
        try:
            job: Job = pickle.load(jobs)
        except EOFError:
            return
        pickle.dump(_reply_to(job, places, refuse), replies)
        replies.flush()


def _reply_to(job: Job, places: Sequence[Path], refuse: _NoProject) -> Reply:
    with tempfile.TemporaryDirectory(prefix="answer-") as folder:
        receiving, sending = os.pipe()
        child = os.fork()
        if not child:
            _be_the_child(job, places, refuse, Path(folder), sending)
        os.close(sending)
        try:
            return _collected(child, receiving, Path(folder), 3 * job.seconds)
        finally:
            os.close(receiving)


def _be_the_child(
    job: Job, places: Sequence[Path], refuse: _NoProject, folder: Path, sending: int
) -> None:
    """Never return: whatever happens, this process ends here."""
    try:
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        os.dup2(sending, 3)
        os.closerange(4, os.sysconf("SC_OPEN_MAX"))
        os.chdir(folder)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        enter(folder, places, seconds=job.seconds)
        data = json.dumps(_outcomes(job, refuse)).encode()
        while data:
            data = data[os.write(3, data) :]
        os._exit(0)
    finally:
        os._exit(1)


def _outcomes(job: Job, refuse: _NoProject) -> dict[str, Any]:
    try:
        function = function_in(job.cells, job.exercise, job.name)
    except AnswerError as error:
        return {"error": str(error), "imports": refuse.asked}
    if not callable(function):
        return {"error": "what is checked is no function: write its name without parentheses"}
    outcomes = []
    for arguments in pickle.loads(job.cases):
        outcome = run_answer(function, arguments)
        outcomes.append(_packed(outcome))
        if isinstance(outcome, Fault) and outcome.kind in _FINAL:
            break
    return {"outcomes": outcomes, "imports": refuse.asked}


def _packed(outcome: np.ndarray | Fault) -> dict[str, Any]:
    if isinstance(outcome, Fault):
        return {"kind": outcome.kind, "sentence": outcome.sentence}
    data = np.ascontiguousarray(outcome, dtype="<f8").tobytes()
    return {"shape": outcome.shape, "data": base64.b64encode(data).decode()}


def _collected(child: int, receiving: int, folder: Path, seconds: float) -> Reply:
    """Read what the child sends, until it ends, or too long, or too much."""
    data, ending, end = bytearray(), "", time.monotonic() + seconds
    while not ending:
        if select.select([receiving], [], [], 0.2)[0]:
            part = os.read(receiving, 2**16)
            if not part:
                break
            data += part
        if len(data) > LARGEST_REPLY or _size(folder) > LARGEST_FOLDER:
            ending = "too much"
        elif time.monotonic() > end:
            ending = "endless"
    if not ending:  # it closed its end: as a rule because it is over
        ending = _ending(child, end)
    with contextlib.suppress(ChildProcessError, ProcessLookupError):  # it is over as a rule
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return Reply(bytes(data), ending)


def _size(folder: Path) -> int:
    return sum(entry.stat(follow_symlinks=False).st_size for entry in os.scandir(folder))


def _ending(child: int, end: float) -> str:
    """Wait for a child; give nothing if it ended as it should."""
    over, status = os.waitpid(child, os.WNOHANG)
    while not over:
        if time.monotonic() > end:
            return "endless"
        time.sleep(0.01)
        over, status = os.waitpid(child, os.WNOHANG)
    code = os.waitstatus_to_exitcode(status)
    if code == -signal.SIGXCPU:
        return "endless"
    if code == -signal.SIGKILL:
        return "stopped"
    return f"code {code}" if code > 0 else f"signal {-code}" if code else ""
