"""An archive is unpacked whole and inside its folder, or refused in a sentence."""

from __future__ import annotations

import errno
import gzip
import io
import os
import shutil
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from odd_zips import DEFLATED, ENCRYPTED, LINK, UTF8, Entry, odd_zip

from cozad_teach.data import members
from cozad_teach.errors import CozadError
from fetching import archives, tars
from fetching.archives import is_archive, unpack

CONTENTS = {
    "set/train/good/000.png": b"first",
    "set/test/bad/Größe 測試.png": np.random.default_rng(0).bytes(3000),
    "set/empty.txt": b"",
}
Pack = Callable[[Path, dict[str, bytes]], Path]


def zipped(method: int) -> Pack:
    def pack(folder: Path, contents: dict[str, bytes]) -> Path:
        with zipfile.ZipFile(folder / "set.zip", "w", method) as archive:
            archive.writestr("set/no files/", b"")
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
    "tar": tarred(""),
    "tar.gz": tarred("gz"),
    "tar.xz": tarred("xz"),
    "tar.bz2": tarred("bz2"),
}
each_kind = pytest.mark.parametrize("pack", KINDS.values(), ids=KINDS)


def refused(words: str, archive: Path, folder: Path) -> None:
    with pytest.raises(CozadError, match=words) as caught:
        unpack(archive, folder)
    assert archive.name in str(caught.value) and str(caught.value).isprintable()
    assert len(str(caught.value)) < 700


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


def test_five_thousand_files_come_out(tmp_path: Path) -> None:
    archive = KINDS["zip, stored"](tmp_path, {f"{i % 100}/{i}.png": b"x" for i in range(5_000)})
    unpack(archive, tmp_path / "out")
    assert sum(1 for path in (tmp_path / "out").rglob("*.png")) == 5_000
    shutil.rmtree(tmp_path / "out")


# What is odd, but harmless, is taken; what nobody needs and nothing can take is named


@pytest.mark.parametrize(
    ("name", "places"),
    [
        ("", []),
        (".", []),
        ("./", []),
        ("/", []),
        ("set/", ["set"]),
        ("set\\empty\\", ["set", "set/empty"]),
        ("./a.png", ["a.png"]),
        ("set//./a.png", ["set", "set/a.png"]),
        ("set\\a.png", ["set", "set/a.png"]),
        ("a.png ", ["a.png "]),
        (" .png", [" .png"]),
        ("a.png...", ["a.png..."]),
        ("a..b.png", ["a..b.png"]),
        ("...", ["..."]),
        ("a\nb\x1b[31m.png", ["a\nb\x1b[31m.png"]),
        (b"Gr\x94\xe1e.png", ["Größe.png"]),
        ("測試 e\u0301.png", ["測試 e\u0301.png"]),
        ("d/" * 30 + "a.png", None),
        ("n" * 255, None),
    ],
)
def test_odd_names_are_taken(tmp_path: Path, name: bytes | str, places: list[str] | None) -> None:
    archive = odd_zip(tmp_path / "set.zip", Entry(name), Entry("b.png", b"content"))
    assert unpack(archive, tmp_path / "out") == []
    found = {
        path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*")
    }
    if places is None:
        assert name in found
    else:
        assert found == {"b.png", *places}


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (Entry("", b"content"), "has no name"),
        (Entry("d/" * 70 + "a", b"1"), "lies below 70 folders"),
        (Entry("d/" * 70), "lies below 69 folders"),
        (Entry("n" * 300 + ".txt", b"1"), "has a name that no file here can have"),
        (Entry("n" * 65_000, b"1"), "has a name that no file here can have"),
        (Entry("read.me", b"1", method=97), "is packed with a rare method"),
        (Entry("read.me", b"1", method=12), "is packed with a rare method"),
        (Entry("read.me", b"1", flags=0x20), "is packed with a rare method"),
        (Entry("read.me", b"1", flags=ENCRYPTED), "is encrypted"),
        (Entry("read.me", b"1", flags=ENCRYPTED | 0x40), "is encrypted"),
    ],
)
def test_what_nobody_needs_is_left_out_and_named(tmp_path: Path, entry: Entry, reason: str) -> None:
    archive = odd_zip(tmp_path / "set.zip", entry, Entry("b.png", b"content"))
    ((name, why),) = unpack(archive, tmp_path / "out")
    assert why.startswith(reason) and 0 < len(name) < 200
    assert files(tmp_path / "out") == {"b.png": b"content"}
    # An image, or a table of labels, would be missed.
    if name != "(no name)":
        assert isinstance(entry.name, str)
        for suffix in (".PNG", ".csv"):
            needed = replace(entry, name=entry.name.rstrip("/") + suffix, data=b"1")
            odd_zip(tmp_path / "set.zip", needed)
            refused("(no file here|lies below|rare|encrypted).*--from", archive, tmp_path / suffix)


