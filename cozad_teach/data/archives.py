"""Unpack an archive that nobody vouches for: inside its folder, and no more than it should hold."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path, PureWindowsPath
from typing import IO, Any, NamedTuple

from tqdm.auto import tqdm

from cozad_teach.data.download import RESERVED_BYTES
from cozad_teach.data.images import printable
from cozad_teach.errors import CozadError

__all__ = ["is_archive", "unpack"]

# Bitmaps of one grey shrink much in an archive, but no collection of photographs shrinks more.
BOMB_RATIO, BOMB_FLOOR = 100, 2**30
MOST_FILES = 1_000_000
CHUNK = 2**20
_TAR_END = 1024
# What opens a packed file, by how the file begins.
_PACKED: dict[bytes, Any] = {
    b"\x1f\x8b\x08": gzip.open,
    b"\xfd7zXZ\x00": lzma.open,
    b"BZh": bz2.open,
}
_ENCRYPTED = 0x1
_ZIP_METHODS = (*(zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA),)


class _Member(NamedTuple):
    name: str
    is_folder: bool
    size: int
    open: Callable[[], IO[bytes]]


def is_archive(path: str | os.PathLike[str]) -> bool:
    """Tell whether a file begins as a zip or tar archive does, packed or not."""
    return zipfile.is_zipfile(path) or _is_tar(path)


def unpack(
    archive: str | os.PathLike[str], folder: str | os.PathLike[str], *, progress: bool = False
) -> None:
    """Unpack a zip or tar archive into a folder.

    Parameters
    ----------
    archive : path
        ``.zip``, ``.tar``, or ``.tar`` packed by gzip, bzip2 or xz; told by its content.
    folder : path
        Is made. After an error it holds a part of the archive, for the caller to delete.
    progress : bool
        Show a bar if it takes more than two seconds.

    Raises
    ------
    CozadError
        If the file is no such archive, damaged or encrypted; if a name in it leads out of
        `folder`, is there twice, or is a link or a device; if it declares more than 100 times its
        own size, more files than any known set has, or more than the disk has room for.
    """
    archive, folder = Path(archive), Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    limit = max(BOMB_FLOOR, BOMB_RATIO * archive.stat().st_size)
    room = shutil.disk_usage(folder).free - RESERVED_BYTES
    declared = 0
    bar = tqdm(desc="unpacking", unit="file", delay=2, disable=not progress)
    try:
        with bar:
            for number, member in enumerate(_members(archive), 1):
                declared += member.size
                if declared > limit or number > MOST_FILES:
                    raise CozadError(
                        f"{archive} unpacks to over {min(declared, limit) // 2**20} MiB and "
                        f"{number} files: it looks like a zip bomb, do not trust it"
                    )
                if declared > room:
                    raise CozadError(
                        f"unpacked, {archive.name} has over {declared / 1e9:.1f} GB, but {folder} "
                        f"has room for {max(room, 0) / 1e9:.1f} GB: free the disk or name another "
                        "folder with --root"
                    )
                _write(member, folder, archive)
                bar.update()
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise CozadError(
            f"{archive} is damaged or cut short ({error}): delete it and fetch it again"
        ) from error


def _members(archive: Path) -> Iterator[_Member]:
    if zipfile.is_zipfile(archive):
        return _zip_members(archive)
    if _is_tar(archive):
        return _tar_members(archive)
    raise CozadError(f"{archive} is no zip or tar archive: check that it is the right file")


def _is_tar(path: str | os.PathLike[str]) -> bool:
    # By its first bytes: where those behind them are damaged, it is still a tar archive.
    with open(path, "rb") as file:
        begins = file.read(512)
    return begins.startswith(tuple(_PACKED)) or begins[257:262] == b"ustar"


def _zip_members(path: Path) -> Iterator[_Member]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise CozadError(_no_file(member.filename, path))
            if member.flag_bits & _ENCRYPTED or member.compress_type not in _ZIP_METHODS:
                raise CozadError(
                    f"{printable(member.filename)} in {path} is encrypted or packed with a rare "
                    "method: unpack the archive yourself and give its folder with --from"
                )
            yield _Member(
                member.filename, member.is_dir(), member.file_size, partial(archive.open, member)
            )


def _tar_members(path: Path) -> Iterator[_Member]:
    with path.open("rb") as file:
        begins = file.read(6)
    packed = next((kind for magic, kind in _PACKED.items() if begins.startswith(magic)), open)
    with packed(path, "rb") as content:
        stream = _Stream(content)
        # As a stream: to go back in a packed archive would mean to unpack it twice.
        with tarfile.open(fileobj=stream, mode="r|") as archive:  # type: ignore[call-overload]
            for member in archive:
                if not (member.isreg() or member.isdir()):
                    raise CozadError(_no_file(member.name, path))
                yield _Member(
                    *(member.name, member.isdir(), member.size),
                    partial(archive.extractfile, member),
                )
        stream.check_end()


class _Stream:
    """Reads the content of a tar archive, and knows whether it came to its end.

    tarfile takes a header that is not there for the end, so that nobody sees where it was cut off.
    """

    def __init__(self, content: IO[bytes]) -> None:
        self._content = content
        self._last = b""

    def read(self, n_bytes: int) -> bytes:
        try:
            chunk = self._content.read(n_bytes)
        except OSError as error:  # so gzip and bzip2 tell of damage
            raise EOFError(str(error)) from error
        self._last = (self._last + chunk)[-_TAR_END:]
        return chunk

    def check_end(self) -> None:
        """Read on to the end, where packers have a checksum and tar has two empty blocks."""
        while self.read(CHUNK):
            pass
        if self._last != bytes(_TAR_END):
            raise EOFError("it has no end")


def _write(member: _Member, folder: Path, archive: Path) -> None:
    shown = f"{printable(member.name)} in {archive}"
    inside = PureWindowsPath(member.name)  # knows both kinds of slashes, and drives
    if inside.anchor or ".." in inside.parts:
        raise CozadError(f"{shown} leads out of the archive: do not trust it")
    target = folder.joinpath(*inside.parts)
    try:
        if member.is_folder:
            target.mkdir(parents=True, exist_ok=True)
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file, member.open() as content:
            left = member.size
            while left and (chunk := content.read(min(CHUNK, left))):
                file.write(chunk)
                left -= len(chunk)
    except FileExistsError as error:
        raise CozadError(f"{shown} is there twice: check that it is the right archive") from error
    except OSError as error:
        raise CozadError(
            f"cannot write {printable(member.name)} ({error.strerror or error}): free the disk or "
            "name another folder with --root"
        ) from error
    if left:
        raise CozadError(f"{shown} is cut short: delete the archive and fetch it again")


def _no_file(name: str, archive: Path) -> str:
    return f"{printable(name)} in {archive} is a link or a device: do not trust it"
