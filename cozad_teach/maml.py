"""Chapter 6: Model-Agnostic Meta-Learning, a starting point from which few steps adapt well."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor
from torch.func import grad, grad_and_value, vmap

from cozad_teach.errors import CozadError

__all__ = ["ORDERS", "inner_loop", "outer_gradient"]

ORDERS = ("second", "first", "reptile")

Parameters = dict[str, Tensor]
Task = TypeVar("Task")


def inner_loop(
    parameters: Parameters,
    loss: Callable[[Parameters], Tensor],
    steps: int,
    learning_rate: float,
) -> Parameters:
    """Adapt parameters by a few steps of gradient descent, equation (inner-loop).

    Parameters
    ----------
    parameters : dict of torch.Tensor
        θ, the shared starting point. Left as it is.
    loss : callable
        Inner loss of the task, ``loss(parameters) -> scalar``.
    steps : int
        Number of steps; 0 returns the starting point.
    learning_rate : float
        α.

    Returns
    -------
    dict of torch.Tensor
        θ', a differentiable function of θ: its derivative holds the second derivatives of the
        inner loss, so that an outer gradient through it is of second order.

    Examples
    --------
    >>> theta = {"x": torch.tensor(1.0)}
    >>> inner_loop(theta, lambda parameters: parameters["x"] ** 2, steps=2, learning_rate=0.25)
    {'x': tensor(0.2500)}
    """
    for _ in range(steps):
        gradients = grad(loss)(parameters)
        parameters = {
            name: value - learning_rate * gradients[name] for name, value in parameters.items()
        }
    return parameters


def outer_gradient(
    parameters: Parameters,
    tasks: Task,
    adapt: Callable[[Parameters, Task], tuple[Parameters, Tensor]],
    query_loss: Callable[[Parameters, Task], Tensor],
    order: str = "second",
) -> tuple[Parameters, Tensor, Tensor]:
    """Give the direction in which θ becomes a better starting point, equation (outer-loop).

    Parameters
    ----------
    parameters : dict of torch.Tensor
        θ.
    tasks : nested tensors
        A meta-batch: every tensor has the tasks as its first dimension. All tasks run as one
        batched computation.
    adapt : callable
        ``adapt(θ, task) -> (θ', support loss after adaptation)`` for one task.
    query_loss : callable
        ``query_loss(θ', task) -> scalar`` for one task.
    order : str
        ``second``: the gradient of the mean query loss after adaptation, through the inner loop.
        ``first``: that gradient with the inner gradients held constant, equation (first-order).
        ``reptile``: θ - θ', which uses no query label, equation (reptile).

    Returns
    -------
    gradient : dict of torch.Tensor
        Mean over tasks, to be *subtracted* from θ by whatever optimiser.
    support_loss, query_loss : torch.Tensor
        Shape (tasks,) each, after adaptation, without gradients.

    Raises
    ------
    CozadError
        If the order is unknown.

    References
    ----------
    Finn, Abbeel and Levine, "Model-agnostic meta-learning for fast adaptation of deep networks",
    ICML 2017; Nichol, Achiam and Schulman, "On first-order meta-learning algorithms", 2018.
    """

    def mean_query_loss(theta: Parameters) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        def one_task(task: Task) -> tuple[Tensor, Tensor]:
            adapted, support = adapt(theta, task)
            return support, query_loss(adapted, task)

        support, query = vmap(one_task)(tasks)
        return query.mean(), (support, query)

    def first_order(task: Task) -> tuple[Parameters, Tensor, Tensor]:
        adapted, support = adapt(parameters, task)
        gradient, query = grad_and_value(query_loss)(adapted, task)
        return gradient, support, query

    def reptile(task: Task) -> tuple[Parameters, Tensor, Tensor]:
        adapted, support = adapt(parameters, task)
        step = {name: value - adapted[name] for name, value in parameters.items()}
        return step, support, query_loss(adapted, task)

    if order == "second":
        gradient, (_, (support, query)) = grad_and_value(mean_query_loss, has_aux=True)(parameters)
        return gradient, support.detach(), query.detach()
    if order not in ORDERS:
        raise CozadError(f"unknown order {order!r}: choose {', '.join(ORDERS)}")
    with torch.no_grad():
        each, support, query = vmap(first_order if order == "first" else reptile)(tasks)
    return {name: value.mean(0) for name, value in each.items()}, support, query
