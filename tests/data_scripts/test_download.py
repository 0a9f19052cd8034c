"""Whatever a server does, a download ends in the right file or in a sentence, and loses nothing."""

from __future__ import annotations

import email.utils
import errno
import hashlib
import shutil
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from loopback import CONTENT, SHA, Handler, Site, cut_after, serving, status
from tqdm import tqdm

from cozad_teach.errors import CozadError
from fetching import download as module
from fetching import web
from fetching.download import download, file_hash

pytestmark = pytest.mark.usefixtures("waits")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def fails(words: str, *arguments: Any, **options: Any) -> str:
    with pytest.raises(CozadError, match=words) as caught:
        download(*arguments, **options)
    return str(caught.value)


def test_a_file_comes_whole_and_nothing_else_is_left(site: Site, tmp_path: Path) -> None:
    target = tmp_path / "deep" / "set.zip"
    assert download([site.url], target, sha256=SHA, size=5000) == SHA
    assert target.read_bytes() == CONTENT
    assert file_hash(target) == SHA
    assert names(target.parent) == ["set.zip"]
    assert len(site.asked) == 1 and "range" not in site.asked[0]


def test_an_empty_file_is_a_file(tmp_path: Path) -> None:
    with serving(b"") as site:
        assert download([site.url], tmp_path / "set.zip") == hashlib.sha256(b"").hexdigest()


@pytest.mark.parametrize("cut", [0, 1, 2, 7, 1000, 4096, 4999])
def test_after_a_cut_it_goes_on_where_it_was(site: Site, tmp_path: Path, cut: int) -> None:
    site.faults = [cut_after(cut)]
    assert download([site.url], tmp_path / "set.zip", sha256=SHA) == SHA
    ranges = [request.get("range") for request in site.asked]
    assert ranges == [None, f"bytes={cut}-" if cut else None]
    assert names(tmp_path) == ["set.zip"]


def test_a_cut_after_every_byte_does_no_harm(tmp_path: Path) -> None:
    content = CONTENT[:60]
    with serving(content) as site:
        site.faults = [cut_after(1)] * 59
        download([site.url], tmp_path / "set.zip", sha256=hashlib.sha256(content).hexdigest())
    assert (tmp_path / "set.zip").read_bytes() == content
    assert len(site.asked) == 60


def test_the_next_process_goes_on_where_the_last_was_killed(site: Site, tmp_path: Path) -> None:
    class Killed(BaseException):
        pass

    site.faults = [cut_after(3000)]
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(module.time, "sleep", lambda _: (_ for _ in ()).throw(Killed))
        download([site.url], tmp_path / "set.zip", sha256=SHA)
    assert (tmp_path / "set.zip.part").read_bytes() == CONTENT[:3000]
    download([site.url], tmp_path / "set.zip", sha256=SHA)
    assert site.asked[-1]["range"] == "bytes=3000-"
    assert names(tmp_path) == ["set.zip"]


def test_a_file_that_has_changed_meanwhile_is_fetched_anew(site: Site, tmp_path: Path) -> None:
    def change(handler: Handler) -> bool:
        handler.answer(cut=3000)
        site.content = CONTENT[::-1]
        return True

    site.faults = [change]
    download([site.url], tmp_path / "set.zip")
    assert (tmp_path / "set.zip").read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("lacks", ["ranges", "validator"])
def test_a_server_that_cannot_resume_is_asked_for_all(
    site: Site, tmp_path: Path, lacks: str
) -> None:
    setattr(site, lacks, False)
    site.faults = [cut_after(3000), cut_after(4000)]
    assert download([site.url], tmp_path / "set.zip") == SHA


def test_a_part_that_was_whole_already_is_taken(site: Site, tmp_path: Path) -> None:
    (tmp_path / "set.zip.part").write_bytes(CONTENT)
    tag = hashlib.sha256(CONTENT).hexdigest()[:16]
    (tmp_path / "set.zip.part.validator").write_text(f'"{tag}"')
    assert download([site.url], tmp_path / "set.zip", sha256=SHA) == SHA
    assert len(site.asked) == 1


