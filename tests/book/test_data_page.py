"""The page of the data sets says what the manifest says, and shows only what a licence allows."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import data_page
import numpy as np
import pytest
from PIL import Image

import html_checks
from cozad_teach.data.folders import ImageFile, read_image
from fetching.index import INDEX
from fetching.manifest import Counts, DatasetInfo, read_manifest

SETS = read_manifest(data_page.MANIFEST)


@pytest.mark.parametrize("name", SETS)
def test_a_section_has_all_that_a_reader_asks_for(name: str) -> None:
    info = SETS[name]
    text = data_page.describe(info, "PICTURES")
    for part in (
        info.title,
        info.homepage,
        info.citation,
        info.split,
        info.steps,
        f"get.py {name}",
        *info.categories,
        *(archive.sha256 or "nobody has verified it yet" for archive in info.archives),
    ):
        assert part in text
    assert ("--from" in text) == (info.access != "open")
    assert ("no commercial use" in text) == (info.commercial_use is False)
    assert ("commercial use is allowed\n" in text) == (info.commercial_use is True)
    assert text.endswith("PICTURES")


def test_counts_are_given_where_they_are_known() -> None:
    assert "3,629 good training images, 467 good" in data_page.describe(SETS["mvtec_ad"])
    some = data_page.describe(
        dataclasses.replace(SETS["visa"], images=Counts(None, None, 1200, 1200))
    )
    assert (
        "1,200 anomalous test images, 1,200 masks; not verified: good training images, good test"
        in some
    )


@pytest.fixture
def at_hand(tmp_path: Path) -> Path:
    """Give a data set that was fetched, of bright normal and dark anomalous images."""
    rng = np.random.default_rng(0)
    for label, low in (("good", 200), ("hole", 10)):
        folder = tmp_path / "bottle" / "test" / label
        folder.mkdir(parents=True)
        for name in ("000.png", "001.png"):
            image = rng.integers(low, low + 30, (20, 30, 3), np.uint8)
            Image.fromarray(image).save(folder / name)
    (tmp_path / INDEX).write_text("{}", encoding="utf-8")
    return tmp_path


def show(info: DatasetInfo, folder: Path) -> tuple[str, dict[str, float]]:
    """Give what the page shows, and how bright each stored image is."""
    saved: dict[str, float] = {}

    def save(file: ImageFile, name: str) -> str:
        saved[name] = float(read_image(file).mean())
        return f"somewhere/{name}"

    return data_page.samples(info, folder, save), saved


def test_a_normal_and_an_anomalous_image_are_shown(at_hand: Path) -> None:
    text, saved = show(SETS["mvtec_ad"], at_hand)
    assert saved["mvtec_ad_normal.jpg"] > 200 > 40 > saved["mvtec_ad_anomalous.jpg"]
    assert "![anomalous image of bottle](somewhere/mvtec_ad_anomalous.jpg)" in text
    assert "![normal image of bottle](somewhere/mvtec_ad_normal.jpg)" in text
    assert "CC BY-NC-SA 4.0" in text


@pytest.mark.parametrize("allowed", [False, None])
def test_nothing_is_shown_that_the_licence_does_not_allow(
    at_hand: Path, allowed: bool | None
) -> None:
    info = dataclasses.replace(SETS["mvtec_ad"], pictures=allowed)
    assert show(info, at_hand) == ("", {})


def test_nothing_is_shown_of_a_set_that_is_not_there_or_not_whole(at_hand: Path) -> None:
    (at_hand / INDEX).unlink()
    assert show(SETS["mvtec_ad"], at_hand) == ("", {})
    assert show(SETS["mvtec_ad"], at_hand / "nowhere") == ("", {})


def test_every_set_of_the_manifest_is_on_the_built_page(html: Path) -> None:
    page = html_checks.parse(html / "appendix" / "data.html")
    titles = {heading.get_text().rstrip("#") for heading in page.select("h3")}
    assert {info.title for info in SETS.values()} <= titles
    names = [str(cell.get_text()) for cell in page.select("table tbody tr td:first-child")]
    assert names == list(SETS)
