"""Ask a server, and take the many ways in which it can fail for one of two: no, or not now."""

from __future__ import annotations

import email.utils
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from cozad_teach import __version__
from cozad_teach.data.members import shown

__all__ = [
    "Interrupted",
    "Refused",
    "answer",
    "check_kind",
    "check_status",
    "chunks",
    "host",
    "span",
]

CONNECT_SECONDS, READ_SECONDS = 15, 60
MOST_REDIRECTS = 20
LONGEST_ADDRESS = 4000
_CHUNK = 2**20


class Refused(Exception):
    """The address will not do; another may."""


class Interrupted(Exception):
    """The same address may do in `wait` seconds, or, without a number, a little later.

    A `slow` server may not, whatever it has brought.
    """

    def __init__(self, reason: str, wait: float | None = None, slow: bool = False) -> None:
        super().__init__(reason)
        self.wait, self.slow = wait, slow


@contextmanager
def answer(
    url: str, headers: Mapping[str, str] | None = None, method: str = "GET"
) -> Iterator[requests.Response]:
    """Give the answer of a server, its body not yet read.

    Parameters
    ----------
    url : str
        Redirects are followed to other addresses of http and https. Proxies and a private
        certificate authority are taken from the environment.
    headers : mapping of str to str, optional
        Sent besides those that name the program and ask for the file as it is.
    method : str
        ``GET`` or ``HEAD``.

    Raises
    ------
    Refused, Interrupted
        If there is no answer.
    """
    with requests.Session() as session:
        session.headers.update(
            {"User-Agent": f"cozad-teach/{__version__}", "Accept-Encoding": "identity"}
        )
        for _ in range(MOST_REDIRECTS):
            reply = _send(session, requests.Request(method, url, headers))
            location = reply.headers.get("Location", "")
            if reply.status_code not in (301, 302, 303, 307, 308) or not location:
                with reply:
                    yield reply
                return
            reply.close()
            session.cookies.update(reply.cookies)
            url = _redirected(url, location)
    raise Refused("redirects in a circle")


def _send(session: requests.Session, request: requests.Request) -> requests.Response:
    # Not by `session.send`: that reads the body of a redirect, however long it is.
    try:
        prepared = session.prepare_request(request)
        url = prepared.url or ""
        settings = session.merge_environment_settings(url, {}, True, _certificates(), None)
        timeout = (CONNECT_SECONDS, READ_SECONDS)
        return session.get_adapter(url).send(prepared, timeout=timeout, **settings)
    except requests.exceptions.SSLError as error:
        raise Refused(
            "has a certificate that is not trusted (name the file of your certificate authority "
            "in REQUESTS_CA_BUNDLE)"
        ) from error
    except (requests.ConnectionError, requests.Timeout, urllib3.exceptions.HTTPError) as error:
        raise Interrupted("broke the connection") from error
    except Exception as error:  # odd addresses and headers raise a dozen types
        why = shown(f"{type(error).__name__}: {error}")
        raise Refused(f"cannot be asked ({why})") from error


def _redirected(url: str, location: str) -> str:
    try:
        target = urljoin(url, location.encode("latin-1").decode("utf-8"))
        parts = urlsplit(target)
        if parts.scheme in ("http", "https") and parts.hostname and len(target) <= LONGEST_ADDRESS:
            return target
    except ValueError:  # no UTF-8, or no address
        pass
    raise Refused(f"redirects to {shown(location)}, which is no address of the web")


def chunks(reply: requests.Response) -> Iterator[bytes]:
    """Give the body as it comes, as the server packs it; what came before a cut, too.

    Raises
    ------
    Interrupted
        If it is cut off, or damaged on its way.
    """
    # `iter_content` would drop the last chunk.
    try:
        while chunk := reply.raw.read1(_CHUNK):
            yield chunk
    except Exception as error:
        raise Interrupted("broke the connection") from error


def check_status(reply: requests.Response) -> None:
    """Raise `Refused` or `Interrupted` unless the answer brings what was asked for."""
    status = f"answers {reply.status_code} {shown(reply.reason or '')}"
    if reply.status_code in (408, 425, 429) or reply.status_code >= 500:
        raise Interrupted(status, _retry_after(reply))
    if reply.status_code not in (200, 206):
        raise Refused(status)


def check_kind(reply: requests.Response, first: bytes, name: str) -> None:
    """Raise `Refused` if the body, by its first bytes, is not the file `name` as it is."""
    kind = reply.headers.get("Content-Type", "").lower()
    begins = first[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if kind.startswith("text/html") or begins.startswith((b"<!doctype html", b"<html")):
        raise Refused("answers with a web page where the file should be")
    coding = reply.headers.get("Content-Encoding", "").strip().lower()
    # Servers say so also of files that are packed themselves.
    if coding not in ("", "identity") and not name.lower().endswith(("gz", "xz", "bz2")):
        raise Refused("packs the file, although it was asked not to")


def span(reply: requests.Response) -> tuple[int | None, int | None]:
    """Tell from which byte of the file on the answer goes, and how long the file is, if known."""
    length = None
    if "Transfer-Encoding" not in reply.headers:  # which makes it void
        length = _number(reply.headers.get("Content-Length", ""))
    if reply.status_code == 200:
        return 0, length
    found = re.match(r"bytes +(\d+)-\d+/(\d+|\*)", reply.headers.get("Content-Range", ""), re.A)
    if found is None:
        return None, None
    start, total = _number(found[1]), _number(found[2])
    if total is None and start is not None and length is not None:
        total = start + length
    return start, total


def _number(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def host(url: str) -> str:
    """Name the server of an address for a message."""
    try:
        return shown(urlsplit(url).netloc or url)
    except ValueError:
        return shown(url)


def _retry_after(reply: requests.Response) -> float | None:
    value = reply.headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdecimal():
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except Exception:  # half a dozen types for what is no date
        return None


def _certificates() -> bool | str:
    # requests reads the first two by itself, but not the variable that OpenSSL reads.
    given = (os.environ.get(name) for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"))
    return next(filter(None, given), None) or os.environ.get("SSL_CERT_FILE") or True
