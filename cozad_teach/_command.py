"""How every command of the project ends: with one line, and an exit code that a shell knows."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from cozad_teach.errors import CozadError

__all__ = ["run_command"]

INTERRUPTED = 130  # what a shell reports after Ctrl-C


def run_command(program: str, run: Callable[[], int]) -> int:
    """Run a command and turn what it raises into an exit code.

    Parameters
    ----------
    program : str
        Its name, before each message.
    run : callable
        Does the work and gives an exit code.

    Returns
    -------
    int
        That of `run`; of a `CozadError` its own, after its message on standard error; 130 after
        Ctrl-C; 0 where the reader of the output has gone.
    """
    try:
        return run()
    except CozadError as error:
        print(f"{program}: error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"{program}: stopped; nothing half-written is left behind", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output, such as `head`, has gone: that is no error of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
