"""Run what is missing of an experiment; each run is kept as soon as it is done."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm.auto import tqdm

from cozad_book.experiments.data import code_hash, data_hash, open_data
from cozad_book.experiments.lists import OURS, run_settings
from cozad_book.experiments.models import ExperimentModels
from cozad_book.experiments.plan import Line
from cozad_book.experiments.provenance import CHANGED, current_commit, provenance, settings_hash
from cozad_book.experiments.variants import VARIANTS
from cozad_teach.evaluation.memory import peak_device_memory_mb
from cozad_teach.evaluation.reports import evaluate
from cozad_teach.evaluation.target_features import TargetFeatures
from cozad_teach.evaluation.uncertainty.bootstrap import Floats
from cozad_teach.files.backbone_weights import LARGEST_WEIGHTS
from cozad_teach.files.lean_timm import timm
from cozad_teach.files.reading import check_file
from cozad_teach.files.writing import atomic_write
from cozad_teach.training.auxiliary_images import DRAWN

__all__ = ["Done", "run_all"]

LARGEST_RUN = 256 * 2**20  # bytes


@dataclass(frozen=True)
class Done:
    """A run that is done.

    Attributes
    ----------
    line : Line
        Which one.
    report : dict
        Of `evaluate`, with ``made_with`` of `provenance` and the data's hash, the memory that a
        graphics card lent, and of CoZAD itself the ``losses`` of its training.
    draws : dict of str to dict of str to numpy.ndarray
        By category and metric, float32, shape (B,). With those of other methods on the same data
        they are paired.
    degrees : dict of str to float
        Degrees of freedom by category.
    """

    line: Line
    report: dict[str, Any]
    draws: dict[str, dict[str, Floats]]
    degrees: dict[str, float]


def run_all(
    lines: Iterable[Line],
    *,
    auxiliary: str = DRAWN,
    packs: str | os.PathLike[str] | None = None,
    device: str = "cpu",
    weights: str | os.PathLike[str] | None = None,
    folder: Path | None = None,
    progress: bool = False,
) -> list[Done]:
    """Do those runs that are not done yet with this code, these settings, data and weights.

    Parameters
    ----------
    lines : iterable of Line
        Of `Experiment.lines`, in their order: a model is trained once for all that need it.
    auxiliary : str
        What models are trained on whose method says nothing else: a name of `AUXILIARY`.
    packs, device, weights
        As in `open_data` and `cozad_teach.models.train.train`.
    folder : pathlib.Path or None
        Where runs are kept, each written whole or not at all, so that a stopped list goes on
        where it was. None keeps nothing and does all of them.
    progress : bool
        Show a bar.

    Returns
    -------
    list of Done
        In the order of `lines`.

    Raises
    ------
    CozadError
        If data is missing; before any training.
    LeakError
        If the audit of a run did not pass. Nothing of it is kept.
    """
    lines = list(lines)
    datasets = {line.data: open_data(line.data, packs) for line in lines}
    hashes = {name: data_hash(dataset) for name, dataset in datasets.items()}
    machine = _machine(device, weights)
    done: list[Done] = []
    checkpoints = folder / "checkpoints" if folder else None
    models = ExperimentModels(
        device=device, weights=weights, packs=packs, auxiliary=auxiliary, checkpoints=checkpoints
    )
    hashes_of_auxiliary = [models.auxiliary_hash(line) for line in lines]
    for line, trained_on in tqdm(
        zip(lines, hashes_of_auxiliary, strict=True),
        "runs",
        len(lines),
        unit="run",
        disable=not progress,
    ):
        key = _key(line, hashes[line.data], machine, trained_on)
        path = folder / f"{key}.npz" if folder else None
        if path and (kept := _read(line, path)):
            done.append(kept)
            continue
        target_features = models.target_features(line, datasets[line.data])
        finished = _evaluated(line, target_features, hashes[line.data], device)
        if trained_on:
            finished.report["made_with"]["auxiliary"] = trained_on
        if path:
            _write(finished, path)
        done.append(finished)
    return done


def _evaluated(line: Line, target_features: TargetFeatures, data: str, device: str) -> Done:
    found = evaluate(
        target_features.calibrated_model.model,
        target_features.dataset,
        line.protocol,
        OURS if line.method in VARIANTS else line.method,
        data=line.data,
        seed=line.seed,
        target_features=target_features,
    )
    made_with = {
        **provenance(run_settings(line.settings, line.method), device),
        "trained_on": target_features.calibrated_model.model.trained_on,
        "code": code_hash(),
        "data_hash": data,
        "backbone_weights": target_features.calibrated_model.model.backbone.weights_digest[:16],
    }
    model = target_features.calibrated_model.model
    training = {"losses": [[*dataclasses.astuple(step)] for step in model.history]}
    return Done(
        line,
        {
            **found.report,
            "made_with": made_with,
            "peak_device_memory_mb": peak_device_memory_mb(device),
            **(training if line.method == OURS else {}),
        },
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


def _key(line: Line, data: str, machine: str, auxiliary: dict[str, str]) -> str:
    settings = settings_hash(run_settings(line.settings, line.method))
    # Settings are not all that a variant may change.
    variant = repr(VARIANTS.get(line.method))
    parts = [*map(str, line), settings, variant, data, code_hash(), machine, json.dumps(auxiliary)]
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


def _read(line: Line, path: Path) -> Done | None:
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
    return Done(line, report, draws, degrees)
