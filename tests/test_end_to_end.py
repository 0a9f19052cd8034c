"""From embedded textures to real photographs, against the stored result.

Two methods of the experiment stand for all: `cozad bench first_result` runs the others, and
`test_protocols.py` every method on drawn images.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from cozad_book.experiments import models
from cozad_book.experiments.ledger import Results, read_results, write_results
from cozad_book.experiments.lists import EXPERIMENTS
from cozad_book.experiments.runner import Done, run_all
from cozad_book.experiments.summary import ledger_content
from cozad_teach.cozad import CoZAD
from cozad_teach.evaluation.category import METRICS
from cozad_teach.settings import LITE, Settings

TABLE = Path(__file__).resolve().parents[1] / "build" / "results"
FIRST = dataclasses.replace(EXPERIMENTS["first_result"], methods=("cozad", "mahalanobis"))


@pytest.fixture(scope="module")
def done(packs: Path, lite: CoZAD) -> list[Done]:
    """Evaluate on real magnetic tiles what the same training gave to all tests."""

    def trained(settings: Settings, seed: int, **options: Any) -> CoZAD:
        assert (settings, seed, options["auxiliary"]) == (LITE, 0, None)
        return lite

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models, "train", trained)
        return run_all(FIRST.lines(), packs=packs, folder=None)


@pytest.fixture(scope="module")
def results(done: list[Done]) -> Results:
    """Write the table to build/results."""
    write_results("first_result", ledger_content("cozad bench first_result", FIRST, done), TABLE)
    found = read_results("first_result", TABLE)
    (TABLE / "first_result.md").write_text(found.markdown(METRICS) + "\n", encoding="utf-8")
    print(found.markdown(METRICS))
    return found


def test_every_image_is_measured(done: list[Done]) -> None:
    assert [one.line for one in done] == FIRST.lines()
    for one in done:
        row = one.report["categories"]["magnetic_tile"]
        assert (row["n_normal"], row["n_anomalous"]) == (161, 388)
        assert row["null_reasons"] == {}
        proof = one.report["leaks"]["magnetic_tile"]
        assert proof["passed"] and proof["test"]["images"] == 549


def test_the_book_quotes_what_this_run_gives(results: Results) -> None:
    """Other processors round otherwise; training amplifies it, but not beyond a point."""
    stored = {(r["protocol"], r["method"]): r for r in read_results("first_result").content["runs"]}
    for run in results.content["runs"]:
        key = run["protocol"], run["method"]
        expected = stored[key]
        assert run["made_with"]["data_hash"] == expected["made_with"]["data_hash"]
        for metric in METRICS:
            assert run["values"][metric] == pytest.approx(expected["values"][metric], abs=0.01), (
                *key,
                metric,
            )


def test_normal_images_of_the_target_help(results: Results) -> None:
    """The order that the protocols must have, whatever the numbers: few-4 sees more than single."""
    single = results.value("mahalanobis", "single", "pixel_auroc")
    assert results.value("mahalanobis", "few-4", "pixel_auroc") > single


def test_copies_of_test_tiles_are_no_support(done: list[Done]) -> None:
    """The same tile under another light: passed over, and on record."""
    proofs = {one.line: one.report["leaks"]["magnetic_tile"] for one in done}
    few = [proof for line, proof in proofs.items() if line.protocol == "few-4"]
    assert all(proof["support"]["images"] == 4 for proof in few)
    assert len(few[0]["skipped"]) > 0 and all(p["skipped"] == few[0]["skipped"] for p in few)
    assert all(not proof["skipped"] for line, proof in proofs.items() if line.protocol != "few-4")
