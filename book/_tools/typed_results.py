"""Find measured numbers that somebody typed: a lint of the book's texts."""

from __future__ import annotations

import re

from cozad_book.experiments.quotes import QUOTE

_CITATION = r"\[[^\]]*\]\([^)]*bibliography\.md#[^)]*\)"
# What must not be searched for typed results: code, mathematics, citations, links and roles.
_NOT_PROSE = re.compile(
    rf"{_CITATION}|"
    r"```.*?```|`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]*\$|\]\([^)]*\)|https?://\S+|\{[a-z:]+\}`[^`]*`",
    re.DOTALL,
)
_RESULT = re.compile(
    r"(?<![\w.])(?:0?\.\d{2,}|1\.0{2,})(?!\w|\.\d)"  # 0.87, .875, 1.00
    r"|(?<![\w.])\d{1,3}\.\d+\s?(?:%|per cent|percent|points)"  # 97.2 %
)


def without_quotes(text: str) -> str:
    """Leave only the prose that is not quoted from the ledger, and the marks of its citations."""

    def mark(match: re.Match[str]) -> str:
        return " {cite} " if re.fullmatch(_CITATION, match[0]) else " "

    return _NOT_PROSE.sub(mark, QUOTE.sub(" ", text))


def typed_results(text: str) -> list[str]:
    """Find numbers in prose that look like measured results and are not quoted.

    Parameters
    ----------
    text : str
        Markdown.

    Returns
    -------
    list of str
        Shares with two decimals or more, and percentages with one. Settings belong into code or
        mathematics, published numbers beside a citation in the same sentence.
    """
    prose = without_quotes(text)
    found = []
    for sentence in re.split(r"(?<=[.!?:])\s+|\n\s*\n", prose):
        if "{cite" not in sentence and "arXiv" not in sentence:
            found += [match.group() for match in _RESULT.finditer(sentence)]
    return found
