"""Thresholds and probabilities: against loops, scikit-learn, and what they must never see."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, precision_score, recall_score

from cozad_teach.evaluation.calibration import (
    Calibration,
    at_threshold,
    calibrate,
    expected_calibration_error,
    level,
    relative_scores,
    reliability,
)
from cozad_teach.evaluation.metrics import image_auroc, image_f1max


def drawn(n: int = 300, shift: float = 1.5, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    labels = rng.random(n) < 0.4
    return np.exp(rng.normal(size=n) + shift * labels), labels


# The level of a product


def test_the_level_is_three_quarters_of_what_a_tenth_stays_below() -> None:
    scores = [3.0, -1.0, 0.5, 8.0, 2.0, 4.0]
    ordered = sorted(np.log(s + np.sqrt(s * s + 1)) for s in scores)  # place 0.1 · 5
    lowest = ordered[0] + 0.5 * (ordered[1] - ordered[0])
    assert level(scores) == pytest.approx(0.75 * lowest, abs=1e-12)
    assert level([7.0]) == pytest.approx(0.75 * np.arcsinh(7.0))
    relative = relative_scores(scores)
    assert np.arcsinh(relative) == pytest.approx(np.arcsinh(scores) - 0.75 * lowest, abs=1e-12)
    assert np.argsort(relative).tolist() == np.argsort(scores).tolist()


def test_a_moved_threshold_decides_as_the_relative_scores_do() -> None:
    scores, labels = drawn()
    chosen = calibrate(relative_scores(scores), labels)
    target = 5 * drawn(seed=1)[0]
    moved = chosen.at(target)
    of_relative = relative_scores(target) >= chosen.threshold
    assert 0 < of_relative.sum() < len(target)
    assert (of_relative == (target >= moved.threshold)).all()
    assert moved.probability(target) == pytest.approx(
        chosen.probability(relative_scores(target)), abs=1e-9
    )


def test_few_scores_do_not_tell_their_level() -> None:
    chosen = Calibration(slope=2.0, offset=-1.0, usual_level=0.5)
    usual = Calibration(slope=2.0, offset=-2.0)
    assert chosen.at([9.0] * 9) == chosen.at([]) == usual
    assert chosen.at([9.0] * 20 + [np.nan]) == usual
    assert chosen.at([9.0] * 10) == Calibration(2.0, -1.0 - 2 * 0.75 * np.arcsinh(9.0))


def test_products_that_score_higher_are_not_all_defects() -> None:
    """A fixed threshold calls nearly every image of the second product a defect."""
    scores, labels = drawn(shift=4.0)
    other, other_labels = drawn(shift=4.0, seed=1)
    scores, other = 10 * scores, 200 * other
    fixed = at_threshold(other, other_labels, calibrate(scores, labels).threshold)
    chosen = calibrate(relative_scores(scores), labels).at(other)
    relative = at_threshold(other, other_labels, chosen.threshold)
    assert fixed["false_positive_rate"] > 0.7 > 0.3 > relative["false_positive_rate"]
    assert relative["recall"] > 0.9


# Probabilities


def test_the_fit_equals_logistic_regression_on_the_same_targets() -> None:
    """Targets inside 0 and 1 are both labels at once, each with its share as weight."""
    scores, labels = drawn()
    found = calibrate(scores, labels)
    targets = np.where(labels, (labels.sum() + 1) / (labels.sum() + 2), 1 / ((~labels).sum() + 2))
    x = np.repeat(np.arcsinh(scores), 2)[:, None]
    y = np.tile([1, 0], len(scores))
    weights = np.stack([targets, 1 - targets], 1).ravel()
    reference = LogisticRegression(C=1e10, tol=1e-10, max_iter=10_000)
    reference.fit(x, y, sample_weight=weights)
    assert found.slope == pytest.approx(reference.coef_[0, 0], rel=1e-3)
    assert found.offset == pytest.approx(reference.intercept_[0], rel=1e-3)
    assert found.probability(scores) == pytest.approx(
        reference.predict_proba(np.arcsinh(scores)[:, None])[:, 1], abs=1e-3
    )


def test_the_threshold_is_where_a_defect_is_as_probable_as_not() -> None:
    scores, labels = drawn()
    found = calibrate(scores, labels)
    assert found.probability([found.threshold]) == pytest.approx(0.5, abs=1e-12)
    called = at_threshold(scores, labels, found.threshold)
    best = image_f1max(scores, labels).value
    assert best - 0.05 < called["f1"] <= best
    assert np.isfinite(calibrate(np.ones(20), np.arange(20) < 3).threshold)


@pytest.mark.parametrize("shift", [-2.0, 0.0, 1.0, 60.0])
def test_calibration_changes_no_ranking(shift: float) -> None:
    """Not even where the classes are the wrong way round, or separated by far."""
    scores, labels = drawn(80, shift)
    found = calibrate(scores, labels)
    probabilities = found.probability(scores)
    assert found.slope > 0
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    order = np.argsort(scores, kind="stable")
    assert (np.diff(probabilities[order]) >= 0).all()
    assert image_auroc(probabilities, labels) == pytest.approx(
        image_auroc(scores, labels), abs=0.02
    )


def test_scores_below_zero_and_constant_scores_have_probabilities() -> None:
    rng = np.random.default_rng(1)
    labels = np.repeat([False, True], 50)
    low = calibrate(rng.normal(size=100) - 5 + labels, labels)
    assert 0 < low.probability([-5.0])[0] < 1
    flat = calibrate(np.full(100, 0.7), labels)
    assert flat.probability([0.7, 0.7000001, 0.8]) == pytest.approx([0.5, 0.5, 0.5], abs=0.05)


def test_well_calibrated_on_new_images_of_the_same_kind() -> None:
    found = calibrate(*drawn(2000))
    scores, labels = drawn(2000, seed=1)
    assert expected_calibration_error(found.probability(scores), labels) < 0.04


def test_one_class_cannot_be_calibrated() -> None:
    with pytest.raises(ValueError, match="no anomalous images"):
        calibrate([1.0, 2.0], [0, 0])


# Reliability

probabilities_and_labels = st.lists(
    st.tuples(st.floats(0, 1) | st.sampled_from([0.0, 0.1, 0.3, 1.0]), st.booleans()),
    min_size=1,
    max_size=40,
)


@settings(deadline=None, max_examples=100)
@given(probabilities_and_labels, st.sampled_from([1, 3, 10]))
def test_the_error_equals_a_loop_over_bins(cases: list[tuple[float, bool]], n_bins: int) -> None:
    total = 0.0
    for b in range(n_bins):
        inside = [
            (p, y)
            for p, y in cases
            if int(p * n_bins) == b or (b == n_bins - 1 and int(p * n_bins) >= n_bins)
        ]
        if inside:
            predicted = sum(p for p, _ in inside) / len(inside)
            observed = sum(y for _, y in inside) / len(inside)
            total += len(inside) / len(cases) * abs(predicted - observed)
    found = expected_calibration_error(*zip(*cases, strict=True), n_bins)
    assert found == pytest.approx(total, abs=1e-12)


def test_bins_equal_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(2)
    probabilities = rng.random(500) ** 2
    labels = rng.random(500) < probabilities
    observed, predicted = calibration_curve(labels, probabilities, n_bins=10)
    bins = reliability(probabilities, labels)
    assert [b["observed"] for b in bins] == pytest.approx(observed)
    assert [b["predicted"] for b in bins] == pytest.approx(predicted)
    assert sum(b["images"] for b in bins) == 500


def test_hand_worked_errors() -> None:
    assert expected_calibration_error([1.0, 0.0], [1, 0]) == 0
    assert expected_calibration_error([1.0, 0.0], [0, 1]) == 1
    # Bin 0: predicted 0.05, observed 1/2; bin 9: predicted 0.9, observed 1; weights 2/3 and 1/3.
    found = expected_calibration_error([0.02, 0.08, 0.9], [1, 0, 1])
    assert found == pytest.approx(2 / 3 * 0.45 + 1 / 3 * 0.1)


@pytest.mark.parametrize("bad", [-0.1, 1.1, np.nan])
def test_what_is_no_probability_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="must lie in 0 to 1"):
        reliability([0.5, bad], [0, 1])
    with pytest.raises(ValueError, match="there are no images"):
        expected_calibration_error([], [])


# Decisions


def test_decisions_equal_scikit_learn() -> None:
    scores, labels = drawn(100)
    for threshold in np.quantile(scores, [0.05, 0.5, 0.9]):
        called = scores >= threshold
        found = at_threshold(scores, labels, threshold)
        assert found["precision"] == pytest.approx(precision_score(labels, called))
        assert found["recall"] == pytest.approx(recall_score(labels, called))
        assert found["f1"] == pytest.approx(f1_score(labels, called))
        assert found["false_positive_rate"] == pytest.approx(called[~labels].mean())


def test_what_would_divide_by_zero_is_none() -> None:
    nothing_called = at_threshold([1.0, 2.0], [0, 1], 3.0)
    assert nothing_called == {
        "precision": None,
        "recall": 0,
        "f1": 0,
        "false_positive_rate": 0,
    }
    no_normal = at_threshold([1.0, 2.0], [1, 1], 1.5)
    assert no_normal == {"precision": 1, "recall": 0.5, "f1": 2 / 3, "false_positive_rate": None}
    empty = at_threshold([], [], 1.0)
    assert set(empty.values()) == {None}


def test_the_threshold_itself_is_called_anomalous() -> None:
    assert at_threshold([1.0, 2.0], [0, 1], 2.0)["recall"] == 1
    assert Calibration(2.0, 0.0).probability([0.0])[0] == 0.5
    assert Calibration(2.0, 0.0).threshold == 0
