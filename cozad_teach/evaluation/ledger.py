"""The results ledger: every number that the book quotes, with what it takes to trust it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from cozad_teach.errors import CozadError
from cozad_teach.files import atomic_write
from cozad_teach.settings import SETTINGS, Settings

__all__ = ["RESULTS", "Results", "provenance", "read_results", "settings_hash", "write_results"]

RESULTS = Path(__file__).resolve().parents[2] / "book" / "results"


def settings_hash(settings: Settings) -> str:
    """Give 12 hexadecimal digits that change with any value of the settings."""
    values = json.dumps(dataclasses.asdict(settings), sort_keys=True)
    return hashlib.sha256(values.encode()).hexdigest()[:12]


def provenance(settings_name: str, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Collect where and with what a result was made.

    Parameters
    ----------
    settings_name : str
        A name of `cozad_teach.settings.SETTINGS`.
    device : torch.device or str
        Where it ran.

    Returns
    -------
    dict
        ``commit`` (with "+" where files differ from it, None outside a checkout), ``settings``
        and their ``settings_hash``, ``torch``, ``python`` and ``hardware``.
    """
    device = torch.device(device)
    if device.type == "cuda":
        hardware = torch.cuda.get_device_name(device)
    else:
        hardware = f"{platform.machine()}, {os.cpu_count()} cores"
    return {
        "commit": _commit(),
        "settings": settings_name,
        "settings_hash": settings_hash(SETTINGS[settings_name]),
        "torch": str(torch.__version__),
        "python": platform.python_version(),
        "hardware": hardware,
    }


def write_results(
    name: str,
    question: str,
    reports: Sequence[dict[str, Any]],
    made_with: dict[str, Any],
    folder: Path | None = None,
) -> Path:
    """Store an experiment as ``<name>.json``.

    Parameters
    ----------
    name : str
        Name of the experiment.
    question : str
        What the experiment asks, in a sentence.
    reports : sequence of dict
        Of `evaluate`, one per method and protocol; all of one seed.
    made_with : dict
        Of `provenance`.
    folder : pathlib.Path, optional
        Another ledger than the book's.

    Returns
    -------
    pathlib.Path
        The file, written whole or not at all.
    """
    command = f"cozad bench {name} --settings {made_with['settings']} --seed {reports[0]['seed']}"
    content = {"question": question, "command": command, **made_with, "reports": list(reports)}
    path = (folder or RESULTS) / f"{name}.json"
    with atomic_write(path) as file:
        file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return path


@dataclasses.dataclass(frozen=True)
class Results:
    """One experiment of the ledger, as chapters show it."""

    name: str
    content: dict[str, Any]

    def value(self, method: str, protocol: str, metric: str) -> float | None:
        """Look up the mean of a metric.

        Raises
        ------
        CozadError
            If the experiment has no such run.
        """
        for report in self.content["reports"]:
            if (report["method"], report["protocol"]) == (method, protocol):
                number: float | None = report["mean"][metric]
                return number
        raise CozadError(f"{self.name} has no result of {method} under {protocol}: run it first")

    def rows(self, metrics: Sequence[str]) -> list[tuple[str, ...]]:
        """Give protocol, method and metrics of every run as text, three decimals each."""
        return [
            (
                report["protocol"],
                report["method"],
                *("–" if (v := report["mean"][m]) is None else f"{v:.3f}" for m in metrics),
            )
            for report in self.content["reports"]
        ]

    def markdown(self, metrics: Sequence[str] = ("image_auroc", "pixel_auroc", "aupro")) -> str:
        """Give the runs as a Markdown table."""
        header = ("protocol", "method", *(metric.replace("_", " ") for metric in metrics))
        lines = [header, ("---",) * len(header), *self.rows(metrics)]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)

    def _repr_markdown_(self) -> str:
        content = self.content
        note = (
            f"Settings `{content['settings']}`, seed {content['reports'][0]['seed']}, one run, no "
            f"interval yet; {content['hardware']}; torch {content['torch']}. "
            f"Repeat with `{content['command']}`."
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
