"""Data sets in MVTec layout: what is found, and the sentence each broken one gets."""

from __future__ import annotations

import gc
import io
import os
import random
import shutil
import stat
import struct
import tempfile
import tracemalloc
import unicodedata
import warnings
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cozad_teach.data import members
from cozad_teach.data.folders import Category, list_images, open_dataset, read_image
from cozad_teach.data.masks import mask_of
from cozad_teach.errors import CozadError

HEIGHT, WIDTH = 12, 17

LEATHER = {
    "leather/train/good/000.png": 10,
    "leather/train/good/001.png": 11,
    "leather/test/good/000.png": 20,
    "leather/test/cut/000.png": 30,
    "leather/test/cut/001.png": 31,
    "leather/test/glue/000.png": 40,
    "leather/ground_truth/cut/000_mask.png": 255,
    "leather/ground_truth/cut/001_mask.png": 255,
}


def png(value: int) -> bytes:
    stream = io.BytesIO()
    Image.new("L", (WIDTH, HEIGHT), value).save(stream, "PNG")
    return stream.getvalue()


def contents(tree: dict[str, int | bytes]) -> dict[str, bytes]:
    return {name: value if isinstance(value, bytes) else png(value) for name, value in tree.items()}


def make_folder(root: Path, tree: dict[str, int | bytes]) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    for name, content in contents(tree).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def make_zip(path: Path, tree: dict[str, int | bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents(tree).items():
            archive.writestr(name, content)
    return path


@pytest.fixture(params=["folder", "zip"])
def make(request: pytest.FixtureRequest, tmp_path: Path):  # type: ignore[no-untyped-def]
    """Build the same tree as a folder or as an archive."""
    if request.param == "folder":
        return lambda tree: make_folder(tmp_path / "set", tree)
    return lambda tree: make_zip(tmp_path / "set.zip", tree)


def refusal(path: Path) -> str:
    with pytest.raises(CozadError) as caught:
        open_dataset(path)
    sentence = str(caught.value)
    assert "\n" not in sentence and ": " in sentence
    return sentence


def renamed(tree: dict[str, int], old: str, new: str) -> dict[str, int]:
    return {name.replace(old, new, 1): value for name, value in tree.items()}


def summary(category: Category) -> list[tuple[str, str, str | None]]:
    return [
        (item.image.name.rpartition("test/")[2], item.defect, item.mask and item.mask.name)
        for item in category.test
    ]


# What is found


def test_one_category(make) -> None:
    found = open_dataset(make(LEATHER))
    assert list(found) == ["leather"]
    leather = found["leather"]
    assert leather.name == "leather"
    assert [file.name for file in leather.train_good] == [
        "leather/train/good/000.png",
        "leather/train/good/001.png",
    ]
    assert summary(leather) == [
        ("cut/000.png", "cut", "leather/ground_truth/cut/000_mask.png"),
        ("cut/001.png", "cut", "leather/ground_truth/cut/001_mask.png"),
        ("glue/000.png", "glue", None),
        ("good/000.png", "good", None),
    ]
    assert [item.is_anomalous for item in leather.test] == [True, True, True, False]


def test_the_right_bytes_come_back(make) -> None:
    leather = open_dataset(make(LEATHER))["leather"]
    assert [int(read_image(file)[0, 0, 0]) for file in leather.train_good] == [10, 11]
    assert [int(read_image(item.image)[0, 0, 0]) for item in leather.test] == [30, 31, 40, 20]
    masks = [mask_of(item.mask, item.image).pixels for item in leather.test if item.mask]
    assert [mask.shape for mask in masks] == [(HEIGHT, WIDTH)] * 2 and all(m.all() for m in masks)


@pytest.mark.parametrize("wrapper", ["", "mvtec/", "a/b/"])
def test_several_categories_in_their_order_with_or_without_a_wrapper(make, wrapper: str) -> None:
    tree = {}
    for name in ("wood", "leather", "Bottle", "test"):
        tree |= renamed(LEATHER, "leather", wrapper + name)
    found = open_dataset(make(tree))
    assert list(found) == ["Bottle", "leather", "test", "wood"]
    assert all(len(c.train_good) == 2 and len(c.test) == 4 for c in found.values())


def test_a_category_without_its_own_folder_takes_the_name_of_the_data_set(
    make, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make(renamed(LEATHER, "leather/", ""))
    assert list(open_dataset(path)) == ["set"]
    assert list(open_dataset(str(path))) == ["set"]
    if path.is_dir():
        monkeypatch.chdir(path)
        assert list(open_dataset(".")) == ["set"]


def test_order_does_not_depend_on_the_order_of_the_files(tmp_path: Path) -> None:
    names = [f"c/train/good/{i:03}.png" for i in range(20)]
    names += [f"c/test/{label}/{i:03}.png" for i in range(5) for label in ("good", "cut")]
    shuffled = random.Random(3).sample(names, len(names))
    category = open_dataset(make_zip(tmp_path / "s.zip", dict.fromkeys(shuffled, 1)))["c"]
    assert [file.name for file in category.train_good] == names[:20]
    assert [item.image.name for item in category.test] == sorted(names[20:])


def test_train_only_and_test_only(make) -> None:
    tree = {"a/train/good/0.png": 1, "b/test/good/0.png": 1, "b/test/cut/0.png": 1}
    found = open_dataset(make(tree))
    assert found["a"].test == () and len(found["a"].train_good) == 1
    assert found["b"].train_good == () and len(found["b"].test) == 2
    assert all(item.mask is None for item in found["b"].test)


def test_one_missing_mask_among_siblings_is_none(make) -> None:
    tree = {k: v for k, v in LEATHER.items() if k != "leather/ground_truth/cut/000_mask.png"}
    masks = [item.mask is not None for item in open_dataset(make(tree))["leather"].test]
    assert masks == [False, True, False, False]


def test_a_good_image_may_have_a_mask(make) -> None:
    tree = LEATHER | {"leather/ground_truth/good/000_mask.png": 0}
    good = open_dataset(make(tree))["leather"].test[-1]
    assert good.defect == "good" and good.mask is not None


def test_other_files_are_left_out(make) -> None:
    noise = dict.fromkeys(
        [
            "leather/license.txt",
            "leather/readme",
            "leather/test/cut/Thumbs.db",
            "leather/test/cut/.DS_Store",
            "leather/test/cut/._000.png",
            "leather/.thumbs/test/good/000.png",
            "__MACOSX/leather/test/cut/000.png",
            "leather/ground_truth/cut/notes.csv",
            "overview.png",
            "leather/validation/good/000.png",
        ],
        b"noise",
    )
    found = open_dataset(make(LEATHER | noise))
    assert summary(found["leather"]) == summary(open_dataset(make(LEATHER))["leather"])
    # Each with its reason; of a hidden folder, the folder.
    assert {(file.name, file.reason) for file in found.left_out} == {
        ("leather/license.txt", "no image by its name"),
        ("leather/readme", "no image by its name"),
        ("leather/test/cut/Thumbs.db", "no image by its name"),
        ("leather/ground_truth/cut/notes.csv", "no image by its name"),
        ("leather/test/cut/.DS_Store", "hidden"),
        ("leather/test/cut/._000.png", "hidden"),
        ("leather/.thumbs", "hidden"),
        ("__MACOSX", "hidden"),
        ("overview.png", "not in train, test or ground_truth"),
        ("leather/validation/good/000.png", "not in train, test or ground_truth"),
    }


@pytest.mark.parametrize(
    "suffix", [".png", ".PNG", ".jpg", ".JPEG", ".bmp", ".tif", ".TIFF", ".webp"]
)
def test_suffixes(make, suffix: str) -> None:
    tree = {f"c/train/good/0{suffix}": 1, f"c/test/cut/0{suffix}": 1}
    category = open_dataset(make(tree | {"c/ground_truth/cut/0_mask.png": 1}))["c"]
    assert len(category.train_good) == 1 and category.test[0].mask is not None


def test_names_outside_ascii(make) -> None:
    tree = {
        "cuir d'été/train/good/é 1.png": 5,
        "cuir d'été/test/déchirure/孔.png": 6,
        "cuir d'été/ground_truth/déchirure/孔_mask.png": 255,
    }
    category = open_dataset(make(tree))["cuir d'été"]
    assert int(read_image(category.train_good[0])[0, 0, 0]) == 5
    (item,) = category.test
    assert item.defect == "déchirure" and item.mask is not None
    assert int(read_image(item.image)[0, 0, 0]) == 6


def test_composed_and_decomposed_accents_are_one_name(make) -> None:
    tree = {
        "c/train/good/0.png": 1,
        f"c/test/cut/{unicodedata.normalize('NFC', 'é')}.png": 1,
        f"c/ground_truth/cut/{unicodedata.normalize('NFD', 'é')}_mask.png": 1,
    }
    assert open_dataset(make(tree))["c"].test[0].mask is not None


def test_list_images_finds_photographs_at_every_depth(make) -> None:
    tree = {"b.png": 1, "a/c/d.JPG": 2, "a/.hidden.png": 3, "a/x.txt": b"x", "z.gif": b"x"}
    assert [file.name for file in list_images(make(tree)).images] == ["a/c/d.JPG", "b.png"]


def test_a_hidden_folder_above_the_data_set_does_no_harm(tmp_path: Path) -> None:
    assert list(open_dataset(make_folder(tmp_path / ".cache" / "set", LEATHER))) == ["leather"]


# What is refused: the layout


@pytest.mark.parametrize("reader", [open_dataset, list_images])
def test_missing_path(tmp_path: Path, reader) -> None:
    with pytest.raises(CozadError, match=r"nowhere does not exist: check the path"):
        reader(tmp_path / "nowhere")


def test_nothing_in_it(make) -> None:
    assert "holds no images" in refusal(make({}))


def test_no_images_in_it(make) -> None:
    assert "holds no images" in refusal(make({"train/good/readme.txt": b"soon"}))


def test_photographs_without_the_layout(make) -> None:
    assert "has no good images: put normal images in" in refusal(make({"a/1.png": 1, "2.png": 1}))


def test_a_category_without_good_images_says_what_is_there(make) -> None:
    tree = LEATHER | {"wood/test/hole/0.png": 1, "wood/test/knot/0.png": 1}
    sentence = refusal(make(tree))
    assert sentence.startswith("category wood has no good images")
    assert "(found: test/hole, test/knot)" in sentence


def test_mask_without_image(make) -> None:
    tree = LEATHER | {"leather/ground_truth/cut/007_mask.png": 1}
    sentence = refusal(make(tree))
    assert sentence == (
        "leather/ground_truth/cut/007_mask.png is a mask without an image: add its image to "
        "test/cut or delete the mask"
    )


def test_masks_of_a_defect_without_a_test_folder(make) -> None:
    tree = LEATHER | {f"leather/ground_truth/poke/00{i}_mask.png": 1 for i in range(3)}
    sentence = refusal(make(tree))
    assert "leather/ground_truth/poke/000_mask.png (and 2 more) is a mask without an" in sentence
    assert "test/poke" in sentence


@pytest.mark.parametrize("name", ["000.png", "000_mask.bmp", "000_MASK.PNG", "mask_000.png"])
def test_a_mask_by_another_name(make, name: str) -> None:
    leather = open_dataset(make(LEATHER | {f"leather/ground_truth/glue/{name}": 1}))["leather"]
    (glue,) = (item for item in leather.test if item.defect == "glue")
    assert glue.mask is not None and glue.mask.name.endswith(name)


@pytest.mark.parametrize("name", ["0000.png", "000_copy.png", "00.png", "_mask.png"])
def test_a_mask_whose_name_is_of_no_image(make, name: str) -> None:
    sentence = refusal(make(LEATHER | {f"leather/ground_truth/glue/{name}": 1}))
    assert f"glue/{name} is a mask without an image" in sentence


def test_a_mask_for_two_images(make) -> None:
    sentence = refusal(make(LEATHER | {"leather/test/cut/000.jpg": 1}))
    assert "cut/000_mask.png belongs to 2 images" in sentence and "rename them" in sentence


def test_two_images_of_one_stem_without_a_mask_are_two_images(make) -> None:
    assert len(open_dataset(make(LEATHER | {"leather/test/glue/000.jpg": 1}))["leather"].test) == 5


@pytest.mark.parametrize(
    "name",
    [
        "leather/test/000.png",
        "leather/train/000.png",
        "leather/test/cut/more/000.png",
        "leather/ground_truth/cut/000/000_mask.png",
    ],
)
def test_images_above_or_below_their_place(make, name: str) -> None:
    sentence = refusal(make(LEATHER | {name: 1}))
    assert sentence.startswith(f"{name} is out of place: images belong in train/good")


def test_defects_in_train(make) -> None:
    sentence = refusal(make(LEATHER | {"leather/train/cut/000.png": 1}))
    assert "train/cut/000.png is in train/cut: train holds normal images only" in sentence


@pytest.mark.parametrize(
    ("other", "named"), [("visa/pcb", "mvtec/leather, visa/pcb"), ("x", "mvtec/leather, x")]
)
def test_two_data_sets(make, other: str, named: str) -> None:
    tree = renamed(LEATHER, "leather", "mvtec/leather") | renamed(LEATHER, "leather", other)
    assert f"holds more than one data set ({named}): give the folder of one" in refusal(make(tree))


def test_a_category_beside_the_folders_of_others(make) -> None:
    tree = LEATHER | renamed(LEATHER, "leather/", "")
    assert "holds more than one data set (., leather)" in refusal(make(tree))


def test_a_file_that_is_no_image_is_found_out_when_read(make) -> None:
    path = make({"c/train/good/0.png": 1, "c/test/cut/9.png": b"not an image"})
    item = open_dataset(path)["c"].test[0]
    with pytest.raises(CozadError, match=r"^c/test/cut/9.png is not a PNG"):
        read_image(item.image)


# What is refused: folders


def test_links_to_folders_are_followed_and_loops_are_not(tmp_path: Path) -> None:
    real = make_folder(tmp_path / "real", LEATHER)
    root = tmp_path / "set"
    root.mkdir()
    (root / "leather").symlink_to(real / "leather")
    (root / "copy").symlink_to(real / "leather")
    (real / "leather" / "loop").symlink_to(root)
    (root / "again").symlink_to(root)
    assert list(open_dataset(root)) == ["copy", "leather"]


def test_broken_link(tmp_path: Path) -> None:
    root = make_folder(tmp_path / "set", LEATHER)
    (root / "leather/test/cut/5.png").symlink_to(tmp_path / "gone.png")
    assert "leather/test/cut/5.png is a broken link or no file: remove it" in refusal(root)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes")
def test_a_pipe_does_not_hang(tmp_path: Path) -> None:
    root = make_folder(tmp_path / "set", LEATHER)
    os.mkfifo(root / "leather/test/cut/5.png")
    assert "is a broken link or no file" in refusal(root)


def test_a_file_that_went_away(tmp_path: Path) -> None:
    root = make_folder(tmp_path / "set", LEATHER)
    file = open_dataset(root)["leather"].train_good[0]
    shutil.rmtree(root)
    with pytest.raises(CozadError, match=r"cannot read leather/train/good/000.png \(No such file"):
        read_image(file)


@pytest.mark.skipif(not hasattr(os, "truncate"), reason="this system has no sparse files")
def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    root = make_folder(tmp_path / "set", LEATHER)
    os.truncate(root / "leather/train/good/000.png", 10**10)
    with pytest.raises(CozadError, match=r"000\.png is over 500 MB: scale it down"):
        read_image(open_dataset(root)["leather"].train_good[0])


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """A folder in which file permissions count, even where the tests run as root."""
    if not hasattr(os, "geteuid"):
        pytest.skip("this system has no numeric users")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        user = os.geteuid()
        try:
            yield folder
        finally:
            os.seteuid(user)
            for path in folder.rglob("*"):
                path.chmod(0o755)


def drop_root() -> None:
    if os.geteuid() == 0:
        os.seteuid(65534)


def test_unreadable_file(unprivileged: Path) -> None:
    root = make_folder(unprivileged / "set", LEATHER)
    (root / "leather/train/good/000.png").chmod(0)
    drop_root()
    first, second = open_dataset(root)["leather"].train_good
    read_image(second)
    with pytest.raises(CozadError) as caught:
        read_image(first)
    assert str(caught.value) == (
        "cannot read leather/train/good/000.png (Permission denied): check that it is there and "
        "its permissions"
    )


def test_unreadable_folder(unprivileged: Path) -> None:
    root = make_folder(unprivileged / "set", LEATHER)
    (root / "leather/test/cut").chmod(0)
    drop_root()
    sentence = refusal(root)
    assert "leather/test/cut (Permission denied): check its permissions" in sentence


def test_unreadable_archive(unprivileged: Path) -> None:
    path = make_zip(unprivileged / "set.zip", LEATHER)
    path.chmod(0)
    drop_root()
    assert "set.zip (Permission denied): check its permissions" in refusal(path)


# Zip archives


def rewritten(path: Path, name: str, offset: int, field: bytes, local: int | None = None) -> Path:
    """Overwrite a field of the central directory entry of `name`, and of its local header."""
    content = bytearray(path.read_bytes())
    raw = name.encode()
    at = content.rindex(raw) - 46
    assert content[at : at + 4] == b"PK\1\2"
    content[at + offset : at + offset + len(field)] = field
    if local is not None:
        at = content.index(raw) - 30
        assert content[at : at + 4] == b"PK\3\4"
        content[at + local : at + local + len(field)] = field
    path.write_bytes(content)
    return path


FIRST = "leather/train/good/000.png"


@pytest.mark.parametrize(
    "name",
    [
        "../leather/test/cut/5.png",
        "leather/../../test/cut/5.png",
        "leather\\..\\..\\5.png",
        "/etc/5.png",
        "\\\\server\\share\\5.png",
        "C:\\5.png",
        "c:5.png",
        "../readme.txt",
        "leather/test/../",
    ],
)
def test_paths_that_lead_out(tmp_path: Path, name: str) -> None:
    sentence = refusal(make_zip(tmp_path / "s.zip", LEATHER | {name: b"x"}))
    assert sentence.startswith(f"{name} in ") and "leads out of the archive" in sentence


def test_names_with_two_dots_are_names(tmp_path: Path) -> None:
    tree = LEATHER | {"leather/test/cut/a..b.png": 1, "leather/test/cut/..png": 1}
    names = [
        item.image.name for item in open_dataset(make_zip(tmp_path / "s.zip", tree))["leather"].test
    ]
    assert "leather/test/cut/a..b.png" in names


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices(tmp_path: Path, kind: int) -> None:
    path = make_zip(tmp_path / "s.zip", LEATHER)
    member = zipfile.ZipInfo("leather/test/cut/5.png")
    member.create_system = 3
    member.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(member, "/etc/passwd")
    assert "leather/test/cut/5.png in " in refusal(path)
    assert "is a link or a device: pack the file itself" in refusal(path)


def test_folder_entries_and_files_with_modes_are_fine(tmp_path: Path) -> None:
    root = make_folder(tmp_path / "set", LEATHER)
    path = Path(shutil.make_archive(str(tmp_path / "packed"), "zip", root))
    with zipfile.ZipFile(path) as archive:
        assert any(member.is_dir() for member in archive.infolist())
    assert len(open_dataset(path)["leather"].test) == 4


def test_encrypted_member(tmp_path: Path) -> None:
    path = rewritten(make_zip(tmp_path / "s.zip", LEATHER), FIRST, 8, b"\1\0", local=6)
    with zipfile.ZipFile(path) as archive, pytest.raises(RuntimeError, match="encrypted"):
        archive.read(FIRST)
    sentence = refusal(path)
    assert FIRST in sentence and "is encrypted: unpack it with its password" in sentence


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_rare_methods(tmp_path: Path, method: int) -> None:
    """Their decompressors cannot be told to stop, so a lie about a size would fill the memory."""
    path = tmp_path / "s.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("train/good/0.png", png(1))
    assert "is packed with a rare method: unpack it" in refusal(path)


def test_truncated_archive(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "s.zip", LEATHER)
    content = path.read_bytes()
    for share in (0.3, 0.9, 0.99):
        path.write_bytes(content[: int(len(content) * share)])
        assert "s.zip is damaged or cut short: download it again" in refusal(path)


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"<html>", png(1), b"\x1f\x8b\x08" + b"\0" * 99]
)
def test_not_an_archive(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "s.zip").write_bytes(content)
    assert "s.zip is neither a folder nor a zip archive: give a" in refusal(tmp_path / "s.zip")


def test_damage_inside_is_found_when_read(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "s.zip", LEATHER)
    content = bytearray(path.read_bytes())
    at = content.index(FIRST.encode()) + len(FIRST) + 20
    content[at : at + 8] = b"\xff" * 8
    path.write_bytes(content)
    first, second = open_dataset(path)["leather"].train_good
    read_image(second)
    with pytest.raises(CozadError, match=f"^{FIRST} is damaged in .*s.zip: download"):
        read_image(first)


def test_archive_cut_while_in_use(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)  # more than what stays in the memory of who has begun to read
    path = make_zip(tmp_path / "s.zip", {f"train/good/{i}.png": rng.bytes(300_000) for i in (0, 1)})
    images = open_dataset(path)["s"].train_good
    os.truncate(path, 10)
    for image in images:
        with pytest.raises(CozadError, match="is damaged in"):
            read_image(image)


def test_duplicate_names(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "s.zip", LEATHER)
    with zipfile.ZipFile(path, "a") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        archive.writestr(FIRST, png(99))
    sentence = refusal(path)
    assert FIRST in sentence and "is there twice" in sentence


def test_names_that_differ_in_the_slashes_are_duplicates(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "s.zip", LEATHER | {FIRST.replace("/", "\\"): 1})
    assert "is there twice" in refusal(path)


def test_backslashes_of_old_windows_tools_separate_folders(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "s.zip", LEATHER)
    windows = make_zip(tmp_path / "w.zip", {k.replace("/", "\\"): v for k, v in LEATHER.items()})
    assert summary(open_dataset(windows)["leather"]) == summary(open_dataset(path)["leather"])
    assert int(read_image(open_dataset(windows)["leather"].train_good[1])[0, 0, 0]) == 11


def test_one_member_of_a_bomb(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "s.zip", LEATHER)
    rewritten(path, FIRST, 24, struct.pack("<I", 4_000_000_000), local=22)
    sentence = refusal(path)
    assert FIRST in sentence and "s.zip is over 500 MB: scale it down" in sentence


def test_many_members_of_a_bomb(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "s.zip", LEATHER)
    for name in list(LEATHER)[:3]:
        rewritten(path, name, 24, struct.pack("<I", 499_000_000), local=22)
    sentence = refusal(path)
    assert "declares 1427 MiB, over 100 times its own size" in sentence
    assert "looks like a zip bomb" in sentence


def test_small_archives_of_plain_pictures_are_no_bombs(tmp_path: Path) -> None:
    stream = io.BytesIO()
    Image.new("RGB", (1000, 800)).save(stream, "BMP")
    tree: dict[str, int | bytes] = {f"train/good/{i}.bmp": stream.getvalue() for i in range(5)}
    path = make_zip(tmp_path / "s.zip", tree)
    assert sum(map(len, contents(tree).values())) > 200 * path.stat().st_size
    assert len(open_dataset(path)["s"].train_good) == 5


@pytest.mark.parametrize("declared", [10, 20_000_000])
def test_a_member_that_lies_about_its_size(tmp_path: Path, declared: int) -> None:
    """Of 256 MiB declared as 10 bytes, 10 bytes are unpacked; 1 MiB is not 20 MB either."""
    path = tmp_path / "s.zip"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("train/good/0.png", "w") as member,
    ):
        for _ in range(2**8 if declared == 10 else 1):
            member.write(bytes(2**20))
    rewritten(path, "train/good/0.png", 24, struct.pack("<I", declared))
    (file,) = open_dataset(path)["s"].train_good
    tracemalloc.start()
    with pytest.raises(CozadError, match="is damaged in"):
        file.read_bytes()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5 * 2**20


