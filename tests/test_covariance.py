"""Loss covariance and decay strength against loops and the definition."""

from __future__ import annotations

import math

import numpy as np
import pytest

from cozad_teach.covariance import decay_strength, loss_covariance
from cozad_teach.errors import CozadError


def test_scale_and_offset_of_a_loss_do_not_matter() -> None:
    rng = np.random.default_rng(0)
    losses = rng.normal(size=(12, 2))
    moved = losses * [7.0, 0.01] + [100.0, -3.0]
    assert loss_covariance(moved.tolist(), 5) == pytest.approx(loss_covariance(losses.tolist(), 5))


def test_a_window_of_jumps_is_told_from_a_window_of_rest() -> None:
    rng = np.random.default_rng(1)
    rough = rng.normal(0, 1.0, size=(20, 2)).tolist()
    calm = rng.normal(0, 0.1, size=(20, 2)).tolist()
    late_calm = np.linalg.det(loss_covariance(rough + calm, 10))
    late_rough = np.linalg.det(loss_covariance(calm + rough, 10))
    assert late_calm < 0.01 < 0.1 < late_rough


@pytest.mark.parametrize("losses", [[], [(1.0, 2.0)]])
def test_too_few_losses_give_no_covariance(losses: list[tuple[float, float]]) -> None:
    assert np.array_equal(loss_covariance(losses, 5), np.zeros((2, 2)))


def test_constant_losses_give_zeros() -> None:
    assert np.array_equal(loss_covariance([(1.0, 2.0)] * 6, 5), np.zeros((2, 2)))


def test_wrong_input_is_refused() -> None:
    with pytest.raises(CozadError, match="finite"):
        loss_covariance([(1.0, float("nan")), (1.0, 2.0)])
    with pytest.raises(ValueError, match="window"):
        loss_covariance([(1.0, 2.0)] * 3, window=1)


def test_decay_rises_with_the_determinant_between_its_bounds() -> None:
    determinants = [0.0, 1e-6, 0.1, 1.0, 10.0, 100.0, 1e9]
    found = [decay_strength(np.diag([d, 1.0]), 0.01, 0.5, 100.0) for d in determinants]
    assert found[0] == 0.01
    assert found == sorted(found)
    assert found[-1] == found[-2] == pytest.approx(0.015)
    assert found[3] == pytest.approx(0.01 * (1 + 0.5 * math.log(2) / math.log(101)))


def test_decay_is_finite_for_a_singular_covariance() -> None:
    line = np.array([[1.0, 1.0 + 1e-17], [1.0, 1.0]])
    assert decay_strength(line, 0.005) == pytest.approx(0.005)
    assert decay_strength(np.array([[1.0, 2.0], [2.0, 3.999]]), 0.005) == 0.005
