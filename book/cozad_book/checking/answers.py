"""Say in words how the results of a function differ from the right ones."""

from __future__ import annotations

import numpy as np

from cozad_book.checking.running import Fault

__all__ = ["describe_difference", "same_result"]


def same_result(a: np.ndarray | Fault, b: np.ndarray | Fault, tolerance: float) -> bool:
    """Say whether two results are arrays of one shape, with values equal up to the tolerance."""
    if isinstance(a, Fault) or isinstance(b, Fault):
        return False
    return a.shape == b.shape and bool(_close(a, b, tolerance).all())


def _close(a: np.ndarray, b: np.ndarray, tolerance: float) -> np.ndarray:
    return np.isclose(a, b, rtol=tolerance, atol=tolerance, equal_nan=True)


def describe_difference(
    observed: np.ndarray, expected: np.ndarray, tolerance: float, *, reveal: bool
) -> str:
    """Say how a wrong result differs from the right one, as it reads after "On some case,".

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
        return f"the result has shape {observed.shape}, but {expected.shape} is expected."
    wrong = ~_close(observed, expected, tolerance)
    at = tuple(int(i) for i in np.argwhere(wrong)[0])
    values = f"it gives {observed[at]:.6g}"
    values += f", expected is {expected[at]:.6g}" if reveal else ""
    if not at:
        return f"{values if reveal else f'{values}, which is wrong'}."
    sentence = f"{wrong.sum()} of {wrong.size} values are wrong"
    if undefined := int(np.isnan(observed[wrong]).sum()):
        sentence += f", {undefined} of them not a number"
    return f"{sentence}; at index {at} {values}." if reveal else f"{sentence}."
