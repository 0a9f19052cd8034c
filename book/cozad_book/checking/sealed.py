"""The exercises without their answers, for the edition that students get.

Sealed, an exercise is what its functions gave on its cases, packed: the checker compares numbers
and names single mistakes as before. Opening a file tells nothing. Whoever decodes it finds numbers,
with which an answer can be forged for all cases but the last, which only the teacher's bank has;
and those references that the detector runs, each of which the package shows in its own form.
"""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from cozad_book.checking.cases import Exercise, Mistake
from cozad_teach.errors import CozadError

__all__ = ["SEALED", "seal", "unseal"]

SEALED = "sealed.bin"  # beside the modules of `cozad_book.exercises`, in whose place it stands


def seal(
    exercises: Mapping[str, Exercise], results: Callable[[str], Any], pieces: Mapping[str, str]
) -> bytes:
    """Give exercises in a form without answers.

    Parameters
    ----------
    exercises : mapping of str to Exercise
        By name.
    results : callable
        Gives for a name the right results and, for each mistake, its own.
    pieces : mapping of str to str
        Python of those references that the student's detector runs where a piece is missing.
    """
    found = {}
    for name, exercise in exercises.items():
        expected, wrong = results(name)
        found[name] = {
            "cases": exercise.cases[:-1],
            "tolerance": exercise.tolerance,
            "mistakes": [(mistake.name, mistake.message) for mistake in exercise.mistakes],
            "results": (expected[:-1], [outcomes[:-1] for outcomes in wrong]),
            "piece": pieces.get(name, ""),
            "function": exercise.reference.__name__,
        }
    return zlib.compress(pickle.dumps(found), 9)


def unseal(path: Path) -> dict[str, Exercise]:
    """Read what `seal` gave.

    Raises
    ------
    CozadError
        If the file is damaged.
    """
    try:
        found = pickle.loads(zlib.decompress(path.read_bytes()))
    except (OSError, zlib.error, pickle.UnpicklingError, EOFError) as error:
        raise CozadError(f"{path} is damaged: get the student edition again") from error
    return {name: _exercise(name, parts) for name, parts in found.items()}


def _exercise(name: str, parts: dict[str, Any]) -> Exercise:
    exercise = Exercise(name, cases=parts["cases"], tolerance=parts["tolerance"])
    exercise.mistakes = [Mistake(title, _no_answer, told) for title, told in parts["mistakes"]]
    exercise.results = parts["results"]
    function = _no_answer
    if parts["piece"]:
        space: dict[str, Any] = {"__name__": __name__}
        exec(compile(parts["piece"], "<sealed>", "exec"), space)
        function = space[parts["function"]]
    exercise.right(function)
    return exercise


def _no_answer(*arguments: Any) -> Any:
    raise CozadError("this edition of the book holds no answers")
