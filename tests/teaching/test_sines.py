"""The waves: what is drawn, what the network says, and that the orders learn as they should."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cozad_book.sines import (
    adapt_to_wave,
    adaptation_losses,
    network,
    sample_waves,
    train_on_waves,
)


def waves(n_tasks: int = 3, n_points: int = 7) -> dict[str, torch.Tensor]:
    return sample_waves(n_tasks, torch.Generator().manual_seed(4), n_points)


def test_waves_are_read_where_they_say() -> None:
    drawn = waves(500)
    assert drawn["support_x"].shape == drawn["query_y"].shape == (500, 7, 1)
    for part in ("support", "query"):
        x, y = drawn[f"{part}_x"], drawn[f"{part}_y"]
        assert -5 <= x.min() < -4.9 and 4.9 < x.max() <= 5
        assert torch.allclose(y, drawn["height"] * torch.sin(x - drawn["phase"]))
    assert 0.1 <= drawn["height"].min() < 0.3 and 4.8 < drawn["height"].max() <= 5
    assert 0 <= drawn["phase"].min() < 0.1 and 3.0 < drawn["phase"].max() <= torch.pi
    assert not torch.equal(drawn["support_x"], drawn["query_x"])


def test_network_equals_a_loop() -> None:
    theta, _ = train_on_waves("first", 1, meta_steps=1)
    x = torch.linspace(-4, 3, 5)[:, None]
    for i in range(5):
        values = x[i].double().numpy()
        for layer in range(3):
            weight, bias = (
                theta[f"{kind} {layer}"].double().numpy() for kind in ("weight", "bias")
            )
            values = np.array(
                [sum(v * w for v, w in zip(values, weight[:, j], strict=True)) + bias[j]
                 for j in range(weight.shape[1])]
            )  # fmt: skip
            values = np.tanh(values) if layer < 2 else values
        assert network(theta, x)[i].item() == pytest.approx(values.item(), abs=1e-5)


def test_losses_of_adaptation_are_those_of_that_many_steps() -> None:
    theta, _ = train_on_waves("second", 1, meta_steps=2)
    drawn = waves()
    found = adaptation_losses(theta, drawn, 4)
    assert found.shape == (3, 5)
    for task, steps in ((0, 0), (1, 3), (2, 4)):
        wave = {name: value[task] for name, value in drawn.items()}
        said = network(adapt_to_wave(theta, wave, steps), wave["query_x"])
        expected = (said - wave["query_y"]).square().mean()
        assert found[task, steps].item() == pytest.approx(expected.item(), rel=1e-5)


def test_meta_learning_beats_one_network_for_all() -> None:
    drawn = waves(60, 10)
    after_a_step = {}
    for name, order, steps in (
        ("joint", "second", 0),
        ("second", "second", 1),
        ("first", "first", 1),
    ):
        theta, history = train_on_waves(order, steps, meta_steps=250)
        assert history.shape == (250,)
        assert history[-50:].mean() < history[:50].mean()
        after_a_step[name] = adaptation_losses(theta, drawn, 1)[:, 1].mean().item()
    assert after_a_step["second"] < 0.7 * after_a_step["joint"]
    assert after_a_step["first"] < 0.8 * after_a_step["joint"]


def test_training_repeats_by_seed() -> None:
    (a, first), (b, second) = (train_on_waves("reptile", 2, 3, seed=1) for _ in range(2))
    assert torch.equal(first, second) and all(torch.equal(a[name], b[name]) for name in a)
    assert not torch.equal(first, train_on_waves("reptile", 2, 3, seed=2)[1])
