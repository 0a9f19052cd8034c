"""IQR threshold and soft weights against numpy and against the definition, image by image."""

from __future__ import annotations

import numpy as np
import oracles
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from cozad_teach.confidence import (
    WEIGHTS,
    confidence_weights,
    hard_weights,
    iqr_threshold,
    soft_weights,
)
from cozad_teach.errors import CozadError

scores_lists = st.lists(st.floats(0, 1e6), min_size=1, max_size=30)


@given(scores_lists, st.floats(0, 5))
def test_weights_equal_the_definition(scores: list[float], gamma: float) -> None:
    found = soft_weights(torch.tensor(scores, dtype=torch.float64), gamma)
    expected = oracles.soft_weights(scores, gamma)
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


@given(scores_lists, st.floats(0, 5))
def test_hard_weights_select_and_soft_weights_agree_on_what_is_ordinary(
    scores: list[float], gamma: float
) -> None:
    tensor = torch.tensor(scores, dtype=torch.float64)
    hard = hard_weights(tensor, gamma)
    assert hard.tolist() == pytest.approx(
        [float(s <= iqr_threshold(tensor, gamma)) for s in tensor]
    )
    assert ((soft_weights(tensor, gamma) == 1) == (hard == 1)).all()
    assert hard.sum() >= 3 * (len(scores) - 1) // 4 + 1


def test_each_kind_of_weights_is_what_its_name_says() -> None:
    scores = torch.tensor([1.0, 1.0, 1.0, 1.0, 4.0])
    found = {kind: confidence_weights(scores, 1.5, 1.0, kind).tolist() for kind in WEIGHTS}
    assert found == {"soft": [1, 1, 1, 1, 0.25], "hard": [1, 1, 1, 1, 0], "none": [1] * 5}
    with pytest.raises(CozadError, match="unknown weights 'firm': choose soft, hard, none"):
        confidence_weights(scores, 1.5, 1.0, "firm")


@pytest.mark.parametrize("lowest", [0.1, 0.3, 1.1, 7.7])
def test_ties_at_the_lowest_score_are_ordinary(lowest: float) -> None:
    """The threshold of γ = -1 is Q1 to the last bit, also where Q3 + γ (Q3 - Q1) would not be."""
    scores = torch.tensor(90 * [lowest] + 10 * [2.9 * lowest], dtype=torch.float32)
    for upper in (scores, torch.cat([scores, scores[-1:].expand(60)])):
        assert (hard_weights(upper, -1.0) == (upper == upper.min())).all()
        assert (soft_weights(upper, -1.0)[:90] == 1).all()


def test_hard_weights_allow_negative_scores() -> None:
    """A threshold needs no ratio: scores of any sign can be selected by it, as by numpy's."""
    scores = [-9.0, -8.5, -8.0, -8.0, 3.0]
    q1, q3 = np.percentile(scores, [25, 75])
    threshold = iqr_threshold(torch.tensor(scores, dtype=torch.float64), 1.5)
    assert float(threshold) == pytest.approx(q3 + 1.5 * (q3 - q1), abs=1e-12)
    assert hard_weights(torch.tensor(scores)).tolist() == [1, 1, 1, 1, 0]


@pytest.mark.parametrize(
    ("scores", "gamma", "words"),
    [
        ([], 1.5, "at least one score"),
        ([1.0, float("nan")], 1.5, "not finite"),
        ([1.0, float("inf")], 1.5, "not finite"),
        ([-1.0, 2.0], 1.5, "at least 0"),
        ([1.0, 2.0], -1.1, "gamma"),
    ],
)
def test_wrong_input_is_refused(scores: list[float], gamma: float, words: str) -> None:
    with pytest.raises(CozadError, match=words):
        soft_weights(torch.tensor(scores), gamma)
