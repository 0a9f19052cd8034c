"""Compare outputs of two runs as texts, but for rounding, and teach nbval the same.

Processors sum floats in different orders. What that changes is far below the digits that a chapter
prints, but now and then a value lies so close between two of them that the last digit changes. So
a number may differ by one unit of its last decimal. Words and whole numbers must be the same.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from nbval.plugin import IPyNbCell

# Integers are counts, and exact, unless they have an exponent.
DECIMAL = re.compile(r"(?<![\w.])([-+]?\d+(?:\.\d+(?:e[-+]\d+)?|e[-+]\d+))(?![\w.]|\.\d)")


def same_but_for_rounding(stored: str, new: str) -> bool:
    """Say whether two texts differ in nothing but the last decimals of numbers, by one.

    Runs of spaces count as one: a column that is wider by a sign moves the next.
    """
    if stored == new:
        return True
    # Words and numbers take turns.
    a, b = (DECIMAL.split(text) for text in (stored, new))
    return (
        len(a) == len(b)
        and all(_squeezed(x) == _squeezed(y) for x, y in zip(a[::2], b[::2], strict=True))
        and all(map(_close, a[1::2], b[1::2]))
    )


def _squeezed(words: str) -> str:
    return re.sub(" +", " ", words)


def _close(a: str, b: str) -> bool:
    x, y = Decimal(a), Decimal(b)
    return abs(x - y) <= min(_unit(x), _unit(y))


def _unit(number: Decimal) -> Decimal:
    """Give one unit of the last digit that is written."""
    return Decimal((0, (1,), int(number.as_tuple().exponent)))


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


def teach_nbval() -> None:
    """Let nbval compare this way."""
    IPyNbCell.compare_outputs = _compare_outputs
