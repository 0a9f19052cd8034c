"""The command line ``cozad``: from ``doctor`` and ``train`` to ``results`` and ``grade``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cozad_teach.cli.arguments import OF_THE_BOOK, parser
from cozad_teach.cli.endings import run_command
from cozad_teach.cli.loading import check_settings, device, load_model_of
from cozad_teach.cli.predict import predict_images
from cozad_teach.cli.words import Command, given
from cozad_teach.errors import CozadError
from cozad_teach.files.places import check_target, head
from cozad_teach.files.writing import atomic_write, only_writer

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

    def run() -> int:
        words = given(arguments)
        if words and words[0] in OF_THE_BOOK:
            return _of_the_book(words[0], words[1:])
        options = parser(COMMANDS).parse_args(words)
        code: int = options.run(options)
        return code

    return run_command("cozad", run)


def _data(options: argparse.Namespace) -> int:
    from cozad_teach.data.drawn.textures import UNSEEN_CATEGORIES, write_dataset

    with only_writer(options.out):
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


def _trained(options: argparse.Namespace, checkpoint: Path) -> CoZAD:
    """Train with the settings, the seed and the machine that were asked for."""
    from cozad_teach.backbones import backbone_settings
    from cozad_teach.models.train import train
    from cozad_teach.settings import SETTINGS
    from cozad_teach.training.sharding import is_first

    settings = SETTINGS[options.settings]
    if options.backbone:
        settings = backbone_settings(settings, options.backbone, options.levels)
    elif options.levels:
        raise CozadError("--levels are those of a --backbone: name it")
    return train(
        settings,
        options.seed,
        auxiliary=options.auxiliary,
        draw_defects=options.draw_defects,
        device=device(options.device),
        weights=options.weights,
        checkpoint=checkpoint,
        progress=is_first(),
    )


def _train(options: argparse.Namespace) -> int:
    from cozad_teach.training.auxiliary_sets import usual_settings
    from cozad_teach.training.sharding import is_first, shared_training

    with shared_training(device(options.device)) as options.device:
        if options.settings is None:
            options.settings = usual_settings(options.auxiliary)
        check_settings(options.settings)
        act = _write_model if is_first() else _trained  # all processes end with the same model
        act(options, Path(f"{options.out}.checkpoint"))
    return 0


def _write_model(options: argparse.Namespace, checkpoint: Path) -> None:
    from cozad_teach.models.saved import save_model
    from cozad_teach.training.auxiliary_sets import auxiliary_places

    reads = [options.weights, *auxiliary_places(options.auxiliary or ())]
    check_target(options.out, reads=reads, ours=_is_model)
    check_target(checkpoint, reads=reads, ours=_is_checkpoint)
    with only_writer(options.out):
        stopped = ", the last part of a run that was stopped" if checkpoint.exists() else ""
        try:
            model = _trained(options, checkpoint)
        except KeyboardInterrupt:
            if checkpoint.exists():
                print(f"cozad: the same command goes on from {checkpoint}", file=sys.stderr)
            raise
        save_model(model, options.out)
        checkpoint.unlink(missing_ok=True)
    print(f"trained in {model.fit_seconds:.0f} s{stopped}, written to {options.out}")


def _is_model(path: Path) -> bool:
    return b'"cozad-teach model' in head(path, 2**16)


def _is_checkpoint(path: Path) -> bool:
    return b'"cozad-teach checkpoint' in head(path, 2**16)


def _is_report(path: Path) -> bool:
    return head(path, 100).startswith(b'{\n  "method": "')


def _evaluate(options: argparse.Namespace) -> int:
    from cozad_teach.data.checking import check_categories
    from cozad_teach.data.folders import open_dataset
    from cozad_teach.data.identity.copy_lists import read_copies

    dataset = open_dataset(options.data)
    reads = [options.model, options.weights, options.once, *dataset.places]
    check_target(options.out, reads=reads, ours=_is_report)
    copies = None if options.once is None else read_copies(options.once)
    from cozad_teach.evaluation import printed
    from cozad_teach.evaluation.methods import Run
    from cozad_teach.evaluation.reports import evaluate
    from cozad_teach.evaluation.without_copies import leave_out_copies

    run = Run.of(options.method, options.protocol, options.seed)
    with only_writer(options.out):
        model = load_model_of(options)
        check_categories(dataset.values(), train=not run.protocol.zero_shot, progress=True)
        kept, once = leave_out_copies(dataset, copies, progress=True) if copies else (dataset, None)
        found = evaluate(
            model,
            kept,
            options.protocol,
            options.method,
            data=Path(options.data).name,
            seed=options.seed,
            allow_same_category=options.allow_same_category,
            progress=True,
        )
        report = {**found.report, **({"once": once} if once else {})}
        report["left_out"] = [file._asdict() for file in dataset.left_out]
        with atomic_write(options.out) as file:
            file.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print(printed.table(report))
    print(printed.remarks(report, str(options.out)))
    return 0


def _of_the_book(name: str, words: Sequence[str]) -> int:
    from importlib.metadata import entry_points

    # This package does not import the book's: that one names its commands.
    found = entry_points(group="cozad_teach.commands", name=name)
    if not found:
        raise CozadError(f"cozad {name} is part of the book: run make setup in its folder")
    code: int = next(iter(found)).load()(words)
    return code


COMMANDS: dict[str, Command] = {
    "data": _data,
    "train": _train,
    "evaluate": _evaluate,
    "predict": predict_images,
}


if __name__ == "__main__":
    sys.exit(main())
