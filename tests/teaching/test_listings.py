"""Listings: source as it stands in the package, tables that keep their shape."""

from __future__ import annotations

import ast
import builtins
import inspect
import re
from typing import Any

import pytest
from bs4 import BeautifulSoup

from cozad_book.listings import show_source, table
from cozad_teach.adaptation import adapt_supports
from cozad_teach.features import Backbone, mean_pool, standardise


def code_of(source: str) -> str:
    """Give a function's code without its docstring, in one form."""
    tree = ast.parse(source)
    tree.body[0].body.pop(0)
    return ast.unparse(tree)


def test_source_is_the_package_s_own_with_short_docstrings() -> None:
    shown = show_source(mean_pool, standardise)._repr_markdown_()
    assert shown.startswith("````python\nfrom ") and shown.endswith("\n````")
    head, *listed = shown.removeprefix("````python\n").removesuffix("\n````").split("\n\n\n")
    assert "from torch import Tensor" in head.splitlines()
    for function, text in zip((mean_pool, standardise), listed, strict=True):
        assert code_of(text) == code_of(inspect.getsource(function))
        summary = inspect.getdoc(function).split("\n\n")[0]
        assert ast.get_docstring(ast.parse(text).body[0]).split() == summary.split()
        assert max(map(len, text.splitlines())) <= 76


@pytest.mark.parametrize("function", [mean_pool, adapt_supports, show_source])
def test_pasted_listing_runs_in_an_empty_notebook(function: Any) -> None:
    code = show_source(function).markdown.removeprefix("````python\n").removesuffix("\n````")
    space: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(code, "pasted", "exec", dont_inherit=True), space)
    pasted = space[function.__name__]
    assert pasted is not function
    taken = set(pasted.__code__.co_names) & set(function.__globals__)
    assert taken <= {*space, *dir(builtins)}


def bare(x: int) -> int:
    return x


def brief(x: int) -> int:
    """Give it back,
    in two lines.
    """
    return x


def lengthy(x: int) -> int:
    """Give it back,
    in two lines.

    A third one.
    """
    # A comment stays.
    return x


def wide(first_argument: int, second_argument: int) -> list[int]:
    # A comment that is as long as a line of the package may be, which pages cut at their edges.
    # It goes on.
    return [first_argument + second_argument, first_argument * second_argument, first_argument - 1]


def test_docstrings_keep_their_first_paragraph_and_lines_are_narrow() -> None:
    assert inspect.getsource(bare).strip() in show_source(bare).markdown
    assert '    """Give it back, in two lines."""\n    return x' in show_source(brief).markdown
    shown = show_source(lengthy).markdown
    assert '    """Give it back, in two lines."""\n    # A comment stays.' in shown
    shown = show_source(wide).markdown
    assert max(map(len, shown.splitlines())) <= 76
    comment = re.sub(r"\s+# ", " ", shown.split("# ", 1)[1].split("return")[0])
    assert comment.split()[-6:] == ["at", "their", "edges.", "It", "goes", "on."]


def test_methods_start_at_the_margin() -> None:
    assert "\ndef forward(self, images: Tensor)" in show_source(Backbone.forward).markdown


def test_table_rounds_floats_and_aligns_numbers() -> None:
    shown = table(["level", "C", "AUROC"], [["fine", 40, 0.98765], ["coarse", 112, 1.0]])
    assert repr(shown).splitlines() == [
        "level     C  AUROC",
        "fine     40  0.988",
        "coarse  112  1.000",
    ]


def test_what_rounds_to_zero_has_no_sign() -> None:
    shown = table(
        ["what", "value"],
        [
            ["tiny", -0.0004],
            ["none", -0.0],
            ["interval", "-0.000 (-0.012 to +0.000)"],
            ["spread", "-0.00\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}0.02"],
            ["not zero", "-0.001, +0.0005, 1e-0.000, 10-0.00x"],
        ],
    )
    assert [row[1] for row in shown.rows] == [
        "0.000",
        "0.000",
        "0.000 (-0.012 to 0.000)",
        "0.00\N{NO-BREAK SPACE}±\N{NO-BREAK SPACE}0.02",
        "-0.001, +0.0005, 1e-0.000, 10-0.00x",
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


def test_a_sentence_in_a_cell_wraps_and_a_value_does_not() -> None:
    shown = table(["a", "b"], [["x", "a sentence of some more words"], ["y", "+0.1 ± 0.2"]])
    cells = re.findall(r"<td[^>]*>", shown._repr_html_())
    assert ["white-space:normal" in cell for cell in cells] == [True, False]
