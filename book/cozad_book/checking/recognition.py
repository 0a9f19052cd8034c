"""Find the stored mistakes that behave like a wrong function: one of them, or two at once."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from types import CodeType, FunctionType
from typing import Any

import numpy as np

from cozad_book.checking.answers import same_result
from cozad_book.checking.cases import Exercise, Mistake
from cozad_book.checking.running import Fault, outcome_of

__all__ = ["recognise"]

Outcome = np.ndarray | Fault


@np.errstate(all="ignore")
def recognise(
    exercise: Exercise,
    observed: Sequence[Outcome],
    expected: Sequence[np.ndarray],
    wrong: Sequence[Sequence[Outcome]],
) -> tuple[Mistake, ...]:
    """Find the mistake, or the two of them, that give what a function gives on every case.

    Parameters
    ----------
    exercise : Exercise
        Its cases are those of the results.
    observed, expected : sequence
        Results of the function, and right ones.
    wrong : sequence of sequence
        For each mistake of the exercise its results.

    Returns
    -------
    tuple of Mistake
        One, two, or none. A message must be true: where the results differ on one case, the
        function does something else, unless it fails there altogether, as a wrong function may
        on a hidden case, an empty or degenerate one.
    """
    arrays = [seen.ravel() for seen in observed if not isinstance(seen, Fault)]
    values = np.concatenate([*arrays, np.empty(0)])
    values = values[np.isfinite(values)]
    if not len(values):  # not a number anywhere: that has many causes
        return ()
    for may_stumble in (False, True):
        for mistake, results in zip(exercise.mistakes, wrong, strict=True):
            if _fits(exercise, observed, expected, results, may_stumble):
                return (mistake,)
    if len(np.unique(values)) == 1:  # one number everywhere: two mistakes explain anything
        return ()
    for outer, inner, function in _nested(exercise):
        outcomes = (outcome_of(function, case.arguments) for case in exercise.cases)
        lazily, again = itertools.tee(outcomes)
        if _fits(exercise, observed, expected, lazily, may_stumble=True):
            both = list(again)
            alone = (wrong[exercise.mistakes.index(mistake)] for mistake in (outer, inner))
            if all(_shows(exercise, observed, both, results) for results in alone):
                return outer, inner
    for a, b in itertools.permutations(range(len(wrong)), 2):
        product = map(_scaled, wrong[a], wrong[b], expected)
        if _fits(exercise, observed, expected, product, may_stumble=False):
            return exercise.mistakes[a], exercise.mistakes[b]
    for a, b in itertools.combinations(range(len(wrong)), 2):
        if _side_by_side(exercise, observed, expected, wrong[a], wrong[b]):
            return exercise.mistakes[a], exercise.mistakes[b]
    return ()


def _shows(
    exercise: Exercise,
    observed: Sequence[Outcome],
    both: Sequence[Outcome],
    one: Sequence[Outcome],
) -> bool:
    """Whether a function does on some case what two mistakes do, and one of them would not."""
    tolerance = exercise.tolerance
    return any(
        same_result(seen, results, tolerance) and not same_result(results, alone, tolerance)
        for seen, results, alone in zip(observed, both, one, strict=True)
    )


def _fits(
    exercise: Exercise,
    observed: Sequence[Outcome],
    expected: Sequence[np.ndarray],
    wrong: Sequence[Outcome] | Iterator[Outcome],
    may_stumble: bool,
) -> bool:
    """Whether results are those of a mistake on every case, and not the right ones on all."""
    explains = False
    results = zip(exercise.cases, observed, expected, wrong, strict=True)
    for case, seen, right, mistaken in results:
        if same_result(seen, mistaken, exercise.tolerance):
            different = not same_result(mistaken, right, exercise.tolerance)
            explains = explains or (different and not (may_stumble and case.hidden))
        elif isinstance(mistaken, Fault) and case.hidden:
            if same_result(seen, right, exercise.tolerance):
                return False
        elif not (may_stumble and case.hidden and _stumbles(seen, mistaken, right)):
            return False
    return explains


def _stumbles(seen: Outcome, mistaken: Outcome, right: np.ndarray) -> bool:
    """Whether one of two results is none, on a case that says nothing of the mistake then."""
    return _undefined(seen, right) or _undefined(mistaken, right)


def _undefined(seen: Outcome, right: np.ndarray) -> bool:
    """Whether a result is none at all, or not a number where a number is right."""
    if isinstance(seen, Fault):
        return True
    return seen.shape == right.shape and bool((~np.isfinite(seen) & np.isfinite(right)).any())


def _nested(exercise: Exercise) -> Iterator[tuple[Mistake, Mistake, Callable[..., Any]]]:
    """Form two mistakes at once: one that calls the reference calls another in its place."""
    if exercise.results:  # sealed: there is no function to call
        return
    name = exercise.reference.__name__
    for outer in exercise.mistakes:
        function = outer.function
        if not isinstance(function, FunctionType) or not _names(function.__code__, name):
            continue
        for inner in exercise.mistakes:
            if inner is not outer:
                names = {**function.__globals__, name: inner.function}
                code, defaults = function.__code__, function.__defaults__
                yield outer, inner, FunctionType(code, names, None, defaults, function.__closure__)


def _names(code: CodeType, name: str) -> bool:
    inside = (part for part in code.co_consts if isinstance(part, CodeType))
    return name in code.co_names or any(_names(part, name) for part in inside)


def _scaled(scale: Outcome, mistaken: Outcome, right: np.ndarray) -> Outcome:
    """Form two mistakes at once, one of which multiplies the right result by one number."""
    none = np.empty(0)  # unlike any result
    if isinstance(scale, Fault) or isinstance(mistaken, Fault) or scale.shape != right.shape:
        return none
    used = (np.abs(right) > 1e-9) & np.isfinite(right) & np.isfinite(scale)
    if not used.any():
        return mistaken
    ratios = scale[used] / right[used]
    if not np.allclose(ratios, ratios[0], rtol=1e-6, atol=0):
        return none
    return np.asarray(ratios[0] * mistaken)


def _side_by_side(
    exercise: Exercise,
    observed: Sequence[Outcome],
    expected: Sequence[np.ndarray],
    first: Sequence[Outcome],
    second: Sequence[Outcome],
) -> bool:
    """Whether each value is that of the one mistake that changes it, and both change some.

    Where both change a value, it must be wrong, whatever it is; there may not be more of these.
    """
    tolerance = exercise.tolerance
    found = [0, 0]
    by_both = 0
    for seen, right, a, b in zip(observed, expected, first, second, strict=True):
        if isinstance(seen, Fault) or isinstance(a, Fault) or isinstance(b, Fault):
            return False
        if not seen.shape == right.shape == a.shape == b.shape:
            return False
        by_a, by_b, is_wrong, not_a, not_b = (
            ~np.isclose(x, y, rtol=tolerance, atol=tolerance, equal_nan=True)
            for x, y in ((a, right), (b, right), (seen, right), (seen, a), (seen, b))
        )
        unlike = np.where(by_a, np.where(by_b, ~is_wrong, not_a), np.where(by_b, not_b, is_wrong))
        if unlike.any():
            return False
        found[0] += int((by_a & ~by_b).sum())
        found[1] += int((by_b & ~by_a).sum())
        by_both += int((by_a & by_b).sum())
    return min(found) > 0 and sum(found) >= by_both
