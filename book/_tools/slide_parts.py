"""What a chapter gives to a slide, as HTML: tables, equations, bets, exercises, printed text."""

from __future__ import annotations

import re
from collections.abc import Callable

from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin

from chapter_parts import Chapter, escaped
from cozad_teach.errors import CozadError

# Names such as knit_wool are words on a slide; a column is one of numbers if all of its cells are.
_NAME = re.compile(r"^[a-z]+(_[a-z]+)+$")
_NUMBER = re.compile(r"^([^A-Za-z]|\bto\b|\bof\b|\bs\b)*\d([^A-Za-z]|\bto\b|\bof\b|\bs\b)*$")


def _markdown() -> MarkdownIt:
    """Give a reader of Markdown whose formulas are those that MathJax looks for."""
    reader = MarkdownIt("commonmark", {"html": True}).use(dollarmath_plugin).enable("table")
    reader.add_render_rule(
        "math_inline", lambda self, tokens, i, *_: rf"\({escaped(tokens[i].content)}\)"
    )
    reader.add_render_rule(
        "math_block", lambda self, tokens, i, *_: _formula(tokens[i].content.strip())
    )
    return reader


def _formula(latex: str, number: str = "", look: str = "") -> str:
    """Set a formula in a line of its own."""
    mark = f'<span class="number">({number})</span>' if number else ""
    return (
        f'<div class="equation{look}"><div class="formula">\\[{escaped(latex)}\\]</div>{mark}</div>'
    )


MARKDOWN = _markdown()


def _numbers(text: str, word: str) -> list[int] | None:
    """Read ``rows=1,3-5`` as the numbers of these rows, from 0."""
    found = re.search(rf"{word}=([\d,-]+)", text)
    if not found:
        return None
    ends = [[int(n) for n in part.split("-")] for part in found[1].split(",")]
    return [n - 1 for pair in ends for n in range(pair[0], pair[-1] + 1)]


def _spaced(name: re.Match[str]) -> str:
    return name[0].replace("_", " ")


def _table(source: Chapter, name: str, options: str) -> str:
    """Show the chosen rows and columns of a stored table."""
    table = source.table(name)
    rows = _numbers(options, "rows") or list(range(len(table.rows)))
    columns = _numbers(options, "columns") or list(range(len(table.header)))
    marked = _numbers(options, "mark") or []
    try:
        chosen = [table.header, *(table.rows[r] for r in rows)]
        cells = [[escaped(_NAME.sub(_spaced, line[c])) for c in columns] for line in chosen]
    except IndexError as error:
        raise CozadError(f"the table {name} of {source.name} has no such row or column") from error
    # Numbers end in line, and an interval is one number; words begin in line.
    looks = [
        ' class="n"' if c and all(_NUMBER.match(line[c]) for line in cells[1:]) else ""
        for c in range(len(columns))
    ]
    head = "".join(f'<th scope="col"{k}>{c}</th>' for c, k in zip(cells[0], looks, strict=True))
    body = "".join(
        f"<tr{' class=marked' if row in marked else ''}>"
        + "".join(f"<td{look}>{cell}</td>" for cell, look in zip(line, looks, strict=True))
        + "</tr>"
        for row, line in zip(rows, cells[1:], strict=True)
    )
    dense = ' class="dense"' if "dense" in options else ""
    return f"<table{dense}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _equation(source: Chapter, label: str, options: str) -> str:
    return _formula(*source.equation(label), options)


def _bet(source: Chapter, name: str, _: str) -> str:
    question, answers = source.bet(name)
    items = "".join(f"<li>{MARKDOWN.renderInline(answer)}</li>" for answer in answers)
    return f'<div class="bet"><p>{MARKDOWN.renderInline(question)}</p><ol>{items}</ol></div>'


def _exercise(source: Chapter, label: str, _: str) -> str:
    found = source.exercise(label)
    return (
        f'<p class="task">Exercise of the chapter: <b>{MARKDOWN.renderInline(found.title)}</b>, '
        f"{found.level}, {found.minutes} minutes</p>"
    )


def _printed(source: Chapter, name: str, _: str) -> str:
    return f"<pre><code>{escaped(source.printed(name))}</code></pre>"


PARTS: dict[str, Callable[[Chapter, str, str], str]] = {
    "table": _table,
    "equation": _equation,
    "bet": _bet,
    "exercise": _exercise,
    "printed": _printed,
}