def test_members_of_a_tar_that_only_special_programs_know(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "set.tar", "w") as archive:
        for name, kind in (("Volume 1", b"V"), ("all", b"D"), ("a.png", tarfile.REGTYPE)):
            member = tarfile.TarInfo(name)
            member.type = kind
            archive.addfile(member)
    left_out = unpack(tmp_path / "set.tar", tmp_path / "out")
    assert [name for name, _ in left_out] == ["Volume 1", "all"]
    assert files(tmp_path / "out") == {"a.png": b""}


@pytest.mark.parametrize("names", [("a", "a/b.png"), ("a/b.png", "a"), ("a", "a/")])
@each_kind
def test_a_file_and_a_folder_of_one_name_are_refused(
    pack: Pack, tmp_path: Path, names: tuple[str, str]
) -> None:
    archive = pack(tmp_path, dict.fromkeys(names, b""))
    refused("there twice", archive, tmp_path / "out")


def test_names_that_differ_by_case_or_composition_only(tmp_path: Path) -> None:
    contents = {"a.png": b"1", "A.png": b"2", "\u00e9.png": b"3", "e\u0301.png": b"4"}
    unpack(KINDS["zip"](tmp_path, contents), tmp_path / "out")
    assert sorted(files(tmp_path / "out").values()) == [b"1", b"2", b"3", b"4"]


def test_bytes_before_and_behind_a_zip_do_no_harm(tmp_path: Path) -> None:
    for n, offset in enumerate((0, 1000)):  # offsets may count from the archive, too
        archive = odd_zip(
            *(tmp_path / "set.exe", Entry("a.png", b"1", offset=offset)),
            **{"before": b"MZ" + bytes(998), "comment": b"PK\3\4 and more"},
        )
        if offset == 0:
            content = archive.read_bytes()
            place = content.rindex(b"PK\5\6") + 16
            start = int.from_bytes(content[place : place + 4], "little") - 1000
            archive.write_bytes(
                content[:place] + start.to_bytes(4, "little") + content[place + 4 :]
            )
        assert is_archive(archive)
        unpack(archive, tmp_path / f"out{n}")
        assert files(tmp_path / f"out{n}") == {"a.png": b"1"}


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([Entry("a.png", b"1", version=99)], "needs a newer program .*9.9"),
        ([Entry("a.png", b"12345", size=3)], "damaged or cut short"),
        ([Entry("a.png", b"12345", size=0)], "damaged or cut short"),
        ([Entry("a.png", b"12345", size=9)], "damaged or cut short"),
        ([Entry("a.png", b"12345", DEFLATED, size=3)], "damaged or cut short"),
        ([Entry("a.png", b"12345", DEFLATED, size=0)], "damaged or cut short"),
        ([Entry("a.png", b"12345", DEFLATED, size=9)], "damaged or cut short"),
        ([Entry("a.png", b"1", crc=1)], "damaged or cut short"),
        ([Entry("a.png", b"1"), Entry("b.png", b"1", offset=0)], "damaged or cut short"),
        ([Entry("a.png", b"1", offset=2**32 - 2)], "damaged or cut short"),
        ([Entry("a.png", b"1", local_name=b"b.png")], "damaged or cut short"),
        ([Entry(b"\xff.png", b"1", flags=UTF8)], "damaged or cut short"),
        ([Entry("a.png", b"1", local_name=b"\xff.png", flags=UTF8)], "damaged or cut short"),
        ([Entry("a.png", b"1", size=2**32 - 2)], "looks like a zip bomb"),
        ([Entry("link", b"/etc/passwd", attributes=LINK)], "is a link or a device"),
        ([Entry("../" * 9000 + "a.png", b"1")], "leads out of the archive"),
    ],
)
def test_zips_that_are_wrong_are_refused(tmp_path: Path, entries: list[Entry], words: str) -> None:
    refused(words, odd_zip(tmp_path / "set.zip", *entries), tmp_path / "out")


