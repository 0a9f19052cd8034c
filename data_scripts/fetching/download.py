"""Fetch one large file: resumed after a cut, from the next mirror after a failure, then checked."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import requests
from tqdm.auto import tqdm

from cozad_teach.errors import CozadError
from fetching.watch import Meter, watched
from fetching.web import (
    Interrupted,
    Refused,
    answer,
    check_kind,
    check_status,
    chunks,
    host,
    span,
)

__all__ = ["RESERVED_BYTES", "download", "file_hash"]

ATTEMPTS = 6  # in a row that bring no new byte
MOST_REQUESTS = 1000
LONGEST_WAIT = 300  # seconds that a server may ask for
CHUNK = 2**20
RESERVED_BYTES = 2**28  # a disk is not filled to its last byte


def download(
    urls: Sequence[str],
    target: str | os.PathLike[str],
    *,
    sha256: str | None = None,
    size: int | None = None,
    progress: bool = False,
) -> str:
    """Fetch a file from the first address that has it.

    Parameters
    ----------
    urls : sequence of str
        Addresses of the same file, tried in their order. Proxies and a private certificate
        authority are taken from the environment (``HTTPS_PROXY``, ``REQUESTS_CA_BUNDLE``,
        ``SSL_CERT_FILE``).
    target : path
        Where the file appears, whole and checked, or not at all. What has come so far lies beside
        it in ``<name>.part``, and the next call goes on there if the server still has the same
        file.
    sha256 : str, optional
        64 hexadecimal digits that the content must have. What has others is kept as
        ``<name>.rejected``.
    size : int, optional
        Length in bytes of the file. No more than that is fetched; without it, no more than the
        disk has room for.
    progress : bool
        Show a bar if it takes more than a second.

    Returns
    -------
    str
        The SHA-256 of what came.

    Raises
    ------
    CozadError
        If no address gives the file, the disk is full, or the folder cannot be written to.
    """
    target = Path(target)
    part = target.with_name(f"{target.name}.part")
    reasons = []
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        for path in (target, part, _validator(part), part.with_suffix(".rejected")):
            if path.is_symlink() or (path.exists() and not path.is_file()):
                raise CozadError(f"{path} is a folder, a link or no file: remove it")
        for url in urls:
            try:
                found = _from_mirror(url, part, sha256, size, progress)
            except Refused as refusal:
                reasons.append(f"{host(url)} {refusal}")
                continue
            part.replace(target)
            return found
    except OSError as error:
        raise CozadError(
            f"cannot write {error.filename or part} ({error.strerror or error}): free the disk or "
            "name another folder with --root; what came so far is kept"
        ) from error
    why = "; ".join(reasons) or "it has no address"
    raise CozadError(
        f"{target.name} could not be fetched: {why}. Try again later, or bring the file with --from"
    )


def file_hash(path: str | os.PathLike[str]) -> str:
    """Give the SHA-256 of a file's content, 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(CHUNK), b""):
            digest.update(chunk)
    return digest.hexdigest()


def _from_mirror(url: str, part: Path, sha256: str | None, size: int | None, progress: bool) -> str:
    """Bring `part` to its full length and give its hash, which is the right one."""
    while True:
        resumed = _length(part) > 0
        _in_attempts(url, part, size, progress)
        found = file_hash(part)
        _validator(part).unlink(missing_ok=True)
        if sha256 in (None, found):
            return found
        rejected = part.with_suffix(".rejected")
        part.replace(rejected)
        if not resumed:  # else what lay there may have been of another file
            raise Refused(
                f"sent a file whose SHA-256 is {found}, not {sha256} (kept as {rejected}, not "
                "unpacked)"
            )


