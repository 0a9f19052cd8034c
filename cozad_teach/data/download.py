"""Fetch one large file: resumed after a cut, from the next mirror after a failure, then checked."""

from __future__ import annotations

import email.utils
import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

import requests
import urllib3
from tqdm.auto import tqdm

from cozad_teach import __version__
from cozad_teach.errors import CozadError

__all__ = ["RESERVED_BYTES", "download", "file_hash"]

ATTEMPTS = 6  # in a row that bring no new byte
CONNECT_SECONDS, READ_SECONDS = 15, 60
LONGEST_WAIT = 300  # seconds that a server may ask for
CHUNK = 2**20
RESERVED_BYTES = 2**28  # a disk is not filled to its last byte


class _Refused(Exception):
    """The address will not do; another may."""


class _Interrupted(Exception):
    """The same address may do in `wait` seconds, or, without a number, a little later."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


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
        Length in bytes that the server must announce.
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
        with requests.Session() as session:
            session.headers.update(
                {"User-Agent": f"cozad-teach/{__version__}", "Accept-Encoding": "identity"}
            )
            for url in urls:
                try:
                    _from_address(session, url, part, size, progress)
                except _Refused as refusal:
                    reasons.append(f"{urlsplit(url).netloc or url} {refusal}")
                    continue
                found = file_hash(part)
                _validator(part).unlink(missing_ok=True)
                if sha256 in (None, found):
                    part.replace(target)
                    return found
                rejected = target.with_name(f"{target.name}.rejected")
                part.replace(rejected)
                reasons.append(
                    f"{urlsplit(url).netloc} sent a file whose SHA-256 is {found}, not {sha256} "
                    f"(kept as {rejected}, not unpacked)"
                )
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


def _from_address(
    session: requests.Session, url: str, part: Path, size: int | None, progress: bool
) -> None:
    """Bring `part` to its full length from one address, however often the connection breaks."""
    failures = 0
    while True:
        before = _length(part)
        try:
            return _request(session, url, part, size, progress)
        except _Interrupted as interruption:
            failures = 0 if _length(part) > before else failures + 1
            if failures == ATTEMPTS:
                raise _Refused(f"{interruption} {ATTEMPTS} times in a row") from interruption
            wait = min(2.0**failures, 60) if interruption.wait is None else interruption.wait
            if wait > LONGEST_WAIT:
                raise _Refused(f"asks to wait for {wait:.0f} seconds") from interruption
            time.sleep(wait)


def _request(
    session: requests.Session, url: str, part: Path, size: int | None, progress: bool
) -> None:
    """Ask once for what is missing of `part`, and write what comes."""
    have, headers = _length(part), {}
    # Without a validator nobody can tell whether the rest would be of the same file.
    if have and (validator := _validator(part)).exists():
        headers = {"Range": f"bytes={have}-", "If-Range": validator.read_text("latin-1")}
    try:
        with session.get(
            url,
            headers=headers,
            stream=True,
            timeout=(CONNECT_SECONDS, READ_SECONDS),
            verify=_certificates(),
        ) as answer:
            if answer.status_code == 416:
                return _nothing_left(answer, part, have)
            _check_status(answer)
            start = _start(answer, part, have)
            announced = answer.headers.get("Content-Length")
            total = start + int(announced) if announced else None
            if size and total and total != size:
                raise _Refused(f"offers {total} bytes where the file has {size}")
            _check_space(part.parent, (total or size or start) - start)
            with tqdm(
                desc=part.stem,
                total=total,
                initial=start,
                unit="B",
                unit_scale=True,
                delay=1,
                disable=not progress,
            ) as bar:
                _write(answer, part, start, bar)
    except requests.TooManyRedirects as error:
        raise _Refused("redirects in a circle") from error
    except requests.exceptions.SSLError as error:
        raise _Refused(
            "has a certificate that is not trusted (name the file of your certificate authority "
            "in REQUESTS_CA_BUNDLE)"
        ) from error
    except (requests.ConnectionError, requests.Timeout, urllib3.exceptions.HTTPError) as error:
        raise _Interrupted("broke the connection") from error
    except requests.RequestException as error:
        raise _Refused(f"cannot be asked ({type(error).__name__})") from error
    if total is not None and _length(part) != total:
        raise _Interrupted("broke the connection")


def _write(answer: requests.Response, part: Path, start: int, bar: tqdm) -> None:
    """Append the body to the first `start` bytes of `part`."""
    chunks = _chunks(answer)
    first = next(chunks, b"")
    if start == 0 and _is_web_page(answer, first):
        raise _Refused("answers with a web page where the file should be")
    if start == 0:
        _remember(answer, part)
    with part.open("r+b" if start else "wb") as file:
        file.seek(start)
        while first:
            file.write(first)
            bar.update(len(first))
            first = next(chunks, b"")


def _chunks(answer: requests.Response) -> Iterator[bytes]:
    # What has come before a cut is given out too: `iter_content` would drop the last chunk.
    while chunk := answer.raw.read1(CHUNK):
        yield chunk


def _check_status(answer: requests.Response) -> None:
    status = answer.status_code
    if status in (408, 425, 429) or status >= 500:
        raise _Interrupted(f"answers {status} {answer.reason}", _retry_after(answer))
    if status not in (200, 206):
        raise _Refused(f"answers {status} {answer.reason}")


def _retry_after(answer: requests.Response) -> float | None:
    value = answer.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdecimal():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None


def _start(answer: requests.Response, part: Path, have: int) -> int:
    """Tell from which byte on the answer goes."""
    if answer.status_code == 200:
        return 0
    found = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    if not found or int(found[1]) != have:
        part.unlink(missing_ok=True)
        raise _Interrupted("answers with another part of the file")
    return have


def _nothing_left(answer: requests.Response, part: Path, have: int) -> None:
    """Accept that there is nothing after `part`, if the file is no longer than that."""
    if answer.headers.get("Content-Range", "").strip() != f"bytes */{have}":
        part.unlink(missing_ok=True)
        raise _Interrupted("has another file than before")


def _is_web_page(answer: requests.Response, first: bytes) -> bool:
    kind = answer.headers.get("Content-Type", "").lower()
    begins = first[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return kind.startswith("text/html") or begins.startswith((b"<!doctype html", b"<html"))


def _remember(answer: requests.Response, part: Path) -> None:
    """Note by what the server will know this very file again."""
    etag = answer.headers.get("ETag", "")
    known_by = etag if etag.startswith('"') else answer.headers.get("Last-Modified", "")
    if known_by:
        _validator(part).write_text(known_by, "latin-1")
    else:
        _validator(part).unlink(missing_ok=True)


def _validator(part: Path) -> Path:
    return part.with_name(f"{part.name}.validator")


def _certificates() -> bool | str:
    # requests reads the first two by itself, but not the variable that OpenSSL reads.
    given = (os.environ.get(name) for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"))
    return next(filter(None, given), None) or os.environ.get("SSL_CERT_FILE") or True


def _check_space(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed + RESERVED_BYTES:
        raise CozadError(
            f"{needed / 1e9:.1f} GB are to come, but {folder} has {free / 1e9:.1f} GB free: free "
            "the disk or name another folder with --root"
        )


def _length(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0
