"""The classic exercise of meta-learning: fit a wave of unknown height and phase to 10 points."""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor
from torch.func import vmap
from torch.nn.functional import mse_loss

from cozad_teach.maml import Parameters, inner_loop, outer_gradient

__all__ = ["adapt_to_wave", "adaptation_losses", "network", "sample_waves", "train_on_waves"]

Wave = dict[str, Tensor]

WIDTH = 40  # of the two hidden layers
TASKS = 20  # in a meta-step
INNER_RATE, OUTER_RATE = 0.02, 0.003  # α and β


def sample_waves(n_tasks: int, generator: torch.Generator, n_points: int = 10) -> Wave:
    """Draw tasks: waves ``height * sin(x - phase)``, read at random places.

    Parameters
    ----------
    n_tasks : int
        Number of waves. Heights are between 0.1 and 5, phases between 0 and π.
    generator : torch.Generator
        Decides everything.
    n_points : int
        Number of support and of query points, with x between -5 and 5.

    Returns
    -------
    dict of torch.Tensor
        ``support_x``, ``support_y``, ``query_x``, ``query_y`` of shape (tasks, points, 1);
        ``height`` and ``phase`` of shape (tasks, 1, 1).

    References
    ----------
    Finn, Abbeel and Levine, "Model-agnostic meta-learning for fast adaptation of deep networks",
    ICML 2017, section 5.1.
    """
    height = 0.1 + 4.9 * torch.rand(n_tasks, 1, 1, generator=generator)
    phase = math.pi * torch.rand(n_tasks, 1, 1, generator=generator)
    waves = {"height": height, "phase": phase}
    for part in ("support", "query"):
        x = 10 * torch.rand(n_tasks, n_points, 1, generator=generator) - 5
        waves |= {f"{part}_x": x, f"{part}_y": height * torch.sin(x - phase)}
    return waves


def network(parameters: Parameters, x: Tensor) -> Tensor:
    """Give the output of a network of two hidden layers as a function of its parameters.

    Parameters
    ----------
    parameters : dict of torch.Tensor
        ``weight i`` and ``bias i`` of layers 0 to 2.
    x : torch.Tensor
        Shape (points, 1).

    Returns
    -------
    torch.Tensor
        Shape (points, 1).
    """
    for layer in range(2):
        x = torch.tanh(x @ parameters[f"weight {layer}"] + parameters[f"bias {layer}"])
    return x @ parameters["weight 2"] + parameters["bias 2"]


def adapt_to_wave(
    theta: Parameters, wave: Wave, steps: int, learning_rate: float = INNER_RATE
) -> Parameters:
    """Take the inner loop on the support of one wave, whose tensors have shape (points, 1)."""

    def loss(parameters: Parameters) -> Tensor:
        return mse_loss(network(parameters, wave["support_x"]), wave["support_y"])

    return inner_loop(theta, loss, steps, learning_rate)


def train_on_waves(
    order: str,
    inner_steps: int,
    meta_steps: int = 800,
    seed: int = 0,
    learning_rate: float = INNER_RATE,
) -> tuple[Parameters, Tensor]:
    """Meta-learn a network from which few steps fit a wave.

    Parameters
    ----------
    order : str
        As in `cozad_teach.maml.outer_gradient`.
    inner_steps : int
        Without any (0), the orders ``second`` and ``first`` train one network for all waves.
    meta_steps : int
        Number of outer steps, by Adam, each on 20 new waves.
    seed : int
        Decides the network's start and the waves.
    learning_rate : float
        α of the inner loop.

    Returns
    -------
    theta : dict of torch.Tensor
        Of `network`.
    query_losses : torch.Tensor
        Mean query loss of each meta-step, after adaptation, shape (meta_steps,).
    """
    generator = torch.Generator().manual_seed(seed)
    theta = _random_network(generator)
    optimiser = torch.optim.Adam(theta.values(), lr=OUTER_RATE)

    def adapt(start: Parameters, wave: Wave) -> tuple[Parameters, Tensor]:
        return adapt_to_wave(start, wave, inner_steps, learning_rate), torch.zeros(())

    losses = []
    for _ in range(meta_steps):
        waves = sample_waves(TASKS, generator)
        gradient, _, query = outer_gradient(theta, waves, adapt, _query_loss, order)
        for name, value in theta.items():
            value.grad = gradient[name]
        optimiser.step()
        losses.append(query.mean())
    return theta, torch.stack(losses)


def adaptation_losses(
    theta: Parameters, waves: Wave, steps: int, learning_rate: float = INNER_RATE
) -> Tensor:
    """Give the query loss of each wave after 0, 1, ... inner steps, shape (tasks, steps + 1)."""

    def of_one(wave: Wave) -> Tensor:
        parameters, losses = theta, [_query_loss(theta, wave)]
        for _ in range(steps):
            parameters = adapt_to_wave(parameters, wave, 1, learning_rate)
            losses.append(_query_loss(parameters, wave))
        return torch.stack(losses)

    return vmap(of_one)(waves)


def _query_loss(parameters: Parameters, wave: Wave) -> Tensor:
    return mse_loss(network(parameters, wave["query_x"]), wave["query_y"])


def _random_network(generator: torch.Generator) -> Parameters:
    """Draw parameters whose first layer bends at places all over -5 to 5."""
    sizes = (1, WIDTH, WIDTH, 1)
    parameters: Parameters = {}
    for layer, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        weight = torch.randn(inputs, outputs, generator=generator) / math.sqrt(inputs)
        parameters |= {f"weight {layer}": weight, f"bias {layer}": torch.zeros(outputs)}
    parameters["bias 0"] = 2 * torch.randn(WIDTH, generator=generator)
    parameters["weight 2"] *= 0.3
    return parameters
