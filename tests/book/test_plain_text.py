"""A chapter as plain text, and the plots of the page of results."""

from __future__ import annotations

import re
from pathlib import Path

import forest
import nbformat
import plain_text

import html_checks
from notebooks import BOOK


def test_text_has_prose_code_and_what_was_printed() -> None:
    v4 = nbformat.v4
    markdown = (
        "# A title\n\n::::{exercise} Add\n:label: ex-a\n\nSee {eq}`eq-a`.\n\n"
        ":::{admonition} Hint\n:class: dropdown\nUse +.\n:::\n::::"
    )
    code = v4.new_code_cell("print(1)")
    code.metadata["mystnb"] = {"image": {"alt": "a curve that falls"}}
    code.outputs = [
        v4.new_output("stream", text="1\n"),
        v4.new_output("display_data", {"image/png": "", "text/plain": "<Figure>"}),
        v4.new_output("display_data", {"text/html": "<p>a <b>bold</b> word</p>"}),
    ]
    text = plain_text.plain_text(v4.new_notebook(cells=[v4.new_markdown_cell(markdown), code]))
    assert text == (
        "# A title\n\n**Exercise: Add**\n\nSee `eq-a`.\n\n**Hint**\n\nUse +.\n\n"
        "```python\nprint(1)\n```\n\n```text\n1\n```\n\n[Figure: a curve that falls]\n\n"
        "a bold word\n"
    )


def test_every_notebook_has_its_text_in_the_menu(html: Path) -> None:
    chapters = sorted((html / "chapters").glob("*.html"))
    for path in chapters:
        page = html_checks.parse(path)
        urls = [str(a["href"]) for a in page.select(".dropdown-download-buttons a[href]")]
        assert f"{path.stem}.md" in urls, path.name
        text = path.with_suffix(".md").read_text(encoding="utf-8")
        assert text.startswith("# ") and "data:image" not in text and "<img" not in text
    assert len(chapters) >= 13


def test_plots_show_each_row_with_its_interval() -> None:
    values = {"image_auroc": (0.8, 0.7, 0.9), "pixel_auroc": (0.6, 0.5, 0.7)}
    rows = [forest.Row("batch", "CoZAD", values), forest.Row("batch", "a & b", {})]
    made = forest.forest(rows, "table", "Packs")
    assert made.count("<circle") == 2 and "a &amp; b" in made
    assert "Highest image AUROC under batch: CoZAD, 0.800" in made
    assert made.count('class="row cozad"') == 2


def test_page_of_results_begins_each_part_with_a_plot_and_folds_its_tables(html: Path) -> None:
    source = (BOOK / "appendix" / "results.md").read_text(encoding="utf-8")
    page = html_checks.parse(html / "appendix" / "results.html")
    assert len(page.select(".forest svg[role=img]")) >= source.count("<!-- ledger table/") - 12
    assert not [t for t in page.select("table") if t.find_parent("details") is None][1:], (
        "only the table of speeds, which has no intervals, is open"
    )
    assert not re.search(r"[-−]0\.000", page.get_text())
