"""A server on loopback that gives one file, and fails in the ways that a test asks for."""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

Fault = Callable[["Handler"], bool]
CONTENT = np.random.default_rng(0).bytes(5000)  # of the file that most tests fetch
SHA = hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Site:
    """What the server holds, and what it was asked.

    `faults` are tried in turn, one for each request; a fault that gives True has answered.
    """

    content: bytes
    url: str = ""
    faults: list[Fault] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    ranges: bool = True
    validator: bool = True


class Handler(BaseHTTPRequestHandler):
    """Answers a GET of any path with the content of its site, or the range that was asked for."""

    site: Site
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Keep quiet."""

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.site.asked.append({"path": self.path, **headers})
        if self.site.faults and self.site.faults.pop(0)(self):
            return
        self.answer()

    do_HEAD = do_GET

    @property
    def tag(self) -> str:
        return '"' + hashlib.sha256(self.site.content).hexdigest()[:16] + '"'

    def answer(self, cut: int | None = None, **headers: str) -> None:
        """Send what was asked for, but no more than `cut` bytes of it."""
        start, content = 0, self.site.content
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if wanted and self.site.ranges and self.headers.get("If-Range") in (None, self.tag):
            start = int(wanted[1])
            if start >= len(content):
                return self.say(416, **{"Content-Range": f"bytes */{len(content)}"})
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if self.site.validator:
            self.send_header("ETag", self.tag)
        self.send_header("Content-Length", str(len(content) - start))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content[start:] if cut is None else content[start:][:cut])
        self.close_connection = cut is not None

    def say(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def status(code: int, **headers: str) -> Fault:
    """Answer with a status and no body."""

    def fault(handler: Handler) -> bool:
        handler.say(code, **headers)
        return True

    return fault


def cut_after(n_bytes: int) -> Fault:
    """Break the connection after so many bytes of the body."""

    def fault(handler: Handler) -> bool:
        handler.answer(cut=n_bytes)
        return True

    return fault


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that hang up, as they do after a web page."""


@contextmanager
def serving(content: bytes) -> Iterator[Site]:
    """Serve on a free port of 127.0.0.1 until the block ends."""
    site = Site(content)
    handler = type("OfSite", (Handler,), {"site": site})
    server = _Server(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    site.url = f"http://127.0.0.1:{server.server_address[1]}/set.zip"
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
