"""Whatever a server says, the next mirror is asked, and one sentence tells what came of it."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import threading
import time
import tracemalloc
from pathlib import Path

import pytest
from loopback import CONTENT, SHA, Site, cut_after
from raw_server import Respond, raw_server, says, says_for_ever

from cozad_teach.errors import CozadError
from fetching import download as module
from fetching import watch
from fetching.download import download

OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = b"Content-Length: 5000\r\n"
REAL_SLEEP = time.sleep

pytestmark = pytest.mark.usefixtures("waits")


def fails(url: str, target: Path, **options: object) -> str:
    with pytest.raises(CozadError) as caught:
        download([url], target, **options)  # type: ignore[arg-type]
    said = str(caught.value)
    assert target.name in said and said.isprintable() and len(said) < 700
    assert not target.exists()
    return said


def next_is_asked(respond: Respond, site: Site, target: Path, **options: object) -> str:
    """Download from a server, then from it and a good one; give the sentence of the first."""
    with raw_server(respond) as url:
        said = fails(url, target, sha256=SHA, **options)
        assert download([url, site.url], target, sha256=SHA, **options) == SHA  # type: ignore[arg-type]
    assert target.read_bytes() == CONTENT and len(site.asked) == 1
    return said


NO_HEADS = {
    "nothing": b"",
    "no line": b"\r\n\r\n",
    "no http": b"220 welcome to ftp\r\n\r\n",
    "no status": b"HTTP/1.1 OK\r\n\r\n",
    "a status of six digits": b"HTTP/1.1 200200 OK\r\n\r\n",
    "a status below zero": b"HTTP/1.1 -200 OK\r\n\r\n",
    "another version": b"HTTP/9.9 200 OK\r\n" + LENGTH + b"\r\n" + CONTENT[:1],
    "a long status": b"HTTP/1.1 404 " + b"no " * 9000 + b"\r\n" + LENGTH + b"\r\n",
    "a coloured status": b"HTTP/1.1 404 \x1b[31mno\x9b\r\n" + LENGTH + b"\r\n",
    "a status of no content": b"HTTP/1.1 204 No Content\r\n\r\n",
    "switching protocols": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n",
    "300 headers": OK + b"X: 1\r\n" * 300 + LENGTH + b"\r\n" + CONTENT,
    "a header of 100 KB": OK + b"X: " + b"x" * 100_000 + b"\r\n" + LENGTH + b"\r\n" + CONTENT,
    "two lengths": OK + LENGTH + b"Content-Length: 4000\r\n\r\n" + CONTENT[:1],
    "a part that is not named": b"HTTP/1.1 206 Partial\r\n" + LENGTH + b"\r\n" + CONTENT,
    "a part without numbers": b"HTTP/1.1 206 P\r\nContent-Range: bytes a-b/c\r\n\r\n" + CONTENT,
    "a part in the middle": b"HTTP/1.1 206 P\r\nContent-Range: bytes 9-99/5000\r\n\r\n" + CONTENT,
    "a part far away": b"HTTP/1.1 206 P\r\nContent-Range: bytes " + b"9" * 5000 + b"-9/*\r\n\r\n",
    "nothing left": b"HTTP/1.1 416 No\r\nContent-Range: bytes */5000\r\n\r\n",
    "packed": OK + b"Content-Encoding: gzip\r\n" + LENGTH + b"\r\n" + CONTENT,
    "packed by two": OK + b"Content-Encoding: br, x\r\n" + LENGTH + b"\r\n" + CONTENT,
    "longer than it is": OK + b"Content-Length: 6000\r\n\r\n" + CONTENT,
    "shorter than it is": OK + b"Content-Length: 4000\r\n\r\n" + CONTENT,
    "much longer": OK + b"Content-Length: %d\r\n\r\n" % 10**18 + CONTENT,
    "another file": OK + LENGTH + b"\r\n" + CONTENT[::-1],
}
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
NO_CHUNKS = {
    "no number": CHUNKED + b"xyz\r\n" + CONTENT,
    "a number below zero": CHUNKED + b"-1\r\n" + CONTENT,
    "a large number": CHUNKED + b"f" * 300 + b"\r\n" + CONTENT,
    "a long number": CHUNKED + b"0" * 100_000 + b"1388\r\n" + CONTENT + b"\r\n0\r\n\r\n",
    "no end": CHUNKED + b"1388\r\n" + CONTENT,
    "an early end": CHUNKED + b"10\r\n" + CONTENT[:16] + b"\r\n0\r\n\r\n",
    "too little": CHUNKED + b"1388\r\n" + CONTENT[:99],
    "nothing": CHUNKED,
}
HOSTILE = {f"head, {k}": v for k, v in NO_HEADS.items()} | {
    f"chunks, {k}": v for k, v in NO_CHUNKS.items()
}


@pytest.mark.parametrize("size", [None, 5000])
@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_after_what_is_no_answer_the_next_mirror_is_asked(
    content: bytes, size: int | None, site: Site, tmp_path: Path
) -> None:
    next_is_asked(says(content), site, tmp_path / "set.zip", size=size)


@pytest.mark.parametrize(
    "length",
    [
        *("", "abc", "-5000", "+5000", "5_000", "5e3", "0x1388", "5000.0", "5000 bytes", "²"),
        *("5000, 5000", "00005000", "9" * 5000, "\x00", "5000\x00"),
    ],
)
@pytest.mark.parametrize("size", [None, 5000])
def test_a_length_that_is_no_number_is_none(length: str, size: int | None, tmp_path: Path) -> None:
    head = OK + b"Content-Length: " + length.encode("latin-1") + b"\r\nConnection: close\r\n\r\n"
    with raw_server(says(head, CONTENT)) as url:
        try:
            assert download([url], tmp_path / "set.zip", sha256=SHA, size=size) == SHA
        except CozadError as error:  # some are refused by what reads the head
            assert str(error).isprintable()


@pytest.mark.parametrize(
    "location",
    [
        *(b"file:///etc/passwd", b"ftp://127.0.0.1/set.zip", b"data:,content", b"javascript:1"),
        *(b"http://[bad", b"http://", b"http:///set.zip", b"https:set.zip", b"//", b"http://:80/"),
        *(b"http://127.0.0.1:99999/", b"http://127.0.0.1:port/", b"http://a..b/", b"http://%00/"),
        *(b"http://" + b"a" * 70 + b".invalid/", b"http://\xff\xfe/", b"http://exa mple/"),
        *(b"http://127.0.0.1/" + b"a" * 60_000, b"HTTP://user:pass@:0/", b"\\\\server\\set.zip"),
        *(b"http://xn--/", b"http://\xe2\x80\xae/", b"?" * 5000, b"mailto:a@b.c"),
    ],
)
@pytest.mark.parametrize("status", [301, 303, 308])
def test_no_redirect_leads_out_of_the_web(
    location: bytes, status: int, site: Site, tmp_path: Path
) -> None:
    head = b"HTTP/1.1 %d Found\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % (status, location)
    said = next_is_asked(says(head), site, tmp_path / "set.zip")
    assert "root:" not in said


def test_a_redirect_is_read_as_it_is_meant(site: Site, tmp_path: Path) -> None:
    """Relative, to another host, in UTF-8, with spaces; its own content does not matter."""
    port = site.url.split(":")[-1].split("/")[0].encode()
    for n, location in enumerate(
        (b"http://127.0.0.1:%b/\xc3\xa9 a.zip" % port, b"//127.0.0.1:%b/a#b" % port)
    ):
        head = b"HTTP/1.1 302 Found\r\nLocation: %b\r\n\r\n" % location
        with raw_server(says_for_ever(head, bytes(2**16))) as url:  # endless, and not read
            tracemalloc.start()
            assert download([url], tmp_path / f"{n}.zip") == SHA
            assert tracemalloc.get_traced_memory()[1] < 2**23
            tracemalloc.stop()
    assert [request["path"] for request in site.asked] == ["/%C3%A9%20a.zip", "/a"]


@pytest.mark.parametrize(
    ("value", "wait"),
    [
        *[(text, 4.0) for text in ("", "soon", "-1", "1.5", "²", "Mon, 99 Foo 2020", "a, b c d e")],
        ("Mon, 01 Jan 0001 00:00:00 -0000", 0.0),
        ("Mon, 01 Jan 2020 00:00:00 +999999999", 4.0),
        ("Mon, 01 Jan 2020 00:00:00 GMT", 0.0),
        ("7", 7.0),
    ],
)
def test_a_server_that_cannot_say_when(
    value: str, wait: float, site: Site, tmp_path: Path, waits: list[float]
) -> None:
    def fault(handler: object) -> bool:
        handler.say(503, **{"Retry-After": value})  # type: ignore[attr-defined]
        return True

    site.faults = [fault, fault]
    assert download([site.url], tmp_path / "set.zip") == SHA
    assert waits[1] == wait


@pytest.mark.parametrize("value", ["9" * 30, "9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_a_server_that_asks_for_centuries(
    value: str, site: Site, tmp_path: Path, waits: list[float]
) -> None:
    head = f"HTTP/1.1 429 Later\r\nRetry-After: {value}\r\nContent-Length: 0\r\n\r\n".encode()
    assert "asks to wait" in next_is_asked(says(head), site, tmp_path / "set.zip")
    assert waits == []


# A body without an end


def test_no_more_than_the_file_is_fetched(site: Site, tmp_path: Path) -> None:
    endless = says_for_ever(OK + b"\r\n", bytes(2**16))
    said = next_is_asked(endless, site, tmp_path / "set.zip", size=5000)
    assert "sends more than the file" in said
    chunk = b"1388\r\n" + CONTENT + b"\r\n"
    endless = says_for_ever(OK + b"Transfer-Encoding: chunked\r\n\r\n", chunk)
    site.asked.clear()
    next_is_asked(endless, site, tmp_path / "other.zip", size=5000)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.zip", "set.zip"]


def test_no_more_than_the_disk_holds_is_fetched(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=module.RESERVED_BYTES + 10**6)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: usage)
    with raw_server(says_for_ever(OK + b"\r\n", bytes(2**16))) as url:
        assert "the disk has room for" in fails(url, tmp_path / "set.zip")
        assert list(tmp_path.iterdir()) == []
        assert download([url, site.url], tmp_path / "set.zip") == SHA


# A byte a second


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "RATE_SECONDS", 0.2)
    monkeypatch.setattr(watch, "LEAST_RATE", 10_000)


@pytest.mark.parametrize(
    "respond",
    [
        says_for_ever(OK + LENGTH + b"\r\n", b"x", 0.01),
        says_for_ever(OK + b"\r\n", b"x", 0.01),
        says_for_ever(CHUNKED, b"1\r\nx\r\n", 0.01),
        says_for_ever(b"HTTP/1.1 200 O", b"K", 0.01),
        says_for_ever(OK + b"X: ", b"x", 0.01),
        says_for_ever(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        says_for_ever(CHUNKED + b"1\r\nx\r\n0\r\n", b"X: 1\r\n"),
        says_for_ever(CHUNKED, b"0", 0.01),
        says_for_ever(OK + LENGTH + b"\r\n", b"", 0.5),
    ],
    ids=[
        *("body", "body without length", "chunks", "status", "header", "endless 100"),
        *("endless trailer", "length of a chunk", "silence"),
    ],
)
@pytest.mark.usefixtures("impatient")
def test_a_server_that_is_too_slow_is_left(
    respond: Respond, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ATTEMPTS", 2)
    started = time.monotonic()
    said = next_is_asked(respond, site, tmp_path / "set.zip")
    assert "less than 10000 bytes a second 2 times in a row" in said
    assert time.monotonic() - started < 30


@pytest.mark.usefixtures("impatient")
def test_who_is_left_alone_changes_nothing_later(tmp_path: Path) -> None:
    """A head that comes late must not empty the file that another request fills by then."""
    late = threading.Event()

    def respond(connection: object, head: bytes) -> None:
        if not late.is_set():
            late.wait(3)
            connection.sendall(OK + LENGTH + b"\r\n" + CONTENT[::-1])  # type: ignore[attr-defined]
        else:
            connection.sendall(OK + LENGTH + b"\r\n" + CONTENT)  # type: ignore[attr-defined]

    with raw_server(respond) as url:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module.time, "sleep", lambda _: late.set())
            assert download([url], tmp_path / "set.zip") == SHA
        REAL_SLEEP(0.3)
        assert [path.name for path in tmp_path.iterdir()] == ["set.zip"]


def test_a_connection_that_breaks_for_ever_is_left(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_REQUESTS", 50)
    site.faults = [cut_after(1)] * 1000
    said = fails(site.url, tmp_path / "set.zip")
    assert "broke the connection 50 times" in said and len(site.asked) == 50
    assert (tmp_path / "set.zip.part").read_bytes() == CONTENT[:50]


# What lies where the download goes


@pytest.mark.parametrize("name", ["set.zip", "set.zip.part", "set.zip.part.validator"])
@pytest.mark.parametrize("kind", ["folder", "link", "broken link", "pipe"])
def test_what_is_no_file_is_left_alone(name: str, kind: str, site: Site, tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("do not touch")
    folder = tmp_path / "downloads"
    folder.mkdir()
    there = folder / name
    if kind == "folder":
        there.mkdir()
    elif kind == "pipe":
        os.mkfifo(there)
    else:
        there.symlink_to(mine if kind == "link" else tmp_path / "nowhere")
    with pytest.raises(CozadError, match=f"{name} is a folder, a link or no file: remove it"):
        download([site.url], folder / "set.zip")
    assert mine.read_text() == "do not touch" and not (tmp_path / "nowhere").exists()
    assert list(folder.iterdir()) == [there] and not site.asked


@pytest.mark.parametrize(
    "known_by", [b"", b"\xff" * 99, b'"a"\r\nX-Evil: 1', b'"' + b"a" * 70_000 + b'"', b'"other"', 0]
)
def test_a_part_of_another_file_is_not_gone_on_with(
    known_by: bytes | int, site: Site, tmp_path: Path
) -> None:
    (tmp_path / "set.zip.part").write_bytes(b"of another file" * 20)
    if isinstance(known_by, bytes):
        (tmp_path / "set.zip.part.validator").write_bytes(known_by)
    assert download([site.url], tmp_path / "set.zip", sha256=SHA) == SHA
    assert "x-evil" not in site.asked[0]
    assert [path.name for path in tmp_path.iterdir()] == ["set.zip"]


def test_a_part_that_is_wrong_but_known_is_fetched_anew_from_the_same_mirror(
    site: Site, tmp_path: Path
) -> None:
    (tmp_path / "set.zip.part").write_bytes(b"?" * 3000)
    tag = hashlib.sha256(CONTENT).hexdigest()[:16]
    (tmp_path / "set.zip.part.validator").write_text(f'"{tag}"')
    assert download([site.url], tmp_path / "set.zip", sha256=SHA) == SHA
    assert [request.get("range") for request in site.asked] == ["bytes=3000-", None]


def test_a_part_longer_than_the_file_is_dropped(site: Site, tmp_path: Path) -> None:
    (tmp_path / "set.zip.part").write_bytes(CONTENT + b"more")
    (tmp_path / "set.zip.part.validator").write_text('"x"')
    assert download([site.url], tmp_path / "set.zip", size=5000) == SHA
    assert "range" not in site.asked[0]


@pytest.mark.parametrize("etag", ['"' + "a" * 60_000 + '"', '"\x01"', '"é"', '"', "W/x", "a"])
def test_odd_validators_are_not_sent_back(etag: str, tmp_path: Path) -> None:
    asked: list[bytes] = []

    def respond(connection: object, head: bytes) -> None:
        asked.append(head)
        answer = OK + LENGTH + f"ETag: {etag}\r\n\r\n".encode("latin-1")
        body = CONTENT if asked[1:] else CONTENT[:3000]
        connection.sendall(answer + body)  # type: ignore[attr-defined]

    with raw_server(respond) as url:
        assert download([url], tmp_path / "set.zip", sha256=SHA) == SHA
    assert len(asked) == 2


def test_a_server_that_is_wrong_about_the_rest_is_asked_for_all(tmp_path: Path) -> None:
    def respond(connection: object, head: bytes) -> None:
        answer = OK + LENGTH + b'ETag: "a"\r\n\r\n'
        if b"Range: " in head:
            answer, body = b"HTTP/1.1 206 P\r\nContent-Range: bytes 7-9/10\r\n\r\n", b"abc"
        else:
            body = CONTENT[:3000] if not seen else CONTENT
        seen.append(head)
        connection.sendall(answer + body)  # type: ignore[attr-defined]

    seen: list[bytes] = []
    with raw_server(respond) as url:
        assert download([url], tmp_path / "set.zip", sha256=SHA) == SHA
    assert [b"Range: " in head for head in seen] == [False, True, False]


def test_a_server_without_tls_at_an_https_address(site: Site, tmp_path: Path) -> None:
    secure = site.url.replace("http:", "https:")
    assert "certificate" in fails(secure, tmp_path / "set.zip")
    assert download([secure, site.url], tmp_path / "set.zip") == SHA


def test_a_file_of_certificates_that_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    said = fails("https://127.0.0.1:1/set.zip", tmp_path / "set.zip")
    assert "none.pem" in said and "cannot write" not in said


def test_ctrl_c_keeps_what_came(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    # Shells start what runs in the background with Ctrl-C switched off, also the tests.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, before))
    respond = says_for_ever(OK + LENGTH + b'ETag: "a"\r\n\r\n' + CONTENT[:3000], b"", 0.1)

    def interrupt() -> None:
        while not part.exists() or part.stat().st_size < 3000:
            REAL_SLEEP(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    part = tmp_path / "set.zip.part"
    threading.Thread(target=interrupt, daemon=True).start()
    with raw_server(respond) as url, pytest.raises(KeyboardInterrupt):
        download([url], tmp_path / "set.zip")
    assert part.read_bytes() == CONTENT[:3000]
    assert (tmp_path / "set.zip.part.validator").read_text() == '"a"'
