"""Run a student's function, and say in words how its result differs from the right one."""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

__all__ = ["Fault", "describe_difference", "run_answer", "same_result"]


@dataclass(frozen=True)
class Fault:
    """What a function did instead of returning an array.

    Attributes
    ----------
    kind : str
        ``signature``, ``to do``, ``exception``, ``in place`` or ``type``.
    sentence : str
        What happened, as it reads after "On some case", but for ``signature``.
    """

    kind: str
    sentence: str


def run_answer(function: Callable[..., Any], arguments: tuple[Any, ...]) -> np.ndarray | Fault:
    """Call a function on a copy of the arguments.

    Parameters
    ----------
    function : callable
        May raise anything and return anything.
    arguments : tuple
        Positional arguments.

    Returns
    -------
    numpy.ndarray or Fault
        The result as float64, or what went wrong.
    """
    given = copy.deepcopy(arguments)
    try:
        inspect.signature(function).bind(*given)
    except TypeError:
        return Fault("signature", f"The function must accept {len(given)} arguments.")
    except ValueError:
        pass  # some compiled functions do not tell their arguments
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            result = function(*given)
    except NotImplementedError:
        return Fault("to do", "it raises NotImplementedError")
    except Exception as error:  # a student's function may raise anything
        return Fault("exception", f"your function stops with {type(error).__name__}: {error}")
    if result is None:
        return Fault("to do", "your function returns nothing: is a `return` missing?")
    for before, after in zip(arguments, given, strict=True):
        if isinstance(before, np.ndarray) and not np.array_equal(before, after, equal_nan=True):
            return Fault("in place", "your function changes its input: work on a copy.")
    if isinstance(result, torch.Tensor):
        result = result.detach()  # NumPy refuses a tensor that still knows its gradient
    try:
        return np.asarray(result, dtype=np.float64)
    except (TypeError, ValueError):
        return Fault("type", f"your function returns {type(result).__name__}, not an array.")


def same_result(a: np.ndarray | Fault, b: np.ndarray | Fault, tolerance: float) -> bool:
    """Say whether two results are arrays of one shape, with values equal up to the tolerance."""
    if isinstance(a, Fault) or isinstance(b, Fault):
        return False
    return a.shape == b.shape and np.allclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True)


def describe_difference(
    observed: np.ndarray, expected: np.ndarray, tolerance: float, *, reveal: bool
) -> str:
    """Say how a wrong result differs from the right one, as it reads after "On some case".

    Parameters
    ----------
    observed, expected : numpy.ndarray
        What came, and what is right.
    tolerance : float
        As of the exercise.
    reveal : bool
        Whether a right value may be shown.
    """
    if observed.shape != expected.shape:
        sentence = f"the result has shape {observed.shape}, but {expected.shape} is expected."
        return sentence + _turned(observed, expected, tolerance)
    wrong = ~np.isclose(observed, expected, rtol=tolerance, atol=tolerance, equal_nan=True)
    sentence = f"{wrong.sum()} of {wrong.size} values are wrong"
    if undefined := int(np.isnan(observed[wrong]).sum()):
        sentence += f", {undefined} of them not a number"
    if reveal:
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        where = f"at index {at} " if at else ""
        sentence += f"; {where}it gives {observed[at]:.6g}, expected is {expected[at]:.6g}"
    return f"{sentence}.{_factor(observed, expected, tolerance)}"


def _turned(observed: np.ndarray, expected: np.ndarray, tolerance: float) -> str:
    """Say so where a result of the wrong shape holds the right values."""
    if same_result(observed.T, expected, tolerance):
        return " The values are right: transpose it."
    if same_result(np.squeeze(observed), np.squeeze(expected), tolerance):
        return " The values are right, but an axis of length 1 is too many or too few."
    return ""


def _factor(observed: np.ndarray, expected: np.ndarray, tolerance: float) -> str:
    """Say so where all values are the right ones times one number; one value says nothing."""
    used = np.abs(expected) > tolerance
    if used.sum() < 2 or not np.isfinite(observed).all():
        return ""
    with np.errstate(over="ignore"):
        ratio = float(np.median(observed[used] / expected[used]))
    if (
        not np.isfinite(ratio)
        or abs(ratio) < tolerance
        or not same_result(observed, ratio * expected, tolerance)
    ):
        return ""
    if np.isclose(ratio, -1):
        return " Only the sign is turned round."
    return f" All values are {ratio:.4g} times the right ones."
