"""Curves over contamination are the ledger's; choosing by labels never looks worse."""

from __future__ import annotations

import pytest
from matplotlib.figure import Figure

from cozad_book.experiments.ledger import Results, read_results
from cozad_book.experiments.lists import PERCENTAGES
from cozad_book.experiments.variants import WEIGHT_VARIANTS
from cozad_book.figures.open_questions import draw_over_contamination, optimism


def test_curves_show_the_ledger() -> None:
    results = read_results("contamination")
    methods = {"cozad": "soft", "equal weights": "equal"}
    axis = Figure().subplots()
    draw_over_contamination(axis, results, methods, "packs", "image_auroc", PERCENTAGES)
    for line, method in zip(axis.lines, methods, strict=True):
        expected = [
            results.value(method, "batch", "image_auroc", f"packs-{percent}")
            for percent in PERCENTAGES
        ]
        assert line.get_ydata() == pytest.approx(expected)
        assert line.get_label() == methods[method]
    assert [tick for tick in axis.get_xticks()] == list(PERCENTAGES)
    assert set(WEIGHT_VARIANTS) | {"cozad"} == {row["method"] for row in results.content["results"]}


def test_choosing_for_each_set_is_the_mean_of_the_best() -> None:
    rows = [
        {"method": m, "protocol": "batch", "data": d, "values": {"image_auroc": [v, 0.0, 1.0]}}
        for m, d, v in (("a", "x", 0.9), ("a", "y", 0.5), ("b", "x", 0.6), ("b", "y", 0.7))
    ]
    results = Results("made", {"results": rows})
    chosen, fixed = optimism(results, ["a", "b"], ["x", "y"], "image_auroc")
    assert chosen == pytest.approx(0.8) and fixed == pytest.approx(0.7)
