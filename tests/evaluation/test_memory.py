"""Peak memory is that of this process, not of the one that started it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from cozad_teach.evaluation.memory import peak_memory_mb


@pytest.mark.skipif(sys.platform == "win32", reason="Windows tells no peak to Python")
def test_the_peak_rises_with_what_is_used_and_stays() -> None:
    before = peak_memory_mb()
    assert before is not None
    block = np.ones(2 * int(before * 1e6 // 8))
    during = peak_memory_mb()
    del block
    assert during is not None and during > 1.5 * before
    assert peak_memory_mb() == during


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a new process counts by itself")
def test_a_child_does_not_inherit_it() -> None:
    block = np.ones(60_000_000)
    code = "from cozad_teach.evaluation.memory import peak_memory_mb as p; print(p())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 200 < block.nbytes / 1e6
