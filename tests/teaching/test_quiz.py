"""The quiz: plain HTML that escapes, hides its answers and names right and wrong."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup

from cozad_book.quiz import Question

ANSWERS = [
    ("`z` of size $P \\times C$", True, "One row per patch: costs \\$5."),
    ("<b>bold</b> & bare", False, "No: $a < b$."),
    ("third", False, "No."),
]


def soup(question: Question) -> BeautifulSoup:
    return BeautifulSoup(question._repr_html_(), "html.parser")


def test_every_answer_opens_to_its_own_explanation() -> None:
    page = soup(Question("What is `z`?", ANSWERS))
    assert page.p is not None and page.p.get_text() == "What is z?"
    answers = page.select(".cozad-quiz > details")
    assert not any(answer.has_attr("open") for answer in answers)
    assert [a.select_one("summary > b").get_text() for a in answers] == ["A", "B", "C"]  # type: ignore[union-attr]
    assert [a.select_one("p > strong").get_text() for a in answers] == [  # type: ignore[union-attr]
        "✓ Right.",
        "✗ Not quite.",
        "✗ Not quite.",
    ]
    outside = [p for p in page.select("p") if not p.find_parent("details")]
    assert len(outside) == 1, "nothing but the question is in view"


def test_nothing_is_needed_that_jupyterlab_strips() -> None:
    page = soup(Question("What is `z`?", ANSWERS))
    kept = {"div", "p", "strong", "b", "code", "details", "summary"}
    assert {tag.name for tag in page.find_all(True)} <= kept
    assert not page.select("[id], [name], [onclick]")


def test_html_is_escaped_and_maths_is_marked() -> None:
    text = Question("What?", ANSWERS)._repr_html_()
    assert "<b>bold" not in text and "&lt;b&gt;bold&lt;/b&gt; &amp; bare" in text
    assert r"<code>z</code> of size \(P \times C\)" in text
    assert r"\(a &lt; b\)" in text
    assert "costs $5" in text


def test_same_bytes_each_time() -> None:
    question = Question("What?", ANSWERS)
    assert question._repr_html_() == Question("What?", ANSWERS)._repr_html_()
    assert repr(question) == "Question('What?', 3 answers)"


@pytest.mark.parametrize(
    "answers",
    [
        [("a", True, "x")],
        [("a", True, "x"), ("b", True, "x")],
        [("a", False, "x"), ("b", False, "x")],
        [("a", True, "x"), ("a", False, "x")],
        [("a", True, "x"), ("b", False, " ")],
    ],
    ids=["one answer", "two right", "none right", "repeated", "no explanation"],
)
def test_ill_made_questions_are_refused(answers: Any) -> None:
    with pytest.raises(ValueError):
        Question("What?", answers)
