"""Make the first page: a picture to try, a card for each chapter, and a map of what needs what."""

from __future__ import annotations

import base64
import html
import io
import itertools
import json
import math
import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
from nbformat import NotebookNode
from PIL import Image, ImageOps
from sphinx.application import Sphinx

import cozad_teach

ROOT = Path(cozad_teach.__file__).parents[1]
sys.path.append(str(ROOT / "book" / "_tools"))  # which is not installed

from reading import exercise_minutes, reading_minutes  # noqa: E402

__all__ = ["Chapter", "cards", "chapter", "chapter_map", "hero", "reduced", "setup"]

HERO, MAP = "<!-- the picture to try -->", "<!-- the map of chapters -->"
LISTED = re.compile(r"(?:^- \[[^]]+\]\(chapters/\w+\.ipynb\): [^\n]+\n)+", re.M)
ITEM = re.compile(r"^- \[[^]]+\]\(chapters/(\w+)\.ipynb\): ([^\n]+)\n", re.M)
THUMBNAIL = 480, 270
LEVELS = {"Easy": 1, "Medium": 2, "Hard": 3}
# Size of the map: columns and rows of boxes, their distances and their own size, in pixels.
COLUMN, ROW, WIDE, HIGH = 225, 74, 205, 44


class Chapter(NamedTuple):
    """What the first page says of a chapter."""

    name: str
    number: int
    title: str
    reading: int
    exercises: int
    level: str
    needs: tuple[int, ...]
    picture: bytes


def chapter(path: Path) -> Chapter:
    """Read a chapter: its title, minutes, difficulty, what it needs, and a figure."""
    notebook = nbformat.read(path, as_version=4)
    text = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    title = re.search(r"^# (.+)", text, re.M)
    assert title, f"{path.name} has no title"
    return Chapter(
        path.stem,
        int(path.stem[:2]),
        title[1],
        reading_minutes(notebook),
        exercise_minutes(notebook),
        _level(text),
        _needs(text),
        _thumbnail(notebook),
    )


def _level(text: str) -> str:
    """Give the mean difficulty of the exercises."""
    found = [LEVELS[level] for level in re.findall(r"\*(Easy|Medium|Hard), \d+ min", text)]
    return ("easy", "medium", "hard")[round(sum(found) / len(found)) - 1]


def _needs(text: str) -> tuple[int, ...]:
    """List the chapters that a chapter links under "You need"; "A to B" are all between them."""
    part = text.partition("**You need**")[2].partition("\n\n")[0]
    found = re.findall(r"\((\d\d)_\w+\.ipynb\)( to \[)?", part)
    numbers = {int(number) for number, _ in found}
    for (number, is_range), (last, _) in itertools.pairwise(found):
        numbers |= set(range(int(number), int(last))) if is_range else set()
    return tuple(sorted(numbers))


def _thumbnail(notebook: NotebookNode) -> bytes:
    """Give the figure of a chapter that fills a card best, small, on white."""
    figures = [
        Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        for kind, data in output.get("data", {}).items()
        if kind in ("image/jpeg", "image/png")
    ]
    wanted = THUMBNAIL[0] / THUMBNAIL[1]
    best = min(figures, key=lambda image: abs(math.log(image.width / image.height / wanted)))
    buffer = io.BytesIO()
    ImageOps.pad(best, THUMBNAIL, color="white").save(buffer, "WEBP", quality=75)
    return buffer.getvalue()


def cards(listed: str, chapters: dict[str, Chapter]) -> str:
    """Turn a list of chapters with a question each into cards."""
    made = []
    for name, question in ITEM.findall(listed):
        it = chapters[name]
        made.append(
            f'<li class="card-of-chapter"><img src="_images/{name}.webp" '
            'alt="A figure of the chapter" width="480" '
            f'height="270" loading="lazy"><div><p class="card-title"><a '
            f'href="chapters/{name}.html">{it.number}. {html.escape(it.title)}</a></p>'
            f'<p>{html.escape(question)}</p><p class="card-facts">{it.reading} min reading, '
            f"{it.exercises} min exercises, {it.level}</p></div></li>"
        )
    first = ITEM.search(listed)
    start = chapters[first[1]].number if first else 1
    return f'<ol class="cards" start="{start}">{"".join(made)}</ol>\n'


def reduced(needs: dict[int, tuple[int, ...]]) -> list[tuple[int, int]]:
    """List what needs what, without what follows from the rest."""

    def all_before(number: int) -> set[int]:
        before = set(needs[number])
        return before.union(*map(all_before, before))

    return [
        (before, number)
        for number, direct in needs.items()
        for before in direct
        if not any(before in all_before(other) for other in direct if other != before)
    ]


