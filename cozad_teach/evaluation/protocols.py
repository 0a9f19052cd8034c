"""What a detector may see of its target: single, batch, few-K."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from cozad_teach.cozad import CoZAD
from cozad_teach.data.folders import Category, ImageFile, read_image
from cozad_teach.data.hashes import image_hash
from cozad_teach.errors import CozadError
from cozad_teach.evaluation import baselines

__all__ = [
    "METHODS",
    "PROTOCOLS",
    "Images",
    "check",
    "choose_support",
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
    seconds : float
        Wall time of reading the files and extracting the features.
    """

    features: Tensor
    sizes: tuple[tuple[int, int], ...]
    hashes: dict[str, str]
    seconds: float

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

        started = time.perf_counter()
        features = model.features([reader(file) for file in files], progress=progress)
        return cls(features, tuple(sizes), hashes, time.perf_counter() - started)


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
    check(method, protocol)
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
    if own and len(test) < 2:
        raise CozadError(f"{method} compares test images with each other: it needs two or more")
    if method == "knn":
        return baselines.nearest_neighbour_scores(
            test, support, is_test=own, seed=seed, progress=progress
        ), 0.0
    assert support is not None
    return baselines.mutual_scores(test, support, is_test=own, seed=seed, progress=progress), 0.0


def read_test(model: CoZAD, category: Category, *, progress: bool = False) -> Images:
    """Read the test images of a category, in the order of its list."""
    return Images.read(model, [item.image for item in category.test], progress=progress)


def check(method: str, protocol: str) -> None:
    """Refuse what cannot run, before any image is read.

    Raises
    ------
    CozadError
        If method or protocol is unknown, or the two do not go together.
    """
    parse_protocol(protocol)
    if method not in METHODS:
        raise CozadError(f"unknown method {method!r}: choose from {', '.join(METHODS)}")
    if (method, protocol) == ("mutual", "single"):
        raise CozadError("mutual scoring compares test images with each other: use protocol batch")


def choose_support(name: str, category: Category, k: int, seed: int) -> list[ImageFile]:
    """Choose K normal images of a category's training folder at random.

    Raises
    ------
    CozadError
        If the folder holds fewer.
    """
    if len(category.train_good) < k:
        raise CozadError(
            f"few-{k} needs {k} images in {name}/train/good, which holds "
            f"{len(category.train_good)}: choose a smaller K"
        )
    chosen = np.random.default_rng(seed).choice(len(category.train_good), size=k, replace=False)
    return [category.train_good[i] for i in chosen]
