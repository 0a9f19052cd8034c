"""An archive is unpacked whole and inside its folder, or refused in a sentence."""

from __future__ import annotations

import errno
import io
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cozad_teach.data import archives
from cozad_teach.data.archives import is_archive, unpack
from cozad_teach.errors import CozadError

CONTENTS = {
    "set/train/good/000.png": b"first",
    "set/test/bad/Größe 測試.png": np.random.default_rng(0).bytes(3000),
    "set/empty.txt": b"",
}
Pack = Callable[[Path, dict[str, bytes]], Path]


def zipped(method: int) -> Pack:
    def pack(folder: Path, contents: dict[str, bytes]) -> Path:
        with zipfile.ZipFile(folder / "set.zip", "w", method) as archive:
            archive.mkdir("set/no files")
            for name, content in contents.items():
                archive.writestr(name, content)
        return folder / "set.zip"

    return pack


def tarred(mode: str) -> Pack:
    def pack(folder: Path, contents: dict[str, bytes]) -> Path:
        with tarfile.open(folder / "set.archive", f"w:{mode}") as archive:
            folder_member = tarfile.TarInfo("set/no files")
            folder_member.type = tarfile.DIRTYPE
            archive.addfile(folder_member)
            for name, content in contents.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        return folder / "set.archive"

    return pack


KINDS = {
    "zip": zipped(zipfile.ZIP_DEFLATED),
    "zip, stored": zipped(zipfile.ZIP_STORED),
    "zip, lzma": zipped(zipfile.ZIP_LZMA),
    "tar": tarred(""),
    "tar.gz": tarred("gz"),
    "tar.xz": tarred("xz"),
    "tar.bz2": tarred("bz2"),
}
each_kind = pytest.mark.parametrize("pack", KINDS.values(), ids=KINDS)


def refused(words: str, archive: Path, folder: Path) -> None:
    with pytest.raises(CozadError, match=words):
        unpack(archive, folder)


def files(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


@each_kind
def test_every_file_comes_out(pack: Pack, tmp_path: Path) -> None:
    archive = pack(tmp_path, CONTENTS)
    assert is_archive(archive)
    unpack(archive, tmp_path / "out")
    assert files(tmp_path / "out") == CONTENTS
    assert (tmp_path / "out" / "set" / "no files").is_dir()


@pytest.mark.parametrize(
    "name",
    ["../out.png", "set/../../out.png", "/etc/out.png", "C:\\out.png", "set\\..\\..\\out.png"],
)
@each_kind
def test_no_name_leads_out(pack: Pack, tmp_path: Path, name: str) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    archive = pack(inner, {**CONTENTS, name: b"evil"})
    before = set(tmp_path.rglob("*"))
    refused("leads out of the archive", archive, inner / "out")
    left = {path for path in set(tmp_path.rglob("*")) - before if inner / "out" not in path.parents}
    assert left == {inner / "out"}


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
def test_links_and_devices_of_a_tar_are_refused(tmp_path: Path, kind: bytes) -> None:
    with tarfile.open(tmp_path / "set.tar", "w") as archive:
        member = tarfile.TarInfo("set/link")
        member.type, member.linkname = kind, "../../../etc/passwd"
        archive.addfile(member)
        below = tarfile.TarInfo("set/link/file")
        archive.addfile(below)
    refused("link or a device", tmp_path / "set.tar", tmp_path / "out")
    assert list((tmp_path / "out").rglob("*")) == []


def test_links_of_a_zip_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        member = zipfile.ZipInfo("set/link")
        member.external_attr = 0o120777 << 16
        archive.writestr(member, "/etc/passwd")
    refused("link or a device", tmp_path / "set.zip", tmp_path / "out")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@each_kind
def test_a_name_that_is_there_twice_is_refused(pack: Pack, tmp_path: Path) -> None:
    archive = pack(tmp_path, {"set/a.png": b"1", "set//a.png": b"2"})
    refused("there twice", archive, tmp_path / "out")
    assert files(tmp_path / "out") == {"set/a.png": b"1"}


@each_kind
def test_a_bomb_is_refused_before_it_bursts(
    pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "BOMB_FLOOR", 10**6)
    monkeypatch.setattr(archives, "BOMB_RATIO", 1 / 10**6)
    archive = pack(tmp_path, {"a.png": bytes(900_000), "b.png": bytes(900_000)})
    refused("looks like a zip bomb", archive, tmp_path / "out")
    assert list(files(tmp_path / "out")) == ["a.png"]


@each_kind
def test_too_many_files_are_refused(
    pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "MOST_FILES", 2)
    refused("looks like a zip bomb", pack(tmp_path, CONTENTS), tmp_path / "out")


@each_kind
def test_what_a_disk_has_no_room_for_is_not_begun(
    pack: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=archives.RESERVED_BYTES + 100)
    monkeypatch.setattr(archives.shutil, "disk_usage", lambda _: usage)
    refused("name another folder with --root", pack(tmp_path, CONTENTS), tmp_path / "out")
    assert list(files(tmp_path / "out")) == ["set/train/good/000.png"]


def test_a_disk_that_fills_up_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = KINDS["zip"](tmp_path, CONTENTS)
    real = Path.open

    def full(path: Path, mode: str = "r", *arguments: Any, **options: Any) -> Any:
        if mode == "xb":
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, mode, *arguments, **options)

    monkeypatch.setattr(Path, "open", full)
    refused("No space left on device.*--root", archive, tmp_path / "out")


