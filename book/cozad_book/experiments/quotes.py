"""Numbers of the ledger in texts: nobody types a result, and a stale one is found.

A quote is a place in Markdown between two comments, which no reader sees::

    <!-- ledger accuracy/magnetic_tile/batch/cozad/image_auroc -->0.647<!-- /ledger -->

It names experiment, data set, protocol, method, with "_" for its spaces, and metric. ``interval``
at its end gives the value with its interval. ``table/accuracy`` and ``differences/accuracy`` give
the tables of an experiment, and with the name of a data set behind them the rows of that one.
"""

from __future__ import annotations

import re
from pathlib import Path

from cozad_book.experiments.ledger import Results, read_results
from cozad_teach.errors import CozadError

__all__ = ["QUOTE", "fill"]

QUOTE = re.compile(r"(<!-- ledger (\S+) -->)(.*?)(<!-- /ledger -->)", re.DOTALL)
# A quote before other words on its line.
_AT_START = re.compile(r"^[ \t]*<!-- ledger (\S+) -->[^\n]*<!-- /ledger -->[^\n]*\w", re.MULTILINE)


def fill(text: str, folder: Path | None = None) -> str:
    """Put the ledger's numbers into the quotes of a text.

    Parameters
    ----------
    text : str
        Markdown.
    folder : pathlib.Path, optional
        Another ledger than the book's.

    Returns
    -------
    str
        The text, unchanged where every quote is up to date.

    Raises
    ------
    CozadError
        If a quote names what the ledger does not hold, is not closed, or begins a line.
    """
    if text.count("<!-- ledger ") != len(QUOTE.findall(text)):
        raise CozadError("a quote of the ledger is not closed: end it with <!-- /ledger -->")
    if place := _AT_START.search(text):
        raise CozadError(
            f"the quote of {place[1]} begins a line, which Markdown then takes for HTML: put a "
            "word before it"
        )
    return QUOTE.sub(lambda match: f"{match[1]}{_quoted(match[2], folder)}{match[4]}", text)


def _quoted(place: str, folder: Path | None) -> str:
    parts = place.split("/")
    if parts[0] in ("table", "differences") and len(parts) in (2, 3):
        found = read_results(parts[1], folder)
        show = found.markdown if parts[0] == "table" else found.differences
        # Empty lines around it, or Markdown takes the comments for a part of the table.
        return f"\n\n{show(data=parts[2] if len(parts) == 3 else None)}\n\n"
    with_interval = parts[-1] == "interval"
    if len(parts) != 5 + with_interval:
        raise CozadError(
            f"{place!r} is no quote of the ledger: name EXPERIMENT/DATA/PROTOCOL/METHOD/METRIC, "
            "table/EXPERIMENT or differences/EXPERIMENT"
        )
    name, data, protocol, method, metric = parts[:5]
    results: Results = read_results(name, folder)
    value, low, high = results.interval(method.replace("_", " "), protocol, metric, data)
    return f"{value:.3f} ({low:.3f}–{high:.3f})" if with_interval else f"{value:.3f}"
