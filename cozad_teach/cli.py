"""The command line: ``cozad doctor | data | train | evaluate | predict | bench | results``."""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cozad_teach import __version__
from cozad_teach.errors import CozadError
from cozad_teach.files import atomic_write, check_writable

if TYPE_CHECKING:
    from cozad_teach.cozad import CoZAD

__all__ = ["main"]

INTERRUPTED = 130  # what a shell reports after Ctrl-C


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
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
        return code
    except CozadError as error:
        print(f"cozad: error: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("cozad: stopped; nothing half-written is left behind", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output, such as `head`, has gone: that is no error of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="cozad", description="Zero-shot image anomaly detection by confident meta-learning."
    )
    parser.add_argument("--version", action="version", version=f"cozad-teach {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    doctor = commands.add_parser("doctor", help="say what is wrong with this installation")
    doctor.set_defaults(run=_doctor)

    data = commands.add_parser("data", help="write embedded categories that training never sees")
    data.add_argument("--out", required=True, metavar="DIR", help="folder to make")
    data.add_argument("--seed", type=int, default=0)
    data.set_defaults(run=_data)

    train = commands.add_parser("train", help="train on the embedded auxiliary categories")
    train.add_argument("--settings", default="lite", help="lite (2 cores, a minute) or full (GPU)")
    train.add_argument("--out", required=True, metavar="FILE", help="model file to write")
    train.add_argument("--seed", type=int, default=0)
    _add_machine(train)
    train.set_defaults(run=_train)

    evaluate = commands.add_parser("evaluate", help="measure a method on labelled images")
    evaluate.add_argument("--model", required=True, metavar="FILE")
    evaluate.add_argument("--data", required=True, metavar="DIR_OR_ZIP", help="MVTec layout")
    evaluate.add_argument("--protocol", default="batch", help="single, batch or few-K (few-4)")
    evaluate.add_argument("--method", default="cozad", help="cozad, mahalanobis, knn or mutual")
    evaluate.add_argument("--out", required=True, metavar="FILE", help="JSON report to write")
    evaluate.add_argument("--seed", type=int, default=0)
    _add_machine(evaluate)
    evaluate.set_defaults(run=_evaluate)

    predict = commands.add_parser("predict", help="draw heat maps over images without labels")
    predict.add_argument("--model", required=True, metavar="FILE")
    predict.add_argument("--images", required=True, metavar="DIR_OR_ZIP")
    predict.add_argument("--out", required=True, metavar="DIR")
    predict.add_argument("--protocol", default="batch", help="batch (images of one kind) or single")
    _add_machine(predict)
    predict.set_defaults(run=_predict)

    bench = commands.add_parser("bench", help="repeat an experiment of the book and store it")
    bench.add_argument("experiment", help="first_result")
    bench.add_argument("--settings", default="lite", help="lite or full")
    bench.add_argument("--packs", metavar="DIR", help="real image packs; by default $COZAD_PACKS")
    bench.add_argument("--seed", type=int, default=0)
    _add_machine(bench)
    bench.set_defaults(run=_bench)

    results = commands.add_parser("results", help="show the stored results of the book")
    results.set_defaults(run=_results)
    return parser


def _add_machine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", help="cpu, cuda or mps; by default the best there is")
    parser.add_argument("--weights", metavar="FILE", help="backbone weights that are not installed")


def _device(name: str | None) -> str:
    """Choose the device, or check the one that was asked for."""
    import torch

    if name is None:
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.zeros(1, device=name)
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


def _trained(options: argparse.Namespace) -> CoZAD:
    """Train with the settings, the seed and the machine that were asked for."""
    from cozad_teach.cozad import train
    from cozad_teach.settings import SETTINGS

    return train(
        SETTINGS[options.settings],
        options.seed,
        device=_device(options.device),
        weights=options.weights,
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

    model = _trained(options)
    save_model(model, options.out)
    print(f"trained in {model.fit_seconds:.0f} s, written to {options.out}")
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from cozad_teach.data.folders import open_dataset

    dataset = open_dataset(options.data)
    check_writable(options.out)
    from cozad_teach.evaluation.reports import evaluate

    report = evaluate(
        _load(options),
        dataset,
        options.protocol,
        options.method,
        data=Path(options.data).name,
        seed=options.seed,
        progress=True,
    )
    with atomic_write(options.out) as file:
        file.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(_table(report))
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
    with atomic_write(out / "scores.csv") as file, file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["image", "score", "peak_x", "peak_y", "overlay"])
        writer.writerows(rows)
    print(f"{len(rows)} images scored: see {out / 'scores.csv'} and the overlays beside it")
    return 0


def _bench(options: argparse.Namespace) -> int:
    _check_settings(options.settings)
    packs = options.packs or os.environ.get("COZAD_PACKS")
    if not packs:
        raise CozadError("experiments need real images: name their folder with --packs")
    from cozad_teach.evaluation.experiments import EXPERIMENTS
    from cozad_teach.evaluation.ledger import provenance, write_results

    if options.experiment not in EXPERIMENTS:
        raise CozadError(
            f"unknown experiment {options.experiment!r}: choose {', '.join(EXPERIMENTS)}"
        )
    experiment = EXPERIMENTS[options.experiment]
    data = experiment.find(Path(packs))
    made_with = provenance(options.settings, _device(options.device))
    reports = experiment.run(_trained(options), data, seed=options.seed, progress=True)
    path = write_results(options.experiment, experiment.question, reports, made_with)
    print(f"written to {path}")
    return _results(options)


def _results(options: argparse.Namespace) -> int:
    from cozad_teach.evaluation.ledger import RESULTS, read_results

    for path in sorted(RESULTS.glob("*.json")):
        results = read_results(path.stem)
        print(f"{path.stem}: {results.content['question']}\n\n{results}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
