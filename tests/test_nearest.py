"""Nearest patches against scipy and a dense loop, and which pairs may match."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cdist
from torch.func import vmap

from cozad_teach.errors import CozadError
from cozad_teach.nearest import nearest_distances, neighbourhood, patch_distances


def drawn(seed: int, *shape: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape))


def covariance(seed: int, d: int) -> torch.Tensor:
    root = drawn(seed, d, d)
    return root @ root.T + 0.1 * torch.eye(d)


def test_nearest_distance_equals_scipy() -> None:
    embeddings, bank, s = drawn(0, 30, 4), drawn(1, 50, 4), covariance(2, 4)
    apart = cdist(embeddings, bank, "mahalanobis", VI=np.linalg.inv(s)) / 2
    found = nearest_distances(embeddings, bank, torch.ones(50), s)
    assert np.allclose(found, apart.min(1), atol=1e-6)


def test_the_scale_of_the_covariance_is_the_scale_of_the_distance() -> None:
    embeddings, bank, s = drawn(0, 7, 4), drawn(1, 9, 4), covariance(2, 4)
    once = nearest_distances(embeddings, bank, torch.ones(9), s)
    again = nearest_distances(embeddings, bank, torch.ones(9), 4 * s)
    assert torch.allclose(once, 2 * again)


def test_images_at_once_equal_images_alone() -> None:
    images, bank, s = drawn(3, 5, 12, 4), drawn(4, 9, 4), covariance(5, 4)
    weights, forbidden = torch.rand(9) + 0.1, torch.rand(5, 1, 9) < 0.4
    together = nearest_distances(images, bank, weights, s, forbidden)
    for image, found, pairs in zip(images, together, forbidden, strict=True):
        assert torch.allclose(nearest_distances(image, bank, weights, s, pairs), found, atol=1e-6)


def test_many_supports_at_once_equal_each_alone() -> None:
    images, near = drawn(6, 4, 20, 3).float(), neighbourhood(4, 5)
    matrices = torch.stack([covariance(i, 3) for i in range(4)]).float()

    def alone(image: torch.Tensor, s: torch.Tensor) -> torch.Tensor:
        return nearest_distances(image, image, torch.ones(20), s, near)

    expected = torch.stack([alone(*pair) for pair in zip(images, matrices, strict=True)])
    assert torch.allclose(vmap(alone)(images, matrices), expected, atol=1e-4)


def test_a_covariance_that_is_not_positive_definite_gives_nan() -> None:
    embeddings, bank = drawn(0, 7, 2), drawn(1, 9, 2)
    s = torch.tensor([[1.0, 2.0], [2.0, 1.0]], dtype=torch.float64)
    assert nearest_distances(embeddings, bank, torch.ones(9), s).isnan().all()


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 7), (6, 3), (9, 9)])
def test_neighbourhood_equals_a_loop(height: int, width: int) -> None:
    places = [(row, column) for row in range(height) for column in range(width)]
    expected = [[max(abs(a - c), abs(b - d)) <= 2 for c, d in places] for a, b in places]
    assert neighbourhood(height, width).tolist() == expected


def test_both_is_the_geometric_mean() -> None:
    case = (drawn(0, 6, 3), drawn(1, 3), covariance(2, 3), drawn(3, 8, 3), torch.ones(8))
    to_mean, to_nearest, both = (
        patch_distances(*case, kind=kind) for kind in ("gaussian", "knn", "both")
    )
    assert torch.allclose(both, (to_mean * to_nearest).sqrt())


def test_unknown_kinds_are_refused() -> None:
    case = (drawn(0, 6, 3), drawn(1, 3), covariance(2, 3), drawn(3, 8, 3), torch.ones(8))
    with pytest.raises(CozadError, match="unknown score 'loud': choose gaussian, knn, both"):
        patch_distances(*case, kind="loud")
