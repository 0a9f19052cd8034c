"""Files that a user names: only a regular file of a sensible size is opened."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from cozad_teach.errors import CozadError, printable
from cozad_teach.files.values import parse_json

__all__ = ["check_file", "read_json"]


def check_file(path: Path, refusal: str, remedy: str, largest: int) -> None:
    """Refuse what would be read without end, or cannot be read.

    Parameters
    ----------
    path : pathlib.Path
        The file; links are followed.
    refusal, remedy : str
        How the sentence begins, before the path, and how it ends.
    largest : int
        Size in bytes above which it cannot be what it should be.

    Raises
    ------
    CozadError
        If it is missing, a folder, a pipe, a device, too large, or not to be read by this user.
    """
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            folder = stat.S_ISDIR(status.st_mode)
            reason = "it is a folder" if folder else "it is a pipe or a device"
        elif status.st_size > largest:
            reason = f"its {status.st_size:,} bytes are more than {largest:,}"
        else:
            path.open("rb").close()
            return
    except OSError as error:
        reason = str(error.strerror)
    except ValueError:
        reason = "no path holds a null byte"
    raise CozadError(f"{refusal} {printable(str(path))} ({reason}): {remedy}")


def read_json(path: str | os.PathLike[str], refusal: str, remedy: str, largest: int) -> Any:
    """Read a JSON file that may be anything; parameters and errors as `check_file`.

    Raises
    ------
    Wrong
        As `cozad_teach.files.values.parse_json`; it does not name the file.
    """
    check_file(Path(path), refusal, remedy, largest)
    return parse_json(Path(path).read_bytes())
