"""Chapter 7: what the inner loop and the outer loop minimise: one loss without labels, one with."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from cozad_teach.contrastive import embed, embed_covariance, supervised_contrastive_loss
from cozad_teach.maml import Parameters
from cozad_teach.scoring import calibrate, gaussian_statistics, mahalanobis
from cozad_teach.settings import Settings

__all__ = [
    "distances",
    "inner_loss",
    "query_loss",
    "starting_point",
    "support_statistics",
    "task_statistics",
]

Task = dict[str, Tensor]


def starting_point(channels: int, device: torch.device | str = "cpu") -> Parameters:
    """Give θ before any training: the identity as head, and logits near -1 for normal patches."""
    return {
        "head": torch.zeros(channels, channels, device=device),
        "log_slope": torch.tensor(1.0, device=device),
        "offset": torch.tensor(-1.0, device=device),
    }


def support_statistics(
    embeddings: Tensor,
    weights: Tensor,
    prior: Tensor,
    settings: Settings,
    *,
    by_place: bool = False,
) -> tuple[Tensor, Tensor]:
    """Give the statistics of an embedded support as the settings want them.

    Parameters
    ----------
    embeddings : torch.Tensor
        Shape (K, P, C).
    weights : torch.Tensor
        Confidence weights, shape (K, P).
    prior : torch.Tensor
        Shape (C, C), the auxiliary covariance in this embedding.
    settings : Settings
        Gives ρ and n_0.
    by_place : bool
        As in `cozad_teach.scoring.gaussian_statistics`.

    Returns
    -------
    mean, covariance : torch.Tensor
        As `cozad_teach.scoring.gaussian_statistics`.
    """
    return gaussian_statistics(
        embeddings,
        weights,
        settings.shrinkage,
        prior=prior,
        prior_images=settings.prior_images,
        by_place=by_place,
    )


def task_statistics(theta: Parameters, task: Task, settings: Settings) -> tuple[Tensor, Tensor]:
    """Give the `support_statistics` of a task's support in the embedding of θ.

    Parameters
    ----------
    theta, task, settings
        As in `inner_loss`; of the task ``support``, ``weights`` and ``prior`` are used.

    Returns
    -------
    mean, covariance : torch.Tensor
        Shapes (C,) and (C, C).
    """
    return support_statistics(
        embed(task["support"], theta["head"]),
        task["weights"],
        embed_covariance(task["prior"], theta["head"]),
        settings,
    )


def distances(theta: Parameters, features: Tensor, mean: Tensor, covariance: Tensor) -> Tensor:
    """Embed patches and measure how far they lie from the statistics of normal ones.

    Parameters
    ----------
    theta : dict of torch.Tensor
        ``head`` (C, C) is used.
    features : torch.Tensor
        Shape (..., C), or (..., P, C) for means by place.
    mean, covariance : torch.Tensor
        Of `support_statistics`.

    Returns
    -------
    torch.Tensor
        As `cozad_teach.scoring.mahalanobis`.
    """
    return mahalanobis(embed(features, theta["head"]), mean, covariance)


def inner_loss(theta: Parameters, task: Task, settings: Settings) -> Tensor:
    """Tell real support patches from perturbed ones, without any label, equation (inner-loss).

    Parameters
    ----------
    theta : dict of torch.Tensor
        ``head`` (C, C), ``log_slope`` and ``offset``.
    task : dict of torch.Tensor
        ``support`` (K, P, C), ``weights`` (K, P), ``prior`` (C, C), the auxiliary covariance of
        features, ``noise`` that is added to the support (of a shape that broadcasts) and
        ``decay``, λ(Σ).
    settings : Settings
        Gives ρ and n_0 of the support statistics.

    Returns
    -------
    torch.Tensor
        Σ w ℓ / Σ w + λ(Σ)‖A‖² over all patches, where ℓ is the logistic loss of calling a patch
        normal and its perturbed copy anomalous. The penalty leaves the calibration alone.
    """
    statistics = task_statistics(theta, task, settings)
    # Together, since the inverse in a distance takes longer than the distance.
    patches = torch.stack([task["support"], task["support"] + task["noise"]])
    real, perturbed = distances(theta, patches, *statistics)
    calibration = theta["log_slope"], theta["offset"]
    per_patch = F.softplus(calibrate(real, *calibration))
    per_patch = per_patch + F.softplus(-calibrate(perturbed, *calibration))
    weights = task["weights"]
    return (weights * per_patch).sum() / weights.sum() + _penalty(theta, task)


def query_loss(theta: Parameters, task: Task, settings: Settings) -> Tensor:
    """Judge adapted parameters on labelled query patches, equation (query-loss).

    Parameters
    ----------
    theta : dict of torch.Tensor
        Adapted parameters θ'.
    task : dict of torch.Tensor
        As in `inner_loss`, and ``query`` (Q, P, C) with boolean ``query_anomalous`` (Q, P).
    settings : Settings
        Gives ρ, n_0, τ and the weight of the contrastive loss.

    Returns
    -------
    torch.Tensor
        Logistic loss, averaged over anomalous and over normal patches apart, so that the few
        anomalous ones weigh as much, plus the weighted supervised contrastive loss, plus
        λ(Σ)‖A‖².
    """
    statistics = task_statistics(theta, task, settings)
    logits = calibrate(
        distances(theta, task["query"], *statistics),
        theta["log_slope"],
        theta["offset"],
    )
    wrong = task["query_anomalous"]
    missed = torch.where(wrong, F.softplus(-logits), 0.0).sum() / wrong.sum().clamp(min=1)
    false_alarm = torch.where(wrong, 0.0, F.softplus(logits)).sum() / (~wrong).sum().clamp(min=1)
    contrastive = supervised_contrastive_loss(
        embed(task["query"], theta["head"]).flatten(0, 1),
        wrong.flatten(),
        settings.temperature,
    )
    weighted = settings.contrastive_weight * contrastive
    return missed + false_alarm + weighted + _penalty(theta, task)


def _penalty(theta: Parameters, task: Task) -> Tensor:
    return task["decay"] * theta["head"].square().sum()
