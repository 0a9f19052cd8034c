"""Lists of images that are there more than once: what stands in them, written and read."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cozad_teach.errors import CozadError
from cozad_teach.files import atomic_write

__all__ = ["KINDS", "LABELS", "Audit", "Entry", "Group", "Pair", "read_copies", "write_audit"]

KINDS = ("same pixels", "saved anew", "mirrored or turned")
LABELS = ("good", "anomalous")

_FORMAT = "cozad copies 1"


@dataclass(frozen=True, order=True)
class Entry:
    """An image that has copies.

    Attributes
    ----------
    set : int
        1 or 2: the data set that it belongs to.
    category, name : str
        Of the image's category and file.
    label : str
        ``good`` or ``anomalous``.
    hash : str
        Of `image_hash`.
    """

    set: int
    category: str
    name: str
    label: str
    hash: str


@dataclass(frozen=True, order=True)
class Pair:
    """Two images of a group that were found alike.

    Attributes
    ----------
    first, second : int
        Places in the group.
    kind : str
        ``same pixels``, ``saved anew`` or ``mirrored or turned``.
    similarity : float
        Partial correlation of the thumbnails, up to 1.
    """

    first: int
    second: int
    kind: str
    similarity: float


@dataclass(frozen=True)
class Group:
    """Images that show the same picture.

    Attributes
    ----------
    images : tuple of Entry
        Two or more, by set, category and name.
    pairs : tuple of Pair
        How they hang together. Of equal images each is paired with the first only.
    """

    images: tuple[Entry, ...]
    pairs: tuple[Pair, ...]

    @property
    def labels_disagree(self) -> bool:
        """Whether the same picture is called good and anomalous."""
        return len({image.label for image in self.images}) > 1

    def of_set(self, number: int) -> list[Entry]:
        """Give its images of set 1 or set 2."""
        return [image for image in self.images if image.set == number]


@dataclass(frozen=True)
class Audit:
    """All copies within one data set, or within and between two.

    Attributes
    ----------
    names : tuple of str
        Of the one or two sets.
    hashes : tuple of tuple of str
        Of all images of each set, those without copies too: by them a set is known again.
    groups : tuple of Group
        In the order of their first images.
    """

    names: tuple[str, ...]
    hashes: tuple[tuple[str, ...], ...]
    groups: tuple[Group, ...]

    def summary(self) -> str:
        """Say in a few lines how many images are copies."""
        lines = []
        for number, (name, hashes) in enumerate(zip(self.names, self.hashes, strict=True), 1):
            surplus = sum(max(len(group.of_set(number)) - 1, 0) for group in self.groups)
            lines.append(f"{name}: {len(hashes)} images, of which {surplus} repeat another one")
        shared = [g for g in self.groups if g.of_set(1) and g.of_set(2)]
        for number, name in enumerate(self.names[:2] if len(self.names) == 2 else (), 1):
            n = sum(len(group.of_set(number)) for group in shared)
            other = self.names[2 - number]
            lines.append(f"{n} of {len(self.hashes[number - 1])} images of {name} are in {other}")
        if disagreeing := sum(group.labels_disagree for group in self.groups):
            lines.append(f"{disagreeing} groups of copies are called both good and anomalous")
        return "\n".join(lines)


def write_audit(audit: Audit, path: str | os.PathLike[str]) -> None:
    """Write a list of copies as JSON, whole or not at all; the same audit gives the same file.

    Parameters
    ----------
    audit : Audit
        Of `audit_sets`.
    path : path
        The file.

    Raises
    ------
    CozadError
        As `atomic_write`.
    """
    content: dict[str, Any] = {"format": _FORMAT, **dataclasses.asdict(audit)}
    for listed, group in zip(content["groups"], audit.groups, strict=True):
        listed["labels_disagree"] = group.labels_disagree  # for those who read the file
    with atomic_write(path) as file:
        file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read_copies(path: str | os.PathLike[str]) -> Audit:
    """Read a list that `write_audit` wrote.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    Audit

    Raises
    ------
    CozadError
        If the file cannot be read or is not such a list, whole and in order.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise CozadError(
            f"cannot read the list of copies {path} ({error.strerror}): check the path"
        ) from error
    except (ValueError, RecursionError) as error:
        raise CozadError(_no_list(path)) from error
    try:
        if content["format"] != _FORMAT:
            raise ValueError("another format")
        audit = Audit(
            tuple(content["names"]),
            tuple(tuple(hashes) for hashes in content["hashes"]),
            tuple(
                Group(
                    tuple(Entry(**image) for image in group["images"]),
                    tuple(Pair(**pair) for pair in group["pairs"]),
                )
                for group in content["groups"]
            ),
        )
        _check(audit)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CozadError(_no_list(path)) from error
    return audit


def _no_list(path: str | os.PathLike[str]) -> str:
    return (
        f"{path} is no list of copies, or a damaged one: make it anew with "
        "data_scripts/get.py --audit"
    )


def _check(audit: Audit) -> None:
    """Raise ValueError or TypeError where `audit` is not what `audit_sets` gives."""
    known = [set(hashes) for hashes in audit.hashes]
    entries = [image for group in audit.groups for image in group.images]
    pairs = [(pair, len(group.images)) for group in audit.groups for pair in group.pairs]
    _require(len(audit.names) == len(known) in (1, 2))
    _require(isinstance(name, str) for name in audit.names)
    _require(re.fullmatch("[0-9a-f]{64}", value) for values in known for value in values)
    _require(len(group.images) > 1 and group.pairs for group in audit.groups)
    _require(type(e.set) is int and 1 <= e.set <= len(known) for e in entries)
    _require(isinstance(e.category, str) and isinstance(e.name, str) for e in entries)
    _require(e.label in LABELS and e.hash in known[e.set - 1] for e in entries)
    _require(len({(e.set, e.name) for e in entries}) == len(entries))
    _require(type(p.first) is type(p.second) is int for p, _ in pairs)
    _require(0 <= p.first < p.second < n and p.kind in KINDS for p, n in pairs)
    _require(math.isfinite(p.similarity) for p, _ in pairs)


def _require(holds: bool | Iterable[Any]) -> None:
    if not (holds if isinstance(holds, bool) else all(holds)):
        raise ValueError("not a list of copies")
