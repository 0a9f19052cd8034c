"""The methods that are compared, and a run of one of them under a protocol."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from cozad_teach.adaptation import Adapted
from cozad_teach.cozad import CoZAD
from cozad_teach.errors import CozadError
from cozad_teach.evaluation.baselines import training_free
from cozad_teach.evaluation.baselines.discriminator import discriminator_scores
from cozad_teach.evaluation.protocols import Protocol
from cozad_teach.features import unit_length

__all__ = ["METHODS", "Method", "Run", "Target", "suits"]


@dataclass(frozen=True)
class Target:
    """What a method sees of a category, as features by one model.

    Attributes
    ----------
    test : torch.Tensor
        Standardised patch features of the images to score, shape (N, h, w, C).
    support : torch.Tensor or None
        Those of the images that say what is normal, shape (M, h, w, C); None where each test image
        stands alone.
    own : bool
        Whether the support is the test images themselves.
    seed : int
        Decides which patches or images a baseline keeps where it must leave some out.
    progress : bool
        Show a bar if it takes more than two seconds.
    """

    test: Tensor
    support: Tensor | None
    own: bool
    seed: int
    progress: bool


@dataclass(frozen=True)
class Method:
    """A way to score patches.

    Attributes
    ----------
    name : str
        As on the command line.
    score : callable
        From the model, which gives backbone, standardisation and settings to every method, a
        `Target`, and what the model has adapted to, if it adapts: scores (N, h, w).
    adapts : bool
        Whether it uses what the model learnt.
    compares : bool
        Whether it needs other images beside the one that it scores.
    unit_length : bool
        Whether it gets features of unit length by level, as CoZAD does.
    several_backbones : bool
        Whether its scores are the mean over several backbones.
    """

    name: str
    score: Callable[[CoZAD, Target, Adapted | None], Tensor]
    adapts: bool = False
    compares: bool = False
    unit_length: bool = False
    several_backbones: bool = False

    def suits(self, protocol: Protocol) -> bool:
        """Say whether the method works under a protocol.

        One image alone tells some of them nothing. Features of unit length are compared where
        CoZAD competes with its baselines, in the protocols without normal images.
        """
        if self.unit_length and not protocol.zero_shot:
            return False
        return not (self.compares and protocol.alone)


def _cozad(model: CoZAD, target: Target, adapted: Adapted | None) -> Tensor:
    if adapted is None:
        return model.score_singly(target.test, progress=target.progress)
    itself = torch.arange(len(target.test)) if target.own else None
    return model.score(target.test, adapted, own=itself)


def _mahalanobis(model: CoZAD, target: Target, _: Adapted | None) -> Tensor:
    shrinkage = model.settings.shrinkage
    return training_free.mahalanobis_scores(
        target.test, target.support, shrinkage=shrinkage, progress=target.progress
    )


def _knn(model: CoZAD, target: Target, _: Adapted | None) -> Tensor:
    _check_number("knn", target)
    return training_free.nearest_neighbour_scores(
        target.test,
        target.support,
        is_test=target.own,
        seed=target.seed,
        progress=target.progress,
    )


def _mutual(model: CoZAD, target: Target, _: Adapted | None) -> Tensor:
    _check_number("mutual", target)
    assert target.support is not None
    return training_free.mutual_scores(
        target.test,
        target.support,
        is_test=target.own,
        seed=target.seed,
        progress=target.progress,
    )


def _discriminator(model: CoZAD, target: Target, _: Adapted | None) -> Tensor:
    assert target.support is not None
    return discriminator_scores(
        target.test, target.support, seed=target.seed, progress=target.progress
    )


def _check_number(name: str, target: Target) -> None:
    if target.own and len(target.test) < 2:
        raise CozadError(f"{name} compares test images with each other: it needs two or more")


METHODS = {
    method.name: method
    for method in (
        Method("cozad", _cozad, adapts=True),
        Method("mahalanobis", _mahalanobis),
        Method("mahalanobis-unit", _mahalanobis, unit_length=True),
        Method("knn", _knn),
        Method("knn-unit", _knn, unit_length=True),
        Method("mutual", _mutual, compares=True),
        Method("mutual-unit", _mutual, compares=True, unit_length=True),
        Method("discriminator", _discriminator, compares=True),
        Method("ensemble", _mahalanobis, several_backbones=True),
    )
}


def suits(method: str, protocol: str) -> bool:
    """Say whether a method, or a variant of CoZAD, works under a protocol; both by name."""
    return METHODS.get(method, METHODS["cozad"]).suits(Protocol.parse(protocol))


@dataclass(frozen=True)
class Run:
    """A method under a protocol that suits it, and the seed of what is drawn."""

    method: Method
    protocol: Protocol
    seed: int = 0

    @classmethod
    def of(cls, method: str, protocol: str, seed: int = 0) -> Run:
        """Make a run from names, before any image is read.

        Raises
        ------
        CozadError
            If method or protocol is unknown, or the two do not go together.
        """
        seen = Protocol.parse(protocol)
        if method not in METHODS:
            raise CozadError(f"unknown method {method!r}: choose from {', '.join(METHODS)}")
        run = cls(METHODS[method], seen, seed)
        if not run.method.suits(seen):
            if seen.alone:
                raise CozadError(f"{method} compares an image with others: use protocol batch")
            raise CozadError(f"{method} is for the protocols single and batch: choose one of them")
        return run

    def score(
        self,
        models: Sequence[CoZAD],
        test: Sequence[Tensor],
        support: Sequence[Tensor] | None = None,
        *,
        progress: bool = False,
    ) -> tuple[Tensor, float]:
        """Score the patches of test images.

        Parameters
        ----------
        models : sequence of CoZAD
            One for each backbone; methods of one backbone use the first.
        test : sequence of torch.Tensor
            By each model, standardised patch features, shape (N, h, w, C).
        support : sequence of torch.Tensor, optional
            The same of the normal images of ``few-K`` and ``full``, shape (K, h, w, C).
        progress : bool
            Show a bar if it takes more than two seconds.

        Returns
        -------
        scores : torch.Tensor
            On the CPU, shape (N, h, w), higher is more anomalous.
        seconds : float
            The share of the time that went into adapting to the support, where that is a step of
            its own.

        Raises
        ------
        CozadError
            If normal images are missing or too many, or the method fails on these images.
        """
        if self.protocol.zero_shot != (support is None):
            raise CozadError("few-K and full, and only they, need normal images of the target")
        used = models if self.method.several_backbones else models[:1]
        seconds, scores = 0.0, []
        for place, model in enumerate(used):
            target = self._target(model, test[place], support[place] if support else None, progress)
            started = time.perf_counter()
            adapted = None
            if self.method.adapts and target.support is not None:
                # Nothing is to be mistrusted in images that are known to be normal.
                adapted = model.adapt(target.support, normal=not self.protocol.zero_shot)
            seconds += time.perf_counter() - started
            scores.append(self.method.score(model, target, adapted))
        if self.method.several_backbones:
            return training_free.ensemble_scores(scores).cpu(), seconds
        return scores[0].cpu(), seconds

    def _target(self, model: CoZAD, test: Tensor, support: Tensor | None, progress: bool) -> Target:
        if self.method.unit_length:
            test = unit_length(test, model.backbone.level_channels)
        if self.protocol.together:
            support = test
        return Target(test, support, self.protocol.together, self.seed, progress)
