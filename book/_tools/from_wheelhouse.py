"""Set .venv up from a folder that `make wheelhouse` filled, without network: WHEELHOUSE=folder.

Standard library alone, and syntax that Python 3.6 reads: this runs before anything is installed.
"""

import os
import platform
import re
import shutil
import sys
from pathlib import Path

from torch_wheels import SUMS

# Of the wheels that are compiled for one Python and one kind of machine.
TAGS = re.compile(r"-cp3(\d+)-cp3\d+-(manylinux|linux|macosx)\S*_(x86_64|aarch64|arm64)\.whl$")


class UnfitWheelhouse(Exception):
    """The folder is none that this machine can be set up from; the message says what to do."""


def enter(folder: Path, asked: str) -> str:
    """Let pip and uv take all they need from the folder and nothing from a network.

    Parameters
    ----------
    folder : Path
        The folder of wheels.
    asked : str
        The Python that the user named; empty: none.

    Returns
    -------
    str
        The Python to use: the one that the user named, or one of the version of the wheels.

    Raises
    ------
    UnfitWheelhouse
        If the folder was not filled to the end, or is for another kind of machine, or if there is
        no Python of its version.
    """
    folder = folder.resolve()
    try:
        listed = (folder / SUMS).read_text(encoding="utf-8")
    except OSError:
        raise UnfitWheelhouse(
            f"{folder} has no {SUMS}: name a folder that make wheelhouse has filled to its end"
        ) from None
    match = next(filter(None, map(TAGS.search, listed.splitlines())), None)
    if match:
        minor, system, machine = match.groups()
        mac = sys.platform == "darwin"
        if (system == "macosx", machine) != (mac, platform.machine()):
            raise UnfitWheelhouse(
                f"{folder} is for {system} on {machine}, and this is {platform.system()} on"
                f" {platform.machine()}: run make wheelhouse on a machine like this one"
            )
        asked = asked or _python(f"3.{minor}", folder)
    os.environ.update(PIP_NO_INDEX="1", PIP_FIND_LINKS=folder.as_uri())
    os.environ.update(UV_OFFLINE="1", UV_FIND_LINKS=folder.as_uri(), UV_PYTHON_DOWNLOADS="never")
    return asked


def _python(version: str, folder: Path) -> str:
    """Find a Python of this version on this machine."""
    if platform.python_version().startswith(f"{version}."):
        return sys.executable
    found = shutil.which(f"python{version}")
    if not found:
        raise UnfitWheelhouse(
            f"{folder} is for Python {version}, which is not here: install it, or name it"
            f" (PYTHON=/path/to/python{version} make setup ...)"
        )
    return found
