"""Put back what an answer changes in Python, NumPy and torch: later cells must not feel it."""

from __future__ import annotations

import contextlib
import os
import random
import sys
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

__all__ = ["kept_state"]

_MODULES = {
    *("builtins", "functools", "itertools", "math", "operator", "random", "statistics"),
    *("numpy", "numpy.fft", "numpy.linalg", "numpy.random"),
    *("scipy.linalg", "scipy.ndimage", "scipy.special", "scipy.stats", "sklearn.metrics"),
    *("torch", "torch.linalg", "torch.nn", "torch.nn.functional", "torch.special"),
}


@contextlib.contextmanager
def kept_state() -> Iterator[None]:
    """Put back, after what runs below, everything that it may leave behind.

    That is random states, settings and replaced functions. Names that came new stay: a module
    that was imported meanwhile is one of them.
    """
    spaces: list[tuple[Any, dict[str, Any]]] = [
        (space, dict(vars(space)))
        for name, space in list(sys.modules.items())
        if name in _MODULES or name.startswith(("cozad_teach.", "cozad_book."))
    ]
    spaces.append((torch.Tensor, dict(vars(torch.Tensor))))
    of_python, of_numpy, of_torch = random.getstate(), np.random.get_state(), torch.get_rng_state()
    set_to = _settings()
    environment, folder, path = dict(os.environ), os.getcwd(), list(sys.path)
    streams = sys.stdout, sys.stderr
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"), np.printoptions():
            warnings.simplefilter("ignore")
            yield
    finally:
        for space, before in spaces:
            _put_back(space, before)
        random.setstate(of_python)
        np.random.set_state(of_numpy)
        torch.set_rng_state(of_torch)
        _set(set_to)
        if dict(os.environ) != environment:
            os.environ.clear()
            os.environ.update(environment)
        os.chdir(folder)
        sys.path[:] = path
        sys.stdout, sys.stderr = streams


def _put_back(space: Any, before: dict[str, Any]) -> None:
    missing = object()
    now = vars(space)
    changed = [name for name, value in before.items() if now.get(name, missing) is not value]
    for name in changed:
        setattr(space, name, before[name])
    if isinstance(space, type):  # there a new name hides an inherited one
        for name in set(vars(space)) - set(before):
            delattr(space, name)


def _settings() -> tuple[Any, ...]:
    return (
        torch.get_default_dtype(),
        torch.get_default_device(),
        torch.is_grad_enabled(),
        torch.get_num_threads(),
        sys.getrecursionlimit(),
    )


def _set(before: tuple[Any, ...]) -> None:
    dtype, device, gradients, threads, depth = before
    torch.set_default_dtype(dtype)
    torch.set_grad_enabled(gradients)
    sys.setrecursionlimit(depth)
    if torch.get_default_device() != device:
        torch.set_default_device(None if device.type == "cpu" else device)
    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
