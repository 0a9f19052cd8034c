"""Do the same with many files on all cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tqdm.auto import tqdm

__all__ = ["in_threads"]

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