@each_kind
def test_an_archive_cut_anywhere_is_refused(pack: Pack, tmp_path: Path) -> None:
    whole = pack(tmp_path, CONTENTS).read_bytes()
    # A tar may end with any number of empty blocks: a cut in those loses nothing.
    end = len(whole) if pack not in (KINDS["tar"],) else len(whole.rstrip(b"\0"))
    for cut in (0, 1, 100, end // 3, end // 2, end - 1):
        archive = tmp_path / f"{cut}.part"
        archive.write_bytes(whole[:cut])
        refused("no zip or tar archive|damaged or cut short", archive, tmp_path / f"out {cut}")


@pytest.mark.parametrize("name", ["zip", "zip, stored", "tar.gz", "tar.xz", "tar.bz2"])
def test_damage_in_the_middle_is_found(tmp_path: Path, name: str) -> None:
    archive = KINDS[name](tmp_path, {"a.png": np.random.default_rng(1).bytes(9000)})
    content = bytearray(archive.read_bytes())
    content[4000] ^= 0xFF
    archive.write_bytes(content)
    refused("damaged or cut short", archive, tmp_path / "out")


def test_an_encrypted_zip_is_told(tmp_path: Path) -> None:
    archive = KINDS["zip, stored"](tmp_path, {"a.png": b"secret"})
    content = archive.read_bytes()
    for mark, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        place = content.rindex(mark) + flags
        content = content[:place] + b"\1" + content[place + 1 :]
    archive.write_bytes(content)
    refused("encrypted.*--from", archive, tmp_path / "out")


@pytest.mark.parametrize("content", [b"", b"<!DOCTYPE html><p>log in", b"PK\3\4 and nothing"])
def test_what_is_no_archive_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "set.zip").write_bytes(content)
    assert not is_archive(tmp_path / "set.zip")
    refused("no zip or tar archive", tmp_path / "set.zip", tmp_path / "out")


def test_a_hundred_thousand_files_come_out(tmp_path: Path) -> None:
    archive = KINDS["zip, stored"](tmp_path, {f"{i % 100}/{i}.png": b"x" for i in range(100_000)})
    unpack(archive, tmp_path / "out")
    assert sum(1 for path in (tmp_path / "out").rglob("*.png")) == 100_000
    shutil.rmtree(tmp_path / "out")
