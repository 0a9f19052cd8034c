"""The whole book as one PDF: all chapters, links that stay inside, a size that can be sent."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pypdf
import pytest

import html_checks
import pdf
from conftest import CHROMIUM
from cozad_teach.errors import CozadError


def words(text: str) -> str:
    """Letters and digits alone: a PDF has ligatures, and breaks lines where it likes."""
    return re.sub(r"\W", "", unicodedata.normalize("NFKC", text))


@pytest.fixture(scope="module")
def made(html: Path, made_once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    if CHROMIUM is None:
        pytest.skip("no Chromium was found: install one, or set CHROMIUM to its path")
    return made_once("book.pdf", lambda target: pdf.write(html, target))


@pytest.fixture(scope="module")
def read(made: Path) -> Any:
    return pypdf.PdfReader(made)


def test_it_is_a_book_and_can_be_sent(made: Path, read: Any) -> None:
    assert 150 <= len(read.pages) <= 450
    assert made.stat().st_size <= 25_000_000
    assert "CoZAD" in read.metadata["/Title"]
    assert len(read.outline) >= 12


def test_titles_and_equation_numbers_are_in_it(html: Path, read: Any) -> None:
    pages = [page.extract_text() for page in read.pages]  # slow: once
    text = words(" ".join(pages))
    chapters = sorted((html / "chapters").glob("*.html"))
    assert len(chapters) >= 13
    for path in chapters:
        page = html_checks.parse(path)
        title = page.select_one("article h1")
        assert title and text.count(words(title.get_text().rstrip("#¶"))) >= 2, path.name
    for number in ("(2.7)", "(3.1)", "(7.1)"):
        assert any(number in page for page in pages), number


def test_links_lead_to_places_inside(read: Any) -> None:
    places = set(read.named_destinations)
    inside = outside = 0
    for page in read.pages:
        for annotation in page.get("/Annots", []):
            link = annotation.get_object()
            if "/Dest" in link:
                assert str(link["/Dest"]).lstrip("/") in {p.lstrip("/") for p in places}
                inside += 1
            elif "/A" in link and "/URI" in link["/A"]:
                assert str(link["/A"]["/URI"]).startswith(("https://", "http://")), link["/A"]
                outside += 1
    assert inside > 500 and outside > 5


def test_answers_stay_away(html: Path) -> None:
    text = pdf.document(html)
    assert "Show the solution" not in text and "✓ Right" not in text
    assert "<script" not in text and "In the pages a slider changes this picture." in text


def test_without_pages_or_browser_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "book.pdf"
    with pytest.raises(CozadError, match="holds no pages: make pdf"):
        pdf.write(tmp_path, target)
    (tmp_path / "index.html").write_text("", encoding="utf-8")
    monkeypatch.setattr(pdf, "NAMES", ())
    monkeypatch.delenv("CHROMIUM", raising=False)
    with pytest.raises(CozadError, match="no Chromium was found"):
        pdf.write(tmp_path, target)
    assert not target.exists()
