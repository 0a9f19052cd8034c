"""Whatever happens while a data set is fetched, it is whole in its folder or not there at all."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import textwrap
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import layouts
import loopback
import pytest
from loopback import Site, cut_after, status

from cozad_teach.data.folders import open_dataset
from cozad_teach.errors import CozadError
from fetching import archives, download, install, origins, placements, placing
from fetching.index import read_index, verify
from fetching.manifest import Archive, Counts, DatasetInfo

Outcome = Callable[[str, str], None]
COUNTS = Counts(train_good=3, test_good=1, test_anomalous=2, masks=2)


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Give a small archive in the layout of MVTec-AD."""
    folder = tmp_path_factory.mktemp("official")
    layouts.mvtec(folder / "set")
    return layouts.zipped(folder / "set", folder / "set.zip").read_bytes()


@pytest.fixture
def site(content: bytes) -> Iterator[Site]:
    with loopback.serving(content) as site:
        yield site


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let nobody wait, but note how long he would have."""
    waited: list[float] = []
    monkeypatch.setattr(download.time, "sleep", waited.append)
    return waited


def info(site: Site, **changes: Any) -> DatasetInfo:
    """Describe the set that the site gives; `changes` are of its archive."""
    known = {"bytes": len(site.content), "sha256": hashlib.sha256(site.content).hexdigest()}
    archive = Archive(**{"file": "set.zip", **known, "mirrors": (site.url,), **changes})
    return DatasetInfo(
        name="mine",
        title="My set",
        homepage="https://example.org",
        licence="CC0",
        commercial_use=True,
        pictures=True,
        citation="Me (2026)",
        access="open",
        steps="",
        archives=(archive,),
        converter="mvtec",
        split="as published",
        categories=("bottle",),
        images=COUNTS,
    )


def left(root: Path) -> list[str]:
    """What lies in the root, without the lock, whose file stays."""
    return sorted(p.name for p in root.iterdir() if not p.name.endswith(".lock"))


def whole(path: Path) -> bool:
    found = open_dataset(path)["bottle"]
    return (
        (len(found.train_good), len(found.test)) == (3, 3)
        and sum(item.mask is not None for item in found.test) == 2
        and not any(verify(path))
    )


def fails(described: DatasetInfo, root: Path, **options: Any) -> str:
    """Install and fail with one sentence; nothing of the name is there then."""
    with pytest.raises(CozadError) as caught:
        install.install(described, root, **options)
    assert not (root / "mine").exists() and "\n" not in str(caught.value)
    assert not list(root.glob(".mine.partial-*")) if root.is_dir() else True
    return str(caught.value)


def recovers(described: DatasetInfo, root: Path) -> bool:
    """Whether the same command brings the whole set once the fault is gone."""
    return whole(install.install(described, root)) and left(root) == [".downloads", "mine"]


def test_a_data_set_comes_whole_with_its_index(site: Site, tmp_path: Path) -> None:
    path = install.install(info(site), tmp_path / "new" / "root")
    assert path == tmp_path / "new" / "root" / "mine" and whole(path)
    index = read_index(path)
    assert index is not None
    assert index["counts"] == dataclasses.asdict(COUNTS)
    assert index["archives"] == {"set.zip": hashlib.sha256(site.content).hexdigest()}
    assert index["licence"] == "CC0" and index["categories"] == ["bottle"]
    for file, digest in index["files"].items():
        assert hashlib.sha256((path / file).read_bytes()).hexdigest() == digest
    assert not list((tmp_path / "new" / "root" / ".downloads").iterdir())  # nothing doubled
    install.install(info(site), tmp_path / "new" / "root")
    assert len(site.asked) == 1  # there already


def test_an_unverified_archive_tells_its_hash(
    site: Site, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install.install(info(site, sha256=None, bytes=None), tmp_path, progress=True)
    said = capsys.readouterr().err
    assert hashlib.sha256(site.content).hexdigest() in said and "record it" in said


# Faults on the way: each with the sentence, what is left, and the same command once more


@pytest.mark.parametrize("share", [0, 1, 50, 99])
def test_a_connection_that_is_cut(site: Site, tmp_path: Path, share: int, outcome: Outcome) -> None:
    site.faults = [cut_after(len(site.content) * share // 100)]
    assert whole(install.install(info(site), tmp_path))
    asked = site.asked[1].get("range", "from the start")
    outcome(f"connection cut after {share} %", f"goes on ({asked}), whole")


@pytest.mark.parametrize(
    ("name", "faults", "words"),
    [
        ("404", [status(404)], "404"),
        ("500, and no end of it", [status(500)] * 20, "500"),
        ("redirect loop", [status(302, Location="/set.zip")] * 60, "circle"),
        (
            "HTML page instead of the archive",
            [lambda h: h.say(200, b"<!doctype html><p>Log in", Content_Type="text/html") or True],
            "web page",
        ),
    ],
)
def test_a_server_that_does_not_give_it(
    name: str, faults: list[Any], words: str, site: Site, tmp_path: Path, outcome: Outcome
) -> None:
    site.faults = faults
    said = fails(info(site, bytes=None), tmp_path)
    assert words in said and "--from" in said
    site.faults = []
    assert recovers(info(site), tmp_path)
    outcome(name, "refused in a sentence, next run whole")


def test_too_many_requests(
    site: Site, tmp_path: Path, waits: list[float], outcome: Outcome
) -> None:
    site.faults = [status(429, Retry_After="7")]
    assert whole(install.install(info(site), tmp_path)) and 7 in waits
    outcome("429 with Retry-After: 7", "waits 7 s, whole")


def test_a_wrong_length(site: Site, tmp_path: Path, outcome: Outcome) -> None:
    said = fails(info(site, bytes=len(site.content) + 1), tmp_path)
    assert f"where the file has {len(site.content) + 1}" in said
    assert recovers(info(site), tmp_path)
    outcome("wrong length", "refused before it comes, next run whole")


def test_a_wrong_hash(site: Site, tmp_path: Path, outcome: Outcome) -> None:
    said = fails(info(site, sha256="0" * 64), tmp_path)
    aside = tmp_path / ".downloads" / "mine" / "set.zip.rejected"
    assert aside.read_bytes() == site.content and str(aside) in said and "not unpacked" in said
    assert recovers(info(site), tmp_path)
    outcome("hash mismatch", "kept aside, never unpacked, next run whole")


def test_a_download_that_went_bad_on_the_disk_is_fetched_anew(site: Site, tmp_path: Path) -> None:
    kept = tmp_path / ".downloads" / "mine" / "set.zip"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(site.content[:-1] + b"?")
    assert recovers(info(site), tmp_path)


def test_a_disk_without_room(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outcome: Outcome
) -> None:
    usage = shutil.disk_usage(tmp_path)
    room = download.RESERVED_BYTES + len(site.content)
    with monkeypatch.context() as patch:
        patch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=room))
        said = fails(info(site), tmp_path)
    assert "while it is unpacked" in said and not site.asked
    assert recovers(info(site), tmp_path)
    outcome("disk too small", "told before a byte is fetched")


@pytest.mark.parametrize("place", ["unpack", "convert"])
def test_a_disk_that_fills_up(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, outcome: Outcome
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "a file")

    module, name = {"unpack": (archives, "_write"), "convert": (placing, "_png")}[place]
    with monkeypatch.context() as patch:
        patch.setattr(module, name, full)
        said = fails(info(site), tmp_path)
    assert "No space left" in said and "--root" in said
    asked = len(site.asked)
    assert recovers(info(site), tmp_path) and len(site.asked) == asked  # the download is kept
    outcome(f"disk full ({place})", "removed, download kept, next run whole")


def run(root: Path, described: DatasetInfo, body: str, **options: Any) -> subprocess.Popen[str]:
    """Install in a process of its own, after some lines of code."""
    code = textwrap.dedent(
        """
        import os, sys, time
        from pathlib import Path
        from pydantic import TypeAdapter
        sys.path.append("SCRIPTS")
        from fetching import archives, install, manifest, placing
        described = TypeAdapter(manifest.DatasetInfo).validate_json(sys.argv[2])
        BODY
        try:
            print(install.install(described, Path(sys.argv[1]), progress=True), flush=True)
        except Exception as error:
            print(type(error).__name__, error, flush=True)
            sys.exit(2)
        """
    ).replace("BODY", textwrap.dedent(body))
    code = code.replace("SCRIPTS", str(Path(install.__file__).parents[1]))
    return subprocess.Popen(
        [sys.executable, "-c", code, str(root), json.dumps(dataclasses.asdict(described))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_two_processes_at_once(site: Site, tmp_path: Path, outcome: Outcome) -> None:
    """The one that comes first fetches; the other waits, and finds the set."""
    slow = "place = placing.place_files\n" + textwrap.dedent(
        """
        def slowly(*arguments, **options):
            print("converting", flush=True)
            sys.stdin.read()  # until the other one waits
            return place(*arguments, **options)
        install.place_files = slowly
        """
    )
    first = run(tmp_path, info(site), slow, stdin=subprocess.PIPE)
    assert first.stdout is not None and first.stdout.readline() == "converting\n"
    second = run(tmp_path, info(site), "")
    assert second.stderr is not None
    assert "another process is fetching it; waiting" in second.stderr.readline()
    (said, _), (out, _) = first.communicate(timeout=60), second.communicate(timeout=60)
    assert (first.returncode, second.returncode) == (0, 0)
    assert said.strip() == out.strip() == str(tmp_path / "mine")
    assert len(site.asked) == 1 and whole(tmp_path / "mine")
    assert left(tmp_path) == [".downloads", "mine"]
    outcome("two processes at once", "one fetches, one waits; fetched once, whole")


@pytest.mark.parametrize("moment", ["unpack", "convert", "index"])
def test_kill_9(site: Site, tmp_path: Path, moment: str, outcome: Outcome) -> None:
    """A killed process leaves no folder of the name, and no lock; the next one cleans up."""
    body = {
        "unpack": """
            write, n = archives._write, 0
            def stop(*arguments):
                global n
                n += 1
                if n == 4:
                    print("now", flush=True)
                    time.sleep(60)
                write(*arguments)
            archives._write = stop
        """,
        "convert": """
            def stop(*_, **__):
                print("now", flush=True)
                time.sleep(60)
            placing._png = stop
        """,
        "index": """
            def stop(*_):
                print("now", flush=True)
                time.sleep(60)
            install.write_index = stop
        """,
    }[moment]
    process = run(tmp_path, info(site), body)
    assert process.stdout is not None and process.stdout.readline() == "now\n"
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert not (tmp_path / "mine").exists() and list(tmp_path.glob(".mine.partial-*"))
    assert recovers(info(site), tmp_path) and len(site.asked) == 1
    outcome(f"kill -9 ({moment})", "no folder of the name; next run cleans up, no new download")


def test_ctrl_c(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(install, "place_files", interrupt)
        with pytest.raises(KeyboardInterrupt):
            install.install(info(site), tmp_path)
    assert left(tmp_path) == [".downloads"] and recovers(info(site), tmp_path)


def test_a_target_that_is_read_only(site: Site, tmp_path: Path, outcome: Outcome) -> None:
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(0o555)
    body = "os.setuid(65534)" if os.getuid() == 0 else ""  # root may write anywhere
    process = run(Path("."), info(site), body, cwd=locked)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 2 and not site.asked and not list(locked.iterdir())
    assert re.fullmatch(r"CozadError cannot write .* \(Permission denied\): .*--root\n", said)
    below_a_file = tmp_path / "file"
    below_a_file.write_text("")
    assert "cannot write" in fails(info(site), below_a_file)
    outcome("read-only target", "told before a byte is fetched")


def packed(members: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def linked(name: str, target: str) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.type, member.linkname = tarfile.SYMTYPE, target
        archive.addfile(member)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("fault", "hostile", "words"),
    [
        ("path traversal", packed({"bottle/../../../evil.png": b"x"}), "leads out of the archive"),
        ("absolute path", packed({"/tmp/evil.png": b"x"}), "leads out of the archive"),
        ("symlink in tar", linked("bottle", "/etc"), "is a link or a device"),
        ("damaged archive", packed({"a.png": bytes(999)})[:-30], "no zip or tar archive"),
    ],
    # Archives hold the time at which they are made: in a name, no two workers would agree.
    ids=["path traversal", "absolute path", "symlink in tar", "damaged archive"],
)
def test_hostile_archives(
    fault: str, hostile: bytes, words: str, tmp_path: Path, outcome: Outcome
) -> None:
    with loopback.serving(hostile) as bad:
        said = fails(info(bad), tmp_path / "root")
    assert words in said
    assert [p.name for p in tmp_path.iterdir()] == ["root"]
    assert left(tmp_path / "root") == [".downloads"]
    outcome(fault, f"refused ({words}), nothing written")


def test_a_zip_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outcome: Outcome) -> None:
    monkeypatch.setattr(archives, "BOMB_FLOOR", 10**6)
    with loopback.serving(packed({"bomb.png": bytes(10**8)})) as bad:
        said = fails(info(bad), tmp_path)
    assert "zip bomb" in said
    outcome("zip bomb (1,000 to 1)", "refused before it is unpacked")


def test_names_that_are_not_ascii(tmp_path: Path, outcome: Outcome) -> None:
    layouts.mvtec(tmp_path / "set")
    good = tmp_path / "set" / "bottle" / "train" / "good"
    for i, name in enumerate(("Größe.png", "測試 1.png", "e\u0301.png")):
        (good / f"{i:03}.png").rename(good / name)
    data = layouts.zipped(tmp_path / "set", tmp_path / "set.zip").read_bytes()
    with loopback.serving(data) as other:
        path = install.install(info(other), tmp_path / "root")
    names = {Path(file.name).name for file in open_dataset(path)["bottle"].train_good}
    assert names == {"Größe.png", "測試 1.png", "e\u0301.png"} and whole(path)
    outcome("non-ASCII names", "kept as they are")


def test_many_thousand_files(tmp_path: Path, outcome: Outcome) -> None:
    n = 5_000
    layouts.mvtec(tmp_path / "set")
    image = (tmp_path / "set" / "bottle" / "train" / "good" / "000.png").read_bytes()
    base = layouts.zipped(tmp_path / "set", tmp_path / "set.zip")
    with zipfile.ZipFile(base, "a") as archive:
        for i in range(3, n):
            archive.writestr(f"bottle/train/good/{i:06}.png", image)
    with loopback.serving(base.read_bytes()) as other:
        described = dataclasses.replace(
            info(other), images=dataclasses.replace(COUNTS, train_good=n)
        )
        path = install.install(described, tmp_path / "root")
    assert len(open_dataset(path)["bottle"].train_good) == n and not any(verify(path))
    outcome(f"{n:,} files", "whole")


def test_threads_that_want_the_same_set(site: Site, tmp_path: Path) -> None:
    errors: list[BaseException] = []

    def go() -> None:
        try:
            install.install(info(site), tmp_path)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=go) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors and whole(tmp_path / "mine") and len(site.asked) == 1


# What is there, and what is asked for


def test_what_is_not_the_set_of_the_manifest(site: Site, tmp_path: Path) -> None:
    more = dataclasses.replace(info(site), images=dataclasses.replace(COUNTS, test_good=9))
    assert "has 1 test good files where 9 are known" in fails(more, tmp_path)
    other = dataclasses.replace(info(site), categories=("bottle", "cable"))
    assert "lacks cable" in fails(other, tmp_path)
    other = dataclasses.replace(info(site), categories=("cable",))
    assert "lacks cable" in fails(other, tmp_path)


def test_some_categories(tmp_path: Path) -> None:
    for name in ("bottle", "cable", "screw"):
        layouts.mvtec(tmp_path / "set", name)
    data = layouts.zipped(tmp_path / "set", tmp_path / "set.zip").read_bytes()
    with loopback.serving(data) as other:
        described = dataclasses.replace(
            info(other), categories=("bottle", "cable", "screw"), images=COUNTS
        )
        wanted = ["screw", "bottle"]
        path = install.install(described, tmp_path / "root", categories=wanted)
        assert sorted(open_dataset(path)) == ["bottle", "screw"]
        assert install.install(described, tmp_path / "root", categories=["screw"]) == path
        with pytest.raises(CozadError, match="is there without cable: delete the folder"):
            install.install(described, tmp_path / "root", categories=["cable"])
        with pytest.raises(CozadError, match="no category wood: choose from bottle, cable, screw"):
            install.install(described, tmp_path / "root", categories=["wood"])


def test_a_folder_of_somebody_else_is_left_alone(site: Site, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("do not delete")
    for text in (None, "{", '{"format": "another"}', "[]"):
        if text is not None:
            (tmp_path / "mine" / "index.json").write_text(text)
        with pytest.raises(CozadError, match=r"has no index\.json of get\.py: rename or delete"):
            install.install(info(site), tmp_path)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "do not delete"


def test_an_archive_that_is_given(site: Site, tmp_path: Path) -> None:
    """A file, a folder with it, or what was in it: nothing is fetched, and it stays as it is."""
    described = dataclasses.replace(info(site), access="login", steps="Log in.")
    said = fails(described, tmp_path / "none")
    assert said.startswith("My set needs an account. Log in. Then run: python data_scripts/get.py")
    file = tmp_path / "folder" / "renamed.zip"
    file.parent.mkdir()
    file.write_bytes(site.content)
    layouts.mvtec(tmp_path / "unpacked")
    before = sorted((tmp_path / "unpacked").rglob("*"))
    for i, source in enumerate((file, file.parent, tmp_path / "unpacked")):
        assert whole(install.install(described, tmp_path / f"root{i}", source=source))
    assert file.read_bytes() == site.content
    assert sorted((tmp_path / "unpacked").rglob("*")) == before and not site.asked
    root = tmp_path / "root"
    file.write_bytes(site.content + b"?")
    assert "it was not unpacked" in fails(described, root, source=file)
    assert "it was not unpacked" in fails(described, root, source=file.parent)
    assert "does not exist" in fails(described, root, source=tmp_path / "nowhere")
    (tmp_path / "text.zip").write_text("no archive")
    assert "is no zip or tar archive" in fails(described, root, source=tmp_path / "text.zip")
    (tmp_path / "empty").mkdir()
    assert "check that it is the archive" in fails(described, root, source=tmp_path / "empty")


def test_archives_within_an_archive(tmp_path: Path) -> None:
    """As a repository packs all files of a record: the classes of DAGM lie in zip files."""
    layouts.dagm2007(tmp_path / "set")
    (tmp_path / "record").mkdir()
    for name in ("Class1", "Class10"):
        names = [f"{p.relative_to(tmp_path / 'set')}" for p in (tmp_path / "set" / name).rglob("*")]
        layouts.zipped(tmp_path / "set", tmp_path / "record" / f"{name}.zip", names)
    outer = layouts.zipped(tmp_path / "record", tmp_path / "12750201.zip")
    site = Site(b"")
    described = dataclasses.replace(
        info(site, sha256=None, bytes=None, mirrors=("https://example.org/set.zip",)),
        converter="dagm2007",
        categories=("Class1", "Class10"),
        images=Counts(4, 4, 2, 2),
    )
    for i, source in enumerate((outer, tmp_path / "record")):
        path = install.install(described, tmp_path / f"root{i}", source=source)
        assert sorted(open_dataset(path)) == ["Class1", "Class10"]


def test_what_is_no_archive_of_the_set_does_no_harm(site: Site, tmp_path: Path) -> None:
    """Documents are zip archives, too, and not all that ends in .zip is one."""
    described = dataclasses.replace(info(site), access="login", steps="Log in.")
    layouts.mvtec(tmp_path / "unpacked")
    for name in ("labels.xlsx", "read me.docx", "masks.npz"):
        (tmp_path / "unpacked" / name).write_bytes(packed({"content.xml": b"<text/>"}))
    (tmp_path / "unpacked" / "notes.txt").write_bytes(b"BZh: what a beginning")
    (tmp_path / "unpacked" / "list.csv.gz").write_bytes(b"\x1f\x8b\x08 and more")
    (tmp_path / "unpacked" / "cut.zip").write_bytes(site.content[:99])
    assert whole(install.install(described, tmp_path / "root0", source=tmp_path / "unpacked"))
    (tmp_path / "given").mkdir()
    for n, name in enumerate(("set", "SET.ZIP", "other (1).zip"), 1):
        archive = tmp_path / "given" / name
        archive.write_bytes(site.content)
        (tmp_path / "given" / "read me.docx").write_bytes(packed({"content.xml": b"<text/>"}))
        assert whole(install.install(described, tmp_path / f"root{n}", source=archive.parent))
        archive.unlink()


def test_what_is_left_out_stands_in_the_index(tmp_path: Path) -> None:
    layouts.mvtec(tmp_path / "set")
    base = layouts.zipped(tmp_path / "set", tmp_path / "set.zip")
    with zipfile.ZipFile(base, "a") as archive:
        archive.writestr("extra.zip", b"no archive")
        for i in range(12):
            archive.writestr(f"{i}{'n' * 300}.txt", b"")
    with loopback.serving(base.read_bytes()) as other:
        path = install.install(info(other), tmp_path / "root")
    assert whole(path)
    index = read_index(path)
    assert index is not None and len(index["left_out"]) == 13
    reasons = {file["name"][-7:]: file["reason"] for file in index["left_out"]}
    assert reasons["nnn.txt"].startswith("has a name that no file here can have")
    assert "tra.zip" in reasons


def test_what_cannot_be_read_is_told_so(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(path: Path) -> str:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    (tmp_path / "set.zip").write_bytes(site.content)
    monkeypatch.setattr(origins, "file_hash", locked)
    said = fails(info(site), tmp_path / "root", source=tmp_path / "set.zip")
    assert re.search(r"^cannot read .*set.zip \(Permission denied\): check its permissions", said)


def test_a_folder_that_cannot_be_read_is_not_passed_over(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layouts.mvtec(tmp_path / "set")

    def walk(folder: Path, onerror: Callable[[OSError], object]) -> Iterator[Any]:
        onerror(PermissionError(errno.EACCES, "Permission denied", f"{folder}/bottle/test"))
        yield from ()

    monkeypatch.setattr(placements.os, "walk", walk)
    said = fails(info(site), tmp_path / "root", source=tmp_path / "set")
    assert re.search(r"^cannot read .*bottle/test \(Permission denied\): check its perm", said)


def test_verify_names_what_is_not_as_it_was(site: Site, tmp_path: Path) -> None:
    path = install.install(info(site), tmp_path)
    assert not any(verify(path))
    (path / "bottle/train/good/000.png").unlink()
    (path / "bottle/train/good/001.png").write_bytes(b"changed")
    (path / "bottle/extra.png").write_bytes(b"new")
    assert verify(path) == (
        ["bottle/train/good/000.png"],
        ["bottle/train/good/001.png"],
        ["bottle/extra.png"],
    )
    with pytest.raises(CozadError, match="is not there: fetch it first"):
        verify(tmp_path / "nowhere")
