"""The gap ledger: no setting without an entry, and no number that the results do not hold."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from cozad_book.experiments.ledger import read_results
from cozad_book.experiments.lists import experiment
from cozad_book.experiments.variants import VARIANTS
from cozad_book.gaps import CLAIMS, GAPS, Gap, claims_table, gain, gap_table
from cozad_teach import contrastive, features
from cozad_teach.cozad import CoZAD
from cozad_teach.settings import LITE, Settings
from cozad_teach.training.auxiliary_images import DRAWN

ROOT = Path(__file__).resolve().parents[2]

STEPS = list(dict.fromkeys(gap.step for gap in GAPS))
MEASURED = [gap for gap in GAPS if gap.evidence]


def test_every_setting_stands_in_the_gap_ledger_once() -> None:
    named = Counter(name for gap in GAPS for name in gap.settings)
    fields = {field.name for field in dataclasses.fields(Settings)} - {"name"}
    assert set(named) == fields, "a setting that nobody accounts for, or that is gone"
    assert set(named.values()) == {1}


@pytest.mark.parametrize("gap", MEASURED, ids=lambda gap: f"{gap.step}: {gap.open}")
def test_what_was_measured_concerns_the_settings_of_the_gap(gap: Gap) -> None:
    assert gap.evidence and gap.instead
    run = experiment(gap.evidence.experiment)
    assert gap.evidence.variant in run.methods and gap.evidence.protocol in run.protocols
    variant = VARIANTS[gap.evidence.variant]
    other_images = gap.step == "data" and variant.auxiliary != DRAWN
    assert not gap.settings or set(variant.changes) & set(gap.settings) or other_images


def test_each_gap_is_held_by_code_and_has_a_number_or_a_reason() -> None:
    settings = {field.name for field in dataclasses.fields(Settings)}
    for gap in GAPS:
        has_all = gap.evidence is not None and gap.evidence.drawn != ""
        assert bool(gap.why_not) != has_all, gap
        assert bool(gap.settings) != bool(gap.code), gap
        functions = (getattr(module, gap.code, None) for module in (features, contrastive))
        assert gap.settings or gap.code in settings or any(map(callable, functions)), gap


def test_reasons_name_sections_that_are_there() -> None:
    chapter = (ROOT / "book" / "chapters" / "12_gap_ledger.ipynb").read_text(encoding="utf-8")
    notebook = (ROOT / "book" / "results" / "experiments.md").read_text(encoding="utf-8")
    below = {gap.why_not.partition("below: ")[2].partition(";")[0] for gap in GAPS} - {""}
    assert below == {"All ways at once", "In use only"}
    assert all(f"### {title}\\n" in chapter for title in below)
    assert "## 3 Direction and length of features" in notebook


def test_smoothing_changes_maps_and_no_image_score() -> None:
    """The reason that stands in the table."""
    scores = torch.rand(2, 8, 8)
    models: Any = [
        SimpleNamespace(settings=dataclasses.replace(LITE, smoothing=pixels))
        for pixels in (1.0, LITE.smoothing)
    ]
    one, two = (CoZAD.image_scores(model, scores) for model in models)
    assert (one == two).all()
    sharp, smooth = (CoZAD.pixel_maps(model, scores, [(64, 64)] * 2)[0] for model in models)
    assert (sharp != smooth).any()


def test_gains_are_those_of_the_ledger() -> None:
    gap = next(gap for gap in GAPS if gap.open == "one mean, or one for each place")
    assert gap.evidence
    value, low, high = read_results("ablation").difference(
        "one mean", "batch", "image_auroc", "packs"
    )
    shown = gain(gap.evidence, "packs").replace("\N{NO-BREAK SPACE}", " ")
    assert shown == f"{value:+.3f} ± {(high - low) / 2:.3f}"
    row = gap_table("score").rows[[g for g in GAPS if g.step == "score"].index(gap)]
    choice = "by_place: each place (not one mean)"
    assert row[:2] == ["one mean, or one for each place", choice]
    assert row[2:] == [gain(gap.evidence, data) for data in ("packs", "unseen")]
    assert row[2] != row[3]


@pytest.mark.parametrize("step", STEPS)
def test_every_step_has_a_table_without_open_braces(step: str) -> None:
    rows = gap_table(step).rows
    assert len(rows) == sum(gap.step == step for gap in GAPS) > 0
    assert not any("{" in text for row in rows for text in row)
    for row, gap in zip(rows, (g for g in GAPS if g.step == step), strict=True):
        assert (row[2] == "not measured") == (gap.evidence is None)
        assert row[3] == gap.why_not or not gap.why_not


def test_claims_are_the_paper_s_four_ideas() -> None:
    shown = claims_table()
    names = [row[0] for row in shown.rows]
    assert [name.split(",")[0] for name in names] == [
        *list(CLAIMS)[:2],
        *list(CLAIMS)[1:],
    ]
    assert names[1:3] == [
        "soft confidence weights, γ = -1, κ = 4",
        "soft confidence weights, γ = 1.5, κ = 1",
    ]
    ours, theirs = (float(row[1].split("\xa0")[0]) for row in shown.rows[1:3])
    assert theirs < ours / 10
    assert claims_table("pixel_auroc").rows != shown.rows
