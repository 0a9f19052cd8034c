"""Compare outputs of two runs as texts, but for rounding; a pytest plugin teaches nbval the same.

Processors sum floats in different orders. What that changes is far below the digits that a chapter
prints, but now and then a value lies so close between two of them that the last digit changes. So
a number may differ by one unit of its last decimal. Words and whole numbers must be the same.
"""

from __future__ import annotations

import re
from typing import Any

from nbval.plugin import IPyNbCell

# Integers are counts, and exact, unless they have an exponent.
DECIMAL = re.compile(r"(?<![\w.])([-+]?\d+(?:\.(\d+))?(?:e([-+]\d+))?)(?![\w.]|\.\d)")


def same_but_for_rounding(stored: str, new: str) -> bool:
    """Say whether two texts differ in nothing but the last decimals of numbers, by one.

    Runs of spaces count as one: a column that is wider by a sign moves the next.
    """
    return stored == new or (
        _words(stored) == _words(new)
        and len(a := _numbers(stored)) == len(b := _numbers(new))
        and all(map(_close, a, b))
    )


def _words(text: str) -> str:
    return re.sub(" +", " ", DECIMAL.sub(lambda match: "" if _has_unit(match) else match[0], text))


def _numbers(text: str) -> list[re.Match[str]]:
    return [match for match in DECIMAL.finditer(text) if _has_unit(match)]


def _has_unit(number: re.Match[str]) -> bool:
    return number[2] is not None or number[3] is not None


def _close(a: re.Match[str], b: re.Match[str]) -> bool:
    """Compare two numbers; half a unit more than one, since decimals are not exact as floats."""
    decimals = max(len(number[2] or "") for number in (a, b))
    unit = 10.0 ** (max(int(number[3] or 0) for number in (a, b)) - decimals)
    return abs(float(a[1]) - float(b[1])) < 1.5 * unit


def settle(new: Any, stored: Any) -> Any:
    """Give `new` with the stored text in place of each that is the same but for rounding."""
    if isinstance(new, str) and isinstance(stored, str):
        return stored if same_but_for_rounding(stored, new) else new
    if isinstance(new, dict) and isinstance(stored, dict):
        return type(new)({k: settle(v, stored[k]) if k in stored else v for k, v in new.items()})
    if isinstance(new, list) and isinstance(stored, list) and len(new) == len(stored):
        return [settle(*pair) for pair in zip(new, stored, strict=True)]
    return new


_compare_texts = IPyNbCell.compare_outputs


def _compare_outputs(self: Any, test: Any, ref: Any, skip_compare: Any = None) -> bool:
    return bool(_compare_texts(self, settle(test, ref), ref, skip_compare))


def pytest_configure() -> None:
    """Let nbval compare this way."""
    IPyNbCell.compare_outputs = _compare_outputs