def test_a_part_that_is_too_long_is_dropped(site: Site, tmp_path: Path) -> None:
    (tmp_path / "set.zip.part").write_bytes(CONTENT + b"more")
    tag = hashlib.sha256(CONTENT).hexdigest()[:16]
    (tmp_path / "set.zip.part.validator").write_text(f'"{tag}"')
    assert download([site.url], tmp_path / "set.zip", sha256=SHA) == SHA


def test_another_range_than_the_one_asked_for_is_not_glued_on(site: Site, tmp_path: Path) -> None:
    def shifted(handler: Handler) -> bool:
        body = CONTENT[2000:]
        handler.say(206, body, Content_Range=f"bytes 2000-4999/{len(CONTENT)}")
        return True

    site.faults = [cut_after(3000), shifted]
    assert download([site.url], tmp_path / "set.zip", sha256=SHA) == SHA


@pytest.mark.parametrize("code", [500, 502, 503, 408])
def test_a_server_in_trouble_is_asked_again(
    site: Site, tmp_path: Path, waits: list[float], code: int
) -> None:
    site.faults = [status(code)] * 5
    assert download([site.url], tmp_path / "set.zip", sha256=SHA) == SHA
    assert waits == [2, 4, 8, 16, 32]


def test_a_server_that_stays_in_trouble_is_given_up(site: Site, tmp_path: Path) -> None:
    site.faults = [status(500)] * 50
    fails(r"answers 500 .* 6 times in a row.*--from", [site.url], tmp_path / "set.zip")
    assert len(site.asked) == 6
    assert names(tmp_path) == []


@pytest.mark.parametrize("code", [429, 503])
def test_retry_after_is_obeyed(site: Site, tmp_path: Path, waits: list[float], code: int) -> None:
    then = email.utils.formatdate(time.time() + 100, usegmt=True)
    site.faults = [status(code, Retry_After="7"), status(code, Retry_After=then)]
    site.faults += [status(code, Retry_After="soon")]
    assert download([site.url], tmp_path / "set.zip", sha256=SHA) == SHA
    assert waits[0] == 7
    assert 90 < waits[1] <= 100
    assert waits[2] == 8


def test_nobody_waits_for_an_hour(site: Site, tmp_path: Path, waits: list[float]) -> None:
    site.faults = [status(429, Retry_After="3600")]
    fails("asks to wait for 3600 seconds", [site.url], tmp_path / "set.zip")
    assert waits == []


@pytest.mark.parametrize("code", [401, 403, 404, 410])
def test_a_missing_file_is_looked_for_at_the_next_mirror(
    site: Site, tmp_path: Path, code: int
) -> None:
    site.faults = [status(code)]
    mirrors = [site.url, site.url + "?mirror"]
    assert download(mirrors, tmp_path / "set.zip", sha256=SHA) == SHA
    assert [request["path"] for request in site.asked] == ["/set.zip", "/set.zip?mirror"]
    site.faults = [status(code), status(code)]
    message = fails(f"answers {code}", mirrors, tmp_path / "other.zip")
    assert message.count(f"answers {code}") == 2


def test_a_redirect_is_followed_and_a_circle_is_left(site: Site, tmp_path: Path) -> None:
    site.faults = [status(302, Location="/elsewhere.zip")]
    assert download([site.url], tmp_path / "set.zip", sha256=SHA) == SHA
    site.faults = [status(302, Location="/set.zip")] * 100
    fails("redirects in a circle", [site.url], tmp_path / "other.zip")


def test_a_web_page_is_no_archive(site: Site, tmp_path: Path) -> None:
    def typed(handler: Handler) -> bool:
        handler.say(200, b"log in, please", Content_Type="text/html; charset=utf-8")
        return True

    def untyped(handler: Handler) -> bool:
        handler.say(200, b"\xef\xbb\xbf\n<!DOCTYPE html><p>quota exceeded")
        return True

    site.faults = [typed, untyped]
    message = fails("web page", [site.url, site.url], tmp_path / "set.zip")
    assert message.count("answers with a web page") == 2
    assert names(tmp_path) == []


