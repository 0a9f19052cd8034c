"""Many at once give what one after another gives, in their order."""

from __future__ import annotations

import math
import os
import threading
from functools import partial

import numpy as np
import pytest

from cozad_teach.data.parallel import in_processes, read_ahead
from cozad_teach.data.squares import read_squares, square
from cozad_teach.errors import CozadError


def test_what_is_read_ahead_comes_in_order() -> None:
    """The first waits for the last, which another thread calls."""
    last = threading.Event()
    readers = [lambda: last.wait(5) and 0, *(partial(int, n) for n in range(1, 7))]
    assert list(read_ahead([*readers, lambda: last.set() or 7], 9)) == list(range(8))


def test_no_more_is_read_than_may_wait() -> None:
    begun = []
    results = read_ahead([partial(begun.append, n) for n in range(50)], 3)
    next(results)
    assert len(begun) <= 4
    results.close()
    assert len(begun) <= 4


def test_what_a_reader_raises_comes_in_its_turn() -> None:
    def fail() -> int:
        raise ValueError("damaged")

    results = read_ahead([partial(int, 1), fail, partial(int, 2)], 2)
    assert next(results) == 1
    with pytest.raises(ValueError, match="damaged"):
        next(results)


def test_squares_are_those_of_one_by_one() -> None:
    random = np.random.default_rng(0)
    images = [random.integers(0, 256, (20 + n, 31, 3), np.uint8) for n in range(9)]
    found = list(read_squares([partial(np.copy, image) for image in images], 16, 4))
    assert all((a == square(b, 16)).all() for a, b in zip(found, images, strict=True))


@pytest.mark.slow
def test_processes_give_what_one_would() -> None:
    assert in_processes(math.sqrt, [1.0, 4.0, 9.0], "roots") == [1.0, 2.0, 3.0]
    with pytest.raises(ValueError, match="math domain"):
        in_processes(math.sqrt, [-1.0], "roots")
    with pytest.raises(CozadError, match="roots: a process ended"):
        in_processes(os._exit, [1], "roots")
