"""How much memory a process has used."""

from __future__ import annotations

import sys
from pathlib import Path

__all__ = ["peak_memory_mb"]


def peak_memory_mb() -> float | None:
    """Give the highest memory use of this process so far in MB (10⁶ bytes), or None."""
    status = Path("/proc/self/status")
    if status.exists():  # Linux: what `resource` says there includes the process that started us
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return round(int(line.split()[1]) * 1024 / 1e6, 1)
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak * (1 if sys.platform == "darwin" else 1024) / 1e6, 1)
