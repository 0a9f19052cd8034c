"""The pictures of the contrastive head show what the loss does, and lose nothing of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from torch import Tensor

from cozad_book.figures.contrastive import disc, draw_disc, draw_pushes, pushes
from cozad_teach.contrastive import supervised_contrastive_loss

ANOMALOUS = torch.tensor([False, True, False, False, True, False, False])


def unit_vectors(dimensions: int) -> Tensor:
    drawn = torch.randn(
        7, dimensions, generator=torch.Generator().manual_seed(1), dtype=torch.float64
    )
    return drawn / drawn.norm(dim=-1, keepdim=True)


@pytest.mark.parametrize("temperature", [0.1, 1.0])
def test_pushes_are_minus_the_slope_of_the_loss(temperature: float) -> None:
    points = unit_vectors(3)
    arrows = pushes(points, ANOMALOUS, temperature)
    for place in np.ndindex(points.shape):
        ends = []
        for step in (1e-6, -1e-6):
            moved = points.clone()
            moved[place] += step
            ends.append(float(supervised_contrastive_loss(moved, ANOMALOUS, temperature)))
        slope = (ends[0] - ends[1]) / 2e-6
        assert float(arrows[place]) == pytest.approx(-temperature * slope, abs=1e-6)


def test_pushes_go_along_the_sphere_and_pull_normal_ones_together() -> None:
    points = unit_vectors(4)
    arrows = pushes(points, ANOMALOUS, 0.5)
    assert float((points * arrows).sum(-1).abs().max()) < 1e-12
    two = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.6, -0.8]])
    arrows = pushes(two, torch.tensor([False, False, True]), 0.5)
    assert arrows[0, 1] > 0 and arrows[1, 0] > 0  # towards each other
    assert arrows[2] @ torch.tensor([0.8, 0.6]) < 0  # the anomalous one away from both
    assert torch.equal(two, torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.6, -0.8]]))


def test_the_disc_keeps_the_cosine_to_the_normal_direction() -> None:
    points = unit_vectors(5) * torch.arange(1, 8)[:, None]
    shown = disc(points, ANOMALOUS)
    unit = (points / points.norm(dim=-1, keepdim=True)).numpy()
    mean = unit[~ANOMALOUS.numpy()].mean(0)
    assert shown[:, 0] == pytest.approx(unit @ mean / np.linalg.norm(mean))
    assert (np.linalg.norm(shown, axis=1) <= 1 + 1e-12).all()


def test_in_two_dimensions_the_disc_shows_all_there_is() -> None:
    points = unit_vectors(2)
    shown = disc(points, ANOMALOUS)
    assert shown @ shown.T == pytest.approx((points @ points.T).numpy())


def test_the_disc_does_not_depend_on_rotations_of_the_sphere() -> None:
    points = unit_vectors(4)
    turn = torch.linalg.qr(torch.randn(4, 4, generator=torch.Generator().manual_seed(2))).Q.double()
    shown = disc(points, ANOMALOUS)
    assert disc(points @ turn, ANOMALOUS) == pytest.approx(shown, abs=1e-6)
    assert shown[ANOMALOUS.numpy(), 1].mean() > 0


def test_every_point_and_every_visible_push_is_drawn() -> None:
    axis = Figure().add_subplot()
    points = unit_vectors(2)
    draw_pushes(axis, points, ANOMALOUS, 0.5)
    dots = np.concatenate([np.asarray(c.get_offsets()) for c in axis.collections])
    assert np.array_equal(np.unique(dots, axis=0), np.unique(points.numpy(), axis=0))
    visible = 2.2 * pushes(points, ANOMALOUS, 0.5).norm(dim=-1) > 0.02
    assert len(axis.texts) == int(visible.sum()) > 3


def test_a_disc_without_anomalous_patches_can_be_drawn() -> None:
    axis = Figure().add_subplot()
    normal = torch.zeros(7, dtype=torch.bool)
    draw_disc(axis, disc(unit_vectors(3), normal), normal.numpy())
    assert [len(np.asarray(c.get_offsets())) for c in axis.collections] == [7, 0]
