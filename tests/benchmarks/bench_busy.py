"""Time of a training beside other work, and alone, as its threads wait and as they did before."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from comparing import report

CORES = 2
# How long OpenMP's threads turn in circles where nobody says how they should wait.
AS_BEFORE = {"GOMP_SPINCOUNT": "300000"}


def two_cores() -> None:
    """Stay on two cores of a larger machine, as on a machine of two."""
    os.sched_setaffinity(0, range(CORES))


def train(busy: int, **variables: str) -> float:
    """Give the seconds on the clock of `cozad train`, beside so many busy processes."""
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "GOMP_", "KMP_"))
    }
    environment |= {"OMP_NUM_THREADS": str(CORES), **variables}
    with ExitStack() as stack, tempfile.TemporaryDirectory() as folder:
        for _ in range(busy):
            process = subprocess.Popen(
                [sys.executable, "-c", "while True: pass"], preexec_fn=two_cores
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
        command = [sys.executable, "-m", "cozad_teach.cli.main", "train", "--out"]
        started = time.perf_counter()
        subprocess.run(
            [*command, str(Path(folder) / "model")],
            env=environment,
            check=True,
            capture_output=True,
            preexec_fn=two_cores,
        )
        return time.perf_counter() - started


def row(what: str, other: str, seconds: float, other_seconds: float, wanted: str) -> dict[str, Any]:
    return {
        "what": what,
        "other": other,
        "seconds": round(seconds, 1),
        "other_seconds": round(other_seconds, 1),
        "ratio": round(other_seconds / seconds, 2),
        "wanted": wanted,
        "note": "",
    }


def main() -> None:
    # In turns, and the least of each: what else the machine does is noise that only adds.
    runs = [(train(0), train(0, **AS_BEFORE)) for _ in range(2)]
    idle, before = (min(times) for times in zip(*runs, strict=True))
    busy = train(CORES)
    busy_before = train(CORES, **AS_BEFORE)
    report(
        [
            row("training, threads wait a short while", "threads that spin", idle, before, "1"),
            row("the same beside two busy processes", "alone", busy, idle, "0.5"),
            row("the same beside two busy processes", "threads that spin", busy, busy_before, "–"),
        ]
    )


if __name__ == "__main__":
    main()
