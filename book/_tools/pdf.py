"""Make one PDF of the built pages: title, contents, chapters, with links that work inside it.

``python book/_tools/pdf.py [PAGES]`` reads the pages of ``make check-book`` and writes
build/cozad-book.pdf; needs Chromium.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from bs4 import BeautifulSoup, Tag

import html_checks
from cozad_teach.cli.endings import run_command
from cozad_teach.errors import CozadError
from cozad_teach.files.writing import atomic_write
from notebooks import BOOK, ROOT

TARGET = ROOT / "build" / "cozad-book.pdf"
PAGES = BOOK / "_build" / "check"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# Left out: pages for a screen alone, and the reference of functions, which is as long as the rest.
SKIPPED = ("index", "search", "genindex")
# What paper has no use for, and answers, which nobody wants to see beside their question.
DROPPED = (
    "script, .headerlink, .copybtn, details.solution, details.hide, .dropdown, .solution, "
    ".explorer label, .explorer output, .explorer img[hidden], [role=status], .toggle-details"
)
FOOTER = (
    '<div style="font:8pt sans-serif;width:100%;text-align:center"><span class="pageNumber">'
    "</span></div>"
)


def order(html: Path) -> list[str]:
    """List the pages as the contents beside them do."""
    links = html_checks.parse(html / "index.html").select("nav.bd-links a[href]")
    names = [str(a["href"]).removesuffix(".html") for a in links if ".html" in str(a["href"])]
    names = [name for name in dict.fromkeys(names) if name not in SKIPPED and "#" not in name]
    return [name for name in names if not name.startswith("appendix/api")]


def anchor(page: str, place: str = "") -> str:
    """Name a place of a page among those of all pages."""
    return f"{page.replace('/', '-')}--{place}" if place else page.replace("/", "-")


def chapter(html: Path, page: str, known: set[str]) -> str:
    """Give the text of a page, its places and links renamed, its pictures by their files."""
    soup = BeautifulSoup((html / f"{page}.html").read_text(encoding="utf-8"), "html.parser")
    article = soup.select_one("article.bd-article")
    assert isinstance(article, Tag), f"{page} has no article"
    for element in article.select(DROPPED):
        element.decompose()
    for explorer in article.select(".explorer"):
        note = soup.new_tag("p", attrs={"class": "note"})
        note.string = "In the pages a slider changes this picture."
        explorer.append(note)
    # The answers of a quiz stand there, the verdicts do not.
    for details in article.select("details"):
        for verdict in details.find_all(True, recursive=False):
            if verdict.name != "summary":
                verdict.decompose()
        details["open"] = ""
    folder = (html / page).parent
    for element in article.select("[id]"):
        element["id"] = anchor(page, str(element["id"]))
    for image in article.select("img[src]"):
        if not str(image["src"]).startswith("data:"):
            image["src"] = Path(os.path.normpath(folder / str(image["src"]))).as_uri()
        image["loading"] = "eager"
    for link in article.select("a[href]"):
        path, _, place = str(link["href"]).partition("#")
        if html_checks.is_external(path) or ":" in path:
            continue
        name = os.path.relpath(folder / path, html).removesuffix(".html") if path else page
        if name in known:
            link["href"] = f"#{anchor(name, place)}"
        else:
            del link["href"]
    return f'<div class="chapter" id="{anchor(page)}">{article.decode_contents()}</div>'


def contents(chapters: list[str]) -> str:
    """Write the table of contents: each page, and its sections."""
    items = []
    for text in chapters:
        soup = BeautifulSoup(text, "html.parser")
        sections = [
            f'<li><a href="#{section["id"]}">{heading.get_text()}</a></li>'
            for section in soup.select("section > section")
            if (heading := section.find("h2", recursive=False)) and section.get("id")
        ]
        top, title = soup.select_one(".chapter"), soup.select_one("h1")
        assert top and title, "every page has a title"
        items.append(
            f'<li><a href="#{top["id"]}">{title.get_text()}</a><ul>{"".join(sections)}</ul></li>'
        )
    return f'<div class="contents"><h1>Contents</h1><ul>{"".join(items)}</ul></div>'


def document(html: Path) -> str:
    """Put all pages into one."""
    pages = order(html)
    chapters = [chapter(html, page, set(pages)) for page in pages]
    index = html_checks.parse(html / "index.html")
    title, cited = index.select_one("h1"), index.select_one("#how-to-cite blockquote")
    assert title and cited, "the first page has a title and says how to cite"
    name = re.sub(r"[#¶]$", "", title.get_text())
    static = (html / "_static").as_uri()
    sheets = "".join(
        f'<link rel="stylesheet" href="{static}/{sheet}">'
        for sheet in ("pygments.css", "formulas.css", "pdf.css")
    )
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{name}</title>{sheets}'
        f'</head><body><div class="title-page"><img src="{static}/wool.jpg" alt=""><h1>{name}</h1>'
        f'<p>{cited.get_text().strip()}</p><p class="note">Code: MIT. Text and figures: CC BY 4.0. '
        "Solutions, hints, and the reference of functions are in the pages.</p></div>"
        f"{contents(chapters)}{''.join(chapters)}</body></html>"
    )


def write(html: Path, target: Path) -> None:
    """Write the PDF, whole or not at all.

    Raises
    ------
    CozadError
        If no pages are built, or there is no Chromium.
    """
    if not (html / "index.html").is_file():
        raise CozadError(f"{html} holds no pages: make pdf")
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        raise CozadError("no Chromium was found: install one, or set CHROMIUM to its path")
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        source = Path(folder) / "book.html"
        source.write_text(document(html), encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        tab = browser.new_page()
        tab.goto(source.as_uri(), wait_until="load", timeout=300_000)
        tab.set_default_timeout(300_000)
        tab.evaluate("document.fonts.ready")
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(target) as file:
            tab.pdf(
                path=file,
                prefer_css_page_size=True,
                display_header_footer=True,
                header_template="<div></div>",
                footer_template=FOOTER,
                outline=True,
                tagged=True,
            )
        browser.close()


def main(arguments: list[str]) -> int:
    """Write build/cozad-book.pdf."""
    write(Path(arguments[0]) if arguments else PAGES, TARGET)
    print(f"{TARGET}: {TARGET.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(run_command("pdf", lambda: main(sys.argv[1:])))
