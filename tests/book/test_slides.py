"""The decks in a real browser: nothing beyond a slide's edges, no request outside, no error."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest

import slides
import vendor
from cozad_teach.errors import CozadError

# To look at the slides: COZAD_SHOTS=1 stores a picture of each here.
SHOTS = slides.BOOK / "_build" / "shots" / "slides" if os.environ.get("COZAD_SHOTS") else None
NAMES = sorted(path.stem for path in slides.SOURCES.glob("[0-9][0-9]_*.md"))
# Of the slide that is shown: elements that leave it, or are covered by its lower edge's margin.
BEYOND = """() => {
  const slide = Reveal.getCurrentSlide(), edge = slide.getBoundingClientRect(), found = [];
  for (const e of slide.querySelectorAll("*")) {
    if (e.closest("aside.notes, mjx-assistive-mml") || !e.getClientRects().length) continue;
    const r = e.getBoundingClientRect();
    if (r.left < edge.left - 1 || r.top < edge.top - 1 || r.right > edge.right + 1 ||
        r.bottom > edge.bottom + 1) found.push(e.tagName + ": " + e.textContent.slice(0, 60));
  }
  // Words that run into one another, or pictures too small to read.
  const body = slide.querySelector(".body");
  if (body && body.scrollHeight > body.clientHeight + 1) found.push("the body is too full");
  for (const e of slide.querySelectorAll(".equation .formula"))
    if (e.scrollWidth > e.clientWidth + 1) found.push("a formula is too wide");
  for (const e of slide.querySelectorAll(".pictures img"))
    if (e.getBoundingClientRect().height < 150) found.push("a picture is too small");
  return found;
}"""


@pytest.fixture(scope="module")
def folder(made_once: Any) -> Path:
    def build(target: Path) -> None:
        try:
            slides.build(target)
        except vendor.VendorError as error:
            pytest.skip(f"what decks load could not be fetched: {error}")

    return made_once("decks", build)


def opened(browser: Any, path: Path, query: str = "", scheme: str = "light") -> tuple[Any, list]:
    """Open a deck from its file, and write down what goes wrong."""
    tab = browser.new_page(viewport={"width": 1280, "height": 720}, color_scheme=scheme)
    faults: list[str] = []

    def asked(request: Any) -> None:
        if not request.url.startswith(("file:", "data:", "blob:")):
            faults.append(f"asks another machine: {request.url}")

    tab.on("request", asked)
    tab.on("requestfailed", lambda r: faults.append(f"failed: {r.url[:200]}"))
    tab.on("console", lambda m: m.type != "error" or faults.append(m.text[:300]))
    tab.on("pageerror", lambda e: faults.append(str(e)[:300]))
    tab.goto(f"{path.as_uri()}{query}")
    tab.wait_for_function("window.deckReady === true")
    return tab, faults


@pytest.mark.parametrize("name", NAMES)
def test_every_slide_fits(browser: Any, folder: Path, name: str) -> None:
    tab, faults = opened(browser, folder / f"{name}.html")
    total = tab.evaluate("Reveal.getTotalSlides()")
    for number in range(total):
        tab.evaluate(f"Reveal.slide({number})")
        faults += [f"slide {number + 1}: {fault}" for fault in tab.evaluate(BEYOND)]
        if SHOTS:
            SHOTS.mkdir(parents=True, exist_ok=True)
            tab.screenshot(path=SHOTS / f"{name}_{number + 1:02d}.png")
    wrong = tab.locator("mjx-merror, [data-mjx-error]").count()
    tab.close()
    assert faults == [] and wrong == 0
    assert 10 <= total <= 16


def test_keys_themes_and_print(browser: Any, folder: Path) -> None:
    tab, faults = opened(browser, folder / f"{NAMES[0]}.html", scheme="dark")
    ground = "getComputedStyle(document.documentElement).getPropertyValue('--ground').trim()"
    assert tab.evaluate(ground) == "#14181d"
    tab.keyboard.press("ArrowRight")
    assert tab.evaluate("Reveal.getIndices().h") == 1
    tab.keyboard.press("t")
    assert tab.evaluate(ground) == "#ffffff"
    tab.close()
    tab, more = opened(browser, folder / f"{NAMES[0]}.html", "?print-pdf", scheme="dark")
    tab.wait_for_selector(".pdf-page")
    assert tab.evaluate(ground) == "#ffffff"  # paper is light, whatever the screen is
    assert tab.locator("h2").first.bounding_box()["x"] >= 40
    assert tab.locator(".pictures img").first.bounding_box()["height"] >= 300
    pages = tab.locator(".pdf-page").count()
    paper = tab.pdf(prefer_css_page_size=True, print_background=True)
    tab.close()
    assert faults + more == []
    assert len(re.findall(rb"/Type\s*/Page\b", paper)) == pages
    assert pages == len(slides.read_slides(slides_of(NAMES[0]), NAMES[0]))


def slides_of(name: str) -> str:
    return (slides.SOURCES / f"{name}.md").read_text(encoding="utf-8")


def test_each_chapter_has_a_deck_of_a_lecture() -> None:
    chapters = sorted(p.stem for p in (slides.BOOK / "chapters").glob("[0-9][0-9]_*.ipynb"))
    assert chapters == NAMES
    for name in NAMES:
        deck = slides.read_slides(slides_of(name), name)
        assert 25 <= sum(slide.minutes for slide in deck) <= 60, name
        assert sum("{bet " in slide.body for slide in deck) >= 1, name
        assert sum("{exercise " in slide.body for slide in deck) >= 1, name
        assert sum("isconception" in slide.notes for slide in deck) >= 1, name


def test_a_slide_without_notes_or_with_a_part_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CozadError, match="slide 2 of a needs notes"):
        slides.read_slides("Why?\n\nNotes (1 min): a\n---\n## B\n\nText", "a")
    source = slides.chapter("01_first_result")
    slide = slides.Slide("A", "", "{figure nowhere}", "", 1)
    with pytest.raises(CozadError, match="no cell nowhere"):
        slides.render(slide, source, tmp_path)
