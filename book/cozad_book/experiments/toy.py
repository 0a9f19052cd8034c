"""Experiments in small: they show that all of it runs, and measure nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from cozad_book.experiments.plan import Experiment
from cozad_teach.settings import FULL, LITE

__all__ = ["TOY", "TOY_DATA", "in_small", "small_changes"]

TOY_DATA = "toy"  # one drawn category that training never sees
_METHODS, _PROTOCOLS = 3, 2
TOY = dataclasses.replace(
    FULL,
    name="toy",
    backbone=LITE.backbone,
    precision=LITE.precision,  # half as many bits make a processor slower
    image_size=64,
    images_per_category=6,
    tasks_per_step=2,
    support_images=3,
    query_images=2,
    patches_per_image=6,
    meta_steps=2,
    inner_steps=2,
)


# What makes a run long.
_SIZES = {
    name: value
    for name, value in dataclasses.asdict(TOY).items()
    if isinstance(value, int) and value < getattr(FULL, name)
}


def small_changes(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Give the changes of a variant with no size above that of `TOY`, and under its name."""
    limited = {
        name: min(value, _SIZES[name]) if name in _SIZES else value
        for name, value in changes.items()
    }
    return {**limited, "name": TOY.name}


def in_small(experiment: Experiment) -> Experiment:
    """Make an experiment small: its first methods and protocols, one data set, one seed, `TOY`.

    Where its data sets are parts with a share of anomalous images, the one of the toy is, too.
    """
    percentage = experiment.data[0].rpartition("-")[2]
    data = f"{TOY_DATA}-{percentage}" if percentage.isdecimal() else TOY_DATA
    methods = experiment.methods[:_METHODS]
    return dataclasses.replace(
        experiment,
        data=(data,),
        methods=methods,
        protocols=experiment.protocols[:_PROTOCOLS],
        seeds=experiment.seeds[:1],
        settings=TOY.name,
        means={},
        pairs=tuple(pair for pair in experiment.pairs if {*pair} <= {*methods}),
    )
