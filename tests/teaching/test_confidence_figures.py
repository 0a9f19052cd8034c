"""The pictures of confidence weights: ellipses are where they should be, areas mean weights."""

from __future__ import annotations

import numpy as np
import torch
from matplotlib.figure import Figure
from scipy.spatial.distance import cdist

from cozad_book.figures.confidence import draw_cloud, draw_ellipse, toy_cloud
from cozad_teach.confidence import soft_weights


def test_all_points_of_the_ellipse_have_its_distance() -> None:
    axis = Figure().add_subplot()
    mean = torch.tensor([1.0, -2.0], dtype=torch.float64)
    covariance = torch.tensor([[3.0, 1.0], [1.0, 0.7]], dtype=torch.float64)
    draw_ellipse(axis, mean, covariance, 1.7)
    (line,) = axis.lines
    inverse = np.linalg.inv(covariance.numpy())
    found = cdist(line.get_xydata(), mean[None].numpy(), "mahalanobis", VI=inverse)
    assert np.allclose(found, 1.7)
    # All around, not an arc of it: its middle is the mean.
    assert np.allclose(line.get_xydata()[:-1].mean(0), mean.numpy())


def test_the_cloud_shows_every_point_once_with_its_weight() -> None:
    points = torch.randn(11, 2, generator=torch.Generator().manual_seed(0))
    anomalous = torch.arange(11) >= 7
    weights = torch.linspace(0, 1, 11)
    axis = Figure().add_subplot()
    draw_cloud(axis, points, anomalous, weights)
    normal, outliers = axis.collections
    assert [len(np.asarray(c.get_offsets())) for c in (normal, outliers)] == [7, 4]
    assert np.allclose(np.asarray(outliers.get_offsets()), points[7:].numpy())
    assert (np.diff(normal.get_sizes()) > 0).all()


def test_the_toy_cloud_is_one_in_which_outliers_hide() -> None:
    """What the chapter says of it: outliers widen the ellipse, and weights narrow it again."""
    points, anomalous = toy_cloud()
    again, _ = toy_cloud()
    assert torch.equal(points, again)

    def scores(weights: torch.Tensor) -> torch.Tensor:
        share = weights / weights.sum()
        offsets = points - share @ points
        covariance = (share[:, None] * offsets).T @ offsets
        return (offsets @ torch.linalg.inv(covariance) * offsets).sum(-1).sqrt()

    equal = scores(torch.ones(len(points)))
    weighted = scores(soft_weights(equal, -1.0, 4.0))
    alone = scores((~anomalous).float())
    medians = [float(s[anomalous].median() / s[~anomalous].median()) for s in (equal, weighted)]
    assert medians[0] < medians[1] < float(alone[anomalous].median() / alone[~anomalous].median())
