"""Thresholds from good images: against counting, NumPy, and what they promise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from cozad_teach.evaluation.thresholds import conformal_threshold, first_drift


@pytest.mark.parametrize("n", [1, 2, 7, 19, 20, 58, 199])
@pytest.mark.parametrize("rate", [0.01, 0.05, 0.3, 0.5, 0.95])
def test_threshold_equals_numpy_s_quantile_of_a_corrected_level(n: int, rate: float) -> None:
    scores = np.random.default_rng(n).gamma(3.0, size=n)
    level = math.ceil(round((n + 1) * (1 - rate), 9)) / n
    # A little lower, for NumPy goes on to the next score where k / n is rounded up.
    expected = math.inf if level > 1 else np.quantile(scores, level - 1e-9, method="inverted_cdf")
    assert conformal_threshold(scores, rate) == expected


def test_promise_is_kept_on_average_and_not_by_much_more() -> None:
    random = np.random.default_rng(0)
    drawn = random.gamma(2.0, size=(4_000, 20))
    alarms = sum(new > conformal_threshold(known, 0.1) for *known, new in drawn)
    # 19 scores cannot do better than 2 of 20 for a rate of 10 %: exactly the promise.
    assert binomtest(int(alarms), len(drawn), 0.1).pvalue > 0.001


def test_ties_keep_the_promise() -> None:
    assert conformal_threshold([1.0, 1, 1, 1], 0.2) == 1
    assert conformal_threshold([2.0, 2, 1, 1], 0.4) == 2


@pytest.mark.parametrize(("n", "rate"), [(18, 0.05), (1, 0.4), (8, 0.1)])
def test_too_few_scores_give_no_alarm_at_all(n: int, rate: float) -> None:
    assert conformal_threshold(np.arange(n), rate) == math.inf
    assert conformal_threshold(np.arange(n + 1), rate) == n


@pytest.mark.parametrize("rate", [0.0, 1.0, -0.1, math.nan])
def test_a_rate_outside_0_to_1_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="false_alarm_rate must lie between 0 and 1"):
        conformal_threshold([1.0], rate)
    with pytest.raises(ValueError, match="false_alarm_rate must lie between 0 and 1"):
        first_drift([1.0], 0.5, rate)


@pytest.mark.parametrize("scores", [[1.0, math.nan], [math.inf], [[1.0, 2.0]]])
def test_scores_that_are_no_list_of_numbers_are_refused(scores: list) -> None:
    with pytest.raises(ValueError, match="one list of finite numbers"):
        conformal_threshold(scores)
    with pytest.raises(ValueError, match="one list of finite numbers"):
        first_drift(scores, 1.0, 0.1)


def test_no_score_is_refused_and_no_window_too() -> None:
    with pytest.raises(ValueError, match="at least one good image"):
        conformal_threshold([])
    with pytest.raises(ValueError, match="window must be at least 1"):
        first_drift([1.0], 1.0, 0.1, window=0)
    with pytest.raises(ValueError, match="significance must lie between 0 and 1"):
        first_drift([1.0], 1.0, 0.1, significance=1.0)


def drift_by_loop(
    scores: np.ndarray, threshold: float, rate: float, window: int, significance: float
) -> int | None:
    for i in range(window - 1, len(scores)):
        alarms = sum(score > threshold for score in scores[i - window + 1 : i + 1])
        # P(X >= alarms), and more than that is too improbable.
        tail = sum(binom.pmf(m, window, rate) for m in range(alarms, window + 1))
        if tail <= significance:
            return i
    return None


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("window", [1, 7, 30])
def test_drift_equals_its_loop(seed: int, window: int) -> None:
    random = np.random.default_rng(seed)
    scores = random.normal(size=80) + np.linspace(0, 2, 80) * (seed > 0)
    for significance in (0.2, 0.013, 0.0011):
        found = first_drift(scores, 1.3, 0.1, window, significance)
        assert found == drift_by_loop(scores, 1.3, 0.1, window, significance)


def test_drift_needs_a_full_window() -> None:
    assert first_drift([9.0] * 5, 1.0, 0.05, window=6) is None
    assert first_drift([], 1.0, 0.05) is None
    assert first_drift([9.0] * 6, 1.0, 0.05, window=6) == 5


def test_a_score_at_the_threshold_is_no_alarm() -> None:
    assert first_drift([1.0] * 50, 1.0, 0.05) is None


def test_steady_streams_are_rarely_called_drifting() -> None:
    random = np.random.default_rng(1)
    called = sum(
        first_drift(random.random(50), 0.95, 0.05, window=50, significance=0.01) is not None
        for _ in range(1_000)
    )
    assert called <= 20