def test_reading_extracts_nothing_and_opens_the_archive_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_zip(tmp_path / "in" / "s.zip", LEATHER)
    opened = []
    monkeypatch.setattr(
        members.zipfile, "ZipFile", lambda p, make=zipfile.ZipFile: opened.append(p) or make(p)
    )
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "in"))
    monkeypatch.chdir(tmp_path / "in")
    leather = open_dataset(path)["leather"]
    for _ in range(3):
        for file in leather.train_good:
            read_image(file)
    assert opened == [path]
    assert list((tmp_path / "in").iterdir()) == [path]


def test_threads_share_an_archive(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    tree: dict[str, int | bytes] = {f"train/good/{i:03}.png": rng.bytes(30_000) for i in range(60)}
    files = open_dataset(make_zip(tmp_path / "s.zip", tree))["s"].train_good * 10
    expected = list(tree.values()) * 10
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(lambda file: file.read_bytes(), files)) == expected


def test_the_archive_is_closed_with_its_last_image(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "s.zip", LEATHER)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        file = open_dataset(path)["leather"].train_good[0]
        gc.collect()
        assert int(read_image(file)[0, 0, 0]) == 10
        archive = file.read_bytes.args[0]  # type: ignore[attr-defined]
        handle = archive.fp
        del file, archive
        gc.collect()
    assert handle.closed