def test_a_wrong_length_is_refused_before_it_comes(site: Site, tmp_path: Path) -> None:
    fails("offers 5000 bytes where the file has 4000", [site.url], tmp_path / "a.zip", size=4000)
    assert names(tmp_path) == []


def test_a_wrong_content_is_kept_aside(site: Site, tmp_path: Path) -> None:
    target = tmp_path / "set.zip"
    message = fails("SHA-256", [site.url], target, sha256="0" * 64)
    assert SHA in message and "set.zip.rejected" in message
    assert names(tmp_path) == ["set.zip.rejected"]
    assert (tmp_path / "set.zip.rejected").read_bytes() == CONTENT


def test_after_a_wrong_content_the_next_mirror_is_asked(site: Site, tmp_path: Path) -> None:
    def wrong(handler: Handler) -> bool:
        handler.say(200, b"another file")
        return True

    site.faults = [wrong]
    assert download([site.url, site.url], tmp_path / "set.zip", sha256=SHA) == SHA
    assert names(tmp_path) == ["set.zip", "set.zip.rejected"]


def test_a_dead_server_is_named(tmp_path: Path) -> None:
    with serving(CONTENT) as site:
        gone = site.url
    fails("127.0.0.1:.* broke the connection 6 times", [gone], tmp_path / "set.zip")
    fails("it has no address", [], tmp_path / "set.zip")
    fails("cannot be asked", ["nonsense"], tmp_path / "set.zip")


def test_a_disk_without_room_is_told_before(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=module.RESERVED_BYTES + 4999)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: usage)
    fails("free the disk or name another folder", [site.url], tmp_path / "set.zip")
    assert names(tmp_path) == []


def test_a_disk_that_fills_up_keeps_what_came(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.open

    def full(path: Path, *arguments: Any, **options: Any) -> Any:
        file = real(path, *arguments, **options)
        if path.suffix == ".part" and arguments[0] != "rb":
            write = file.write

            def some(data: bytes) -> int:
                write(data[:1000])
                raise OSError(errno.ENOSPC, "No space left on device")

            wrapper = _Wrapped(file, some)
            return wrapper
        return file

    monkeypatch.setattr(Path, "open", full)
    fails("No space left on device.*kept", [site.url], tmp_path / "set.zip", sha256=SHA)
    monkeypatch.setattr(Path, "open", real)
    assert (tmp_path / "set.zip.part").read_bytes() == CONTENT[:1000]
    assert download([site.url], tmp_path / "set.zip", sha256=SHA) == SHA
    assert site.asked[-1]["range"] == "bytes=1000-"


class _Wrapped:
    """A file whose write is another one."""

    def __init__(self, file: Any, write: Any) -> None:
        self._file, self.write, self.seek = file, write, file.seek

    def __enter__(self) -> _Wrapped:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def test_a_folder_that_cannot_be_made_is_told(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    fails("cannot write.*--root", [site.url], tmp_path / "file" / "set.zip")


def test_a_proxy_of_the_environment_is_used(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", site.url.removesuffix("/set.zip"))
    assert download(["http://images.example/set.zip"], tmp_path / "set.zip") == SHA
    assert site.asked[0]["path"] == "http://images.example/set.zip"


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"])
def test_a_private_certificate_authority_is_taken_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for other in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(other, raising=False)
    assert web._certificates() is True
    monkeypatch.setenv(name, str(tmp_path / "own.pem"))
    assert web._certificates() == str(tmp_path / "own.pem")


def test_what_comes_is_shown(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # As in a terminal: where another test has imported Jupyter, tqdm.auto draws a widget.
    monkeypatch.setattr(module, "tqdm", lambda **options: tqdm(**{**options, "delay": 0}))
    download([site.url], tmp_path / "set.zip", progress=True)
    shown = capsys.readouterr().err
    assert "set.zip" in shown and "5.00k" in shown


def test_threads_fetch_side_by_side(site: Site, tmp_path: Path) -> None:
    targets = [tmp_path / f"{i}.zip" for i in range(4)]
    threads = [threading.Thread(target=download, args=([site.url], file)) for file in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {file_hash(path) for path in tmp_path.iterdir()} == {SHA}
