"""Checks of ``cozad doctor`` on imports: which packages start, and why the others do not."""

from __future__ import annotations

import importlib.util
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cozad_book.doctor.installation import remedy_for, version_of
from cozad_book.doctor.machine import Finding
from cozad_book.doctor.probe import MARK

__all__ = ["PROBED", "check_imports", "run_probe"]

Probe = dict[str, dict[str, Any]]

PROBED = ("numpy", "scipy", "skimage", "sklearn", "torch", "torchvision", "timm")
PROBE_SECONDS = 300
IMPORTED_BY = {"torchvision": "torch", "timm": "torchvision"}  # that one's fault if it is broken
# How a torchvision shows that it was built for another torch.
NOT_A_PAIR = ("torchvision::nms does not exist", "undefined symbol", "libtorch", "libc10")


def run_probe(names: tuple[str, ...]) -> Probe:
    """Import packages in another process.

    Returns
    -------
    dict
        For every name either ``version`` (torch: what `_probe` finds of the hardware, too) or
        ``error``, one line.
    """
    command = [sys.executable, "-m", "cozad_book.doctor.probe", *names]
    try:
        run = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=PROBE_SECONDS
        )
        output, code = run.stdout, run.returncode
    except subprocess.TimeoutExpired as error:
        output, code = (error.stdout or b"").decode(errors="replace"), None
    if code is None:
        end = f"its import did not finish in {PROBE_SECONDS} seconds"
    elif code < 0:
        end = f"its import crashes Python ({signal.Signals(-code).name})"
    else:
        end = f"its import ends Python (exit code {code})"
    probe: Probe = {}
    for line in output.splitlines():
        if line.startswith(MARK):
            entry = json.loads(line[len(MARK) :])
            name = entry.pop("name")
            probe[name] = entry or {"error": end}
    rest = names[len(probe) :]
    if probe and rest:  # the interpreter is gone; the packages after the culprit may be sound
        return {**probe, **run_probe(rest)}
    return {**probe, **{name: {"error": "could not be tried"} for name in rest}}


def check_imports(probe: Probe) -> Iterator[Finding]:
    """Say which packages start and why the others do not."""
    for name in PROBED:
        error = probe[name].get("error")
        cause = IMPORTED_BY.get(name, "")
        if error is None:
            yield Finding(name, "ok", probe[name]["version"] or "starts")
        elif "error" in probe.get(cause, {}):
            yield Finding(name, "problem", f"needs {cause}, which is broken", f"mend {cause} first")
        elif error.startswith("ModuleNotFoundError") and f"'{name}'" in error:
            yield Finding(name, "problem", "not installed", remedy_for(_distribution(name)))
        elif name == "torchvision" and any(sign in error for sign in NOT_A_PAIR):
            message = f"{_why_no_pair(probe['torch'])} ({error})"
            yield Finding(
                name, "problem", message, remedy_for("--force-reinstall torch torchvision")
            )
        else:
            remedy = remedy_for(f"--force-reinstall {_distribution(name)}")
            yield Finding(name, "problem", f"does not start: {error}", remedy)


def _distribution(module: str) -> str:
    return {"skimage": "scikit-image", "sklearn": "scikit-learn"}.get(module, module)


def _why_no_pair(torch: dict[str, Any]) -> str:
    """Say in what a torchvision that cannot be loaded and the torch beside it differ."""
    vision = _torchvision_version()
    # A torchvision for Linux without a tag comes from a registry, where CUDA is the default.
    for_cuda = re.search(r"\+cu\d", vision) or ("+" not in vision and sys.platform == "linux")
    pair = f"torchvision {vision} does not fit torch {torch['version']}: "
    if torch["cuda"] is None and for_cuda:
        return pair + "this torch is a CPU-only build, this torchvision is built for CUDA"
    if torch["cuda"] is not None and "+cpu" in vision:
        return pair + "this torchvision is a CPU-only build, this torch is built for CUDA"
    return pair + "the two were not built for each other"


def _torchvision_version() -> str:
    """Read torchvision's version, build tag included, without importing it."""
    spec = importlib.util.find_spec("torchvision")
    try:
        text = Path(spec.origin or "").with_name("version.py").read_text() if spec else ""
    except OSError:
        text = ""
    match = re.search(r"__version__ = ['\"](.+?)['\"]", text)
    return match[1] if match else version_of("torchvision") or "of unknown version"
