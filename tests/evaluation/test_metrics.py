"""Metrics against naive loops over all thresholds, scikit-learn, and what must never matter."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from cozad_teach.evaluation.exact import curves
from cozad_teach.evaluation.metrics import (
    aupro,
    image_ap,
    image_auroc,
    image_f1max,
    pixel_ap,
    pixel_auroc,
    pixel_f1max,
)

TOLERANCE = 1e-9

Maps = list[np.ndarray]


# Oracles: float64 loops that follow the definitions, one threshold after the other


def thresholds(scores: Sequence[float]) -> list[float]:
    return [math.inf, *sorted(set(scores), reverse=True)]


def area(points: list[tuple[float, float]], limit: float) -> float:
    """Trapezoids over points of rising x, cut at `limit` by linear interpolation."""
    total = 0.0
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        if x1 <= limit:
            total += (x1 - x0) * (y0 + y1) / 2
        elif x0 < limit:
            y_cut = y0 + (y1 - y0) * (limit - x0) / (x1 - x0)
            total += (limit - x0) * (y0 + y_cut) / 2
    return total


def naive_auroc(scores: Sequence[float], labels: Sequence[bool]) -> float:
    positive = [s for s, is_anomalous in zip(scores, labels, strict=True) if is_anomalous]
    negative = [s for s, is_anomalous in zip(scores, labels, strict=True) if not is_anomalous]
    points = []
    for t in thresholds(scores):
        fpr = sum(s >= t for s in negative) / len(negative)
        points.append((fpr, sum(s >= t for s in positive) / len(positive)))
    return area(points, 1.0)


def naive_ap(scores: Sequence[float], labels: Sequence[bool]) -> float:
    total, recall_before = 0.0, 0.0
    for t in thresholds(scores)[1:]:
        found = [is_anomalous for s, is_anomalous in zip(scores, labels, strict=True) if s >= t]
        recall = sum(found) / sum(labels)
        total += (recall - recall_before) * sum(found) / len(found)
        recall_before = recall
    return total


def naive_f1max(scores: Sequence[float], labels: Sequence[bool]) -> tuple[float, float]:
    best = 0.0, math.inf
    for t in thresholds(scores)[1:]:
        found = [is_anomalous for s, is_anomalous in zip(scores, labels, strict=True) if s >= t]
        precision, recall = sum(found) / len(found), sum(found) / sum(labels)
        if sum(found):
            best = max(best, (2 * precision * recall / (precision + recall), t))
    return best


def regions_of(mask: np.ndarray) -> list[list[tuple[int, int]]]:
    """Flood fill over edges and corners."""
    left = {(int(y), int(x)) for y, x in np.argwhere(mask)}
    regions = []
    while left:
        stack, region = [left.pop()], []
        while stack:
            y, x = stack.pop()
            region.append((y, x))
            around = {(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)} & left
            left -= around
            stack += around
        regions.append(region)
    return regions


def naive_aupro(maps: Maps, masks: Maps, limit: float) -> float:
    values = [np.asarray(m).astype(float) for m in maps]
    normal = [s for m, k in zip(values, masks, strict=True) for s in m[np.asarray(k) == 0]]
    regions = [
        [m[place] for place in region]
        for m, k in zip(values, masks, strict=True)
        for region in regions_of(k)
    ]
    points = []
    for t in thresholds([float(s) for m in values for s in m.flat]):
        overlaps = [sum(s >= t for s in region) / len(region) for region in regions]
        points.append((sum(s >= t for s in normal) / len(normal), sum(overlaps) / len(overlaps)))
    return area(points, limit) / limit


def flat(maps: Maps, masks: Maps) -> tuple[list[float], list[bool]]:
    scores = [float(s) for m in maps for s in np.asarray(m).flat]
    return scores, [bool(s) for m in masks for s in np.asarray(m).flat]


# Random cases

finite = st.floats(-1e300, 1e300) | st.floats(-3, 3)
few_values = st.sampled_from([-2.5, 0.0, 1.0, 1e-300, 7e200])


@st.composite
def image_cases(draw: st.DrawFn) -> tuple[list[float], list[bool]]:
    n = draw(st.integers(2, 14))
    scores = draw(st.lists(draw(st.sampled_from([finite, few_values])), min_size=n, max_size=n))
    labels = draw(st.lists(st.booleans(), min_size=n - 2, max_size=n - 2))
    return scores, [*labels, False, True]


@st.composite
def pixel_cases(draw: st.DrawFn) -> tuple[Maps, Maps]:
    """Up to three images of different, asymmetric sizes, in one of several types, with ties."""
    kind = draw(st.sampled_from(["uint8", "float32", "float64", "ties", "int32", "float16"]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    maps, masks = [], []
    for _ in range(draw(st.integers(1, 3))):
        size = (draw(st.integers(1, 6)), draw(st.integers(1, 7)))
        values = rng.normal(size=size) * 10.0 ** rng.integers(-3, 4)
        if kind == "uint8":
            maps.append(rng.integers(0, 256, size, dtype=np.uint8))
        elif kind == "ties":
            maps.append(rng.integers(-2, 3, size).astype(float))
        elif kind == "int32":
            maps.append(rng.integers(-(2**31), 2**31, size, dtype=np.int64).astype(np.int32))
        else:
            maps.append(values.astype(kind))
        whole = draw(st.sampled_from([None, None, None, False, True]))
        share = draw(st.sampled_from([0.1, 0.3, 0.6]))
        masks.append(rng.random(size) < share if whole is None else np.full(size, whole))
    # Both kinds of pixels, whatever was drawn:
    maps.append(np.array([[1, 0, 2]], maps[0].dtype))
    masks.append(np.array([[False, True, False]]))
    return maps, masks


# Against the oracles


def same_f1(found: curves.BestF1, expected: tuple[float, float], scores: list[float]) -> bool:
    """Equal values; thresholds may differ where two give equal values but for rounding."""
    value, threshold = found
    return value == pytest.approx(expected[0], abs=TOLERANCE) and threshold in scores


@settings(deadline=None, max_examples=150)
@given(image_cases())
def test_image_metrics_equal_the_naive_loops(case: tuple[list[float], list[bool]]) -> None:
    assert image_auroc(*case) == pytest.approx(naive_auroc(*case), abs=TOLERANCE)
    assert image_ap(*case) == pytest.approx(naive_ap(*case), abs=TOLERANCE)
    assert same_f1(image_f1max(*case), naive_f1max(*case), case[0])


@pytest.fixture(params=["sorted", "in buckets"])
def way_of_counting(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have small sets counted in buckets too, few of them and in small chunks."""
    if request.param == "in buckets":
        monkeypatch.setattr(curves, "_FEW", 0)
        monkeypatch.setattr(curves, "_MAX_BUCKETS", 40)
        monkeypatch.setattr(curves, "_CHUNK", 7)


