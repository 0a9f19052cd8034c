"""Say how many files were used, which were not, and why: no file is lost without a word."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from cozad_teach.data.members import LeftOut
from cozad_teach.errors import printable

__all__ = ["listed", "tally"]

_NAMED = 10


def listed(names: Sequence[str], where: str, *, separator: str = ", ", room: int = _NAMED) -> str:
    """Give up to ten names, or as many as there is `room` for, and the number of the others."""
    shown = [printable(name) for name in names[:room]]
    more = [f"{len(names) - len(shown)} more in {where}"] if names[len(shown) :] else []
    return separator.join([*shown, *more])


def tally(used: str, left_out: Iterable[LeftOut], where: str) -> str:
    """Give the line with which a command ends.

    Parameters
    ----------
    used : str
        What was used, such as ``12 test images``.
    left_out : iterable of LeftOut
        What was not.
    where : str
        The file that holds the full list.

    Returns
    -------
    str
        Files are named by their reasons, ten at the most.
    """
    by_reason: dict[str, list[str]] = defaultdict(list)
    for file in left_out:
        by_reason[file.reason].append(file.name)
    n_files = sum(map(len, by_reason.values()))
    if not n_files:
        return f"{used} used, no file left out"
    room, reasons = _NAMED, []
    for reason, names in by_reason.items():
        reasons.append(f"{reason}: {listed(names, where, room=room)}")
        room = max(0, room - len(names))
    return f"{used} used, {n_files} file{'s' * (n_files > 1)} left out ({'; '.join(reasons)})"
