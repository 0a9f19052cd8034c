"""What three habits of a predecessor's public code, as we read one commit, would change here.

The package has none of them. Chapter 12 says so, with care; here is what each would do.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from cozad_teach.confidence import soft_weights
from cozad_teach.evaluation.metrics import image_auroc
from cozad_teach.maml import inner_loop, outer_gradient
from cozad_teach.scoring import gaussian_statistics, mahalanobis


def distance_after_training(sign: float) -> float:
    """Train on three bowls by Reptile, its direction times a sign; give the distance to them."""
    centres = torch.tensor([[1.0, 0.2], [0.8, -0.1], [1.2, 0.0]])
    theta = {"x": torch.zeros(2)}

    def bowl(parameters: dict[str, Tensor], centre: Tensor) -> Tensor:
        return (parameters["x"] - centre).square().sum()

    def adapt(start: dict[str, Tensor], centre: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        adapted = inner_loop(start, lambda p: bowl(p, centre), 5, 0.05)
        return adapted, bowl(adapted, centre)

    for _ in range(40):
        direction, _, _ = outer_gradient(theta, centres, adapt, bowl, "reptile")
        theta = {"x": theta["x"] - sign * 0.2 * direction["x"]}
    return float((theta["x"] - centres.mean(0)).norm())


def test_reptile_with_the_other_sign_flees_from_its_tasks() -> None:
    assert distance_after_training(1) < 0.05
    assert distance_after_training(-1) > 10


def test_weights_by_place_in_the_batch_are_as_good_as_none() -> None:
    random = np.random.default_rng(0)
    n, n_odd = 400, 100
    odd = np.arange(n) < n_odd
    # All anomalous patches are alike, as real defects often are: they pull mean and covariance.
    patches = torch.from_numpy(random.normal(size=(n, 1, 2)))
    patches[:n_odd, :, 0] += 4

    def auroc(weights: Tensor) -> float:
        scores = mahalanobis(patches, *gaussian_statistics(patches, weights))
        return image_auroc(scores[:, 0].numpy(), odd)

    even = torch.ones(n, dtype=torch.float64)
    plain = mahalanobis(patches, *gaussian_statistics(patches, even))[:, 0]
    right = soft_weights(plain, gamma=-1.0, sharpness=4.0)
    # The loader shuffles: what stands at place i of the batch is another patch than the i-th.
    by_place = right[torch.from_numpy(random.permutation(n))]
    assert right[odd].mean() < right[~odd].mean() / 2
    assert float(by_place[odd].mean()) == pytest.approx(float(by_place[~odd].mean()), rel=0.2)
    assert auroc(right) > auroc(even) + 0.05
    assert auroc(by_place) == pytest.approx(auroc(even), abs=0.01)


def test_the_best_epoch_on_the_test_set_flatters_a_detector_that_guesses() -> None:
    random = np.random.default_rng(0)
    labels = np.arange(60) < 20
    runs = [
        [image_auroc(random.normal(size=60), labels) for _ in range(40)]
        for _ in range(50)
    ]  # fmt: skip
    assert np.mean([run[-1] for run in runs]) == pytest.approx(0.5, abs=0.05)
    assert np.mean([max(run) for run in runs]) > 0.62
