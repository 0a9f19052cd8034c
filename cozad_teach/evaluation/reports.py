"""One method, one protocol, one dataset: the report that every evaluation writes."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from cozad_teach.cozad import CoZAD
from cozad_teach.data.folders import Category, read_mask
from cozad_teach.errors import CozadError
from cozad_teach.evaluation import leaks
from cozad_teach.evaluation.bootstrap import N_RESAMPLES
from cozad_teach.evaluation.category import METRICS, measure
from cozad_teach.evaluation.protocols import (
    Images,
    check,
    choose_support,
    parse_protocol,
    patch_scores,
    read_test,
)
from cozad_teach.scoring import image_scores, pixel_maps

__all__ = ["evaluate", "peak_memory_mb"]


def evaluate(
    model: CoZAD,
    dataset: Mapping[str, Category],
    protocol: str = "batch",
    method: str = "cozad",
    *,
    data: str = "",
    seed: int = 0,
    test_images: Mapping[str, Images] | None = None,
    progress: bool = False,
) -> dict[str, Any]:
    """Evaluate one method under one protocol on every category of a dataset.

    Parameters
    ----------
    model : CoZAD
        A trained model.
    dataset : mapping of str to Category
        Of `open_dataset`.
    protocol, method : str
        See `patch_scores`.
    data : str
        Name of the dataset for the report.
    seed : int
        Decides which K normal images ``few-K`` takes, and what baselines leave out.
    test_images : mapping of str to Images, optional
        The test images of every category, where several methods share one reading of them.
    progress : bool
        Show bars.

    Returns
    -------
    dict
        The report, ready for JSON: method, protocol, backbone, seed, data, categories (counts and
        metrics), mean, seconds (fit: training; adapt; score: reading, features, scores, metrics),
        peak_memory_mb (of the process so far), leaks. Scores become metrics at the size of the
        image files. A metric that cannot be computed is None, with the reason beside it.

    Raises
    ------
    CozadError
        If the data cannot be read or does not suit the protocol.
    LeakError
        If an image of the target reached training, or a support image is a test image.
    """
    check(method, protocol)
    n_normal = parse_protocol(protocol)
    testable = {name: category for name, category in dataset.items() if category.test}
    if not testable:
        raise CozadError(f"{data or 'the dataset'} has no test images: it needs CATEGORY/test/good")
    seconds = {"fit": model.fit_seconds if method == "cozad" else 0.0, "adapt": 0.0, "score": 0.0}
    categories, audits = {}, {}
    for name, category in testable.items():
        support = None
        if n_normal is not None:
            support = Images.read(model, choose_support(name, category, n_normal, seed))
        test = test_images[name] if test_images else read_test(model, category, progress=progress)
        audits[name] = leaks.audit(
            model.training_hashes, support.hashes if support else {}, test.hashes, protocol
        )
        leaks.raise_on_leak(audits[name])
        started = time.perf_counter()
        scores, adapt_seconds = patch_scores(
            model,
            method,
            protocol,
            test.features,
            support.features if support else None,
            seed=seed,
            progress=progress,
        )
        seconds["adapt"] += adapt_seconds
        categories[name] = _metrics(model, category, scores, test.sizes)
        # Reading counts, also where several methods share it: each would have to do it alone.
        seconds["adapt"] += support.seconds if support else 0.0
        seconds["score"] += test.seconds + time.perf_counter() - started - adapt_seconds
    return {
        "method": method,
        "protocol": protocol,
        "backbone": model.backbone.name,
        "seed": seed,
        "data": data,
        "categories": categories,
        "mean": _mean(categories),
        "seconds": {key: round(value, 3) for key, value in seconds.items()},
        "peak_memory_mb": peak_memory_mb(),
        "leaks": audits,
    }


def peak_memory_mb() -> float | None:
    """Give the highest memory use of this process so far in MB, or None where unknown."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1e6 if sys.platform == "darwin" else 1e3), 1)


def _metrics(
    model: CoZAD, category: Category, scores: Tensor, sizes: Sequence[tuple[int, int]]
) -> dict[str, Any]:
    settings = model.settings
    labels = np.array([item.is_anomalous for item in category.test])
    smoothing = settings.smoothing / settings.image_size
    # One map at a time: at the size of the image files, all of them may not fit in memory.
    maps = (
        pixel_maps(patches[None], [size], smoothing)[0]
        for patches, size in zip(scores, sizes, strict=True)
    )
    masks = [
        read_mask(item.mask, size) if item.mask else None
        for item, size in zip(category.test, sizes, strict=True)
    ]
    of_images = image_scores(scores.flatten(1), settings.top_share).double().numpy()
    counts = {"n_normal": int((~labels).sum()), "n_anomalous": int(labels.sum())}
    found = measure(of_images, labels, maps, masks, n_resamples=N_RESAMPLES)
    return {**counts, **found.row()}


def _mean(categories: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Average over categories; a mean over only some of them would not compare with others."""
    mean: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    for metric in METRICS:
        values = [category[metric] for category in categories.values()]
        missing = [name for name, category in categories.items() if category[metric] is None]
        mean[metric] = None if missing else float(np.mean(values))
        if missing:
            reasons[metric] = f"not available for {', '.join(missing)}"
    return {**mean, "null_reasons": reasons}
