"""Listings: source as it stands in the package, tables that keep their shape."""

from __future__ import annotations

import inspect

import pytest
from bs4 import BeautifulSoup

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
        "level     C  AUROC",
        "fine     40  0.988",
        "coarse  112  1.000",
    ]


def test_table_is_valid_html_with_headers_for_rows_and_columns() -> None:
    soup = BeautifulSoup(table(["a<b", "n"], [["x & y", 1], ["z", 2]])._repr_html_(), "html.parser")
    assert [th.text for th in soup.select("th[scope=col]")] == ["a<b", "n"]
    assert [th.text for th in soup.select("tbody th[scope=row]")] == ["x & y", "z"]
    assert all("text-align:right" in td["style"] for td in soup.select("td"))


@pytest.mark.parametrize("rows", [[], [["a"]], [["a", 1], ["b", 2, 3]]])
def test_table_refuses_rows_that_do_not_fit(rows: list[list[object]]) -> None:
    with pytest.raises(ValueError, match="columns"):
        table(["name", "value"], rows)
