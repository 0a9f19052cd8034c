"""No text of the project has a measured number that somebody typed, or that is out of date."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cozad_book.experiments.quotes import fill
from typed_results import typed_results

ROOT = Path(__file__).resolve().parents[2]
TEXTS = sorted(
    path
    for pattern in (
        "*.md",
        "book/*.md",
        *(f"book/{p}/*.md" for p in ("appendix", "instructors", "slides")),
    )
    for path in ROOT.glob(pattern)
)
NOTEBOOKS = sorted(
    path
    for part in ("chapters", "appendix", "instructors")
    for path in (ROOT / "book" / part).glob("*.ipynb")
)


def prose(path: Path) -> str:
    """The text of a page, or the Markdown cells of a notebook."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return text
    cells = json.loads(text)["cells"]
    return "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")


@pytest.mark.parametrize("path", [*TEXTS, *NOTEBOOKS], ids=lambda path: path.name)
def test_quotes_are_what_the_ledger_holds(path: Path) -> None:
    """If this fails, `cozad results --fill FILE` renews them."""
    text = prose(path)
    assert fill(text) == text


@pytest.mark.parametrize("path", [*TEXTS, *NOTEBOOKS], ids=lambda path: path.name)
def test_nobody_typed_a_result(path: Path) -> None:
    assert typed_results(prose(path)) == []


def test_there_are_texts_and_notebooks_to_look_at() -> None:
    assert len(TEXTS) >= 8 and len(NOTEBOOKS) >= 2
    assert any("<!-- ledger " in prose(path) for path in TEXTS)
