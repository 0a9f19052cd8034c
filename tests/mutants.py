"""Damage files as disks, networks and strangers do: anywhere, and in the fields that matter."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import random
import re
import struct
import tarfile
import zlib
from collections.abc import Callable, Sequence

Mutate = Callable[[random.Random, Sequence[bytes]], bytes]

_NUMBERS = (
    0,
    1,
    2,
    0x7F,
    0x80,
    0xFF,
    0x7FFF,
    0xFFFF,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**63,
    2**64 - 1,
)
_OCTETS = (b"", b"\0", b"-1", b"/", b"..", b"../", b"\xff\xfe", b"%s", b"9" * 40, b"\n", b"\r\n")


def anywhere(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Flip, overwrite, cut, double, move or mix what lies anywhere."""
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        at, n = rng.randrange(len(data) + 1), rng.choice((1, 2, 4, 8, 64, 512))
        kind = rng.randrange(7)
        if kind == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[at : at + n] = rng.randbytes(n)
        elif kind == 2:
            data[at : at + n] = number(rng)
        elif kind == 3:
            data[at : at + n] = rng.choice(_OCTETS)
        elif kind == 4:
            del data[at : at + n]
        elif kind == 5:
            data[at:at] = data[at : at + n] * rng.choice((1, 2, 50))
        else:
            other = rng.choice(seeds)
            data[at:] = other[rng.randrange(len(other) + 1) :]
    if rng.random() < 0.1:
        del data[rng.randrange(len(data) + 1) :]
    return bytes(data)


def number(rng: random.Random) -> bytes:
    size = rng.choice((1, 2, 4, 8))
    value = rng.choice(_NUMBERS) % 256**size
    return value.to_bytes(size, rng.choice(("little", "big")))


