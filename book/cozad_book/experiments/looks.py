"""Records of looks at untouched images, by which the images are known again under any name."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from cozad_teach.data.folders import Category, LabelledImage, read_image
from cozad_teach.data.identity.copies import find_copies
from cozad_teach.data.identity.fingerprints import THUMBNAIL_SIDE, Fingerprints
from cozad_teach.data.masks import mask_of
from cozad_teach.data.parallel import in_threads
from cozad_teach.errors import CozadError, printable
from cozad_teach.files.reading import read_json
from cozad_teach.files.values import Wrong
from cozad_teach.files.writing import atomic_write

__all__ = ["Images", "Look", "identify", "looks_folder", "one_look", "read_looks", "write_look"]

LARGEST_LOOK = 2**30  # bytes
_FORMAT = "cozad look 1"
_KEEP = "nobody can say which images were looked at: put it back as it was, from a backup"


@dataclass(frozen=True)
class Images:
    """The test images of a data set, known by their content.

    Attributes
    ----------
    prints : tuple of Fingerprints
        Of each category.
    digest : str
        16 hexadecimal digits that change with any pixel, label or mask, and with which images are
        in one category; no name of a file or folder changes them.
    """

    prints: tuple[Fingerprints, ...]
    digest: str

    def __len__(self) -> int:
        return sum(map(len, self.prints))


@dataclass(frozen=True)
class Look:
    """One look.

    Attributes
    ----------
    date : str
        When it was begun, in ISO 8601 with the time zone.
    settings : dict of str to str
        All that decides the result of given images: another value makes another look.
    images : Images
        What was looked at.
    made_with : dict
        Commit, versions and hardware.
    report : dict or None
        Of `evaluate`; None where the look was stopped.
    """

    date: str
    settings: dict[str, str]
    images: Images
    made_with: dict[str, Any]
    report: dict[str, Any] | None = None

    def seen(self, images: Images) -> list[str]:
        """Name those of `images` that show a picture of this look, each with what it is."""
        copies = {
            new.names[copy.first]: f"{printable(new.names[copy.first])} = "
            f"{printable(old.names[copy.second])}, {copy.kind}"
            for new in images.prints
            for old in self.images.prints
            for copy in find_copies(new, old, same_kind=True)
        }
        return list(copies.values())


def looks_folder() -> Path:
    """Give the folder of records: of the user, whatever becomes of checkouts, caches and data."""
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data, "cozad-teach", "looks")


@contextmanager
def one_look(folder: Path) -> Iterator[None]:
    """Hold the right to look until the block ends.

    Raises
    ------
    CozadError
        If another process holds it, or nothing can be written there.
    """
    lock = FileLock(folder / ".lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise CozadError("another look at untouched images goes on: wait for its end") from error
    except OSError as error:
        raise CozadError(
            f"a look is put on record in {folder}, where nothing can be written "
            f"({error.strerror}): name a folder that lasts with XDG_DATA_HOME"
        ) from error
    try:
        yield
    finally:
        lock.release()


def identify(dataset: Mapping[str, Category], *, progress: bool = False) -> Images:
    """Read the test images of a data set and their masks, to know them again.

    Raises
    ------
    CozadError
        If a file cannot be read.
    """
    prints, digests = [], []
    for name, category in dataset.items():
        found = in_threads(_identified, category.test, name, progress=progress)
        if found:
            prints.append(Fingerprints.join([one for one, _ in found]))
            digests.append("\n".join(sorted(of_image for _, of_image in found)))
    digest = hashlib.sha256("\n\n".join(sorted(digests)).encode()).hexdigest()[:16]
    return Images(tuple(prints), digest)


def _identified(item: LabelledImage) -> tuple[Fingerprints, str]:
    one = Fingerprints.of([item.image.name], [read_image(item.image)])
    mask = ""
    if item.mask:
        pixels = mask_of(item.mask, item.image).pixels
        mask = hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).hexdigest()
    return one, f"{one.hashes[0]} {item.is_anomalous} {mask}"


def write_look(look: Look, folder: Path) -> Path:
    """Put a look on record, in the place of the same one before it was finished."""
    prints = Fingerprints.join(look.images.prints)
    content = {
        "format": _FORMAT,
        "date": look.date,
        "settings": look.settings,
        "data": look.images.digest,
        "made_with": look.made_with,
        "report": look.report,
        "images": [{"names": one.names, "hashes": one.hashes} for one in look.images.prints],
        "thumbnails": base64.b64encode(zlib.compress(prints.thumbnails.tobytes())).decode(),
    }
    path = folder / f"{look.images.digest}.json"
    with atomic_write(path) as file:
        text = json.dumps({"sha256": _sum(content), **content}, indent=1)
        file.write_text(text + "\n", encoding="utf-8")
    return path


def read_looks(folder: Path) -> list[Look]:
    """Read all records.

    Raises
    ------
    CozadError
        If one is damaged: it may be of the images at hand.
    """
    return [_read(path) for path in sorted(folder.glob("*.json"))]


def _read(path: Path) -> Look:
    try:
        content = read_json(path, "cannot read the record of a look", _KEEP, LARGEST_LOOK)
        if not isinstance(content, dict) or content.pop("sha256", "") != _sum(content):
            raise Wrong("its checksum is not that of its content")
    except Wrong as error:
        raise CozadError(f"{path} is damaged ({error}), so {_KEEP}") from error
    if content["format"] != _FORMAT:
        raise CozadError(f"{path} was written by a newer version of this program: use that")
    packed = bytearray(zlib.decompress(base64.b64decode(content["thumbnails"])))
    pixels = np.frombuffer(packed, np.uint8)
    images = Images(tuple(_prints(content["images"], pixels)), content["data"])
    fields = ("date", "settings", "made_with", "report")
    return Look(images=images, **{name: content[name] for name in fields})


def _prints(sets: Sequence[Mapping[str, Any]], pixels: np.ndarray) -> Iterator[Fingerprints]:
    thumbs, first = pixels.reshape(-1, THUMBNAIL_SIDE, THUMBNAIL_SIDE), 0
    for one in sets:
        last = first + len(one["names"])
        yield Fingerprints(tuple(one["names"]), tuple(one["hashes"]), thumbs[first:last])
        first = last


def _sum(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
