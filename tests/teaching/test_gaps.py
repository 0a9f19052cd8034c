"""The gap ledger: no setting without an entry, and no number that the results do not hold."""

from __future__ import annotations

import dataclasses
from collections import Counter

import pytest

from cozad_book.gaps import CLAIMS, GAPS, Gap, claims_table, gain, gap_table
from cozad_teach.experiments.ledger import read_results
from cozad_teach.experiments.lists import experiment
from cozad_teach.experiments.variants import VARIANTS
from cozad_teach.settings import Settings

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
    changed = set(VARIANTS[gap.evidence.variant].changes)
    assert not gap.settings or changed & set(gap.settings)


def test_gains_are_those_of_the_ledger() -> None:
    gap = next(gap for gap in GAPS if gap.open == "one mean, or one for each place")
    assert gap.evidence
    value, low, high = read_results("ablation").difference(
        "one mean", "batch", "image_auroc", "packs"
    )
    shown = gain(gap.evidence, "packs").replace("\N{NO-BREAK SPACE}", " ")
    assert shown == f"{value:+.3f} ± {(high - low) / 2:.3f}"
    row = gap_table("score").rows[[g for g in GAPS if g.step == "score"].index(gap)]
    assert row[:2] == ["one mean, or one for each place", "each place (not one mean)"]
    assert row[2:] == [gain(gap.evidence, data) for data in ("packs", "unseen")]
    assert row[2] != row[3]


@pytest.mark.parametrize("step", STEPS)
def test_every_step_has_a_table_without_open_braces(step: str) -> None:
    rows = gap_table(step).rows
    assert len(rows) == sum(gap.step == step for gap in GAPS) > 0
    assert not any("{" in text for row in rows for text in row)
    for row, gap in zip(rows, (g for g in GAPS if g.step == step), strict=True):
        assert (row[2] == "not measured") == (gap.evidence is None)


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
