"""Exercise checkers: run a student's function, and name the mistake where there is one."""

from __future__ import annotations

import difflib
import functools
import html
import importlib
import itertools
import pkgutil
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from cozad_teach.errors import CozadError
from cozad_teach.teaching.answers import Fault, describe_difference, run_answer, same_result

__all__ = ["Case", "Exercise", "Mistake", "Verdict", "all_exercises", "check_exercise"]


@dataclass(frozen=True)
class Case:
    """Arguments on which a student's function is compared with the reference.

    Attributes
    ----------
    label : str
        What is special about the case, as it reads after the word "On".
    arguments : tuple
        Positional arguments. The function gets a copy.
    hidden : bool
        A hidden case is named when it fails, but its expected values are not shown.
    """

    label: str
    arguments: tuple[Any, ...]
    hidden: bool = False


@dataclass(frozen=True)
class Mistake:
    """A wrong answer that students are known to give.

    Attributes
    ----------
    name : str
        Short name, unique in the exercise.
    function : callable
        The wrong answer.
    message : str
        What went wrong and where to look, without giving the solution away.
    """

    name: str
    function: Callable[..., Any]
    message: str


@dataclass(frozen=True)
class Exercise:
    """An exercise whose answer is one function that returns an array.

    Attributes
    ----------
    name : str
        ``module.function``, as the chapter calls it.
    reference : callable
        A right answer.
    cases : tuple of Case
        Public cases first. Sizes along the axes of an array must all differ, unless it is a
        symmetric matrix.
    mistakes : tuple of Mistake
        The bug zoo of the exercise.
    tolerance : float
        Greatest difference that still counts as right: absolute for values up to 1, relative
        above.
    """

    name: str
    reference: Callable[..., Any]
    cases: tuple[Case, ...]
    mistakes: tuple[Mistake, ...]
    tolerance: float = 1e-5


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
        Passed; or the message of the stored mistake that behaves like the function on every
        case or at least on every public one; or else the first case that fails, with what was
        expected and what came.

    Raises
    ------
    CozadError
        If there is no exercise of this name.
    """
    exercises = all_exercises()
    if name not in exercises:
        near = difflib.get_close_matches(name, exercises, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(exercises)}"
        raise CozadError(f"there is no exercise named {name!r}: {hint}")
    exercise = exercises[name]
    if not callable(function):
        sentence = "Give the function itself: write its name without parentheses behind it."
        return Verdict(name, "failed", sentence)

    expected = [run_answer(exercise.reference, case.arguments) for case in exercise.cases]
    observed = [run_answer(function, case.arguments) for case in exercise.cases]
    right = [same_result(a, b, exercise.tolerance) for a, b in zip(observed, expected, strict=True)]
    if all(right):
        return Verdict(name, "passed", f"It agrees with the reference on all {len(right)} cases.")
    if all(isinstance(o, Fault) and o.kind == "to do" for o in observed):
        sentence = "The function returns nothing yet. Write its body; is the `return` there?"
        return Verdict(name, "to do", sentence)
    mistake = _recognise(exercise, observed, right)
    if mistake is not None:
        return Verdict(name, "failed", mistake.message, mistake.name)
    first = right.index(False)
    case = exercise.cases[first]
    failure = _failure(case, observed[first], expected[first], exercise.tolerance)
    return Verdict(name, "failed", failure)


@functools.cache
def all_exercises() -> dict[str, Exercise]:
    """Collect the exercises of `cozad_teach.teaching.bank`, one in a module, by name."""
    from cozad_teach.teaching import bank

    found: dict[str, Exercise] = {}
    for module in pkgutil.iter_modules(bank.__path__, f"{bank.__name__}."):
        exercise = importlib.import_module(module.name).EXERCISE
        if exercise.name.replace(".", "_") != module.name.rpartition(".")[2]:
            raise ValueError(f"{module.name} holds the exercise {exercise.name!r}")
        found[exercise.name] = exercise
    return found


def _recognise(
    exercise: Exercise, observed: list[np.ndarray | Fault], right: list[bool]
) -> Mistake | None:
    """Find the stored mistake that behaves like the function.

    A mistake rarely comes alone: a function that makes one may also stumble over a hidden case,
    an empty or degenerate one. So where no mistake fits all cases, one that fits the public
    cases, and explains a wrong result there, is still the one to name.
    """
    public = [not case.hidden for case in exercise.cases]
    fits_public = None
    for mistake in exercise.mistakes:
        wrong = [run_answer(mistake.function, case.arguments) for case in exercise.cases]
        pairs = zip(observed, wrong, strict=True)
        same = [same_result(o, w, exercise.tolerance) for o, w in pairs]
        fits = [s or isinstance(w, Fault) for s, w in zip(same, wrong, strict=True)]
        explains = [s and not r for s, r in zip(same, right, strict=True)]
        if all(fits) and any(explains):
            return mistake
        seen = fits_public is None and all(itertools.compress(fits, public))
        if seen and any(itertools.compress(explains, public)):
            fits_public = mistake
    return fits_public


def _failure(
    case: Case, observed: np.ndarray | Fault, expected: np.ndarray | Fault, tolerance: float
) -> str:
    """Say what went wrong in a case; of hidden ones show no right value."""
    on = f"On {case.label}{' (a hidden case)' if case.hidden else ''} "
    assert isinstance(expected, np.ndarray), "a reference must give an array on every case"
    if isinstance(observed, Fault):
        return observed.sentence if observed.kind == "signature" else on + observed.sentence
    return on + describe_difference(observed, expected, tolerance, reveal=not case.hidden)
