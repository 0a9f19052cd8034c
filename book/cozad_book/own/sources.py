"""Write a function down with all that it needs, so that it runs in a file of its own."""

from __future__ import annotations

import ast
import builtins
import importlib
import inspect
import textwrap
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

from cozad_book.listings import names_looked_up
from cozad_teach.errors import CozadError

__all__ = ["defined_names", "source_with_needs"]

_PLAIN = (bool, int, float, complex, str, bytes, type(None))


def source_with_needs(function: Callable[..., Any]) -> str:
    """Give the source of a function below the imports, numbers and functions that it uses.

    Parameters
    ----------
    function : callable
        Written with ``def``, in a notebook or a file. What decorates it there is left out.

    Returns
    -------
    str
        Python that defines the function, and ends without an empty line.

    Raises
    ------
    CozadError
        If it is no such function; or if it uses what only lives in its notebook, such as an array.
    """
    imports: set[str] = set()
    parts: dict[str, str] = {}
    _add(function, imports, parts)
    plain = sorted(line for line in imports if line.startswith("import "))
    return "\n\n\n".join(filter(None, ["\n".join(plain + sorted(imports - {*plain})), *_in(parts)]))


def defined_names(text: str) -> dict[str, str]:
    """Give what a piece of code defines at its top level, without imports: name and source."""
    found: dict[str, str] = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = ast.unparse(node)
        elif isinstance(node, ast.Assign):
            names = (target.id for target in node.targets if isinstance(target, ast.Name))
            found |= dict.fromkeys(names, ast.unparse(node))
    return found


def _in(parts: dict[str, str]) -> list[str]:
    """Put numbers, a line each, before functions, and other names of functions behind them."""
    functions = {name: part for name, part in parts.items() if part.startswith("def ")}
    lines = [part for part in parts.values() if not part.startswith("def ")]
    others = [line for line in lines if line.split(" = ")[-1] in functions]
    numbers = [line for line in lines if line not in others]
    *helpers, last = functions.values()
    return ["\n".join(numbers), *helpers, "\n".join(others), last]


def _add(function: Callable[..., Any], imports: set[str], parts: dict[str, str]) -> None:
    function = inspect.unwrap(function)
    if not isinstance(function, FunctionType) or not function.__name__.isidentifier():
        raise CozadError("only a function that was written with `def` can be kept in a file")
    name = function.__name__
    if function.__code__.co_freevars:
        raise CozadError(
            f"{name} stands inside another function, whose variables it uses: write it on its own"
        )
    try:
        source = textwrap.dedent(inspect.getsource(function))
    except (OSError, TypeError) as error:
        raise CozadError(f"the source of {name} is gone: run its cell again") from error
    source = source[source.index("def ") :].rstrip()
    parts[name] = ""  # keeps its place, for functions that call each other
    for used in sorted(names_looked_up(source) - {name} - set(dir(builtins)) - parts.keys()):
        if used not in function.__globals__:
            raise CozadError(f"{name} uses `{used}`, which is not defined: run its cell first")
        value = function.__globals__[used]
        if isinstance(value, FunctionType) and _stays(value, function):
            _add(value, imports, parts)
            if used != value.__name__:
                parts[used] = f"{used} = {value.__name__}"
        elif _plain(value):
            parts[used] = f"{used} = {value!r}"
        else:
            imports.add(_import_line(used, value, name))
    parts[name] = source
    parts[name] = parts.pop(name)  # below what it uses


def _stays(helper: FunctionType, function: FunctionType) -> bool:
    """Whether a helper is written down beside a function, instead of imported."""
    elsewhere = helper.__module__ == "my_cozad" or helper.__module__.startswith("cozad_book.")
    return helper.__module__ == function.__module__ or elsewhere


def _plain(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(_plain, value))
    return isinstance(value, _PLAIN)


def _import_line(used: str, value: Any, function: str) -> str:
    if isinstance(value, ModuleType):
        return f"import {value.__name__}" + (f" as {used}" if used != value.__name__ else "")
    module = getattr(value, "__module__", None) or "numpy"  # NumPy's own functions name none
    there = getattr(value, "__name__", "")
    try:
        found = getattr(importlib.import_module(module), there)
    except (ImportError, AttributeError, TypeError, ValueError):
        found = None
    if module == "__main__" or found is not value or found is None:
        raise CozadError(
            f"{function} uses `{used}`, which lives in your notebook only: hand it over as an "
            "argument, or write it inside the function"
        )
    return f"from {module} import {there}" + (f" as {used}" if used != there else "")
