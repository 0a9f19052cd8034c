"""The experiments of the book, each a list of runs that anyone can repeat."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from cozad_teach.errors import CozadError
from cozad_teach.evaluation.protocols import METHODS, suits

__all__ = ["EXPERIMENTS", "Experiment", "Run", "experiment"]

PACKS = ("magnetic_tile", "ksdd_tiles", "mpdd_metal_plate", "brainmri")
UNSEEN = "unseen"  # the embedded categories that training never sees


class Run(NamedTuple):
    """One line of an experiment: a method on a data set, under a protocol, from a seed."""

    settings: str
    seed: int
    data: str
    protocol: str
    method: str


@dataclass(frozen=True)
class Experiment:
    """A question, and the runs that answer it.

    Attributes
    ----------
    question : str
        In a sentence.
    data : tuple of str
        Names of packs, or ``unseen``.
    protocols, methods : tuple of str
        Every method runs under every protocol that suits it.
    seeds : tuple of int
        Of training, and of what is drawn in evaluation.
    settings : str
        A name of `cozad_teach.settings.SETTINGS`.
    means : dict of str to tuple of str
        Further rows of the summary, by name: means over several data sets.
    """

    question: str
    data: tuple[str, ...]
    protocols: tuple[str, ...] = ("single", "batch", "few-4", "full")
    methods: tuple[str, ...] = METHODS
    seeds: tuple[int, ...] = (0, 1, 2)
    settings: str = "lite"
    means: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def runs(self) -> list[Run]:
        """List the runs so that those of one model, and then of one data set, are together."""
        return [
            Run(self.settings, seed, data, protocol, method)
            for seed in self.seeds
            for data in self.data
            for protocol in self.protocols
            for method in self.methods
            if suits(method, protocol)
        ]


EXPERIMENTS = {
    "first_result": Experiment(
        question="How well does a model that has seen only drawn materials find defects on "
        "photographs of magnetic tiles?",
        data=("magnetic_tile",),
        protocols=("single", "batch", "few-4"),
        methods=("cozad", "mahalanobis", "knn", "mutual"),
        seeds=(0,),
    ),
    "accuracy": Experiment(
        question="How do CoZAD and the baselines compare on real photographs, and on drawn "
        "materials that training never saw, over three seeds?",
        data=(*PACKS, UNSEEN),
        means={"packs": PACKS},
    ),
}


def experiment(name: str) -> Experiment:
    """Look an experiment up.

    Raises
    ------
    CozadError
        If there is none of that name.
    """
    if name not in EXPERIMENTS:
        raise CozadError(
            f"unknown experiment {name!r}: choose {', '.join([*EXPERIMENTS, 'speed'])}"
        )
    return EXPERIMENTS[name]
