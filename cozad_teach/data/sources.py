"""List and read the image files of a folder or a zip archive, which is never extracted.

Which files of a folder are inputs is decided here: none is passed over without a reason, and none
that a run of ours wrote is read.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cozad_teach.data.formats import IMAGE_SUFFIXES
from cozad_teach.data.images import MAX_FILE_BYTES, ImageFile
from cozad_teach.data.members import LeftOut
from cozad_teach.data.names import (
    HEAD_BYTES,
    OVERLAY,
    is_hidden,
    is_overlay,
    left_out_by_name,
)
from cozad_teach.data.zips import zip_files
from cozad_teach.errors import CozadError, printable
from cozad_teach.files.places import head

__all__ = ["LeftOut", "Listing", "list_images"]

_MOST_LINKS = 100  # to one folder: a fan of links has no end otherwise


@dataclass(frozen=True)
class Listing:
    """The files of a folder or archive.

    Attributes
    ----------
    images : tuple of ImageFile
        By name.
    left_out : tuple of LeftOut
        All other files, by name; a hidden folder counts as one.
    places : tuple of pathlib.Path
        What was looked into: the folder or archive, and folders that links in it lead to.
    """

    images: tuple[ImageFile, ...]
    left_out: tuple[LeftOut, ...]
    places: tuple[Path, ...]


def list_images(path: str | os.PathLike[str]) -> Listing:
    """List all images of a folder or zip archive, in the folders inside it too.

    Parameters
    ----------
    path : path
        A folder (links are followed) or a zip archive. An archive stays open until the last of
        its `ImageFile` is gone; threads may read from it at once, forked processes may not.

    Returns
    -------
    Listing
        Images are files with one of `IMAGE_SUFFIXES`, but for hidden ones and heat maps of
        ``cozad predict``.

    Raises
    ------
    CozadError
        If `path` is missing, unreadable, holds no image or is no zip archive; if an image is a
        broken link, a pipe or a device, or links lead to one folder again and again; if the
        archive is cut short, encrypted, names a file twice, has links or paths that lead out of
        it, or declares sizes that no collection of photographs has.
    """
    path = Path(path)
    links: Counter[Path] = Counter()
    try:
        if not path.exists():
            raise CozadError(f"{path} does not exist: check the path")
        if not (path.is_dir() or path.is_file()):
            raise CozadError(f"{path} is a pipe or a device: give a folder or a .zip")
        found = list(_folder_files(path, links) if path.is_dir() else zip_files(path))
    except OSError as error:
        place = error.filename or path
        raise CozadError(
            f"cannot read {place} ({error.strerror}): check its permissions"
        ) from error
    images = sorted((f for f in found if isinstance(f, ImageFile)), key=lambda file: file.name)
    left_out = sorted({f for f in found if isinstance(f, LeftOut)})
    if not images:
        raise CozadError(f"{path} holds no images that can be read: {_why_none(left_out)}")
    return Listing(tuple(images), tuple(left_out), (path, *links))


def _why_none(left_out: Sequence[LeftOut]) -> str:
    if not left_out:
        return f"check the path (images end in {' '.join(IMAGE_SUFFIXES)})"
    (reason, _), *others = Counter(file.reason for file in left_out).most_common()
    first = next(file.name for file in left_out if file.reason == reason)
    more = f" (and {len(left_out) - 1} more)" if left_out[1:] else ""
    return f"{printable(first)}{more}: {reason}" + (", and other reasons" if others else "")


def _head(path: Path) -> bytes:
    try:
        return head(path, HEAD_BYTES)
    except OSError:  # said when the image is read
        return b""


def _folder_files(root: Path, links: Counter[Path]) -> Iterator[ImageFile | LeftOut]:
    unusable = []
    for path in _walk(root, links):
        name = path.relative_to(root).as_posix()
        left_out = left_out_by_name(name)
        if left_out is None and not path.is_file():
            unusable.append(printable(name))
        elif left_out:
            yield left_out
        elif name.lower().endswith(".png") and is_overlay(_head(path)):
            yield LeftOut(name, OVERLAY)
        else:
            yield ImageFile(name, partial(_read_from_folder, path, name))
    if unusable:
        raise CozadError(f"{', '.join(sorted(unusable))} is a broken link or no file: remove it")


def _walk(root: Path, links: Counter[Path]) -> Iterator[Path]:
    """Give what is in a folder, through links too, but not through those that lead back up."""
    waiting = [(root, frozenset([root.resolve()]))]
    while waiting:
        folder, above = waiting.pop()
        for path in folder.iterdir():
            if not path.is_dir() or is_hidden(path.name):
                yield path
                continue
            real = path.resolve()
            if path.is_symlink():
                links[real] += 1
            if links[real] > _MOST_LINKS:
                raise CozadError(
                    f"{path} is one of more than {_MOST_LINKS} links to {real}: remove them"
                )
            if real not in above:
                waiting.append((path, above | {real}))


def _read_from_folder(path: Path, name: str) -> bytes:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise CozadError(
                f"{printable(name)} is over {MAX_FILE_BYTES // 10**6} MB: scale it down or cut it"
            )
        return path.read_bytes()
    except OSError as error:
        raise CozadError(
            f"cannot read {printable(name)} ({error.strerror}): check that it is there and its "
            "permissions"
        ) from error