either_way = settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.mark.usefixtures("way_of_counting")
@either_way
@given(pixel_cases(), st.sampled_from([0.01, 0.05, 0.3, 0.5, 1.0]))
def test_pixel_metrics_equal_the_naive_loops(case: tuple[Maps, Maps], limit: float) -> None:
    assert aupro(*case, limit) == pytest.approx(naive_aupro(*case, limit), abs=TOLERANCE)
    assert pixel_auroc(*case) == pytest.approx(naive_auroc(*flat(*case)), abs=TOLERANCE)
    assert pixel_ap(*case) == pytest.approx(naive_ap(*flat(*case)), abs=TOLERANCE)
    assert same_f1(pixel_f1max(*case), naive_f1max(*flat(*case)), flat(*case)[0])


@pytest.mark.usefixtures("way_of_counting")
@either_way
@given(
    st.lists(finite | few_values, min_size=1, max_size=30),
    st.lists(finite | few_values, min_size=1, max_size=8),
    st.sampled_from([np.float64, np.float32, np.float16]),
)
def test_ranks_equal_two_loops(normal: list[float], anomalous: list[float], kind: type) -> None:
    with np.errstate(over="ignore"):
        normal_scores, anomalous_scores = (
            np.nan_to_num(np.array(v, np.float64).astype(kind)) for v in (normal, anomalous)
        )
    ranks = curves.rank([normal_scores[::2], normal_scores[1::2]], anomalous_scores)
    assert ranks.n_normal == len(normal)
    np.testing.assert_array_equal(ranks.scores, anomalous_scores[ranks.order])
    for place, score in enumerate(ranks.scores):
        assert ranks.below[place] == sum(s < score for s in normal_scores)
        assert ranks.tied[place] == sum(s == score for s in normal_scores)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.uint8, np.int64])
