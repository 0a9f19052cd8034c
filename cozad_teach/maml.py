"""Step 6: Model-Agnostic Meta-Learning, a starting point from which few steps adapt well."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from torch import Tensor
from torch.func import grad, grad_and_value, vmap

__all__ = ["inner_loop", "outer_gradient"]

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
) -> tuple[Parameters, Tensor, Tensor]:
    """Differentiate the mean query loss after adaptation, equation (outer-loop).

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

    Returns
    -------
    gradient : dict of torch.Tensor
        Of the mean query loss with respect to θ, through the inner loop (second order).
    support_loss, query_loss : torch.Tensor
        Shape (tasks,) each, without gradients.
    """

    def mean_query_loss(theta: Parameters) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        def one_task(task: Task) -> tuple[Tensor, Tensor]:
            adapted, support = adapt(theta, task)
            return support, query_loss(adapted, task)

        support, query = vmap(one_task)(tasks)
        return query.mean(), (support, query)

    gradient, (_, (support, query)) = grad_and_value(mean_query_loss, has_aux=True)(parameters)
    return gradient, support.detach(), query.detach()
