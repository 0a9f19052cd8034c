"""The paper's table: what was measured here, beside what others published of whole sets."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

from cozad_book.experiments.ledger import markdown_table
from cozad_book.experiments.lists import OFFICIAL, auxiliary_of, official_name
from cozad_book.experiments.plan import Experiment
from cozad_teach.errors import CozadError
from cozad_teach.training.auxiliary_sets import DATASETS

__all__ = ["PUBLISHED", "SOURCES", "Published", "installed_experiment", "paper_table"]


class Published(NamedTuple):
    """Image and pixel AUROC of a set in per cent, None where a source gives none."""

    image: float | None = None
    pixel: float | None = None

    def __str__(self) -> str:
        return " / ".join("–" if v is None else f"{v:.1f}" for v in self)


# Keys of book/references.bib. Of the other methods on other sets than their authors': as the
# repositories of AnomalyCLIP and MuSc report them.
SOURCES = {
    "CoZAD": "aqeel2025cozad",
    "WinCLIP": "jeong2023winclip",
    "AnomalyCLIP": "zhou2024anomalyclip",
    "MuSc": "li2024musc",
}
# By the names under which `data_scripts/get.py` installs the sets.
PUBLISHED: dict[str, dict[str, Published]] = {
    "mvtec_ad": {
        "CoZAD": Published(None, 96.3),
        "WinCLIP": Published(91.8, 85.1),
        "AnomalyCLIP": Published(91.5, 91.1),
        "MuSc": Published(97.8, 97.3),
    },
    "visa": {
        "WinCLIP": Published(78.1, 79.6),
        "AnomalyCLIP": Published(82.1, 95.5),
        "MuSc": Published(92.8, 98.8),
    },
    "btad": {
        "CoZAD": Published(97.2),
        "WinCLIP": Published(68.2, 72.7),
        "AnomalyCLIP": Published(88.3, 94.2),
        "MuSc": Published(96.2, 97.4),
    },
    "dtd_synthetic": {
        "CoZAD": Published(99.2),
        "WinCLIP": Published(93.2, 83.9),
        "AnomalyCLIP": Published(93.5, 97.9),
    },
    "mpdd": {"WinCLIP": Published(63.6, 76.4), "AnomalyCLIP": Published(77.0, 96.5)},
    "dagm2007": {"WinCLIP": Published(91.8, 87.6), "AnomalyCLIP": Published(97.5, 95.6)},
    "headct": {"WinCLIP": Published(81.8), "AnomalyCLIP": Published(93.4)},
    "brainmri": {"WinCLIP": Published(86.6), "AnomalyCLIP": Published(90.3)},
    "br35h": {"WinCLIP": Published(80.5), "AnomalyCLIP": Published(94.6)},
    "kolektorsdd": {},
    "kolektorsdd2": {},
    "rsdds": {},
    "magnetic_tile": {},
}
# The sets that packs are parts of, where anything is published of those.
_PART_OF = {"mpdd_metal_plate": "mpdd", "mpdd_bracket_white": "mpdd", "brainmri": "brainmri"}


def installed_experiment(base: Experiment) -> tuple[Experiment, list[str]]:
    """Make the experiment of the paper of those official sets that are on disk.

    Parameters
    ----------
    base : Experiment
        That on packs.

    Returns
    -------
    experiment : Experiment
        Trained on MVTec AD, and on VisA where MVTec AD is the target.
    missing : list of str
        Names of the sets that are not there, for ``data_scripts/get.py``.

    Raises
    ------
    CozadError
        If there is nothing to train on, or no target.
    """
    there = {name for name in PUBLISHED if (DATASETS / name).is_dir()}
    missing = [name for name in PUBLISHED if name not in there]
    data = []
    for name in (name for name in PUBLISHED if name in there):
        line = dataclasses.replace(base, data=(OFFICIAL + name,), seeds=(0,)).lines()[0]
        needed = {official_name(place) for place in auxiliary_of(line, line.method)}
        if {name, *needed} <= there:
            data.append(OFFICIAL + name)
    if not data:
        raise CozadError(
            f"the paper trains on MVTec AD and tests on other sets, and {DATASETS} does not hold "
            "two of them: bring some (python data_scripts/get.py mvtec_ad visa), or measure packs "
            "with --packs"
        )
    question = (
        "How good are the paper's own settings and ours on the official sets, both trained on "
        "MVTec AD (on VisA where MVTec AD is the target), and what of it is the training?"
    )
    means = {"sets": tuple(data)}
    changes: dict[str, Any] = {"protocols": Experiment.protocols, "data": tuple(data)}
    return dataclasses.replace(base, question=question, means=means, **changes), missing


def paper_table(content: dict[str, Any]) -> str:
    """Set what the ledger holds of the experiment ``paper`` beside published values.

    Parameters
    ----------
    content : dict
        Of `cozad_book.experiments.summary.ledger_content`.

    Returns
    -------
    str
        A Markdown table: image and pixel AUROC in per cent with 95 % intervals, then the published
        values without any; and a sentence on how the two differ.
    """
    lines = [["data", "protocol", "method", "image AUROC", "pixel AUROC", *SOURCES]]
    partial = False
    for row in content["results"]:
        name = official_name(row["data"]) or _PART_OF.get(row["data"], "")
        partial |= bool(name) and official_name(row["data"]) is None
        published = PUBLISHED.get(name, {})
        lines.append(
            [
                *(row["data"], row["protocol"], row["method"]),
                *(_per_cent(row["values"].get(m)) for m in ("image_auroc", "pixel_auroc")),
                *(str(published[method]) if method in published else "–" for method in SOURCES),
            ]
        )
    note = (
        "The last columns are published values of whole sets (image / pixel AUROC, per cent), "
        "under each source's own protocol, with its own backbone, image size and seeds"
    )
    if partial:
        note += (
            "; the rows measured here are of packs: some categories of a set, fewer images, at "
            "most 256 pixels, compressed anew, split by us. They cannot be compared closely"
        )
    return f"{markdown_table(lines)}\n\n{note}."


def _per_cent(numbers: list[float] | None) -> str:
    if numbers is None:
        return "–"
    value, low, high = (100 * number for number in numbers)
    return f"{value:.1f} ({low:.1f}–{high:.1f})"
