"""Take a result for an array of numbers, or say what it is instead."""

from __future__ import annotations

import inspect
from numbers import Real
from typing import Any

import numpy as np
import torch

__all__ = ["NoNumbersError", "as_numbers"]


class NoNumbersError(Exception):
    """A result is no array of real numbers; the text says what it is."""


def as_numbers(result: Any) -> np.ndarray:
    """Turn a number, an array, a tensor, or lists of such into a float64 array.

    Text is refused even where it reads like a number, and so are complex numbers.

    Raises
    ------
    NoNumbersError
        If it is something else.
    """
    kind = type(result).__name__
    try:
        if inspect.isgenerator(result):
            raise NoNumbersError("a generator (`yield` instead of `return`)")
        array = np.asarray(_without_tensors(result))
        if array.dtype.kind == "O":
            others = {type(value).__name__ for value in array.flat if not isinstance(value, Real)}
            if others:
                inside = f" of {min(others)}" if array.ndim else ""
                raise NoNumbersError(f"{kind}{inside}")
        elif array.dtype.kind == "c":
            raise NoNumbersError(f"complex numbers ({kind})")
        elif array.dtype.kind not in "biuf":
            text = " of text" if array.dtype.kind in "US" and array.ndim else ""
            raise NoNumbersError(f"{kind}{text}")
        # A copy: the next call must not be able to change it.
        return np.array(array, dtype=np.float64)
    except NoNumbersError:
        raise
    except Exception as error:  # objects of a student may fail at anything
        raise NoNumbersError(kind) from error


def _without_tensors(result: Any) -> Any:
    """Replace tensors, at any depth of lists, by arrays; NumPy refuses those with a gradient."""
    if isinstance(result, torch.Tensor):
        tensor = result.detach().cpu().resolve_conj()
        return (tensor if tensor.is_complex() else tensor.to(torch.float64)).numpy()
    if isinstance(result, (list, tuple)):
        return [_without_tensors(part) for part in result]
    return result
