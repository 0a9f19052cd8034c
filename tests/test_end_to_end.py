"""From embedded textures to real photographs, by every method, against the stored result."""

from __future__ import annotations

from pathlib import Path

import pytest

from cozad_teach.cozad import CoZAD
from cozad_teach.evaluation.category import METRICS
from cozad_teach.evaluation.experiments import EXPERIMENTS, first_result
from cozad_teach.evaluation.ledger import Results, provenance, read_results, write_results
from cozad_teach.evaluation.protocols import METHODS

TABLE = Path(__file__).resolve().parents[1] / "build" / "results"


@pytest.fixture(scope="module")
def results(trained: CoZAD, packs: Path) -> Results:
    """Evaluate on real magnetic tiles and write the table to build/results."""
    reports = first_result(trained, packs / "magnetic_tile.zip")
    question = EXPERIMENTS["first_result"].question
    write_results("first_result", question, reports, provenance("lite"), TABLE)
    found = read_results("first_result", TABLE)
    (TABLE / "first_result.md").write_text(found.markdown(METRICS) + "\n", encoding="utf-8")
    print(found.markdown(METRICS))
    return found


def test_every_method_is_measured_on_every_image(results: Results) -> None:
    assert {report["method"] for report in results.content["reports"]} == set(METHODS)
    for report in results.content["reports"]:
        row = report["categories"]["magnetic_tile"]
        assert (row["n_normal"], row["n_anomalous"]) == (161, 388)
        assert row["null_reasons"] == {}
        assert report["leaks"]["magnetic_tile"]["passed"]
        assert report["leaks"]["magnetic_tile"]["test_images"] == 549


def test_the_book_quotes_what_this_run_gives(results: Results) -> None:
    """Other processors round otherwise; training amplifies it, but not beyond a point."""
    stored = read_results("first_result")
    for report in results.content["reports"]:
        method, protocol = report["method"], report["protocol"]
        for metric in METRICS:
            expected = stored.value(method, protocol, metric)
            assert report["mean"][metric] == pytest.approx(expected, abs=0.01), (
                method,
                protocol,
                metric,
            )


def test_normal_images_of_the_target_help(results: Results) -> None:
    """The order that the protocols must have, whatever the numbers: few-4 sees more than single."""
    for method in ("mahalanobis", "knn"):
        single = results.value(method, "single", "pixel_auroc")
        few = results.value(method, "few-4", "pixel_auroc")
        assert single is not None and few is not None and few > single