def test_one_part_of_a_zip_of_several_is_told(tmp_path: Path) -> None:
    archive = odd_zip(tmp_path / "set.zip", Entry("a.png", b"1"))
    content = archive.read_bytes()
    end = content.index(b"PK\5\6")
    several = b"PK\6\7" + (0).to_bytes(4, "little") + bytes(8) + (2).to_bytes(4, "little")
    archive.write_bytes(content[:end] + several + content[end:])
    assert is_archive(archive)
    refused("damaged or cut short", archive, tmp_path / "out")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_cannot_be_told_to_stop_are_refused(tmp_path: Path, method: int) -> None:
    """A megabyte of them may hold twenty gigabytes, which zipfile unpacks at once."""
    archive = zipped(method)(tmp_path, {"a.png": b"1"})
    refused(r"a.png in .* packed with a rare method: unpack it.*--from", archive, tmp_path / "out")


# Limits hold while an archive is read


def tar_of(path: Path, *blocks: bytes) -> Path:
    with gzip.open(path, "wb", compresslevel=1) as file:
        for block in blocks:
            file.write(block)
    return path


def header(kind: bytes, size: int, name: str = "a.png") -> bytes:
    member = tarfile.TarInfo(name)
    member.type, member.size = kind, size
    return member.tobuf(tarfile.GNU_FORMAT)


def peak_of(words: str, archive: Path, folder: Path) -> int:
    tracemalloc.start()
    refused(words, archive, folder)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


@pytest.mark.parametrize(
    "kind",
    [
        *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.GNUTYPE_SPARSE),
        *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
    ],
)
def test_a_header_of_gigabytes_is_not_read(tmp_path: Path, kind: bytes) -> None:
    """In bzip2 it takes 3 KB, and tarfile reads it whole: 4 GiB took 8 GiB of memory."""
    block = header(kind, 2**32)
    if kind == tarfile.GNUTYPE_SPARSE:  # more of the map of a sparse file follows, and so on
        block = block[:482] + b"\1" + block[483:]
        block = block[:148] + b"%06o\0 " % (sum(block[:148] + b" " * 8 + block[156:])) + block[156:]
    zeros = [bytes(504) + b"\1" + bytes(7)] * 2**17 if kind == b"S" else [bytes(2**20)] * 64
    archive = tar_of(tmp_path / "set.tar.gz", block, *zeros)
    assert peak_of("more headers or padding", archive, tmp_path / "out") < 2**21


def test_what_is_said_of_all_members_is_not_kept_for_each(tmp_path: Path) -> None:
    def one(n: int) -> bytes:
        records = b"".join(b"%d %07d.%05d=1\n" % (18, n, i) for i in range(1500))
        said = header(tarfile.XGLTYPE, len(records)) + records + bytes(-len(records) % 512)
        return said + header(tarfile.XHDTYPE, 0) + header(tarfile.REGTYPE, 0, f"{n}.png")

    archive = tar_of(tmp_path / "set.tar.gz", *map(one, range(100)), b"no end")
    assert peak_of("damaged or cut short", archive, tmp_path / "out") < 2**22
    assert len(files(tmp_path / "out")) == 100


def test_headers_count_for_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "BOMB_FLOOR", 10**6)
    said = header(tarfile.XHDTYPE, 2**14) + b"11 path=a\n".ljust(2**14, b"\0")
    blocks = [said + header(tarfile.REGTYPE, 0, f"{n}.png") for n in range(100)]
    archive = tar_of(tmp_path / "set.tar.gz", *blocks, bytes(1024))
    refused("is there twice", archive, tmp_path / "out")  # they are all called a
    said = said.replace(b"path", b"made")
    blocks = [said + header(tarfile.REGTYPE, 0, f"{n}.png") for n in range(100)]
    archive = tar_of(tmp_path / "set.tar.gz", *blocks, bytes(1024))
    refused("looks like a zip bomb", archive, tmp_path / "other")


def test_headers_upon_headers_are_refused(tmp_path: Path) -> None:
    more = header(tarfile.XHDTYPE, 512) + b"11 path=a\n".ljust(512, b"\0")
    archive = tar_of(tmp_path / "set.tar.gz", more * 5000, header(tarfile.REGTYPE, 0), bytes(1024))
    refused("damaged or cut short", archive, tmp_path / "out")


def test_zeros_after_the_end_are_not_read_for_minutes(tmp_path: Path) -> None:
    whole = [header(tarfile.REGTYPE, 0), bytes(1024)]
    archive = tar_of(tmp_path / "few.tar.gz", *whole, bytes(tars.MOST_PADDING - 2**16))
    unpack(archive, tmp_path / "few")
    assert files(tmp_path / "few") == {"a.png": b""}
    archive = tar_of(tmp_path / "set.tar.gz", *whole, *[bytes(2**20)] * 64)
    assert peak_of("more headers or padding", archive, tmp_path / "out") < 2**23


