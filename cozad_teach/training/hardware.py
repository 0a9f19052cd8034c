"""The name of the machine that a result was made on."""

from __future__ import annotations

import os
import platform

import torch

from cozad_teach.training.sharding import n_processes

__all__ = ["hardware_name"]


def hardware_name(device: torch.device | str = "cpu") -> str:
    """Name the graphics card of a device, or the kind of processor and its number of cores."""
    device = torch.device(device)
    name = f"{platform.machine()}, {os.cpu_count()} cores"
    if device.type == "cuda":
        name = torch.cuda.get_device_name(device)
    return name if n_processes() == 1 else f"{n_processes()} processes, each on {name}"
