"""Time two ways of one thing in one process, and print what came out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

REPEATS = 3


def timed(function: Callable[[], Any], repeats: int = REPEATS) -> tuple[Any, float]:
    """Give the result of `function` and its least seconds of processor time."""
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        result = function()
        seconds.append(time.process_time() - start)
    return result, min(seconds)


def compare(
    what: str,
    ours: tuple[Any, float],
    other: str,
    theirs: tuple[Any, float] | None,
    wanted: str,
) -> dict[str, Any]:
    """Make a row of two results of `timed`; None for what is not installed here."""
    row = {"what": what, "other": other, "seconds": round(ours[1], 4), "wanted": wanted}
    if theirs is None:
        note = f"{other} is not installed"
        return {**row, "other_seconds": None, "ratio": None, "note": note}
    note = f"{float(ours[0]) - float(theirs[0]):+.1e}"
    ratio = round(theirs[1] / ours[1], 2)
    return {**row, "other_seconds": round(theirs[1], 4), "ratio": ratio, "note": note}


def within(what: str, value: float, limit: float, unit: str, seconds: float) -> dict[str, Any]:
    """Make a row of a value that must stay below a limit; the ratio is how often it would fit."""
    return {
        "what": what,
        "other": f"the limit of {limit:g} {unit}",
        "seconds": round(seconds, 4),
        "other_seconds": None,
        "ratio": round(limit / value, 2),
        "wanted": "1",
        "note": f"{value:.3g} {unit}",
    }


def report(rows: list[dict[str, Any]]) -> None:
    """Print the rows to read, and on the last line as JSON."""
    for row in rows:
        ratio = "–" if row["ratio"] is None else f"{row['ratio']:.3g}x"
        print(
            f"{row['what']:52} {row['other']:28} {ratio:>7} (wanted {row['wanted']}) {row['note']}"
        )
    print(json.dumps(rows))