def test_random_damage_never_gives_anything_but_our_error(tmp_path: Path) -> None:
    path = make_zip(tmp_path / "s.zip", LEATHER)
    content = path.read_bytes()
    rng = random.Random(11)
    for _ in range(400):
        damaged = bytearray(content)
        for _ in range(rng.choice([1, 3, 20])):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        path.write_bytes(damaged)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                for category in open_dataset(path).values():
                    for file in category.train_good:
                        read_image(file)
            except CozadError as error:
                assert "\n" not in str(error)


# Real packs

PACKS = {  # train good, test good, anomalous, masks: the table of the packs' README
    "magnetic_tile": (179, 161, 388, 388),
    "ksdd_tiles": (244, 158, 54, 54),
    "mpdd_metal_plate": (54, 26, 71, 71),
    "brainmri": (21, 66, 141, 0),
    "mvtec_mini": (5, 5, 14, 11),
    "dtd10_textures": (360, 0, 0, 0),
}


def pack(name: str) -> dict[str, Category]:
    folder = os.environ.get("COZAD_PACKS")
    if not folder:
        pytest.skip("COZAD_PACKS is not set: no real images here")
    path = Path(folder) / f"{name}.zip"
    if not path.exists():
        pytest.skip(f"COZAD_PACKS holds no {name}.zip")
    return open_dataset(path)


