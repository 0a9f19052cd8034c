"""What the inner loop and the outer loop minimise: one loss without labels, one with."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from cozad_teach.contrastive import embed, supervised_contrastive_loss
from cozad_teach.maml import Parameters
from cozad_teach.scoring import calibrate, gaussian_statistics, mahalanobis
from cozad_teach.settings import Settings

__all__ = ["distances", "inner_loss", "query_loss", "starting_point"]

Task = dict[str, Tensor]


def starting_point(channels: int, device: torch.device | str = "cpu") -> Parameters:
    """Give θ before any training: the identity as head, and logits near 0 for normal patches."""
    return {
        "head": torch.zeros(channels, channels, device=device),
        "log_slope": torch.tensor(1.0, device=device),
        "offset": torch.tensor(-1.0, device=device),
    }


def distances(theta: Parameters, features: Tensor, mean: Tensor, covariance: Tensor) -> Tensor:
    """Embed patches and measure how far they lie from the statistics of normal ones."""
    return mahalanobis(embed(features, theta["head"]), mean, covariance)


def inner_loss(theta: Parameters, task: Task, shrinkage: float) -> Tensor:
    """Tell real support patches from perturbed ones, without any label, equation (inner-loss).

    Parameters
    ----------
    theta : dict of torch.Tensor
        ``head`` (C, C), ``log_slope`` and ``offset``.
    task : dict of torch.Tensor
        ``support`` (K, P, C), ``noise`` that is added to it (of a shape that broadcasts),
        ``weights`` (K,) and ``decay``, λ(Σ).
    shrinkage : float
        ρ of the support statistics.

    Returns
    -------
    torch.Tensor
        Σ w_i ℓ_i / Σ w_i + λ(Σ)‖A‖², where ℓ_i is the logistic loss of calling image i's patches
        normal and their perturbed copies anomalous. The penalty leaves the calibration alone.
    """
    weights = task["weights"]
    support = embed(task["support"], theta["head"])
    statistics = gaussian_statistics(support, weights, shrinkage)
    real = mahalanobis(support, *statistics)
    # The head is linear: the noise is embedded once and not again for every image.
    perturbed = mahalanobis(support + embed(task["noise"], theta["head"]), *statistics)
    calibration = theta["log_slope"], theta["offset"]
    per_image = F.softplus(calibrate(real, *calibration)).mean(-1)
    per_image = per_image + F.softplus(-calibrate(perturbed, *calibration)).mean(-1)
    penalty = task["decay"] * theta["head"].square().sum()
    return (weights * per_image).sum() / weights.sum() + penalty


def query_loss(theta: Parameters, task: Task, settings: Settings) -> Tensor:
    """Judge adapted parameters on labelled query patches, equation (query-loss).

    Parameters
    ----------
    theta : dict of torch.Tensor
        Adapted parameters θ'.
    task : dict of torch.Tensor
        As in `inner_loss`, and ``query`` (Q, P, C) with boolean ``query_anomalous`` (Q, P).
    settings : Settings
        Gives ρ, τ and the weight of the contrastive loss.

    Returns
    -------
    torch.Tensor
        Logistic loss, averaged over anomalous and over normal patches apart, so that the few
        anomalous ones weigh as much, plus the weighted supervised contrastive loss.
    """
    support = embed(task["support"], theta["head"])
    statistics = gaussian_statistics(support, task["weights"], settings.shrinkage)
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
    return missed + false_alarm + settings.contrastive_weight * contrastive
