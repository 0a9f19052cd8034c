"""What an exercise is: its cases, a right answer, and the mistakes that are known."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from cozad_book.checking.running import refuse_answers

__all__ = ["Case", "Exercise", "Mistake"]

Answer = TypeVar("Answer", bound=Callable[..., Any])


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
        The wrong answer. One that calls the reference is tried around the others too.
    message : str
        What went wrong and where to look, without giving the solution away.
    """

    name: str
    function: Callable[..., Any]
    message: str


@dataclass
class Exercise:
    """An exercise whose answer is one function that returns an array.

    Its module adds the answers to it: `right` and `wrong` stand over functions.

    Attributes
    ----------
    name : str
        ``module.function``, as the chapter calls it.
    cases : tuple of Case
        Public cases first. Sizes along the axes of an array must all differ, unless it is a
        symmetric matrix.
    tolerance : float
        Greatest difference that still counts as right: absolute for values up to 1, relative
        above.
    mistakes : list of Mistake
        The bug zoo of the exercise.
    reference : callable
        A right answer; students' functions cannot call it.
    results : tuple, optional
        Of a sealed exercise, which has no answers: the right results on all cases, and for each
        mistake its own.
    """

    name: str
    cases: tuple[Case, ...]
    tolerance: float = 1e-5
    mistakes: list[Mistake] = field(default_factory=list)
    reference: Callable[..., Any] = field(init=False)
    results: tuple[list[Any], list[list[Any]]] | None = None

    def right(self, function: Answer) -> Answer:
        """Take the function below for the reference."""
        self.reference = _out_of_reach(function)
        return function

    def wrong(self, function: Answer) -> Answer:
        """Take the function below for a mistake: named like it, explained by its docstring."""
        name = function.__name__.strip("_").replace("_", " ")
        message = " ".join((function.__doc__ or "").split())
        self.mistakes.append(Mistake(name, function, message))
        return function


def _out_of_reach(reference: Callable[..., Any]) -> Callable[..., Any]:
    """Keep a reference from being called by the answer that is compared with it."""

    @functools.wraps(reference)
    def guarded(*arguments: Any) -> Any:
        refuse_answers()
        return reference(*arguments)

    return guarded
