"""How much memory a process has used, of the machine and of a graphics card."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

__all__ = ["peak_device_memory_mb", "peak_memory_mb"]


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


def peak_device_memory_mb(device: torch.device | str) -> float | None:
    """Give the most memory of a graphics card that tensors of this process had so far, in MB."""
    import torch  # some hundreds of MB by itself

    device = torch.device(device)
    if device.type != "cuda":
        return None
    return round(torch.cuda.max_memory_allocated(device) / 1e6, 1)
