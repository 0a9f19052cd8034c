"""The exercises of a notebook of the book, one by one, without the book around them."""

from __future__ import annotations

import ast
import re
import textwrap
from pathlib import Path
from typing import NamedTuple

import nbformat

import notebooks

Equations = dict[str, tuple[str, str]]

_WHOLE = re.M | re.S
_EXERCISE = re.compile(r"^::::\{exercise\} ([^\n]*)\n:label: [^\n]*\n\n(.*?)^::::$", _WHOLE)
_HINT = re.compile(r"^:::\{\w+\} Hint\n(?::class: dropdown\n)?(.*?)^:::$", _WHOLE)
_CELL = re.compile(r"(.*?)^(def (\w+)\(.*?)^    \.\.\.\n+check_exercise\(\"(.*?)\", \w+\)", _WHOLE)
_EQUATION = re.compile(r"^\$\$\n(.*?)\n\$\$ \((eq-[\w-]+)\)", _WHOLE)


class Posed(NamedTuple):
    """An exercise as the book poses it.

    Attributes
    ----------
    name, function : str
        Of the exercise, and of the function that it asks for.
    title, statement : str
        What to do, in Markdown that any Jupyter shows.
    imports : str
        What stands above the function.
    stub : str
        The function up to its docstring.
    helpers, body : str
        The stored solution: what it defines above the function, and what stands in it.
    """

    name: str
    function: str
    title: str
    statement: str
    imports: str
    stub: str
    helpers: str
    body: str

    @property
    def solution(self) -> str:
        """The stored solution as Python that runs by itself."""
        return "\n\n\n".join(filter(None, (self.imports, self.helpers, self.stub + self.body)))


def numbered_equations() -> Equations:
    """Give the equations of all chapters by their labels: number as in the book, and text."""
    found: Equations = {}
    for path in notebooks.notebook_paths():
        if not path.name[:2].isdigit():
            continue
        text = "\n".join(c.source for c in nbformat.read(path, 4).cells if c.cell_type != "code")
        for place, (body, label) in enumerate(_EQUATION.findall(text), start=1):
            found[label] = (f"{int(path.name[:2])}.{place}", body)
    return found


def posed_exercises(path: Path, equations: Equations) -> list[Posed]:
    """Give the exercises of a notebook in order.

    Raises
    ------
    ValueError
        If the notebook is not in the form that CONTRIBUTING.md asks for.
    """
    found: list[Posed] = []
    text, cell = "", ""
    for part in nbformat.read(path, as_version=4).cells:
        if "solution" in part.metadata.get("tags", []):
            found.append(_posed(path, text, cell, part.source, equations))
        elif part.cell_type == "code" and re.search(r"^check_exercise\(", part.source, re.M):
            cell = part.source
        elif part.cell_type == "markdown" and _EXERCISE.search(part.source):
            text = part.source
    return found


def _posed(path: Path, text: str, cell: str, solution: str, equations: Equations) -> Posed:
    exercise = _EXERCISE.search(text)
    answer = re.search(r"^```python\n(.*?)^```$", solution, _WHOLE)
    parts = _CELL.fullmatch(cell)
    if not (exercise and answer and parts):
        raise ValueError(f"{path} has an exercise that is not in the form of the book")
    imports, stub, function, name = parts.groups()
    imports = "\n".join(line for line in imports.splitlines() if "cozad_book" not in line).strip()
    helpers, body = _taken_apart(answer[1], stub, function)
    # A section of its own belongs to the exercise; what else stands above it speaks of the book.
    above = text[: exercise.start()] if text.startswith("#") else ""
    statement = in_plain_markdown(above + exercise[2], equations)
    return Posed(name, function, exercise[1], statement, imports, stub, helpers, body)


def _taken_apart(answer: str, stub: str, function: str) -> tuple[str, str]:
    """Give what stands above the function of an answer, and its body without the docstring."""
    lines, tree = answer.splitlines(), ast.parse(answer)
    node, asked = tree.body[-1], ast.parse(f"{stub}    ...").body[0]
    if not (isinstance(node, ast.FunctionDef) and isinstance(asked, ast.FunctionDef)):
        raise ValueError(f"the solution of {function} must end with that function")
    if node.name != function or ast.dump(node.args) != ast.dump(asked.args):
        raise ValueError(f"the solution of {function} has other arguments than its exercise")
    first = node.body[0].lineno - 1
    return "\n".join(lines[: node.lineno - 1]).strip(), "\n".join(lines[first:])


def in_plain_markdown(text: str, equations: Equations) -> str:
    """Turn Markdown of the book into Markdown that any Jupyter shows, equations included."""
    cited: list[str] = []

    def number(match: re.Match[str]) -> str:
        cited.append(match[1])
        return f"({equations[match[1]][0]})"

    text = re.sub(r"\{eq\}`(eq-[\w-]+)`", number, text)
    text = re.sub(r"\[\([\d.]+\)\]\([\w.]+#(eq-[\w-]+)\)", number, text)
    text = re.sub(r"\[([^]]*)\]\([^)\s]*\.(?:md|ipynb)[^)\s]*\)", r"\1", text)
    text = _HINT.sub(lambda m: f"<details><summary>Hint</summary>\n\n{m[1]}\n</details>", text)
    for label in dict.fromkeys(cited):
        place, body = equations[label]
        text = f"{text.rstrip()}\n\nEquation ({place}):\n\n$$\n{body}\n$$"
    return text.strip()


def answer_source(posed: Posed) -> str:
    """Give the cell of an answer, with the stored solution between nbgrader's marks."""
    begin, end = "### BEGIN SOLUTION", "### END SOLUTION"
    helpers = f"{begin}\n{posed.helpers}\n{end}" if posed.helpers else ""
    marks = (textwrap.indent(mark, "    ") for mark in (begin, end))
    function = posed.stub + f"\n{posed.body}\n".join(marks)
    return "\n\n\n".join(filter(None, (posed.imports, helpers, function)))
