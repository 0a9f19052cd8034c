"""timm without PyTorch's compiler, whose import would be half of the time that a command starts in.

torchvision and timm load the compiler as they are imported, to ask it a question that nobody has
yet, and to keep functions from it that nobody compiles. Both are put off until they are needed.
"""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

__all__ = ["shapes_only"]

_ASKED = "torch._dynamo.utils"


class _Later(ModuleType):
    """Stands for the module that is asked, until somebody wants more of it than one function."""

    @staticmethod
    def is_compile_supported(device: Any) -> Any:
        return importlib.import_module(_ASKED).is_compile_supported(device)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # who looks through all modules wants nothing of this one
            raise AttributeError(name)
        if sys.modules.get(_ASKED) is self:
            del sys.modules[_ASKED]
        return getattr(importlib.import_module(_ASKED), name)


@contextmanager
def _compiler_later() -> Iterator[None]:
    """Put off what loads the compiler, unless it is there already."""
    if "torch._dynamo" in sys.modules:
        yield
        return
    stand_in, disable = _Later(_ASKED), torch.compiler.disable

    def disable_later(function: Any = None, recursive: bool = True, **_: Any) -> Any:
        if function is None:
            return functools.partial(disable_later, recursive=recursive)
        return torch._compile._disable_dynamo(function, recursive)  # loads it at the first call

    sys.modules[_ASKED] = stand_in
    torch.compiler.disable = disable_later  # type: ignore[assignment]
    try:
        yield
    finally:
        torch.compiler.disable = disable
        if sys.modules.get(_ASKED) is stand_in:
            del sys.modules[_ASKED]


with _compiler_later():
    import timm  # noqa: F401 - used by those that import it from here


@contextmanager
def shapes_only() -> Iterator[None]:
    """Make networks without memory and without first values, for the shapes of their tensors.

    On the device `meta` alone, drawing values that nobody sees would load the compiler.
    """
    with torch.device("meta"), _NoValues():
        yield


class _NoValues(TorchFunctionMode):
    def __torch_function__(
        self, function: Any, types: Any, arguments: Any = (), options: Any = None
    ) -> Any:
        if getattr(function, "__name__", "") in ("normal_", "uniform_"):
            return arguments[0] if arguments else options["tensor"]
        return function(*arguments, **(options or {}))
