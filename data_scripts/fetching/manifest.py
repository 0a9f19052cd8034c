"""What is known of the public data sets: `data_scripts/manifest.yml`, read and checked."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import yaml
from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic.dataclasses import dataclass

from cozad_teach.errors import CozadError
from fetching.converters import CONVERTERS

__all__ = ["UNVERIFIED", "Archive", "Counts", "DatasetInfo", "read_manifest"]

UNVERIFIED = "unverified"

T = TypeVar("T")


def _none_if_unverified(value: object, info: ValidationInfo) -> object:
    if value is None and info.mode == "json":  # an empty place in the file
        raise ValueError(f"is empty: write {UNVERIFIED}")
    return None if value == UNVERIFIED else value


def _all_different(values: tuple[T, ...]) -> tuple[T, ...]:
    if len(values) != len(set(map(str, values))):
        raise ValueError("has an entry twice")
    return values


def _known_converter(name: str) -> str:
    if name not in CONVERTERS:
        raise ValueError(f"is not one of {', '.join(CONVERTERS)}")
    return name


Verified = Annotated[T | None, BeforeValidator(_none_if_unverified)]
Different = Annotated[tuple[T, ...], AfterValidator(_all_different)]
Text = Annotated[str, StringConstraints(strip_whitespace=True)]
Address = Annotated[str, StringConstraints(pattern=r"^https?://\S+$")]
FileName = Annotated[str, StringConstraints(pattern=r"^[^/\\]+$")]
Sha256 = Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")]
DatasetName = Annotated[str, StringConstraints(pattern="^[a-z0-9_]+$")]


# Strict: "5 GB" is no number, and yes is no text.
_CHECKED = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True, config=_CHECKED)
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

    file: FileName
    bytes: Verified[int]
    sha256: Verified[Sha256]
    mirrors: Different[Address]


@dataclass(frozen=True, config=_CHECKED)
class Counts:
    """How many files of each kind a converted data set has; None where nobody verified it."""

    train_good: Verified[int]
    test_good: Verified[int]
    test_anomalous: Verified[int]
    masks: Verified[int]


@dataclass(frozen=True, config=_CHECKED)
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
    archives : tuple of Archive
        One or more.
    converter : str
        A key of `CONVERTERS`.
    split : str
        Which images are for training and for testing, and who said so.
    categories : tuple of str
        Names of its folders, one or more.
    images : Counts
        Over all categories.
    steps : str
        What a person does to get the archives; empty where access is ``open``.
    """

    name: DatasetName
    title: Text
    homepage: Address
    licence: Verified[Text]
    commercial_use: Verified[bool]
    pictures: Verified[bool]
    citation: Text
    access: Literal["open", "login", "form"]
    archives: Annotated[Different[Archive], Field(min_length=1)]
    converter: Annotated[str, AfterValidator(_known_converter)]
    split: Text
    categories: Annotated[Different[FileName], Field(min_length=1)]
    images: Counts
    steps: Text = ""

    @model_validator(mode="after")
    def _access_fits(self) -> DatasetInfo:
        if self.access == "open" and not all(archive.mirrors for archive in self.archives):
            raise ValueError("access is open, but an archive has no mirror")
        if (self.access != "open") != bool(self.steps):
            raise ValueError("steps belong to access login or form, and only there")
        return self


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
    infos, dataset = {}, TypeAdapter(DatasetInfo)
    for name, fields in content.items():
        if not isinstance(fields, dict):
            raise CozadError(f"the manifest {path} is wrong at {name}: {fields!r} has no fields")
        if "name" in fields:
            raise CozadError(
                f"the manifest {path} is wrong at {name}: name: stands above the fields"
            )
        try:
            # As JSON, in which a list may stand for a tuple though all else is strict. What YAML
            # has and JSON lacks, such as dates, becomes what no field takes.
            entry = json.dumps(
                {"name": name, **fields}, default=lambda value: {"value": str(value)}
            )
            infos[str(name)] = dataset.validate_json(entry)
        except ValidationError as error:
            (first, *_) = error.errors(include_url=False)
            field = " ".join(map(str, first["loc"]))
            given = "" if first["type"] == "missing" else f", not {first['input']!r}"
            raise CozadError(
                f"the manifest {path} is wrong at {name}: {field}: {first['msg']}{given}"
            ) from error
    return infos
