"""What chapters show of full runs: what the ledger holds, or that it holds nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import pyplot as plt

from cozad_book.experiments.ledger import Results, read_results
from cozad_book.experiments.toy import TOY
from cozad_book.listings import Listing, Table, table
from cozad_teach.errors import CozadError
from cozad_teach.settings import FULL
from cozad_teach.training.auxiliary_images import DRAWN

__all__ = ["WANTED", "show_full_run", "show_losses", "show_speed", "show_trainings"]

# Auxiliary images of full runs, by their names in experiments: the wanted ones first.
WANTED = ("official", "photographs", DRAWN)
_METRICS = {"image_auroc": "image AUROC", "pixel_auroc": "pixel AUROC"}


def show_full_run(
    experiment: str | Results, methods: Sequence[str] = (), data: Sequence[str] = ()
) -> Table | Listing:
    """Show by how much CoZAD exceeds other methods in a full run.

    Parameters
    ----------
    experiment : str or Results
        Its name, or what `run_full` gave. Of a toy only the number of runs is shown.
    methods : sequence of str
        Those that are compared with CoZAD; by default all.
    data : sequence of str
        On which sets, or means of sets; by default all.

    Returns
    -------
    Table or Listing
        With where it was run, or that it was not.
    """
    found = _stored(experiment) if isinstance(experiment, str) else experiment
    if found is None:
        return _not_yet()
    if found.content["made_with"]["settings"] == TOY.name:
        return Listing(_toy(found))
    rows = [
        [row["data"], row["protocol"], row["other"], *(_interval(row, m) for m in _METRICS)]
        for row in found.content["differences"]
        if row["method"] == "cozad"
        and row["other"] in (methods or [row["other"]])
        and row["data"] in (data or [row["data"]])
    ]
    print(_where(found))
    return table(["data", "protocol", "CoZAD minus", *_METRICS.values()], rows)


def show_trainings(experiment: str | Results = "full") -> Table | Listing:
    """Show what the trainings of a full run took; parameters and result as `show_full_run`."""
    found = _stored(experiment) if isinstance(experiment, str) else experiment
    if found is None or not found.content.get("trainings"):
        return _not_yet()
    rows = [
        [
            *(str(run["seed"]), run["trained_on"], " and ".join(run["auxiliary"])),
            *(str(len(run["losses"])), f"{run['seconds']:.0f} s", _megabytes(run["memory_mb"])),
        ]
        for run in found.content["trainings"]
    ]
    return table(["seed", "trained on", "auxiliary images", "steps", "time", "memory"], rows)


def _megabytes(memory: float | None) -> str:
    return "unknown" if memory is None else f"{memory:.0f} MB"


def show_losses(experiment: str | Results = "full") -> Listing | None:
    """Draw the losses of queries and the λ(Σ) of a full run, step by step, a line for each seed.

    Parameters and result as `show_full_run`; a figure is drawn, not given.
    """
    found = _stored(experiment) if isinstance(experiment, str) else experiment
    if found is None or not found.content.get("trainings"):
        return _not_yet()
    figure, axes = plt.subplots(1, 2, figsize=(7, 2.6))
    for run in found.content["trainings"]:
        steps = np.array(run["losses"])
        for axis, column in zip(axes, (1, 2), strict=True):
            axis.plot(steps[:, column], lw=1, label=f"seed {run['seed']}")
    for axis, name in zip(axes, ("loss of queries", "λ(Σ)"), strict=True):
        axis.set(xlabel="meta-step", ylabel=name)
    axes[0].legend()
    is_toy = found.content["made_with"]["settings"] == TOY.name
    figure.suptitle("toy size: it runs, no more" if is_toy else _where(found), fontsize=9)
    return None


def show_speed(found: Results | None = None) -> Results | Listing:
    """Show how fast a device worked, by `run_speed`; by default the ledger's graphics card."""
    if found is None:
        try:
            return read_results("speed_cuda")
        except CozadError:
            return _not_yet()
    if found.content["made_with"]["settings"] == TOY.name:
        timed = ", ".join(row["what"] for row in found.content["rows"])
        return Listing(f"Toy size: timed were {timed}. How fast they were is not shown.")
    return found


def _stored(experiment: str) -> Results | None:
    """Read an experiment with the full settings, trained on the wanted images if it was."""
    own = experiment if experiment == FULL.name else f"{experiment}_{FULL.name}"
    for auxiliary in WANTED:
        try:
            return read_results(own if auxiliary == DRAWN else f"{own}_{auxiliary}")
        except CozadError:
            continue
    return None


def _not_yet() -> Listing:
    return Listing(
        "**Not yet run on a GPU.** `make full` does so on a machine with a graphics card, and this "
        "page then shows what it gave."
    )


def _toy(found: Results) -> str:
    runs = found.content["runs"]
    passed = sum(run["leaks"]["passed"] for run in runs)
    return (
        f"Toy size: {len(runs)} runs of {len({run['method'] for run in runs})} methods are done, "
        f"{passed} audits passed. Their numbers say nothing and are not shown."
    )


def _where(found: Results) -> str:
    made = found.content["made_with"]
    on = " and ".join(made.get("auxiliary", {})) or f"{DRAWN} materials"
    return f"settings {made['settings']}, trained on {on}, {made['trained_on']}"


def _interval(row: dict[str, Any], metric: str) -> str:
    if metric not in row["values"]:
        return "–"
    value, low, high = row["values"][metric]
    return f"{value:+.3f} ({low:+.3f} to {high:+.3f})"
