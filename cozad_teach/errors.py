"""Errors a user can mend: one sentence that says what is wrong and what to do.

What a person can bring about, by a file, a folder, an option or a setting, is a `CozadError`. What
only code can pass, such as arrays of unequal lengths, is a ValueError: a mistake of the caller.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["CozadError", "LeakError", "join_problems", "printable"]


class CozadError(Exception):
    """Wrong input or a wrong set-up; the command line prints it on one line and exits with 2."""

    exit_code = 2


class LeakError(CozadError):
    """A target image reached training or statistics; the command line exits with 3."""

    exit_code = 3


def join_problems(problems: Sequence[str], named: int = 10) -> str:
    """Make one sentence of those of several files; of many, it holds the first."""
    if len(problems) == 1:
        return problems[0]
    more = f"; and {len(problems) - named} more" if len(problems) > named else ""
    return f"{len(problems)} files cannot be used: {'; '.join(problems[:named])}{more}"


def printable(name: str) -> str:
    """Give `name` for a one-line message: as it is, or escaped if a terminal cannot show it."""
    return name if name.isprintable() else ascii(name)
