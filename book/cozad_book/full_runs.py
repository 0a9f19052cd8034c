"""Full runs: how large the notebooks of ``book/full`` run, and that they run."""

from __future__ import annotations

import os
from dataclasses import dataclass

import torch

from cozad_book.experiments.bench import bench
from cozad_book.experiments.bench_speed import bench_speed
from cozad_book.experiments.data import image_place
from cozad_book.experiments.ledger import Results, read_results
from cozad_book.experiments.toy import TOY
from cozad_book.experiments.variants import AUXILIARY
from cozad_book.full_results import WANTED
from cozad_teach.errors import CozadError
from cozad_teach.settings import FULL
from cozad_teach.training.auxiliary_images import DRAWN

__all__ = ["Size", "full_size", "run_full", "run_speed"]


@dataclass(frozen=True)
class Size:
    """How large the notebooks of ``book/full`` run.

    Attributes
    ----------
    settings : str
        ``full``, or ``toy``, which shows that everything runs and measures nothing.
    device : str
        On which.
    auxiliary : str
        What CoZAD is trained on: a name of `cozad_book.experiments.variants.AUXILIARY`.
    """

    settings: str
    device: str
    auxiliary: str

    def __repr__(self) -> str:
        where = torch.cuda.get_device_name() if self.device == "cuda" else "a processor"
        images = " and ".join(AUXILIARY[self.auxiliary])
        return f"settings {self.settings}, on {where}, trained on {images} images"


def full_size() -> Size:
    """Give the size that the environment asks for by ``COZAD_SETTINGS``: toy unless it says full.

    Raises
    ------
    CozadError
        If it asks for something else, or for full where there is no graphics card.
    """
    asked = os.environ.get("COZAD_SETTINGS", TOY.name)
    if asked == TOY.name:
        return Size(TOY.name, "cpu", DRAWN)
    if asked != FULL.name:
        raise CozadError(f"COZAD_SETTINGS is {asked!r}: choose {TOY.name} or {FULL.name}")
    if not torch.cuda.is_available():
        raise CozadError(
            "the full runs need a graphics card, and there is none: see whether they would run "
            f"with COZAD_SETTINGS={TOY.name}, or ask cozad doctor about the card"
        )
    return Size(FULL.name, "cuda", next(name for name in WANTED if _is_there(name)))


def _is_there(auxiliary: str) -> bool:
    try:
        for name in AUXILIARY[auxiliary]:
            if name != DRAWN:
                image_place(name)
    except CozadError:
        return False
    return True


def run_full(experiment: str, size: Size) -> Results:
    """Do what is missing of an experiment of the book, and store it.

    Parameters
    ----------
    experiment : str
        Its name.
    size : Size
        Of `full_size`. What a toy gives is kept apart from the book's ledger.

    Raises
    ------
    CozadError
        As `cozad_book.experiments.bench.bench`.
    """
    path = bench(
        experiment,
        size.settings,
        auxiliary=size.auxiliary,
        device=size.device,
        trial=size.settings == TOY.name,
        progress=size.settings != TOY.name,
    )
    return read_results(path.stem, path.parent)


def run_speed(size: Size) -> Results:
    """Measure how fast the device is, and store it; parameters and errors as `run_full`."""
    path = bench_speed(size.device, size.settings, trial=size.settings == TOY.name)
    return read_results(path.stem, path.parent)
