"""Train the head of a student's detector: torch gives gradients, their functions decide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.func import grad, vmap

from cozad_book.own.features import Features
from cozad_book.own.pieces import Pieces
from cozad_teach.contrastive import embed, supervised_contrastive_loss
from cozad_teach.settings import LITE

__all__ = ["Training", "train_head"]

N_NORMAL, N_ANOMALOUS = 48, 16
LABELS = np.arange(N_NORMAL + N_ANOMALOUS) >= N_NORMAL
N_STEPS, EVERY = 40, 5
# Of Reptile: tasks of an outer step, gradient steps on each, their size, and that of the outer one.
N_TASKS, N_INNER, RATE, SHARE = 4, 3, 0.2, 0.5
_contrast = vmap(supervised_contrastive_loss, in_dims=(0, None, None))
Step = Callable[[Tensor, float], Tensor]


@dataclass(frozen=True)
class Training:
    """A head, and how it came about.

    Attributes
    ----------
    head : numpy.ndarray
        A, shape (C, C).
    step : int
        Which step it is of: the best for the loss on materials that were kept back.
    decay : float
        λ of the last step.
    """

    head: np.ndarray
    step: int
    decay: float


def train_head(pieces: Pieces, features: Features, chapter: int) -> Training:
    """Train the head as far as the chapters have come.

    Parameters
    ----------
    pieces : Pieces
        From chapter 3 on the student's loss chooses the step. From chapter 5 on their λ(Σ) holds
        the head back. From chapter 6 on the steps are those of Reptile, the outer one theirs.
    features : Features
        A ninth of the auxiliary materials is kept back from the gradients.
    chapter : int
        From 3.
    """
    patches = _choose(features)
    kept_back = np.arange(len(patches)) % 9 == 4
    learnt_from = torch.from_numpy(patches[~kept_back])
    others = torch.from_numpy(patches[kept_back][:, ::2])  # a loss with loops takes its time

    def own_loss(head: Tensor) -> float:
        loss, labels = pieces["contrastive.supervised"], LABELS[::2]
        embedded = embed(others, head).numpy()
        return float(np.mean([loss(e, labels, LITE.temperature) for e in embedded]))

    def loss_of(head: Tensor, materials: Tensor, decay: float) -> Tensor:
        contrast = _contrast(embed(materials, head), torch.from_numpy(LABELS), LITE.temperature)
        return contrast.mean() + decay * head.square().sum()

    take = (_adam if chapter < 6 else _reptile)(loss_of, learnt_from, pieces)
    head = torch.zeros(patches.shape[-1], patches.shape[-1], dtype=torch.float64)
    best, decay = (own_loss(head), 0, head), 0.0
    losses: list[tuple[float, float]] = []
    for step in range(1, N_STEPS + 1):
        if chapter >= 5:
            losses.append((float(loss_of(head, learnt_from, 0.0)), own_loss(head)))
            decay = _decay(pieces, np.array(losses))
        head = take(head, decay)
        if step % EVERY == 0 and (now := own_loss(head)) < best[0]:
            best = now, step, head

    return Training(best[2].numpy(), best[1], decay)


def _adam(loss_of: Callable[..., Tensor], materials: Tensor, _: Pieces) -> Step:
    """Follow the gradient of all materials at once."""
    moved = torch.zeros(())
    optimisers: list[torch.optim.Adam] = []

    def take(head: Tensor, decay: float) -> Tensor:
        nonlocal moved
        if not optimisers:
            moved = head.clone().requires_grad_()
            optimisers.append(torch.optim.Adam([moved], lr=LITE.outer_learning_rate))
        moved.grad = grad(loss_of)(moved.detach(), materials, decay)
        optimisers[0].step()
        return moved.detach().clone()

    return take


def _reptile(loss_of: Callable[..., Tensor], materials: Tensor, pieces: Pieces) -> Step:
    """Adapt to a few materials, each by itself, and let the student's outer step move the head."""
    chance = np.random.default_rng(0)

    def take(head: Tensor, decay: float) -> Tensor:
        adapted = []
        for task in chance.choice(len(materials), N_TASKS, replace=False):
            inner = head
            for _ in range(N_INNER):
                inner = inner - RATE * grad(loss_of)(inner, materials[task : task + 1], decay)
            adapted.append(inner.numpy().ravel())
        moved = pieces["maml.reptile_step"](head.numpy().ravel(), np.stack(adapted), SHARE)
        return torch.from_numpy(np.array(moved, dtype=float).reshape(head.shape))

    return take


def _decay(pieces: Pieces, losses: np.ndarray) -> float:
    sigma = pieces["covariance.loss_covariance"](losses, LITE.window)
    values = (LITE.base_decay, LITE.decay_growth, LITE.determinant_cap)
    return float(pieces["covariance.decay_strength"](np.asarray(sigma), *values))


def _choose(features: Features) -> np.ndarray:
    """Choose normal and anomalous patches of each material, in this order."""
    chance, chosen = np.random.default_rng(0), []
    flat = features.auxiliary.reshape(len(features.auxiliary), -1, features.auxiliary.shape[-1])
    for patches, anomalous in zip(flat, features.anomalous.reshape(len(flat), -1), strict=True):
        # A small defect has fewer patches than are wanted: then they repeat.
        places = [
            np.resize(chance.permutation(np.flatnonzero(anomalous == odd)), n)
            for odd, n in ((False, N_NORMAL), (True, N_ANOMALOUS))
        ]
        chosen.append(patches[np.concatenate(places)])
    return np.stack(chosen)
