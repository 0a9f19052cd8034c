"""What ``cozad bench`` and ``cozad results`` do."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cozad_book.experiments.asked import asked_for
from cozad_book.experiments.ledger import read_results, write_results
from cozad_book.experiments.lists import EXPERIMENTS
from cozad_book.experiments.provenance import CHANGED, current_commit
from cozad_book.experiments.published import paper_table
from cozad_book.experiments.quotes import fill
from cozad_book.experiments.runner import run_all
from cozad_book.experiments.summary import ledger_content
from cozad_book.experiments.toy import TOY
from cozad_book.experiments.workers import run_by_workers
from cozad_teach.errors import CozadError
from cozad_teach.evaluation.category import METRICS
from cozad_teach.files.checkout import build_folder, results_folder
from cozad_teach.files.reading import check_file
from cozad_teach.files.writing import atomic_write
from cozad_teach.training.auxiliary_images import DRAWN

__all__ = ["bench", "check", "fill_files", "ledger_to_write", "show"]

LARGEST_TEXT = 256 * 2**20  # bytes
Place = str | os.PathLike[str] | None


def bench(
    name: str,
    settings: str | None = None,
    *,
    auxiliary: str = DRAWN,
    packs: Place = None,
    device: str = "cpu",
    weights: Place = None,
    folder: Path | None = None,
    trial: bool = False,
    workers: int = 1,
    cluster: str | None = None,
    progress: bool = True,
) -> Path:
    """Do what is missing of an experiment, and write it into the ledger.

    Only what the files of a commit have computed can be done again by others: so the ledger takes
    nothing from a checkout whose files differ from its commit.

    Parameters
    ----------
    name : str
        Of the experiment.
    settings : str, optional
        Other settings than the experiment's own: then it is stored under their name. ``toy`` does
        a small part of it, which is never stored in the book's ledger.
    auxiliary : str
        Of `cozad_book.experiments.variants.AUXILIARY`: what CoZAD is trained on instead of drawn
        materials; then it is stored under that name, too.
    packs, device, weights
        As in `cozad_book.experiments.runner.run_all`. The experiment ``paper`` takes the official
        sets in ``datasets`` where no `packs` are given, and is then stored as ``paper_official``.
    folder : pathlib.Path, optional
        Another ledger than the book's.
    trial : bool
        Write to ``build/trials``, from any checkout.
    workers, cluster
        As in `cozad_book.experiments.workers.run_by_workers`.
    progress : bool
        Show a bar.

    Returns
    -------
    pathlib.Path
        The file in the ledger.

    Raises
    ------
    CozadError
        If the experiment, the auxiliary data or the target's are not there, or files of the
        checkout were changed.
    LeakError
        If the audit of a run did not pass; the ledger stays as it was.
    """
    asked = asked_for(name, settings, auxiliary, on_packs=packs is not None)
    # Hours before it is needed.
    folder = folder or ledger_to_write(trial=trial or settings == TOY.name)
    done = run_by_workers(
        asked.experiment.lines(),
        workers,
        cluster,
        auxiliary=asked.auxiliary,
        packs=packs,
        device=device,
        weights=weights,
        folder=build_folder() / "runs",
        progress=progress,
    )
    content = ledger_content(asked.command, asked.experiment, done)
    if asked.experiment.has_published:
        print(paper_table(content))
        if asked.missing:
            print(f"not on disk: python data_scripts/get.py {' '.join(asked.missing)}")
    return write_results(asked.stored, content, folder)


def ledger_to_write(*, trial: bool) -> Path:
    """Give the book's ledger, or for a trial another one.

    Raises
    ------
    CozadError
        If it is the book's, and files of the checkout were changed.
    """
    ledger = results_folder()
    if trial:
        return build_folder() / "trials"
    if (commit := current_commit()) is None or commit.endswith(CHANGED):
        raise CozadError(
            "the ledger takes results of a commit only, and files here differ from theirs or "
            "belong to none: commit them, or try things out with --trial"
        )
    return ledger


def show(name: str | None = None, folder: Path | None = None) -> None:
    """Print one experiment of the ledger, or of the one in `folder`; or all of the book's.

    Raises
    ------
    CozadError
        If there is none of that name.
    """
    for one in [name] if name else sorted(path.stem for path in results_folder().glob("*.json")):
        results = read_results(one, folder)
        print(f"{one}: {results.content['question']}\n\n{results}\n")


def check(
    name: str, n_runs: int, *, packs: Place = None, device: str = "cpu", weights: Place = None
) -> str:
    """Do some runs of a stored experiment again, and compare them with what is stored.

    Parameters
    ----------
    name : str
        Of the experiment, with its own settings and auxiliary images.
    n_runs : int
        How many; which ones is drawn anew each time.
    packs, device, weights
        As in `bench`.

    Returns
    -------
    str
        A sentence.

    Raises
    ------
    CozadError
        If it has no runs or its list has changed, or a metric lies outside its stored interval.
    """
    if n_runs < 1:
        raise CozadError(f"--check needs 1 or more runs to do again, not {n_runs}")
    if name not in EXPERIMENTS:
        raise CozadError(
            f"there are no runs of {name} that could be done again: choose {', '.join(EXPERIMENTS)}"
        )
    chosen = EXPERIMENTS[name]
    stored = read_results(name).content["runs"]
    lines = {line[2:] + line[1:2]: line for line in chosen.lines()}
    if set(lines) != {(row["data"], row["protocol"], row["method"], row["seed"]) for row in stored}:
        raise CozadError(f"the list of {name} has changed: do it again with cozad bench {name}")
    picked = np.random.default_rng().permutation(len(stored))[:n_runs]
    rows = [stored[i] for i in sorted(picked)]
    again = run_all(
        [lines[row["data"], row["protocol"], row["method"], row["seed"]] for row in rows],
        packs=packs,
        device=device,
        weights=weights,
        folder=None,
        progress=True,
    )
    outside, changes = [], []
    for row, done in zip(rows, again, strict=True):
        for metric in METRICS:
            if metric not in row["intervals"]:
                continue
            low, high = row["intervals"][metric]
            value = done.report["mean"][metric]
            if value is None or not low <= value <= high:
                run = "/".join(map(str, done.line[1:]))
                outside.append(f"{run} {metric} {value}, stored {low:.3f} to {high:.3f}")
            else:
                changes.append(abs(value - row["values"][metric]))
    n_values = len(outside) + len(changes)
    if not n_values:
        raise CozadError("the chosen runs have no interval to compare with: choose more runs")
    if outside:
        raise CozadError(
            f"{len(outside)} of {n_values} values differ from the ledger ({'; '.join(outside)}): "
            f"repeat cozad bench {name}, or find out what has changed"
        )
    return (
        f"{n_values} values of {len(rows)} runs lie within their stored intervals; the largest "
        f"change is {max(changes):.5f}"
    )


def fill_files(files: Sequence[str | os.PathLike[str]]) -> None:
    """Renew the quotes of the ledger in Markdown files and notebooks; each is written whole.

    Raises
    ------
    CozadError
        If a file is missing, or a quote names what the ledger does not hold.
    """
    for file in map(Path, files):
        check_file(file, "cannot read", "check the path", LARGEST_TEXT)
        try:
            text = file.read_text(encoding="utf-8")
            renewed = _renewed_notebook(text) if file.suffix == ".ipynb" else fill(text)
        except OSError as error:
            raise CozadError(f"cannot read {file}: {error.strerror}") from error
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise CozadError(f"{file} is no Markdown in UTF-8 and no notebook") from error
        if renewed != text:
            with atomic_write(file) as temporary:
                temporary.write_text(renewed, encoding="utf-8")
            print(f"{file}: renewed")


def _renewed_notebook(text: str) -> str:
    notebook: dict[str, Any] = json.loads(text)
    changed = False
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            source = "".join(cell["source"])
            if (renewed := fill(source)) != source:
                cell["source"], changed = renewed.splitlines(keepends=True), True
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n" if changed else text