@pytest.mark.parametrize("spread", [1e-3, 30.0, 1e30])
def test_large_sets_are_counted_in_buckets_and_stay_exact(dtype: type, spread: float) -> None:
    rng = np.random.default_rng(6)
    with np.errstate(over="ignore", invalid="ignore"):
        normal, anomalous = (
            (128 + spread * rng.standard_t(3, n)).clip(0 if dtype == np.uint8 else -9e18, 9e18)
            for n in (1_200_000, 3_000)
        )
    if dtype == np.uint8:
        normal, anomalous = normal.clip(0, 255), anomalous.clip(0, 255)
    pieces, few = np.split(normal.astype(dtype), [7, 600_001]), anomalous.astype(dtype)
    ranks = curves.rank(pieces, few)
    whole = np.sort(normal.astype(dtype))
    np.testing.assert_array_equal(ranks.scores, np.sort(few))
    np.testing.assert_array_equal(ranks.below, np.searchsorted(whole, ranks.scores, "left"))
    np.testing.assert_array_equal(
        ranks.below + ranks.tied, np.searchsorted(whole, ranks.scores, "right")
    )


@pytest.mark.parametrize("decimals", [0, 1, 6])
@pytest.mark.parametrize("seed", range(3))
def test_image_metrics_equal_scikit_learn(decimals: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.random(301) < 0.3
    scores = np.round(rng.normal(size=301) + labels, decimals)
    assert image_auroc(scores, labels) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    assert image_ap(scores, labels) == pytest.approx(
        average_precision_score(labels, scores), abs=1e-12
    )
    best = max(f1_score(labels, scores >= t) for t in np.unique(scores))
    assert image_f1max(scores, labels).value == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_pixel_metrics_equal_scikit_learn(dtype: type) -> None:
    rng = np.random.default_rng(1)
    sizes = [(40, 61), (13, 200), (77, 30)]
    masks = [rng.random(size) < 0.04 for size in sizes]
    maps = [(30 * (rng.normal(size=m.shape) + m) + 90).clip(0, 255).astype(dtype) for m in masks]
    scores, labels = (
        np.concatenate([m.ravel() for m in maps]),
        np.concatenate([m.ravel() for m in masks]),
    )
    assert pixel_auroc(maps, masks) == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    assert pixel_ap(maps, masks) == pytest.approx(
        average_precision_score(labels, scores), abs=1e-12
    )


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_aupro_of_larger_maps_equals_the_naive_loop(dtype: type) -> None:
    rng = np.random.default_rng(4)
    maps, masks = [], []
    for height, width in ((23, 31), (40, 17)):
        mask = np.zeros((height, width), bool)
        mask[3:9, 4:8] = mask[9:11, 8:12] = mask[15:17, 1:16] = True  # the first two touch corners
        masks.append(mask)
        maps.append((30 * (rng.normal(size=mask.shape) + mask) + 90).clip(0, 255).astype(dtype))
    expected = naive_aupro(maps, masks, 0.3)
    assert aupro(maps, masks) == pytest.approx(expected, abs=TOLERANCE)
    assert 0.2 < expected < 0.9


# Cases worked out by hand


def test_hand_worked_image_metrics() -> None:
    scores, labels = [0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]
    assert image_auroc(scores, labels) == 0.75
    assert image_ap(scores, labels) == pytest.approx(1 / 2 * 1 + 1 / 2 * 2 / 3)
    assert image_f1max(scores, labels) == (pytest.approx(0.8), 0.35)  # 2 found, 1 false alarm
    # At 3, one of two is found; at 1, both are with two false alarms: F1 is 2/3 each time.
    assert image_f1max([3, 1, 2, 2], [1, 1, 0, 0]) == (pytest.approx(2 / 3), 3)


def test_hand_worked_pro_curve() -> None:
    """Region of 1 pixel found at FPR 0, region of 4 found at FPR 0.5: PRO is 1/2, then 1."""
    maps = [np.array([[9.0, 1, 5, 5], [1, 8, 5, 5]])]
    masks = [np.array([[1, 0, 1, 1], [0, 0, 1, 1]])]
    # Normal scores 1, 1, 8: FPR 0 above 8, 1/3 from 8 on. PRO 1/2 until 5, then 1.
    assert aupro(maps, masks, limit=0.3) == pytest.approx(0.5)
    assert aupro(maps, masks, limit=1.0) == pytest.approx(1 / 3 * 0.5 + 2 / 3)


def test_ties_between_normal_and_anomalous_pixels_make_a_ramp() -> None:
    """All scores equal: PRO = FPR, so the area up to a limit is limit**2 / 2."""
    maps, masks = [np.full((3, 5), 7, np.uint8)], [np.eye(3, 5, dtype=bool)]
    assert pixel_auroc(maps, masks) == 0.5
    for limit in (0.05, 0.3, 1.0):
        assert aupro(maps, masks, limit) == pytest.approx(limit / 2)


def test_perfect_and_inverted_maps() -> None:
    mask = np.zeros((6, 9), bool)
    mask[1:3, 4:8] = True
    for values in (mask, mask.astype(np.uint8), mask * 1e30, mask - 1e-30):
        assert pixel_auroc([values], [mask]) == aupro([values], [mask]) == 1.0
        assert pixel_ap([values], [mask]) == 1.0
    assert pixel_auroc([~mask], [mask]) == aupro([~mask], [mask]) == 0.0


def test_regions_touching_at_a_corner_are_one_and_regions_end_with_their_image() -> None:
    diagonal = np.array([[1, 0, 0], [0, 1, 1]], bool)
    maps = [np.array([[9.0, 5, 5], [5, 1, 1]])]
    assert aupro(maps, [diagonal], 0.3) == pytest.approx(1 / 3)  # as two regions it would be 1/2
    halves = [np.ones((1, 2), bool), np.ones((1, 2), bool), np.zeros((1, 2), bool)]
    maps = [np.full((1, 2), s) for s in (9.0, 1.0, 5.0)]
    assert aupro(maps, halves, 0.3) == pytest.approx(1 / 2)


def test_small_regions_count_as_much_as_large_ones() -> None:
    mask = np.zeros((10, 21), bool)
    mask[:, :10] = True
    mask[0, 20] = True
    values = np.where(mask, 9.0, 5.0)
    values[0, 20] = 0.0
    assert aupro([values], [mask], 0.3) == pytest.approx(0.5)
    assert pixel_auroc([values], [mask]) == pytest.approx(100 / 101)


# What must not matter


@settings(deadline=None, max_examples=60)
@given(pixel_cases())
def test_increasing_changes_of_the_scores_do_not_matter(case: tuple[Maps, Maps]) -> None:
    maps, masks = case
    levels = np.unique(np.concatenate([np.asarray(m, np.float64).ravel() for m in maps]))
    ranks = [np.searchsorted(levels, np.asarray(m, np.float64)) for m in maps]
    changes: list[Callable[[np.ndarray], np.ndarray]] = [
        lambda r: r,
        lambda r: r.astype(np.float64) ** 3 - 1e6,
        lambda r: 2.0 ** (r - 100.0),
        lambda r: r * 1e290 - 1e300,
        lambda r: r.astype(np.uint16),
    ]
    for metric in (pixel_auroc, pixel_ap, aupro):
        expected = metric(maps, masks)
        assert all(metric([f(r) for r in ranks], masks) == expected for f in changes)


@settings(deadline=None, max_examples=40)
@given(pixel_cases(), st.integers(0, 2**32))
def test_order_of_images_and_mirroring_do_not_matter(case: tuple[Maps, Maps], seed: int) -> None:
    maps, masks = case
    order = np.random.default_rng(seed).permutation(len(maps))
    others = [maps[i][::-1, ::-1].T for i in order], [masks[i][::-1, ::-1].T for i in order]
    for metric in (pixel_auroc, pixel_ap, aupro):
        assert metric(*others) == pytest.approx(metric(maps, masks), abs=1e-12)


@settings(deadline=None, max_examples=60)
@given(image_cases())
def test_inverting_the_scores_inverts_auroc(case: tuple[list[float], list[bool]]) -> None:
    scores, labels = case
    inverted = image_auroc([-s for s in scores], labels)
    assert image_auroc(scores, labels) + inverted == pytest.approx(1, abs=1e-12)


@settings(deadline=None, max_examples=60)
@given(pixel_cases())
def test_pro_of_one_region_up_to_limit_one_is_the_auroc(case: tuple[Maps, Maps]) -> None:
    maps, _ = case
    masks = [np.zeros(m.shape, bool) for m in maps]
    masks[-1][0, :2] = True
    assert aupro(maps, masks, 1.0) == pytest.approx(pixel_auroc(maps, masks), abs=1e-12)


def test_float32_neighbours_stay_distinct() -> None:
    low = np.float32(1000.0)
    high = np.nextafter(low, np.float32(np.inf))
    maps = [np.array([[low, high, low, low]])]
    masks = [np.array([[False, True, False, False]])]
    assert pixel_auroc(maps, masks) == aupro(maps, masks) == 1.0


def test_uint8_does_not_wrap_and_bytes_equal_floats() -> None:
    rng = np.random.default_rng(2)
    maps = [rng.integers(0, 256, (9, 14), dtype=np.uint8) for _ in range(3)]
    masks = [rng.random((9, 14)) < 0.2 for _ in range(3)]
    for metric in (pixel_auroc, pixel_ap, aupro):
        assert metric(maps, masks) == metric([m.astype(np.float64) for m in maps], masks)


def test_maps_of_different_types_are_compared_by_value() -> None:
    maps = [np.array([[200, 3]], np.uint8), np.array([[0.5, 199.5]], np.float32)]
    masks = [np.array([[1, 0]]), np.array([[0, 0]])]
    assert pixel_auroc(maps, masks) == aupro(maps, masks) == 1.0
    maps[1][0, 1] = 200.5
    assert pixel_auroc(maps, masks) == pytest.approx(2 / 3)


def test_masks_of_255_and_lists_and_stacks_and_none() -> None:
    maps = np.random.default_rng(3).normal(size=(4, 5, 8)).astype(np.float32)
    masks = np.zeros((4, 5, 8), bool)
    masks[1:, 2:4, 3] = True
    for metric in (pixel_auroc, pixel_ap, aupro):
        expected = metric(maps, masks)
        assert metric(maps, masks * np.uint8(255)) == expected
        assert metric([m.tolist() for m in maps], [m.tolist() for m in masks]) == expected
        assert metric(maps, [None, *masks[1:]]) == expected


def test_the_arguments_are_left_as_they_are() -> None:
    maps = np.random.default_rng(3).normal(size=(2, 5, 8))
    masks = maps > 1
    before = maps.copy(), masks.copy()
    aupro(maps, masks), pixel_auroc(maps, masks)
    scores = maps[0, :, 0].copy()
    image_auroc(scores, [0, 1, 0, 1, 1])
    np.testing.assert_array_equal(maps, before[0])
    np.testing.assert_array_equal(masks, before[1])
    np.testing.assert_array_equal(scores, before[0][0, :, 0])


@pytest.mark.parametrize("metric", [pixel_auroc, pixel_ap, aupro])
def test_memory_stays_within_a_few_copies_of_the_scores(metric: Callable[..., float]) -> None:
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(40, 128, 96)).astype(np.float32)
    masks = np.zeros(maps.shape, bool)
    masks[:, 20:50, 30:70] = True
    tracemalloc.start()
    metric(maps, masks)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * maps.nbytes


