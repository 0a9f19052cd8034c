"""What is known of the public data sets: `data_scripts/manifest.yml`, read and checked."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cozad_teach.errors import CozadError
from fetching.converters import CONVERTERS

__all__ = ["ACCESS", "UNVERIFIED", "Archive", "Counts", "DatasetInfo", "read_manifest"]

ACCESS = ("open", "login", "form")
UNVERIFIED = "unverified"


@dataclass(frozen=True)
class Archive:
    """One file that the owner of a data set offers.

    Attributes
    ----------
    file : str
        Its name on disk.
    bytes : int or None
        Its length; None where nobody verified it. Likewise below.
    sha256 : str or None
        64 hexadecimal digits.
    mirrors : tuple of str
        Addresses that give it without a person, best first; empty unless access is ``open``.
    """

    file: str
    bytes: int | None
    sha256: str | None
    mirrors: tuple[str, ...]


@dataclass(frozen=True)
class Counts:
    """How many files of each kind a converted data set has; None where nobody verified it."""

    train_good: int | None
    test_good: int | None
    test_anomalous: int | None
    masks: int | None


@dataclass(frozen=True)
class DatasetInfo:
    """One data set of the manifest.

    Attributes
    ----------
    name : str
        As on the command line, and of its folder.
    title, homepage, citation : str
        For readers.
    licence : str or None
        As its owner states it; None where nobody verified it. Likewise below.
    commercial_use, pictures : bool or None
        Whether the licence allows commercial use, and sample pictures on a page.
    access : str
        ``open``: an address gives the archive. ``login``: with an account only. ``form``: a page
        to be clicked through in a browser.
    steps : str
        What a person does to get the archives; empty where access is ``open``.
    archives : tuple of Archive
        One or more.
    converter : str
        A key of `CONVERTERS`.
    split : str
        Which images are for training and for testing, and who said so.
    categories : tuple of str
        Names of its folders.
    images : Counts
        Over all categories.
    """

    name: str
    title: str
    homepage: str
    licence: str | None
    commercial_use: bool | None
    pictures: bool | None
    citation: str
    access: str
    steps: str
    archives: tuple[Archive, ...]
    converter: str
    split: str
    categories: tuple[str, ...]
    images: Counts


def read_manifest(path: str | os.PathLike[str]) -> dict[str, DatasetInfo]:
    """Read the manifest of data sets.

    Parameters
    ----------
    path : path
        A YAML file: for each name the fields of `DatasetInfo`. The word ``unverified`` stands
        where nobody could verify a field, and becomes None.

    Returns
    -------
    dict of str to DatasetInfo
        In the order of the file.

    Raises
    ------
    CozadError
        If the file cannot be read, a field is missing, unknown or of another kind.
    """
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise CozadError(f"cannot read the manifest {path} ({error.strerror})") from error
    except (yaml.YAMLError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise CozadError(f"the manifest {path} is no YAML file: {reason}") from error
    if not isinstance(content, dict) or not content:
        raise CozadError(f"the manifest {path} lists no data set")
    return {str(name): _dataset(str(name), fields, path) for name, fields in content.items()}


def _dataset(name: str, fields: Any, path: str | os.PathLike[str]) -> DatasetInfo:
    try:
        if not re.fullmatch(r"[a-z0-9_]+", name):
            raise ValueError("a name has lower-case letters, digits and _ only")
        values = _checked(fields, _FIELDS)
        info = DatasetInfo(name, **values)
        if info.access == "open" and not all(archive.mirrors for archive in info.archives):
            raise ValueError("access is open, but an archive has no mirror")
        if (info.access != "open") != bool(info.steps):
            raise ValueError("steps belong to access login or form, and only there")
        return info
    except ValueError as error:
        raise CozadError(f"the manifest {path} is wrong at {name}: {error}") from error


def _checked(fields: Any, kinds: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    """Convert each field by its kind; none may be missing but ``steps``, none unknown."""
    if not isinstance(fields, dict):
        raise ValueError(f"{fields!r} has no fields")
    odd = set(kinds) ^ {*fields, *({"steps"} & set(kinds))}
    if odd:
        raise ValueError(f"fields missing or unknown: {', '.join(sorted(map(str, odd)))}")
    values = {}
    for key, kind in kinds.items():
        try:
            values[key] = kind(fields.get(key, ""))
        except ValueError as error:
            raise ValueError(f"{key}: {error}") from error
    return values


def _of_kind(kind: type) -> Callable[[Any], Any]:
    def check(value: Any) -> Any:
        if type(value) is not kind:
            raise ValueError(f"{value!r} is no {kind.__name__}")
        return value.strip() if isinstance(value, str) else value

    return check


def _or_unverified(kind: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value == UNVERIFIED else kind(value)


def _one_of(*allowed: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in allowed:
            raise ValueError(f"{value!r} is not one of {', '.join(allowed)}")
        return str(value)

    return check


def _list_of(kind: Callable[[Any], Any], least: int) -> Callable[[Any], tuple[Any, ...]]:
    def check(value: Any) -> tuple[Any, ...]:
        if (
            not isinstance(value, list)
            or len(value) < least
            or len(value) != len(set(map(str, value)))
        ):
            raise ValueError(f"{value!r} is no list of {least} or more different entries")
        return tuple(kind(entry) for entry in value)

    return check


def _matching(pattern: str, what: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError(f"{value!r} is no {what}")
        return value

    return check


_text = _of_kind(str)
_number = _or_unverified(_of_kind(int))
_address = _matching(r"https?://\S+", "address")
_file = _matching(r"[^/\\]+", "name of a file")
_ARCHIVE = {
    "file": _file,
    "bytes": _number,
    "sha256": _or_unverified(_matching("[0-9a-f]{64}", "SHA-256 in lower case")),
    "mirrors": _list_of(_address, 0),
}
_COUNTS = dict.fromkeys(("train_good", "test_good", "test_anomalous", "masks"), _number)
_FIELDS: dict[str, Callable[[Any], Any]] = {
    "title": _text,
    "homepage": _address,
    "licence": _or_unverified(_text),
    "commercial_use": _or_unverified(_of_kind(bool)),
    "pictures": _or_unverified(_of_kind(bool)),
    "citation": _text,
    "access": _one_of(*ACCESS),
    "steps": _text,
    "archives": _list_of(lambda fields: Archive(**_checked(fields, _ARCHIVE)), 1),
    "converter": _one_of(*CONVERTERS),
    "split": _text,
    "categories": _list_of(_matching(r"[^/\\]+", "name of a folder"), 1),
    "images": lambda fields: Counts(**_checked(fields, _COUNTS)),
}
