"""What the ledger keeps of how the models of an experiment were trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cozad_book.experiments.runner import Done
from cozad_teach.training.auxiliary_images import DRAWN

__all__ = ["DIGITS", "trainings"]

DIGITS = 5  # of all numbers in the ledger


def trainings(done: Sequence[Done]) -> list[dict[str, Any]]:
    """Give how CoZAD was trained, from each seed once.

    Parameters
    ----------
    done : sequence of Done
        Its runs; those of other methods have no losses, and are passed over.

    Returns
    -------
    list of dict
        Ready for JSON, by seed: ``trained_on`` what hardware, the names of its ``auxiliary``
        images, ``seconds``, ``memory_mb`` of the graphics card or else of the process, and
        ``losses``: of each meta-step the mean losses of supports and queries, and λ(Σ).
    """
    first = {one.line.seed: one for one in reversed(done) if "losses" in one.report}
    return [
        {
            "seed": seed,
            "trained_on": one.report["made_with"]["trained_on"],
            "auxiliary": sorted(one.report["made_with"].get("auxiliary", {})) or [DRAWN],
            "seconds": one.report["seconds"]["fit"],
            "memory_mb": one.report["peak_device_memory_mb"] or one.report["peak_memory_mb"],
            "losses": [[round(loss, DIGITS) for loss in step] for step in one.report["losses"]],
        }
        for seed, one in sorted(first.items())
    ]