def test_maps_may_come_one_at_a_time() -> None:
    rng = np.random.default_rng(0)
    maps = [rng.normal(size=(9, 4)).astype(np.float32) for _ in range(5)]
    masks = [rng.random((9, 4)) < 0.3 for _ in maps]
    for metric in (pixel_auroc, pixel_ap, pixel_f1max, aupro):
        assert metric(iter(maps), iter(masks)) == metric(maps, masks)


@pytest.mark.parametrize("metric", [pixel_auroc, aupro])
def test_memory_is_the_scores_and_not_the_maps(metric: Callable[..., float]) -> None:
    """200 maps, made as they are asked for."""
    n, shape = 200, (128, 96)
    mask = np.zeros(shape, bool)
    mask[20:50, 30:70] = True

    def maps() -> Iterator[np.ndarray]:
        rng = np.random.default_rng(0)
        for _ in range(n):
            yield rng.normal(size=shape).astype(np.float32)

    tracemalloc.start()
    metric(maps(), [mask] * n)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    scores = 4 * n * shape[0] * shape[1]
    assert peak < 5 * scores


# What is refused

GOOD_MAP, GOOD_MASK = np.arange(6.0).reshape(2, 3), np.array([[0, 0, 1], [0, 1, 1]])


@pytest.mark.parametrize("metric", [image_auroc, image_ap, image_f1max])
@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        ([], [], "there are no images"),
        ([1.0, 2.0], [1, 1], "no normal images"),
        ([1.0, 2.0], [0, 0], "no anomalous images"),
        ([1.0, math.nan], [0, 1], "not finite"),
        ([1.0, math.inf], [0, 1], "not finite"),
        ([1.0, -math.inf], [0, 1], "not finite"),
        ([1.0, 2.0, 3.0], [0, 1], "two lists of one length"),
        ([[1.0, 2.0]], [[0, 1]], "two lists of one length"),
        (1.0, 1, "two lists of one length"),
        ([1.0, 2.0], [0, 2], "labels must be 0"),
        ([1.0, 2.0], [-1, 1], "labels must be 0"),
        ([1.0, 2.0], ["good", "cut"], "labels must be 0"),
        (["a", "b"], [0, 1], "must be real numbers"),
        ([1j, 2j], [0, 1], "must be real numbers"),
    ],
)
def test_bad_image_input(metric, scores, labels, message) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        metric(scores, labels)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("metric", [pixel_auroc, pixel_ap, pixel_f1max, aupro])
@pytest.mark.parametrize(
    ("maps", "masks", "message"),
    [
        ([], [], "there are no pixels"),
        ([np.zeros((0, 5))], [np.zeros((0, 5), bool)], "there are no pixels"),
        ([GOOD_MAP], [], "there are 1 maps but 0 masks"),
        ([GOOD_MAP], [GOOD_MASK.T], r"map 0 has the shape \(2, 3\) and its mask \(3, 2\)"),
        ([GOOD_MAP, GOOD_MAP[None]], [GOOD_MASK, GOOD_MASK[None]], "map 1 has the shape"),
        ([GOOD_MAP], [GOOD_MASK * 0], "no anomalous pixels"),
        ([GOOD_MAP], [GOOD_MASK * 0 + 1], "no normal pixels"),
        ([GOOD_MAP + math.nan], [GOOD_MASK], "not finite"),
        ([GOOD_MAP, GOOD_MAP - math.inf], [GOOD_MASK, None], "not finite"),
        ([GOOD_MAP], [GOOD_MASK * 0.5], "mask 0 must be boolean or integer, not float64"),
        ([GOOD_MAP.astype(str)], [GOOD_MASK], "must be real numbers"),
    ],
)
def test_bad_pixel_input(metric, maps, masks, message) -> None:
    with np.errstate(invalid="ignore"), pytest.raises(ValueError, match=message) as caught:
        metric(maps, masks)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("limit", [0, -0.3, 1.0001, 30, math.nan])
def test_bad_limit(limit: float) -> None:
    with pytest.raises(ValueError, match="limit must be above 0 and at most 1"):
        aupro([GOOD_MAP], [GOOD_MASK], limit)


def test_no_torch_is_imported() -> None:
    code = "import sys, cozad_teach.evaluation.metrics, cozad_teach.data.folders as f; "
    code += "raise SystemExit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
