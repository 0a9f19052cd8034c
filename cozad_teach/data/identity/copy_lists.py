"""Lists of images that are there more than once, as ``data_scripts/get.py --audit`` writes them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from cozad_teach.errors import CozadError, printable
from cozad_teach.files import values as read
from cozad_teach.files.reading import read_json
from cozad_teach.files.values import Wrong

__all__ = ["FORMAT", "KINDS", "LABELS", "Audit", "Entry", "Group", "Pair", "read_copies"]

KINDS = ("same pixels", "saved anew", "mirrored or turned")
LABELS = ("good", "anomalous")

LARGEST_LIST = 256 * 2**20  # bytes
FORMAT = "cozad copies 1"


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


def read_copies(path: str | os.PathLike[str]) -> Audit:
    """Read a list of copies.

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
        content = read_json(path, "cannot read the list of copies", "check the path", LARGEST_LIST)
        values = _AUDIT(content, "the list")
        audit = Audit(values["names"], values["hashes"], values["groups"])
        _check(audit)
    except Wrong as error:
        raise CozadError(
            f"{printable(str(path))} is no list of copies, or a damaged one: make it anew with "
            "data_scripts/get.py --audit"
        ) from error
    return audit


def _read_group(value: Any, name: str) -> Group:
    content = _GROUP(value, name)
    return Group(
        tuple(Entry(**image) for image in content["images"]),
        tuple(Pair(**pair) for pair in content["pairs"]),
    )


def _check(audit: Audit) -> None:
    """Raise Wrong where parts of a list do not go together."""
    known = [set(hashes) for hashes in audit.hashes]
    entries = [image for group in audit.groups for image in group.images]
    pairs = [(pair, len(group.images)) for group in audit.groups for pair in group.pairs]
    if not (
        len(audit.names) == len(known)
        and all(e.set <= len(known) and e.hash in known[e.set - 1] for e in entries)
        and len({(e.set, e.name) for e in entries}) == len(entries)
        and all(p.first < p.second < n for p, n in pairs)
    ):
        raise Wrong("it names what is not there")


# Names of files may hold anything, also what is no text.
_name = read.text(4096, printable=False)
_hash = read.matching("[0-9a-f]{64}", "a SHA-256")
_place = read.whole(0, 10_000_000)
_GROUP = read.record(
    images=read.listed(
        read.record(
            set=read.whole(1, 2), category=_name, name=_name, label=read.word(*LABELS), hash=_hash
        ),
        2,
    ),
    pairs=read.listed(
        read.record(
            first=_place, second=_place, kind=read.word(*KINDS), similarity=read.number(-2, 2)
        ),
        1,
    ),
    labels_disagree=read.flag,
)
_AUDIT = read.record(
    format=read.word(FORMAT),
    names=read.listed(_name, 1, 2),
    hashes=read.listed(read.listed(_hash), 1, 2),
    groups=read.listed(_read_group),
)
