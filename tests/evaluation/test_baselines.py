"""Training-free detectors against loops over single patches and against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from cozad_teach.evaluation import baselines
from cozad_teach.evaluation.baselines import (
    mahalanobis_scores,
    mutual_scores,
    nearest_neighbour_scores,
)
from cozad_teach.scoring import gaussian_statistics, mahalanobis


def images(n: int, seed: int, h: int = 3, w: int = 4, c: int = 5) -> torch.Tensor:
    return torch.randn(n, h, w, c, generator=torch.Generator().manual_seed(seed))


def test_mahalanobis_measures_from_the_support_or_from_the_image_itself() -> None:
    test, support = images(3, 0), images(2, 1)
    shared = gaussian_statistics(support.flatten(1, 2), torch.ones(2), 0.2)
    found = mahalanobis_scores(test, support, shrinkage=0.2)
    assert torch.allclose(found, mahalanobis(test, *shared), atol=1e-6)
    own = mahalanobis_scores(test, None, shrinkage=0.2)
    for image, scores in zip(test, own, strict=True):
        alone = gaussian_statistics(image.flatten(0, 1)[None], torch.ones(1), 0.2)
        assert torch.allclose(scores, mahalanobis(image, *alone), atol=1e-5)


def test_nearest_neighbour_equals_scikit_learn() -> None:
    test, support = images(3, 0), images(2, 1)
    index = NearestNeighbors(n_neighbors=1).fit(support.reshape(-1, 5).numpy())
    expected = index.kneighbors(test.reshape(-1, 5).numpy())[0].reshape(3, 3, 4)
    found = nearest_neighbour_scores(test, support, is_test=False)
    assert found.numpy() == pytest.approx(expected, abs=1e-4)


def test_an_image_of_the_support_does_not_find_itself() -> None:
    test = images(3, 0)
    found = nearest_neighbour_scores(test, test, is_test=True)
    for i in range(3):
        others = torch.cat([test[:i], test[i + 1 :]])
        alone = nearest_neighbour_scores(test[i : i + 1], others, is_test=False)
        assert torch.allclose(found[i : i + 1], alone, atol=1e-5)
    assert found.min() > 0.1


def test_within_one_image_a_patch_is_matched_outside_its_neighbourhood() -> None:
    image = images(1, 3, h=5, w=6)
    found = nearest_neighbour_scores(image, None, is_test=True)[0]
    for r in range(5):
        for c in range(6):
            distances = [
                float((image[0, r, c] - image[0, a, b]).norm())
                for a in range(5)
                for b in range(6)
                if max(abs(a - r), abs(b - c)) > baselines.OWN_NEIGHBOURHOOD
            ]
            assert float(found[r, c]) == pytest.approx(min(distances), abs=1e-4)


def test_mutual_scores_equal_loops() -> None:
    test = images(5, 0, h=2, w=3)
    found = mutual_scores(test, test, is_test=True, closest=0.5).numpy()
    for i in range(5):
        for place in np.ndindex(2, 3):
            nearest = sorted(
                min(float((test[i][place] - patch).norm()) for patch in test[j].reshape(-1, 5))
                for j in range(5)
                if j != i
            )
            assert found[(i, *place)] == pytest.approx(np.mean(nearest[:2]), abs=1e-4)


def test_a_bank_that_is_too_large_is_thinned_by_the_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baselines, "BANK_SIZE", 7)
    test, support = images(2, 0), images(3, 1)
    runs = [nearest_neighbour_scores(test, support, is_test=False, seed=s) for s in (0, 0, 1)]
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])
    whole = torch.cdist(test.flatten(0, 2), support.flatten(0, 2)).amin(-1).reshape(2, 3, 4)
    assert (runs[0] >= whole - 1e-4).all()


def test_an_odd_patch_stands_out_in_every_method() -> None:
    test = images(6, 5, h=7, w=9) * 0.1
    test[2, 1, 3] += 4.0
    for scores in (
        mahalanobis_scores(test, test, shrinkage=0.1),
        mahalanobis_scores(test, None, shrinkage=0.1),
        nearest_neighbour_scores(test, test, is_test=True),
        nearest_neighbour_scores(test, None, is_test=True),
        mutual_scores(test, test, is_test=True),
    ):
        assert scores.shape == (6, 7, 9)
        assert divmod(int(scores[2].argmax()), 9) == (1, 3)
        assert scores.flatten(1).amax(1).argmax() == 2
