"""What chapters show as text: the package's own source, and tables."""

from __future__ import annotations

import ast
import html
import inspect
import re
import subprocess
import symtable
import textwrap
from collections import defaultdict
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

__all__ = ["Listing", "Table", "names_looked_up", "show_source", "table"]

COLUMNS = 76  # of a listing: what a page shows without a scroll bar


class Listing:
    """Markdown that a notebook and the HTML book typeset, and that prints as it stands; for code.

    No tables: the HTML book reads the Markdown of outputs as plain CommonMark.

    Parameters
    ----------
    markdown : str
        The text.
    """

    def __init__(self, markdown: str) -> None:
        self.markdown = markdown

    def __repr__(self) -> str:
        return self.markdown

    def _repr_markdown_(self) -> str:
        return self.markdown


class Table:
    """Rows under a header, as HTML in a notebook and aligned text elsewhere; `table` makes one.

    Parameters
    ----------
    header : sequence of str
        Names of the columns.
    rows : sequence of sequences of str
        One text per column.
    numeric : sequence of bool
        Which columns hold numbers, and are aligned to the right.
    """

    def __init__(
        self, header: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[bool]
    ) -> None:
        self.header, self.rows, self.numeric = list(header), [list(row) for row in rows], numeric

    def __repr__(self) -> str:
        lines = [self.header, *self.rows]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(
                text.rjust(width) if number else text.ljust(width)
                for text, width, number in zip(line, widths, self.numeric, strict=True)
            ).rstrip()
            for line in lines
        )

    def _repr_html_(self) -> str:
        # The theme knows the class of pandas' tables: it gives them its colours, dark ones too.
        head = self._line(['th scope="col"' for _ in self.header], self.header)
        kinds = ['th scope="row"'] + ["td"] * (len(self.header) - 1)
        body = "".join(self._line(kinds, row) for row in self.rows)
        return f'<table class="dataframe"><thead>{head}</thead><tbody>{body}</tbody></table>'

    def _line(self, kinds: Sequence[str], texts: Sequence[str]) -> str:
        cells = [
            f'<{kind} style="padding:.2em .7em;text-align:{"right" if number else "left"}'
            f'{_wrap(kind, text)}">{html.escape(text)}</{kind[:2]}>'
            for kind, text, number in zip(kinds, texts, self.numeric, strict=True)
        ]
        return f"<tr>{''.join(cells)}</tr>"


def _wrap(kind: str, text: str) -> str:
    """Let a sentence break into lines; the pages forbid it, for values and their intervals."""
    return ";white-space:normal" if kind == "td" and len(text.split(" ")) > 4 else ""


def show_source(*functions: Callable[..., Any]) -> Listing:
    """Show functions as they stand in the package, so that the book never holds a copy.

    Of a docstring the first paragraph is shown: the API reference has all of it. Above stand the
    imports that the functions need, so that a listing runs where it is pasted to be changed.

    Parameters
    ----------
    functions : callable
        Functions, methods or classes, in the order in which they are shown.

    Returns
    -------
    Listing
        Display it as the last expression of a cell.
    """
    parts = [_with_short_docstring(inspect.getsource(function)) for function in functions]
    code = "\n\n\n".join(parts)
    head = _import_lines(code, list(map(inspect.getmodule, functions)))
    # Four backticks: a docstring may hold three.
    return Listing(f"````python\n{_narrow(head + code)}\n````")


def _narrow(code: str) -> str:
    """Break lines of code as narrow as pages and phones want them; strings stay whole."""
    try:
        from ruff import find_ruff_bin

        program = find_ruff_bin()
    except (ImportError, FileNotFoundError):  # installed without the extra for the book
        return code.rstrip("\n")
    command = [program, "format", "--isolated", "--line-length", str(COLUMNS), "-"]
    done = subprocess.run(command, input=code, capture_output=True, text=True, check=True)
    return re.sub(r"(?:^ *# .*\n?)+", _narrow_comment, done.stdout.rstrip("\n"), flags=re.M)


