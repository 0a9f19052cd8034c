"""What a detector may see of its target: single, batch, few-K, full."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence

import torch
from torch import Tensor

from cozad_teach.cozad import CoZAD
from cozad_teach.errors import CozadError
from cozad_teach.evaluation.baselines import training_free as baselines
from cozad_teach.evaluation.baselines.discriminator import discriminator_scores
from cozad_teach.features import unit_length

__all__ = [
    "METHODS",
    "PROTOCOLS",
    "check",
    "method_scores",
    "parse_protocol",
    "patch_scores",
    "suits",
]

METHODS = (
    *("cozad", "mahalanobis", "mahalanobis-unit", "knn", "knn-unit", "mutual", "mutual-unit"),
    *("discriminator", "ensemble"),
)
PROTOCOLS = "single, batch, full, or few-K such as few-4"
_NEED_OTHERS = ("mutual", "mutual-unit", "discriminator")
# A baseline of that suffix gets features of unit length by level, as CoZAD does.
_UNIT = "-unit"


def parse_protocol(protocol: str) -> float:
    """Check a protocol's name and give its number of normal target images.

    Parameters
    ----------
    protocol : str
        ``single``: a test image is its own support. ``batch``: the unlabelled test images of the
        category are. ``few-K``: K normal images of the category are; ``full``: all there are.

    Returns
    -------
    float
        0 for the two protocols that see no normal image, K, or infinity.

    Raises
    ------
    CozadError
        If the name is none of these.
    """
    if protocol in ("single", "batch"):
        return 0
    if protocol == "full":
        return math.inf
    name, _, number = protocol.partition("-")
    if name == "few" and number.isascii() and number.isdecimal() and number[0] != "0":
        return int(number)
    raise CozadError(f"unknown protocol {protocol!r}: choose {PROTOCOLS}")


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
    """Score the patches of test images by a method under a protocol.

    Parameters
    ----------
    model : CoZAD
        Gives backbone, standardisation and settings to every method; only `method` ``cozad``
        uses what it learnt.
    method : str
        One of `METHODS`; not ``ensemble``, which needs features of several backbones.
    protocol : str
        See `parse_protocol`.
    test : torch.Tensor
        Standardised patch features, shape (N, h, w, C).
    support : torch.Tensor, optional
        The normal images of ``few-K`` and ``full``, shape (K, h, w, C).
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
    if (parse_protocol(protocol) == 0) != (support is None):
        raise CozadError("few-K and full, and only they, need normal images of the target")
    own = protocol == "batch"
    if own:
        support = test
    if method == "cozad":
        if support is None:
            return model.score_singly(test, progress=progress), 0.0
        started = time.perf_counter()
        adapted = model.adapt(support)
        seconds = time.perf_counter() - started
        itself = torch.arange(len(test)) if own else None
        return model.score(test, adapted, own=itself), seconds
    if method.endswith(_UNIT):
        method = method.removesuffix(_UNIT)
        test = unit_length(test, model.backbone.level_channels)
        support = test if own else support
    if method == "mahalanobis":
        shrinkage = model.settings.shrinkage
        return baselines.mahalanobis_scores(
            test, support, shrinkage=shrinkage, progress=progress
        ), 0.0
    if own and method in ("knn", "mutual") and len(test) < 2:
        raise CozadError(f"{method} compares test images with each other: it needs two or more")
    if method == "knn":
        return baselines.nearest_neighbour_scores(
            test, support, is_test=own, seed=seed, progress=progress
        ), 0.0
    assert support is not None
    if method == "discriminator":
        return discriminator_scores(test, support, seed=seed, progress=progress), 0.0
    return baselines.mutual_scores(test, support, is_test=own, seed=seed, progress=progress), 0.0


def suits(method: str, protocol: str) -> bool:
    """Say whether a method works under a protocol.

    One image alone tells some of them nothing. Features of unit length are compared where CoZAD
    competes with its baselines, in the protocols without normal images.
    """
    if method.endswith(_UNIT) and parse_protocol(protocol) > 0:
        return False
    return protocol != "single" or method not in _NEED_OTHERS


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
    if not suits(method, protocol):
        if protocol == "single":
            raise CozadError(f"{method} compares an image with others: use protocol batch")
        raise CozadError(f"{method} is for the protocols single and batch: choose one of them")


def method_scores(
    models: Sequence[CoZAD],
    method: str,
    protocol: str,
    test: Sequence[Tensor],
    support: Sequence[Tensor] | None = None,
    *,
    seed: int = 0,
    progress: bool = False,
) -> tuple[Tensor, float]:
    """Score the patches of test images by any method, the ensemble included.

    `test` and `support` hold the features by each of `models`; all but ``ensemble`` use the first.
    The rest as in `patch_scores`.
    """
    if method != "ensemble":
        return patch_scores(
            models[0],
            method,
            protocol,
            test[0],
            support[0] if support else None,
            seed=seed,
            progress=progress,
        )
    members = [
        patch_scores(model, "mahalanobis", protocol, features, support[n] if support else None)[0]
        for n, (model, features) in enumerate(zip(models, test, strict=True))
    ]
    return baselines.ensemble_scores(members), 0.0
