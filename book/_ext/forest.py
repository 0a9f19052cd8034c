"""Draw the tables of the ledger on the page of results as forest plots, and fold the tables."""

from __future__ import annotations

import html
import re
from itertools import groupby
from typing import Any, NamedTuple

from sphinx.application import Sphinx

from cozad_book.experiments.ledger import Results, read_results

__all__ = ["Row", "add_plots", "forest", "rows_of", "setup"]

PAGE = "appendix/results"
METRICS = {"image_auroc": "image AUROC", "pixel_auroc": "pixel AUROC"}
# A table by itself, or a folded part with the tables in it.
PLACE = re.compile(
    r"^:::\{dropdown\}.*?^:::$|^<!-- ledger (?:table|differences)/\S+ -->.*?<!-- /ledger -->",
    re.M | re.S,
)
QUOTE = re.compile(r"<!-- ledger (table|differences)/(\w+)/(\S+) -->")
# A difference that rounds to nothing has no sign.
NOTHING = re.compile(r"[-+](0\.0+)\b")
# Pixels: the column of names, a panel and the gap before it, a row, and what stands above the rows.
NAMES, PANEL, GAP, ROW, TOP = 215, 190, 42, 21, 46


class Row(NamedTuple):
    """A line of a plot: its group, its name, and value, low, high of each metric."""

    protocol: str
    name: str
    values: dict[str, tuple[float, float, float]]


def rows_of(results: Results, kind: str, data: str) -> list[Row]:
    """List the rows of a table of the ledger in its order."""
    key = "results" if kind == "table" else "differences"
    found = [row for row in results.content[key] if row["data"] == data]
    only_cozad = {row["method"] for row in found} == {"cozad"}

    def name(row: dict[str, Any]) -> str:
        method, other = _shown(row["method"]), _shown(row.get("other", ""))
        if kind == "table":
            return method
        return f"minus {other}" if only_cozad else f"{method} minus {other}"

    return [Row(row["protocol"], name(row), row["values"]) for row in found]


def forest(rows: list[Row], kind: str, title: str) -> str:
    """Draw rows with their 95 % intervals as one SVG: a panel for each metric, the page's colours.

    Parameters
    ----------
    rows : list of Row
        Rows of one protocol stand together under its name.
    kind : str
        ``table``, or ``differences``, which get a line at 0.
    title : str
        What is shown, for the text alternative.
    """
    shown = [m for m in METRICS if any(m in row.values for row in rows)]
    groups = [(key, list(rows)) for key, rows in groupby(rows, key=lambda row: row.protocol)]
    height = TOP + ROW * (len(rows) + len(groups)) + 8
    width = NAMES + len(shown) * (PANEL + GAP) + 20
    parts = []
    for i, metric in enumerate(shown):
        left = NAMES + GAP + i * (PANEL + GAP)
        parts.append(_panel(groups, metric, left, height, kind))
    y = TOP
    for protocol, members in groups:
        parts.append(f'<text class="group" x="0" y="{y + 14}">{html.escape(protocol)}</text>')
        for row in members:
            y += ROW
            bold = ' class="cozad"' if row.name == "CoZAD" else ""
            parts.append(f'<text{bold} x="14" y="{y + 14}">{html.escape(_short(row.name))}</text>')
        y += ROW
    alternative = html.escape(f"{title}. {_in_words(groups, shown, kind)}")
    return (
        f'<div class="forest" tabindex="0" role="group" aria-label="Plot: {html.escape(title)}">'
        f'<svg role="img" aria-label="{alternative}" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}">{"".join(parts)}</svg></div>'
    )


def _panel(
    groups: list[tuple[str, list[Row]]], metric: str, left: int, height: int, kind: str
) -> str:
    numbers = [v for _, rows in groups for row in rows for v in row.values.get(metric, ())]
    low, high = min(numbers), max(numbers)
    if kind == "differences":
        low, high = min(low, 0.0), max(high, 0.0)
    step = next(s for s in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if (high - low) / s <= 5)
    first, last = int(low // step), int(-(-high // step))

    def at(value: float) -> str:
        return f"{left + PANEL * (value / step - first) / max(1, last - first):.1f}"

    parts = [f'<text class="metric" x="{left}" y="14">{METRICS[metric]}</text>']
    for tick in range(first, last + 1):
        x, text = at(tick * step), f"{tick * step:.2f}"
        kept = "zero" if kind == "differences" and tick == 0 else "grid"
        parts.append(f'<path class="{kept}" d="M{x} {TOP - 8}V{height - 4}"/>')
        parts.append(f'<text class="tick" x="{x}" y="{TOP - 14}">{text}</text>')
    y = TOP + 10
    for _, rows in groups:
        for row in rows:
            y += ROW
            if metric not in row.values:
                continue
            value, start, end = (at(v) for v in row.values[metric])
            kept = "row cozad" if row.name == "CoZAD" else "row"
            parts.append(
                f'<g class="{kept}"><path d="M{start} {y}H{end}"/>'
                f'<circle cx="{value}" cy="{y}" r="4"/></g>'
            )
        y += ROW
    return "".join(parts)


def _in_words(groups: list[tuple[str, list[Row]]], metrics: list[str], kind: str) -> str:
    said = []
    for protocol, rows in groups:
        for metric in metrics:
            known = [row for row in rows if metric in row.values]
            if not known:
                continue
            if kind == "table":
                best = max(known, key=lambda row: row.values[metric][0])
                value = f"{best.values[metric][0]:.3f}"
                said.append(f"Highest {METRICS[metric]} under {protocol}: {best.name}, {value}")
            else:
                apart = sum(row.values[metric][1] > 0 or row.values[metric][2] < 0 for row in known)
                said.append(
                    f"{METRICS[metric]} under {protocol}: {apart} of {len(known)} intervals are "
                    "clear of 0"
                )
    return ". ".join(said) + ". The numbers are in the table that follows."


def _shown(method: str) -> str:
    return "CoZAD" if method == "cozad" else method


def _short(name: str) -> str:
    return name if len(name) <= 36 else f"{name[:35]}…"


def add_plots(text: str) -> str:
    """Put a plot before each table of the ledger that has one, and fold tables that are not."""

    def plotted(match: re.Match[str]) -> str:
        quotes = QUOTE.findall(match[0])
        if not quotes:
            return match[0]
        folded = match[0].startswith(":::")
        plots = []
        # One plot before a folded part: the rest of it is for those who unfold it.
        for kind, experiment, data in quotes[:1]:
            rows = rows_of(read_results(experiment), kind, data)
            title = text[: match.start()].rpartition("\n#")[2].partition("\n")[0].strip("# ")
            plots.append(forest(rows, kind, title))
        shown = NOTHING.sub(r"\1", match[0])
        table = shown if folded else f":::{{dropdown}} The numbers\n{shown}\n:::"
        return "\n\n".join([*plots, table])

    return PLACE.sub(plotted, text)


def draw(app: Sphinx, page: str, source: list[str]) -> None:
    """Draw the plots of the page of results."""
    if page == PAGE:
        source[0] = add_plots(source[0])


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to the reading of pages."""
    app.connect("source-read", draw)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
