"""Metrics of histograms against the exact ones, and the exact ones against their bounds."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cozad_teach.evaluation import histograms
from cozad_teach.evaluation.histograms import Bounded, PixelHistogram
from cozad_teach.evaluation.metrics import aupro, pixel_ap, pixel_auroc, pixel_f1max


def filled(maps: list[np.ndarray], masks: list[np.ndarray | None]) -> PixelHistogram:
    histogram = PixelHistogram()
    for anomaly_map, mask in zip(maps, masks, strict=True):
        histogram.add(anomaly_map, mask)
    return histogram


def both(maps: list, masks: list, limit: float = 0.3) -> list[tuple[Bounded, float]]:
    """Each metric of the histogram, and the exact one."""
    found = filled(maps, masks)
    return [
        (found.auroc(), pixel_auroc(maps, masks)),
        (found.average_precision(), pixel_ap(maps, masks)),
        (found.f1_max(), pixel_f1max(maps, masks).value),
        (found.aupro(limit), aupro(maps, masks, limit)),
    ]


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Scores from well apart to much denser than a bin, of either sign, with ties."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    width = draw(st.sampled_from([1e-6, 1e-3, 1.0, 1e30]))
    centre = draw(st.sampled_from([-3.0, 0.0, 1.0]))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    shapes = [(4, 7), (9, 2), (1, 5)]
    masks = [rng.random(shape) < 0.3 for shape in shapes]
    masks[2] = np.array([[True, False, True, False, False]])
    maps = [(centre + width * (rng.normal(size=m.shape) + m)).astype(dtype) for m in masks]
    maps[0][0, :4] = maps[0][0, 0]
    return maps, masks


@settings(deadline=None, max_examples=200)
@given(cases(), st.sampled_from([0.05, 0.3, 1.0]))
def test_the_exact_metric_lies_within_the_error(case: tuple[list, list], limit: float) -> None:
    for (value, error), exact in both(*case, limit):
        assert error >= 0
        assert abs(value - exact) <= error + 1e-9


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float32])
def test_scores_in_bins_of_their_own_are_exact(dtype: type) -> None:
    rng = np.random.default_rng(0)
    masks = [rng.random((30, 17)) < 0.1 for _ in range(4)]
    maps = [
        (100 + 30 * (rng.normal(size=m.shape) + m)).clip(0, 255).astype(np.uint8) for m in masks
    ]
    if dtype != np.uint8:
        maps = [(m.astype(dtype) - dtype(90)) for m in maps]
    for (value, _), exact in both(maps, masks):
        assert value == pytest.approx(exact, abs=1e-12)


def test_the_error_of_dense_scores_is_small_and_honest() -> None:
    rng = np.random.default_rng(1)
    masks = [np.zeros((64, 48), bool) for _ in range(20)]
    for mask in masks[:10]:
        mask[5:25, 8:30] = True
    maps = [(1 + 0.2 * rng.normal(size=m.shape) + 0.2 * m).astype(np.float32) for m in masks]
    for (value, error), exact in both(maps, masks):
        assert abs(value - exact) <= error < 0.02
        assert abs(value - exact) < 5e-4


def test_histograms_may_be_filled_apart_and_merged() -> None:
    rng = np.random.default_rng(2)
    maps = [rng.normal(size=(6, 5)) for _ in range(4)]
    masks: list[np.ndarray | None] = [rng.random((6, 5)) < 0.3 for _ in range(3)] + [None]
    whole = filled(maps, masks)
    parts = filled(maps[:1], masks[:1])
    parts.merge(filled(maps[1:], masks[1:]))
    for name in ("auroc", "average_precision", "f1_max", "aupro"):
        assert getattr(parts, name)() == getattr(whole, name)()


def test_memory_does_not_grow_with_the_set() -> None:
    rng = np.random.default_rng(3)
    histogram = PixelHistogram()
    maps = rng.normal(size=(2, 64, 64))
    histogram.add(maps[0], maps[0] > 1)
    tracemalloc.start()
    for _ in range(50):
        histogram.add(maps[1], maps[1] > 1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * maps[0].nbytes


def test_bins_are_in_the_order_of_the_scores() -> None:
    rng = np.random.default_rng(4)
    scores = rng.normal(size=5000) * 10.0 ** rng.integers(-44, 38, 5000)
    scores = np.sort(np.concatenate([scores, [0.0, -0.0, 1e-45, -1e-45, 1e300, -1e300]]))
    keys = histograms._keys(scores)
    assert (np.diff(keys) >= 0).all()
    assert keys.min() >= 0 and keys.max() < 2**histograms.KEY_BITS
    assert len(set(histograms._keys(np.array([0.0, -0.0])))) == 1


@pytest.mark.parametrize("name", ["auroc", "average_precision", "f1_max", "aupro"])
def test_what_is_missing_is_named(name: str) -> None:
    histogram = PixelHistogram()
    with pytest.raises(ValueError, match="there are no pixels"):
        getattr(histogram, name)()
    histogram.add(np.zeros((2, 3)), None)
    with pytest.raises(ValueError, match="there are no anomalous pixels"):
        getattr(histogram, name)()
    with pytest.raises(ValueError, match="not finite"):
        histogram.add(np.array([[np.nan]]), None)
    with pytest.raises(ValueError, match="map 0 has the shape"):
        histogram.add(np.zeros((2, 3)), np.zeros((3, 2), bool))
    whole = filled([np.zeros((2, 3))], [np.ones((2, 3), bool)])
    with pytest.raises(ValueError, match="there are no normal pixels"):
        getattr(whole, name)()


def test_a_limit_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="limit must be above 0"):
        filled([np.array([[1.0, 2.0]])], [np.array([[0, 1]])]).aupro(0)


def test_leading_indices_are_kept_and_weights_are_counts() -> None:
    """A histogram with doubled counts is that of a set in which everything is there twice."""
    rng = np.random.default_rng(5)
    normal, anomalous = rng.integers(0, 4, (2, 3, 11)).astype(float)
    normal[:, 0] = anomalous[:, 5] = 1
    for metric in (histograms.auroc, histograms.average_precision, histograms.f1_max):
        rows = [metric(n, a) for n, a in zip(normal, anomalous, strict=True)]
        np.testing.assert_allclose(metric(normal, anomalous), rows, rtol=1e-12)
        np.testing.assert_allclose(metric(2 * normal, 2 * anomalous), rows, rtol=1e-12)
    rows = [histograms.pro_area(n, a, 0.4) for n, a in zip(normal, anomalous, strict=True)]
    np.testing.assert_allclose(histograms.pro_area(normal, anomalous, 0.4), rows, rtol=1e-12)
