"""Experiments of the book, each a function that anyone can repeat."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cozad_teach.cozad import CoZAD
from cozad_teach.data.folders import open_dataset
from cozad_teach.errors import CozadError
from cozad_teach.evaluation.protocols import METHODS, read_test
from cozad_teach.evaluation.reports import evaluate

__all__ = ["EXPERIMENTS", "Experiment", "first_result"]


def first_result(
    model: CoZAD, data: Path, *, seed: int = 0, progress: bool = False
) -> list[dict[str, Any]]:
    """Evaluate every method under every protocol that it knows, on one dataset.

    Parameters
    ----------
    model : CoZAD
        Trained on embedded textures.
    data : pathlib.Path
        Folder or zip in MVTec layout.
    seed : int
        As in `evaluate`.
    progress : bool
        Show bars.

    Returns
    -------
    list of dict
        Reports of `evaluate`: single, batch, few-4, each with every method; mutual scoring needs
        other images and so has no ``single``.
    """
    dataset = open_dataset(data)
    images = {
        name: read_test(model, category, progress=progress)
        for name, category in dataset.items()
        if category.test
    }
    return [
        evaluate(
            model,
            dataset,
            protocol,
            method,
            data=data.name,
            seed=seed,
            test_images=images,
            progress=progress,
        )
        for protocol in ("single", "batch", "few-4")
        for method in METHODS
        if (protocol, method) != ("single", "mutual")
    ]


@dataclass(frozen=True)
class Experiment:
    """An entry of the ledger that can be repeated.

    Attributes
    ----------
    question : str
        What it asks, in a sentence.
    pack : str
        File name of the pack that it needs.
    run : callable
        ``run(model, data, seed=..., progress=...)`` gives a list of reports.
    """

    question: str
    pack: str
    run: Callable[..., list[dict[str, Any]]]

    def find(self, packs: Path) -> Path:
        """Find the pack in a folder.

        Raises
        ------
        CozadError
            If it is not there.
        """
        path = packs / self.pack
        if not path.exists():
            raise CozadError(f"there is no {self.pack} in {packs}: name another folder")
        return path


EXPERIMENTS = {
    "first_result": Experiment(
        question="How well does a model that has seen only drawn materials find defects on "
        "photographs of magnetic tiles?",
        pack="magnetic_tile.zip",
        run=first_result,
    )
}
