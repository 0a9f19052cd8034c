"""Peak memory is that of this process, not of the one that started it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

RISE = """
import numpy as np
from cozad_teach.evaluation.memory import peak_memory_mb
print(peak_memory_mb())
block = np.ones(50_000_000)
print(peak_memory_mb())
del block
print(peak_memory_mb())
"""


def printed(code: str) -> list[float]:
    """Run the code in a process of its own and give the numbers that it prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return [float(line) for line in done.stdout.split()]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows tells no peak to Python")
def test_the_peak_rises_with_what_is_used_and_stays() -> None:
    before, during, after = printed(RISE)
    assert 398 < during - before < 450
    # Linux counts pages per thread and adds up late, so that the peak may wobble by a few of them
    assert abs(after - during) < 5


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a new process counts by itself")
def test_a_child_does_not_inherit_it() -> None:
    block = np.ones(60_000_000)
    (peak,) = printed(
        "from cozad_teach.evaluation.memory import peak_memory_mb as p; print(p())",
    )
    assert peak < 200 < block.nbytes / 1e6
