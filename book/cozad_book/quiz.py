"""Multiple-choice questions in plain HTML: no script, no styles, the same bytes always."""

from __future__ import annotations

import html
import re
import string
from collections.abc import Sequence

__all__ = ["Question"]

# Every front end keeps <details>: JupyterLab takes styles and inputs out of notebooks that it does
# not trust, which would show all answers. It also hides the marker of a summary, hence the line.
STYLE = "cursor:pointer;list-style:revert;text-decoration:underline"


class Question:
    r"""One question with exactly one right answer, shown as a list of answers that open.

    Opening an answer shows its explanation, right or wrong. There is no score.

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
        answers = "".join(
            f'<details><summary style="{STYLE}"><b>{letter}</b> {_inline(answer)}</summary>'
            f"<p><strong>{'✓ Right.' if right else '✗ Not quite.'}</strong> {_inline(why)}</p>"
            "</details>"
            for letter, (answer, right, why) in zip(
                string.ascii_uppercase, self.answers, strict=False
            )
        )
        return (
            '<div class="cozad-quiz tex2jax_process">'
            f"<p><strong>{_inline(self.text)}</strong></p>{answers}</div>"
        )


def _inline(text: str) -> str:
    """Escape for HTML, then mark formulas and code."""
    escaped = html.escape(text)
    escaped = re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped)
    escaped = re.sub(r"(?<!\\)\$(.+?)(?<!\\)\$", r"\\(\1\\)", escaped)
    return escaped.replace(r"\$", "$")
