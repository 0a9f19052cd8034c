"""Small worlds, in each of which one part of the method must win, and a dial to stop it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from cozad_teach.adaptation import support_weights
from cozad_teach.contrastive import embed, supervised_contrastive_loss
from cozad_teach.evaluation.metrics import image_auroc
from cozad_teach.maml import inner_loop
from cozad_teach.scoring import gaussian_statistics, mahalanobis
from cozad_teach.settings import LITE

__all__ = ["WORLDS", "World"]

SEEDS = range(5)


@dataclass(frozen=True)
class World:
    """A part, a dial, and what the part is worth along it.

    Attributes
    ----------
    part : str
        Of the method.
    variant, experiment, protocol : str
        Where the ledger has the method without it.
    dial : str
        What it turns.
    values : tuple of float
        Of the dial.
    gain : callable
        ``gain(value, seed)``: AUROC of patches with the part less that without it; for the inner
        loop, mean squared error without it less that with it.
    """

    part: str
    variant: str
    experiment: str
    protocol: str
    dial: str
    values: tuple[float, ...]
    gain: Callable[[float, int], float]

    def gains(self) -> np.ndarray:
        """Give the gain for each value of the dial and each seed, shape (values, seeds)."""
        return np.array([[self.gain(value, seed) for seed in SEEDS] for value in self.values])


def _normal(seed: int, *shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def _some(share: float, seed: int, *shape: int) -> Tensor:
    """Choose a share of the patches, one at least."""
    chance = torch.rand(*shape, generator=torch.Generator().manual_seed(seed))
    return chance <= max(share, float(chance.min()))


def _auroc(scores: Tensor, odd: Tensor) -> float:
    return image_auroc(scores.flatten().numpy(), odd.flatten().numpy())


def _detect(z: Tensor, odd: Tensor, weights: Tensor | None = None, **options: object) -> float:
    """Score a batch (N, P, D) by its own statistics; give the AUROC of its patches."""
    weights = torch.ones(z.shape[:2]) if weights is None else weights
    statistics = gaussian_statistics(z, weights, LITE.shrinkage, **options)  # type: ignore[arg-type]
    return _auroc(mahalanobis(z, *statistics), odd)


def _contrastive(share: float, seed: int) -> float:
    """Let all defects of a material move in one direction, so that many of them hide each other."""

    def material(number: int, share: float) -> tuple[Tensor, Tensor]:
        z = _normal(number, 96, 16)
        z[:, 8:] += 2.0
        odd = torch.arange(96) >= round(96 * (1 - share))
        z[odd, 8:] += 5.6 * F.normalize(_normal(number + 1, 8), dim=-1)
        return z, odd

    materials = torch.stack([material(1000 * seed + 10 * k, 0.25)[0] for k in range(8)])
    labels = material(0, 0.25)[1]
    head = torch.zeros(16, 16, requires_grad=True)
    optimiser = torch.optim.Adam([head], lr=0.03)
    contrast = torch.func.vmap(supervised_contrastive_loss, in_dims=(0, None, None))
    for _ in range(50):
        optimiser.zero_grad()
        contrast(embed(materials, head), labels, LITE.temperature).mean().backward()
        optimiser.step()
    target, odd = material(1000 * seed + 777, share)
    found = [
        _detect(embed(target, A)[None], odd[None]) for A in (head.detach(), torch.zeros(16, 16))
    ]
    return found[0] - found[1]


def _weights(share: float, seed: int) -> float:
    """Let a share of the patches lie in one cluster, beside the normal ones."""
    z, odd = _normal(seed, 8, 50, 6), _some(share, seed, 8, 50)
    z[odd] = 0.7 * z[odd] + 2.2
    settings = dataclasses.replace(LITE, prior_images=0.0)
    soft = support_weights(z[None], torch.eye(6)[None], settings)[0]
    return _detect(z, odd, soft) - _detect(z, odd)


def _inner_loop(spread: float, seed: int) -> float:
    """Let the slopes of tasks differ; start from their mean, with ten noisy points of each."""
    random = np.random.default_rng(seed)
    gains = []
    for _ in range(40):
        slope = float(random.normal(0, spread))
        x, test = (torch.tensor(random.normal(size=10)) for _ in range(2))
        y = slope * x + 0.5 * torch.tensor(random.normal(size=10))
        start = {"slope": torch.tensor(0.0, dtype=torch.float64)}

        def loss(theta: dict[str, Tensor], x: Tensor = x, y: Tensor = y) -> Tensor:
            return (theta["slope"] * x - y).square().mean()

        adapted = inner_loop(start, loss, steps=3, learning_rate=0.2)
        error = [
            (theta["slope"] * test - slope * test).square().mean() for theta in (start, adapted)
        ]
        gains.append(float(error[0] - error[1]))
    return float(np.mean(gains))


def _prior(images: float, seed: int) -> float:
    """Let materials share a covariance of many channels, and a support have few images."""
    d, n = 24, int(images)
    spread = torch.logspace(-1, 0.5, d)
    z = _normal(seed, n + 4, 10, d) * spread
    odd = torch.zeros(n + 4, 10, dtype=torch.bool)
    odd[n:, :3] = True
    z[odd] += 0.45 * _normal(seed + 1, d).sign() * (spread < 0.4)
    found = []
    for n_prior in (12.0, 0.0):
        statistics = gaussian_statistics(
            z[:n], torch.ones(n, 10), 0.02, prior=torch.diag(spread**2), prior_images=n_prior
        )
        found.append(_auroc(mahalanobis(z[n:], *statistics), odd[n:]))
    return found[0] - found[1]


def _places(contrast: float, seed: int) -> float:
    """Let the places of a product differ, as disc and cloth do."""
    z = _normal(seed, 10, 49, 6) + contrast * _normal(seed + 1, 49, 6)
    odd = _some(0.04, seed, 10, 49)
    z[odd] += 2.0 * _normal(seed + 2, 6).sign()
    return _detect(z, odd, by_place=True) - _detect(z, odd)


WORLDS = (
    World(
        "the contrastive head",
        *("no contrastive loss", "ablation", "batch"),
        "share of the patches that are anomalous",
        (0.02, 0.05, 0.1, 0.15, 0.2, 0.25),
        _contrastive,
    ),
    World(
        "confidence weights",
        *("no weights", "ablation", "batch"),
        "share of the patches that are anomalous",
        (0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.45),
        _weights,
    ),
    World(
        "the inner loop",
        *("no inner loop", "ablation", "batch"),
        "how far the slopes of the tasks differ",
        (0.0, 0.1, 0.2, 0.3, 0.4, 0.5),
        _inner_loop,
    ),
    World(
        "the prior",
        *("no prior", "ablation_single", "single"),
        "images in the support",
        (1.0, 2.0, 4.0, 8.0, 16.0, 32.0),
        _prior,
    ),
    World(
        "a mean for each place",
        *("one mean", "ablation", "batch"),
        "how far places differ",
        (0.0, 0.5, 1.0, 2.0, 3.0, 4.0),
        _places,
    ),
)
