"""Timed comparisons: the scripts of ``tests/benchmarks``, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from cozad_teach.errors import CozadError

__all__ = ["BENCHMARKS", "TIMED", "measure_speed"]

BENCHMARKS = Path(__file__).resolve().parents[3] / "tests" / "benchmarks"
# What the entries of the ledger ask that scripts answer.
TIMED = {
    "speed": "How fast are the measuring tools and the parts of the method, each beside others in "
    "one process?",
    "scaling": "What do several processes bring, and what does it take to start them?",
}
_SCRIPTS = {"speed": "bench_*.py", "scaling": "scale_*.py"}


def measure_speed(name: str = "speed") -> list[dict[str, Any]]:
    """Run every benchmark of an entry of `TIMED` and collect what it found.

    Returns
    -------
    list of dict
        For each comparison ``what`` was timed, with what (``other``), ``seconds`` and
        ``other_seconds`` of processor time, for ``scaling`` on the clock, ``ratio``: how many
        times as fast, or None where the other is not installed, the ratio ``wanted``, and a
        ``note``.

    Raises
    ------
    CozadError
        If there are no benchmarks beside the package, or one fails.
    """
    scripts = sorted(BENCHMARKS.glob(_SCRIPTS[name]))
    if not scripts:
        raise CozadError("there are no benchmarks here: work in a checkout of the project")
    rows: list[dict[str, Any]] = []
    for script in scripts:
        print(f"{script.name} …", flush=True)
        done = subprocess.run(
            [sys.executable, str(script)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise CozadError(f"{script.name} failed ({last}): run it by hand")
        rows += json.loads(done.stdout.splitlines()[-1])
    return rows
