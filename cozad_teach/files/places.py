"""Where results may be written: not over anything that is read, nor over what is no result."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from cozad_teach.errors import CozadError
from cozad_teach.files.writing import atomic_write, check_kind, settled

__all__ = ["check_place", "check_target", "head"]

Place = str | os.PathLike[str]


class _Discard(Exception):
    """Leaves an atomic write without its file."""


def check_place(
    target: Place,
    *,
    reads: Iterable[Place | None] = (),
    ours: Callable[[Path], bool] | None = None,
    option: str = "--out",
) -> None:
    """Refuse a place for a result by what is there.

    Parameters
    ----------
    target : path
        The file that is to be written. Missing folders above it are fine.
    reads : iterable of path or None
        What the command reads: files, and folders with all that is in them.
    ours : callable, optional
        Says whether a file is an older result of the same kind, which may be replaced. An empty
        file may be, too.

    Raises
    ------
    CozadError
        If the target is a folder, a link, a pipe or a device; is, or lies in, something that is
        read; or is a file of another kind.
    """
    target = Path(target)
    for source in reads:
        if source is not None and _is_in(target, Path(source)):
            raise CozadError(
                f"{target} is, or lies in, {source}, which is read: give another place with "
                f"{option}"
            )
    check_kind(target)
    there = settled(target)
    if ours and there.exists() and there.stat().st_size:
        try:
            may_go = ours(there)
        except Exception:  # it may be anything
            may_go = False
        if not may_go:
            raise CozadError(
                f"{target} is there already and is no result of this command: give another place "
                f"with {option}, or move it away"
            )


def check_target(
    target: Place,
    *,
    reads: Iterable[Place | None] = (),
    ours: Callable[[Path], bool] | None = None,
    option: str = "--out",
) -> None:
    """Refuse a place for a result before minutes of work, not after them.

    As `check_place`, and by writing there, of which nothing is left.

    Raises
    ------
    CozadError
        As `check_place` and `atomic_write`.
    """
    check_place(target, reads=reads, ours=ours, option=option)
    with suppress(_Discard), atomic_write(target):
        raise _Discard


def head(path: Path, n_bytes: int) -> bytes:
    """Give the first bytes of a file, by which `ours` of `check_place` may know it."""
    with path.open("rb") as file:
        return file.read(n_bytes)


def _is_in(target: Path, source: Path) -> bool:
    """Say whether the target is the source or lies in it, by whatever names and links."""
    here = target.absolute()
    there = settled(target)
    # The places above as the system finds them, links followed: a bind mount is not named.
    for place in (here, *here.parents, there, *there.parents):
        with suppress(OSError):
            if place.samefile(source):
                return True
    return False
