"""Errors a user can mend: one sentence that says what is wrong and what to do."""

from __future__ import annotations

__all__ = ["CozadError", "LeakError"]


class CozadError(Exception):
    """Wrong input or a wrong set-up; the command line prints it on one line and exits with 2."""

    exit_code = 2


class LeakError(CozadError):
    """A target image reached training or statistics; the command line exits with 3."""

    exit_code = 3
