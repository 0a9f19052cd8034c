"""The name of the machine that a result was made on."""

from __future__ import annotations

import os
import platform

import torch

__all__ = ["hardware_name"]


def hardware_name(device: torch.device | str = "cpu") -> str:
    """Name the graphics card of a device, or the kind of processor and its number of cores."""
    device = torch.device(device)
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{platform.machine()}, {os.cpu_count()} cores"