@pytest.mark.parametrize("size", [2**33 - 1, 2**62])
def test_a_sparse_file_does_not_lead_far_behind_the_end(tmp_path: Path, size: int) -> None:
    """Found by fuzzing: tarfile went through what it skipped in steps of 10 KB, end or not."""
    records = b"21 GNU.sparse.size=9\n22 GNU.sparse.map=0,9\n"
    said = header(tarfile.XHDTYPE, len(records)) + records.ljust(512, b"\0")
    archive = tar_of(tmp_path / "set.tar.gz", said, header(tarfile.REGTYPE, size), bytes(1024))
    refused("looks like a zip bomb", archive, tmp_path / "out")
    archive = tar_of(tmp_path / "set.tar.gz", said, header(tarfile.REGTYPE, 10**9), bytes(1024))
    refused("damaged or cut short .it ends too early", archive, tmp_path / "other")


@pytest.mark.parametrize("size", [-1, -(2**20), -(2**62)])
def test_a_size_below_zero_is_damage(tmp_path: Path, size: int) -> None:
    archive = tar_of(tmp_path / "set.tar.gz", header(tarfile.REGTYPE, size), bytes(1024))
    refused("damaged or cut short .a size below 0", archive, tmp_path / "out")


def test_a_name_with_a_zero_byte(tmp_path: Path) -> None:
    for name, words in (("a\0b.txt", None), ("a\0b.png", "a name that no file here can have")):
        records = b"%d path=%b\n" % (len(name) + 9, name.encode())
        said = header(tarfile.XHDTYPE, len(records)) + records.ljust(512, b"\0")
        end = header(tarfile.REGTYPE, 0), bytes(1024)
        archive = tar_of(tmp_path / "set.tar.gz", said, *end)
        if words:
            refused(words, archive, tmp_path / "out")
        else:
            assert [left.name for left in unpack(archive, tmp_path / "out")] == [r"'a\x00b.txt'"]


# Archives in an archive


def test_inner_archives_are_unpacked_beside_themselves(tmp_path: Path) -> None:
    inner = odd_zip(tmp_path / "inner.zip", Entry("a.png", b"1")).read_bytes()
    contents = {
        "Class1.zip": inner,
        "deep/Class2.ZIP": inner,
        ".zip": inner,
        "readme.zip": b"Unpack me!",
        "Class3.zip": inner[:-30],
    }
    left_out = unpack(KINDS["zip"](tmp_path, contents), tmp_path / "out")
    assert [name for name, _ in left_out] == ["Class3.zip", "readme.zip"]
    assert files(tmp_path / "out") == {
        "Class1/a.png": b"1",
        "deep/Class2/a.png": b"1",
        **{name: contents[name] for name in (".zip", "readme.zip", "Class3.zip")},
    }


def test_a_damaged_inner_archive_is_named_with_its_archive(tmp_path: Path) -> None:
    inner = odd_zip(tmp_path / "inner.zip", Entry("a.png", b"1", crc=1)).read_bytes()
    archive = KINDS["zip"](tmp_path, {"b/Class1.zip": inner})
    refused(r"^b/Class1.zip in .*set.zip is damaged", archive, tmp_path / "out")
    archive = KINDS["zip"](tmp_path, {"Class1.zip": inner, "Class1": b"in the way"})
    refused(r"^a.png in Class1.zip in .*set.zip is there twice", archive, tmp_path / "other")


def test_all_archives_in_an_archive_share_its_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "BOMB_FLOOR", 10**6)
    monkeypatch.setattr(archives, "BOMB_RATIO", 1)
    inner = zipped(zipfile.ZIP_DEFLATED)(tmp_path, {"a.png": bytes(300_000)}).read_bytes()
    archive = KINDS["zip"](tmp_path, {f"{i}.zip": inner for i in range(4)})
    refused("looks like a zip bomb", archive, tmp_path / "out")


def test_a_file_that_cannot_be_opened_is_no_damage(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        unpack(tmp_path / "nowhere.zip", tmp_path / "out")
    with pytest.raises(IsADirectoryError):
        members.open_zip(tmp_path, "the folder")
    if os.path.exists("/dev/zero"):
        assert not is_archive("/dev/zero")
