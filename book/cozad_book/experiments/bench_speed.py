"""What ``cozad bench speed`` and ``cozad bench scaling`` do."""

from __future__ import annotations

from pathlib import Path

import torch

from cozad_book.experiments.bench import ledger_to_write
from cozad_book.experiments.device_speed import measure_device
from cozad_book.experiments.ledger import write_results
from cozad_book.experiments.lists import OURS, run_settings
from cozad_book.experiments.provenance import provenance
from cozad_book.experiments.speed import TIMED, measure_speed
from cozad_book.experiments.toy import TOY
from cozad_teach.errors import CozadError
from cozad_teach.settings import FULL, LITE

__all__ = ["bench_speed"]

_IMAGES = {TOY.name: 16, "cpu": 64, "cuda": 512}


def bench_speed(
    device: str | None = None,
    settings: str | None = None,
    *,
    name: str = "speed",
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
    name : str
        Of `TIMED`.
    folder, trial
        As in `bench`.

    Raises
    ------
    CozadError
        If there are no scripts, one fails, or files of the checkout were changed; if a device is
        given for other scripts, or settings for any.
    """
    if device and name != "speed":
        raise CozadError(f"--device belongs to cozad bench speed, not to {name}: leave it out")
    if settings and not device:
        raise CozadError("--settings belong to cozad bench speed --device: leave them out")
    folder = folder or ledger_to_write(trial=trial or settings == TOY.name)
    if device is None:
        question, stored, of, rows = TIMED[name], name, LITE, measure_speed(name)
        command = f"cozad bench {name}"
    else:
        kind = torch.device(device).type
        chosen = settings or (FULL.name if kind == "cuda" else LITE.name)
        question = (
            "How fast are features, files to scores and meta-steps, each beside the best of its "
            "device, in one process?"
        )
        stored, command = f"speed_{kind}", f"cozad bench speed --device {kind} --settings {chosen}"
        of = run_settings(chosen, OURS)
        n_images = _IMAGES.get(TOY.name if chosen == TOY.name else kind, _IMAGES["cpu"])
        rows = measure_device(of, device, n_images)
    content = {
        "question": question,
        "command": command,
        "made_with": provenance(of, device or "cpu"),
        "rows": rows,
    }
    return write_results(stored, content, folder)
