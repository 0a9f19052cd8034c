"""Curves against loops over all thresholds, areas against metrics, bands against recomputing."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from cozad_teach.evaluation.bands import (
    Band,
    pixel_roc_band,
    precision_recall_band,
    pro_band,
    roc_band,
)
from cozad_teach.evaluation.bootstrap import resample
from cozad_teach.evaluation.metrics import aupro, image_ap, image_auroc, pixel_auroc
from cozad_teach.evaluation.pixels import ImagePixels, checked_pairs, read_pixels

Point = tuple[float, float]
Curve = Callable[[float], tuple[float, float]]


# Oracles: float64 loops that follow the definitions, one threshold after the other


def thresholds(scores: Sequence[float]) -> list[float]:
    return [math.inf, *sorted(set(scores), reverse=True)]


def share(scores: Sequence[float], threshold: float) -> float:
    return sum(s >= threshold for s in scores) / len(scores)


def split(scores: Sequence[float], labels: Sequence[bool]) -> tuple[list[float], list[float]]:
    pairs = list(zip(scores, labels, strict=True))
    return [s for s, a in pairs if not a], [s for s, a in pairs if a]


def roc_points(scores: Sequence[float], labels: Sequence[bool]) -> list[Point]:
    normal, anomalous = split(scores, labels)
    return [(share(normal, t), share(anomalous, t)) for t in thresholds(scores)]


def pro_points(maps: list[np.ndarray], masks: list[np.ndarray]) -> list[Point]:
    normal = [float(v) for m, mask in zip(maps, masks, strict=True) for v in m[~mask]]
    regions = []
    for values, mask in zip(maps, masks, strict=True):
        numbered, n = ndimage.label(mask, np.ones((3, 3)))
        regions += [values[numbered == k].tolist() for k in range(1, n + 1)]
    points = []
    for t in thresholds([float(v) for m in maps for v in m.ravel()]):
        points.append((share(normal, t), sum(share(r, t) for r in regions) / len(regions)))
    return points


def line(points: list[Point]) -> Curve:
    """Give both limits of a line through the points at any x."""

    def read(x: float) -> tuple[float, float]:
        here = [y for at, y in points if at == x]
        if here:
            return here[0], here[-1]
        for (x0, y0), (x1, y1) in itertools.pairwise(points):
            if x0 < x < x1:
                return (y0 + (y1 - y0) * (x - x0) / (x1 - x0),) * 2
        raise AssertionError(x)

    return read


def steps(scores: Sequence[float], labels: Sequence[bool]) -> Curve:
    """Give both limits of the precision at any recall: the highest threshold reaching it counts."""
    normal, anomalous = split(scores, labels)
    points = []
    for t in thresholds(scores)[1:]:
        true, false = sum(s >= t for s in anomalous), sum(s >= t for s in normal)
        points.append((true / len(anomalous), true / (true + false)))

    def read(x: float) -> tuple[float, float]:
        reached = [p for r, p in points if r >= x and r > 0]
        beyond = [p for r, p in points if r > x]
        return reached[0], (beyond or reached)[0]

    return read


def expected(read: Curve, band: Band) -> np.ndarray:
    return np.array([read(float(x)) for x in band.x[::2]]).ravel()


def area(band: Band) -> float:
    return float(np.dot(np.diff(band.x), (band.y[1:] + band.y[:-1]) / 2))


def repeated(values: Sequence, weights: np.ndarray) -> list:
    return [v for v, times in zip(values, weights, strict=True) for _ in range(int(times))]


def no_weights(labels: Sequence) -> np.ndarray:
    return np.empty((0, len(labels)))


def images_of(maps: list[np.ndarray], masks: list[np.ndarray]) -> list[ImagePixels]:
    return read_pixels(checked_pairs(maps, masks))


def maps_and_masks(
    seed: int, n: int = 5, levels: int = 6, size: tuple[int, int] = (5, 9)
) -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray]:
    """Images of different sizes with many ties; every second one has two regions."""
    rng = np.random.default_rng(seed)
    masks, maps = [], []
    for index in range(n):
        mask = np.zeros((size[0] + index, size[1] - index % 3), bool)
        if index % 2:
            mask[1:3, 1 : 3 + index % 4] = mask[-1, -1] = True
        masks.append(mask)
        maps.append(rng.integers(0, levels, mask.shape) + 2.0 * mask + rng.integers(0, 2))
    return maps, masks, np.arange(n) % 2


@st.composite
def cases(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """Few or many images, more of the one class than of the other, with and without ties."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n_normal, n_anomalous = draw(st.sampled_from([(1, 1), (2, 7), (13, 4), (40, 31)]))
    labels = rng.permutation(np.repeat([False, True], [n_normal, n_anomalous]))
    shift = draw(st.sampled_from([-1.0, 0.0, 1.0, 20.0]))
    scores = np.round(rng.normal(size=len(labels)) + shift * labels, draw(st.sampled_from([0, 9])))
    return scores, labels


# The curve itself


