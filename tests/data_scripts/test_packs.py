"""Packs of the ledger are made again from sets as ``get.py`` installs them."""

from __future__ import annotations

import csv
import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import packs
from cozad_teach.data.folders import open_dataset
from cozad_teach.errors import CozadError


def picture(path: Path, size: tuple[int, int], mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(len(path.name))
    shape = (size[1], size[0]) if mode == "L" else (size[1], size[0], 3)
    Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(path)


@pytest.fixture
def mini(tmp_path: Path) -> Path:
    """All that the list of one pack names, as ``get.py`` would install it."""
    root = tmp_path / "datasets"
    for entry in packs.read_list("mvtec_mini"):
        file = root / f"{entry.source}.png"
        picture(file, (600, 300))
        if "/test/" in entry.source and "/good/" not in entry.source:
            mask = np.zeros((300, 600), np.uint8)
            mask[7, 9] = 255
            place = file.parents[2] / "ground_truth" / file.parent.name
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(mask).save(place / f"{file.stem}_mask.png")
    return root


def test_a_pack_is_made_of_what_its_list_names(mini: Path, tmp_path: Path) -> None:
    made = packs.make_pack("mvtec_mini", mini, tmp_path / "packs")
    names = [entry.image for entry in packs.read_list("mvtec_mini")]
    with zipfile.ZipFile(made) as archive:
        images = {n: archive.read(n) for n in archive.namelist()}
    assert [name for name in images if name.endswith(".jpg")] == names
    masks = [name for name in images if name.endswith("_mask.png")]
    assert len(masks) == sum("/test/" in n and "/good/" not in n for n in names)
    assert all(Image.open(io.BytesIO(images[name])).size == (256, 128) for name in images)
    found = open_dataset(made)
    assert sorted(found) == ["bottle", "leather"]
    for category in found.values():
        for item in category.test:
            if item.mask:
                assert item.is_anomalous and item.image.name.startswith(category.name)
    again = made.read_bytes()
    assert packs.make_pack("mvtec_mini", mini, tmp_path / "packs").read_bytes() == again


def test_a_defect_of_one_pixel_is_not_lost(mini: Path, tmp_path: Path) -> None:
    found = open_dataset(packs.make_pack("mvtec_mini", mini, tmp_path))
    masks = [item.mask for category in found.values() for item in category.test if item.mask]
    for mask in masks:
        drawn = np.asarray(Image.open(io.BytesIO(mask.read_bytes())))
        assert set(np.unique(drawn)) == {0, 255} and drawn[2, 3] == 255
        assert 1 <= (drawn > 0).sum() <= 4


def test_thirds_are_cut_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [r for r in packs.read_list("ksdd_tiles") if r.source.endswith("/bad/kos01_Part5")]
    assert [(r.image, r.part) for r in rows] == [("ksdd/test/defect/kos01_Part5_t1.jpg", "2/3")]
    lists = tmp_path / "lists"
    lists.mkdir()
    with (lists / "tiles.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(packs.Entry._fields)
        for third in (1, 2, 3):
            name = f"ksdd/test/defect/kos01_Part5_t{third - 1}.jpg"
            writer.writerow([name, rows[0].source, f"{third}/3"])
    monkeypatch.setattr(packs, "LISTS", lists)
    grey = np.repeat(np.array([20, 120, 220], np.uint8), (40, 41, 41))[:, None] * np.ones(
        (1, 50), np.uint8
    )
    file = tmp_path / "sets" / f"{rows[0].source}.jpg"
    file.parent.mkdir(parents=True)
    Image.fromarray(grey).save(file, quality=95)
    mask = file.parents[2] / "ground_truth" / "bad" / f"{file.stem}_mask.png"
    mask.parent.mkdir(parents=True)
    Image.fromarray(np.where(grey == 120, 255, 0).astype(np.uint8)).save(mask)
    heights = []
    with zipfile.ZipFile(packs.make_pack("tiles", tmp_path / "sets", tmp_path / "out")) as archive:
        for third, (level, share) in enumerate(((20, 0), (120, 1), (220, 0))):
            stem = f"defect/kos01_Part5_t{third}"
            image = Image.open(io.BytesIO(archive.read(f"ksdd/test/{stem}.jpg")))
            assert image.mode == "L" and abs(np.asarray(image)[5:-5].mean() - level) < 4
            heights.append(image.size)
            content = archive.read(f"ksdd/ground_truth/{stem}_mask.png")
            drawn = np.asarray(Image.open(io.BytesIO(content)))
            assert abs((drawn > 0).mean() - share) < 0.05
    assert heights == [(50, 40), (50, 41), (50, 41)]


def test_what_is_missing_is_told(mini: Path, tmp_path: Path) -> None:
    with pytest.raises(CozadError, match=r"made of mvtec_ad.*get\.py mvtec_ad"):
        packs.make_pack("mvtec_mini", tmp_path / "nowhere", tmp_path)
    with pytest.raises(CozadError, match="no list of a pack 'tiles': choose brainmri, "):
        packs.make_pack("tiles", mini, tmp_path)
    for file in sorted((mini / "mvtec_ad" / "leather" / "test").rglob("*.png"))[:6]:
        file.unlink()
    with pytest.raises(CozadError, match=r"lacks mvtec_ad/leather/test.* and 1 others.*--verify"):
        packs.make_pack("mvtec_mini", mini, tmp_path)
    assert not (tmp_path / "mvtec_mini.zip").exists()


def test_a_file_of_another_kind_is_not_replaced(
    mini: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mvtec_mini.zip").write_text("mine")
    options = ["mvtec_mini", "--root", str(mini), "--out", str(tmp_path)]
    assert packs.main(options) == 2
    assert "is no result of this command" in capsys.readouterr().err
    assert (tmp_path / "mvtec_mini.zip").read_text() == "mine"
    with zipfile.ZipFile(tmp_path / "mvtec_mini.zip", "w") as archive:
        archive.writestr("mine.txt", "a pack from elsewhere")
    assert packs.main(options) == 2
    assert zipfile.ZipFile(tmp_path / "mvtec_mini.zip").namelist() == ["mine.txt"]
    (tmp_path / "mvtec_mini.zip").unlink()
    assert packs.main(options) == packs.main(options) == 0


@pytest.mark.parametrize("name", packs.packs())
def test_lists_name_what_the_packs_hold(name: str) -> None:
    entries = packs.read_list(name)
    assert len({entry.image for entry in entries}) == len(entries) > 20
    assert all(len(entry.image.split("/")) == 4 for entry in entries)
    where = os.environ.get("COZAD_PACKS")
    if not where:
        pytest.skip("needs the packs: set COZAD_PACKS")
    with zipfile.ZipFile(Path(where) / f"{name}.zip") as archive:
        held = {n for n in archive.namelist() if n.endswith(".jpg")}
    assert held == {entry.image for entry in entries}
