"""Bets and multiple-choice questions in plain HTML: no script, no styles, the same bytes always."""

from __future__ import annotations

import base64
import html
import json
import re
import string
import zlib
from collections.abc import Sequence

__all__ = ["Bet", "Question", "pack", "predict_first", "unpack"]

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


class Bet:
    """A question before a result; each answer opens and says what one would see if it were right.

    Parameters
    ----------
    text : str
        The question, written as that of a `Question`.
    bets : dict of str to str
        Each answer, and what the result would look like then.

    Raises
    ------
    ValueError
        If there are fewer than two answers, or one says nothing of the result.
    """

    def __init__(self, text: str, bets: dict[str, str]) -> None:
        if len(bets) < 2 or not all(seen.strip() for seen in bets.values()):
            raise ValueError("a bet needs two or more answers, each with what one would see")
        self.text, self.bets = text, bets

    def __repr__(self) -> str:
        return f"Bet({self.text!r}, {len(self.bets)} answers)"

    def _repr_html_(self) -> str:
        answers = "".join(
            f'<details><summary style="{STYLE}">{_inline(answer)}</summary><p>{_inline(seen)}</p>'
            "</details>"
            for answer, seen in self.bets.items()
        )
        return (
            '<div class="cozad-bet tex2jax_process">'
            f"<p><strong>Your bet, before you look:</strong> {_inline(self.text)}</p>"
            f"{answers}</div>"
        )


def predict_first(text: str, bets: dict[str, str]) -> Bet:
    """Ask for a bet on the result below; it is not kept, and there is no score.

    Parameters
    ----------
    text, bets
        As of `Bet`.
    """
    return Bet(text, bets)


def pack(shown: Question | Bet) -> str:
    """Give a question or a bet as letters that do not tell its answers; `unpack` shows it."""
    parts = [shown.text, shown.answers if isinstance(shown, Question) else shown.bets]
    return base64.b64encode(zlib.compress(json.dumps(parts).encode(), 9)).decode()


def unpack(letters: str) -> Question | Bet:
    """Give the question or the bet that `pack` put into letters."""
    text, parts = json.loads(zlib.decompress(base64.b64decode(letters)))
    return Bet(text, parts) if isinstance(parts, dict) else Question(text, parts)


def _inline(text: str) -> str:
    """Escape for HTML, then mark emphasis, formulas and code."""
    escaped = html.escape(text)
    escaped = re.sub(r"(?<![\w*])\*(\w[^*]*\w|\w)\*(?![\w*])", r"<em>\1</em>", escaped)
    escaped = re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped)
    escaped = re.sub(r"(?<!\\)\$(.+?)(?<!\\)\$", r"\\(\1\\)", escaped)
    return escaped.replace(r"\$", "$")
