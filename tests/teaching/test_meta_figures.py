"""Bowls against closed forms; adaptation of CoZAD against the functions of the package."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from sklearn.metrics import roc_auc_score

from cozad_book.figures.meta_learning import Bowls, adaptation_curve, draw_bowls, draw_wave
from cozad_book.sines import sample_waves, train_on_waves
from cozad_teach.adaptation import adapt_parameters
from cozad_teach.objectives import (
    distances,
    inner_loss,
    query_loss,
    starting_point,
    task_statistics,
)
from cozad_teach.settings import LITE
from cozad_teach.training.episodes import AuxiliaryCategory
from cozad_teach.training.meta_training import sample_tasks

CENTRES = torch.tensor([[-1.5, 0.2], [1.0, 1.1], [1.3, -1.2]])
ROOTS = torch.tensor([[[1.8, 0.3], [0.3, 1.5]], [[0.6, 0.2], [0.2, 0.9]], [[0.8, 0.0], [0.0, 0.5]]])
BOWLS = Bowls(CENTRES, ROOTS @ ROOTS)


def test_start_for_now_has_the_least_mean_loss() -> None:
    start = BOWLS.start_for_now()
    least = BOWLS.losses(start.expand(3, -1)).mean()
    for move in torch.randn(50, 2, generator=torch.Generator().manual_seed(0)):
        assert BOWLS.losses((start + 0.3 * move).expand(3, -1)).mean() > least


@pytest.mark.parametrize("steps", [1, 4])
def test_start_for_later_equals_its_closed_form(steps: int) -> None:
    """After n steps x' = c + J (x - c) with J = (I - αM)ⁿ: the mean of ½(x'-c)ᵀM(x'-c) is least."""
    rate = 0.1
    jacobian = torch.matrix_power(torch.eye(2) - rate * BOWLS.curvatures, steps)
    seen = jacobian.mT @ BOWLS.curvatures @ jacobian
    expected = torch.linalg.solve(seen.sum(0), (seen @ CENTRES[..., None]).sum(0))[:, 0]
    found = BOWLS.start_for_later(steps, rate)
    assert torch.allclose(found, expected, atol=1e-3)
    assert not torch.allclose(found, BOWLS.start_for_now(), atol=0.05)
    ends = BOWLS.paths(found, steps, rate)[:, -1]
    other = BOWLS.paths(BOWLS.start_for_now(), steps, rate)[:, -1]
    assert BOWLS.losses(ends).mean() < BOWLS.losses(other).mean()


def test_paths_begin_at_the_start_and_go_down() -> None:
    start = torch.tensor([0.4, -0.3])
    paths = BOWLS.paths(start, 5, 0.1)
    assert paths.shape == (3, 6, 2)
    assert torch.equal(paths[:, 0], start.expand(3, -1))
    losses = torch.stack([BOWLS.losses(paths[:, i]) for i in range(6)])
    assert (losses.diff(dim=0) < 0).all()


def test_pictures_show_the_data() -> None:
    left, right = Figure().subplots(1, 2)
    draw_bowls(left, BOWLS, torch.tensor([0.1, 0.2]), 3, 0.1)
    assert len(left.lines) == 3 * 3 + 1
    assert left.lines[-1].get_xydata() == pytest.approx(np.array([[0.1, 0.2]]))
    theta, _ = train_on_waves("second", 1, meta_steps=1)
    waves = sample_waves(2, torch.Generator().manual_seed(0))
    draw_wave(right, {name: value[0] for name, value in waves.items()}, theta, 2)
    true = right.lines[0].get_xydata()
    height, phase = waves["height"][0].item(), waves["phase"][0].item()
    assert true[:, 1] == pytest.approx(height * np.sin(true[:, 0] - phase), abs=1e-5)
    assert right.lines[2].get_xydata()[:, 1] == pytest.approx(waves["support_y"][0, :, 0].numpy())


def test_curve_of_adaptation_equals_the_steps_of_the_package() -> None:
    source = torch.Generator().manual_seed(0)
    categories = []
    for n in range(3):
        features = torch.randn(12, 20, 6, generator=source) + n
        anomalous = torch.zeros(12, 20, dtype=torch.bool)
        anomalous[8:, :5] = True
        features[anomalous] *= 2
        categories.append(AuxiliaryCategory(features, anomalous))
    settings = dataclasses.replace(
        LITE, patches_per_image=9, support_images=3, inner_learning_rate=0.3, tasks_per_step=2
    )
    theta = starting_point(6)
    tasks = sample_tasks(
        *(theta, categories, torch.eye(6), 0.1, settings),
        *(np.random.default_rng(1), torch.Generator().manual_seed(1)),
    )
    curve = adaptation_curve(theta, tasks, settings, 4)
    assert curve.inner_losses.shape == curve.query_losses.shape == curve.rankings.shape == (5,)
    inner, query, ranking = [], [], []
    for i in range(2):
        task = {name: value[i] for name, value in tasks.items()}
        at = adapt_parameters(theta, task, dataclasses.replace(settings, inner_steps=4))
        inner.append(inner_loss(at, task, settings).item())
        query.append(query_loss(at, task, settings).item())
        scores = distances(at, task["query"], *task_statistics(at, task, settings))
        ranking.append(roc_auc_score(task["query_anomalous"].flatten(), scores.flatten()))
    assert curve.inner_losses[4] == pytest.approx(np.mean(inner), rel=1e-5)
    assert curve.query_losses[4] == pytest.approx(np.mean(query), rel=1e-5)
    assert curve.rankings[4] == pytest.approx(np.mean(ranking), abs=1e-6)
    assert curve.inner_losses[4] < curve.inner_losses[0]
