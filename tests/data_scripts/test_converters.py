"""Small archives that imitate each official layout become data sets in MVTec layout."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from pathlib import Path

import layouts
import numpy as np
import pytest
from PIL import Image

from cozad_teach.data.folders import open_dataset, read_image
from cozad_teach.data.masks import mask_of
from cozad_teach.errors import CozadError
from fetching.converters import CONVERTERS
from fetching.install import install
from fetching.manifest import Counts, DatasetInfo, read_manifest

MANIFEST = read_manifest(Path(__file__).parents[2] / "data_scripts" / "manifest.yml")
ANY = Counts(None, None, None, None)
# The defect that `layouts.mask` draws, as rows and columns.
DEFECT = np.zeros((14, 20), bool)
DEFECT[2:6, 3:8] = True


def small(name: str, categories: tuple[str, ...] = ()) -> DatasetInfo:
    """Describe a data set as the manifest does, but for the numbers of the real archive."""
    info = MANIFEST[name]
    archive = dataclasses.replace(info.archives[0], sha256=None, bytes=None)
    return dataclasses.replace(
        info, archives=(archive,), images=ANY, categories=categories or info.categories
    )


def converted(name: str, tmp_path: Path, *categories: str) -> Path:
    official = tmp_path / "official"
    layouts.LAYOUTS[name](official)
    archive = layouts.zipped(official, tmp_path / "given.zip")
    return install(small(name, categories), tmp_path / "root", source=archive)


def summary(path: Path) -> dict[str, tuple[list[str], list[tuple[str, str]]]]:
    """For each category its training images, and its test images with their defects."""
    return {
        name: (
            [Path(file.name).name for file in category.train_good],
            [(item.defect, Path(item.image.name).name) for item in category.test],
        )
        for name, category in open_dataset(path).items()
    }


EXPECTED: dict[str, tuple[list[str], list[tuple[str, str]]]] = {
    "visa": (
        ["0000.jpg", "0001.jpg", "0002.jpg"],
        [("bad", "000.jpg"), ("bad", "001.jpg"), ("good", "0003.jpg")],
    ),
    "kolektorsdd": (
        [],
        [("bad", f"{k}_Part1.jpg") for k in ("kos01", "kos02")]
        + [("good", f"{k}_Part{i}.jpg") for k in ("kos01", "kos02") for i in (0, 2)],
    ),
    "kolektorsdd2": (
        ["10001.png", "10002.png"],
        [("bad", "20000.png"), ("good", "20001.png"), ("good", "20002.png")],
    ),
    "headct": (
        [],
        [("bad", "000.png"), ("bad", "001.png"), ("good", "002.png"), ("good", "003.png")],
    ),
    "brainmri": (
        [],
        [("bad", "Y1.jpg"), ("bad", "Y2.jpg"), ("good", "1 no.jpeg"), ("good", "N3.png")],
    ),
    "br35h": (
        [],
        [("bad", "Y1.jpg"), ("bad", "Y2.jpg"), ("good", "1 no.jpeg"), ("good", "N3.png")],
    ),
    "magnetic_tile": (
        [],
        [
            ("blowhole", "exp0_num_100.jpg"),
            ("break", "exp1_num_101.jpg"),
            ("good", "exp2_num_102.jpg"),
        ],
    ),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_every_image_comes_to_its_place(name: str, tmp_path: Path) -> None:
    category = {"visa": "candle"}.get(name, name)
    path = converted(name, tmp_path, category)
    assert summary(path) == {category: EXPECTED[name]}


@pytest.mark.parametrize(
    ("name", "category"),
    [("mvtec_ad", "bottle"), ("mpdd", "metal_plate"), ("dtd_synthetic", "Woven_001")],
)
def test_the_layout_of_mvtec_stays(name: str, category: str, tmp_path: Path) -> None:
    path = converted(name, tmp_path, category)
    assert summary(path) == {
        category: (
            ["000.png", "001.png", "002.png"],
            [("broken_large", "000.png"), ("broken_large", "001.png"), ("good", "000.png")],
        )
    }


def test_btad_and_dagm(tmp_path: Path) -> None:
    btad = converted("btad", tmp_path / "a", "01", "03")
    assert summary(btad) == {
        name: (["0000.bmp", "0001.bmp", "0002.bmp"], [("bad", "0000.bmp"), ("good", "0000.bmp")])
        for name in ("01", "03")
    }
    dagm = converted("dagm2007", tmp_path / "b", "Class1", "Class10")
    # 0001 is a defective image for training, which has no place.
    assert summary(dagm) == {
        name: (
            ["0002.png", "0003.png"],
            [("bad", "0576.png"), ("good", "0577.png"), ("good", "0578.png")],
        )
        for name in ("Class1", "Class10")
    }


@pytest.mark.parametrize("name", sorted(set(layouts.LAYOUTS) - {"rsdds"}))
def test_every_mask_marks_the_same_pixels_as_before(name: str, tmp_path: Path) -> None:
    path = converted(name, tmp_path, *layouts.CATEGORIES.get(name, ()))
    counted: Counter[str] = Counter()
    for category in open_dataset(path).values():
        for item in category.test:
            assert read_image(item.image).ndim == 3
            if item.mask is not None:
                assert item.defect != "good"
                np.testing.assert_array_equal(mask_of(item.mask, item.image).pixels, DEFECT)
            counted[f"{item.defect == 'good'} {item.mask is not None}"] += 1
    has_masks = name not in ("headct", "brainmri", "br35h")
    assert counted[f"False {has_masks}"] > 0 and counted[f"False {not has_masks}"] == 0
    assert counted["True True"] == 0
    index = json.loads((path / "index.json").read_text())
    assert list(index["mask_notes"]) == (
        ["03/ground_truth/bad/0000_mask.png"] if name == "btad" else []
    )


def test_images_keep_their_bytes_unless_nobody_could_read_them(tmp_path: Path) -> None:
    path = converted("brainmri", tmp_path, "brainmri")
    official = tmp_path / "official"
    kept = {"test/bad/Y1.jpg": "yes/Y1.jpg", "test/good/1 no.jpeg": "no/1 no.jpeg"}
    for placed, source in kept.items():
        assert (path / "brainmri" / placed).read_bytes() == (official / source).read_bytes()
    with Image.open(official / "no" / "N3.jpg") as cmyk:
        expected = np.asarray(cmyk.convert("RGB"))
    with Image.open(path / "brainmri/test/good/N3.png") as image:
        np.testing.assert_array_equal(np.asarray(image), expected)
    index = json.loads((path / "index.json").read_text())
    assert index["saved_anew"] == ["brainmri/test/good/N3.png"]


def test_sixteen_bits_become_eight(tmp_path: Path) -> None:
    official = tmp_path / "official"
    layouts.mvtec(official)
    grey = np.linspace(0, 65535, 280).reshape(14, 20).astype(np.uint16)
    Image.fromarray(grey).save(official / "bottle/test/good/000.png")
    path = install(small("mvtec_ad", ("bottle",)), tmp_path / "root", source=official)
    with Image.open(path / "bottle/test/good/000.png") as image:
        assert image.mode == "RGB"
        np.testing.assert_array_equal(np.asarray(image)[..., 1], grey // 257)


def test_rails_are_cut_into_squares_that_miss_nothing(tmp_path: Path) -> None:
    path = converted("rsdds", tmp_path, "type_1", "type_2")
    found = open_dataset(path)
    assert list(found) == ["type_1", "type_2"]
    # 100 rows in squares of 16: six from the top and one that ends with the rail.
    names = [(item.defect, Path(item.image.name).name) for item in found["type_1"].test]
    assert names == [("bad", "rail_1_00.png"), ("bad", "rail_2_00.png")] + [
        ("good", f"rail_{i}_{n:02}.png") for i in (1, 2) for n in range(1, 7)
    ]
    # 25 rows in squares of 11: from 0, 11 and 14.
    assert len(found["type_2"].test) == 6
    rail = tmp_path / "official/RSDDs/Type-I RSDDs dataset/Rail surface images/rail_1.jpg"
    with Image.open(rail) as image:
        whole = np.asarray(image.convert("RGB"))
    squares = [
        read_image(item.image) for item in found["type_1"].test if "rail_1" in item.image.name
    ]
    np.testing.assert_array_equal(np.concatenate(squares[:6]), whole[:96])
    np.testing.assert_array_equal(squares[6], whole[84:])
    item = found["type_1"].test[0]
    assert item.mask is not None
    mask = mask_of(item.mask, item.image).pixels
    # The masks of rails are JPEG: at the border of a defect a pixel more or less is marked.
    assert mask[2:6, 3:8].mean() > 0.9 and mask[8:].sum() == 0


@pytest.mark.parametrize("name", sorted(layouts.LAYOUTS))
def test_another_archive_is_told_apart(name: str, tmp_path: Path) -> None:
    layouts.picture(tmp_path / "other" / "holiday" / "beach.jpg", 1)
    archive = layouts.zipped(tmp_path / "other", tmp_path / "other.zip")
    with pytest.raises(CozadError, match="check that it is the archive of this data set, whole"):
        install(small(name), tmp_path / "root", source=archive)
    assert not (tmp_path / "root" / name).exists()


@pytest.mark.parametrize(
    ("name", "lost", "words"),
    [
        ("mvtec_ad", "bottle/test/broken_large/000.png", "000_mask.png of bottle has no image"),
        ("visa", "candle/Data/Images/Normal/0001.JPG", "0001.JPG is missing"),
        ("visa", "candle/Data/Masks/Anomaly/000.png", "000.png is missing"),
        ("btad", "BTech_Dataset_transformed/01/ground_truth/ko/0000.png", "01 has no mask"),
        ("kolektorsdd", "kos01/Part0_label.bmp", "Part0_label.bmp is missing"),
        ("kolektorsdd2", "test/20000_GT.png", "20000_GT.png is missing"),
        ("headct", "head_ct/head_ct/002.png", "lists image 2, which is not there"),
        (
            "rsdds",
            "RSDDs/Type-I RSDDs dataset/Rail surface images/rail_2.jpg",
            "rail_2.jpg has no image",
        ),
        (
            "magnetic_tile",
            "Magnetic-tile-defect-datasets.-master/MT_Break/Imgs/exp1_num_101.png",
            "exp1_num_101.png is missing",
        ),
    ],
)
def test_a_file_that_is_missing_is_named(name: str, lost: str, words: str, tmp_path: Path) -> None:
    official = tmp_path / "official"
    layouts.LAYOUTS[name](official)
    (official / lost).unlink()
    with pytest.raises(CozadError) as caught:
        install(small(name), tmp_path / "root", source=official)
    assert words in str(caught.value) and "\n" not in str(caught.value)
    assert not (tmp_path / "root" / name).exists()


def test_lists_that_are_damaged_or_lead_elsewhere(tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    layouts.picture(secret, 1)
    official = tmp_path / "official"
    layouts.visa(official)
    table = official / "split_csv" / "1cls.csv"
    whole = table.read_text()
    for row, words in (
        ("candle,test,normal,../secret.png,", "leads out of the archive"),
        (f"candle,test,normal,{secret},", "leads out of the archive"),
        ("../../x,test,normal,candle/Data/Images/Normal/0000.JPG,", "leads out of the archive"),
        ("candle,test,normal,candle/Data/Images/Normal/0003.JPG,", "two files want the place"),
    ):
        table.write_text(f"{whole}{row}\n")
        with pytest.raises(CozadError, match=words):
            install(small("visa", ("candle",)), tmp_path / "root", source=official)
    table.write_text("object;split\n1;2\n")
    with pytest.raises(CozadError, match="has no column"):
        install(small("visa", ("candle",)), tmp_path / "root", source=official)
    layouts.headct(tmp_path / "heads")
    (tmp_path / "heads" / "labels.csv").write_text("id, hemorrhage\nfirst, yes\n")
    with pytest.raises(CozadError, match="is not laid out as its owner does it"):
        install(small("headct"), tmp_path / "root", source=tmp_path / "heads")
    assert [p.name for p in (tmp_path / "root").iterdir() if not p.name.endswith(".lock")] == []


def test_a_mask_of_another_shape_is_refused(tmp_path: Path) -> None:
    official = tmp_path / "official"
    layouts.mvtec(official)
    layouts.mask(official / "bottle/ground_truth/broken_large/000_mask.png", size=(14, 20))
    with pytest.raises(CozadError, match="14 x 20 pixels, its image 20 x 14: they do not belong"):
        install(small("mvtec_ad", ("bottle",)), tmp_path / "root", source=official)


def test_every_converter_is_tested_and_every_data_set_has_a_layout() -> None:
    assert set(layouts.LAYOUTS) == set(MANIFEST)
    assert {info.converter for info in MANIFEST.values()} == set(CONVERTERS)


@pytest.mark.parametrize("name", ["ksdd_tiles", "magnetic_tile", "mpdd_metal_plate"])
def test_a_pack_comes_through_as_it_is(packs: Path, name: str, tmp_path: Path) -> None:
    """Real images: each file keeps its bytes, or, as a mask, its pixels."""
    pack = packs / f"{name}.zip"
    before = open_dataset(pack)
    info = small("mvtec_ad", tuple(before))
    path = install(info, tmp_path, source=pack)
    after = open_dataset(path)
    assert list(after) == list(before)
    for category in before:
        old, new = before[category], after[category]
        old_files = [*old.train_good, *(item.image for item in old.test)]
        new_files = [*new.train_good, *(item.image for item in new.test)]
        assert [f.read_bytes() for f in old_files] == [f.read_bytes() for f in new_files]
        for a, b in zip(old.test, new.test, strict=True):
            assert (a.mask is None) == (b.mask is None) and a.defect == b.defect
            if a.mask and b.mask:
                np.testing.assert_array_equal(
                    mask_of(a.mask, a.image).pixels, mask_of(b.mask, b.image).pixels
                )