def chapter_map(chapters: list[Chapter]) -> str:
    """Draw which chapter needs which, and say the same in a list."""
    needs = {it.number: it.needs for it in chapters}
    place = _places(needs)
    lines, boxes, items = [], [], []
    for before, number in reduced(needs):
        (x0, y0), (x1, y1) = place[before], place[number]
        x0, x1 = (x * COLUMN + WIDE / 2 for x in (x0, x1))
        top, bottom = y0 * ROW + HIGH + 1, y1 * ROW
        middle = bottom - (ROW - HIGH) * 0.8
        lines.append(
            f'<path d="M{x0:g} {top}V{middle:g}L{x1:g} {bottom - 2}" marker-end="url(#map-arrow)"/>'
        )
    for it in chapters:
        x, y = (place[it.number][0] * COLUMN, place[it.number][1] * ROW)
        group = "build" if it.number <= 7 else "judge"
        boxes.append(
            f'<g class="{group}"><rect x="{x}" y="{y}" width="{WIDE}" height="{HIGH}" rx="6"/>'
            f"{_label(f'{it.number}. {it.title}', x + 12, y)}</g>"
        )
        names = ", ".join(str(n) for n in it.needs) or "no other chapter"
        items.append(f"<li>{html.escape(it.title)} needs {names}</li>")
    width, height = 2 * COLUMN + WIDE + 2, max(y for _, y in place.values()) * ROW + HIGH + 2
    return (
        '<div class="chapter-map">'
        f'<svg viewBox="-1 -1 {width} {height}" width="{width}" height="{height}" '
        'aria-hidden="true"><defs><marker id="map-arrow" viewBox="0 0 8 8" refX="7" refY="4" '
        'markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z"/></marker></defs>'
        f'<g class="lines">{"".join(lines)}</g>{"".join(boxes)}</svg>'
        f"<ol>{''.join(items)}</ol></div>\n"
    )


def _label(text: str, x: int, y: int) -> str:
    """Write a title in one line or, where it is long, in two."""
    if len(text) <= 27:
        return f'<text x="{x}" y="{y + 27}">{html.escape(text)}</text>'
    cut = text.rfind(" ", 0, 27)
    first, second = html.escape(text[:cut]), html.escape(text[cut + 1 :])
    return f'<text x="{x}" y="{y + 19}">{first}<tspan x="{x}" dy="16">{second}</tspan></text>'


def _places(needs: dict[int, tuple[int, ...]]) -> dict[int, tuple[int, int]]:
    """Give each chapter a column and a row: below all that it needs, those that judge at the right.

    Three columns; a row is as long as the longest chain of chapters before it.
    """
    depth: dict[int, int] = {}
    for number in sorted(needs):
        depth[number] = 1 + max((depth[before] for before in needs[number]), default=-1)
    place = {}
    for row in sorted(set(depth.values())):
        here = [number for number, d in depth.items() if d == row]
        left = [number for number in here if number <= 7]
        right = [number for number in here if number > 7]
        place |= {number: (column, row) for column, number in enumerate(left)}
        place |= {number: (3 - len(right) + i, row) for i, number in enumerate(right)}
    return place


def hero(numbers: dict[str, Any]) -> str:
    """Write the pair of pictures with the slider; without scripts they stand still."""
    low, high, begin = (numbers[key] for key in ("low", "high", "begin"))
    return (
        '<link rel="stylesheet" href="_static/landing.css">'
        '<script defer src="_static/wool.js"></script>'
        f'<div class="wool" data-low="{low}" data-high="{high}">'
        '<div class="pair"><figure><div class="layers"><img src="_static/wool.jpg" width="512" '
        'height="512" alt="A piece of knitted wool. Towards the lower left a patch of the same '
        'wool is set in askew."></div><figcaption>The picture</figcaption></figure>'
        '<figure><div class="layers heat"><img src="_static/wool.jpg" width="512" height="512" '
        'alt="The same wool under a heat map, which is brightest at the flaw.">'
        f'<img class="distances" src="{numbers["distances"]}" alt="Distances" width="512" '
        'height="512">'
        "</div><figcaption>What the detector finds odd</figcaption></figure></div>"
        f'<img class="flaw" src="{numbers["flaw"]}" alt="The flaw" hidden>'
        '<div class="controls" hidden><label><span>Threshold</span><input type="range" '
        f'min="{low}" max="{high}" step="any" value="{begin}"></label>'
        '<button type="button" aria-pressed="false">Show the flaw</button>'
        '<output aria-live="polite"></output></div></div>\n'
    )


def make_first_page(app: Sphinx, page: str, source: list[str]) -> None:
    """Put the picture, the cards and the map in their places."""
    if HERO not in source[0]:
        return
    book = Path(app.srcdir)
    numbers = json.loads((book / "assets" / "wool.json").read_text(encoding="utf-8"))
    paths = sorted((book / "chapters").glob("[0-9][0-9]_*.ipynb"))
    chapters = {path.stem: chapter(path) for path in paths}
    images = Path(app.outdir) / "_images"
    images.mkdir(parents=True, exist_ok=True)
    for it in chapters.values():
        (images / f"{it.name}.webp").write_bytes(it.picture)
    text = source[0].replace(HERO, hero(numbers))
    text = text.replace(MAP, chapter_map(list(chapters.values())))
    source[0] = LISTED.sub(lambda match: cards(match[0], chapters), text)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to the reading of pages."""
    app.connect("source-read", make_first_page)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
