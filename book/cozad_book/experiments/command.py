"""The commands ``cozad bench`` and ``cozad results``."""

from __future__ import annotations

from collections.abc import Sequence

from cozad_book.experiments.words import bench_parser, results_parser
from cozad_teach.cli.loading import check_settings, device
from cozad_teach.errors import CozadError

__all__ = ["bench", "results"]

# What may be given to each kind of `cozad bench`; anything else would be passed over in silence.
_OF_UNTOUCHED_ALONE = {"folder", "model", "protocol"}
_OF_UNTOUCHED = {"experiment", "device", "weights", *_OF_UNTOUCHED_ALONE}
_OF_SPEED = {"experiment", "device", "settings", "trial"}


def bench(words: Sequence[str]) -> int:
    """Do ``cozad bench``, which these words follow.

    That is: do an experiment of the book, measure its speed, or look at a set of the user's once.
    """
    parser = bench_parser()
    options = parser.parse_args(words)
    given = {name for name, value in vars(options).items() if value != parser.get_default(name)}
    if options.experiment == "untouched":
        if given - _OF_UNTOUCHED or not options.folder:
            raise CozadError(
                "cozad bench untouched takes a folder, and of options --model, --protocol, "
                "--device and --weights: its settings are those of the model"
            )
        from cozad_book.experiments.untouched import look_once

        return look_once(options)
    if given & _OF_UNTOUCHED_ALONE:
        raise CozadError(
            "a folder of images, --model and --protocol belong to cozad bench untouched"
        )
    from cozad_book.experiments import bench as commands
    from cozad_book.experiments.speed import TIMED
    from cozad_book.experiments.toy import TOY

    if options.experiment in TIMED and given - _OF_SPEED:
        raise CozadError(
            f"cozad bench {options.experiment} takes --device, --settings and --trial: leave "
            "other options out"
        )
    if options.settings not in (None, TOY.name):
        check_settings(options.settings)
    if options.experiment in TIMED:
        from cozad_book.experiments.bench_speed import bench_speed

        where = options.device and device(options.device)
        path = bench_speed(where, options.settings, name=options.experiment, trial=options.trial)
        commands.show(path.stem, path.parent)
    else:
        path = commands.bench(
            options.experiment,
            options.settings,
            auxiliary=options.auxiliary,
            packs=options.packs,
            device=device(options.device),
            weights=options.weights,
            trial=options.trial,
            workers=options.workers,
            cluster=options.ray,
        )
    print(f"written to {path}")
    return 0


def results(words: Sequence[str]) -> int:
    """Do ``cozad results``, which these words follow: show, do again, or renew quotes."""
    options = results_parser().parse_args(words)
    from cozad_book.experiments import bench as commands

    if options.fill:
        commands.fill_files(options.fill)
    elif options.check is not None:
        print(
            commands.check(
                options.experiment or "accuracy",
                options.check,
                packs=options.packs,
                device=device(options.device),
                weights=options.weights,
            )
        )
    else:
        commands.show(options.experiment)
    return 0
