"""The results ledger: every number that the book quotes, with what it takes to trust it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cozad_book.experiments.fields import check_content
from cozad_teach.errors import CozadError
from cozad_teach.files.checkout import results_folder
from cozad_teach.files.reading import read_json
from cozad_teach.files.values import Wrong
from cozad_teach.files.writing import atomic_write

__all__ = [
    "Results",
    "markdown_table",
    "read_results",
    "write_results",
]

LARGEST_RESULTS = 256 * 2**20  # bytes
SHOWN = ("image_auroc", "pixel_auroc", "aupro")
_TITLES = {
    "image_auroc": "image AUROC",
    "image_ap": "image average precision",
    "image_f1max": "image F1-max",
    "pixel_auroc": "pixel AUROC",
    "pixel_ap": "pixel average precision",
    "pixel_f1max": "pixel F1-max",
    "aupro": "AUPRO",
}


def write_results(name: str, content: dict[str, Any], folder: Path | None = None) -> Path:
    """Store an experiment as ``<name>.json``, a line for each of the entries of a list.

    Parameters
    ----------
    name : str
        Name of the experiment.
    content : dict
        ``question``, ``command`` and whatever lists of entries there are.
    folder : pathlib.Path, optional
        Another ledger than the book's.

    Returns
    -------
    pathlib.Path
        The file, written whole or not at all.
    """
    parts = []
    for key, value in content.items():
        text = json.dumps(value, ensure_ascii=False)
        if isinstance(value, list) and value:
            lines = ",\n".join(
                json.dumps(entry, ensure_ascii=False, separators=(",", ":")) for entry in value
            )
            text = f"[\n{lines}\n]"
        parts.append(f"{json.dumps(key)}: {text}")
    path = (folder or results_folder()) / f"{name}.json"
    with atomic_write(path) as file:
        file.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")
    return path


@dataclasses.dataclass(frozen=True)
class Results:
    """One experiment of the ledger, as chapters show it."""

    name: str
    content: dict[str, Any]

    def interval(
        self, method: str, protocol: str, metric: str, data: str | None = None
    ) -> tuple[float, float, float]:
        """Look up a metric and its 95 % interval: value, low, high.

        Parameters
        ----------
        method, protocol, metric : str
            As in the experiment.
        data : str, optional
            The data set; may be left out where there is only one.

        Raises
        ------
        CozadError
            If the experiment has no such result.
        """
        return self._look_up("results", {"method": method}, protocol, metric, data)

    def value(self, method: str, protocol: str, metric: str, data: str | None = None) -> float:
        """Look up a metric; parameters and errors as `interval`."""
        return self.interval(method, protocol, metric, data)[0]

    def difference(
        self,
        other: str,
        protocol: str,
        metric: str,
        data: str | None = None,
        *,
        method: str = "cozad",
    ) -> tuple[float, float, float]:
        """Look up a method minus another one on the same images, and its 95 % interval.

        Parameters
        ----------
        other : str
            The method that is compared with.
        protocol, metric, data
            As in `interval`.
        method : str
            The method; other ones than CoZAD where the experiment has such pairs.

        Raises
        ------
        CozadError
            If the experiment has no such difference.
        """
        names = {"method": method, "other": other}
        return self._look_up("differences", names, protocol, metric, data)

    def _look_up(
        self, table: str, names: dict[str, str], protocol: str, metric: str, data: str | None
    ) -> tuple[float, float, float]:
        wanted = {**names, "protocol": protocol, **({"data": data} if data else {})}
        rows = [row for row in self.content.get(table, []) if wanted.items() <= row.items()]
        if len(rows) > 1:
            sets = ", ".join(row["data"] for row in rows)
            raise CozadError(f"{self.name} has several data sets: name one of {sets}")
        if rows and metric in rows[0]["values"]:
            value, low, high = rows[0]["values"][metric]
            return value, low, high
        of, compared = f" on {data}" if data else "", " minus ".join(names.values())
        raise CozadError(f"{self.name} has no {metric} of {compared} under {protocol}{of}")

    def markdown(self, metrics: Sequence[str] = SHOWN, data: str | None = None) -> str:
        """Give the results as a Markdown table, each value with its interval.

        Parameters
        ----------
        metrics : sequence of str
            The columns.
        data : str, optional
            The data set; by default all.
        """
        if "rows" in self.content:
            return _speed_table(self.content["rows"])
        return self._rows("results", ("method",), metrics, data)

    def differences(self, metrics: Sequence[str] = SHOWN, data: str | None = None) -> str:
        """Give the differences as a Markdown table; parameters as `markdown`."""
        return self._rows("differences", ("method", "other"), metrics, data)

    def _rows(
        self, key: str, names: Sequence[str], metrics: Sequence[str], data: str | None
    ) -> str:
        rows = [row for row in self.content.get(key, []) if data in (None, row["data"])]
        if not rows:
            raise CozadError(f"{self.name} has no {key}" + (f" on {data}" if data else ""))
        head = [*(["data"] if len({row["data"] for row in rows}) > 1 else []), "protocol", *names]
        minus = "minus"
        if "other" in names and {row["method"] for row in rows} == {"cozad"}:
            head.remove("method")
            minus = "CoZAD minus"
        titles = [minus if name == "other" else name for name in head]
        lines = [[*titles, *(_TITLES[metric] for metric in metrics)]]
        sign = "+" if key == "differences" else ""
        for row in rows:
            cells = [_cell(row["values"].get(metric), sign) for metric in metrics]
            lines.append([*(row[name] for name in head), *cells])
        return markdown_table(lines)

    def _repr_markdown_(self) -> str:
        made = self.content["made_with"]
        of_seeds = ""
        if "results" in self.content:
            n = max(row["seeds"] for row in self.content["results"])
            of_seeds = f"{n} seeds; " if n > 1 else "one seed; "
            of_seeds += "95 % intervals in brackets; "
        hardware = made["hardware"]
        if (trained_on := made.get("trained_on", hardware)) != hardware:
            hardware = f"trained on {trained_on}, evaluated on {hardware}"
        note = (
            f"Settings `{made['settings']}`; {of_seeds}{hardware}; torch {made['torch']}. "
            f"Repeat with `{self.content['command']}`."
        )
        return f"{self.markdown()}\n\n{note}"

    def __repr__(self) -> str:
        return self._repr_markdown_()


def read_results(name: str, folder: Path | None = None) -> Results:
    """Read an experiment of the ledger, or of the one in `folder`.

    Raises
    ------
    CozadError
        If there is no ledger, it has no such experiment, or its file is damaged.
    """
    path = (folder or results_folder()) / f"{name}.json"
    if not path.is_file():
        raise CozadError(f"the ledger holds no experiment {name!r}: see cozad results")
    remedy = f"do it again with cozad bench {name}"
    try:
        content = read_json(path, "cannot read", remedy, LARGEST_RESULTS)
        check_content(content)
    except Wrong as error:
        raise CozadError(f"{path} is damaged ({error}): {remedy}") from error
    return Results(name, content)


def _cell(numbers: Sequence[float] | None, sign: str) -> str:
    if numbers is None:
        return "–"
    value, low, high = numbers
    # Of a value two decimals of its interval are enough; a difference may be smaller than those.
    to, digits = (" to ", 3) if sign else ("–", 2)
    return f"{value:{sign}.3f} ({low:{sign}.{digits}f}{to}{high:{sign}.{digits}f})"


def _speed_table(rows: Sequence[dict[str, Any]]) -> str:
    lines = [["what", "compared with", "times as fast", "wanted", "difference"]]
    for row in rows:
        ratio = "–" if row["ratio"] is None else f"{row['ratio']:.3g}"
        lines.append([row["what"], row["other"], ratio, row["wanted"], row["note"]])
    return markdown_table(lines)


def markdown_table(lines: Sequence[Sequence[str]]) -> str:
    """Give a Markdown table of lines of cells, the first of which are the titles."""
    ruled = [lines[0], ["---"] * len(lines[0]), *lines[1:]]
    return "\n".join("| " + " | ".join(line) + " |" for line in ruled)
