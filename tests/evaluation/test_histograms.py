"""Metrics of histograms against the exact ones of the scores that were counted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import label

from cozad_teach.evaluation.exact import histograms
from cozad_teach.evaluation.metrics import aupro, pixel_ap, pixel_auroc, pixel_f1max


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Maps of few levels, of either sign and with many ties, and masks of any shape."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    lowest = draw(st.sampled_from([-5, 0, 3]))
    masks = [rng.random(shape) < 0.3 for shape in ((4, 7), (9, 2))]
    masks.append(np.array([[True, False, True, False, False]]))
    return [rng.integers(lowest, lowest + 6, mask.shape) for mask in masks], masks


def counted(maps: list[np.ndarray], masks: list[np.ndarray]) -> tuple[np.ndarray, ...]:
    """Count normal and anomalous pixels of each score, and 1 / size of the latter's regions."""
    levels = np.unique(np.concatenate([m.ravel() for m in maps])).tolist()
    normal, anomalous, shares = np.zeros((3, len(levels)))
    for anomaly_map, mask in zip(maps, masks, strict=True):
        regions, _ = label(mask, np.ones((3, 3)))
        for place, score in np.ndenumerate(anomaly_map):
            level = levels.index(score)
            if regions[place]:
                anomalous[level] += 1
                shares[level] += 1 / (regions == regions[place]).sum()
            else:
                normal[level] += 1
    return normal, anomalous, shares


@settings(deadline=None, max_examples=100)
@given(cases(), st.sampled_from([0.05, 0.3, 1.0]))
def test_counts_give_the_metrics_of_the_scores(case: tuple[list, list], limit: float) -> None:
    maps, masks = case
    normal, anomalous, shares = counted(maps, masks)
    assert histograms.auroc(normal, anomalous) == pytest.approx(pixel_auroc(maps, masks))
    assert histograms.average_precision(normal, anomalous) == pytest.approx(pixel_ap(maps, masks))
    assert histograms.f1_max(normal, anomalous) == pytest.approx(pixel_f1max(maps, masks).value)
    area = histograms.pro_area(normal, shares, limit)
    assert area == pytest.approx(aupro(maps, masks, limit))


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