def _narrow_comment(found: re.Match[str]) -> str:
    """Break the lines of a comment anew, if one is too wide."""
    lines = found[0].splitlines()
    if max(map(len, lines)) <= COLUMNS:
        return found[0]
    mark = re.match(r" *# ", lines[0])
    assert mark
    text = " ".join(line.strip()[2:] for line in lines)
    wrapped = textwrap.fill(text, COLUMNS, initial_indent=mark[0], subsequent_indent=mark[0])
    return wrapped + found[0][len(found[0].rstrip("\n")) :]


def _import_lines(code: str, modules: Sequence[ModuleType | None]) -> str:
    """Give the imports of all names that code from some modules takes from there."""
    names = names_looked_up(code)
    plain: set[str] = set()
    taken: defaultdict[str, set[str]] = defaultdict(set)
    for module in filter(None, modules):
        there: dict[str, tuple[str | None, str]]
        there = dict.fromkeys(vars(module), (module.__name__, ""))
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(node, ast.Import | ast.ImportFrom):
                source = node.module if isinstance(node, ast.ImportFrom) else None
                there |= {a.asname or a.name: (source, ast.unparse(a)) for a in node.names}
        for name in names & there.keys():
            source, imported = there[name]
            if source is None:
                plain.add(f"import {imported}")
            else:
                taken[source].add(imported or name)
    lines = [f"from {source} import {', '.join(sorted(taken[source]))}" for source in taken]
    # The package comes first, as everywhere in the chapters.
    lines = sorted([*plain, *lines], key=lambda line: (not line.startswith("from cozad"), line))
    return "\n".join([*lines, "\n\n"]) if lines else ""


def names_looked_up(code: str) -> set[str]:
    """Give the names that a piece of code takes from where it stands, built-in ones too."""
    table = symtable.symtable(code, "listing", "exec")
    return _global_names(table) - {s.get_name() for s in table.get_symbols() if s.is_assigned()}


def _global_names(table: symtable.SymbolTable) -> set[str]:
    """Give the names that a piece of code and the functions in it look up in their module."""
    top = table.get_type() == "module"
    here = {
        symbol.get_name()
        for symbol in table.get_symbols()
        if symbol.is_referenced() and (top or symbol.is_global())
    }
    return here.union(*map(_global_names, table.get_children()))


def _with_short_docstring(source: str) -> str:
    """Keep the first paragraph of a function's docstring; the rest is in the API reference."""
    source = textwrap.dedent(source).strip()
    first = ast.parse(source).body[0].body[0]  # type: ignore[attr-defined]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    if not documented or not isinstance(first.value.value, str):
        return source
    lines = source.split("\n")
    indent = " " * first.col_offset
    paragraph = '"""' + " ".join(first.value.value.split("\n\n")[0].split()) + '"""'
    kept = textwrap.wrap(
        paragraph,
        COLUMNS,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join([*lines[: first.lineno - 1], *kept, *lines[first.end_lineno :]])


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    """Lay out rows as a table; floats get three decimals, and what rounds to zero no sign.

    Parameters
    ----------
    header : sequence of str
        Names of the columns.
    rows : sequence of sequences
        One value per column. Columns whose first value is a number are aligned to the right.

    Raises
    ------
    ValueError
        If a row has more or fewer values than there are columns, or if there is no row.
    """
    if not rows or any(len(row) != len(header) for row in rows):
        raise ValueError(f"a table of {len(header)} columns needs rows of {len(header)} values")
    numeric = [isinstance(value, int | float) for value in rows[0]]
    return Table(header, [[_text(value) for value in row] for row in rows], numeric)


def _text(value: object) -> str:
    text = f"{value:.3f}" if isinstance(value, float) else str(value)
    # "-0.000" would claim a direction that the digits do not show.
    return re.sub(r"(?<![\w.])[-+](0\.0+)(?![\w.])", r"\1", text)