@settings(deadline=None, max_examples=60)
@given(cases())
def test_image_curves_equal_loops_over_thresholds(case: tuple[np.ndarray, np.ndarray]) -> None:
    none = no_weights(case[1])
    for band, read in (
        (roc_band(*case, none), line(roc_points(*case))),
        (precision_recall_band(*case, none), steps(*case)),
    ):
        np.testing.assert_allclose(band.y, expected(read, band), rtol=0, atol=1e-12)
        assert band.x[0] == 0 and band.x[-1] == 1 and (np.diff(band.x) >= 0).all()


@settings(deadline=None, max_examples=60)
@given(cases())
def test_the_area_of_few_images_is_the_metric(case: tuple[np.ndarray, np.ndarray]) -> None:
    none = no_weights(case[1])
    assert area(roc_band(*case, none)) == pytest.approx(image_auroc(*case), abs=1e-12)
    assert area(precision_recall_band(*case, none)) == pytest.approx(image_ap(*case), abs=1e-12)


def test_the_area_of_many_images_is_the_metric_to_the_resolution_of_the_grid() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], [4000, 1700])
    case = rng.normal(size=5700) + 1.2 * labels, labels
    for band, metric in ((roc_band, image_auroc), (precision_recall_band, image_ap)):
        found = band(*case, no_weights(labels))
        assert len(found.x) < 1500
        assert area(found) == pytest.approx(metric(*case), abs=2e-4)


@pytest.mark.parametrize("limit", [0.05, 0.3, 1.0])
@pytest.mark.parametrize("seed", [0, 1])
def test_pixel_curves_equal_loops_over_thresholds(seed: int, limit: float) -> None:
    maps, masks, labels = maps_and_masks(seed)
    images, none = images_of(maps, masks), no_weights(labels)
    band = pro_band(images, none, limit)
    read = line(pro_points(maps, masks))
    np.testing.assert_allclose(band.y, expected(read, band), rtol=0, atol=1e-12)
    assert band.x[-1] == limit
    flat = np.concatenate([m.ravel() for m in maps]), np.concatenate([m.ravel() for m in masks])
    band = pixel_roc_band(images, none)
    read = line(roc_points(*(values.tolist() for values in flat)))
    np.testing.assert_allclose(band.y, expected(read, band), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.uint8, 1e-12), (np.float32, 2e-3)])
def test_the_area_of_pixel_curves_is_the_metric(dtype: type, tolerance: float) -> None:
    maps, masks, labels = maps_and_masks(3, levels=40, size=(60, 80))
    rng = np.random.default_rng(3)
    if dtype == np.float32:
        maps = [m + rng.normal(size=m.shape) for m in maps]
    maps = [(3 * m).astype(dtype) for m in maps]
    images, none = images_of(maps, masks), no_weights(labels)
    found = area(pixel_roc_band(images, none))
    assert found == pytest.approx(pixel_auroc(maps, masks), abs=tolerance)
    for limit in (0.3, 0.1, 1.0):
        found = area(pro_band(images, none, limit)) / limit
        assert found == pytest.approx(aupro(maps, masks, limit), abs=tolerance)


def test_a_worked_example() -> None:
    # From above: anomalous, a tie of one each, normal.
    band = roc_band([4.0, 3.0, 3.0, 1.0], [1, 1, 0, 0], np.empty((0, 4)))
    corners = dict(zip(band.x[1::2].tolist(), band.y[1::2].tolist(), strict=True))
    assert (corners[0.0], corners[0.25], corners[0.5], corners[1.0]) == (0.5, 0.75, 1.0, 1.0)
    assert band.y[0] == 0
    band = precision_recall_band([4.0, 3.0, 3.0, 1.0], [1, 1, 0, 0], np.empty((0, 4)))
    left = dict(zip(band.x[::2].tolist(), band.y[::2].tolist(), strict=True))
    assert (left[0.0], left[0.5], left[1.0]) == (1.0, 1.0, pytest.approx(2 / 3))
    assert band.y[1::2][band.x[1::2] == 0.5] == pytest.approx(2 / 3)


# The band


@pytest.mark.parametrize("decimals", [0, 9])
def test_image_bands_equal_recomputing(decimals: int) -> None:
    rng = np.random.default_rng(4)
    labels = np.array([0, 0, 0, 1, 1, 0, 1, 1, 1, 1, 1], bool)
    scores = np.round(rng.normal(size=11) * 2 + labels, decimals)
    weights = resample(labels, 25, seed=1)
    cases = [(repeated(scores.tolist(), w), repeated(labels.tolist(), w)) for w in weights]
    for give, oracle in (
        (roc_band, lambda *case: line(roc_points(*case))),
        (precision_recall_band, steps),
    ):
        band = give(scores, labels, weights)
        drawn = [expected(oracle(*case), band) for case in cases]
        limits = np.quantile(drawn, [0.025, 0.975], axis=0)
        np.testing.assert_allclose([band.low, band.high], limits, rtol=0, atol=1e-12)
        np.testing.assert_array_equal(band.y, give(scores, labels, no_weights(labels)).y)


