"""Decide from scores alone, by the threshold that a model brings from its auxiliary photographs."""

from __future__ import annotations

from collections.abc import Sequence

from cozad_teach.cozad import CoZAD
from cozad_teach.evaluation.prepared import PreparedModel

__all__ = ["DEFECT", "GOOD", "verdicts"]

DEFECT, GOOD = "defect", "good"


def verdicts(model: CoZAD, scores: Sequence[float], protocol: str) -> list[str]:
    """Call each image good or a defect.

    Parameters
    ----------
    model : CoZAD
        Trained.
    scores : sequence of float
        Image scores of `model` on images without labels.
    protocol : str
        ``batch`` or ``single``, under which they were scored: each has a threshold of its own.

    Returns
    -------
    list of str
        `DEFECT` at or above the threshold of the largest F1 on the photographs that training kept
        back, else `GOOD`. Empty words where there are none: a threshold from drawn images does
        not carry over to photographs.
    """
    if not model.samples:
        return [""] * len(scores)
    threshold = PreparedModel(model).calibrated("cozad", protocol, model.seed)[0].threshold
    return [DEFECT if score >= threshold else GOOD for score in scores]
