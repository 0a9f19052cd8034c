"""Checks of ``cozad doctor`` on the machine: GPU, CPU, memory, disk, image packs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

__all__ = [
    "Finding",
    "check_cpu",
    "check_disk",
    "check_gpu",
    "check_memory",
    "check_packs",
]

MEMORY_NEEDED, MEMORY_ADVISED = 4e9, 8e9
DISK_NEEDED, DISK_ADVISED = 1e9, 5e9
CACHE_ADVISED = 2e9  # the weights of all full backbones


@dataclass(frozen=True)
class Finding:
    """One thing that ``cozad doctor`` looked at.

    Attributes
    ----------
    name : str
        What was looked at.
    status : str
        ``ok``, ``warning`` (something is slow or missing, the rest works) or ``problem``.
    message : str
        What was found, in one sentence.
    remedy : str
        What to do about it; empty where there is nothing to do.
    """

    name: str
    status: Literal["ok", "warning", "problem"]
    message: str
    remedy: str = ""


def check_gpu(torch: Mapping[str, Any]) -> Iterator[Finding]:
    """Say which GPU torch can use, or why it uses none, from the probe's entry on torch."""
    error = torch.get("gpu_error") or ""
    driver = shutil.which("nvidia-smi") is not None
    if "version" not in torch:
        yield Finding("GPU", "warning", "unknown while torch does not start", "mend torch first")
    elif torch["gpu"]:
        yield Finding("GPU", "ok", f"{torch['gpu']}; torch is built for CUDA {torch['cuda']}")
    elif "driver" in error and "too old" in error:
        yield Finding(
            "GPU",
            "warning",
            f"the NVIDIA driver is too old for this torch, built for CUDA {torch['cuda']}:"
            " the CPU is used",
            "update the NVIDIA driver, or install a torch that is built for an older CUDA",
        )
    elif error and "no NVIDIA driver" not in error:
        yield Finding(
            "GPU",
            "warning",
            f"torch cannot use the GPU ({error.splitlines()[0]}): the CPU is used",
            "see what nvidia-smi says; restart the machine after a driver update",
        )
    elif torch["mps"]:
        message = "an Apple GPU, on which nothing was tried: the CPU is used, full runs need CUDA"
        yield Finding("GPU", "warning", message, "to try it all the same: --device mps")
    elif driver and torch["cuda"] is None:
        yield Finding(
            "GPU",
            "warning",
            "there is an NVIDIA driver, but this torch is a CPU-only build: the CPU is used",
            "for the GPU install torch and torchvision together, both built for CUDA",
        )
    elif driver and "CUDA_VISIBLE_DEVICES" in os.environ:
        hidden = os.environ["CUDA_VISIBLE_DEVICES"]
        message = f"CUDA_VISIBLE_DEVICES={hidden!r} hides the GPU: the CPU is used"
        yield Finding("GPU", "warning", message, "unset CUDA_VISIBLE_DEVICES")
    else:
        message = "none that torch can use: the CPU is enough for lite runs, full runs need CUDA"
        yield Finding("GPU", "warning", message)


def check_cpu(torch: Mapping[str, Any]) -> Iterator[Finding]:
    """Compare the cores that this process may use with the threads that torch starts."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    threads = torch.get("threads")
    message = "1 core" if cores == 1 else f"{cores} cores"
    message += f", torch uses {threads} threads" if threads else ""
    if threads and threads > cores:
        remedy = f"unset OMP_NUM_THREADS, or set it to {cores}"
        yield Finding("CPU", "warning", f"{message}: they slow each other down", remedy)
    elif cores < 2:
        yield Finding("CPU", "warning", f"{message}: expect twice the stated times")
    else:
        yield Finding("CPU", "ok", message)


def memory_bytes() -> int | None:
    """Give the memory that this process may use in bytes; None where it cannot be found out."""
    try:
        total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # Windows
        return None
    for name in ("memory.max", "memory/memory.limit_in_bytes"):  # a container's limit
        try:
            total = min(total, int(Path("/sys/fs/cgroup", name).read_text()))
        except (OSError, ValueError):
            continue
    return total


def check_memory() -> Iterator[Finding]:
    """Compare the memory with what lite runs need and with what is comfortable."""
    total = memory_bytes()
    if total is None:
        yield Finding("memory", "warning", "its size cannot be found out; lite runs need 4 GB")
        return
    message = f"{total / 1e9:.1f} GB"
    if total < MEMORY_NEEDED:
        remedy = "use a machine, or a container, with at least 4 GB"
        yield Finding("memory", "problem", f"{message}: lite runs need 4 GB", remedy)
    elif total < MEMORY_ADVISED:
        remedy = "close other programs while a chapter runs"
        yield Finding("memory", "warning", f"{message}: enough, but 8 GB are advised", remedy)
    else:
        yield Finding("memory", "ok", message)


def free_bytes(folder: Path) -> int:
    """Give the free space for files in a folder that need not exist yet, in bytes."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def huggingface_cache() -> Path:
    """Give the folder to which timm downloads the weights of full backbones."""
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    home = os.environ.get("HF_HOME", f"{cache}/huggingface")
    return Path(os.environ.get("HF_HUB_CACHE", f"{home}/hub")).expanduser()


def check_disk() -> Iterator[Finding]:
    """Look at the free space here and where the weights of full backbones would go."""
    free = free_bytes(Path.cwd())
    message = f"{free / 1e9:.1f} GB free here"
    if free < DISK_NEEDED:
        yield Finding("disk", "problem", f"{message}: results cannot be written", "free 1 GB")
    elif free < DISK_ADVISED:
        yield Finding("disk", "warning", f"{message}: little for data sets", "free 5 GB")
    else:
        yield Finding("disk", "ok", message)

    cache = huggingface_cache()
    free = free_bytes(cache)
    message = f"{free / 1e9:.1f} GB free for downloaded weights, in {cache}"
    if free < CACHE_ADVISED:
        remedy = "free 2 GB there, or set HF_HOME to a folder with room; lite runs download nothing"
        yield Finding("model cache", "warning", message, remedy)
    else:
        yield Finding("model cache", "ok", message)


def check_packs() -> Iterator[Finding]:
    """Say which packs of real images COZAD_PACKS offers."""
    value = os.environ.get("COZAD_PACKS")
    remedy = "set COZAD_PACKS to a folder of packs in MVTec layout, or unset it"
    if not value:
        yield Finding("COZAD_PACKS", "ok", "not set: chapters use the embedded textures")
        return
    folder = Path(value)
    try:
        entries = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        message = f"names {value}, which cannot be read ({error.strerror})"
        yield Finding("COZAD_PACKS", "warning", message, remedy)
        return
    packs = [path.stem for path in entries if path.is_dir() or path.suffix.lower() == ".zip"]
    if packs:
        yield Finding("COZAD_PACKS", "ok", f"{len(packs)} in {value}: {', '.join(packs)}")
    else:
        message = f"names {value}, where there is neither a zip nor a folder"
        yield Finding("COZAD_PACKS", "warning", message, remedy)
