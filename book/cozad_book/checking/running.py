"""Run a student's function: whatever it does, the outcome is an array, or a sentence."""

from __future__ import annotations

import contextlib
import copy
import inspect
import io
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType, SimpleNamespace
from typing import Any

import numpy as np
import torch

from cozad_book.checking.kept import kept_state
from cozad_book.checking.limits import CHECKER, OutOfTime, time_limit
from cozad_book.checking.results import NoNumbersError, as_numbers

__all__ = ["Fault", "PeekedError", "outcome_of", "refuse_answers", "run_answer"]

_LIMIT_S = 20.0
# What answers may call of the project: what runs around them, and what the capstone gives.
_ALLOWED = (*CHECKER, "cozad_book.given")
# In an object, since names of this module are put back after each call.
_NOW = SimpleNamespace(answering=False, peeked=False)


@dataclass(frozen=True)
class Fault:
    """What a function did instead of returning an array.

    Attributes
    ----------
    kind : str
        ``signature``, ``to do``, ``printed``, ``exception``, ``in place``, ``type``, ``peeked``,
        ``package``, ``endless`` or ``stopped``.
    sentence : str
        What happened, as it reads after "On some case,", but for ``signature``.
    """

    kind: str
    sentence: str


class PeekedError(BaseException):
    """An answer asked for the reference. No `Exception`, which students' code may catch."""


def refuse_answers() -> None:
    """Raise `PeekedError` while an answer runs: for what leads to the reference."""
    if _NOW.answering:
        _NOW.peeked = True
        raise PeekedError


def outcome_of(function: Callable[..., Any], arguments: tuple[Any, ...]) -> np.ndarray | Fault:
    """Call one of our own functions, a reference or a mistake, on a copy of the arguments."""
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return as_numbers(function(*copy.deepcopy(arguments)))
    except Exception as error:  # a mistake may raise anything
        return Fault("exception", type(error).__name__)


def run_answer(function: Callable[..., Any], arguments: tuple[Any, ...]) -> np.ndarray | Fault:
    """Call a student's function on a copy of the arguments.

    Parameters
    ----------
    function : callable
        May raise anything, return anything, change anything, or never end.
    arguments : tuple
        Positional arguments.

    Returns
    -------
    numpy.ndarray or Fault
        The result as float64, or what went wrong.
    """
    given = copy.deepcopy(arguments)
    try:
        with kept_state(), time_limit(_LIMIT_S):
            return _run(function, given, arguments)
    except OutOfTime:
        sentence = (
            f"your function did not end within {_LIMIT_S:g} seconds. Look at the end of each loop: "
            "is it ever reached? (The button ■ stops a cell that runs for ever.)"
        )
        return Fault("endless", sentence)
    except KeyboardInterrupt:
        sentence = (
            "your function was still running when the stop button (■) was pressed. If it never "
            "ends, look at the end of each loop."
        )
        return Fault("stopped", sentence)
    except BaseException as error:  # what is raised may fail to say what it is
        return Fault("exception", f"your function stops with {type(error).__name__}")


def _run(
    function: Callable[..., Any], given: tuple[Any, ...], arguments: tuple[Any, ...]
) -> np.ndarray | Fault:
    try:
        inspect.signature(function).bind(*given)
    except TypeError:
        n = len(given)
        return Fault("signature", f"The function must accept {n} argument{'s' * (n > 1)}.")
    except Exception:
        pass  # some compiled functions do not tell their arguments
    heard, called = _Heard(sys.stdout), list[str]()
    _NOW.answering, _NOW.peeked = True, False
    try:
        with contextlib.redirect_stdout(heard):
            # What the function replaces must not judge it.
            with kept_state(), _noting_calls(function, called):
                result = function(*given)
            outcome = _judged(result, heard, given, arguments)
    except (OutOfTime, KeyboardInterrupt):
        raise
    except NotImplementedError:
        outcome = Fault("to do", "it raises NotImplementedError")
    except BaseException as error:  # a student's function may raise anything
        outcome = Fault("exception", f"your function stops with {_told(error, function)}")
    finally:
        _NOW.answering = False
    if _NOW.peeked:
        return Fault("peeked", "your function asks for the right answer: write it yourself.")
    if called:
        return Fault("package", f"your function calls {called[0]}: write it yourself.")
    return outcome


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__"))


@contextlib.contextmanager
def _noting_calls(function: Callable[..., Any], called: list[str]) -> Iterator[None]:
    """Note what is called of the project's packages, by names: a student is to write it."""
    written = inspect.unwrap(getattr(function, "func", function))  # within a partial function
    place = getattr(written, "__globals__", {}).get("__name__", "")
    if str(place).startswith("cozad_book.exercises."):  # our own, to try the checker
        yield
        return

    def note(frame: FrameType, event: str, _: object) -> None:
        module = _module(frame)
        ours = module.startswith(("cozad_teach.", "cozad_book.")) and module not in _ALLOWED
        if event == "call" and ours and frame.f_code.co_name != "<module>":
            called.append(f"`{frame.f_code.co_name}` of `{module}`")

    former = sys.getprofile()
    sys.setprofile(note)
    try:
        yield
    finally:
        sys.setprofile(former)


def _judged(
    result: Any, heard: _Heard, given: tuple[Any, ...], arguments: tuple[Any, ...]
) -> np.ndarray | Fault:
    if result is None and heard.something:
        sentence = "your function prints, and returns nothing: `return` the result instead."
        return Fault("printed", sentence)
    if result is None:
        return Fault("to do", "your function returns nothing: is a `return` missing?")
    if not _unchanged(arguments, given):
        return Fault("in place", "your function changes its input: work on a copy.")
    try:
        return as_numbers(result)
    except NoNumbersError as error:
        return Fault("type", f"your function returns {error}, not an array of numbers.")


class _Heard(io.TextIOBase):
    """Pass on what is printed, and remember that something was."""

    def __init__(self, stream: Any) -> None:
        self.stream, self.something = stream, False

    def write(self, text: str) -> int:
        self.something = self.something or bool(text.strip())
        return int(self.stream.write(text) or 0)

    def flush(self) -> None:
        self.stream.flush()


def _unchanged(before: Any, after: Any) -> bool:
    """Whether two arguments are equal at any depth."""
    if type(before) is not type(after):
        return False
    if isinstance(before, dict):
        before, after = list(before.items()), list(after.items())
    if isinstance(before, (list, tuple)):
        return len(before) == len(after) and all(map(_unchanged, before, after))
    if isinstance(before, torch.Tensor):
        before, after = before.detach().numpy(), after.detach().numpy()
    if isinstance(before, np.ndarray):
        numbers = before.dtype.kind in "fc"
        return before.dtype == after.dtype and np.array_equal(before, after, equal_nan=numbers)
    return bool(before == after or (before != before and after != after))


def _told(error: BaseException, function: Any) -> str:
    """Give the name of an exception, what it says, and the student's own line that it came from."""
    told = type(error).__name__
    try:
        text = " ".join(str(error).split())
    except (OutOfTime, KeyboardInterrupt):
        raise
    except BaseException:  # an exception may fail to say what it is
        text = ""
    if text:
        told += f": {text[:300]}"
    if isinstance(error, SystemExit):
        told += " (a function ends with `return`, not with `exit`)"
    try:
        file = inspect.unwrap(function).__code__.co_filename
    except Exception:  # a partial function or an object has no code of its own
        return told
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    if own and own[-1].line:
        told += f" (line {own[-1].lineno}: `{own[-1].line.replace('`', ' ')[:120]}`)"
    return told
