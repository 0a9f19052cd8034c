"""Leave a server alone that gives a byte a minute: no timeout of a connection ever ends that."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fetching.web import Interrupted

__all__ = ["Meter", "watched"]

LEAST_RATE, RATE_SECONDS = 1000, 60  # bytes a second, and the time over which they are counted


class _LeftAlone(Exception):
    """Nobody waits for this work any more."""


class Meter:
    """Counts the bytes that came, and keeps who is left alone from changing anything."""

    def __init__(self) -> None:
        self.n_bytes = 0
        self._lock = threading.Lock()
        self._stopped = False

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Surround all that changes a file; ends the work where nobody waits for it any more."""
        with self._lock:
            if self._stopped:
                raise _LeftAlone
            yield

    def stop(self) -> None:
        """Let no change happen from now on."""
        with self._lock:
            self._stopped = True


def watched(work: Callable[[Meter], None]) -> None:
    """Do `work`, and leave it alone once it brings less than `LEAST_RATE`.

    What is left alone goes on in a thread, until its connection ends or the process does.

    Parameters
    ----------
    work : callable
        Counts in the meter what it brings, and changes files as that allows.

    Raises
    ------
    Interrupted
        If it was too slow.
    BaseException
        What `work` raises.
    """
    meter, errors = Meter(), []

    def run() -> None:
        try:
            work(meter)
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            before = meter.n_bytes
            thread.join(RATE_SECONDS)
            if thread.is_alive() and meter.n_bytes - before < LEAST_RATE * RATE_SECONDS:
                raise Interrupted(f"sends less than {LEAST_RATE} bytes a second", slow=True)
    finally:
        meter.stop()
    if errors:
        raise errors[0]
