"""Do the same with many things on all cores, or read them while others are worked on."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TypeVar

from tqdm.auto import tqdm

from cozad_teach.errors import CozadError

__all__ = ["in_processes", "in_threads", "read_ahead"]

_MOST_READERS = 8  # each may hold a large photograph

T = TypeVar("T")
R = TypeVar("R")


def in_threads(
    function: Callable[[T], R], items: Sequence[T], description: str, *, progress: bool = False
) -> list[R]:
    """Call a function with every item, in threads: decoding an image leaves Python's lock.

    Parameters
    ----------
    function : callable
        Takes one item.
    items : sequence
        One for each call.
    description : str
        Of the bar.
    progress : bool
        Show it, if the work takes more than two seconds.

    Returns
    -------
    list
        What the calls gave, in the order of the items. What one raises is raised, and Ctrl-C
        does not wait for those that have not begun.
    """
    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        done = pool.map(function, items)
        bar = tqdm(done, description, len(items), unit="file", delay=2, disable=not progress)
        return list(bar)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def read_ahead(readers: Iterable[Callable[[], R]], ahead: int) -> Generator[R]:
    """Call functions in threads, some of them before their results are wanted.

    Parameters
    ----------
    readers : iterable of callable
        Each is called once; which threads call them, and when, must not matter.
    ahead : int
        How many results may wait.

    Yields
    ------
    object
        What they gave, in their order. What one raises is raised in its turn; those that have not
        begun are not called any more.
    """
    waiting: deque[Future[R]] = deque()
    pool = ThreadPoolExecutor(min(_MOST_READERS, os.cpu_count() or 1))
    try:
        for reader in readers:
            waiting.append(pool.submit(reader))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def in_processes(
    function: Callable[[T], R], items: Sequence[T], description: str, *, progress: bool = False
) -> list[R]:
    """Call a function with every item, in a process for each core: computing keeps Python's lock.

    A process takes seconds to start: for work of many of them. Parameters and result are as those
    of `in_threads`; the function is one that another process can import.

    Raises
    ------
    CozadError
        If a process ends before its work: each of them runs a script from its top.
    """
    beside = int(os.environ.get("LOCAL_WORLD_SIZE", 1))  # processes of torchrun, which do the same
    pool = ProcessPoolExecutor(
        min(max((os.cpu_count() or 1) // beside, 1), len(items)),
        multiprocessing.get_context("spawn"),  # a fork of threads, or of a graphics card, may hang
        signal.signal,
        (signal.SIGINT, signal.SIG_IGN),  # Ctrl-C ends this process, which ends them
    )
    try:
        done = pool.map(function, items)
        return list(tqdm(done, description, len(items), delay=2, disable=not progress))
    except BrokenProcessPool as error:
        raise CozadError(
            f"{description}: a process ended before its work. In a script of your own, put what "
            'you call under `if __name__ == "__main__":`; if it is there, memory may be short: '
            "close other programs"
        ) from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
