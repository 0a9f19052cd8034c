"""Head and supervised contrastive loss against loops over single patches."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from pytorch_metric_learning.losses import NTXentLoss, SupConLoss
from torch.func import vmap

from cozad_teach.contrastive import (
    alignment,
    embed,
    info_nce_loss,
    supervised_contrastive_loss,
    uniformity,
)
from cozad_teach.scoring import gaussian_statistics, mahalanobis


def test_loss_is_zero_and_flat_without_a_pair_of_normal_patches() -> None:
    embeddings = torch.randn(3, 4, requires_grad=True)
    loss = supervised_contrastive_loss(embeddings, torch.tensor([True, False, True]))
    loss.backward()
    assert loss == 0
    assert torch.equal(embeddings.grad, torch.zeros(3, 4))


def test_gradient_equals_finite_differences(double: None) -> None:
    embeddings = torch.randn(6, 3, generator=torch.Generator().manual_seed(0), requires_grad=True)
    anomalous = torch.tensor([False, True, False, False, True, False])
    torch.autograd.gradcheck(lambda e: supervised_contrastive_loss(e, anomalous), embeddings)


def test_loss_falls_when_normals_gather_and_anomalies_leave() -> None:
    anomalous = torch.tensor([False] * 4 + [True] * 2)
    scattered = torch.eye(6)
    gathered = torch.tensor([[1.0, 0.1 * i] for i in range(4)] + [[-1.0, 0.0], [-1.0, 0.3]])
    mixed = torch.tensor([[1.0, 0.1 * i] for i in range(6)])
    of = [float(supervised_contrastive_loss(e, anomalous)) for e in (gathered, mixed, scattered)]
    assert of[0] < of[1] < of[2]


def test_loss_runs_over_tasks_at_once() -> None:
    embeddings = torch.randn(3, 8, 4)
    anomalous = torch.rand(3, 8) < 0.4
    together = vmap(supervised_contrastive_loss)(embeddings, anomalous)
    apart = [supervised_contrastive_loss(e, a) for e, a in zip(embeddings, anomalous, strict=True)]
    assert torch.allclose(together, torch.stack(apart), atol=1e-6)


def test_embed_starts_at_the_identity_and_ends_on_the_sphere(double: None) -> None:
    features = torch.randn(2, 3, 4)
    unchanged = embed(features, torch.zeros(4, 4))
    assert torch.allclose(unchanged, 2 * F.normalize(features, dim=-1), atol=1e-12)
    embeddings = embed(features, torch.randn(4, 4))
    assert torch.allclose(embeddings.norm(dim=-1), torch.full((2, 3), 2.0), atol=1e-12)


def test_what_the_head_learns_changes_a_mahalanobis_distance(double: None) -> None:
    """A linear head alone could not: the covariance would take the map back."""
    features, head = torch.randn(1, 50, 4), 0.5 * torch.randn(4, 4)

    def scores(patches: torch.Tensor) -> torch.Tensor:
        return mahalanobis(patches, *gaussian_statistics(patches, torch.ones(1), 1e-9))

    linear = features + features @ head.mT
    assert torch.allclose(scores(linear), scores(features), atol=1e-6)
    start = embed(features, torch.zeros(4, 4))
    assert not torch.allclose(scores(embed(features, head)), scores(start), atol=0.1)


def test_a_feature_of_zeros_has_a_finite_embedding_and_gradient() -> None:
    features = torch.zeros(1, 3, requires_grad=True)
    embedding = embed(features, torch.zeros(3, 3))
    embedding.sum().backward()
    assert torch.equal(embedding, torch.zeros(1, 3))
    assert torch.isfinite(features.grad).all()


def labels_for_peers(anomalous: torch.Tensor) -> torch.Tensor:
    """Label normal patches 0 and every anomalous one by a number of its own."""
    return torch.where(anomalous, torch.arange(1, len(anomalous) + 1), 0)


@pytest.mark.parametrize("temperature", [0.07, 0.1, 1.0])
@pytest.mark.parametrize("n_anomalous", [1, 5, 7, 8, 9])
def test_supervised_loss_and_gradient_equal_pytorch_metric_learning(
    n_anomalous: int, temperature: float
) -> None:
    """9 signed patches of any length: mixed, one normal, none.

    Without any anomalous patch the peer gives 0 and we the definition: see the loops above.
    """
    rng = np.random.default_rng(n_anomalous)
    ours = torch.from_numpy(rng.normal(size=(9, 4)) * rng.uniform(0.1, 30, size=(9, 1)))
    ours.requires_grad_()
    theirs = ours.detach().clone().requires_grad_()
    anomalous = torch.from_numpy(rng.permutation(9) < n_anomalous)
    found = supervised_contrastive_loss(ours, anomalous, temperature)
    peer = SupConLoss(temperature=temperature)
    expected = peer(theirs, labels_for_peers(anomalous))
    assert found.item() == pytest.approx(expected.item(), abs=1e-10)
    found.backward()
    expected.backward()
    assert torch.allclose(ours.grad, theirs.grad, atol=1e-10)


def test_masked_patches_of_a_batch_may_be_left_out_beforehand(double: None) -> None:
    """A mask of patches that do not count is the same as a batch without them."""
    embeddings = torch.randn(10, 3, generator=torch.Generator().manual_seed(2))
    anomalous = torch.tensor([False, True] * 5)
    counts = torch.tensor([True, True, False, True, True, True, False, False, True, True])
    expected = SupConLoss()(embeddings[counts], labels_for_peers(anomalous)[counts])
    found = supervised_contrastive_loss(embeddings[counts], anomalous[counts])
    assert float(found) == pytest.approx(float(expected), abs=1e-10)


@pytest.mark.parametrize("of_one_class", [True, False])
def test_a_batch_of_one_has_no_pair(of_one_class: bool) -> None:
    assert supervised_contrastive_loss(torch.randn(1, 4), torch.tensor([of_one_class])) == 0


@pytest.mark.parametrize("temperature", [0.07, 1.0])
@pytest.mark.parametrize(("n_anchors", "n_keys"), [(1, 1), (1, 6), (4, 6), (6, 6), (6, 2)])
def test_info_nce_and_gradient_equal_pytorch_metric_learning(
    n_anchors: int, n_keys: int, temperature: float
) -> None:
    rng = np.random.default_rng(n_anchors * n_keys)
    ours = torch.from_numpy(rng.normal(size=(n_anchors + n_keys, 5)) * 3).requires_grad_()
    theirs = ours.detach().clone().requires_grad_()
    positives = torch.from_numpy(rng.integers(n_keys, size=n_anchors))
    found = info_nce_loss(ours[:n_anchors], ours[n_anchors:], positives, temperature)
    expected = NTXentLoss(temperature=temperature)(
        theirs[:n_anchors], positives, ref_emb=theirs[n_anchors:], ref_labels=torch.arange(n_keys)
    )
    if n_keys > 1:  # the peer leaves out anchors without a negative, whose loss is 0 anyway
        assert found.item() == pytest.approx(expected.item(), abs=1e-10)
        found.backward()
        expected.backward()
        assert torch.allclose(ours.grad, theirs.grad, atol=1e-10)
    else:
        assert found.item() == 0


def test_info_nce_of_keys_that_look_alike_is_the_log_of_their_number() -> None:
    found = info_nce_loss(torch.randn(3, 4), torch.ones(5, 4), torch.tensor([0, 4, 2]))
    assert float(found) == pytest.approx(math.log(5), abs=1e-6)


def test_alignment_and_uniformity_of_known_layouts(double: None) -> None:
    collapsed = torch.ones(5, 3) * torch.tensor([[1.0], [2.0], [0.1], [7.0], [3.0]])
    opposite = torch.tensor([[1.0, 0.0], [-4.0, 0.0]])
    axes = 3 * torch.eye(4)
    assert float(alignment(collapsed)) == pytest.approx(0, abs=1e-12)
    assert float(uniformity(collapsed)) == pytest.approx(0, abs=1e-12)
    assert float(alignment(opposite)) == pytest.approx(4)
    assert float(uniformity(opposite)) == pytest.approx(-8)
    assert float(alignment(axes)) == pytest.approx(2)
    assert float(uniformity(axes)) == pytest.approx(-4)
