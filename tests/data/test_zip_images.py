"""Images in a zip archive: an odd member beside them does no harm, and is named with its reason."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from odd_zips import DEFLATED, ENCRYPTED, LINK, UTF8, Entry, odd_zip
from PIL import Image

from cozad_teach.data.images import ImageFile, read_image
from cozad_teach.data.members import LeftOut
from cozad_teach.data.names import NO_IMAGE
from cozad_teach.data.sources import list_images
from cozad_teach.data.zips import zip_files
from cozad_teach.errors import CozadError

STREAM = io.BytesIO()
Image.new("L", (17, 12), 99).save(STREAM, "PNG")
PNG = STREAM.getvalue()
GOOD = Entry("train/good/000.png", PNG, DEFLATED)


def refused(path: Path) -> str:
    with pytest.raises(CozadError) as caught:
        for file in list_images(path).images:
            file.read_bytes()
    assert str(caught.value).isprintable() and len(str(caught.value)) < 700
    return str(caught.value)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (Entry("latest", b"train/good", attributes=LINK), "is a link or a device"),
        (Entry("pipe", attributes=0o010644 << 16), "is a link or a device"),
        (Entry("read.me", b"1", flags=ENCRYPTED), "is encrypted"),
        (Entry("read.me", b"1", flags=ENCRYPTED | 0x40), "is encrypted"),
        (Entry("read.me", b"1", method=97), "is packed with a rare method"),
        (Entry("read.me", b"1", method=14), "is packed with a rare method"),
        (Entry("read.me", b"1", flags=0x20), "is packed with a rare method"),
        (Entry("", b"1"), "has no name"),
        (Entry("n" * 65_000, b"1", method=97), "is packed with a rare method"),
        (Entry("__MACOSX/000.png", b"1", flags=ENCRYPTED), "is encrypted"),
    ],
)
def test_one_odd_member_is_left_out_with_its_reason(
    tmp_path: Path, entry: Entry, reason: str
) -> None:
    path = odd_zip(tmp_path / "s.zip", GOOD, entry)
    file, (name, why) = zip_files(path)
    assert isinstance(file, ImageFile) and why.startswith(reason) and 0 < len(name) < 200
    assert read_image(list_images(path).images[0]).shape == (12, 17, 3)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (Entry("000.png", b"/etc/passwd", attributes=LINK), "is a link or a device: pack the file"),
        (Entry("000.png", PNG, flags=ENCRYPTED), "is encrypted: unpack it with its password"),
        (Entry("000.png", PNG, flags=0x40), "is encrypted: unpack it with its password"),
        (Entry("000.png", PNG, method=97), "is packed with a rare method: unpack it"),
        (Entry("000.png", PNG, flags=0x20), "is packed with a rare method: unpack it"),
        (Entry("n" * 65_000 + ".png", PNG, method=97), "is packed with a rare method: unpack it"),
        (Entry("../read.me", b"1"), "leads out of the archive"),
        (Entry("/read.me", b"1"), "leads out of the archive"),
        (Entry("a.txt", b"1", version=99), "s.zip needs a newer program"),
        (Entry(b"\xff.txt", b"1", flags=UTF8), "s.zip is damaged or cut short"),
        (Entry("000.png", PNG, size=len(PNG) - 1), "000.png is damaged in"),
        (Entry("000.png", PNG, size=len(PNG) + 1), "000.png is damaged in"),
        (Entry("000.png", PNG, DEFLATED, size=0), "000.png is damaged in"),
        (Entry("000.png", PNG, crc=1), "000.png is damaged in"),
        (Entry("000.png", PNG, offset=0), "000.png is damaged in"),
        (Entry("000.png", PNG, offset=2**32 - 2), "000.png is damaged in"),
        (Entry("000.png", PNG, local_name=b"\xff.png", flags=UTF8), "000.png is damaged in"),
    ],
)
def test_an_image_that_cannot_be_had_is_no_small_matter(
    tmp_path: Path, entry: Entry, words: str
) -> None:
    assert words in refused(odd_zip(tmp_path / "s.zip", GOOD, entry))


@pytest.mark.parametrize(
    "name", ["", ".", "./", "/", "train/", "train\\", "read.me", "a.txt ", "测试", "n" * 65_000]
)
def test_harmless_names_are_no_reason(tmp_path: Path, name: str) -> None:
    _, *left_out = zip_files(odd_zip(tmp_path / "s.zip", GOOD, Entry(name)))
    is_file = name.strip("./\\") not in ("", "train")
    assert [file.reason for file in left_out] == [NO_IMAGE] * is_file


def test_an_archive_with_bytes_before_and_behind_it(tmp_path: Path) -> None:
    path = odd_zip(tmp_path / "s.zip", GOOD, before=b"MZ" * 500, comment=b"PK\3\4")
    assert [file.name for file in list_images(path).images] == ["train/good/000.png"]


def test_what_is_left_out_alone_is_no_data_set(tmp_path: Path) -> None:
    path = odd_zip(tmp_path / "s.zip", Entry("read.me", b"1", method=97))
    assert [type(one) for one in zip_files(path)] == [LeftOut]
    assert "holds no images" in refused(path)
