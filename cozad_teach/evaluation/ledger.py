"""The results ledger: every number that the book quotes, with what it takes to trust it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from cozad_teach.errors import CozadError
from cozad_teach.files import atomic_write
from cozad_teach.hardware import hardware_name
from cozad_teach.settings import Settings

__all__ = ["RESULTS", "Results", "provenance", "read_results", "settings_hash", "write_results"]

RESULTS = Path(__file__).resolve().parents[2] / "book" / "results"
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


def settings_hash(settings: Settings) -> str:
    """Give 12 hexadecimal digits that change with any value of the settings."""
    values = json.dumps(dataclasses.asdict(settings), sort_keys=True)
    return hashlib.sha256(values.encode()).hexdigest()[:12]


def provenance(settings: Settings, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Collect where and with what a result was made.

    Parameters
    ----------
    settings : Settings
        Of the run.
    device : torch.device or str
        Where it ran.

    Returns
    -------
    dict
        ``commit`` (with "+" where files differ from it, None outside a checkout), ``settings``
        and their ``settings_hash``, ``torch``, ``python`` and ``hardware``.
    """
    return {
        "commit": _commit(),
        "settings": settings.name,
        "settings_hash": settings_hash(settings),
        "torch": str(torch.__version__),
        "python": platform.python_version(),
        "hardware": hardware_name(device),
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
    path = (folder or RESULTS) / f"{name}.json"
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
        return self._look_up("results", "method", method, protocol, metric, data)

    def value(self, method: str, protocol: str, metric: str, data: str | None = None) -> float:
        """Look up a metric; parameters and errors as `interval`."""
        return self.interval(method, protocol, metric, data)[0]

    def difference(
        self, other: str, protocol: str, metric: str, data: str | None = None
    ) -> tuple[float, float, float]:
        """Look up CoZAD minus another method on the same images, and its 95 % interval.

        Parameters
        ----------
        other : str
            The method that is compared with.
        protocol, metric, data
            As in `interval`.

        Raises
        ------
        CozadError
            If the experiment has no such difference.
        """
        return self._look_up("differences", "other", other, protocol, metric, data)

    def _look_up(
        self, table: str, key: str, name: str, protocol: str, metric: str, data: str | None
    ) -> tuple[float, float, float]:
        rows = [
            row
            for row in self.content.get(table, [])
            if (row[key], row["protocol"]) == (name, protocol) and data in (None, row["data"])
        ]
        if len(rows) > 1:
            sets = ", ".join(row["data"] for row in rows)
            raise CozadError(f"{self.name} has several data sets: name one of {sets}")
        if rows and metric in rows[0]["values"]:
            value, low, high = rows[0]["values"][metric]
            return value, low, high
        of, minus = f" on {data}" if data else "", "CoZAD minus " if key == "other" else ""
        raise CozadError(f"{self.name} has no {metric} of {minus}{name} under {protocol}{of}")

    def markdown(self, metrics: Sequence[str] = SHOWN, data: str | None = None) -> str:
        """Give the results as a Markdown table, each value with its interval.

        Parameters
        ----------
        metrics : sequence of str
            The columns.
        data : str, optional
            The data set; by default all.
        """
        if self.name == "speed":
            return _speed_table(self.content["rows"])
        return self._rows("results", ("method",), metrics, data)

    def differences(self, metrics: Sequence[str] = SHOWN, data: str | None = None) -> str:
        """Give CoZAD minus each other method as a Markdown table; parameters as `markdown`."""
        return self._rows("differences", ("other",), metrics, data)

    def _rows(
        self, key: str, names: Sequence[str], metrics: Sequence[str], data: str | None
    ) -> str:
        rows = [row for row in self.content.get(key, []) if data in (None, row["data"])]
        if not rows:
            raise CozadError(f"{self.name} has no {key}" + (f" on {data}" if data else ""))
        head = [*(["data"] if len({row["data"] for row in rows}) > 1 else []), "protocol", *names]
        titles = ["CoZAD minus" if name == "other" else name for name in head]
        lines = [[*titles, *(_TITLES[metric] for metric in metrics)]]
        sign = "+" if key == "differences" else ""
        for row in rows:
            cells = [_cell(row["values"].get(metric), sign) for metric in metrics]
            lines.append([*(row[name] for name in head), *cells])
        return _table(lines)

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
        If the ledger has no such experiment.
    """
    path = (folder or RESULTS) / f"{name}.json"
    if not path.is_file():
        raise CozadError(f"the ledger holds no experiment {name!r}: see cozad results")
    return Results(name, json.loads(path.read_text(encoding="utf-8")))


def _cell(numbers: Sequence[float] | None, sign: str) -> str:
    if numbers is None:
        return "–"
    value, low, high = numbers
    # Of a value two decimals of its interval are enough; a difference may be smaller than those.
    to, digits = (" to ", 3) if sign else ("–", 2)
    return f"{value:{sign}.3f} ({low:{sign}.{digits}f}{to}{high:{sign}.{digits}f})"


def _speed_table(rows: Sequence[dict[str, Any]]) -> str:
    lines = [["what", "compared with", "times faster", "wanted", "difference"]]
    for row in rows:
        ratio = "–" if row["ratio"] is None else f"{row['ratio']:.3g}"
        lines.append([row["what"], row["other"], ratio, row["wanted"], row["note"]])
    return _table(lines)


def _table(lines: Sequence[Sequence[str]]) -> str:
    ruled = [lines[0], ["---"] * len(lines[0]), *lines[1:]]
    return "\n".join("| " + " | ".join(line) + " |" for line in ruled)


def _commit() -> str | None:
    """Name the commit of the package's checkout, with a "+" where its files differ from it."""
    here = Path(__file__).parent
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty=+", "--abbrev=12", "--exclude=*"],
            cwd=here,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return described.stdout.strip()
