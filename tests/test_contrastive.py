"""Head and supervised contrastive loss against loops over single patches."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch.func import vmap

from cozad_teach.contrastive import embed, supervised_contrastive_loss


def loss_by_loops(embeddings: np.ndarray, anomalous: np.ndarray, temperature: float) -> float:
    unit = [e / math.sqrt(sum(x * x for x in e)) for e in embeddings]
    normal = [i for i in range(len(unit)) if not anomalous[i]]
    losses = []
    for i in normal:
        positives = [j for j in normal if j != i]
        if not positives:
            continue
        others = [a for a in range(len(unit)) if a != i]
        total = sum(math.exp(float(unit[i] @ unit[a]) / temperature) for a in others)
        shares = [math.exp(float(unit[i] @ unit[j]) / temperature) / total for j in positives]
        losses.append(-sum(math.log(share) for share in shares) / len(positives))
    return sum(losses) / len(losses) if losses else 0.0


@pytest.mark.parametrize("temperature", [0.07, 0.5, 3.0])
@pytest.mark.parametrize("n_anomalous", [0, 1, 4, 6, 7])
def test_loss_equals_loops(n_anomalous: int, temperature: float) -> None:
    rng = np.random.default_rng(n_anomalous)
    embeddings = rng.normal(size=(7, 5)) * rng.uniform(0.1, 30, size=(7, 1))
    anomalous = rng.permutation(7) < n_anomalous
    found = supervised_contrastive_loss(
        torch.from_numpy(embeddings), torch.from_numpy(anomalous), temperature
    )
    expected = loss_by_loops(embeddings, anomalous, temperature)
    assert float(found) == pytest.approx(expected, abs=1e-12)


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


def test_embed_starts_at_the_identity_and_is_linear() -> None:
    features = torch.randn(2, 3, 4)
    assert torch.equal(embed(features, torch.zeros(4, 4)), features)
    head = torch.randn(4, 4)
    loops = torch.stack([torch.stack([z + head @ z for z in image]) for image in features])
    assert torch.allclose(embed(features, head), loops, atol=1e-5)
