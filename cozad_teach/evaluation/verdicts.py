"""Decide from scores alone, by the threshold that a model brings from its auxiliary photographs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cozad_teach.cozad import CoZAD
from cozad_teach.evaluation.calibrated_model import CalibratedModel
from cozad_teach.evaluation.methods import Run

__all__ = ["DEFECT", "GOOD", "verdicts"]

DEFECT, GOOD = "defect", "good"


def verdicts(model: CoZAD, scores: Sequence[float], *, together: bool) -> list[str]:
    """Call each image good or a defect.

    Parameters
    ----------
    model : CoZAD
        Trained.
    scores : sequence of float
        Image scores of `model` on images without labels.
    together : bool
        Whether they were scored together or each alone: each way has a threshold of its own.

    Returns
    -------
    list of str
        `DEFECT` where that is more probable than not, by photographs that training kept back and by
        the level of these scores, else `GOOD`. Empty words where there are no such photographs: a
        threshold from drawn images does not carry over.
    """
    if not model.samples:
        return [""] * len(scores)
    values = np.asarray(scores, float)
    chosen = CalibratedModel(model).calibration_for(
        values, Run.of("cozad", "batch" if together else "single", model.seed)
    )
    return [DEFECT if score >= chosen.threshold else GOOD for score in scores]
