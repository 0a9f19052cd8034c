"""The command line: ``cozad doctor | data | train | evaluate | predict | bench | results``."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any

from cozad_teach._arguments import parser
from cozad_teach._command import run_command
from cozad_teach.errors import CozadError
from cozad_teach.files import atomic_write, check_writable

if TYPE_CHECKING:
    from cozad_teach.cozad import CoZAD

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Words after ``cozad``; by default those of the process.

    Returns
    -------
    int
        0 on success, 2 on wrong input or set-up, 3 on a data leak, 130 after Ctrl-C. Errors are
        one line on standard error; what was being written is not left half-written.
    """
    options = parser(COMMANDS).parse_args(arguments)
    return run_command("cozad", lambda: options.run(options))


def _device(name: str | None) -> str:
    """Choose the device, or check the one that was asked for."""
    import torch

    if name is None:
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        if torch.zeros(1, device=name).is_meta:
            raise RuntimeError("it holds no numbers")
    except (RuntimeError, AssertionError) as error:
        raise CozadError(f"device {name!r} is not available here: leave --device out") from error
    return name


def _load(options: argparse.Namespace) -> CoZAD:
    from cozad_teach.model_file import load_model

    return load_model(options.model, device=_device(options.device), weights=options.weights)


def _doctor(options: argparse.Namespace) -> int:
    from cozad_teach import doctor

    findings = doctor.diagnose()
    print(doctor.report(findings))
    return 2 if any(finding.status == "problem" for finding in findings) else 0


def _data(options: argparse.Namespace) -> int:
    from cozad_teach.data.textures import UNSEEN_CATEGORIES, write_dataset

    write_dataset(
        options.out,
        UNSEEN_CATEGORIES,
        n_train=8,
        n_normal=10,
        n_anomalous=10,
        seed=options.seed,
        size=(256, 256),
        progress=True,
    )
    print(f"{len(UNSEEN_CATEGORIES)} categories in {options.out}")
    return 0


def _trained(options: argparse.Namespace, checkpoint: Path | None = None) -> CoZAD:
    """Train with the settings, the seed and the machine that were asked for."""
    from cozad_teach.settings import SETTINGS
    from cozad_teach.training import train

    return train(
        SETTINGS[options.settings],
        options.seed,
        device=_device(options.device),
        weights=options.weights,
        checkpoint=checkpoint,
        progress=True,
    )


def _check_settings(name: str) -> None:
    from cozad_teach.settings import SETTINGS

    if name not in SETTINGS:
        raise CozadError(f"unknown settings {name!r}: choose {' or '.join(SETTINGS)}")


def _train(options: argparse.Namespace) -> int:
    _check_settings(options.settings)
    check_writable(options.out)
    from cozad_teach.model_file import save_model

    checkpoint = Path(f"{options.out}.checkpoint")
    resumed = checkpoint.exists()
    try:
        model = _trained(options, checkpoint)
    except KeyboardInterrupt:
        if checkpoint.exists():
            print(f"cozad: the same command goes on from {checkpoint}", file=sys.stderr)
        raise
    save_model(model, options.out)
    checkpoint.unlink(missing_ok=True)
    stopped = ", the last part of a run that was stopped" if resumed else ""
    print(f"trained in {model.fit_seconds:.0f} s{stopped}, written to {options.out}")
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from cozad_teach.data.copy_lists import read_copies
    from cozad_teach.data.folders import open_dataset

    dataset = open_dataset(options.data)
    copies = None if options.once is None else read_copies(options.once)
    check_writable(options.out)
    from cozad_teach.evaluation.once import keep_once
    from cozad_teach.evaluation.reports import evaluate

    model, once = _load(options), None
    if copies:
        dataset, once = keep_once(dataset, copies, progress=True)
    found = evaluate(
        model,
        dataset,
        options.protocol,
        options.method,
        data=Path(options.data).name,
        seed=options.seed,
        progress=True,
    )
    report = {**found.report, "once": once} if once else found.report
    with atomic_write(options.out) as file:
        file.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(_table(found.report))
    if once:
        print(
            f"{once['images_left_out']} test images left out as copies (the report names them), "
            f"{once['images_not_in_list']} not in the list"
        )
    return 0


def _table(report: dict[str, Any]) -> str:
    """Lay a report's metrics out as rows, one per category and one for the mean."""
    from cozad_teach.evaluation.category import METRICS

    rows = {**report["categories"], "mean": report["mean"]}
    width = max(map(len, rows))
    lines = [" " * width + "".join(f"{metric:>15}" for metric in METRICS)]
    for name, row in rows.items():
        cells = ["–" if row[metric] is None else f"{row[metric]:.3f}" for metric in METRICS]
        lines.append(f"{name:{width}}" + "".join(f"{cell:>15}" for cell in cells))
    # Scores that are not finite decide nothing.
    judged = [row for row in report["categories"].values() if row["at_threshold"] is not None]
    found = [row["at_threshold"]["f1"] for row in judged if row["n_anomalous"]]
    chosen = report["calibration"]
    if found:
        lines.append(
            f"at the threshold {chosen['threshold']:.3f} from {chosen['chosen_on']}: "
            f"F1 {fmean(found):.3f}, calibration error "
            f"{fmean(row['calibration_error'] for row in judged):.3f}"
        )
    return "\n".join(lines)


def _predict(options: argparse.Namespace) -> int:
    from cozad_teach.data.folders import list_images

    files = list_images(options.images)
    out = Path(options.out)
    if out.exists() and not out.is_dir():
        raise CozadError(f"{out} is a file: give a folder with --out")
    check_writable(out / "scores.csv")
    if options.protocol not in ("batch", "single"):
        raise CozadError(
            f"predict has no protocol {options.protocol!r}: choose batch or single, "
            "which need no labels"
        )
    from cozad_teach.prediction import predict

    rows = predict(_load(options), files, out, options.protocol, progress=True)
    # A name that is no text, as old archives hold, is written with its bytes escaped.
    with (
        atomic_write(out / "scores.csv") as file,
        file.open("w", newline="", encoding="utf-8", errors="backslashreplace") as stream,
    ):
        writer = csv.writer(stream)
        writer.writerow(["image", "score", "peak_x", "peak_y", "overlay"])
        writer.writerows(rows)
    print(f"{len(rows)} images scored: see {out / 'scores.csv'} and the overlays beside it")
    return 0


def _bench(options: argparse.Namespace) -> int:
    if options.settings is not None:
        _check_settings(options.settings)
    from cozad_teach.evaluation import commands

    path = commands.bench(
        options.experiment,
        options.settings,
        packs=options.packs,
        device=_device(options.device),
        weights=options.weights,
    )
    print(f"written to {path}")
    return 0


def _results(options: argparse.Namespace) -> int:
    from cozad_teach.evaluation import commands

    if options.fill:
        commands.fill_files(options.fill)
    elif options.check is not None:
        print(
            commands.check(
                options.experiment or "accuracy",
                options.check,
                packs=options.packs,
                device=_device(options.device),
                weights=options.weights,
            )
        )
    else:
        commands.show(options.experiment)
    return 0


COMMANDS = {
    "doctor": _doctor,
    "data": _data,
    "train": _train,
    "evaluate": _evaluate,
    "predict": _predict,
    "bench": _bench,
    "results": _results,
}


if __name__ == "__main__":
    sys.exit(main())
