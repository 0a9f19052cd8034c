"""What ``cozad bench speed`` does."""

from __future__ import annotations

from pathlib import Path

import torch

from cozad_teach.cli.bench import ledger_to_write
from cozad_teach.experiments.device_speed import measure_device
from cozad_teach.experiments.ledger import write_results
from cozad_teach.experiments.lists import OURS, run_settings
from cozad_teach.experiments.provenance import provenance
from cozad_teach.experiments.speed import measure_speed
from cozad_teach.experiments.toy import TOY
from cozad_teach.settings import FULL, LITE

__all__ = ["bench_speed"]

_IMAGES = {TOY.name: 16, "cpu": 64, "cuda": 512}


def bench_speed(
    device: str | None = None,
    settings: str | None = None,
    *,
    folder: Path | None = None,
    trial: bool = False,
) -> Path:
    """Measure how fast the package is, beside other ways of the same, and store it.

    Parameters
    ----------
    device : str, optional
        Where: then it is features, files to scores and meta-steps beside what the device does at
        best, stored as ``speed_cuda`` or ``speed_cpu``. None runs the scripts of
        ``tests/benchmarks``.
    settings : str, optional
        Of what is timed on a device, by default ``full`` on a graphics card and ``lite`` elsewhere.
    folder, trial
        As in `bench`.

    Raises
    ------
    CozadError
        If there are no scripts, one fails, or files of the checkout were changed.
    """
    folder = folder or ledger_to_write(trial=trial or settings == TOY.name)
    if device is None:
        question = "the measuring tools and the parts of the method, each beside others"
        stored, command, of, rows = "speed", "cozad bench speed", LITE, measure_speed()
    else:
        kind = torch.device(device).type
        name = settings or (FULL.name if kind == "cuda" else LITE.name)
        question = "features, files to scores and meta-steps, each beside the best of its device,"
        stored, command = f"speed_{kind}", f"cozad bench speed --device {kind} --settings {name}"
        of = run_settings(name, OURS)
        n_images = _IMAGES[TOY.name if name == TOY.name else kind]
        rows = measure_device(of, device, n_images)
    content = {
        "question": f"How fast are {question} in one process?",
        "command": command,
        "made_with": provenance(of, device or "cpu"),
        "rows": rows,
    }
    return write_results(stored, content, folder)