def test_pixel_bands_equal_recomputing() -> None:
    maps, masks, labels = maps_and_masks(5)
    weights = resample(labels, 12, seed=2)
    images = images_of(maps, masks)
    for kind, band in (
        ("pro", pro_band(images, weights)),
        ("roc", pixel_roc_band(images, weights)),
    ):
        drawn = []
        for one in weights:
            case = repeated(maps, one), repeated(masks, one)
            flat = [np.concatenate([v.ravel() for v in part]).tolist() for part in case]
            points = pro_points(*case) if kind == "pro" else roc_points(*flat)
            drawn.append(expected(line(points), band))
        limits = np.quantile(drawn, [0.025, 0.975], axis=0)
        np.testing.assert_allclose([band.low, band.high], limits, rtol=0, atol=1e-12)


def test_a_band_holds_its_curve_and_narrows_with_more_images() -> None:
    rng = np.random.default_rng(6)
    widths = []
    for n in (30, 480):
        labels = np.repeat([0, 1], n)
        band = roc_band(rng.normal(size=2 * n) + 1.2 * labels, labels, resample(labels, 400))
        assert (band.low <= band.y).all() and (band.y <= band.high).all()
        widths.append(np.mean(band.high - band.low))
    assert widths[1] == pytest.approx(widths[0] / 4, rel=0.35)


def test_the_truth_is_inside_the_band_at_one_place_in_95_of_100_sets() -> None:
    """Normal scores: the truth is known. 400 sets give a standard error of 1.1 points."""
    labels = np.repeat([0, 1], [80, 60])
    weights = resample(labels, 120)
    rng = np.random.default_rng(7)
    truth, place = 0.5, 0.158655  # of the threshold 1, the mean of the anomalous scores
    inside = []
    for _ in range(400):
        band = roc_band(rng.normal(size=140) + labels, labels, weights)
        low, high = np.interp(place, band.x, band.low), np.interp(place, band.x, band.high)
        inside.append(low <= truth <= high)
    assert 0.91 <= np.mean(inside) <= 0.99


def test_a_perfect_curve_has_a_band_without_width() -> None:
    labels = np.array([0, 0, 0, 1, 1])
    band = roc_band([1.0, 2.0, 3.0, 4.0, 5.0], labels, resample(labels, 50))
    later = slice(1, None)  # the first point is where the line rises from 0
    assert band.y[0] == band.low[0] == band.high[0] == 0
    assert (band.y[later] == 1).all() and (band.low[later] == 1).all()


def test_without_resamples_there_is_a_curve_and_no_band() -> None:
    band = roc_band([1.0, 2.0], [0, 1], np.empty((0, 2)))
    assert np.isfinite(band.y).all() and np.isnan(band.low).all() and np.isnan(band.high).all()


def test_one_resample_without_normal_pixels_has_no_curve_so_there_is_no_band() -> None:
    whole, part = np.ones((3, 4), bool), np.eye(3, 4, dtype=bool)
    images = images_of([np.arange(12.0).reshape(3, 4)] * 3, [whole, whole, part])
    weights = np.array([[2.0, 0, 0], [0, 1, 1]])
    for band in (pixel_roc_band(images, weights), pro_band(images, weights)):
        assert np.isfinite(band.y).all() and np.isnan(band.low).all()


# What has no curve


@pytest.mark.parametrize("band", [roc_band, precision_recall_band])
@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        ([], [], "there are no images"),
        ([1.0, 2.0], [1, 1], "there are no normal images"),
        ([1.0, 2.0], [0, 0], "there are no anomalous images"),
        ([1.0, math.nan], [0, 1], "not finite"),
        ([1.0, 2.0, 3.0], [0, 1], "two lists of one length"),
        ([1.0, 2.0], [0, 2], "labels must be 0"),
    ],
)
def test_images_without_a_curve_are_refused(
    band: Callable[..., Band], scores: list[float], labels: list[int], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        band(scores, labels, np.ones((3, len(labels))))


@pytest.mark.parametrize("band", [pixel_roc_band, pro_band])
def test_pixels_without_a_curve_are_refused(band: Callable[..., Band]) -> None:
    zeros, full = np.zeros((2, 3), bool), np.ones((2, 3), bool)
    with pytest.raises(ValueError, match="there are no pixels"):
        band([], np.ones((1, 0)))
    with pytest.raises(ValueError, match="there are no anomalous pixels"):
        band(images_of([np.zeros((2, 3))], [zeros]), np.ones((1, 1)))
    with pytest.raises(ValueError, match="there are no normal pixels"):
        band(images_of([np.zeros((2, 3))], [full]), np.ones((1, 1)))


def test_weights_of_other_images_are_refused() -> None:
    with pytest.raises(ValueError, match=r"each of the 2 images, not the shape \(3, 4\)"):
        roc_band([1.0, 2.0], [0, 1], np.ones((3, 4)))
    maps, masks, _ = maps_and_masks(0)
    with pytest.raises(ValueError, match=r"each of the 5 images, not the shape \(5,\)"):
        pro_band(images_of(maps, masks), np.ones(5))


@pytest.mark.parametrize("limit", [0, -0.1, 1.1, math.nan])
def test_a_limit_out_of_range_is_refused(limit: float) -> None:
    with pytest.raises(ValueError, match="limit must be above 0"):
        pro_band([], np.ones((1, 0)), limit)
