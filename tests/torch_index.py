"""An index on 127.0.0.1 that has stand-ins of PyTorch's wheels without CUDA."""

from __future__ import annotations

import hashlib
import http.server
import platform
import sys
import threading
import urllib.parse
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

TAG = f"cp{sys.version_info[0]}{sys.version_info[1]}"


def write_wheel(folder: Path, name: str, version: str, tags: str = "py3-none-any") -> Path:
    """Write a wheel of one module that says its version; give its path."""
    path = folder / f"{name}-{version}-{tags}.whl"
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name.replace('-', '_')}.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {tags}\n",
        f"{info}/RECORD": "",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
    return path


def linux_wheel(folder: Path, name: str, version: str, tag: str = TAG) -> Path:
    """Write a wheel that is for this machine and this Python alone."""
    tags = f"{tag}-{tag}-manylinux_2_17_{platform.machine()}"
    return write_wheel(folder, name, version, tags)


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class TorchIndex:
    """What is served below `url`, in the form of PyTorch's index, and what was asked for.

    Attributes
    ----------
    pages : dict of str to str
        The page of each name; a name without a page gets 404.
    open : threading.Event
        While it is clear, nothing is answered.
    asked : list of str
        Last parts of the addresses that were asked for.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.url = folder, ""
        self.pages: dict[str, str] = {}
        self.asked: list[str] = []
        self.open = threading.Event()
        self.open.set()

    def offer(self, wheel: Path, sha: str | None = None) -> None:
        """Put a wheel on the page of its name; with another hash than its own, or "" for none."""
        name = wheel.name.partition("-")[0]
        digest = sha256(wheel) if sha is None else sha
        part = f"#sha256={digest}" if digest else ""
        link = (
            f'<a href="/wheels/{urllib.parse.quote(wheel.name)}{part}" data-core-metadata="false">'
        )
        self.pages[name] = self.pages.get(name, "") + f"{link}{wheel.name}</a><br/>\n"


@contextmanager
def serve(folder: Path) -> Iterator[TorchIndex]:
    """Serve an index whose wheels lie in a folder, in which this function may write."""
    index = TorchIndex(folder)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = urllib.parse.unquote(self.path.rstrip("/").rpartition("/")[2])
            index.asked.append(name)
            index.open.wait(30)
            if self.path.startswith("/wheels/"):
                body = (folder / name).read_bytes() if (folder / name).is_file() else None
            else:
                body = index.pages[name].encode() if name in index.pages else None
            self.send_response(404 if body is None else 200)
            kind = "application/zip" if self.path.startswith("/wheels/") else "text/html"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body or b"")

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        index.url = f"http://127.0.0.1:{server.server_address[1]}/whl/cpu"
        try:
            yield index
        finally:
            index.open.set()
            server.shutdown()
