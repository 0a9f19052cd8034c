"""Start a kernel anew that died on its way up, and teach nbval the same.

Who starts a kernel looks for free ports, lets go of them and tells the kernel their numbers. Until
the kernel binds them, a second later, any other program can take one; then the kernel dies. It has
run nothing of the notebook yet, and a new start looks for new ports.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import nbval.kernel
from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager, start_new_async_kernel
from nbclient.exceptions import DeadKernelError

STARTS = 3


async def start_kernel(**options: Any) -> tuple[AsyncKernelManager, AsyncKernelClient]:
    """Start a kernel, up to three times; the options are those of ``start_new_async_kernel``.

    Raises
    ------
    nbclient.exceptions.DeadKernelError
        If it dies each time; the message ends in what it wrote to stderr.
    """
    for start in _starts():
        with start as stderr:
            return await start_new_async_kernel(**options, stderr=stderr)
    raise AssertionError("the last start returns or raises")


def _starts() -> Iterator[Any]:
    """Give a context for each start, whose value is the file for the kernel's stderr."""
    for number in range(1, STARTS + 1):
        yield _start(last=number == STARTS)


@contextmanager
def _start(*, last: bool) -> Iterator[IO[str]]:
    with tempfile.TemporaryFile("w+", errors="replace") as stderr:
        try:
            yield stderr
        except RuntimeError as error:
            if last:
                stderr.seek(0)
                said = stderr.read()[-2000:].strip() or "nothing"
                raise DeadKernelError(f"{error}, {STARTS} times; it wrote: {said}") from error


_start_once = nbval.kernel.start_new_kernel


def _start_new_kernel(*arguments: Any, stderr: IO[str], **options: Any) -> Any:
    stderr.close()  # the null device, in nbval
    for start in _starts():
        with start as heard:
            return _start_once(*arguments, stderr=heard, **options)


def teach_nbval() -> None:
    """Let nbval start kernels this way."""
    nbval.kernel.start_new_kernel = _start_new_kernel
