"""The outer loop over auxiliary categories, with every part of the method in its place."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from cozad_teach.adaptation import adapt_parameters, support_weights
from cozad_teach.contrastive import embed, embed_covariance
from cozad_teach.covariance import decay_strength, loss_covariance
from cozad_teach.errors import CozadError
from cozad_teach.maml import Parameters, outer_gradient
from cozad_teach.objectives import inner_loss, query_loss, starting_point
from cozad_teach.settings import Settings
from cozad_teach.training.checkpoints import Checkpoint, State
from cozad_teach.training.episodes import AuxiliaryCategory, sample_meta_batch
from cozad_teach.training.sharding import (
    average_over_processes,
    check_same_start,
    is_first,
    own_share,
)

__all__ = ["MetaStep", "meta_train", "next_decay", "sample_tasks", "take_step"]


@dataclass(frozen=True)
class MetaStep:
    """What one meta-step of training measured: mean losses over its tasks, and the λ(Σ) it used."""

    support_loss: float
    query_loss: float
    decay: float


def meta_train(
    categories: Sequence[AuxiliaryCategory],
    prior: Tensor,
    settings: Settings,
    seed: int = 0,
    *,
    device: torch.device | str = "cpu",
    checkpoint: Checkpoint | None = None,
    on_step: Callable[[MetaStep], object] | None = None,
    progress: bool = False,
) -> tuple[Parameters, list[MetaStep]]:
    """Learn a starting point θ from which a few label-free steps adapt to a new category.

    Parameters
    ----------
    categories : sequence of AuxiliaryCategory
        Patch features of the auxiliary categories, with patch labels.
    prior : torch.Tensor
        Auxiliary covariance of features, shape (C, C).
    settings : Settings
        All numbers of the run.
    seed : int
        Decides tasks and noise.
    device : torch.device or str
        Where the meta-steps run.
    checkpoint : Checkpoint, optional
        Where the state is kept and, if it is there, taken up again.
    on_step : callable, optional
        Is called with every meta-step as soon as it is taken, to draw it for instance; at first
        with those that the checkpoint brings.
    progress : bool
        Show a bar if training takes more than two seconds.

    Returns
    -------
    parameters : dict of torch.Tensor
        θ after the last meta-step; no test set chose the step.
    history : list of MetaStep
        One entry per meta-step.

    Raises
    ------
    CozadError
        If the checkpoint is damaged or of another run, or cannot be written; if a category is too
        small for a task; if a loss is not finite, before it reaches θ; of several processes, as
        `own_share`, `check_same_start` and `average_over_processes`.
    """
    theta = starting_point(categories[0].features.shape[-1], device)
    prior = prior.to(device)
    state = State(
        theta=theta,
        optimiser=torch.optim.Adam(theta.values(), lr=settings.outer_learning_rate),
        tasks=np.random.default_rng(seed),
        noise=torch.Generator().manual_seed(seed),
        losses=[],
    )
    if checkpoint:
        checkpoint.restore(state, settings.meta_steps)
        check_same_start(f"{checkpoint.key} {len(state.losses)}")
    if on_step:
        for losses in state.losses:
            on_step(MetaStep(*losses))

    with tqdm(
        desc="meta-training",
        total=settings.meta_steps,
        initial=len(state.losses),
        unit="step",
        delay=2,
        disable=not progress,
    ) as bar:
        while len(state.losses) < settings.meta_steps:
            state.losses.append(_meta_step(state, categories, prior, settings))
            if on_step:
                on_step(MetaStep(*state.losses[-1]))
            if checkpoint and is_first() and len(state.losses) % checkpoint.every == 0:
                checkpoint.save(state)
            bar.update()
    return theta, [MetaStep(*losses) for losses in state.losses]


def sample_tasks(
    theta: Parameters,
    categories: Sequence[AuxiliaryCategory],
    prior: Tensor,
    decay: float,
    settings: Settings,
    rng: np.random.Generator,
    noise: torch.Generator,
) -> dict[str, Tensor]:
    """Draw a meta-batch of tasks, with the confidence weights of their supports.

    Where several processes train together, each draws the whole meta-batch, so that all move the
    sources of chance alike, and takes its own share of it.

    Parameters
    ----------
    theta : dict of torch.Tensor
        The starting point, in whose embedding supports are weighed.
    categories, prior, settings
        As in `meta_train`.
    decay : float
        λ(Σ).
    rng : numpy.random.Generator
        Decides categories, images and patches.
    noise : torch.Generator
        Decides the noise of the perturbed patches; on the CPU.

    Returns
    -------
    dict of torch.Tensor
        What `cozad_teach.objectives.inner_loss` and `query_loss` take, each with the tasks as
        first dimension, where θ is.
    """
    device = theta["head"].device
    batch = sample_meta_batch(categories, rng, settings)
    perturbation = torch.randn(batch.support[:, :1].shape, generator=noise)
    own = own_share(len(batch.support))
    support = batch.support[own].to(device)
    n_tasks = len(support)
    embedded_prior = embed_covariance(prior, theta["head"]).expand(n_tasks, -1, -1)
    return {
        "support": support,
        "noise": settings.noise * perturbation[own].to(device),
        "weights": support_weights(embed(support, theta["head"]), embedded_prior, settings),
        "prior": prior.expand(n_tasks, -1, -1),
        "decay": torch.full((n_tasks,), decay, device=device),
        "query": batch.query[own].to(device),
        "query_anomalous": batch.query_anomalous[own].to(device),
    }


def next_decay(losses: Sequence[tuple[float, float, float]], settings: Settings) -> float:
    """Give the λ(Σ) of the next meta-step (Chapter 5).

    Parameters
    ----------
    losses : sequence of (float, float, float)
        Support loss, query loss and λ(Σ) of every meta-step so far.
    settings : Settings
        Window, base, growth and cap.
    """
    sigma = loss_covariance([step[:2] for step in losses], settings.window)
    constants = (settings.base_decay, settings.decay_growth, settings.determinant_cap)
    return decay_strength(sigma, *constants)


def take_step(
    theta: Parameters,
    optimiser: torch.optim.Optimizer,
    tasks: dict[str, Tensor],
    settings: Settings,
) -> tuple[float, float]:
    """Adapt to each task of a meta-batch, judge on its query and move θ (Chapter 6).

    Parameters
    ----------
    theta : dict of torch.Tensor
        The starting point. Its tensors are changed.
    optimiser : torch.optim.Optimizer
        Of these tensors.
    tasks : dict of torch.Tensor
        Of `sample_tasks`.
    settings : Settings
        Inner loop, losses and the order of the gradient.

    Returns
    -------
    support_loss, query_loss : float
        Means over the tasks.

    Raises
    ------
    CozadError
        If a loss is not finite; θ is then as it was.
    """

    def adapt(start: Parameters, task: dict[str, Tensor]) -> tuple[Parameters, Tensor]:
        adapted = adapt_parameters(start, task, settings)
        return adapted, inner_loss(adapted, task, settings)

    judge = functools.partial(query_loss, settings=settings)
    gradient, support_losses, query_losses = outer_gradient(
        theta, tasks, adapt, judge, settings.order
    )
    means = average_over_processes(
        {**gradient, "support loss": support_losses.mean(), "query loss": query_losses.mean()},
        len(query_losses),
        settings.tasks_per_step,
    )
    mean_losses = float(means["support loss"]), float(means["query loss"])
    if not all(map(math.isfinite, mean_losses)):
        raise CozadError("a loss of training is not finite: lower the learning rates")
    for name, value in theta.items():
        value.grad = means[name]
    optimiser.step()
    return mean_losses


def _meta_step(
    state: State,
    categories: Sequence[AuxiliaryCategory],
    prior: Tensor,
    settings: Settings,
) -> tuple[float, float, float]:
    theta, decay = state.theta, next_decay(state.losses, settings)
    tasks = sample_tasks(theta, categories, prior, decay, settings, state.tasks, state.noise)
    return *take_step(theta, state.optimiser, tasks, settings), decay
