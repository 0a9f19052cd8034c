"""What a detector may see of its target, and the one report that every evaluation writes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from cozad_teach.cozad import CoZAD
from cozad_teach.data.folders import Category, ImageFile, read_image, read_mask
from cozad_teach.data.hashes import image_hash
from cozad_teach.errors import CozadError
from cozad_teach.evaluation import baselines, leaks
from cozad_teach.evaluation.metrics import METRICS, category_metrics
from cozad_teach.scoring import image_scores, pixel_maps

__all__ = [
    "METHODS",
    "PROTOCOLS",
    "Images",
    "evaluate",
    "parse_protocol",
    "patch_scores",
    "read_test",
]

METHODS = ("cozad", "mahalanobis", "knn", "mutual")
PROTOCOLS = "single, batch, or few-K such as few-4"


def parse_protocol(protocol: str) -> int | None:
    """Check a protocol's name and give its number of normal target images.

    Parameters
    ----------
    protocol : str
        ``single``: a test image is its own support. ``batch``: the unlabelled test images of the
        category are. ``few-K``: K normal images of the category are.

    Returns
    -------
    int or None
        K, or None for the two protocols that see no normal image.

    Raises
    ------
    CozadError
        If the name is none of these.
    """
    if protocol in ("single", "batch"):
        return None
    name, _, number = protocol.partition("-")
    if name == "few" and number.isdecimal() and int(number) > 0:
        return int(number)
    raise CozadError(f"unknown protocol {protocol!r}: choose {PROTOCOLS}")


@dataclass(frozen=True)
class Images:
    """Images reduced to what evaluation needs of them.

    Attributes
    ----------
    features : torch.Tensor
        Standardised patch features, shape (N, h, w, C).
    sizes : tuple of (int, int)
        (H_i, W_i) of each image in pixels.
    hashes : dict of str
        Content hash by file name, in the order of the images.
    """

    features: Tensor
    sizes: tuple[tuple[int, int], ...]
    hashes: dict[str, str]

    @classmethod
    def read(cls, model: CoZAD, files: Sequence[ImageFile], *, progress: bool = False) -> Images:
        """Read every file once, for its features, its size and its hash."""
        sizes: list[tuple[int, int]] = []
        hashes: dict[str, str] = {}

        def reader(file: ImageFile) -> Callable[[], np.ndarray]:
            def read() -> np.ndarray:
                image = read_image(file)
                sizes.append(image.shape[:2])
                hashes[file.name] = image_hash(image)
                return image

            return read

        features = model.features([reader(file) for file in files], progress=progress)
        return cls(features, tuple(sizes), hashes)


def patch_scores(
    model: CoZAD,
    method: str,
    protocol: str,
    test: Tensor,
    support: Tensor | None = None,
    *,
    seed: int = 0,
    progress: bool = False,
) -> tuple[Tensor, float]:
    """Score the patches of test images by any method under any protocol.

    Parameters
    ----------
    model : CoZAD
        Gives backbone, standardisation and settings to every method; only `method` ``cozad``
        uses what it learnt.
    method : str
        One of `METHODS`.
    protocol : str
        See `parse_protocol`.
    test : torch.Tensor
        Standardised patch features, shape (N, h, w, C).
    support : torch.Tensor, optional
        The K normal images of ``few-K``, shape (K, h, w, C).
    seed : int
        Decides which patches or images a baseline keeps where it must leave some out.
    progress : bool
        Show a bar if it takes more than two seconds.

    Returns
    -------
    scores : torch.Tensor
        Shape (N, h, w), higher is more anomalous.
    seconds : float
        The share of the time that went into adapting to the support; 0 where scoring and
        adapting are one step.

    Raises
    ------
    CozadError
        If method or protocol is unknown, or the two do not go together.
    """
    if method not in METHODS:
        raise CozadError(f"unknown method {method!r}: choose from {', '.join(METHODS)}")
    if (parse_protocol(protocol) is None) != (support is None):
        raise CozadError("few-K protocols, and only they, need normal images of the target")
    if protocol == "batch":
        support = test
    if method == "cozad":
        if support is None:
            return model.score_singly(test, progress=progress), 0.0
        started = time.perf_counter()
        adapted = model.adapt(support)
        seconds = time.perf_counter() - started
        return model.score(test, adapted), seconds
    if method == "mahalanobis":
        shrinkage = model.settings.shrinkage
        return baselines.mahalanobis_scores(
            test, support, shrinkage=shrinkage, progress=progress
        ), 0.0
    own = protocol == "batch"
    if method == "knn":
        return baselines.nearest_neighbour_scores(
            test, support, is_test=own, seed=seed, progress=progress
        ), 0.0
    if support is None:
        raise CozadError("mutual scoring compares test images with each other: use protocol batch")
    return baselines.mutual_scores(test, support, is_test=own, seed=seed, progress=progress), 0.0


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
        metrics), mean, seconds, peak_memory_mb, leaks. Scores become metrics at the size of the
        image files. A metric that cannot be computed is None, with the reason beside it.

    Raises
    ------
    CozadError
        If the data cannot be read or does not suit the protocol.
    LeakError
        If an image of the target reached training, or a support image is a test image.
    """
    n_normal = parse_protocol(protocol)
    testable = {name: category for name, category in dataset.items() if category.test}
    if not testable:
        raise CozadError(f"{data or 'the dataset'} has no test images: it needs CATEGORY/test/good")
    seconds = {"fit": model.fit_seconds if method == "cozad" else 0.0, "adapt": 0.0, "score": 0.0}
    categories, audits = {}, {}
    for name, category in testable.items():
        started = time.perf_counter()
        support = None
        if n_normal is not None:
            support = Images.read(model, _choose(name, category, n_normal, seed))
        test = test_images[name] if test_images else read_test(model, category, progress=progress)
        audits[name] = leaks.audit(
            model.training_hashes, support.hashes if support else {}, test.hashes, protocol
        )
        leaks.raise_on_leak(audits[name])
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
        seconds["score"] += time.perf_counter() - started - adapt_seconds
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


def read_test(model: CoZAD, category: Category, *, progress: bool = False) -> Images:
    """Read the test images of a category, in the order of its list."""
    return Images.read(model, [item.image for item in category.test], progress=progress)


def peak_memory_mb() -> float | None:
    """Give the highest memory use of this process so far in MB, or None where unknown."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1e6 if sys.platform == "darwin" else 1e3), 1)


def _choose(name: str, category: Category, k: int, seed: int) -> list[ImageFile]:
    """Choose K normal images of the training folder."""
    if len(category.train_good) < k:
        raise CozadError(
            f"few-{k} needs {k} images in {name}/train/good, which holds "
            f"{len(category.train_good)}: choose a smaller K"
        )
    chosen = np.random.default_rng(seed).choice(len(category.train_good), size=k, replace=False)
    return [category.train_good[i] for i in chosen]


def _metrics(
    model: CoZAD, category: Category, scores: Tensor, sizes: Sequence[tuple[int, int]]
) -> dict[str, Any]:
    settings = model.settings
    labels = np.array([item.is_anomalous for item in category.test])
    maps = pixel_maps(scores, sizes, settings.smoothing / settings.image_size)
    masks = [
        read_mask(item.mask, size) if item.mask else None
        for item, size in zip(category.test, sizes, strict=True)
    ]
    of_images = image_scores(scores.flatten(1), settings.top_share).double().numpy()
    counts = {"n_normal": int((~labels).sum()), "n_anomalous": int(labels.sum())}
    return {**counts, **category_metrics(of_images, labels, maps, masks)}


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
