"""The built pages: every link leads somewhere, nothing is fetched, everything has a name."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

import bibliography
import formulas
import html_checks
from notebooks import ROOT


@pytest.mark.parametrize("check", html_checks.CHECKS, ids=lambda check: check.__name__)
def test_pages_pass(html: Path, check: Callable[[Path], list[str]]) -> None:
    assert check(html) == []


def test_every_page_of_the_contents_is_built(html: Path) -> None:
    files = re.findall(r"- file: (\S+)", (ROOT / "book" / "_toc.yml").read_text(encoding="utf-8"))
    assert len(files) >= 7
    assert [f for f in files if not (html / f"{f}.html").is_file()] == []


def test_every_chapter_cites_and_every_entry_has_its_place(html: Path) -> None:
    keys = re.findall(
        r"^@\w+\{([^,]+),", (ROOT / "book" / "references.bib").read_text(encoding="utf-8"), re.M
    )
    entries = html_checks.parse(html / "appendix" / "bibliography.html").select("[id]")
    assert set(keys) <= {str(entry["id"]) for entry in entries}
    for page in sorted((html / "chapters").glob("*.html")):
        cited = [str(a["href"]) for a in html_checks.parse(page).select('a[href*="bibliography"]')]
        fragments = {url.partition("#")[2] for url in cited if "#" in url}
        assert fragments and fragments <= set(keys), f"{page.name} cites {fragments - set(keys)}"


def test_page_of_the_bibliography_is_what_its_source_says() -> None:
    """If this fails, `python book/_tools/bibliography.py` renews it."""
    assert bibliography.PAGE.read_text(encoding="utf-8") == bibliography.page()


def test_numbers_of_equations_of_other_chapters_are_theirs(html: Path) -> None:
    seen = 0
    for page in html_checks.pages(html):
        for link in html_checks.parse(page).select('a[href*=".html#equation-"]'):
            path, _, place = str(link["href"]).partition("#")
            there = html_checks.parse((page.parent / path).resolve())
            number = there.select_one(f"#{place} .eqno")
            assert number and number.get_text().strip("#¶ ") == link.get_text(), link
            seen += 1
    assert seen >= 10


def test_every_chapter_numbers_its_equations(html: Path) -> None:
    chapters = sorted((html / "chapters").glob("[0-9][0-9]_*.html"))
    assert chapters
    for page in chapters[1:]:  # the first chapter shows a result and has no equation
        assert html_checks.parse(page).select("div.math .eqno"), (
            f"{page.name}: no numbered equation"
        )


def test_every_public_module_is_in_the_api_reference(html: Path) -> None:
    found = [html_checks.parse(path) for path in sorted((html / "appendix").glob("api*.html"))]
    listed = [e["id"].removeprefix("module-") for p in found for e in p.select("[id^=module-]")]  # type: ignore[union-attr]
    documented = set(listed)
    assert len(listed) == len(documented), "a module stands on two pages"
    names = {
        ".".join(path.relative_to(folder).with_suffix("").parts)
        for folder, package in ((ROOT, "cozad_teach"), (ROOT / "book", "cozad_book"))
        for path in (folder / package).rglob("*.py")
        if not path.name.startswith("_") and path.parent.name != "exercises"
    }
    assert documented == names
    assert all(len(page.select("dl.py.function")) > 20 for page in found)


def test_search_dark_mode_and_copy_button_are_there(html: Path) -> None:
    page = html_checks.parse(html / "index.html")
    assert page.select_one(".search-button, .search-button-field")
    assert page.select_one(".theme-switch-button")
    scripts = " ".join(str(s.get("src")) for s in page.select("script[src]"))
    assert "copybutton" in scripts and "thebe" not in scripts


def test_pages_come_finished(html: Path) -> None:
    """No page loads MathJax, the library of widgets, icons twice, or the index of the search."""
    for page in html_checks.pages(html):
        text = page.read_text(encoding="utf-8")
        assert "MathJax = " not in text and "application/vnd.jupyter" not in text, page.name
        scripts = " ".join(str(s.get("src")) for s in html_checks.parse(page).select("script[src]"))
        assert "mathjax" not in scripts and "fontawesome" not in scripts, page.name
        assert ("searchindex" in scripts) == (page.name == "search.html"), page.name
        assert not [f for f in formulas.find(text) if f[0]], page.name
    chapter = html_checks.parse(html / "chapters" / "03_contrastive.html")
    assert len(chapter.select("mjx-container mjx-assistive-mml math")) > 20


# The checks themselves: each must find what it is there for.

GOOD = """<!doctype html><html lang="en"><head><title>t</title></head><body><h1 id="a">t</h1>
<img src="p.png" alt="words"><div class="math" id="equation-x"><span class="eqno">(1)</span></div>
<a href="#a">x</a></body></html>"""


def site(folder: Path, page: str, index: str = '{"docnames":["page"]}') -> Path:
    (folder / "page.html").write_text(page, encoding="utf-8")
    (folder / "p.png").write_bytes(b"")
    (folder / "searchindex.js").write_text(f"Search.setIndex({index})", encoding="utf-8")
    return folder


def test_checks_accept_a_good_page(tmp_path: Path) -> None:
    assert html_checks.check(site(tmp_path, GOOD)) == []


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ('href="#a"', 'href="#b"', "page.html#b: Cannot find fragment"),
        ('href="#a"', 'href="gone.html"', "gone.html: File not found"),
        ('src="p.png"', 'src="q.png"', "q.png: File not found"),
        ("<h1", "<link rel='stylesheet' href='a.css'><h1", "a.css: File not found"),
        ('src="p.png"', 'src="https://x.org/p.png"', "<img> loads"),
        ("<h1", '<script src="//x.org/a.js"></script><h1', "<script> loads"),
        ("<h1", "<style>a{background:url(http://x.org/a)}</style><h1", "loads http"),
        ("<h1", '<link rel="stylesheet" href="https://x.org/a.css"><h1', "<link> loads"),
        ("<h1", "<script>load('https://x.org/a')</script><h1", "names a server"),
        ('alt="words"', "", "no alt text"),
        ('alt="words"', 'alt=" "', "no alt text"),
        ("<h1", "<h1>second</h1><h1", "2 headings"),
        (' lang="en"', "", "no language"),
        ("<title>t</title>", "", "no title"),
        ('<a href="#a"', '<a id="a" href="#a"', "occurs twice"),
        ("(1)", "", "has no number"),
        (
            "<h1",
            '<div class="math" id="equation-y"><span class="eqno">(1)</span></div><h1',
            "(1) occurs 2 times",
        ),
    ],
)
def test_checks_find_each_fault(tmp_path: Path, old: str, new: str, finding: str) -> None:
    assert old in GOOD
    findings = html_checks.check(site(tmp_path, GOOD.replace(old, new)))
    assert any(finding in f for f in findings), findings


def test_checks_find_a_page_missing_from_the_search_index(tmp_path: Path) -> None:
    findings = html_checks.check(site(tmp_path, GOOD, '{"docnames":["other"]}'))
    assert findings == ["page: not in the search index"]
