"""Zip archives that `zipfile` would not write: odd names, versions, methods and sizes."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

UTF8, ENCRYPTED = 0x800, 0x1
STORED, DEFLATED = 0, 8
LINK = 0o120777 << 16


@dataclass
class Entry:
    """One member; what is None is as it should be."""

    name: bytes | str
    data: bytes = b""
    method: int = STORED
    flags: int = 0
    attributes: int = 0
    version: int = 20
    size: int | None = None
    crc: int | None = None
    offset: int | None = None
    local_name: bytes | None = None


def odd_zip(path: Path, *entries: Entry, before: bytes = b"", comment: bytes = b"") -> Path:
    """Write an archive with these members, after the bytes `before`."""
    content, directory = bytearray(before), b""
    for entry in entries:
        raw = entry.name.encode() if isinstance(entry.name, str) else entry.name
        flags = entry.flags | (UTF8 if isinstance(entry.name, str) else 0)
        packed = entry.data
        if entry.method == DEFLATED:
            deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
            packed = deflate.compress(entry.data) + deflate.flush()
        size = len(entry.data) if entry.size is None else entry.size
        crc = zlib.crc32(entry.data) if entry.crc is None else entry.crc
        fields = (flags, entry.method, 0, 33, crc, len(packed), size)
        offset = len(content) if entry.offset is None else entry.offset
        local = raw if entry.local_name is None else entry.local_name
        content += struct.pack("<4s5H3L2H", b"PK\3\4", entry.version, *fields, len(local), 0)
        content += local + packed
        directory += struct.pack(
            *("<4s6H3L5H2L", b"PK\1\2", 20, entry.version, *fields, len(raw)),
            *(0, 0, 0, 0, entry.attributes, offset),
        )
        directory += raw
    n = len(entries)
    end = struct.pack(
        *("<4s4H2LH", b"PK\5\6", 0, 0, n, n, len(directory), len(content), len(comment))
    )
    path.write_bytes(content + directory + end + comment)
    return path
