"""Write files so that a reader never meets half of one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cozad_teach.errors import CozadError

__all__ = ["atomic_write", "check_writable"]


@contextmanager
def atomic_write(target: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a temporary path beside `target`; on success it becomes `target` in one rename.

    Parameters
    ----------
    target : path
        The file to write. Missing parent folders are made.

    Yields
    ------
    pathlib.Path
        An empty file in the folder of `target`. On any exception, Ctrl-C included, it is deleted
        and an older `target` stays as it was.

    Raises
    ------
    CozadError
        If the folder cannot be made or written to, `target` is a folder, or writing fails.
    """
    target = Path(target)
    if target.is_dir():
        raise CozadError(f"{target} is a folder: give the name of a file in it")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    except OSError as error:
        raise CozadError(f"cannot write to {target.parent}: {error.strerror}") from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)  # mkstemp makes files that only their owner can read
        temporary.replace(target)
    except OSError as error:  # the disk is full, or the network drive gone
        raise CozadError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def check_writable(target: str | os.PathLike[str]) -> None:
    """Fail before minutes of work, not after them, where the result could not be written.

    Parameters
    ----------
    target : path
        The file that is to be written. An older one stays as it is.

    Raises
    ------
    CozadError
        As `atomic_write`.
    """
    with suppress(_Discard), atomic_write(target):
        raise _Discard


class _Discard(Exception):
    """Leaves an atomic write without its file."""
