"""Multiple-choice questions in plain HTML and CSS: no script, no kernel, the same bytes always."""

from __future__ import annotations

import hashlib
import html
import re
import string
from collections.abc import Sequence

__all__ = ["Question"]

# The feedback sits in one live region that is always there, so that a screen reader reads out
# what becomes visible in it. Colours are inherited: the question fits light and dark pages.
STYLE = """
.cozad-quiz{border:1px solid #767676;border-radius:6px;padding:.4rem 1rem .6rem;margin:.5rem 0}
.cozad-quiz legend{float:none;width:auto;font-size:1rem;font-weight:600;padding:0 .3rem;margin:0}
.cozad-quiz label{display:block;padding:.25rem 0;cursor:pointer}
.cozad-quiz input{margin-right:.5rem}
.cozad-quiz p{display:none;border-left:4px solid #767676;padding-left:.7rem;margin:.4rem 0}
"""


class Question:
    r"""One question with exactly one right answer, shown as radio buttons.

    Choosing an answer shows its explanation, right or wrong. There is no score.

    Parameters
    ----------
    text : str
        The question. Write formulas as ``$...$``, code between backticks and a dollar sign as
        ``\$``; everything else is shown as it stands.
    answers : sequence of tuple
        ``(answer, is_right, explanation)``, at least two, with one right among them. They are
        shown in this order.

    Raises
    ------
    ValueError
        If there are fewer than two answers, not exactly one right, two equal, or if an
        explanation is missing.
    """

    def __init__(self, text: str, answers: Sequence[tuple[str, bool, str]]) -> None:
        if len(answers) < 2 or sum(right for _, right, _ in answers) != 1:
            raise ValueError("a question needs two or more answers, exactly one of them right")
        if len({answer for answer, _, _ in answers}) < len(answers):
            raise ValueError("two answers are the same")
        if not all(explanation.strip() for _, _, explanation in answers):
            raise ValueError("every answer needs an explanation")
        self.text = text
        self.answers = tuple(answers)

    def __repr__(self) -> str:
        return f"Question({self.text!r}, {len(self.answers)} answers)"

    def _repr_html_(self) -> str:
        # Radio buttons of one name form one group, so the name must be unique on the page.
        key = "quiz-" + hashlib.sha256(repr((self.text, self.answers)).encode()).hexdigest()[:12]
        shown = ",".join(
            f"#{key}:has(label:nth-of-type({i}) :checked) p:nth-of-type({i})"
            for i in range(1, len(self.answers) + 1)
        )
        labels = "".join(
            f'<label><input type="radio" name="{key}"><b>{letter}</b> {_inline(answer)}</label>'
            for letter, (answer, _, _) in zip(string.ascii_uppercase, self.answers, strict=False)
        )
        feedback = "".join(
            f"<p><strong>{'✓ Right.' if right else '✗ Not quite.'}</strong> {_inline(why)}</p>"
            for _, right, why in self.answers
        )
        return (
            f"<style>{STYLE}{shown}{{display:block}}</style>"
            f'<fieldset class="cozad-quiz tex2jax_process" id="{key}">'
            f"<legend>{_inline(self.text)}</legend>{labels}"
            f'<div aria-live="polite">{feedback}</div></fieldset>'
        )


def _inline(text: str) -> str:
    """Escape for HTML, then mark formulas and code."""
    escaped = html.escape(text)
    escaped = re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped)
    escaped = re.sub(r"(?<!\\)\$(.+?)(?<!\\)\$", r"\\(\1\\)", escaped)
    return escaped.replace(r"\$", "$")
