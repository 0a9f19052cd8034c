"""The first page: cards and a map made from the chapters, and a picture to try."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import landing
import pytest

import html_checks
from notebooks import BOOK

CHAPTERS = sorted((BOOK / "chapters").glob("[0-9][0-9]_*.ipynb"))


@pytest.fixture(scope="module")
def read() -> list[landing.Chapter]:
    return [landing.chapter(path) for path in CHAPTERS]


def test_a_chapter_says_what_it_needs(read: list[landing.Chapter]) -> None:
    needs = {it.number: it.needs for it in read}
    assert needs[1] == () and needs[7] == (2, 3, 4, 5, 6) and needs[8] == (1,)
    assert all(before < number for number, found in needs.items() for before in found)
    assert {it.level for it in read} <= {"easy", "medium", "hard"}


def test_a_map_leaves_out_what_follows_from_the_rest() -> None:
    needs = {1: (), 2: (1,), 3: (1, 2), 4: (2, 3), 5: (1,)}
    assert landing.reduced(needs) == [(1, 2), (2, 3), (3, 4), (1, 5)]


def test_every_chapter_is_a_card_with_a_question(html: Path, read: list[landing.Chapter]) -> None:
    page = html_checks.parse(html / "index.html")
    cards = page.select("ol.cards > li")
    assert len(cards) == len(read)
    assert [len(part.select("li")) for part in page.select("ol.cards")] == [7, len(read) - 7]
    for card, it in zip(cards, read, strict=True):
        link = card.select_one("a")
        assert link and link["href"] == f"chapters/{it.name}.html" and it.title in link.text
        assert card.select("p")[1].text.endswith("?")
        assert f"{it.reading} min reading, {it.exercises} min exercises" in card.text
        picture = card.select_one("img")
        assert picture and (html / str(picture["src"])).stat().st_size < 40_000
    assert [len(a.text) > 5 for a in page.select(".start-here a")] == [True] * 3
    assert len(page.select(".chapter-map li")) == len(page.select(".chapter-map rect")) == len(read)


@pytest.mark.parametrize("size", [(1440, 900), (390, 844)], ids=["desktop", "phone"])
def test_the_threshold_is_tried_with_keys_alone(
    html: Path, browser: Any, size: tuple[int, int]
) -> None:
    tab = browser.new_page(viewport={"width": size[0], "height": size[1]})
    faults: list[str] = []
    tab.on("pageerror", lambda error: faults.append(str(error)))
    tab.goto((html / "index.html").as_uri())  # no server: as a reader opens a folder
    wool = tab.locator(".wool")
    slider, said = wool.get_by_role("slider"), wool.locator("output")
    slider.wait_for(state="visible")

    def shares() -> list[float]:
        return [float(n) for n in re.findall(r"([\d.]+) %", said.inner_text())]

    marked, found = shares()
    assert 0 < marked < 50 and found > 50
    slider.focus()
    tab.keyboard.press("End")
    tab.wait_for_function(
        "wool => !/ 1\\d.\\d % of the p/.test(wool.innerText)", arg=wool.element_handle()
    )
    assert shares() == [0, 0]
    tab.keyboard.press("Home")
    tab.wait_for_function(
        "wool => wool.innerText.includes('100.0 % of the flaw')", arg=wool.element_handle()
    )
    assert shares()[0] > 30
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    assert wool.get_by_role("button").get_attribute("aria-pressed") == "true"
    assert faults == []
    tab.close()


def test_without_scripts_the_pictures_stand_still(html: Path, browser: Any) -> None:
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto((html / "index.html").as_uri())
    assert tab.locator(".wool figure").count() == 2
    assert tab.locator(".wool .controls:visible").count() == 0
    assert tab.locator(".wool .distances:visible").count() == 1
    context.close()
