"""Run what is missing of an experiment; each run is kept as soon as it is done."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from tqdm.auto import tqdm

from cozad_teach.checkout import build_folder
from cozad_teach.data.folders import Category, open_dataset
from cozad_teach.data.textures import UNSEEN_CATEGORIES, write_dataset
from cozad_teach.evaluation.bootstrap import Floats
from cozad_teach.evaluation.contamination import contaminated
from cozad_teach.evaluation.experiment_models import ExperimentModels, pack_place
from cozad_teach.evaluation.experiments import (
    CHOOSING_PACK,
    OURS,
    UNSEEN,
    VARIANTS,
    Run,
    run_settings,
)
from cozad_teach.evaluation.ledger import CHANGED, current_commit, provenance, settings_hash
from cozad_teach.evaluation.left_out import left_out_name, left_out_target
from cozad_teach.evaluation.readings import Readings
from cozad_teach.evaluation.reports import evaluate
from cozad_teach.files import atomic_write
from cozad_teach.inputs import check_file
from cozad_teach.weights import LARGEST_WEIGHTS

__all__ = ["Done", "data_hash", "open_data", "run_all"]

_PACKAGE = Path(__file__).resolve().parents[1]
LARGEST_RUN = 256 * 2**20  # bytes
# Folders and files that cannot change a result.
_NOT_METHOD = (
    *("teaching", "doctor.py", "_installation.py", "_machine.py", "_probe.py"),
    *("cli.py", "_arguments.py", "commands.py", "ledger.py", "memory.py", "quotes.py"),
    *("bands.py", "experiments.py", "ledger_fields.py", "runner.py", "speed.py", "summary.py"),
)


@dataclass(frozen=True)
class Done:
    """A run that is done.

    Attributes
    ----------
    run : Run
        Which one.
    report : dict
        Of `evaluate`, with ``made_with`` of `provenance` and the data's hash.
    draws : dict of str to dict of str to numpy.ndarray
        By category and metric, float32, shape (B,). With those of other methods on the same data
        they are paired.
    degrees : dict of str to float
        Degrees of freedom by category.
    """

    run: Run
    report: dict[str, Any]
    draws: dict[str, dict[str, Floats]]
    degrees: dict[str, float]


def open_data(name: str, packs: str | os.PathLike[str] | None = None) -> dict[str, Category]:
    """Open a data set of the experiments; the embedded one is drawn when it is first asked for.

    Parameters
    ----------
    name : str
        ``unseen``, ``left out:`` and an auxiliary category, or a pack; with ``-20`` behind it a
        part of it, of which 20 % are anomalous, by
        `cozad_teach.evaluation.contamination.contaminated`.
    packs : path, optional
        Folder of the packs; by default that which ``COZAD_PACKS`` names.

    Raises
    ------
    CozadError
        If the pack is not there, no folder is named, or there are too few images for a share.
    """
    if category := left_out_name(name):
        auxiliary = open_dataset(pack_place(CHOOSING_PACK, packs))
        return {category: left_out_target(auxiliary[category])}
    base, _, percentage = name.rpartition("-")
    if percentage.isdecimal():
        whole = _open_unseen(27, 18) if base == UNSEEN else open_data(base, packs)
        share = int(percentage) / 100
        return {key: contaminated(category, share) for key, category in whole.items()}
    if name == UNSEEN:
        return _open_unseen(10, 10)
    return open_dataset(pack_place(name, packs))


def _open_unseen(n_normal: int, n_anomalous: int) -> dict[str, Category]:
    """Open the embedded categories, with so many test images of either kind in each."""
    # Named by the code that draws it: other code may draw other images.
    folder = build_folder() / f"unseen-{n_normal}-{n_anomalous}-{_files_hash(_PACKAGE / 'data')}"
    if not folder.exists():
        write_dataset(folder, UNSEEN_CATEGORIES, 8, n_normal, n_anomalous, seed=0, progress=True)
    return open_dataset(folder)


def data_hash(dataset: Mapping[str, Category]) -> str:
    """Give 16 hexadecimal digits that change with any image, mask or name of a data set."""
    digest = hashlib.sha256()
    for category in dataset.values():
        masks = [item.mask for item in category.test if item.mask]
        for file in (*category.train_good, *(item.image for item in category.test), *masks):
            digest.update(file.name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


@lru_cache
def code_hash() -> str:
    """Give 16 hexadecimal digits that change with the code that results depend on."""
    return _files_hash(_PACKAGE)


def _files_hash(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        if not set(file.relative_to(_PACKAGE).parts) & set(_NOT_METHOD):
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


def run_all(
    runs: Iterable[Run],
    *,
    packs: str | os.PathLike[str] | None = None,
    device: str = "cpu",
    weights: str | os.PathLike[str] | None = None,
    folder: Path | None = None,
    progress: bool = False,
) -> list[Done]:
    """Do those runs that are not done yet with this code, these settings, data and weights.

    Parameters
    ----------
    runs : iterable of Run
        Of `Experiment.runs`, in their order: a model is trained once for all that need it.
    packs, device, weights
        As in `open_data` and `cozad_teach.training.train`.
    folder : pathlib.Path or None
        Where runs are kept, each written whole or not at all, so that a stopped list goes on
        where it was. None keeps nothing and does all of them.
    progress : bool
        Show a bar.

    Returns
    -------
    list of Done
        In the order of `runs`.

    Raises
    ------
    CozadError
        If data is missing; before any training.
    LeakError
        If the audit of a run did not pass. Nothing of it is kept.
    """
    runs = list(runs)
    datasets = {run.data: open_data(run.data, packs) for run in runs}
    hashes = {name: data_hash(dataset) for name, dataset in datasets.items()}
    machine = _machine(device, weights)
    done: list[Done] = []
    models = ExperimentModels(device=device, weights=weights, packs=packs)
    auxiliary = [models.auxiliary_hash(run) for run in runs]
    for run, trained_on in tqdm(
        zip(runs, auxiliary, strict=True), "runs", len(runs), unit="run", disable=not progress
    ):
        key = _key(run, hashes[run.data], machine, trained_on)
        path = folder / f"{key}.npz" if folder else None
        if path and (kept := _read(run, path)):
            done.append(kept)
            continue
        readings = models.readings(run, datasets[run.data])
        finished = _evaluated(run, readings, hashes[run.data], device)
        if trained_on:
            finished.report["made_with"]["auxiliary"] = trained_on
        if path:
            _write(finished, path)
        done.append(finished)
    return done


def _evaluated(run: Run, readings: Readings, data: str, device: str) -> Done:
    found = evaluate(
        readings.prepared.model,
        readings.dataset,
        run.protocol,
        OURS if run.method in VARIANTS else run.method,
        data=run.data,
        seed=run.seed,
        readings=readings,
    )
    made_with = {
        **provenance(run_settings(run.settings, run.method), device),
        "trained_on": readings.prepared.model.trained_on,
        "code": code_hash(),
        "data_hash": data,
        "backbone_weights": readings.prepared.model.backbone.weights_digest[:16],
    }
    return Done(
        run,
        {**found.report, "made_with": made_with},
        {
            # As they are kept, so that a list that was stopped ends in the same digits.
            name: {metric: values.astype(np.float32) for metric, values in measured.draws.items()}
            for name, measured in found.measured.items()
        },
        {
            name: min((s.degrees for s in measured.spreads.values()), default=0.0)
            for name, measured in found.measured.items()
        },
    )


def _machine(device: str, weights: str | os.PathLike[str] | None) -> str:
    """Name what else a kept run depends on: the kind of device, other weights, versions.

    And whether files of the checkout were changed: such a run is none for the ledger.
    """
    if weights:
        check_file(Path(weights), "there is no weights file", "check --weights", LARGEST_WEIGHTS)
    other = hashlib.sha256(Path(weights).read_bytes()).hexdigest() if weights else "installed"
    kind = torch.device(device).type
    changed = str((current_commit() or CHANGED).endswith(CHANGED))
    return "\n".join([kind, other, torch.__version__, timm.__version__, np.__version__, changed])


def _key(run: Run, data: str, machine: str, auxiliary: dict[str, str]) -> str:
    settings = settings_hash(run_settings(run.settings, run.method))
    parts = [*map(str, run), settings, data, code_hash(), machine, json.dumps(auxiliary)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


def _write(done: Done, path: Path) -> None:
    text = json.dumps({"report": done.report, "degrees": done.degrees})
    arrays = {
        f"{category}/{metric}": values
        for category, metrics in done.draws.items()
        for metric, values in metrics.items()
    }
    with atomic_write(path) as file, file.open("wb") as stream:
        np.savez_compressed(stream, text=np.array(text), **arrays)  # type: ignore[arg-type]


def _read(run: Run, path: Path) -> Done | None:
    """Read a run that is kept; None where there is none, or a damaged one, which is done again."""
    if not path.exists():
        return None
    try:
        check_file(path, "cannot read", "delete it", LARGEST_RUN)
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            content = json.loads(str(stored["text"]))
            report = dict(content["report"])
            degrees = {name: float(value) for name, value in content["degrees"].items()}
            draws: dict[str, dict[str, Floats]] = {name: {} for name in degrees}
            for name in stored.files:
                if name != "text":
                    category, _, metric = name.rpartition("/")
                    draws[category][metric] = stored[name]
    except Exception:  # how a damaged zip file fails depends on where it is damaged
        tqdm.write(f"{path.name} is damaged: this run is done again", file=sys.stderr)
        return None
    return Done(run, report, draws, degrees)
