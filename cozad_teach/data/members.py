"""What may be taken from an archive that nobody vouches for; read in place or unpacked, alike."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path, PureWindowsPath
from typing import NamedTuple

from cozad_teach.errors import CozadError, printable

__all__ = ["LeftOut", "ZipMember", "inner_parts", "is_zip", "open_zip", "shown", "zip_members"]

# Bitmaps of one grey shrink much in an archive, but no collection of photographs shrinks more.
BOMB_RATIO, BOMB_FLOOR = 100, 2**30
MOST_FILES = 1_000_000
MOST_FOLDERS = 64  # one in another: Python deletes them by recursion

# The only methods that unpack no more than they are asked for; no common tool uses others for zip.
_ZIP_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1 | 0x40
_PATCH = 0x20
_DOS_FOLDER = 0x10
_LONGEST_SHOWN = 160


class LeftOut(NamedTuple):
    """A file that is not taken, by its name in the folder or archive, and why."""

    name: str
    reason: str


class ZipMember(NamedTuple):
    """A member of a zip archive, and what keeps it from being read, with a remedy, if anything."""

    info: zipfile.ZipInfo
    parts: tuple[str, ...]
    is_folder: bool
    is_link: bool
    problem: str | None


def shown(name: str) -> str:
    """Give the name of a member for a message: one line that is not too long."""
    if len(name) > _LONGEST_SHOWN:
        name = f"{name[: _LONGEST_SHOWN // 2]}...{name[-_LONGEST_SHOWN // 2 :]}"
    return printable(name) or "(no name)"


def inner_parts(name: str, archive: str) -> tuple[str, ...]:
    """Split the name of a member into its folders and its own name.

    Parameters
    ----------
    name : str
        As the archive has it.
    archive : str
        Name of the archive, for the message.

    Returns
    -------
    tuple of str
        Empty for names such as ``/`` and ``./``, which stand for the archive itself.

    Raises
    ------
    CozadError
        If the name leads out of the archive.
    """
    path = PureWindowsPath(name)  # knows both kinds of slashes, and drives
    parts = path.parts[1:] if path.anchor else path.parts
    if path.drive or ".." in parts or (path.anchor and parts):
        raise CozadError(
            f"{shown(name)} in {archive} leads out of the archive: do not trust it, pack it anew"
        )
    return parts


def name_problem(parts: tuple[str, ...]) -> str | None:
    """Say why no file can have this name; None if one can."""
    if not parts:
        return "has no name: pack it anew"
    if len(parts) > MOST_FOLDERS:
        return f"lies below {len(parts) - 1} folders: pack it anew with fewer"
    return None


def is_zip(path: Path) -> bool:
    """Tell whether a file ends as a zip archive does."""
    try:
        return path.is_file() and zipfile.is_zipfile(path)
    except zipfile.BadZipFile:  # it ends as one part of an archive of several
        return True


def open_zip(path: Path, name: str) -> zipfile.ZipFile:
    """Open a zip archive to read.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        What it is called in messages.

    Raises
    ------
    CozadError
        If it is damaged, of a newer kind, or has more members than any collection of images.
    OSError
        If it cannot be opened at all.
    """
    try:
        archive = zipfile.ZipFile(path)
    except NotImplementedError as error:
        raise CozadError(
            f"{name} needs a newer program ({error}): unpack it with one, give the folder"
        ) from error
    except Exception as error:  # zipfile raises half a dozen types for damaged files
        if isinstance(error, OSError) and error.filename is not None:
            raise
        raise CozadError(f"{name} is damaged or cut short: download it again") from error
    if len(archive.filelist) > MOST_FILES:
        raise CozadError(f"{name} holds over {MOST_FILES} files: it looks like a zip bomb")
    return archive


def zip_members(archive: zipfile.ZipFile, name: str) -> Iterator[ZipMember]:
    """Give the members of a zip archive, each with what keeps it from being read.

    Raises
    ------
    CozadError
        If the name of one leads out of the archive.
    """
    for info in archive.infolist():
        parts = inner_parts(info.filename, name)
        kind = stat.S_IFMT(info.external_attr >> 16)
        is_folder = info.filename.endswith(("/", "\\")) or kind == stat.S_IFDIR
        if not info.file_size:  # old tools mark a folder by this bit alone
            is_folder = is_folder or not parts or bool(info.external_attr & _DOS_FOLDER)
        is_link = kind not in (0, stat.S_IFREG, stat.S_IFDIR)
        problem = _zip_problem(info, is_link) or name_problem(parts)
        if is_folder and not (is_link or len(parts) > MOST_FOLDERS):
            problem = None
        yield ZipMember(info, parts, is_folder, is_link, problem)


def _zip_problem(info: zipfile.ZipInfo, is_link: bool) -> str | None:
    if is_link:
        return "is a link or a device: pack the file itself"
    if info.flag_bits & _ENCRYPTED:
        return "is encrypted: unpack it with its password, give the folder"
    if info.compress_type not in _ZIP_METHODS or info.flag_bits & _PATCH:
        return "is packed with a rare method: unpack it, give the folder"
    return None
