"""Stop a call that does not end."""

from __future__ import annotations

import contextlib
import functools
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

__all__ = ["CHECKER", "OutOfTime", "time_limit"]

# After it the alarm rings again and again: a bare `except:` in a loop may swallow it.
_AGAIN_S = 0.1
# Modules that run around an answer, and in its midst: what it prints goes through one of them.
# And the one that refuses imports.
CHECKER = (
    *(__name__, "cozad_book.checking.running", "cozad_book.checking.kept"),
    "cozad_book.grading.worker",
)


class OutOfTime(BaseException):
    """A call took too long. No `Exception`, which students' code may catch."""


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise `OutOfTime` in what runs below after so many seconds, begun anew by slow imports.

    Without a limit off the main thread, and where the system has no such alarm (Windows). A loop
    inside a compiled function ends first.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "SIGALRM"):
        yield
        return
    started, former_trace = time.monotonic(), sys.gettrace()
    former = signal.signal(signal.SIGALRM, functools.partial(_ring, seconds))
    delay, interval = signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.settrace(former_trace)
        signal.signal(signal.SIGALRM, former)
        if delay:
            left = max(delay - (time.monotonic() - started), 1e-3)
            signal.setitimer(signal.ITIMER_REAL, left, interval)


def _ring(seconds: float, number: int, frame: FrameType | None) -> None:
    if frame is None or _ours(frame):
        return
    if _imports(frame):  # stopped half-way, a module would be broken in all later cells
        signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN_S)
        return
    # Raised here, it may land inside a `try` whose `except` takes everything; the next line, which
    # is that `except`, then raises it again, outside the `try`.
    sys.settrace(_raise_again)
    outer: FrameType | None = frame
    while outer is not None and not _ours(outer):
        outer.f_trace = _raise_again
        outer = outer.f_back
    raise OutOfTime


def _raise_again(frame: FrameType, event: str, argument: Any) -> Any:
    if _ours(frame):
        return None
    if event == "line":
        raise OutOfTime
    return _raise_again


def _imports(frame: FrameType | None) -> bool:
    while frame is not None and not _ours(frame):
        if frame.f_globals.get("__name__") == "importlib._bootstrap":
            return True
        frame = frame.f_back
    return False


def _ours(frame: FrameType) -> bool:
    """Whether the checker itself is running, which must come to its end."""
    return frame.f_globals.get("__name__") in (*CHECKER, "contextlib")
