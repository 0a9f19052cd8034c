"""Training-free detectors against loops over single patches, scikit-learn and anomalib.

What anomalib computes is stored: `reference/make_anomalib.py` says how it was made.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from sklearn.neighbors import NearestNeighbors

from cozad_teach import nearest
from cozad_teach.evaluation.baselines import training_free as baselines
from cozad_teach.evaluation.baselines.coreset import greedy_coreset
from cozad_teach.evaluation.baselines.training_free import (
    ensemble_scores,
    mahalanobis_scores,
    mutual_scores,
    nearest_neighbour_scores,
)
from cozad_teach.features import Backbone
from cozad_teach.scoring import gaussian_statistics, image_scores, mahalanobis

REFERENCE = Path(__file__).parent / "reference" / "anomalib.npz"


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
                if max(abs(a - r), abs(b - c)) > nearest.OWN_NEIGHBOURHOOD
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


@pytest.mark.parametrize("is_test", [False, True])
def test_a_bank_that_is_too_large_is_thinned_by_the_seed(
    monkeypatch: pytest.MonkeyPatch, is_test: bool
) -> None:
    monkeypatch.setattr(baselines, "BANK_SIZE", 7)
    monkeypatch.setattr(baselines, "CANDIDATES", 20)
    test, support = images(2, 0), images(3, 1)
    runs = [nearest_neighbour_scores(test, support, is_test=is_test, seed=s) for s in (0, 0, 1)]
    assert torch.equal(runs[0], runs[1])
    assert not torch.equal(runs[0], runs[2])
    whole = torch.cdist(test.flatten(0, 2), support.flatten(0, 2)).amin(-1).reshape(2, 3, 4)
    assert (runs[0] >= whole - 1e-4).all()


def test_rare_normal_patches_are_kept_and_rare_unlabelled_ones_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(baselines, "BANK_SIZE", 10)
    monkeypatch.setattr(baselines, "CANDIDATES", 96)
    both = images(8, 1) * 0.1
    both[[3, 5], 2, 1] += 5.0
    covered = nearest_neighbour_scores(both, both, is_test=False)
    assert float(covered[3, 2, 1]) < 1
    # Here the two odd patches are as good as certain to be the same defect.
    unlabelled = nearest_neighbour_scores(both, both, is_test=True)
    assert float(unlabelled[3, 2, 1]) > 5


def test_the_coreset_is_chosen_from_patches_drawn_at_random(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(baselines, "BANK_SIZE", 5)
    monkeypatch.setattr(baselines, "CANDIDATES", 15)
    test, support = images(2, 0), images(3, 1)
    drawn = torch.randperm(36, generator=torch.Generator().manual_seed(4))[:15]
    candidates = support.flatten(0, 2)[drawn]
    bank = candidates[greedy_coreset(candidates, 5, seed=4)]
    expected = nearest_neighbour_scores(test, bank[None, None], is_test=False)
    found = nearest_neighbour_scores(test, support, is_test=False, seed=4)
    assert torch.allclose(found, expected, atol=1e-6)


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


def test_an_ensemble_averages_on_the_finest_grid() -> None:
    generator = torch.Generator().manual_seed(0)
    fine, coarse = (torch.rand(3, *grid, generator=generator) for grid in ((4, 6), (2, 3)))
    found = ensemble_scores([coarse, fine, fine])
    assert found.shape == (3, 4, 6)
    for n, row, column in np.ndindex(3, 4, 6):
        # A fine place lies a quarter of a coarse step off a coarse one; the border is continued.
        weighted = 0.0
        for d_row, d_column in np.ndindex(2, 2):
            r = row // 2 + d_row * (1 if row % 2 else -1)
            c = column // 2 + d_column * (1 if column % 2 else -1)
            share = (0.25 if d_row else 0.75) * (0.25 if d_column else 0.75)
            weighted += share * float(coarse[n, min(max(r, 0), 1), min(max(c, 0), 2)])
        expected = (weighted + 2 * float(fine[n, row, column])) / 3
        assert float(found[n, row, column]) == pytest.approx(expected, abs=1e-6)


def test_an_ensemble_of_one_is_that_one_and_images_do_not_influence_each_other() -> None:
    members = [images(5, 0, h=4)[..., 0].abs(), images(5, 1, w=2)[..., 0].abs() * 100]
    assert torch.equal(ensemble_scores(members[:1]), members[0])
    together = ensemble_scores(members)
    for i in range(5):
        alone = ensemble_scores([member[i : i + 1] for member in members])
        assert torch.allclose(together[i : i + 1], alone)


def test_an_ensemble_needs_members_that_score_the_same_images() -> None:
    with pytest.raises(ValueError, match="at least one member"):
        ensemble_scores([])
    with pytest.raises(ValueError, match=r"\[2, 3\]"):
        ensemble_scores([torch.rand(3, 2, 2), torch.rand(2, 2, 2)])


@pytest.fixture(scope="module")
def anomalib() -> dict[str, np.ndarray]:
    with np.load(REFERENCE, allow_pickle=False) as stored:
        return dict(stored)


@pytest.fixture(scope="module")
def patches(anomalib: dict[str, np.ndarray]) -> tuple[torch.Tensor, torch.Tensor]:
    """The patch features that anomalib extracted from training and test images."""
    embeddings = torch.from_numpy(anomalib["embeddings"])
    n_train = len(embeddings) - len(anomalib["nearest"])
    return embeddings[:n_train], embeddings[n_train:]


def ranking(scores: np.ndarray) -> list[int]:
    return np.argsort(scores.reshape(len(scores), -1).max(1)).tolist()


def test_features_are_those_of_anomalib_away_from_the_border(
    anomalib: dict[str, np.ndarray],
) -> None:
    name, levels = str(anomalib["backbone"]), tuple(anomalib["levels"].tolist())
    network = timm.create_model(name, pretrained=False, features_only=True, out_indices=levels)
    network.blocks = network.blocks[: network.feature_info.get_dicts()[-1]["stage"]]
    state, stored = network.state_dict(), torch.from_numpy(anomalib["weights"]).float()
    floating = [key for key, tensor in state.items() if tensor.is_floating_point()]
    parts = stored.split([state[key].numel() for key in floating])
    state |= {key: part.view_as(state[key]) for key, part in zip(floating, parts, strict=True)}
    network.load_state_dict(state)
    backbone = Backbone(network, name, network.feature_info.reduction())
    pixels = torch.from_numpy(anomalib["images"]).permute(0, 3, 1, 2) / 255
    found, expected = backbone(pixels).numpy(), anomalib["embeddings"]
    assert found.shape == expected.shape
    # A border place at stride 8 reaches three places at stride 4.
    inner = np.s_[:, 3:-3, 3:-3]
    assert found[inner] == pytest.approx(expected[inner], rel=1e-4, abs=1e-5)
    # Anomalib counts zeros beyond the border in: it divides by 9 where there are 6 or 4 places.
    rows, columns = (np.where(np.arange(n) % (n - 1), 3, 2) for n in found.shape[1:3])
    share = (rows[:, None] * columns / 9)[..., None]
    fine = np.s_[..., : network.feature_info.channels()[0]]
    assert (found * share)[fine] == pytest.approx(expected[fine], rel=1e-4, abs=1e-5)


def test_nearest_neighbours_are_those_of_anomalib(
    anomalib: dict[str, np.ndarray], patches: tuple[torch.Tensor, torch.Tensor]
) -> None:
    train, test = patches
    found = nearest_neighbour_scores(test, train, is_test=False).numpy()
    assert found == pytest.approx(anomalib["nearest"], rel=1e-4)
    assert ranking(found) == ranking(anomalib["nearest"])


def test_images_rank_as_in_the_patchcore_of_anomalib(
    anomalib: dict[str, np.ndarray], patches: tuple[torch.Tensor, torch.Tensor]
) -> None:
    train, test = patches
    bank = train.flatten(0, 2)[torch.from_numpy(anomalib["projected"])]
    found = nearest_neighbour_scores(test, bank[None, None], is_test=False)
    assert found.numpy() == pytest.approx(anomalib["nearest_projected"], rel=1e-4)
    highest = image_scores(found.flatten(1), top_share=1e-9)
    assert highest.numpy() == pytest.approx(anomalib["image_scores"], rel=1e-4)
    assert highest.argsort().tolist() == np.argsort(anomalib["image_scores"]).tolist()


def test_mahalanobis_distances_are_those_of_the_padim_of_anomalib(
    anomalib: dict[str, np.ndarray], patches: tuple[torch.Tensor, torch.Tensor]
) -> None:
    """Anomalib adds ε to all variances, we mix; ρ = ε / (ε + tr Σ / D) makes ours c times theirs.

    c = (1 - ρ)(R - 1)/R: we divide the sum over R patches by R, anomalib by R - 1.
    """
    train, test = patches
    n, d = train.flatten(0, 2).shape
    epsilon = 0.01 + 1e-5
    shrinkage = epsilon / (epsilon + float(np.trace(anomalib["covariance"])) / d)
    c = (1 - shrinkage) * (n - 1) / n
    mean, covariance = gaussian_statistics(
        train.flatten(1, 2), torch.ones(len(train)), shrinkage=shrinkage
    )
    assert mean.numpy() == pytest.approx(anomalib["mean"], rel=1e-4, abs=1e-6)
    regularised = anomalib["covariance"] + epsilon * np.eye(d)
    assert covariance.numpy() == pytest.approx(c * regularised, rel=1e-4, abs=1e-6)
    assert np.linalg.inv(regularised) == pytest.approx(anomalib["precision"], rel=1e-3, abs=1e-3)
    found = mahalanobis_scores(test, train, shrinkage=shrinkage).numpy()
    assert found * math.sqrt(c * d) == pytest.approx(anomalib["distances"], rel=1e-4)
    assert ranking(found) == ranking(anomalib["distances"])
