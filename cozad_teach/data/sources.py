"""List and read the image files of a folder or a zip archive, which is never extracted."""

from __future__ import annotations

import os
import stat
import threading
import zipfile
import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath, PureWindowsPath

from cozad_teach.data.images import IMAGE_SUFFIXES, MAX_FILE_BYTES, ImageFile, printable
from cozad_teach.errors import CozadError

__all__ = ["list_images"]

# Photographs are compressed already: honest archives of them unpack to 1-10 times their size.
_BOMB_RATIO, _BOMB_FLOOR = 100, 2**30

# The only methods that unpack no more than they are asked for; no common tool uses others for zip.
_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1


def list_images(path: str | os.PathLike[str]) -> list[ImageFile]:
    """List all images of a folder or zip archive, in the folders inside it too, by name.

    Parameters
    ----------
    path : path
        A folder (links are followed) or a zip archive. An archive stays open until the last of
        its `ImageFile` is gone; threads may read from it at once, forked processes may not.

    Returns
    -------
    list of ImageFile
        Files with one of `IMAGE_SUFFIXES`, without hidden ones and without ``__MACOSX``.

    Raises
    ------
    CozadError
        If `path` is missing, unreadable, holds no image or is no zip archive; if the archive is
        cut short, encrypted, names a file twice, has links or paths that lead out of it, or
        declares sizes that no collection of photographs has.
    """
    path = Path(path)
    try:
        if not path.exists():
            raise CozadError(f"{path} does not exist: check the path")
        files = list(_folder_images(path) if path.is_dir() else _zip_images(path))
    except OSError as error:
        place = error.filename or path
        raise CozadError(
            f"cannot read {place} ({error.strerror}): check its permissions"
        ) from error
    if not files:
        raise CozadError(f"{path} holds no images ({' '.join(IMAGE_SUFFIXES)}): check the path")
    return sorted(files, key=lambda file: file.name)


def _is_hidden(part: str) -> bool:
    return part.startswith(".") or part == "__MACOSX"


def _is_listed(name: str) -> bool:
    """Tell images from ``Thumbs.db``, ``license.txt``, ``.DS_Store`` and ``._000.png``."""
    parts = PurePosixPath(name)
    return parts.suffix.lower() in IMAGE_SUFFIXES and not any(map(_is_hidden, parts.parts))


def _folder_images(root: Path) -> Iterator[ImageFile]:
    for path in _walk(root):
        name = path.relative_to(root).as_posix()
        if _is_listed(name):
            if not path.is_file():
                raise CozadError(f"{printable(name)} is a broken link or no file: remove it")
            yield ImageFile(name, partial(_read_from_folder, path, name))


def _walk(folder: Path, above: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """Give what is in `folder`, through links too, but not through those that lead back up."""
    real = folder.resolve()
    if real in above:
        return
    for path in folder.iterdir():
        if path.is_dir():
            if not _is_hidden(path.name):
                yield from _walk(path, above | {real})
        else:
            yield path


def _read_from_folder(path: Path, name: str) -> bytes:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise CozadError(_too_large(name))
        return path.read_bytes()
    except OSError as error:
        raise CozadError(
            f"cannot read {printable(name)} ({error.strerror}): check that it is there and its "
            "permissions"
        ) from error


def _zip_images(path: Path) -> Iterator[ImageFile]:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        with path.open("rb") as file:
            if file.read(4) == b"PK\3\4":
                raise CozadError(f"{path} is damaged or cut short: download it again") from error
        raise CozadError(
            f"{path} is neither a folder nor a zip archive: give a folder or a .zip"
        ) from error
    members = _checked_members(archive, path)
    lock = threading.Lock()  # ZipFile counts its open members without one
    for name, member in members.items():
        yield ImageFile(name, partial(_read_from_zip, archive, lock, member, name))


def _checked_members(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    """Give the images of an archive by name; refuse the archive if one entry of it is unsafe."""
    members: dict[str, zipfile.ZipInfo] = {}
    for member in archive.infolist():
        parsed = PureWindowsPath(member.filename)  # knows both kinds of slashes, and drives
        name = parsed.as_posix()
        shown = f"{printable(member.filename)} in {path}"
        if parsed.anchor or ".." in parsed.parts:
            raise CozadError(f"{shown} leads out of the archive: do not trust it, pack it anew")
        if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise CozadError(f"{shown} is a link or a device: pack the file itself")
        if member.is_dir() or not _is_listed(name):
            continue
        if member.flag_bits & _ENCRYPTED:
            raise CozadError(f"{shown} is encrypted: unpack it with its password, give the folder")
        if member.compress_type not in _ZIP_METHODS:
            raise CozadError(f"{shown} is packed with a rare method: unpack it, give the folder")
        if member.file_size > MAX_FILE_BYTES:
            raise CozadError(_too_large(name))
        if name in members:
            raise CozadError(f"{shown} is there twice: pack it anew with each name once")
        members[name] = member
    declared = sum(member.file_size for member in members.values())
    if declared > max(_BOMB_FLOOR, _BOMB_RATIO * path.stat().st_size):
        raise CozadError(
            f"{path} declares {declared // 2**20} MiB, over {_BOMB_RATIO} times its own size: "
            "it looks like a zip bomb; if you trust it, unpack it and give the folder"
        )
    return members


def _read_from_zip(
    archive: zipfile.ZipFile, lock: threading.Lock, member: zipfile.ZipInfo, name: str
) -> bytes:
    try:
        with lock, archive.open(member) as file:
            content = file.read(member.file_size)  # read() alone trusts the data, not the size
    except (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise CozadError(_damaged(name, archive)) from error
    if len(content) != member.file_size:
        raise CozadError(_damaged(name, archive))
    return content


def _damaged(name: str, archive: zipfile.ZipFile) -> str:
    return f"{printable(name)} is damaged in {archive.filename}: download the archive again"


def _too_large(name: str) -> str:
    return f"{printable(name)} is over {MAX_FILE_BYTES // 10**6} MB: scale it down or cut it"
