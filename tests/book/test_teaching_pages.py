"""Teachers' pages say what the book says now, and no solution gets to students."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

import slides
import student
import teaching_pages
from chapter_parts import chapters
from cozad_book.checking.exercises import all_exercises, verdict_on
from cozad_teach.errors import CozadError
from notebooks import BOOK

PAGES = [BOOK / "instructors" / f"{name}.md" for name in teaching_pages.PAGES]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_pages_are_up_to_date(path: Path) -> None:
    """If this fails, `python book/_tools/teaching_pages.py` renews them."""
    text = path.read_text(encoding="utf-8")
    assert teaching_pages.fill(text) == text
    assert "<!-- " in text


def test_each_chapter_has_telling_mistakes_that_the_checker_names() -> None:
    text = (BOOK / "instructors" / "misconceptions.md").read_text(encoding="utf-8")
    parts = re.split(r"^## (\d+)\. ", text, flags=re.MULTILINE)[1:]
    assert parts[::2] == [str(n) for n in range(1, 13)]
    for number, part in zip(parts[::2], parts[1::2], strict=True):
        names = re.findall(r"<!-- mistake (.+?) / (.+?) -->", part)
        assert 3 <= len(names) <= 5, number
        assert part.count("*Ask:* ") == len(names)
        chapter = chapters()[int(number) - 1]
        for exercise, name in names:
            assert f'check_exercise("{exercise}"' in chapter.path.read_text(
                encoding="utf-8"
            ).replace("\\", ""), exercise
            (mistake,) = [m for m in all_exercises()[exercise].mistakes if m.name == name]
            assert not verdict_on(exercise, mistake.function).passed


def test_each_lab_has_an_answer_with_its_marks() -> None:
    labs = (BOOK / "appendix" / "labs.md").read_text(encoding="utf-8")
    answers = nbformat.read(BOOK / "instructors" / "lab_answers.ipynb", as_version=4).cells
    texts = "\n\n".join(cell.source for cell in answers if cell.cell_type == "markdown")
    parts = re.split(r"^## Lab (\d+): .*$", texts, flags=re.MULTILINE)[1:]
    asked = re.findall(r"^## (\d+)\. ", labs, re.MULTILINE)
    assert parts[::2] == asked == [str(n) for n in range(1, 13)]
    for number, part in zip(asked, parts[1::2], strict=True):
        assert part.count("*A weak answer*") == 1, number
        ran = [c for c in answers if c.id.startswith(f"lab-{number}-") and c.get("outputs")]
        assert ran, f"the answer to lab {number} shows nothing"


def test_homework_in_the_decks_is_that_of_the_chapters() -> None:
    words = {"two": 2, "three": 3, "four": 4}
    found = 0
    for chapter in chapters():
        text = (slides.SOURCES / f"{chapter.name}.md").read_text(encoding="utf-8")
        for number, minutes in re.findall(r"Homework: (\w+) exercises, (\d+) minutes", text):
            assert words[number] == len(chapter.exercises), chapter.name
            assert int(minutes) == chapter.minutes[1], chapter.name
            found += 1
    assert found >= 10


def test_a_place_that_names_nothing_is_refused() -> None:
    for place in ("minutes reading 99", "minutes exercise ex-none", "mistake a.b / c"):
        with pytest.raises(CozadError):
            teaching_pages.fill(f"<!-- {place} --><!-- /{place.split()[0]} -->")
    with pytest.raises(CozadError, match="not closed"):
        teaching_pages.fill("<!-- minutes 3 -->")


def test_solutions_and_keys_are_on_no_page_and_in_no_student_edition(tmp_path: Path) -> None:
    toc = (BOOK / "_toc.yml").read_text(encoding="utf-8")
    assert "solutions" not in toc and "instructors/exam" not in toc
    assert student.main(["--out", str(tmp_path / "student")]) == 0
    names = {p.name for p in (tmp_path / "student").rglob("*")}
    assert not {"handouts.md", "exam_solutions.md", "bank.py"} & names
    pages = [p for p in (BOOK / "instructors").glob("*.md")]
    for page in pages:
        assert "](solutions/" not in page.read_text(encoding="utf-8"), page.name


@pytest.mark.parametrize("name", ["leaks", "weights", "inner_step"])
def test_a_hand_out_is_one_sheet(browser: Any, html: Path, name: str) -> None:
    tab = browser.new_page()
    tab.goto((html / "instructors" / f"handout_{name}.html").as_uri())
    tab.wait_for_function(
        "!window.MathJax?.startup?.promise || window.typeset === true || "
        "window.MathJax.startup.promise.then(() => window.typeset = true)"
    )
    for paper in ("A4", "Letter"):
        assert len(re.findall(rb"/Type\s*/Page\b", tab.pdf(format=paper))) == 1, paper
    tab.close()
