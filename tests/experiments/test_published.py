"""The paper's table: every official set that is on disk, and published values beside ours."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "data_scripts"))

import layouts

from cozad_book.experiments import bench as commands
from cozad_book.experiments.ledger import read_results
from cozad_book.experiments.lists import EXPERIMENTS, auxiliary_of, run_settings
from cozad_book.experiments.plan import Experiment, Line
from cozad_book.experiments.published import (
    PUBLISHED,
    SOURCES,
    installed_experiment,
    paper_table,
)
from cozad_book.experiments.variants import AS_IN_THE_PAPER, PAPER_VARIANTS, VARIANTS, Variant
from cozad_teach.data.drawn.textures import write_dataset
from cozad_teach.errors import CozadError
from cozad_teach.settings import LITE, PAPER, PHOTOGRAPHS
from fetching.install import install
from fetching.manifest import Counts, read_manifest

ROOT = Path(__file__).parents[2]
MANIFEST = read_manifest(ROOT / "data_scripts" / "manifest.yml")
ANY = Counts(None, None, None, None)
TINY = dataclasses.replace(
    LITE,
    **{"image_size": 64, "meta_steps": 2, "patches_per_image": 4, "inner_steps": 1},
    **{"support_images": 3, "query_images": 2, "tasks_per_step": 2},
)


def test_every_set_that_can_be_installed_has_a_row() -> None:
    assert set(PUBLISHED) == set(MANIFEST) == set(layouts.LAYOUTS)
    bibliography = (ROOT / "book" / "references.bib").read_text(encoding="utf-8")
    assert all(f"{{{key}," in bibliography for key in SOURCES.values())
    for published in PUBLISHED.values():
        assert set(published) <= set(SOURCES)
        values = [v for pair in published.values() for v in pair if v is not None]
        assert all(50 < value < 100 for value in values)


@pytest.mark.parametrize(
    ("data", "names"),
    [
        ("ksdd_tiles", ("mvtec_aux5",)),
        ("datasets/btad", ("datasets/mvtec_ad",)),
        ("datasets/mvtec_ad", ("datasets/visa",)),
    ],
)
def test_no_target_is_trained_on(data: str, names: tuple[str, ...]) -> None:
    assert auxiliary_of(Line("lite", 0, data, "batch", "settings paper"), "settings paper") == names


def test_the_variants_have_the_settings_that_their_names_say() -> None:
    assert run_settings("lite", "settings paper") == PAPER
    assert run_settings("lite", "settings photographs") == PHOTOGRAPHS
    untrained = run_settings("lite", "settings paper, untrained")
    assert (untrained.outer_learning_rate, untrained.inner_steps) == (0.0, 0)
    assert untrained.gamma == PAPER.gamma


def small(name: str, root: Path, scratch: Path) -> None:
    """Install a set of a few images in its official layout."""
    layouts.LAYOUTS[name](scratch / "official")
    info = MANIFEST[name]
    archive = dataclasses.replace(info.archives[0], sha256=None, bytes=None)
    categories = layouts.CATEGORIES.get(name, info.categories)
    info = dataclasses.replace(info, archives=(archive,), images=ANY, categories=categories)
    given = layouts.zipped(scratch / "official", scratch / "given.zip")
    install(info, root, source=given)


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every official set, with what is trained on in the size that training needs."""
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "datasets"
    root.mkdir()
    trained_on = {
        "mvtec_ad": ("leather_tan", "weave_linen"),
        "visa": ("leather_brown", "weave_denim"),
    }
    for name, categories in trained_on.items():
        write_dataset(root / name, categories, 3, 6, 4, seed=0, size=(48, 40))
    for name in PUBLISHED:
        if name not in trained_on:
            small(name, root, tmp_path / name)
    return root


def test_it_runs_on_every_official_set(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    for name in PAPER_VARIANTS:
        tiny = Variant(dataclasses.asdict(TINY), auxiliary=AS_IN_THE_PAPER)
        monkeypatch.setitem(VARIANTS, name, tiny)
    methods = ("settings paper", "settings photographs")
    smaller = {"methods": methods, "seeds": (0,)}
    # The others need more normal images than such small sets have.
    monkeypatch.setattr(Experiment, "protocols", ("single", "batch"))
    monkeypatch.setitem(EXPERIMENTS, "paper", dataclasses.replace(EXPERIMENTS["paper"], **smaller))
    monkeypatch.setattr(commands, "build_folder", lambda: tmp_path / "build")
    path = commands.bench("paper", folder=tmp_path)
    assert path == tmp_path / "paper_official.json"
    stored = read_results("paper_official", tmp_path)
    assert stored.content["command"] == "cozad bench paper"
    assert {row["data"] for row in stored.content["results"]} == {
        "sets",
        *(f"datasets/{name}" for name in PUBLISHED),
    }
    trained_on = {row["data"]: row["made_with"]["auxiliary"] for row in stored.content["runs"]}
    assert list(trained_on["datasets/mvtec_ad"]) == ["datasets/visa"]
    assert list(trained_on["datasets/btad"]) == ["datasets/mvtec_ad"]
    printed = capsys.readouterr().out
    assert "88.3 / 94.2" in printed and "packs" not in printed and "not on disk" not in printed


def test_what_is_missing_is_named(installed: Path) -> None:
    for name in ("visa", "rsdds"):
        (installed / name).rename(installed.parent / f"{name} elsewhere")
    experiment, missing = installed_experiment(EXPERIMENTS["paper"])
    assert missing == ["visa", "rsdds"]
    # Without VisA nothing is left to train on where MVTec AD is the target.
    assert "datasets/mvtec_ad" not in experiment.data and len(experiment.data) == 10
    (installed / "mvtec_ad").rename(installed.parent / "elsewhere")
    with pytest.raises(CozadError, match=r"get\.py mvtec_ad visa"):
        installed_experiment(EXPERIMENTS["paper"])


def test_the_table_says_that_packs_are_not_whole_sets() -> None:
    rows = [
        {
            "data": data,
            "protocol": "batch",
            "method": "settings paper",
            "values": {"image_auroc": [0.5, 0.25, 0.75]},
        }
        for data in ("mpdd_metal_plate", "ksdd_tiles")
    ]
    table = paper_table({"results": rows})
    first, second = table.splitlines()[2:4]
    cells = [cell.strip() for cell in first.split("|")[1:-1]]
    assert cells[3:5] == ["50.0 (25.0–75.0)", "–"]
    assert cells[5:] == ["–", "63.6 / 76.4", "77.0 / 96.5", "–"]
    assert second.split("|")[6:10] == [" – "] * 4
    assert "cannot be compared closely" in table
    assert "cannot be compared" not in paper_table({"results": rows[1:]})
