"""Inner and outer loop against a closed form, a naive implementation and finite differences."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from cozad_teach.maml import Parameters, inner_loop, outer_gradient


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


def test_outer_gradient_equals_its_closed_form(double: None) -> None:
    """With f = ½(x-t)ᵀM(x-t) inside and ½|x-q|² outside, the gradient is Jᵀ(x'-q), J = (I-αM)ⁿ."""
    source = torch.Generator().manual_seed(0)
    root = torch.randn(3, 2, 2, generator=source)
    task = {
        "matrix": root @ root.mT,
        "target": torch.randn(3, 2, generator=source),
        "goal": torch.randn(3, 2, generator=source),
    }
    start, steps, rate = torch.tensor([0.3, -0.7]), 3, 0.05

    def adapt(theta: Parameters, one: dict[str, Tensor]) -> tuple[Parameters, Tensor]:
        loss = quadratic(one["matrix"], one["target"])
        adapted = inner_loop(theta, loss, steps, rate)
        return adapted, loss(adapted)

    def judge(theta: Parameters, one: dict[str, Tensor]) -> Tensor:
        return 0.5 * (theta["x"] - one["goal"]).square().sum()

    gradient, support, query = outer_gradient({"x": start}, task, adapt, judge)
    expected = torch.zeros(2)
    for matrix, target, goal in zip(*task.values(), strict=True):
        jacobian = torch.matrix_power(torch.eye(2) - rate * matrix, steps)
        adapted = target + jacobian @ (start - target)
        expected += jacobian.mT @ (adapted - goal) / 3
    assert torch.allclose(gradient["x"], expected, atol=1e-12)
    assert support.shape == query.shape == (3,)
    first_order = torch.zeros(2)
    for matrix, target, goal in zip(*task.values(), strict=True):
        jacobian = torch.matrix_power(torch.eye(2) - rate * matrix, steps)
        first_order += (target + jacobian @ (start - target) - goal) / 3
    assert not torch.allclose(gradient["x"], first_order, atol=1e-3)


def network_loss(theta: Parameters, x: Tensor, y: Tensor) -> Tensor:
    hidden = torch.tanh(x @ theta["first"])
    return (hidden @ theta["second"] - y).square().mean()


def test_outer_gradient_equals_a_loop_over_tasks_and_finite_differences(double: None) -> None:
    source = torch.Generator().manual_seed(1)
    theta = {
        "first": torch.randn(2, 5, generator=source),
        "second": torch.randn(5, 1, generator=source),
    }
    task = {
        name: torch.randn(4, n, width, generator=source)
        for name, n, width in [("x", 6, 2), ("y", 6, 1), ("qx", 3, 2), ("qy", 3, 1)]
    }

    def adapt(start: Parameters, one: dict[str, Tensor]) -> tuple[Parameters, Tensor]:
        def loss(p: Parameters) -> Tensor:
            return network_loss(p, one["x"], one["y"])

        adapted = inner_loop(start, loss, 2, 0.1)
        return adapted, loss(adapted)

    def judge(p: Parameters, one: dict[str, Tensor]) -> Tensor:
        return network_loss(p, one["qx"], one["qy"])

    found, support, query = outer_gradient(theta, task, adapt, judge)

    def by_loop(first: Tensor, second: Tensor) -> Tensor:
        losses = []
        for i in range(4):
            p = [first, second]
            for _ in range(2):
                named = {"first": p[0], "second": p[1]}
                inner = network_loss(named, task["x"][i], task["y"][i])
                gradients = torch.autograd.grad(inner, p, create_graph=True)
                p = [v - 0.1 * g for v, g in zip(p, gradients, strict=True)]
            named = {"first": p[0], "second": p[1]}
            losses.append(network_loss(named, task["qx"][i], task["qy"][i]))
        return torch.stack(losses).mean()

    leaves = [v.clone().requires_grad_() for v in theta.values()]
    expected = torch.autograd.grad(by_loop(*leaves), leaves)
    assert torch.allclose(found["first"], expected[0], atol=1e-12)
    assert torch.allclose(found["second"], expected[1], atol=1e-12)
    assert float(query.mean()) == pytest.approx(by_loop(*leaves).item(), abs=1e-12)
    assert not support.requires_grad and not query.requires_grad
    torch.autograd.gradcheck(by_loop, leaves)
