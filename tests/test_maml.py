"""Inner and outer loop against a closed form, a naive implementation and finite differences."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import Tensor

from cozad_teach.errors import CozadError
from cozad_teach.maml import ORDERS, Parameters, inner_loop, outer_gradient

with warnings.catch_warnings():
    # It is no longer kept, and Python warns of its source whenever it compiles it.
    warnings.simplefilter("ignore")
    import higher

NAMES = ("first", "second")  # the weights of the small network


def quadratic(matrix: Tensor, target: Tensor):
    def loss(parameters: Parameters) -> Tensor:
        apart = parameters["x"] - target
        return 0.5 * apart @ matrix @ apart

    return loss


@pytest.mark.parametrize("steps", [0, 1, 4])
def test_inner_loop_on_a_quadratic_equals_its_closed_form(double: None, steps: int) -> None:
    matrix, target, start = torch.diag(torch.tensor([1.0, 3.0])), torch.ones(2), torch.zeros(2)
    found = inner_loop({"x": start}, quadratic(matrix, target), steps, 0.1)["x"]
    shrink = torch.matrix_power(torch.eye(2) - 0.1 * matrix, steps)
    assert torch.allclose(found, target + shrink @ (start - target), atol=1e-12)
    assert torch.equal(start, torch.zeros(2))


def quadratic_tasks() -> tuple[Tensor, dict[str, Tensor], int, float]:
    """Give θ, three tasks, the number of inner steps and their rate."""
    source = torch.Generator().manual_seed(0)
    root = torch.randn(3, 2, 2, generator=source)
    task = {
        "matrix": root @ root.mT,
        "target": torch.randn(3, 2, generator=source),
        "goal": torch.randn(3, 2, generator=source),
    }
    return torch.tensor([0.3, -0.7]), task, 3, 0.05


def on_quadratics(order: str) -> tuple[Tensor, Tensor, Tensor]:
    start, task, steps, rate = quadratic_tasks()

    def adapt(theta: Parameters, one: dict[str, Tensor]) -> tuple[Parameters, Tensor]:
        loss = quadratic(one["matrix"], one["target"])
        adapted = inner_loop(theta, loss, steps, rate)
        return adapted, loss(adapted)

    def judge(theta: Parameters, one: dict[str, Tensor]) -> Tensor:
        return 0.5 * (theta["x"] - one["goal"]).square().sum()

    gradient, support, query = outer_gradient({"x": start}, task, adapt, judge, order)
    assert not (gradient["x"].requires_grad or support.requires_grad or query.requires_grad)
    return gradient["x"], support, query


def test_each_order_equals_its_closed_form(double: None) -> None:
    """Inside f = ½(x-t)ᵀM(x-t), outside ½|x-q|²: x' = t + J(x-t) with J = (I-αM)ⁿ.

    Second order Jᵀ(x'-q), first order x'-q, Reptile x-x'; means over tasks.
    """
    start, task, steps, rate = quadratic_tasks()
    second, first, reptile = torch.zeros(2), torch.zeros(2), torch.zeros(2)
    losses = []
    for matrix, target, goal in zip(*task.values(), strict=True):
        jacobian = torch.matrix_power(torch.eye(2) - rate * matrix, steps)
        adapted = target + jacobian @ (start - target)
        second += jacobian.mT @ (adapted - goal) / 3
        first += (adapted - goal) / 3
        reptile += (start - adapted) / 3
        losses.append(0.5 * float((adapted - goal).square().sum()))
    for order, expected in [("second", second), ("first", first), ("reptile", reptile)]:
        gradient, support, query = on_quadratics(order)
        assert torch.allclose(gradient, expected, atol=1e-12)
        assert support.shape == (3,)
        assert query.tolist() == pytest.approx(losses, abs=1e-12)
    assert not torch.allclose(second, first, atol=1e-3)


def test_a_reptile_step_goes_towards_the_adapted_parameters() -> None:
    """What is subtracted is θ - θ': with the sign turned, θ would flee from every task."""
    start, task, steps, rate = quadratic_tasks()
    step = on_quadratics("reptile")[0]
    adapted = [
        inner_loop({"x": start}, quadratic(m, t), steps, rate)["x"]
        for m, t in zip(task["matrix"], task["target"], strict=True)
    ]
    centre = torch.stack(adapted).mean(0)
    assert torch.allclose(start - step, centre, atol=1e-6)
    assert (start - 0.5 * step - centre).norm() < (start - centre).norm()
    assert (start + 0.5 * step - centre).norm() > (start - centre).norm()


def test_without_inner_steps_first_and_second_order_agree(double: None) -> None:
    start, task, _, _ = quadratic_tasks()

    def adapt(theta: Parameters, one: dict[str, Tensor]) -> tuple[Parameters, Tensor]:
        return theta, quadratic(one["matrix"], one["target"])(theta)

    def judge(theta: Parameters, one: dict[str, Tensor]) -> Tensor:
        return 0.5 * (theta["x"] - one["goal"]).square().sum()

    found = [outer_gradient({"x": start}, task, adapt, judge, order)[0]["x"] for order in ORDERS]
    assert torch.allclose(found[0], found[1], atol=1e-12)
    assert torch.equal(found[2], torch.zeros(2))


def test_an_unknown_order_is_refused() -> None:
    with pytest.raises(CozadError, match="unknown order 'third': choose second, first, reptile"):
        on_quadratics("third")


def network_loss(theta: Parameters, x: Tensor, y: Tensor) -> Tensor:
    hidden = torch.tanh(x @ theta["first"])
    return (hidden @ theta["second"] - y).square().mean()


def network_tasks() -> tuple[Parameters, dict[str, Tensor]]:
    source = torch.Generator().manual_seed(1)
    theta = {
        "first": torch.randn(2, 5, generator=source),
        "second": torch.randn(5, 1, generator=source),
    }
    task = {
        name: torch.randn(4, n, width, generator=source)
        for name, n, width in [("x", 6, 2), ("y", 6, 1), ("qx", 3, 2), ("qy", 3, 1)]
    }
    return theta, task


def on_networks(order: str) -> tuple[Parameters, Tensor, Tensor]:
    theta, task = network_tasks()

    def adapt(start: Parameters, one: dict[str, Tensor]) -> tuple[Parameters, Tensor]:
        def loss(p: Parameters) -> Tensor:
            return network_loss(p, one["x"], one["y"])

        adapted = inner_loop(start, loss, 2, 0.1)
        return adapted, loss(adapted)

    def judge(p: Parameters, one: dict[str, Tensor]) -> Tensor:
        return network_loss(p, one["qx"], one["qy"])

    return outer_gradient(theta, task, adapt, judge, order)


def loop_over_tasks(first: Tensor, second: Tensor, create_graph: bool = True) -> Tensor:
    """Give the mean query loss by autograd.grad, task by task; no graph is first order."""
    _, task = network_tasks()
    losses = []
    for i in range(4):
        p = [first, second]
        for _ in range(2):
            inner = network_loss(dict(zip(NAMES, p, strict=True)), task["x"][i], task["y"][i])
            gradients = torch.autograd.grad(inner, p, create_graph=create_graph)
            p = [v - 0.1 * g for v, g in zip(p, gradients, strict=True)]
        named = dict(zip(NAMES, p, strict=True))
        losses.append(network_loss(named, task["qx"][i], task["qy"][i]))
    return torch.stack(losses).mean()


@pytest.mark.parametrize("order", ["second", "first"])
def test_outer_gradient_equals_a_loop_over_tasks(double: None, order: str) -> None:
    theta, _ = network_tasks()
    found, support, query = on_networks(order)
    leaves = [v.clone().requires_grad_() for v in theta.values()]
    outer = loop_over_tasks(*leaves, create_graph=order == "second")
    expected = torch.autograd.grad(outer, leaves)
    assert torch.allclose(found["first"], expected[0], atol=1e-12)
    assert torch.allclose(found["second"], expected[1], atol=1e-12)
    assert float(query.mean()) == pytest.approx(outer.item(), abs=1e-12)
    assert support.shape == (4,)


def test_second_order_gradient_equals_finite_differences(double: None) -> None:
    theta, _ = network_tasks()
    found = on_networks("second")[0]
    for name, value in theta.items():
        for place in ((0, 0), (1, 0)):
            ends = []
            for step in (1e-5, -1e-5):
                moved = {k: v.clone() for k, v in theta.items()}
                moved[name][place] += step
                ends.append(loop_over_tasks(*(v.requires_grad_() for v in moved.values())).item())
            assert found[name][place].item() == pytest.approx((ends[0] - ends[1]) / 2e-5, abs=1e-7)
        assert not torch.allclose(found[name], on_networks("first")[0][name], atol=1e-3)
        assert value.shape == found[name].shape


class Network(torch.nn.Module):
    """The network of `network_loss`, as the peer wants it."""

    def __init__(self, theta: Parameters) -> None:
        super().__init__()
        self.first = torch.nn.Parameter(theta["first"].clone())
        self.second = torch.nn.Parameter(theta["second"].clone())

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(x @ self.first) @ self.second


@pytest.mark.parametrize("order", ["second", "first"])
def test_outer_gradient_equals_the_library_higher(double: None, order: str) -> None:
    theta, task = network_tasks()
    network = Network(theta)
    for i in range(4):
        with higher.innerloop_ctx(
            network,
            torch.optim.SGD(network.parameters(), lr=0.1),
            copy_initial_weights=False,
            track_higher_grads=order == "second",
        ) as (adapted, optimiser):
            for _ in range(2):
                optimiser.step((adapted(task["x"][i]) - task["y"][i]).square().mean())
            query = (adapted(task["qx"][i]) - task["qy"][i]).square().mean() / 4
            if order == "second":
                query.backward()
            else:
                at_adapted = torch.autograd.grad(query, list(adapted.parameters()))
                for p, g in zip(network.parameters(), at_adapted, strict=True):
                    p.grad = g if p.grad is None else p.grad + g
    found = on_networks(order)[0]
    assert torch.allclose(found["first"], network.first.grad, atol=1e-12)
    assert torch.allclose(found["second"], network.second.grad, atol=1e-12)