@pytest.mark.parametrize("name", PACKS)
def test_pack_counts(name: str) -> None:
    categories = pack(name).values()
    test = [item for category in categories for item in category.test]
    anomalous = [item for item in test if item.is_anomalous]
    assert (
        sum(len(category.train_good) for category in categories),
        len(test) - len(anomalous),
        len(anomalous),
        sum(item.mask is not None for item in test),
    ) == PACKS[name]


def test_pack_categories() -> None:
    assert list(pack("mvtec_mini")) == ["bottle", "leather"]
    assert all(item.mask is None for item in pack("mvtec_mini")["bottle"].test)
    assert len(pack("dtd10_textures")) == 10
    assert list(pack("mpdd_metal_plate")) == ["metal_plate"]


def test_every_image_of_magnetic_tile_decodes_and_masks_align() -> None:
    (category,) = pack("magnetic_tile").values()
    for file in category.train_good:
        assert min(read_image(file).shape[:2]) > 16
    for item in category.test:
        image = read_image(item.image)
        assert image.dtype == np.uint8 and image.shape[2] == 3
        if item.mask:
            mask = mask_of(item.mask, item.image).pixels
            assert 0 < mask.mean() < 1, item.mask.name


@pytest.mark.parametrize("name", ["ksdd_tiles", "mpdd_metal_plate", "mvtec_mini"])
def test_masks_of_the_other_packs_align(name: str) -> None:
    for category in pack(name).values():
        for item in category.test:
            if item.mask:
                assert mask_of(item.mask, item.image).pixels.any(), item.mask.name