def in_zip(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Change fields of the directory, of the headers and of the end of a zip archive."""
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.choice((1, 1, 2, 4))):
        magic, length = rng.choice(
            ((b"PK\1\2", 46), (b"PK\1\2", 46), (b"PK\3\4", 30), (b"PK\5\6", 22), (b"PK\6\6", 56))
        )
        places = [i for i in range(len(data)) if data.startswith(magic, i)]
        if places:
            start = rng.choice(places)
            at = start + rng.randrange(4, length, 2)
            value = rng.choice((number(rng), struct.pack("<H", 1 << rng.randrange(16))))
            data[at : at + len(value)] = value
            if rng.random() < 0.2:  # in the name
                data[start + length : start + length + 2] = rng.choice((b"\\\\", b"..", b"\0\xff"))
    return bytes(data) if rng.random() < 0.8 else anywhere(rng, [bytes(data)])


def in_tar(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Change fields of the headers of a tar archive such that their checksums are right; pack."""
    data = bytearray(rng.choice(seeds))
    for _ in range(rng.choice((1, 1, 2, 4))):
        kind = rng.random()
        heads = [i for i in range(0, len(data), 512) if data[i + 257 : i + 262] == b"ustar"]
        if kind < 0.6 and heads:
            _in_header(rng, data, rng.choice(heads))
        elif kind < 0.85:
            _in_records(rng, data)
        else:  # double, drop or move blocks
            at, n = (512 * rng.randrange(1 + len(data) // 512) for _ in range(2))
            blocks = data[at : at + min(n, 2048)]
            if rng.random() < 0.5:
                del data[at : at + len(blocks)]
            data[n:n] = blocks * rng.choice((1, 1, 2, 60))
    if rng.random() < 0.1:
        del data[rng.randrange(len(data) + 1) :]
    packed = rng.choice((bytes, bytes, _gzip, bz2.compress, _xz))(bytes(data))
    return packed if rng.random() < 0.8 else anywhere(rng, [packed])


def _in_header(rng: random.Random, data: bytearray, at: int) -> None:
    fields = ((0, 100), (124, 12), (124, 12), (156, 1), (157, 100), (345, 155), (257, 8))
    start, length = rng.choice(fields)
    if start == 156:
        value = rng.choice([b"%c" % c for c in b"0123456DKLMNSVXgx\0~"])
    elif start == 124:
        size = rng.choice((*_NUMBERS, len(data), 511, 10**6))
        value = rng.choice(
            (b"%011o\0" % size, b"\x80" + (size % 2**88).to_bytes(11, "big"), b"\xff" * 12)
        )
        value = rng.choice((value, value, b"-0000000001\0", b" " * 12, rng.randbytes(12)))
    else:
        value = rng.choice((*_OCTETS, b"a/" * 50, rng.randbytes(20)))
    data[at + start : at + start + length] = value[:length].ljust(length, b"\0")
    block = data[at : at + 148] + b" " * 8 + data[at + 156 : at + 512]
    data[at + 148 : at + 156] = b"%06o\0 " % sum(block)


_KEYS = (
    *(b"path", b"linkpath", b"size", b"hdrcharset", b"GNU.sparse.map", b"GNU.sparse.size"),
    *(b"GNU.sparse.major", b"GNU.sparse.realsize", b"GNU.sparse.name", b"", b"\xff"),
)


def _in_records(rng: random.Random, data: bytearray) -> None:
    """Change the length, the key or the value of a record of a pax header."""
    found = list(re.finditer(rb"(\d+) ([\w.]+)=([^\n]*)\n", data))
    if not found:
        return
    record = rng.choice(found)
    length, key, value = record.groups()
    key = rng.choice((key, rng.choice(_KEYS)))
    value = rng.choice((value, *_OCTETS, b"1,2,3", b"0,-5", b"BINARY", b"-9", b"9" * 30))
    if rng.random() < 0.2:
        length = rng.choice((b"0", b"1", b"-1", b"5", b"999", b"9" * 5000))
    else:
        length = b"%d" % (len(key) + len(value) + 3 + len(length))
    new = length + b" " + key + b"=" + value + b"\n"
    if rng.random() < 0.7:  # of the same length, such that the next header is where it was
        new = new[: len(record[0])].ljust(len(record[0]), b"\0")
    data[record.start() : record.end()] = new


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, 1, mtime=0)


def _xz(data: bytes) -> bytes:
    return lzma.compress(data, preset=0)


def in_png(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Change chunks of a PNG such that their checksums are right, move, double or drop them."""
    data = rng.choice(seeds)
    if not data.startswith(b"\x89PNG"):
        return anywhere(rng, seeds)
    chunks, at = [], 8
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    for _ in range(rng.choice((1, 1, 2))):
        i = rng.randrange(len(chunks))
        kind, content = chunks[i]
        if rng.random() < 0.2:
            kind = rng.choice(
                (b"IDAT", b"PLTE", b"tRNS", b"iCCP", b"zTXt", b"acTL", b"eXIf", b"IEND")
            )
        if rng.random() < 0.7 and content:
            content = anywhere(rng, [content])
        chunks[i] = (kind, content)
        if rng.random() < 0.2:
            chunks.insert(rng.randrange(len(chunks)), chunks[i])
        if rng.random() < 0.1 and chunks[1:]:
            del chunks[rng.randrange(len(chunks))]
    parts = [
        struct.pack(">I", len(c)) + k + c + struct.pack(">I", zlib.crc32(k + c)) for k, c in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


_VALUES = (
    *(b"", b" ", b"abc", b"-1", b"0", b"1e9", b"5, 6", b"9" * 30, b"9" * 5000, b"\xe9\xff", b"\0"),
    *(b"bytes 0-4/5", b"bytes */5", b"bytes 9-1/-1", b"bytes a-b/c", b"chunked", b"gzip", b"br"),
    *(b"identity, gzip", b"close", b"keep-alive", b"text/html", b'"' + b"x" * 3000, b"http://[x"),
    *(b"http://", b"file:///etc/passwd", b"//", b"Mon, 01 Jan 0001 00:00:00 -0000", b"\x1b[31m"),
)
_NAMES = (
    *(b"Content-Length", b"Content-Range", b"Content-Encoding", b"Transfer-Encoding", b"ETag"),
    *(b"Content-Type", b"Location", b"Retry-After", b"Last-Modified", b"Connection", b"Set-Cookie"),
    *(b"", b"X", b" folded", b"Content-Length ", b"\xff"),
)
_STATUS = (200, 200, 200, 206, 204, 301, 302, 304, 308, 401, 404, 416, 429, 500, 503, 100, 103, 999)


def in_head(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Change lines of the head of an answer."""
    head, _, body = rng.choice(seeds).partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    for _ in range(rng.choice((1, 1, 2, 3))):
        kind, i = rng.randrange(6), rng.randrange(len(lines))
        if kind == 0:
            lines[0] = b"HTTP/1.1 %d %b" % (rng.choice(_STATUS), rng.choice(_VALUES))
        elif kind == 1:
            name = lines[i].split(b":")[0]
            lines[i] = name + rng.choice((b": ", b":", b"")) + rng.choice(_VALUES)
        elif kind == 2:
            lines.insert(i + 1, rng.choice(_NAMES) + b": " + rng.choice(_VALUES))
        elif kind == 3:
            del lines[i : i + 1]
            lines = lines or [b""]
        elif kind == 4:
            lines[i] = anywhere(rng, [lines[i] or b" "])
        else:
            lines.insert(i, lines[i])
    end = rng.choice((b"\r\n",) * 6 + (b"\n", b"\r", b""))
    whole = end.join(lines) + rng.choice((b"\r\n\r\n",) * 6 + (b"\n\n", b"", b"\r\n")) + body
    return whole if rng.random() < 0.8 else anywhere(rng, [whole])


def tar(members: dict[str, bytes], format: int, **said: str) -> bytes:
    """Pack a tar archive in memory; what is `said` stands in pax headers, of all and of each."""
    stream = io.BytesIO()
    pax = said if format == tarfile.PAX_FORMAT else None
    with tarfile.open(fileobj=stream, mode="w", format=format, pax_headers=pax) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.pax_headers = len(content), said
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()
