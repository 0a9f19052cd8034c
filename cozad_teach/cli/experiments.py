"""Which part of the package does what `cozad bench` and `cozad results` are asked for."""

from __future__ import annotations

import argparse

from cozad_teach.cli.loading import check_settings, device
from cozad_teach.errors import CozadError

__all__ = ["bench", "results"]


def bench(options: argparse.Namespace) -> int:
    """Do an experiment of the book, measure its speed, or look at a set of the user's own once."""
    if options.experiment == "untouched":
        from cozad_teach.cli.untouched import look_once

        return look_once(options)
    if options.folder or options.model:
        raise CozadError("a folder of images and --model belong to cozad bench untouched")
    from cozad_teach.cli import bench as commands
    from cozad_teach.experiments.speed import TIMED
    from cozad_teach.experiments.toy import TOY

    if options.settings not in (None, TOY.name):
        check_settings(options.settings)
    if options.experiment in TIMED:
        from cozad_teach.cli.speed import bench_speed

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


def results(options: argparse.Namespace) -> int:
    """Show, check or quote what the book has stored."""
    from cozad_teach.cli import bench as commands

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
