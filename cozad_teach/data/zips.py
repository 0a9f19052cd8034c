"""Read the images of a zip archive in place."""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from cozad_teach.data.images import MAX_FILE_BYTES, ImageFile
from cozad_teach.data.members import (
    BOMB_FLOOR,
    BOMB_RATIO,
    LeftOut,
    is_zip,
    open_zip,
    shown,
    zip_members,
)
from cozad_teach.data.names import HEAD_BYTES, OVERLAY, is_overlay, left_out_by_name
from cozad_teach.errors import CozadError, join_problems, printable

__all__ = ["zip_files"]


def zip_files(path: Path) -> Iterator[ImageFile | LeftOut]:
    """Give the images of a zip archive, and the files that are left out.

    Parameters
    ----------
    path : Path
        The archive. It stays open until the last of its `ImageFile` is gone.

    Raises
    ------
    CozadError
        If it is no zip archive, or a damaged one; has a path that leads out of it; declares sizes
        that no collection of photographs has; or if an image in it cannot be read or is there
        twice.
    """
    place = printable(str(path))
    if not is_zip(path):
        with path.open("rb") as file:
            if file.read(4) == b"PK\3\4":
                raise CozadError(f"{place} is damaged or cut short: download it again")
        raise CozadError(f"{place} is neither a folder nor a zip archive: give a folder or a .zip")
    archive = open_zip(path, place)
    lock = threading.Lock()  # ZipFile counts its open members without one
    names: set[str] = set()
    problems = []
    declared = 0
    for member in zip_members(archive, place):
        name = "/".join(member.parts)
        left_out = left_out_by_name(name) if member.parts else None
        if member.is_folder or left_out or not member.parts:
            if member.problem:
                yield LeftOut(shown(member.info.filename), member.problem)
            elif left_out and not member.is_folder:
                yield left_out
            continue
        problem = member.problem
        if member.info.file_size > MAX_FILE_BYTES:
            problem = f"is over {MAX_FILE_BYTES // 10**6} MB: scale it down or cut it"
        elif name in names:
            problem = "is there twice: pack it anew with each name once"
        if problem:
            problems.append(f"{shown(member.info.filename)} in {place} {problem}")
            continue
        names.add(name)
        declared += member.info.file_size
        if name.lower().endswith(".png") and is_overlay(_head(archive, member.info)):
            yield LeftOut(name, OVERLAY)
        else:
            yield ImageFile(name, partial(_read_from_zip, archive, lock, member.info, name))
    if problems:
        raise CozadError(join_problems(problems))
    if declared > max(BOMB_FLOOR, BOMB_RATIO * path.stat().st_size):
        raise CozadError(
            f"{place} declares {declared // 2**20} MiB, over {BOMB_RATIO} times its own size: "
            "it looks like a zip bomb; if you trust it, unpack it and give the folder"
        )


def _head(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    try:
        with archive.open(member) as file:
            return file.read(HEAD_BYTES)
    except MemoryError:
        raise
    except Exception:  # said when the image is read
        return b""


def _read_from_zip(
    archive: zipfile.ZipFile, lock: threading.Lock, member: zipfile.ZipInfo, name: str
) -> bytes:
    try:
        with lock, archive.open(member) as file:
            # read() alone trusts the data, not the size; only what comes to its end is checked.
            content = file.read(member.file_size + 1)
    except MemoryError:
        raise
    except Exception as error:  # zipfile raises a dozen types for damaged members
        raise CozadError(_damaged(name, archive)) from error
    if len(content) != member.file_size:
        raise CozadError(_damaged(name, archive))
    return content


def _damaged(name: str, archive: zipfile.ZipFile) -> str:
    return f"{shown(name)} is damaged in {archive.filename}: download the archive again"