# Own images: good and defects, without train and test

OWN = {
    "good/IMG 1.JPG": 10,
    "good/IMG 2.JPG": 11,
    "bad/IMG 3.JPG": 20,
    "déchirure/IMG 1.png": 30,
    "ground_truth/déchirure/IMG 1_mask.png": 255,
}


def own(parent: str, tree: dict[str, int | bytes] = OWN) -> dict[str, int | bytes]:
    return {f"{parent}{name}": value for name, value in tree.items()}


def test_own_images_are_all_test_images(make) -> None:
    (category,) = open_dataset(make(OWN)).values()
    assert (category.name, category.train_good) == ("set", ())
    assert summary(category) == [
        ("bad/IMG 3.JPG", "bad", None),
        ("déchirure/IMG 1.png", "déchirure", "ground_truth/déchirure/IMG 1_mask.png"),
        ("good/IMG 1.JPG", "good", None),
        ("good/IMG 2.JPG", "good", None),
    ]
    values = [int(read_image(item.image)[0, 0, 0]) for item in category.test]
    assert values == [20, 30, 10, 11]


@pytest.mark.parametrize("wrapper", ["", "mine/", "a/b/"])
def test_own_images_of_several_categories(make, wrapper: str) -> None:
    """One of them has a name that is a label elsewhere."""
    tree = own(f"{wrapper}cups/") | own(f"{wrapper}good/") | own(f"{wrapper}plates/")
    found = open_dataset(make(tree))
    assert list(found) == ["cups", "good", "plates"]
    assert [len(category.test) for category in found.values()] == [4, 4, 4]


