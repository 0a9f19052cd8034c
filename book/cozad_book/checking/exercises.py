"""Exercise checkers: run a student's function, and name the mistake where there is one."""

from __future__ import annotations

import difflib
import functools
import html
import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from cozad_book.checking.answers import describe_difference, same_result
from cozad_book.checking.cases import Case, Exercise
from cozad_book.checking.hints import common_hint
from cozad_book.checking.recognition import Outcome, recognise
from cozad_book.checking.running import Fault, outcome_of, refuse_answers, run_answer
from cozad_book.checking.sealed import SEALED, unseal
from cozad_teach.errors import CozadError

__all__ = [
    "FINAL",
    "Verdict",
    "all_exercises",
    "check_exercise",
    "judge_outcomes",
    "stored_results",
    "take_passed",
    "verdict_on",
]


# Answers that passed and that nobody has asked for yet.
_PASSED: dict[str, Callable[..., Any]] = {}
# What no other case can make better.
FINAL = ("endless", "stopped", "peeked", "package")


@dataclass(frozen=True)
class Verdict:
    """What the checker says; displays as one line of text or as a box in a notebook.

    Attributes
    ----------
    exercise : str
        Name of the exercise.
    status : str
        ``passed``, ``failed`` or, for a function not written yet, ``to do``.
    message : str
        What to do next.
    mistake : str, optional
        Name of the stored mistake that was recognised.
    """

    exercise: str
    status: Literal["passed", "failed", "to do"]
    message: str
    mistake: str | None = None

    @property
    def passed(self) -> bool:
        """Whether the function is right on every case."""
        return self.status == "passed"

    def __repr__(self) -> str:
        return f"{self.exercise}: {self.status}. {self.message}"

    def _repr_html_(self) -> str:
        sign = {"passed": "✓", "failed": "✗", "to do": "…"}[self.status]
        message = re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(self.message))
        edge = {"passed": "#0072b2", "failed": "#d55e00", "to do": "#767676"}[self.status]
        return (
            f'<div role="status" style="border-left:6px solid {edge};padding:.3rem .8rem">'
            f"<strong>{sign} {html.escape(self.exercise)}: {self.status}.</strong> "
            f"{message}</div>"
        )


def check_exercise(name: str, function: Callable[..., Any]) -> Verdict:
    """Check a student's function against the reference on all cases of an exercise.

    Parameters
    ----------
    name : str
        Name of the exercise, such as ``features.mean_pool``.
    function : callable
        The student's function itself, not its result.

    Returns
    -------
    Verdict
        Passed; or the messages of the stored mistakes, one or two of them, that behave like the
        function; or else the first case that fails, with what was expected and what came.

    Raises
    ------
    CozadError
        If there is no exercise of this name.
    """
    verdict = verdict_on(name, function)
    if verdict.passed:
        _PASSED[name] = function
    return verdict


def take_passed() -> dict[str, Callable[..., Any]]:
    """Hand over the last answer to each exercise that passed `check_exercise` since last time."""
    passed = dict(_PASSED)
    _PASSED.clear()
    return passed


def verdict_on(name: str, function: Callable[..., Any]) -> Verdict:
    """Check a function as `check_exercise` does, and leave no trace of it."""
    exercises = all_exercises()
    if name not in exercises:
        near = difflib.get_close_matches(name, exercises, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(exercises)}"
        raise CozadError(f"there is no exercise named {name!r}: {hint}")
    exercise = exercises[name]
    if not callable(function):
        sentence = "Give the function itself: write its name without parentheses behind it."
        return Verdict(name, "failed", sentence)
    if function is inspect.unwrap(exercise.reference):
        return Verdict(name, "failed", "This is the book's own answer: write it yourself.")

    observed: list[Outcome] = []
    for case in exercise.cases:
        observed.append(outcome := run_answer(function, case.arguments))
        if isinstance(outcome, Fault) and outcome.kind in FINAL:
            break
    return judge_outcomes(exercise, observed)


def judge_outcomes(exercise: Exercise, observed: list[Outcome]) -> Verdict:
    """Say what a function's outcomes on the cases of an exercise mean.

    Parameters
    ----------
    exercise : Exercise
        One of the bank.
    observed : list of numpy.ndarray or Fault
        On each case, in their order; the last one may be a fault whose kind is in `FINAL`, after
        which no further case is tried.
    """
    name, tolerance = exercise.name, exercise.tolerance
    for case, outcome in zip(exercise.cases, observed, strict=False):
        if isinstance(outcome, Fault) and outcome.kind in FINAL:
            return Verdict(name, "failed", _on(case, outcome.sentence))
    expected, wrong = stored_results(name)
    right = [same_result(a, b, tolerance) for a, b in zip(observed, expected, strict=True)]
    if all(right):
        told = f"It agrees with the reference on all {len(right)} cases."
        told += " Your teacher has one more." * (exercise.results is not None)
        return Verdict(name, "passed", told)
    if all(isinstance(o, Fault) and o.kind == "to do" for o in observed):
        sentence = "The function returns nothing yet. Write its body; is the `return` there?"
        return Verdict(name, "to do", sentence)
    failed = [i for i, fine in enumerate(right) if not fine]
    hint, simpler = common_hint(observed, expected, tolerance)
    mistakes = recognise(exercise, observed, expected, wrong)
    if mistakes and not (simpler and len(mistakes) > 1):
        message = " And: ".join(mistake.message for mistake in mistakes)
        message = f"Two things at once: {message}" if len(mistakes) > 1 else message
        return Verdict(name, "failed", message, "; ".join(m.name for m in mistakes))
    case, outcome = exercise.cases[failed[0]], observed[failed[0]]
    if isinstance(outcome, Fault):
        on_case = outcome.sentence if outcome.kind == "signature" else _on(case, outcome.sentence)
        return Verdict(name, "failed", on_case)
    difference = describe_difference(
        outcome, expected[failed[0]], tolerance, reveal=not case.hidden
    )
    return Verdict(name, "failed", _on(case, difference) + hint)


def _on(case: Case, sentence: str) -> str:
    return f"On {case.label}{' (a hidden case)' if case.hidden else ''}, {sentence}"


def all_exercises() -> dict[str, Exercise]:
    """Collect the exercises of `cozad_book.exercises`, one in a module, by name."""
    refuse_answers()
    return _collected()


@functools.cache
def _collected() -> dict[str, Exercise]:
    from cozad_book import exercises

    found: dict[str, Exercise] = {}
    if (sealed := Path(exercises.__path__[0]) / SEALED).exists():
        return unseal(sealed)
    for module in pkgutil.iter_modules(exercises.__path__, f"{exercises.__name__}."):
        exercise = importlib.import_module(module.name).EXERCISE
        if exercise.name.replace(".", "_") != module.name.rpartition(".")[2]:
            raise ValueError(f"{module.name} holds the exercise {exercise.name!r}")
        found[exercise.name] = exercise
    return found


@functools.cache
def stored_results(name: str) -> tuple[list[np.ndarray], list[list[Outcome]]]:
    """Give the right results on all cases of an exercise, and those of each of its mistakes."""
    refuse_answers()
    exercise = _collected()[name]
    if exercise.results:
        return exercise.results

    def on_all(function: Callable[..., Any]) -> list[Outcome]:
        return [outcome_of(function, case.arguments) for case in exercise.cases]

    expected = [right for right in on_all(exercise.reference) if isinstance(right, np.ndarray)]
    if len(expected) < len(exercise.cases):
        raise ValueError(f"the reference of {name} must give an array on every case")
    return expected, [on_all(mistake.function) for mistake in exercise.mistakes]
