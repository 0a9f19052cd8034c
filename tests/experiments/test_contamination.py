"""Shares of anomalous images are met exactly, by the same images every time."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from cozad_book.experiments import data as experiment_data
from cozad_book.experiments.contamination import SHARES, contaminated
from cozad_book.experiments.lists import EXPERIMENTS, PACKS, UNSEEN
from cozad_teach.data.folders import Category, ImageFile, LabelledImage
from cozad_teach.errors import CozadError


def category(n_normal: int, n_anomalous: int) -> Category:
    kinds = ["good"] * n_normal + ["hole"] * n_anomalous
    files = [ImageFile(f"part/test/{kind}/{i}.png", Path()) for i, kind in enumerate(kinds)]
    test = [LabelledImage(file, kind, None) for file, kind in zip(files, kinds, strict=True)]
    return Category("part", (), tuple(test))


@pytest.mark.parametrize(
    ("n_normal", "n_anomalous", "n_images"),
    [(27, 18, 30), (158, 54, 90), (26, 71, 28), (66, 141, 73)],
)
def test_share_is_met_by_equally_many_images(
    n_normal: int, n_anomalous: int, n_images: int
) -> None:
    whole = category(n_normal, n_anomalous)
    parts = [contaminated(whole, share) for share in SHARES]
    for share, part in zip(SHARES, parts, strict=True):
        assert len(part.test) == n_images
        assert sum(item.is_anomalous for item in part.test) == round(share * n_images)
        places = [whole.test.index(item) for item in part.test]
        assert places == sorted(set(places))
        assert contaminated(whole, share) == part
    for less, more in itertools.pairwise(parts):
        anomalous = [{i for i in part.test if i.is_anomalous} for part in (less, more)]
        normal = [{i for i in part.test if not i.is_anomalous} for part in (less, more)]
        assert anomalous[0] < anomalous[1] and normal[0] > normal[1]


def test_bad_shares_and_small_sets_are_refused() -> None:
    for share in (0.0, 0.3, 1.0, -0.1):
        with pytest.raises(CozadError, match=r"is not compared: choose 0\.1, 0\.2"):
            contaminated(category(30, 30), share)
    for n_normal, n_anomalous in ((0, 20), (20, 0), (2, 2)):
        with pytest.raises(CozadError, match=r"too few for a share of 0\.1"):
            contaminated(category(n_normal, n_anomalous), 0.1)


def test_a_data_set_is_opened_with_its_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = {"part": category(27, 18)}
    monkeypatch.setattr(experiment_data, "open_dataset", lambda path: whole)
    (tmp_path / "ksdd_tiles.zip").touch()
    assert experiment_data.open_data("ksdd_tiles", tmp_path) == whole
    part = experiment_data.open_data("ksdd_tiles-40", tmp_path)["part"]
    assert part == contaminated(whole["part"], 0.4)
    with pytest.raises(CozadError, match=r"0\.33 is not compared"):
        experiment_data.open_data("ksdd_tiles-33", tmp_path)


def test_drawn_materials_have_enough_images_for_every_share(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = []
    monkeypatch.setattr(experiment_data, "build_folder", lambda: tmp_path)
    monkeypatch.setattr(
        experiment_data, "write_dataset", lambda *args, **_: written.append(args[2:])
    )
    monkeypatch.setattr(experiment_data, "open_dataset", lambda path: {"wood": category(27, 18)})
    parts = [
        experiment_data.open_data(f"{UNSEEN}-{round(100 * share)}")["wood"] for share in SHARES
    ]
    assert {len(part.test) for part in parts} == {30}
    assert set(written) == {(8, 27, 18)}


def test_the_experiment_compares_all_shares() -> None:
    data = EXPERIMENTS["contamination"].data
    assert set(data) == {
        f"{name}-{round(100 * share)}" for name in (*PACKS[1:], UNSEEN) for share in SHARES
    }
