"""Unpack an archive that nobody vouches for: inside its folder, and no more than it should hold."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from cozad_teach.data.images import IMAGE_SUFFIXES
from cozad_teach.data.members import (
    BOMB_FLOOR,
    BOMB_RATIO,
    MOST_FILES,
    LeftOut,
    is_zip,
    open_zip,
    shown,
    zip_members,
)
from cozad_teach.errors import CozadError, printable
from fetching.download import RESERVED_BYTES
from fetching.tars import Member, is_tar, tar_members

__all__ = ["is_archive", "unpack"]

CHUNK = 2**20
_NEEDED = (*IMAGE_SUFFIXES, ".csv")  # what converters read
_IMPOSSIBLE_NAME = (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ)


class _BadNameError(Exception):
    """The file system has no such names."""


def is_archive(path: str | os.PathLike[str]) -> bool:
    """Tell whether a file ends as a zip archive does, or begins as a tar archive, packed or not."""
    return is_zip(Path(path)) or is_tar(Path(path))


def unpack(
    archive: str | os.PathLike[str], folder: str | os.PathLike[str], *, progress: bool = False
) -> list[LeftOut]:
    """Unpack a zip or tar archive into a folder, and the zip archives in it beside themselves.

    Parameters
    ----------
    archive : path
        ``.zip``, ``.tar``, or ``.tar`` packed by gzip, bzip2 or xz; told by its content.
    folder : path
        Is made. After an error it holds a part of the archive, for the caller to delete.
    progress : bool
        Show a bar if it takes more than two seconds.

    Returns
    -------
    list of LeftOut
        What could not be taken and is neither an image nor a table.

    Raises
    ------
    CozadError
        If the file is no such archive, or damaged; if an image in it is encrypted, packed by a
        rare method or has a name that no file can have; if a name leads out of `folder`, is there
        twice, or is a link or a device; if it holds more than 100 times its own size, more files
        than any known set has, or more than the disk has room for.
    """
    archive, folder = Path(archive), Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    limits = _Limits(archive, folder)
    with tqdm(desc="unpacking", unit="file", delay=2, disable=not progress) as bar:
        left_out = _unpack(archive, folder, printable(str(archive)), limits, bar)
        inner = (file for file in folder.rglob("*") if file.suffix.lower() == ".zip")
        for file in sorted(file for file in inner if file.is_file()):  # as of DAGM's classes
            name = file.relative_to(folder).as_posix()
            if is_zip(file):
                target = file.with_suffix("")
                left_out += _unpack(file, target, f"{shown(name)} in {archive}", limits, bar)
                file.unlink()
            else:
                left_out.append(LeftOut(shown(name), "is no zip archive, or a damaged one"))
    return left_out


class _Limits:
    """Counts what comes out of an archive and of those in it."""

    def __init__(self, archive: Path, folder: Path) -> None:
        self._archive, self._folder = archive, folder
        self._most = max(BOMB_FLOOR, BOMB_RATIO * archive.stat().st_size)
        self._room = shutil.disk_usage(folder).free - RESERVED_BYTES
        self._bytes = self._read = self._files = 0

    def add(self, member: Member) -> None:
        self._bytes += member.size
        self._read += member.n_read
        self._files += 1
        if self._read > self._most or self._files > MOST_FILES:
            raise CozadError(
                f"{self._archive} unpacks to over {min(self._read, self._most) // 2**20} MiB and "
                f"{self._files} files: it looks like a zip bomb, do not trust it"
            )
        if self._bytes > self._room:
            raise CozadError(
                f"unpacked, {self._archive.name} has over {self._bytes / 1e9:.1f} GB, but "
                f"{self._folder} has room for {max(self._room, 0) / 1e9:.1f} GB: free the disk or "
                "name another folder with --root"
            )


def _unpack(
    archive: Path, folder: Path, name: str, limits: _Limits, bar: tqdm[Any]
) -> list[LeftOut]:
    left_out = []
    with closing(_members(archive, name)) as members:
        for member in members:
            limits.add(member)
            if member.is_link:
                raise CozadError(
                    f"{shown(member.name)} in {name} is a link or a device: do not trust it"
                )
            problem = member.problem or _write(member, folder, name)
            if problem and Path(member.name).suffix.lower() in _NEEDED:
                raise CozadError(f"{shown(member.name)} in {name} {problem} (--from)")
            if problem:
                left_out.append(LeftOut(shown(member.name), problem))
            bar.update()
    return left_out


def _members(archive: Path, name: str) -> Generator[Member, None, None]:
    if is_zip(archive):
        found = _zip_members(archive, name)
    elif is_tar(archive):
        found = tar_members(archive, name)
    else:
        raise CozadError(f"{name} is no zip or tar archive: check that it is the right file")
    with _damage_told(name):
        yield from found


def _zip_members(path: Path, name: str) -> Iterator[Member]:
    with open_zip(path, name) as archive:
        for member in zip_members(archive, name):
            info = member.info
            size = 0 if member.is_folder else info.file_size
            yield Member(
                *(info.filename, member.parts, member.is_folder, member.is_link, size, size),
                *(member.problem, partial(archive.open, info)),
            )


@contextmanager
def _damage_told(name: str) -> Iterator[None]:
    try:
        yield
    except CozadError:
        raise
    except Exception as error:  # a dozen types, from five modules of the standard library
        why = shown(str(error) or type(error).__name__)
        raise CozadError(
            f"{name} is damaged or cut short ({why}): delete it and fetch it again"
        ) from error


def _write(member: Member, folder: Path, archive: str) -> str | None:
    """Write a member into its place; say why if no file can have its name."""
    target = folder.joinpath(*member.parts)
    try:
        if member.is_folder:
            target.mkdir(parents=True, exist_ok=True)
            return None
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            for chunk in _content(member, archive):
                file.write(chunk)
        return None
    except (FileExistsError, NotADirectoryError) as error:
        raise CozadError(
            f"{shown(member.name)} in {archive} is there twice: check that it is the right archive"
        ) from error
    except (ValueError, OSError) as error:  # ValueError: a zero byte, or half a character
        if isinstance(error, ValueError) or error.errno in _IMPOSSIBLE_NAME:
            return "has a name that no file here can have: unpack it, give the folder"
        raise CozadError(
            f"cannot write {shown(member.name)} of {archive} ({error.strerror or error}): free the "
            "disk or name another folder with --root"
        ) from error


def _content(member: Member, archive: str) -> Iterator[bytes]:
    n_bytes = 0
    with _damage_told(archive):
        content = member.open()
        assert content is not None  # a regular file
        with content:
            while chunk := content.read(CHUNK):
                n_bytes += len(chunk)
                yield chunk
        if n_bytes != member.size:
            raise EOFError(f"{shown(member.name)} has {n_bytes} of {member.size} bytes")
