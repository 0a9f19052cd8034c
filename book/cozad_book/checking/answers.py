"""Say in words how the results of a function differ from the right ones."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cozad_book.checking.running import Fault

__all__ = ["common_hint", "describe_difference", "same_result"]


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


def common_hint(
    observed: Sequence[np.ndarray | Fault], expected: Sequence[np.ndarray], tolerance: float
) -> str:
    """Give the hint that holds on all cases that are wrong, or nothing.

    Parameters
    ----------
    observed, expected : sequence
        Results of a function on the cases where it is wrong, and the right ones.
    tolerance : float
        As of the exercise.
    """
    pairs = [(o, e) for o, e in zip(observed, expected, strict=True) if not isinstance(o, Fault)]

    if not pairs:
        return ""
    if all(o.shape != e.shape for o, e in pairs):
        if all(same_result(o.T, e, tolerance) for o, e in pairs):
            return " The values are right: transpose it."
        if all(same_result(np.squeeze(o), np.squeeze(e), tolerance) for o, e in pairs):
            return " The values are right, but an axis of length 1 is too many or too few."
        return ""
    return _factor(pairs, tolerance)


def _factor(pairs: list[tuple[np.ndarray, np.ndarray]], tolerance: float) -> str:
    """Say so where all values are the right ones times one number; one value says nothing."""
    if any(o.shape != e.shape for o, e in pairs):
        return ""
    sized = [(o, e, (np.abs(e) > tolerance) & np.isfinite(e)) for o, e in pairs]
    used = [(o[large], e[large]) for o, e, large in sized]
    seen, right = (np.concatenate(parts) for parts in zip(*used, strict=True))
    if len(seen) < 2 or len(np.unique(right)) < 2:
        return ""
    with np.errstate(over="ignore", invalid="ignore"):
        ratio = float(np.median(seen / right))
        same = all(same_result(o, ratio * e, tolerance) for o, e in pairs)
    if not np.isfinite(ratio) or abs(ratio) < tolerance or not same:
        return ""
    if np.isclose(ratio, -1):
        return " Only the sign is turned round."
    return f" All values are {ratio:.4g} times the right ones."
