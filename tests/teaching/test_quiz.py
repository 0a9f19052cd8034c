"""The quiz: plain HTML that escapes, groups its radio buttons and names right and wrong."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup

from cozad_teach.teaching.quiz import Question

ANSWERS = [
    ("`z` of size $P \\times C$", True, "One row per patch: costs \\$5."),
    ("<b>bold</b> & bare", False, "No: $a < b$."),
    ("third", False, "No."),
]


def soup(question: Question) -> BeautifulSoup:
    return BeautifulSoup(question._repr_html_(), "html.parser")


def test_markup_is_accessible() -> None:
    page = soup(Question("What is `z`?", ANSWERS))
    assert page.fieldset is not None and page.legend is not None
    assert page.legend.get_text() == "What is z?"
    assert len(page.select("fieldset > label > input[type=radio]")) == 3
    assert len({i["name"] for i in page.select("input")}) == 1
    live = page.select_one("[aria-live=polite]")
    assert live is not None and len(live.select("p")) == 3
    assert [p.strong.get_text() for p in live.select("p") if p.strong] == [
        "✓ Right.",
        "✗ Not quite.",
        "✗ Not quite.",
    ]
    assert [b.get_text() for b in page.select("label > b")] == ["A", "B", "C"]
    assert page.script is None


def test_html_is_escaped_and_maths_is_marked() -> None:
    text = Question("What?", ANSWERS)._repr_html_()
    assert "<b>bold" not in text and "&lt;b&gt;bold&lt;/b&gt; &amp; bare" in text
    assert r"<code>z</code> of size \(P \times C\)" in text
    assert r"\(a &lt; b\)" in text
    assert "costs $5" in text


def test_each_answer_shows_only_its_own_explanation() -> None:
    text = Question("What?", ANSWERS)._repr_html_()
    for i in (1, 2, 3):
        assert f":has(label:nth-of-type({i}) :checked) p:nth-of-type({i})" in text
    assert "nth-of-type(4)" not in text


def test_same_bytes_each_time_and_own_group_per_question() -> None:
    a, b = Question("What?", ANSWERS), Question("What?", ANSWERS[::-1])
    assert a._repr_html_() == Question("What?", ANSWERS)._repr_html_()
    ids = [page.fieldset["id"] for page in (soup(a), soup(b)) if page.fieldset]
    assert ids[0] != ids[1]
    assert repr(a) == "Question('What?', 3 answers)"


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
