"""Quotes of the ledger in texts: filled from it, stale ones found, typed results found."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from cozad_book.experiments.bench import fill_files
from cozad_book.experiments.ledger import write_results
from cozad_book.experiments.quotes import fill
from cozad_teach.errors import CozadError
from typed_results import typed_results

ROW = {"data": "tiles", "protocol": "batch", "method": "knn", "seeds": 2, "images": 9}
CONTENT = {
    "question": "Why?",
    "command": "cozad bench trial",
    "made_with": {"settings": "lite", "hardware": "a computer", "torch": "2"},
    "results": [
        {**ROW, "values": {"image_auroc": [0.8125, 0.75, 0.8765]}},
        {**ROW, "method": "no weights", "values": {"image_auroc": [0.625, 0.5, 0.75]}},
    ],
    "differences": [
        {**ROW, "method": "cozad", "other": "mutual", "values": {"image_auroc": [0.1, -0.1, 0.3]}},
        {**ROW, "data": "wood", "other": "mutual", "values": {"image_auroc": [0.2, 0.1, 0.3]}},
    ],
}


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    write_results("trial", CONTENT, tmp_path)
    write_results("speed", {"rows": []}, tmp_path)
    return tmp_path


def quote(place: str, text: str = "") -> str:
    return f"<!-- ledger {place} -->{text}<!-- /ledger -->"


def test_values_intervals_and_tables_are_filled_in(ledger: Path) -> None:
    place = "trial/tiles/batch/knn/image_auroc"
    text = (
        f"It is {quote(place, '0.5')}, or {quote(place + '/interval')}.\n\n{quote('table/trial')}"
    )
    filled = fill(text, ledger)
    assert f"It is {quote(place, '0.812')}, or " in filled
    assert quote(place + "/interval", "0.812 (0.750–0.876)") in filled
    assert "| batch | knn | 0.812 (0.75–0.88) | – | – |\n" in filled
    assert "| batch | no weights | 0.625 (0.50–0.75) | – | – |\n\n<!-- /ledger -->" in filled
    differences = fill(quote("differences/trial/tiles"), ledger)
    assert "| protocol | CoZAD minus | image AUROC |" in differences
    assert "| batch | mutual | +0.100 (-0.100 to +0.300) |" in differences
    pairs = fill(quote("differences/trial/wood"), ledger)
    assert "| protocol | method | minus | image AUROC |" in pairs
    assert "| batch | knn | mutual | +0.200 (+0.100 to +0.300) |" in pairs
    spaced = "trial/tiles/batch/no_weights/image_auroc"
    assert fill(quote(spaced), ledger) == quote(spaced, "0.625")
    assert fill(filled, ledger) == filled
    assert fill("Nothing is quoted here.", ledger) == "Nothing is quoted here."


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("trial/tiles/batch/knn", "is no quote of the ledger"),
        ("trial/tiles/batch/knn/image_auroc/low", "is no quote of the ledger"),
        ("other/tiles/batch/knn/image_auroc", "holds no experiment 'other'"),
        ("trial/tiles/single/knn/image_auroc", "no image_auroc of knn under single on tiles"),
        ("trial/wood/batch/knn/image_auroc", "no image_auroc of knn under batch on wood"),
        ("trial/tiles/batch/knn/aupro", "no aupro of knn"),
        ("table/trial/wood", "trial has no results on wood"),
        ("differences/speed", "speed has no differences"),
        ("speed/a/b/c/d", "speed has no d of c under b on a"),
        ("table/other", "holds no experiment 'other'"),
    ],
)
def test_what_the_ledger_does_not_hold_is_named(ledger: Path, place: str, words: str) -> None:
    with pytest.raises(CozadError, match=words):
        fill(quote(place), ledger)


def test_a_quote_must_be_closed(ledger: Path) -> None:
    with pytest.raises(CozadError, match="is not closed"):
        fill("<!-- ledger table/trial -->", ledger)


def test_a_quote_before_other_words_of_its_line_is_refused(ledger: Path) -> None:
    """Markdown takes a line that begins with a comment for HTML, to its end."""
    value = quote("trial/tiles/batch/knn/image_auroc")
    for text in (f"{value} of `knn`", f"It has\n  {value} and more"):
        with pytest.raises(CozadError, match="begins a line"):
            fill(text, ledger)
    fill(f"It has {value} and more\n| a | {value} |", ledger)


@pytest.mark.parametrize(
    "text",
    [
        "CoZAD reaches 0.874 here.",
        "An AUROC of .85 is not much",
        "It found 97.2 % of them.",
        "It gained 3.1 points.",
        "It gained 12.345 points, to 100.0 %.",
        "It found 97.25 % of them.",
        "| cozad | 0.63 | 0.741 |",
        "Perfect: 1.00 everywhere.",
    ],
)
def test_typed_results_are_found(text: str) -> None:
    assert typed_results(text)


@pytest.mark.parametrize(
    "text",
    [
        quote("trial/tiles/batch/knn/image_auroc", "0.812") + " is quoted.",
        "They report 99.2 % ([Aqeel et al. 2025](../appendix/bibliography.md#aqeel2025cozad)).",
        "See [arXiv 2508.17827](https://arxiv.org/abs/2508.17827).",
        "The noise is $\\sigma = 0.25$ and `shrinkage=0.10`.",
        "```python\nx = 0.123\n```",
        "Version 1.0.4 of Python 3.11, about 20 %, 2.5 minutes, 0.5 by chance.",
        "From 2025.08 on",
    ],
)
def test_settings_citations_and_quotes_are_no_typed_results(text: str) -> None:
    assert typed_results(text) == []


def test_a_citation_excuses_its_own_sentence_only() -> None:
    text = "They say 0.99 ([Aqeel et al. 2025](bibliography.md#aqeel2025cozad)). We reach 0.87."
    assert typed_results(text) == ["0.87"]


def test_files_are_renewed_in_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cozad_book.experiments.ledger.results_folder", lambda: tmp_path)
    write_results("trial", CONTENT, tmp_path)
    place = "trial/tiles/batch/knn/image_auroc"
    page, notebook = tmp_path / "page.md", tmp_path / "chapter.ipynb"
    page.write_text(f"It is {quote(place, '0.1')}.\n", encoding="utf-8")
    cells = [
        {
            "cell_type": "markdown",
            "id": "a",
            "metadata": {},
            "source": [f"Ä {quote(place)}\n", "b"],
        },
        {"cell_type": "code", "id": "b", "metadata": {}, "source": [f"# {quote(place)}"]},
    ]
    notebook.write_text(json.dumps({"cells": cells, "nbformat": 4}), encoding="utf-8")
    fill_files([page, notebook])
    assert page.read_text(encoding="utf-8") == f"It is {quote(place, '0.812')}.\n"
    found = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    assert found[0]["source"] == [f"Ä {quote(place, '0.812')}\n", "b"]
    assert found[1] == cells[1]
    before = notebook.stat().st_mtime_ns
    fill_files([page, notebook])
    assert notebook.stat().st_mtime_ns == before
    os.mkfifo(tmp_path / "pipe.md")
    for path in ("none.md", "pipe.md", "."):
        with pytest.raises(CozadError, match=r"^cannot read .*: check the path$"):
            fill_files([tmp_path / path])
    damaged = {"a.md": b"\xe4", "a.ipynb": b"{", "b.ipynb": b"{}", "c.ipynb": b"[" * 100_000}
    for name, content in damaged.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CozadError, match="is no Markdown in UTF-8 and no notebook"):
            fill_files([tmp_path / name])