def test_own_images_may_be_good_only(make) -> None:
    (category,) = open_dataset(make({"good/0.png": 1})).values()
    assert [item.defect for item in category.test] == ["good"]


OWN_REFUSALS = {
    "no good": ({"bad/0.png": 1, "torn/0.png": 1}, "has no good images: put normal images in good"),
    "a category without good": (
        own("a/") | {"b/bad/0.png": 1},
        "b/bad/0.png is out of place: where there is no train or test, images belong in good",
    ),
    "no label": (OWN | {"IMG 9.JPG": 1}, "IMG 9.JPG is out of place"),
    "no label in a category": (own("a/") | {"a/0.png": 1}, "a/0.png is out of place"),
    "too deep": (OWN | {"bad/monday/0.png": 1}, "bad/monday/0.png is out of place"),
    "good too deep": (OWN | {"good/monday/0.png": 1}, "good/monday/0.png is out of place"),
    "two levels": (OWN | own("a/"), "holds more than one data set (., a)"),
    "two folders": (own("a/b/") | own("c/d/"), "holds more than one data set (a/b, c/d)"),
    "beside train": (OWN | {"train/good/0.png": 1}, "good lies beside folders train or test: move"),
    "beside test": (own("a/") | {"a/test/bad/0.png": 1}, "a/good lies beside folders train or"),
    "beside a category in the other layout": (LEATHER | own("a/"), "a/good lies beside folders"),
    "a test folder without labels": (OWN | {"test/0.png": 1}, "test/0.png is out of place"),
    "masks by themselves": (OWN | {"masks/0.png": 1}, "masks/0.png seems to be a mask: move the"),
    "masks beside images": (OWN | {"bad/IMG 3_mask.png": 1}, "bad/IMG 3_mask.png seems to be a"),
    "masks by defect": (OWN | {"masks/bad/IMG 3_mask.png": 1}, "IMG 3_mask.png is out of place"),
    "two masks of an image": (
        OWN | {"ground_truth/bad/IMG 3.png": 1, "ground_truth/bad/IMG 3_mask.png": 1},
        "ground_truth/bad/IMG 3_mask.png and ground_truth/bad/IMG 3.png are masks of one image",
    ),
    "a mask without its image": (
        OWN | {"ground_truth/bad/IMG 7_mask.png": 1},
        "IMG 7_mask.png is a mask without an image: add its image to bad or delete the mask",
    ),
    "masks of no defect": (
        OWN | {"ground_truth/hole/0_mask.png": 1},
        "hole/0_mask.png is a mask without an image: add its image to hole or delete the mask",
    ),
}


@pytest.mark.parametrize("case", OWN_REFUSALS)
def test_own_images_without_a_clear_place(make, case: str) -> None:
    tree, words = OWN_REFUSALS[case]
    assert words in refusal(make(tree))
