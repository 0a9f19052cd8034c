"""Statistics, distances and maps against dense float64 loops and against numpy."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy.spatial.distance import mahalanobis as scipy_mahalanobis
from torch.func import jacrev, vmap

from cozad_teach.scoring import (
    _inverse,
    calibrate,
    gaussian_statistics,
    image_scores,
    mahalanobis,
    pixel_maps,
    place_means,
)


def random_support(seed: int = 0, n: int = 3, p: int = 7, d: int = 4) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, p, d)) * rng.uniform(0.5, 3, d) + 5, rng.uniform(0.1, 1, n)


def test_statistics_equal_numpy_with_weights() -> None:
    embeddings, weights = random_support(1)
    mean, covariance = gaussian_statistics(
        torch.from_numpy(embeddings), torch.from_numpy(weights), 1e-12
    )
    flat, per_patch = embeddings.reshape(-1, 4), np.repeat(weights, 7)
    assert mean.numpy() == pytest.approx(np.average(flat, axis=0, weights=per_patch))
    expected = np.cov(flat, rowvar=False, aweights=per_patch, ddof=0)
    assert covariance.numpy() == pytest.approx(expected, abs=1e-9)


def test_an_image_of_weight_zero_leaves_no_trace() -> None:
    embeddings, _ = random_support(2)
    whole = gaussian_statistics(torch.from_numpy(embeddings), torch.tensor([1.0, 0, 1]).double())
    part = gaussian_statistics(torch.from_numpy(embeddings[[0, 2]]), torch.ones(2).double())
    for a, b in zip(whole, part, strict=True):
        assert torch.allclose(a, b, atol=1e-12)


@pytest.mark.parametrize("n", [2, 3, 12])
def test_places_that_are_alike_keep_about_one_mean(n: int) -> None:
    """However unequal the weights are, chance explains what lies between the places."""
    rng = np.random.default_rng(n)
    embeddings = torch.from_numpy(rng.normal(size=(n, 400, 5)))
    weights = torch.from_numpy(rng.uniform(0.01, 1, (n, 400)) ** 3)
    means = place_means(embeddings, weights)
    own = (weights[..., None] * embeddings).sum(0) / weights.sum(0)[:, None]
    kept = means.std(0) / own.std(0)
    assert (kept < 0.25).all()


def test_places_that_differ_keep_their_means() -> None:
    rng = np.random.default_rng(0)
    places = 9 * torch.from_numpy(rng.normal(size=(30, 4)))
    embeddings = places + 0.1 * torch.from_numpy(rng.normal(size=(6, 30, 4)))
    weights = torch.from_numpy(rng.uniform(0.1, 1, (6, 30)))
    assert torch.allclose(place_means(embeddings, weights), places, atol=0.5)


@pytest.mark.parametrize("n", [1, 2, 5])
def test_places_seen_by_one_image_each_tell_nothing(n: int) -> None:
    """Without a second look nobody knows what is chance: all places have the overall mean."""
    embeddings = torch.from_numpy(np.random.default_rng(n).normal(size=(n, 10, 3)))
    weights = torch.zeros(n, 10, dtype=torch.float64)
    weights[torch.arange(10) % n, torch.arange(10)] = 0.7
    means = place_means(embeddings, weights)
    overall = (weights[..., None] * embeddings).sum((0, 1)) / weights.sum()
    assert torch.allclose(means, overall.expand(10, 3), atol=1e-12)


def test_mahalanobis_equals_scipy() -> None:
    embeddings, weights = random_support(3, n=2, p=5, d=3)
    mean, covariance = gaussian_statistics(torch.from_numpy(embeddings), torch.from_numpy(weights))
    found = mahalanobis(torch.from_numpy(embeddings), mean, covariance).numpy()
    inverse = np.linalg.inv(covariance.numpy())
    for i in range(2):
        for j in range(5):
            expected = scipy_mahalanobis(embeddings[i, j], mean.numpy(), inverse) / np.sqrt(3)
            assert found[i, j] == pytest.approx(expected, abs=1e-10)


def test_patches_of_the_gaussian_itself_lie_near_one() -> None:
    patches = torch.randn(50, 200, 30, generator=torch.Generator().manual_seed(0))
    found = mahalanobis(patches, *gaussian_statistics(patches, torch.ones(50), 0.01))
    assert float(found.mean()) == pytest.approx(1.0, abs=0.02)


def test_constant_patches_have_finite_distances_and_gradients() -> None:
    patches = torch.ones(2, 3, 4, requires_grad=True)
    found = mahalanobis(patches, *gaussian_statistics(patches, torch.ones(2)))
    found.sum().backward()
    assert torch.isfinite(found).all() and torch.isfinite(patches.grad).all()


def test_image_score_is_the_mean_of_the_highest_patches() -> None:
    scores = torch.tensor([[0.0, 5.0, 1.0, 3.0, -2.0], [1.0, 1.0, 1.0, 1.0, 1.0]])
    assert image_scores(scores, 0.4).tolist() == [4.0, 1.0]
    assert image_scores(scores, 0.001).tolist() == [5.0, 1.0]
    assert image_scores(scores, 1.0).tolist() == pytest.approx([1.4, 1.0])


def test_share_of_patches_is_counted_exactly() -> None:
    for n_patches in (9, 10, 100, 196, 784, 1000):
        scores = torch.arange(n_patches, dtype=torch.float64)
        for percent in (0.001, 0.1, 1, 2, 3, 7, 14, 28, 29, 55, 57, 58, 70, 99, 100):
            share = percent / 100
            k = max(1, math.ceil(Fraction(str(share)) * n_patches))
            expected = scores[-k:].mean()
            assert image_scores(scores, share) == expected, f"{share} of {n_patches}: {k}"
    assert image_scores(torch.arange(100.0), 0.07) == 96.0  # 7 patches, not 8
    assert image_scores(torch.arange(3.0), 1e-12) == 2.0


def test_calibration_keeps_the_order() -> None:
    scores = torch.tensor([0.5, 1.0, 2.0])
    found = calibrate(scores, torch.tensor(-3.0), torch.tensor(7.0))
    assert (found.diff() > 0).all()
    assert float(found[1]) == 7.0


def test_maps_have_the_size_of_their_images_and_keep_places() -> None:
    scores = torch.zeros(2, 4, 6)
    scores[0, 3, 0] = 1.0
    scores[1, 0, 5] = 1.0
    maps = pixel_maps(scores, [(40, 120), (64, 60)], smoothing=0.02)
    assert [m.shape for m in maps] == [(40, 120), (64, 60)]
    row, column = np.unravel_index(maps[0].argmax(), (40, 120))
    assert row >= 30 and column < 20  # inside the cell of patch (3, 0)
    row, column = np.unravel_index(maps[1].argmax(), (64, 60))
    assert row < 16 and column >= 50
    constant = pixel_maps(torch.full((1, 3, 5), 2.5), [(17, 31)])[0]
    assert constant == pytest.approx(np.full((17, 31), 2.5), abs=1e-6)


def test_without_smoothing_a_map_is_interpolated_only() -> None:
    scores = torch.randn(2, 3, 5)
    for found, one, size in zip(
        pixel_maps(scores, [(17, 31), (3, 5)], smoothing=0), scores, [(17, 31), (3, 5)], strict=True
    ):
        expected = F.interpolate(one[None, None], size=size, mode="bilinear")[0, 0]
        assert found == pytest.approx(expected.numpy(), abs=1e-6)


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_distances_of_many_supports_at_once_do_not_depend_on_the_number_of_threads(
    threads: int,
) -> None:
    """A batched LU factorisation would fail here: pytorch/pytorch#142815."""
    source = torch.Generator().manual_seed(0)
    supports = torch.randn(6, 4, 100, 152, generator=source)

    def own_distances(support: torch.Tensor) -> torch.Tensor:
        return mahalanobis(
            support, *gaussian_statistics(support, torch.ones(4, dtype=support.dtype))
        )

    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        found = vmap(own_distances)(supports)
    finally:
        torch.set_num_threads(before)
    expected = vmap(own_distances)(supports.double())
    assert torch.allclose(found.double(), expected, atol=1e-5)


def test_inverse_has_the_derivatives_of_an_inverse(double: None) -> None:
    """First and second, against torch.linalg.inv and against finite differences."""
    source = torch.Generator().manual_seed(1)
    root = torch.randn(3, 3, generator=source)
    patches = torch.randn(5, 3, generator=source)

    def through(inverse: Callable) -> Callable:
        def loss(root: torch.Tensor) -> torch.Tensor:
            precision = inverse(root @ root.mT + 0.3 * torch.eye(3))
            return ((patches @ precision) * patches).sum(-1).sqrt().sum()

        return loss

    found, expected = (
        jacrev(jacrev(through(inverse)))(root) for inverse in (_inverse, torch.linalg.inv)
    )
    assert torch.allclose(found, expected, atol=1e-10)
    root.requires_grad_()
    torch.autograd.gradcheck(through(_inverse), root)
    torch.autograd.gradgradcheck(through(_inverse), root)


@pytest.mark.parametrize("bad", [torch.nan, -1.0])
def test_what_cannot_be_inverted_gives_nan(bad: float) -> None:
    matrix = torch.eye(3)
    matrix[1, 1] = bad
    assert torch.isnan(mahalanobis(torch.ones(2, 3), torch.zeros(3), matrix)).all()
