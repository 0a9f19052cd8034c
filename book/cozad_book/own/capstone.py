"""Train and score by a student's capstone and by the package, on the same images."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cozad_book.listings import Table, table
from cozad_book.own.pieces import collect
from cozad_teach.adaptation import adapt_supports, places_and_noise, support_weights
from cozad_teach.backbones import load_backbone
from cozad_teach.contrastive import embed, embed_covariance
from cozad_teach.data.drawn.textures import AUXILIARY_CATEGORIES, draw_category
from cozad_teach.evaluation.metrics import image_auroc
from cozad_teach.features import extract_features, standardise, unit_length
from cozad_teach.maml import Parameters
from cozad_teach.objectives import starting_point
from cozad_teach.scoring import mahalanobis
from cozad_teach.settings import LITE, Settings
from cozad_teach.training.auxiliary import prepare_auxiliary
from cozad_teach.training.episodes import patch_labels, sample_meta_batch
from cozad_teach.training.meta_training import next_decay, take_step

__all__ = ["Setting", "compare", "prepare"]

SMALL = dataclasses.replace(LITE, meta_steps=4, tasks_per_step=2, patches_per_image=16)
Batch = list[dict[str, Any]]


@dataclasses.dataclass(frozen=True)
class Setting:
    """What both are given, in float64.

    Attributes
    ----------
    settings : Settings
        Few meta-steps of few tasks.
    theta : torch.Tensor
        The starting point, a vector.
    batches : list of list of dict
        Tasks of each meta-step, as the notebook says what one holds.
    prior : torch.Tensor
        Shape (C, C).
    z : torch.Tensor
        Patch features of a batch of new images, shape (N, P, C).
    damaged : torch.Tensor
        Boolean, shape (N, P): only to measure by.
    places, noise : torch.Tensor
        Those of the inner loop on the batch.
    """

    settings: Settings
    theta: Tensor
    batches: list[Batch]
    prior: Tensor
    z: Tensor
    damaged: Tensor
    places: Tensor
    noise: Tensor


def prepare(settings: Settings = SMALL) -> Setting:
    """Draw materials to train on and a batch of wool to score."""
    backbone = load_backbone(settings.backbone, settings.strides)
    size = (settings.image_size, settings.image_size)
    drawn = [draw_category(name, 8, 4, seed=0, size=size) for name in AUXILIARY_CATEGORIES[::9]]
    auxiliary = prepare_auxiliary(backbone, drawn, settings)
    prior = auxiliary.prior.double()
    chance, generator = np.random.default_rng(0), torch.Generator().manual_seed(0)
    batches = []
    for _ in range(settings.meta_steps):
        drawn_tasks = sample_meta_batch(auxiliary.categories, chance, settings)
        noise = torch.randn(drawn_tasks.support[:, :1].shape, generator=generator).double()
        parts = (drawn_tasks.support, noise, drawn_tasks.query, drawn_tasks.query_anomalous)
        batches.append([_task(prior, *task) for task in zip(*parts, strict=True)])
    wool = draw_category("knit_wool", 8, 4, seed=1, size=size)
    grids = extract_features(backbone, list(wool.images), settings.image_size)
    scaled = standardise(grids, auxiliary.mean, auxiliary.std)
    z = unit_length(scaled, backbone.level_channels).flatten(1, 2).double()  # (N, P, C)
    damaged = patch_labels(wool.masks, (grids.shape[1], grids.shape[2]))
    start = _vector(starting_point(z.shape[-1]))
    drawn_for_z = places_and_noise(z[None], settings, seed=0)
    return Setting(settings, start, batches, prior, z, damaged, *drawn_for_z)


def compare(given: Setting, fit: Callable[..., Tensor], score: Callable[..., Tensor]) -> Table:
    """Train and score with a student's functions and with the package.

    Parameters
    ----------
    given : Setting
        Of `prepare`.
    fit, score : callable
        The last two steps of the capstone.

    Returns
    -------
    Table
        The greatest difference between the two, in θ and in the scores, and the AUROC of patches.
    """
    collect()
    trained, decay = _package_fit(given)
    expected = _package_scores(given, trained, decay)
    own_theta = fit(given.theta, given.batches, given.settings)
    if not isinstance(own_theta, Tensor):
        return table(["what", "so far"], [["fit", "gives no θ yet: solve step 9 first"]])
    values = (given.places, given.noise, given.prior, decay, given.settings)
    own_scores = score(given.z, own_theta, *values)
    if not isinstance(own_scores, Tensor):
        return table(["what", "so far"], [["score", "gives no scores yet: solve step 10 first"]])
    truth = given.damaged.flatten().numpy()
    rows: list[list[object]] = [
        ["θ, greatest difference", f"{float((own_theta - _vector(trained)).abs().max()):.1e}"],
        ["scores, greatest difference", f"{float((own_scores - expected).abs().max()):.1e}"],
        ["AUROC of patches, yours", f"{image_auroc(own_scores.flatten().numpy(), truth):.4f}"],
        [
            "AUROC of patches, the package's",
            f"{image_auroc(expected.flatten().numpy(), truth):.4f}",
        ],
    ]
    return table(["your CoZAD and the package's", ""], rows)


def _task(prior: Tensor, support: Tensor, noise: Tensor, query: Tensor, odd: Tensor) -> Any:
    return {
        "support": support.double(),
        "noise": noise,
        "prior": prior,
        "query": query.double(),
        "query_anomalous": odd,
    }


def _vector(theta: Parameters) -> Tensor:
    """Write θ as the vector that the capstone uses."""
    parts = [theta["head"].flatten(), theta["log_slope"][None], theta["offset"][None]]
    return torch.cat(parts).double()


def _package_fit(given: Setting) -> tuple[Parameters, float]:
    """Take the package's meta-steps on the given tasks; give θ and the last λ."""
    settings = given.settings
    theta = {name: value.double() for name, value in starting_point(given.z.shape[-1]).items()}
    optimiser = torch.optim.Adam(theta.values(), lr=settings.outer_learning_rate)
    losses: list[tuple[float, float, float]] = []
    for batch in given.batches:
        decay = next_decay(losses, settings)
        tasks = {name: torch.stack([task[name] for task in batch]) for name in batch[0]}
        moved = embed_covariance(given.prior, theta["head"]).expand(len(batch), -1, -1)
        tasks["weights"] = support_weights(embed(tasks["support"], theta["head"]), moved, settings)
        tasks["decay"] = torch.full((len(batch),), decay, dtype=torch.float64)
        losses.append((*take_step(theta, optimiser, tasks, settings), decay))
    return theta, losses[-1][2]


def _package_scores(given: Setting, theta: Parameters, decay: float) -> Tensor:
    values = (given.prior, decay, given.settings)
    found = adapt_supports(theta, given.z[None], *values, by_place=True)
    return mahalanobis(found.embeddings[0], found.mean[0], found.covariance[0])
