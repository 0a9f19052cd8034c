"""What the chapter on open questions draws: results of the ledger over what was varied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes

from cozad_book.experiments.ledger import Results
from cozad_book.figures.drawing import SERIES

__all__ = ["draw_over", "draw_over_contamination", "optimism"]


def draw_over_contamination(
    axis: Axes,
    results: Results,
    methods: Mapping[str, str],
    data: str,
    metric: str,
    percentages: Sequence[int],
) -> None:
    """Draw a metric with its interval over the share of anomalous images in the support.

    Parameters
    ----------
    axis : matplotlib.axes.Axes
        Empty.
    results : Results
        Of the experiment ``contamination``.
    methods : mapping of str to str
        Name of a method in the ledger, and what to call it; seven at most.
    data : str
        Name of a data set without its percentage, such as ``packs``.
    metric : str
        As in `Results.interval`.
    percentages : sequence of int
        Those of the experiment.
    """
    where = {percent: ("batch", f"{data}-{percent}") for percent in percentages}
    draw_over(axis, results, methods, metric, where, apart=1.2)
    axis.set_xlabel("anomalous images in the support, %")


def draw_over(
    axis: Axes,
    results: Results,
    methods: Mapping[str, str],
    metric: str,
    where: Mapping[int, tuple[str, str]],
    apart: float,
) -> None:
    """Draw a metric of several methods with its interval over whatever was varied.

    Parameters
    ----------
    axis : matplotlib.axes.Axes
        Empty.
    results : Results
        Of an experiment.
    methods : mapping of str to str
        Name of a method in the ledger, and what to call it; seven at most.
    metric : str
        As in `Results.interval`.
    where : mapping of int to (str, str)
        For each place on the axis a protocol and a data set.
    apart : float
        Between two methods at one place: whiskers would hide each other.
    """
    for number, ((method, name), look) in enumerate(zip(methods.items(), SERIES, strict=False)):
        found = [results.interval(method, protocol, metric, d) for protocol, d in where.values()]
        value, low, high = zip(*found, strict=True)
        places = [place + apart * (number - (len(methods) - 1) / 2) for place in where]
        axis.plot(places, value, label=name, markersize=5, linewidth=1.6, **look)
        axis.vlines(places, low, high, color=look["color"], linewidth=0.8)
    axis.set_xticks(list(where))


def optimism(
    results: Results, methods: Sequence[str], data: Sequence[str], metric: str
) -> tuple[float, float]:
    """Compare the best method of each data set, chosen by its labels, with the best for all.

    Parameters
    ----------
    results : Results
        With every method under batch on every data set.
    methods : sequence of str
        To choose from.
    data : sequence of str
        The data sets.
    metric : str
        As in `Results.interval`.

    Returns
    -------
    chosen : float
        Mean over data sets of the highest value that any method has.
    fixed : float
        Highest value that any one method has as its mean over the data sets.
    """
    table = [[results.value(m, "batch", metric, d) for d in data] for m in methods]
    chosen = sum(map(max, zip(*table, strict=True))) / len(data)
    return chosen, max(sum(row) / len(data) for row in table)
