"""Say what wrong results have to do with the right ones, whatever the exercise."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np

from cozad_book.checking.answers import same_result
from cozad_book.checking.running import Fault

__all__ = ["common_hint"]

Pair = tuple[np.ndarray, np.ndarray]  # what came, and what is right
_NEAR = 1e-3  # of the largest value: above the rounding of float16

# What a wrong result may be of the right one, which has the same shape.
_FORMS: tuple[tuple[Callable[[np.ndarray], np.ndarray], str], ...] = (
    (np.trunc, "The values lost their fraction: is there an `int`, a `//`, an array of integers?"),
    (np.floor, "The values are rounded down to whole numbers: is there a `//`?"),
    (np.round, "The values are rounded to whole numbers."),
    (lambda e: np.round(e, 1), "The values are rounded to one decimal: give them as they are."),
    (lambda e: np.round(e, 2), "The values are rounded to 2 decimals: give them as they are."),
    (lambda e: np.round(e, 3), "The values are rounded to 3 decimals: give them as they are."),
    (np.abs, "Only the signs are lost: is there an `abs`?"),
    (lambda e: np.maximum(e, 0), "Only values below 0 are wrong: you put 0 for them."),
    (lambda e: np.clip(e, 0, 1), "Only values outside 0 to 1 are wrong: you cut them off."),
    (lambda e: 1 - e, "Your values are 1 minus the right ones."),
    (lambda e: 1 / e, "Your values are one over the right ones: is a fraction turned over?"),
    (np.square, "Your values are the squares of the right ones."),
    (np.sqrt, "Your values are the roots of the right ones."),
    (np.log, "Your values are the logarithms of the right ones."),
    (np.exp, "Your values are the exponentials of the right ones: is a logarithm missing?"),
    (lambda e: e / e.sum(), "You divide the right values by their sum."),
    (lambda e: e / e.max(), "You divide the right values by the largest of them."),
    (lambda e: e / np.linalg.norm(e), "You scale the right values to length 1."),
    (lambda e: np.full_like(e, e.mean()), "All your values are one, the mean of the right ones."),
    (lambda e: np.sort(e, axis=None).reshape(e.shape), "Your values are the right ones, sorted."),
    (lambda e: e[::-1], "Your values are the right ones in reverse order."),
    (lambda e: np.cumsum(e).reshape(e.shape), "You add the right values up along the way."),
    (lambda e: np.diag(np.diag(e)), "Only the diagonal is right: beside it you have 0."),
    (np.linalg.inv, "Your matrix is the inverse of the right one."),
    (
        lambda e: e / np.sqrt(np.outer(np.diag(e), np.diag(e))),
        "Your matrix is the right one scaled to a diagonal of 1, a correlation.",
    ),
)
# What to do with a wrong result of another shape, so that it is the right one.
_REPAIRS: tuple[tuple[Callable[[np.ndarray, np.ndarray], np.ndarray], str], ...] = (
    (lambda o, e: o.T, "The values are right: transpose it."),
    (
        lambda o, e: np.squeeze(o).reshape(e.shape) if _alike(o, e) else o,
        "The values are right, but an axis of length 1 is too many or too few.",
    ),
    (lambda o, e: o.reshape(e.shape), "The values are right, in another shape: `reshape`."),
    (lambda o, e: o.mean(), "The mean of your values is the right result."),
    (lambda o, e: o.sum(), "The sum of your values is the right result."),
    (lambda o, e: o.mean(0), "The mean of your rows is the right result."),
    (lambda o, e: o.sum(0), "The sum of your rows is the right result."),
    (lambda o, e: o[-1], "The last part of your result is the right one: return that alone."),
    (lambda o, e: o[0], "The first part of your result is the right one: return that alone."),
    (lambda o, e: np.diag(o), "The diagonal of your matrix is the right result."),
)
# What a wrong result of another shape may be of the right one.
_PARTS: tuple[tuple[Callable[[np.ndarray], np.ndarray], str], ...] = (
    (
        lambda e: e[0],
        "This is the first part of the right result alone. (In a loop, a `return` ends it.)",
    ),
    (lambda e: e[-1], "This is the last part of the right result alone."),
    (lambda e: e.mean(), "This is the mean of the right values. They are wanted one by one."),
    (lambda e: e.sum(), "This is the sum of the right values. They are wanted one by one."),
    (lambda e: np.diag(e), "This is the diagonal of the right matrix alone."),
    (lambda e: e.mean(0), "This is the mean of the rows of the right result."),
    (lambda e: e.mean(-1), "You average each row of the right result. Its values are wanted."),
    (lambda e: e.max(-1), "You take the highest of each row. All its values are wanted."),
)


@np.errstate(all="ignore")
def common_hint(
    observed: Sequence[np.ndarray | Fault], expected: Sequence[np.ndarray], tolerance: float
) -> tuple[str, bool]:
    """Give the hint that holds on all cases, or nothing.

    Parameters
    ----------
    observed, expected : sequence
        Results of a function, and the right ones.
    tolerance : float
        As of the exercise.

    Returns
    -------
    str
        A sentence behind a space, or nothing.
    bool
        Whether it says more than two mistakes at once would.
    """
    pairs = [(o, e) for o, e in zip(observed, expected, strict=True) if not isinstance(o, Fault)]
    wrong = [(o, e) for o, e in pairs if not same_result(o, e, tolerance)]
    if not wrong:
        return "", False
    if all(o.shape != e.shape for o, e in wrong):
        hint = _of_shape(wrong, tolerance)
        return hint, bool(hint)
    if any(o.shape != e.shape for o, e in wrong):
        return "", False
    if factor := _factor(wrong, tolerance):
        return factor, True
    seen = np.concatenate([o.ravel() for o, _ in pairs])
    if len(seen) > 1 and len(np.unique(seen)) == 1:
        return f" All your values are {pairs[0][0].flat[0]:.6g}, in every case.", False
    if len(np.unique(np.concatenate([e.ravel() for _, e in wrong]))) > 1:
        for form, sentence in _FORMS:
            if all(_is(form, (e,), o, tolerance) for o, e in pairs):
                return f" {sentence}", False
        return _moved(wrong, tolerance) or _factors(wrong, tolerance) or _near(wrong), False
    return "", False


def _is(
    function: Callable[..., np.ndarray],
    arguments: tuple[np.ndarray, ...],
    result: np.ndarray,
    tolerance: float,
) -> bool:
    try:
        return same_result(np.asarray(function(*arguments)), result, tolerance)
    except (ValueError, IndexError, np.linalg.LinAlgError):  # it has no such form
        return False


def _alike(a: np.ndarray, b: np.ndarray) -> bool:
    return np.squeeze(a).shape == np.squeeze(b).shape


def _of_shape(wrong: list[Pair], tolerance: float) -> str:
    if not all(o.size for o, _ in wrong):
        return ""
    for repair, sentence in _REPAIRS:
        if all(_is(repair, (o, e), e, tolerance) for o, e in wrong):
            return f" {sentence}"
    for axes in itertools.permutations(range(3)):
        if all(_is(np.transpose, (o, np.array(axes)), e, tolerance) for o, e in wrong):
            return " The values are right, but the axes stand in another order."
    varied = len(np.unique(np.concatenate([e.ravel() for _, e in wrong]))) > 1
    for part, sentence in _PARTS if varied else ():
        if all(_is(part, (e,), o, tolerance) for o, e in wrong):
            return f" {sentence}"
    if all(o.ndim == 0 for o, _ in wrong):
        return (
            " One number comes back where more are wanted: does a mean or a minimum lack its "
            "`axis`, does the `return` stand inside the loop?"
        )
    if all(e.ndim == 0 for _, e in wrong):
        return " One number is wanted for all of it."
    if all(o.ndim == e.ndim == 2 and o.shape == o.shape[::-1] for o, e in wrong):
        return " Your matrix has another size: is a factor of the product to be transposed?"
    return ""


def _used(wrong: list[Pair], tolerance: float) -> list[Pair]:
    sized = [(o, e, (np.abs(e) > tolerance) & np.isfinite(e)) for o, e in wrong]
    return [(o[large], e[large]) for o, e, large in sized]


def _factor(wrong: list[Pair], tolerance: float) -> str:
    """Say so where all values are the right ones times one number; one value says nothing."""
    seen, right = (np.concatenate(parts) for parts in zip(*_used(wrong, tolerance), strict=True))
    if len(seen) < 2 or len(np.unique(right)) < 2:
        return ""
    ratio = float(np.median(seen / right))
    same = all(same_result(o, ratio * e, tolerance) for o, e in wrong)
    if not np.isfinite(ratio) or abs(ratio) < tolerance or not same:
        return ""
    if np.isclose(ratio, -1):
        return " Only the sign is turned round."
    return f" All values are {ratio:.4g} times the right ones."


def _factors(wrong: list[Pair], tolerance: float) -> str:
    """Say so where there is a factor in each case, but not the same."""
    ratios = []
    for (o, e), (seen, right) in zip(wrong, _used(wrong, tolerance), strict=True):
        ratios.append(float(np.median(seen / right)) if len(np.unique(right)) > 1 else np.nan)
        if (
            not ratios[-1]
            or not np.isfinite(ratios[-1])
            or not same_result(o, ratios[-1] * e, tolerance)
        ):
            return ""
    return (
        " In each case the values are the right ones times one number, but not the same in all: "
        "what do you multiply or divide by?"
        if len(ratios) > 1
        else ""
    )


def _moved(wrong: list[Pair], tolerance: float) -> str:
    moved = np.concatenate([(o - e)[np.isfinite(e)] for o, e in wrong])
    if len(moved) < 2 or not np.isfinite(moved).all() or np.ptp(moved) > tolerance:
        return ""
    more = float(np.median(moved))
    if abs(more) < tolerance:
        return " Only where infinity is right your values are wrong."
    return f" All values are {abs(more):.4g} too {'large' if more > 0 else 'small'}."


def _near(wrong: list[Pair]) -> str:
    """Say so where nothing is far off, which a wrong method seldom achieves."""
    for o, e in wrong:
        finite = np.isfinite(e)
        size = float(np.abs(e[finite]).max(initial=0))
        if not np.array_equal(o[~finite], e[~finite], equal_nan=True):
            return ""
        if not (np.abs(o[finite] - e[finite]) <= _NEAR * size).all():
            return ""
    return (
        " All values are nearly right: does something round them (float16, `round`), or move "
        "them a little, such as a small number that is added or a tolerance?"
    )
