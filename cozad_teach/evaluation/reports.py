"""One method, one protocol, one data set: the report that every evaluation writes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cozad_teach.cozad import CoZAD
from cozad_teach.data.folders import Category
from cozad_teach.data.identity.fingerprints import Fingerprints
from cozad_teach.errors import CozadError, printable
from cozad_teach.evaluation import leaks
from cozad_teach.evaluation.calibrated_model import CalibratedModel
from cozad_teach.evaluation.category import METRICS, Measured
from cozad_teach.evaluation.memory import peak_memory_mb
from cozad_teach.evaluation.methods import Run
from cozad_teach.evaluation.rows import measured_row
from cozad_teach.evaluation.target_features import ImageFeatures, TargetFeatures
from cozad_teach.evaluation.uncertainty import intervals

__all__ = ["Evaluation", "evaluate"]

# Test images that are scored once more on their own, to prove that they did not notice the others.
_N_ALONE = 2


@dataclass(frozen=True)
class Evaluation:
    """The outcome of one evaluation.

    Attributes
    ----------
    report : dict
        Ready for JSON.
    measured : dict of str to Measured
        By category, with the draws that a comparison of methods needs.
    """

    report: dict[str, Any]
    measured: dict[str, Measured]


def evaluate(
    model: CoZAD,
    dataset: Mapping[str, Category],
    protocol: str = "batch",
    method: str = "cozad",
    *,
    data: str = "",
    seed: int = 0,
    allow_same_category: bool = False,
    target_features: TargetFeatures | None = None,
    progress: bool = False,
) -> Evaluation:
    """Evaluate one method under one protocol on every category of a data set.

    Parameters
    ----------
    model : CoZAD
        A trained model.
    dataset : mapping of str to Category
        Of `open_dataset`.
    protocol, method : str
        See `patch_scores`.
    data : str
        Name of the data set for the report.
    seed : int
        Decides which normal images ``few-K`` takes, and what baselines leave out.
    allow_same_category : bool
        Measure categories by whose name the model was trained on photographs, too.
    target_features : TargetFeatures, optional
        Of this model and data set, where several evaluations share them.
    progress : bool
        Show bars.

    Returns
    -------
    Evaluation
        The report has method, protocol, backbone, seed, data, categories (counts, metrics with
        their 95 % intervals, decisions at a threshold from auxiliary images, calibration, images
        without a mask, images whose masks contradict their labels, what to look at in masks), mean,
        calibration, auxiliary (categories of photographs that the model was trained on), seconds
        (fit: training; adapt; score: reading, features, scores, metrics), peak_memory_mb (of the
        process so far), leaks, and images: for each digest in leaks the content hashes and the
        perceptual hashes behind it. Scores become metrics at the size of the
        image files. A metric that cannot be computed is None, with the reason beside it.

    Raises
    ------
    CozadError
        If the data cannot be read or does not suit the protocol, or a category is named as one of
        the photographs that the model was trained on.
    LeakError
        If the audit of a category did not pass; nothing is to be published then.
    """
    run = Run.of(method, protocol, seed)
    leaks.check_record(model.uses)
    names = [name for name, category in dataset.items() if category.test]
    if not names:
        raise CozadError(f"{data or 'the dataset'} has no test images: it needs CATEGORY/test/good")
    known = {name.casefold() for name in model.auxiliary}
    same = [printable(name) for name in names if name.casefold() in known]
    if same and not allow_same_category:
        raise CozadError(
            f"the model was trained on {' and '.join(same)}, which is then no zero-shot target: "
            "take other auxiliary data, or if only the name is the same, say --allow-same-category"
        )
    shared = target_features is not None
    if target_features is None:
        target_features = TargetFeatures(
            CalibratedModel(model, progress=progress), dataset, progress=progress
        )
    calibrated_model, ensemble = target_features.calibrated_model, run.method.several_backbones
    chosen, threshold_use = calibrated_model.calibration(run)
    uses = (*calibrated_model.uses(ensemble), threshold_use)
    seconds = {"fit": model.fit_seconds if run.method.adapts else 0.0, "adapt": 0.0, "score": 0.0}
    measured, categories, audits = {}, {}, {}
    seen = [use.images for use in uses]
    for name in names:
        test = target_features.test(name, ensemble)
        support, skipped = None, list[str]()
        if not run.protocol.zero_shot:
            support, skipped = target_features.support(name, run)
        audit = leaks.audit(
            uses,
            support.fingerprints if support else Fingerprints.join([]),
            test.fingerprints,
            protocol,
        )
        leaks.raise_on_leak(audit)
        seen += [test.fingerprints, *([support.fingerprints] if support else [])]
        started = time.perf_counter()
        scores, adapt_seconds = run.score(
            calibrated_model.models(ensemble),
            test.features,
            support.features if support else None,
            progress=progress,
        )
        of_images = model.image_scores(scores)
        measured[name], categories[name] = measured_row(
            model,
            dataset[name],
            scores,
            test.sizes,
            of_images,
            calibrated_model.calibration_for(of_images, run),
            _groups(audit, test.fingerprints),
        )
        # Reading counts, also where several methods share it: each would have to do it alone.
        seconds["adapt"] += adapt_seconds + (support.seconds if support else 0.0)
        seconds["score"] += test.seconds + time.perf_counter() - started - adapt_seconds
        if not run.protocol.together:
            audit["independence"] = _independence(target_features, name, run, scores, support)
            leaks.raise_on_leak(audit)
        audits[name] = {**audit, "skipped": skipped}
        if not shared:
            target_features.forget()
    photographs = calibrated_model.on_photographs(run.method)
    kind = "auxiliary photographs" if photographs else "drawn images of auxiliary materials"
    report = {
        "method": method,
        "protocol": protocol,
        "backbone": model.backbone.name,
        "seed": seed,
        "data": data,
        "categories": categories,
        "mean": _mean(measured),
        "without_test_images": [name for name in dataset if name not in names],
        "calibration": {
            "chosen_on": f"{len(threshold_use.images)} {kind}",
            "follows_level": run.protocol.zero_shot,
            "threshold": chosen.threshold,
            "slope": chosen.slope,
            "offset": chosen.offset,
        },
        "auxiliary": list(model.auxiliary),
        "seconds": {key: round(value, 3) for key, value in seconds.items()},
        "peak_memory_mb": peak_memory_mb(),
        "leaks": audits,
        "images": {leaks.digest(images): _identities(images) for images in seen},
    }
    return Evaluation(report, measured)


def _identities(images: Fingerprints) -> dict[str, list[str]]:
    return {"hashes": list(images.hashes), "perceptual_hashes": list(images.perceptual_hashes())}


def _groups(audit: Mapping[str, Any], test: Fingerprints) -> list[int]:
    """Give copies among the test images one number: they are no independent witnesses."""
    leader = {name: group[0] for group in audit["copies_within_test"] for name in group}
    return [test.names.index(leader.get(name, name)) for name in test.names]


def _independence(
    target_features: TargetFeatures,
    name: str,
    run: Run,
    together: Tensor,
    support: ImageFeatures | None,
) -> dict[str, Any]:
    """Read and score the first test images of either kind once more, on their own."""
    files = target_features.dataset[name].test
    normal = [i for i, item in enumerate(files) if not item.is_anomalous]
    anomalous = [i for i, item in enumerate(files) if item.is_anomalous]
    places = sorted([*normal[:1], *anomalous[:1]])[:_N_ALONE]
    ensemble = run.method.several_backbones
    alone, _ = run.score(
        target_features.calibrated_model.models(ensemble),
        target_features.alone(name, places, ensemble).features,
        support.features if support else None,
    )
    return leaks.check_independence(together[torch.tensor(places)], alone)


def _mean(measured: Mapping[str, Measured]) -> dict[str, Any]:
    """Average over categories; a mean over only some of them would not compare with others."""
    mean: dict[str, Any] = {}
    limits: dict[str, list[float]] = {}
    reasons: dict[str, str] = {}
    for metric in METRICS:
        missing = [name for name, found in measured.items() if metric not in found.values]
        values = [found.values[metric] for found in measured.values() if not missing]
        mean[metric] = None if missing else float(np.mean(values))
        if missing:
            reasons[metric] = f"not available for {', '.join(missing)}"
        elif all(metric in found.spreads for found in measured.values()):
            spread = intervals.average([found.spreads[metric] for found in measured.values()])
            limits[metric] = list(intervals.interval(mean[metric], spread))
    return {**mean, "intervals": limits, "null_reasons": reasons}
