"""Listings: source as it stands in the package, tables that keep their shape."""

from __future__ import annotations

import inspect

import pytest

from cozad_teach.features import Backbone, mean_pool, standardise
from cozad_teach.teaching.listings import show_source, table


def test_source_is_the_package_s_own() -> None:
    shown = show_source(mean_pool, standardise)._repr_markdown_()
    assert shown.startswith("````python\ndef mean_pool(") and shown.endswith("\n````")
    for function in (mean_pool, standardise):
        assert inspect.getsource(function).strip() in shown


def test_methods_start_at_the_margin() -> None:
    assert "\ndef forward(self, images: Tensor)" in show_source(Backbone.forward).markdown


def test_table_rounds_floats_and_aligns_numbers() -> None:
    shown = table(["level", "C", "AUROC"], [["fine", 40, 0.98765], ["coarse", 112, 1.0]])
    assert repr(shown).splitlines() == [
        "| level | C | AUROC |",
        "| --- | ---: | ---: |",
        "| fine | 40 | 0.988 |",
        "| coarse | 112 | 1.000 |",
    ]


@pytest.mark.parametrize("rows", [[], [["a"]], [["a", 1], ["b", 2, 3]]])
def test_table_refuses_rows_that_do_not_fit(rows: list[list[object]]) -> None:
    with pytest.raises(ValueError, match="columns"):
        table(["name", "value"], rows)
