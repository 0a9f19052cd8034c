"""Chapter 7: weigh a support's patches and take the inner loop on it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import vmap

from cozad_teach.confidence import confidence_weights
from cozad_teach.contrastive import embed, embed_covariance
from cozad_teach.maml import Parameters, inner_loop
from cozad_teach.objectives import Task, inner_loss, support_statistics
from cozad_teach.scoring import image_scores, mahalanobis
from cozad_teach.settings import Settings

__all__ = [
    "Adapted",
    "AdaptedSupports",
    "adapt_parameters",
    "adapt_support",
    "adapt_supports",
    "places_and_noise",
    "support_weights",
]

# Patches among which nearest neighbours are sought: more of them cost time and change little.
BANK_SIZE = 8_192


@dataclass(frozen=True)
class AdaptedSupports:
    """What adaptation to several supports gives, each with the supports as first dimension.

    Attributes
    ----------
    parameters : dict of torch.Tensor
        θ' of each, after the inner loop.
    embeddings : torch.Tensor
        Shape (supports, M, P, C), by θ'.
    weights : torch.Tensor
        Confidence weight of each patch, shape (supports, M, P).
    mean, covariance : torch.Tensor
        μ, (supports, C) or by place (supports, P, C), and S (supports, C, C) of the weighted
        embeddings.
    """

    parameters: Parameters
    embeddings: Tensor
    weights: Tensor
    mean: Tensor
    covariance: Tensor


@dataclass(frozen=True)
class Adapted:
    """What adaptation to one support set gives.

    Attributes
    ----------
    parameters : dict of torch.Tensor
        θ' after the inner loop.
    mean, covariance : torch.Tensor
        μ, (C,) or by place (P, C), and S (C, C) of the weighted support in the adapted embedding.
    weights : torch.Tensor
        Confidence weight of each patch of each support image, shape (M, P).
    bank : torch.Tensor
        Embeddings of some support patches, drawn at random, shape (R, C).
    bank_places : torch.Tensor
        Which ones of the M·P patches they are, shape (R,).
    """

    parameters: Parameters
    mean: Tensor
    covariance: Tensor
    weights: Tensor
    bank: Tensor
    bank_places: Tensor


def support_weights(
    embeddings: Tensor, priors: Tensor, settings: Settings, *, by_place: bool = False
) -> Tensor:
    """Score supports against themselves and weigh their patches, as often as `passes` says.

    The first time all weights are equal; then what was weighed down pulls the statistics less, and
    stands out more.

    Parameters
    ----------
    embeddings : torch.Tensor
        Shape (tasks, K, P, D); each task is a support of its own.
    priors : torch.Tensor
        Shape (tasks, D, D), the prior of each in its embedding.
    settings : Settings
        Gives ρ, n_0, the kind of weights and what they are given to, γ, κ, the number of passes.
    by_place : bool
        As in `cozad_teach.scoring.gaussian_statistics`.

    Returns
    -------
    torch.Tensor
        Confidence weights, shape (tasks, K, P), without gradients.

    Raises
    ------
    CozadError
        If a score is not finite.
    """

    def self_scores(support: Tensor, weights: Tensor, prior: Tensor) -> Tensor:
        statistics = support_statistics(support, weights, prior, settings, by_place=by_place)
        return mahalanobis(support, *statistics)

    embeddings, priors = embeddings.detach(), priors.detach()
    weights = embeddings.new_ones(embeddings.shape[:3])
    for _ in range(settings.passes):
        scores = vmap(self_scores)(embeddings, weights, priors)  # (tasks, K, P)
        if settings.weighed == "images":
            of_images = image_scores(scores.flatten(0, 1), settings.top_share)
            scores = of_images.reshape(*scores.shape[:2], 1)  # (tasks, K, 1)
        weights = confidence_weights(
            scores.flatten(1), settings.gamma, settings.sharpness, settings.weights
        )
        weights = weights.reshape(scores.shape).expand(embeddings.shape[:3])
    return weights


def adapt_parameters(theta: Parameters, task: Task, settings: Settings) -> Parameters:
    """Take the inner loop on one task, in training and on a new category alike.

    Parameters
    ----------
    theta : dict of torch.Tensor
        The starting point.
    task : dict of torch.Tensor
        What `cozad_teach.objectives.inner_loss` takes.
    settings : Settings
        Gives the number of steps and α, and what `inner_loss` needs.

    Returns
    -------
    dict of torch.Tensor
        θ'.
    """

    def loss(parameters: Parameters) -> Tensor:
        return inner_loss(parameters, task, settings)

    return inner_loop(theta, loss, settings.inner_steps, settings.inner_learning_rate)


def adapt_supports(
    theta: Parameters,
    supports: Tensor,
    prior: Tensor,
    decay: float,
    settings: Settings,
    seed: int = 0,
    *,
    by_place: bool = False,
) -> AdaptedSupports:
    """Adapt to several supports at once, each alone: weigh, take the inner loop, weigh again.

    Parameters
    ----------
    theta : dict of torch.Tensor
        The meta-learnt starting point.
    supports : torch.Tensor
        Unlabelled patches, shape (supports, M, P, C).
    prior : torch.Tensor
        Auxiliary covariance of features, shape (C, C).
    decay : float
        λ(Σ), that of the last meta-step.
    settings : Settings
        All numbers of the run.
    seed : int
        Decides which patches the inner loop sees, and their noise.
    by_place : bool
        As in `cozad_teach.scoring.gaussian_statistics`.

    Returns
    -------
    AdaptedSupports
        Of each support what it would have alone.

    Raises
    ------
    CozadError
        As `support_weights`.
    """

    def one(support: Tensor, weights: Tensor) -> Parameters:
        task = {"support": support, "noise": noise, "weights": weights, "prior": prior}
        return adapt_parameters(theta, {**task, "decay": prior.new_tensor(decay)}, settings)

    def one_statistics(embeddings: Tensor, weights: Tensor, prior: Tensor) -> tuple[Tensor, Tensor]:
        return support_statistics(embeddings, weights, prior, settings, by_place=by_place)

    embeddings = embed(supports, theta["head"])
    priors = embed_covariance(prior, theta["head"]).expand(len(supports), -1, -1)
    weights = support_weights(embeddings, priors, settings, by_place=by_place)
    places, noise = places_and_noise(supports, settings, seed)
    adapted = vmap(one)(supports[:, :, places], weights[:, :, places])
    embeddings = vmap(embed)(supports, adapted["head"])
    priors = vmap(embed_covariance, in_dims=(None, 0))(prior, adapted["head"])
    weights = support_weights(embeddings, priors, settings, by_place=by_place)
    statistics = vmap(one_statistics)(embeddings, weights, priors)
    return AdaptedSupports(adapted, embeddings, weights, *statistics)


def adapt_support(
    theta: Parameters,
    support: Tensor,
    prior: Tensor,
    decay: float,
    settings: Settings,
    seed: int = 0,
) -> Adapted:
    """Adapt to one support, (M, P, C), as `adapt_supports` does; places as the settings say."""
    found = adapt_supports(
        theta, support[None], prior, decay, settings, seed, by_place=settings.by_place
    )
    embeddings, weights = found.embeddings[0].flatten(0, 1), found.weights[0]
    source = torch.Generator().manual_seed(seed)
    kept = torch.randperm(len(embeddings), generator=source)[:BANK_SIZE].to(weights.device)
    return Adapted(
        parameters={name: value[0] for name, value in found.parameters.items()},
        mean=found.mean[0],
        covariance=found.covariance[0],
        weights=weights,
        bank=embeddings[kept],
        bank_places=kept,
    )


def places_and_noise(supports: Tensor, settings: Settings, seed: int) -> tuple[Tensor, Tensor]:
    """Draw the few places of every image that adaptation uses, (R,), and their noise, (1, R, C).

    All images share both, so that the order in which images come leaves no trace. The arguments
    are those of `adapt_supports`.
    """
    source = torch.Generator().manual_seed(seed)
    n_patches, channels = supports.shape[2:]
    places = torch.randperm(n_patches, generator=source)[: settings.patches_per_image]
    noise = torch.randn(1, len(places), channels, generator=source)
    return places.to(supports.device), settings.noise * noise.to(supports)
