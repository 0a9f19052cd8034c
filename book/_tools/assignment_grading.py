"""What the hidden tests of an assignment call, in the kernel in which nbgrader runs answers."""

from __future__ import annotations

import contextlib
import functools
import inspect
import os
import sys
from collections.abc import Callable
from typing import Any

from assignment_cells import numbered_equations
from assignment_notebooks import CAPSTONE, given_source, posed_in
from cozad_book.checking.exercises import all_exercises, verdict_on

# What an answer may have replaced before it is graded.
_PYTHON = ("builtins", "inspect", "math", "numpy", "numpy.linalg", "torch", "torch.linalg")
_OURS = ("assignment_", "cozad_book.", "cozad_teach.")


class WrongAnswerError(AssertionError):
    """An answer is wrong. In a notebook it shows as the checker's sentence, without our code."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def grade(name: str, function: Callable[..., Any], space: dict[str, Any] | None = None) -> None:
    """Run the full checker on an answer.

    Parameters
    ----------
    name : str
        Name of the exercise.
    function : callable
        The answer.
    space : dict, optional
        The notebook's own names, where exercises build on each other: the book's function takes
        the place of a wrong one, so that a mistake costs the points of its own step alone.

    Raises
    ------
    WrongAnswerError
        If the answer does not pass; its text is what the checker says.
    """
    # nbgrader gives no points to a cell that writes to stderr.
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
        message = _fault(name, function)
    if not message:
        return
    if space is not None:
        own = _capstone()[name]
        space[own.__name__] = own
        message += f" (Later steps are graded with the book's `{own.__name__}` in its place.)"
    raise WrongAnswerError(f"{name}: {message}")


def _fault(name: str, function: Callable[..., Any]) -> str:
    """Say what is wrong with an answer; empty if nothing is."""
    written = inspect.unwrap(getattr(function, "func", function))
    place = getattr(written, "__globals__", {}).get("__name__", "")
    if str(place).startswith(("cozad_book.", "cozad_teach.")):
        return "your function is one of the book's: write it yourself."
    verdict = verdict_on(name, function)
    return "" if verdict.passed else verdict.message


@functools.cache
def _capstone() -> dict[str, Callable[..., Any]]:
    """Give the book's own steps of the capstone, each of which calls the ones before it."""
    posed = posed_in(CAPSTONE, numbered_equations())
    space: dict[str, Any] = {"__name__": "__main__"}
    for source in (given_source(), *(each.solution for each in posed)):
        exec(source, space)
    return {each.name: space[each.function] for each in posed}


def keep() -> Callable[[], None]:
    """Note what the checker consists of now; give the function that puts all of it back."""
    all_exercises()  # loads the bank
    before = [
        (vars(module), dict(vars(module)))
        for name, module in list(sys.modules.items())
        if name in _PYTHON or name.startswith(_OURS)
    ]

    def put_back() -> None:
        for now, then in before:
            now.update(then)

    return put_back