def _in_attempts(url: str, part: Path, size: int | None, progress: bool) -> None:
    """Bring `part` to its full length from one address, however often the connection breaks."""
    failures = 0
    for _ in range(MOST_REQUESTS):
        if size is not None and _length(part) > size:
            part.unlink()
        before = _length(part)
        try:
            return watched(lambda meter: _request(url, part, size, progress, meter))
        except Interrupted as interruption:
            grows = _length(part) > before and not interruption.slow
            failures = 0 if grows else failures + 1
            if failures == ATTEMPTS:
                raise Refused(f"{interruption} {ATTEMPTS} times in a row") from interruption
            wait = min(2.0**failures, 60) if interruption.wait is None else interruption.wait
            if wait > LONGEST_WAIT:
                raise Refused(f"asks to wait for {wait:.0f} seconds") from interruption
            time.sleep(wait)
    raise Refused(f"broke the connection {MOST_REQUESTS} times")


def _request(url: str, part: Path, size: int | None, progress: bool, meter: Meter) -> None:
    """Ask once for what is missing of `part`, and write what comes."""
    have, headers = _length(part), {}
    # Without a validator nobody can tell whether the rest would be of the same file.
    if have and (known_by := _known_by(part)):
        headers = {"Range": f"bytes={have}-", "If-Range": known_by}
    with answer(url, headers) as reply:
        if reply.status_code == 416:
            whole = reply.headers.get("Content-Range", "").strip() == f"bytes */{have}"
            return None if whole else _forget(part, meter)
        check_status(reply)
        start, total = span(reply)
        if start not in (0, have):
            return _forget(part, meter)
        if None not in (size, total) and total != size:
            raise Refused(f"offers {total} bytes where the file has {size}")
        expected = size if total is None else total
        room = _room(part.parent, (expected or start) - start)
        most = room if expected is None else expected - start
        look: dict[str, Any] = {"unit": "B", "unit_scale": True, "delay": 1, "desc": part.stem}
        with tqdm(total=expected, initial=start, disable=not progress, **look) as bar:
            _write(reply, part, start, most, meter, bar)
    if expected is not None and _length(part) != expected:
        raise Interrupted("broke the connection")


def _write(
    reply: requests.Response, part: Path, start: int, most: int, meter: Meter, bar: tqdm
) -> None:
    """Append the body to the first `start` bytes of `part`."""
    body = chunks(reply)
    chunk = next(body, b"")
    if start == 0:
        check_kind(reply, chunk, part.stem)
    with meter.changing():
        if start == 0:
            _remember(reply, part)
        # Unbuffered: who is left alone leaves nothing to be written later.
        file = part.open("r+b" if start else "wb", buffering=0)
    with file:
        file.seek(start)
        while chunk and (most := most - len(chunk)) >= 0:
            with meter.changing():
                rest = memoryview(chunk)
                while rest:
                    rest = rest[file.write(rest) :]
            meter.n_bytes += len(chunk)
            bar.update(len(chunk))
            chunk = next(body, b"")
    if most < 0:
        with meter.changing():
            part.unlink()
            _validator(part).unlink(missing_ok=True)
        raise Refused("sends more than the file or the disk has room for")


def _forget(part: Path, meter: Meter) -> None:
    """Ask for all of the file next time."""
    with meter.changing():
        _validator(part).unlink(missing_ok=True)
    raise Interrupted("answers with another part of the file")


def _remember(reply: requests.Response, part: Path) -> None:
    """Note by what the server will know this very file again."""
    etag = reply.headers.get("ETag", "")
    known_by = etag if etag.startswith('"') else reply.headers.get("Last-Modified", "")
    _validator(part).unlink(missing_ok=True)
    if known_by:
        _validator(part).write_text(known_by, "latin-1")


def _known_by(part: Path) -> str | None:
    with suppress(OSError):
        known_by = _validator(part).read_text("latin-1").strip()
        return known_by if re.fullmatch(r"[\x20-\x7e]{1,1000}", known_by) else None
    return None


def _validator(part: Path) -> Path:
    return part.with_name(f"{part.name}.validator")


def _room(folder: Path, needed: int) -> int:
    room = shutil.disk_usage(folder).free - RESERVED_BYTES
    if needed > room:
        raise Refused(
            f"has {needed / 1e9:.1f} GB to come, but {folder} has room for {max(room, 0) / 1e9:.1f}"
            " GB: free the disk or name another folder with --root"
        )
    return room


def _length(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0
