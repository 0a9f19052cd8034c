"""IQR threshold and soft weights against numpy and against the definition, image by image."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cozad_teach.confidence import iqr_threshold, soft_weights
from cozad_teach.errors import CozadError

scores_lists = st.lists(st.floats(0, 1e6), min_size=1, max_size=30)


def weights_by_loops(scores: list[float], gamma: float) -> list[float]:
    q1, q3 = np.percentile(scores, [25, 75])
    threshold = q3 + gamma * (q3 - q1)
    return [1.0 if s <= threshold else threshold / s for s in scores]


@given(scores_lists, st.floats(0, 5))
def test_weights_equal_the_definition(scores: list[float], gamma: float) -> None:
    found = soft_weights(torch.tensor(scores, dtype=torch.float64), gamma)
    expected = weights_by_loops(scores, gamma)
    assert found.numpy() == pytest.approx(np.array(expected), rel=1e-9, abs=1e-9)
    assert ((found >= 0) & (found <= 1)).all()


@pytest.mark.parametrize(
    "scores", [[3.0], [2.0, 2.0, 2.0], [0.0, 0.0], [1.0, 1.0, 1.0, 9.0], [5.0, 1.0, 2.0, 2.0, 7.0]]
)
def test_threshold_equals_numpy_on_ties_constants_and_one_sample(scores: list[float]) -> None:
    q1, q3 = np.percentile(scores, [25, 75])
    found = iqr_threshold(torch.tensor(scores, dtype=torch.float64), 1.5)
    assert float(found) == pytest.approx(q3 + 1.5 * (q3 - q1), abs=1e-12)


def test_each_row_is_a_set_of_its_own() -> None:
    scores = torch.rand(3, 7, dtype=torch.float64) * 10
    rows = [soft_weights(row, 0.2) for row in scores]
    assert torch.equal(soft_weights(scores, 0.2), torch.stack(rows))


def test_scale_does_not_matter() -> None:
    scores = torch.tensor([1.0, 2.0, 3.0, 50.0], dtype=torch.float64)
    assert torch.allclose(soft_weights(scores, 0.5), soft_weights(1000 * scores, 0.5), atol=1e-12)


def test_weights_never_rise_with_the_score() -> None:
    scores = torch.linspace(0, 20, 101)
    assert (soft_weights(scores, 0.0).diff() <= 0).all()


@pytest.mark.parametrize(
    ("scores", "gamma", "words"),
    [
        ([], 1.5, "at least one image"),
        ([1.0, float("nan")], 1.5, "not finite"),
        ([1.0, float("inf")], 1.5, "not finite"),
        ([-1.0, 2.0], 1.5, "at least 0"),
        ([1.0, 2.0], -0.1, "gamma"),
    ],
)
def test_wrong_input_is_refused(scores: list[float], gamma: float, words: str) -> None:
    with pytest.raises(CozadError, match=words):
        soft_weights(torch.tensor(scores), gamma)
