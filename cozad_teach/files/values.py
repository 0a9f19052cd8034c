"""Readers of values that come from outside: type and range are checked before any use."""

from __future__ import annotations

import json
import re
import reprlib
import sys
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any

from cozad_teach.errors import CozadError

__all__ = [
    "Reader",
    "Wrong",
    "flag",
    "including",
    "listed",
    "mapping",
    "matching",
    "number",
    "optional",
    "parse_json",
    "record",
    "row",
    "text",
    "whole",
    "word",
    "wrong",
]

# Takes a value and the name that messages give it; returns the value, as the type it stands for.
Reader = Callable[[Any, str], Any]


class Wrong(CozadError):
    """A value is not what it must be: names both, in words to which a file's name is added."""


def wrong(value: Any, name: str, wanted: str) -> Wrong:
    """Say in one short line what a value is, whatever it is, and what it must be."""
    try:
        shown = reprlib.repr(value)
    except ValueError:  # a whole number of more digits than Python writes
        shown = "too long"
    shown = shown if len(shown) <= 80 else f"{shown[:80]}..."
    return Wrong(f"{name} is {shown}, it must be {wanted}")


def whole(low: int, high: int) -> Reader:
    """Read a whole number from `low` to `high`; neither 1.0 nor True is one."""

    def read(value: Any, name: str) -> int:
        if _is_number(value, Integral) and low <= value <= high:
            return int(value)
        raise wrong(value, name, f"a whole number from {low} to {high}")

    return read


def number(low: float, high: float) -> Reader:
    """Read a number from `low` to `high` as float; whole ones are numbers, NaN is none."""

    def read(value: Any, name: str) -> float:
        if _is_number(value, Real) and low <= value <= high:
            return float(value)
        raise wrong(value, name, f"a number from {low:g} to {high:g}")

    return read


def _is_number(value: Any, kind: type) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def flag(value: Any, name: str) -> bool:
    """Read True or False."""
    if isinstance(value, bool):
        return value
    raise wrong(value, name, "true or false")


def text(longest: int, *, printable: bool = True) -> Reader:
    """Read a text of at most `longest` signs, without control characters if `printable`."""
    kind = "printable signs" if printable else "signs"

    def read(value: Any, name: str) -> str:
        short = isinstance(value, str) and len(value) <= longest
        if short and (value.isprintable() or not printable):
            return str(value)
        raise wrong(value, name, f"a text of at most {longest} {kind}")

    return read


def word(*words: str) -> Reader:
    """Read one of some words."""

    def read(value: Any, name: str) -> str:
        if isinstance(value, str) and value in words:
            return value
        raise wrong(value, name, " or ".join(words))

    return read


def matching(pattern: str, wanted: str) -> Reader:
    """Read a text that a regular expression matches as a whole; `wanted` says it in words."""

    def read(value: Any, name: str) -> str:
        if isinstance(value, str) and re.fullmatch(pattern, value):
            return value
        raise wrong(value, name, wanted)

    return read


def listed(reader: Reader, fewest: int = 0, most: int = sys.maxsize) -> Reader:
    """Read a list or tuple of values of one kind as a tuple."""
    wanted = f"a list of {fewest} " + ("or more" if most == sys.maxsize else f"to {most}")

    def read(value: Any, name: str) -> tuple[Any, ...]:
        if isinstance(value, (list, tuple)) and fewest <= len(value) <= most:
            return tuple(reader(entry, f"{name}[{i}]") for i, entry in enumerate(value))
        raise wrong(value, name, wanted)

    return read


def row(*readers: Reader) -> Reader:
    """Read a list or tuple of one value for each reader as a tuple."""

    def read(value: Any, name: str) -> tuple[Any, ...]:
        if isinstance(value, (list, tuple)) and len(value) == len(readers):
            pairs = enumerate(zip(readers, value, strict=True))
            return tuple(reader(entry, f"{name}[{i}]") for i, (reader, entry) in pairs)
        raise wrong(value, name, f"a list of {len(readers)} entries")

    return read


def optional(reader: Reader) -> Reader:
    """Read None, or what `reader` reads."""
    return lambda value, name: None if value is None else reader(value, name)


def mapping(key: Reader, reader: Reader) -> Reader:
    """Read a dict of any number of keys of one kind and values of one kind."""

    def read(value: Any, name: str) -> dict[Any, Any]:
        if not isinstance(value, dict):
            raise wrong(value, name, "a table of names")
        return {
            key(k, f"a name in {name}"): reader(v, f"{name}[{reprlib.repr(k)}]")
            for k, v in value.items()
        }

    return read


def record(**readers: Reader) -> Reader:
    """Read a dict of exactly these keys, each by its own reader."""
    read_fields = including(**readers)

    def read(value: Any, name: str) -> dict[str, Any]:
        found: dict[str, Any] = read_fields(value, name)
        if odd := [key for key in found if key not in readers]:
            raise Wrong(f"{name} has an entry {reprlib.repr(odd[0])}, which nothing knows")
        return found

    return read


def including(**readers: Reader) -> Reader:
    """Read a dict of these keys, each by its own reader, and of any others, which stay."""

    def read(value: Any, name: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise wrong(value, name, f"a table of {', '.join(readers)}")
        if missing := [key for key in readers if key not in value]:
            raise Wrong(f"{name} has no {missing[0]}")
        fields = {key: reader(value[key], f"{name}.{key}") for key, reader in readers.items()}
        return {**value, **fields}

    return read


def parse_json(content: str | bytes) -> Any:
    """Parse JSON as its standard has it: no NaN, no key twice; in bytes, UTF-8.

    Raises
    ------
    Wrong
        If it is none, or nested too deeply to be read.
    """
    try:
        content = content if isinstance(content, str) else content.decode("utf-8")
        return json.loads(content, object_pairs_hook=_once, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Wrong("its text is no JSON that can be read") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(found := dict(pairs)) < len(pairs):
        raise ValueError("a key is there twice")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
