"""Read a tar archive that nobody vouches for: no further, and no more at once, than it needs."""

from __future__ import annotations

import bz2
import gzip
import lzma
import tarfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple

from cozad_teach.data.members import inner_parts, name_problem

__all__ = ["Member", "is_tar", "tar_members"]

# tarfile reads what describes a member into memory whole, however long it says to be.
MOST_HEADERS = 2**15
MOST_PADDING = 2**20  # after the end: packers fill the last block of a tape
_CHUNK = 2**20
_END = 1024
# What opens a packed file, by how the file begins.
_PACKED: dict[bytes, Any] = {
    b"\x1f\x8b\x08": gzip.open,
    b"\xfd7zXZ\x00": lzma.open,
    b"BZh": bz2.open,
}


class Member(NamedTuple):
    """A member of an archive, and what keeps it from being taken, with a remedy, if anything."""

    name: str
    parts: tuple[str, ...]
    is_folder: bool
    is_link: bool
    size: int
    n_read: int  # bytes that were unpacked to know of it and will be to have it
    problem: str | None
    open: Callable[[], IO[bytes] | None]


def is_tar(path: Path) -> bool:
    """Tell whether a file begins as a tar archive does, packed or not."""
    if not path.is_file():
        return False
    # By its first bytes: where those behind them are damaged, it is still a tar archive.
    with path.open("rb") as file:
        begins = file.read(512)
    return begins.startswith(tuple(_PACKED)) or begins[257:262] == b"ustar"


def tar_members(path: Path, name: str) -> Iterator[Member]:
    """Give the members of a tar archive; each can be opened until the next is asked for.

    Parameters
    ----------
    path : Path
        A tar archive, packed or not.
    name : str
        What it is called in messages.

    Raises
    ------
    CozadError
        If the name of a member leads out of the archive.
    Exception
        Of a dozen types if it is damaged or cut short, also by `Member.open` and what that gives.
    """
    with path.open("rb") as file:
        begins = file.read(6)
    packed = next((kind for magic, kind in _PACKED.items() if begins.startswith(magic)), open)
    with packed(path, "rb") as content:
        stream = _Stream(content)
        # As a stream: to go back in a packed archive would mean to unpack it twice.
        with tarfile.open(fileobj=stream, mode="r|") as archive:  # type: ignore[call-overload]
            while (info := archive.next()) is not None:
                # Where the next member is said to be: the size of a sparse one is another.
                behind = archive.offset - info.offset
                if min(info.size, behind) < 0:
                    raise tarfile.ReadError("a size below 0")
                stream.allow(behind + MOST_HEADERS)
                yield _member(info, inner_parts(info.name, name), archive)
                # Each member would be kept, with a copy of what was said of all members.
                archive.members.clear()
                archive.pax_headers.clear()
        stream.check_end()


def _member(info: tarfile.TarInfo, parts: tuple[str, ...], archive: tarfile.TarFile) -> Member:
    is_link = info.issym() or info.islnk() or info.isdev()
    problem = None if info.isdir() and not parts else name_problem(parts)
    if not (info.isreg() or info.isdir()):
        problem = "is of a kind that few programs know: unpack it, give the folder"
    n_read = max(info.size, archive.offset - info.offset)
    opened = partial(archive.extractfile, info)
    return Member(info.name, parts, info.isdir(), is_link, info.size, n_read, problem, opened)


class _Stream:
    """Reads the content of a tar archive, no further than allowed, and knows whether it ended.

    tarfile takes a header that is not there for the end, so that nobody sees where it was cut off.
    """

    def __init__(self, content: IO[bytes]) -> None:
        self._content = content
        self._last, self._is_over = b"", False
        self.allow(MOST_HEADERS)

    def allow(self, n_bytes: int) -> None:
        """Set how much may be read from here on."""
        self._left = n_bytes

    def read(self, n_bytes: int) -> bytes:
        chunk = self._content.read(n_bytes)
        if not chunk and self._is_over:  # tarfile would go on for as long as a size may be
            raise EOFError("it ends too early")
        self._is_over = not chunk
        self._left -= len(chunk)
        if self._left < 0:
            raise tarfile.ReadError("more headers or padding than an archive needs")
        self._last = (self._last + chunk)[-_END:]
        return chunk

    def check_end(self) -> None:
        """Read on to the end, where packers have a checksum and tar has two empty blocks."""
        self.allow(MOST_PADDING)
        while self.read(_CHUNK):
            pass
        if self._last != bytes(_END):
            raise EOFError("it has no end")
