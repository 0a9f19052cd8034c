"""Chapters show what the ledger holds of full runs, or that it holds nothing; sizes are chosen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from matplotlib import pyplot as plt

from cozad_book import full_results, full_runs
from cozad_book.experiments.ledger import read_results, write_results
from cozad_book.experiments.provenance import provenance
from cozad_book.full_results import show_full_run, show_losses, show_speed, show_trainings
from cozad_book.full_runs import Size, full_size, run_full
from cozad_book.listings import Listing, Table
from cozad_teach.errors import CozadError
from cozad_teach.settings import FULL

SPREAD = {"image_auroc": [0.02, -0.01, 0.05], "pixel_auroc": [0.01, 0.005, 0.015]}
CARD = {**provenance(FULL), "trained_on": "a large card", "hardware": "a large card"}
ROW = {"data": "packs", "protocol": "batch", "method": "cozad", "values": SPREAD}
CONTENT: dict[str, Any] = {
    "question": "Why?",
    "command": "cozad bench ablation --settings full",
    "made_with": CARD,
    "differences": [
        {**ROW, "other": "untrained"},
        {**ROW, "other": "no prior", "data": "brainmri", "values": {"image_auroc": [0, 0, 0]}},
        {**ROW, "other": "knn", "method": "mutual"},
    ],
    "trainings": [
        {
            **{"seed": seed, "trained_on": "a large card", "auxiliary": ["drawn"]},
            **{"seconds": 61.4, "memory_mb": 900.0, "losses": [[0.9, 0.8, 0.1], [0.7, 0.6, 0.1]]},
        }
        for seed in (0, 1)
    ],
}


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(full_results, "read_results", lambda name: read_results(name, tmp_path))
    return tmp_path


def test_what_was_not_run_is_said(ledger: Path) -> None:
    shown = [show_full_run("ablation"), show_trainings(), show_losses(), show_speed()]
    assert all(isinstance(one, Listing) for one in shown)
    assert all("Not yet run on a GPU" in str(one) and "make full" in str(one) for one in shown)
    # An entry from before trainings were kept.
    old = {key: value for key, value in CONTENT.items() if key != "trainings"}
    write_results("full", old, ledger)
    assert isinstance(show_full_run("full"), Table)
    assert isinstance(show_trainings(), Listing) and isinstance(show_losses(), Listing)


def test_what_was_run_is_shown_with_its_hardware(
    ledger: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_results("ablation_full", CONTENT, ledger)
    shown = show_full_run("ablation")
    assert isinstance(shown, Table)
    assert shown.rows == [
        ["packs", "batch", "untrained", "+0.020 (-0.010 to +0.050)", "+0.010 (+0.005 to +0.015)"],
        ["brainmri", "batch", "no prior", "0.000 (0.000 to 0.000)", "–"],
    ]
    assert capsys.readouterr().out == "settings full, trained on drawn materials, a large card\n"
    assert [row[2] for row in show_full_run("ablation", ["no prior"]).rows] == ["no prior"]
    assert [row[2] for row in show_full_run("ablation", data=["packs"]).rows] == ["untrained"]
    assert show_trainings("ablation").rows[1] == [
        *("1", "a large card", "drawn", "2", "61 s", "900 MB")
    ]


def test_the_speed_of_a_card_is_shown(ledger: Path) -> None:
    row = {"what": "features", "other": "the backbone", "wanted": "0.8", "ratio": 0.9, "note": ""}
    content = {**{key: CONTENT[key] for key in ("question", "command", "made_with")}, "rows": [row]}
    write_results("speed_cuda", content, ledger)
    assert "| features | the backbone | 0.9 | 0.8 |" in repr(show_speed())
    toy = {**content, "made_with": {**CARD, "settings": "toy"}}
    write_results("speed_cpu", toy, ledger)
    assert "0.9" not in repr(show_speed(read_results("speed_cpu", ledger)))


def test_the_best_auxiliary_images_are_shown(ledger: Path) -> None:
    for suffix in ("", "_photographs", "_official"):
        made = {**CARD, "auxiliary": {suffix or "drawn": "0"}}
        write_results(f"ablation_full{suffix}", {**CONTENT, "made_with": made}, ledger)
        found = full_results._stored("ablation")
        assert found and [*found.content["made_with"]["auxiliary"]] == [suffix or "drawn"]


def test_losses_are_drawn_for_each_seed(ledger: Path) -> None:
    write_results("full_photographs", CONTENT, ledger)
    assert show_losses() is None
    losses, decay = plt.gcf().axes
    assert [list(line.get_ydata()) for line in losses.lines] == [[0.8, 0.6]] * 2
    assert [list(line.get_ydata()) for line in decay.lines] == [[0.1, 0.1]] * 2
    assert [text.get_text() for text in losses.get_legend().texts] == ["seed 0", "seed 1"]
    plt.close()


def test_the_environment_says_how_large(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("COZAD_SETTINGS", raising=False)
    monkeypatch.delenv("COZAD_PACKS", raising=False)
    monkeypatch.chdir(tmp_path)
    assert full_size() == Size("toy", "cpu", "drawn")
    monkeypatch.setenv("COZAD_SETTINGS", "huge")
    with pytest.raises(CozadError, match="'huge': choose toy or full"):
        full_size()
    monkeypatch.setenv("COZAD_SETTINGS", "full")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(CozadError, match="need a graphics card"):
        full_size()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a large card")
    assert repr(full_size()) == "settings full, on a large card, trained on drawn images"
    (tmp_path / "mvtec_aux5.zip").write_bytes(b"")
    monkeypatch.setenv("COZAD_PACKS", str(tmp_path))
    assert full_size() == Size("full", "cuda", "photographs")
    (tmp_path / "datasets" / "mvtec_ad").mkdir(parents=True)
    assert full_size() == Size("full", "cuda", "official")


def test_a_full_run_asks_for_its_size(ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def bench(name: str, settings: str, **options: Any) -> Path:
        asked.append((name, settings, options))
        return write_results(name, CONTENT, ledger)

    monkeypatch.setattr(full_runs, "bench", bench)
    assert run_full("ablation", Size("full", "cuda", "official")).content == CONTENT
    run_full("full", Size("toy", "cpu", "drawn"))
    options = {"auxiliary": "official", "device": "cuda", "trial": False, "progress": True}
    assert asked[0] == ("ablation", "full", options)
    options = {"auxiliary": "drawn", "device": "cpu", "trial": True, "progress": False}
    assert asked[1] == ("full", "toy", options)
