"""An experiment: a question, and the list of runs that answer it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from cozad_teach.evaluation.methods import METHODS, suits

__all__ = ["Experiment", "Line"]


class Line(NamedTuple):
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
        Names of packs, of official sets behind ``datasets/``, ``unseen``, or ``left out:`` and an
        auxiliary category, by `cozad_book.experiments.left_out`; with ``-20`` behind it, 20 % of
        the test images are anomalous, as in `cozad_book.experiments.contamination`.
    protocols, methods : tuple of str
        Every method, or variant of `VARIANTS`, runs under every protocol that suits it.
    seeds : tuple of int
        Of training, and of what is drawn in evaluation.
    settings : str
        A name of `cozad_teach.settings.SETTINGS`.
    means : dict of str to tuple of str
        Further rows of the summary, by name: means over several data sets.
    pairs : tuple of (str, str)
        Methods whose differences are stored, besides those of CoZAD to each other method.
    has_published : bool
        There are published values beside which its own stand; without packs it runs on the
        official sets that are on disk.
    """

    question: str
    data: tuple[str, ...]
    protocols: tuple[str, ...] = ("single", "batch", "few-4", "full")
    methods: tuple[str, ...] = tuple(METHODS)
    seeds: tuple[int, ...] = (0, 1, 2)
    settings: str = "lite"
    means: dict[str, tuple[str, ...]] = field(default_factory=dict)
    pairs: tuple[tuple[str, str], ...] = ()
    has_published: bool = False

    def lines(self) -> list[Line]:
        """List the runs so that those of one model, and then of one data set, are together."""
        return [
            Line(self.settings, seed, data, protocol, method)
            for seed in self.seeds
            for data in self.data
            for protocol in self.protocols
            for method in self.methods
            if suits(method, protocol)
        ]
