"""Read a chapter's parts where they stand: figures, tables, equations, bets, exercises, times.

Decks, syllabi and hand-outs are made of these, so that nothing of a chapter is copied by hand.
"""

from __future__ import annotations

import ast
import base64
import functools
import html
import re
from dataclasses import dataclass
from pathlib import Path

import nbformat
from bs4 import BeautifulSoup

from cozad_teach.errors import CozadError
from notebooks import BOOK

_LABELLED = re.compile(r"^\$\$\n(.*?)\n\$\$ \((eq-[\w-]+)\)$", re.MULTILINE | re.DOTALL)
_EXERCISE = re.compile(
    r"^:{3,}\{exercise\} (?P<title>[^\n]+)\n:label: (?P<label>[\w-]+)\n\s*\n"
    r"\*{1,2}(?P<level>\w+), (?P<minutes>\d+) min",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Exercise:
    """What a chapter says about an exercise, before its text."""

    title: str
    label: str
    level: str
    minutes: int


@dataclass(frozen=True)
class Figure:
    """A stored picture: its bytes, the suffix of a file of it, and what it shows in words."""

    content: bytes
    suffix: str
    alt: str


@dataclass(frozen=True)
class Table:
    """A stored table as plain text: the heading, and the rows below it."""

    header: list[str]
    rows: list[list[str]]


class Chapter:
    """A chapter of the book, as its notebook is stored.

    Raises
    ------
    CozadError
        From its methods, if the chapter has no such part.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.stem
        self.number = int(path.stem.split("_")[0]) if path.stem[0].isdigit() else None
        self._cells = {cell.id: cell for cell in nbformat.read(path, as_version=4).cells}
        texts = [c.source for c in self._cells.values() if c.cell_type == "markdown"]
        self.text = "\n\n".join(texts)
        self.title = self.text.partition("\n")[0].removeprefix("# ")

    @functools.cached_property
    def minutes(self) -> tuple[int, int]:
        """Minutes of reading and of exercises, from the line *Time*."""
        found = re.search(r"\*\*Time\*\*: (\d+) min reading, (\d+) min exercises", self.text)
        if not found:
            raise self._missing("line **Time**")
        return int(found[1]), int(found[2])

    @functools.cached_property
    def objectives(self) -> list[str]:
        """What one will learn, one line each."""
        part = self.text.partition("**You will learn**")[2].partition("**You need**")[0]
        return [re.sub(r"\s+", " ", item) for item in re.findall(r"^- (.+?)[;.]\s*$", part, re.M)]

    @functools.cached_property
    def exercises(self) -> list[Exercise]:
        """Its exercises, in their order."""
        return [
            Exercise(m["title"], m["label"], m["level"].lower(), int(m["minutes"]))
            for m in _EXERCISE.finditer(self.text)
        ]

    def exercise(self, label: str) -> Exercise:
        """Give the exercise of a label."""
        for exercise in self.exercises:
            if exercise.label == label:
                return exercise
        raise self._missing(f"exercise {label}")

    def figure(self, cell: str) -> Figure:
        """Give the last picture that a cell has left, with the chapter's own words for it."""
        metadata = self._cell(cell).metadata.get("mystnb", {})
        for kind, content in reversed(self._outputs(cell)):
            if kind in ("image/svg+xml", "image/png", "image/jpeg"):
                data = content.encode() if "svg" in kind else base64.b64decode(content)
                suffix = {"image/svg+xml": ".svg", "image/png": ".png", "image/jpeg": ".jpg"}[kind]
                return Figure(data, suffix, metadata.get("image", {}).get("alt", ""))
        raise self._missing(f"picture in the cell {cell}")

    def table(self, cell: str) -> Table:
        """Give the table that a cell has left."""
        for kind, content in self._outputs(cell):
            if kind == "text/html" and "<table" in content:
                found = BeautifulSoup(content, "html.parser").find("table")
                lines = [
                    [" ".join(c.get_text().split()) for c in row.find_all(["th", "td"])]
                    for row in found.find_all("tr")
                ]
                return Table(lines[0], lines[1:])
            if kind == "text/markdown" and content.startswith("|"):
                lines = [
                    [part.strip() for part in line.strip("|").split("|")]
                    for line in content.strip().splitlines()
                ]
                return Table(lines[0], lines[2:])
        raise self._missing(f"table in the cell {cell}")

    def printed(self, cell: str) -> str:
        """Give what a cell has printed."""
        for kind, content in self._outputs(cell):
            if kind == "stream":
                return content.rstrip()
        raise self._missing(f"printed text in the cell {cell}")

    def equation(self, label: str) -> tuple[str, str]:
        """Give the LaTeX of an equation and its number in the book, such as 2.7."""
        for place, (latex, found) in enumerate(_LABELLED.findall(self.text), start=1):
            if found == label:
                return latex, f"{self.number}.{place}"
        raise self._missing(f"equation {label}")

    def bet(self, cell: str) -> tuple[str, list[str]]:
        """Give the question of a bet and its answers."""
        for node in ast.walk(ast.parse(self._cell(cell).source)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "predict_first":
                question, answers = map(ast.literal_eval, node.args)
                return question, list(answers)
        raise self._missing(f"bet in the cell {cell}")

    def _cell(self, name: str) -> nbformat.NotebookNode:
        if name not in self._cells:
            raise self._missing(f"cell {name}")
        return self._cells[name]

    def _outputs(self, cell: str) -> list[tuple[str, str]]:
        """List what a cell has left, as pairs of kind and text."""
        found = []
        for output in self._cell(cell).get("outputs", []):
            if output.output_type == "stream":
                found.append(("stream", output.text))
            found += list(output.get("data", {}).items())
        return [(kind, content) for kind, content in found if isinstance(content, str)]

    def _missing(self, what: str) -> CozadError:
        return CozadError(f"{self.path.name} has no {what}: look up its name in the chapter")


@functools.cache
def chapter(name: str, book: Path = BOOK) -> Chapter:
    """Read a chapter by its file's name without the suffix."""
    return Chapter(book / "chapters" / f"{name}.ipynb")


def chapters(book: Path = BOOK) -> list[Chapter]:
    """Read the numbered chapters, in their order."""
    return [chapter(p.stem, book) for p in sorted((book / "chapters").glob("[0-9][0-9]_*.ipynb"))]


def escaped(text: str) -> str:
    """Give text as it may stand in HTML."""
    return html.escape(text, quote=False)
