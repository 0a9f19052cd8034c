"""Resampling against repeated recomputing, and intervals against how often they hold the truth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from cozad_teach.evaluation.exact.pixels import ImagePixels, checked_pairs, read_pixels
from cozad_teach.evaluation.metrics import (
    aupro,
    image_ap,
    image_auroc,
    image_f1max,
    pixel_ap,
    pixel_auroc,
    pixel_f1max,
)
from cozad_teach.evaluation.uncertainty.bootstrap import image_draws, pixel_draws, resample
from cozad_teach.evaluation.uncertainty.intervals import (
    Interval,
    Spread,
    average,
    difference_interval,
    interval,
    over_seeds,
    spread,
)

# Resamples


def test_each_class_is_drawn_from_itself() -> None:
    labels = np.array([0, 1, 1, 0, 0, 1, 0])
    weights = resample(labels, 300, seed=4)
    assert weights.shape == (300, 7)
    assert (weights[:, labels == 0].sum(1) == 3).all()
    assert (weights[:, labels == 1].sum(1) == 2).all()
    assert (weights == np.rint(weights)).all() and (weights >= 0).all()
    assert weights[:, labels == 0].mean(0) == pytest.approx(3 / 4, abs=0.15)
    np.testing.assert_array_equal(weights, resample(labels, 300, seed=4))
    assert not np.array_equal(weights, resample(labels, 300, seed=5))


def test_the_variance_of_a_mean_is_unbiased() -> None:
    values = np.array([3.0, -1.0, 4.0, 1.5, 9.0])
    weights = resample(np.zeros(5), 200_000)
    means = weights @ values / weights.sum(1)
    assert means.var() == pytest.approx(values.var(ddof=1) / 5, rel=0.02)


@pytest.mark.parametrize(("labels", "name"), [([0, 1, 1], "normal"), ([0, 0, 1], "anomalous")])
def test_one_image_of_a_class_has_no_spread(labels: list[int], name: str) -> None:
    with pytest.raises(ValueError, match=f"there is one {name} image only"):
        resample(labels)


def test_copies_are_drawn_together_and_count_as_one() -> None:
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1])
    groups = np.array([7, 7, 3, 9, 1, 2, 2, 2, 7])  # a group may be in both classes
    weights = resample(labels, 400, groups=groups)
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 5] == weights[:, 6]).all() and (weights[:, 6] == weights[:, 7]).all()
    assert (weights[:, [1, 2, 3]].sum(1) == 2).all()  # 3 groups of normal images
    assert (weights[:, [4, 5, 8]].sum(1) == 2).all()  # 3 groups of anomalous ones
    assert not (weights[:, 0] == weights[:, 8]).all()
    assert spread(weights[:, 0], labels, groups).degrees == 2
    with pytest.raises(ValueError, match="there is one normal image only"):
        resample([0, 0, 1, 1], groups=[5, 5, 1, 2])
    one_each = np.arange(9) * 3 + 1
    np.testing.assert_array_equal(resample(labels, 50, groups=one_each), resample(labels, 50))


# Draws against recomputing


def repeated(values: list, weights: np.ndarray) -> list:
    return [v for v, times in zip(values, weights, strict=True) for _ in range(int(times))]


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.sampled_from([0, 1, 9]))
def test_image_draws_equal_recomputing(seed: int, decimals: int) -> None:
    rng = np.random.default_rng(seed)
    labels = np.array([0, 0, 0, 1, 1, 0, 1, 1, 1])
    scores = np.round(rng.normal(size=9) * 2 + labels, decimals)
    weights = resample(labels, 20, seed=1)
    found = image_draws(scores, labels, weights)
    for b, drawn in enumerate(weights):
        case = repeated(list(scores), drawn), repeated(list(labels), drawn)
        assert found["image_auroc"][b] == pytest.approx(image_auroc(*case), abs=1e-12)
        assert found["image_ap"][b] == pytest.approx(image_ap(*case), abs=1e-12)
        assert found["image_f1max"][b] == pytest.approx(image_f1max(*case).value, abs=1e-12)


def maps_and_masks(seed: int, n: int = 8) -> tuple[list[np.ndarray], list[np.ndarray], np.ndarray]:
    """Images of different sizes; some images are brighter than others."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    masks, maps = [], []
    for index in range(n):
        mask = np.zeros((20 + index, 31 - index), bool)
        if labels[index]:
            mask[2:6, 3 : 9 + index] = mask[9:11, 12:14] = True
        masks.append(mask)
        maps.append(rng.normal(size=mask.shape) + 0.8 * mask + 0.5 * rng.normal())
    return maps, masks, labels


METRICS = {
    "pixel_auroc": pixel_auroc,
    "pixel_ap": pixel_ap,
    "pixel_f1max": lambda *case: pixel_f1max(*case).value,
    "aupro": aupro,
}


@pytest.mark.parametrize(("kind", "tolerance"), [("uint8", 1e-9), ("float64", 2e-3)])
def test_pixel_draws_equal_recomputing(kind: str, tolerance: float) -> None:
    maps, masks, labels = maps_and_masks(0)
    if kind == "uint8":
        maps = [(100 + 20 * m).clip(0, 255).astype(np.uint8) for m in maps]
    weights = resample(labels, 12, seed=2)
    found = pixel_draws(read_pixels(checked_pairs(maps, masks)), weights)
    assert set(found) == set(METRICS)
    for b, drawn in enumerate(weights):
        case = repeated(maps, drawn), repeated(masks, drawn)
        for name, metric in METRICS.items():
            assert found[name][b] == pytest.approx(metric(*case), abs=tolerance), name


def test_bins_are_chosen_among_all_images_of_a_large_set() -> None:
    """More pixels than are looked at for the edges, and most of the spread in a few images."""
    rng = np.random.default_rng(5)
    labels = np.arange(12) % 2
    masks, maps = [], []
    for index in range(12):
        mask = np.zeros((150, 130), bool)
        mask[40:80, 50:90] = labels[index]
        masks.append(mask)
        maps.append((rng.normal(size=mask.shape) + mask) * (1 if index < 10 else 0.01) + index / 3)
    images = read_pixels(checked_pairs(maps, masks))
    weights = resample(labels, 6, seed=3)
    found = pixel_draws(images, weights)
    for b, drawn in enumerate(weights):
        case = repeated(maps, drawn), repeated(masks, drawn)
        for name, metric in METRICS.items():
            assert found[name][b] == pytest.approx(metric(*case), abs=3e-3), name


def test_a_resample_without_normal_pixels_is_not_a_number() -> None:
    whole, part = np.ones((3, 4), bool), np.eye(3, 4, dtype=bool)
    maps = [np.arange(12.0).reshape(3, 4)] * 3
    images = read_pixels(checked_pairs(maps, [whole, whole, part]))
    weights = np.array([[2.0, 0, 0], [0, 1, 1]])
    found = pixel_draws(images, weights)
    for name in METRICS:
        assert np.isnan(found[name][0]) and np.isfinite(found[name][1]), name


def test_methods_on_the_same_images_share_their_draws() -> None:
    rng = np.random.default_rng(3)
    labels = np.repeat([0, 1], 40)
    scores = rng.normal(size=80) + labels
    weights = resample(labels, 500)
    first = image_draws(scores, labels, weights)["image_auroc"]
    second = image_draws(scores + 0.02 * rng.normal(size=80), labels, weights)["image_auroc"]
    alone = spread(first, labels).variance
    assert spread(first - second, labels).variance < 0.05 * alone


# Spreads and intervals


def test_spreads_of_independent_parts_add_up_as_welch_does() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=7), 3 * rng.normal(size=11)
    parts = [Spread(np.var(v, ddof=1) / len(v), len(v) - 1) for v in (x, y)]
    welch = stats.ttest_ind(x, y, equal_var=False)
    both = average(parts)
    assert both.degrees == pytest.approx(welch.df)
    assert 4 * both.variance == pytest.approx(sum(p.variance for p in parts))
    assert average(parts[:1]) == Spread(parts[0].variance, pytest.approx(6))
    seeds = over_seeds(list(x), parts[1])
    assert seeds.variance == pytest.approx(sum(p.variance for p in parts))
    assert seeds.degrees == pytest.approx(welch.df)
    assert over_seeds([0.7], parts[1]) == parts[1]


def test_degrees_of_freedom_are_those_of_the_smaller_class_that_is_there() -> None:
    draws = np.array([0.1, 0.5, 0.3])
    assert spread(draws, [0, 1, 1, 1, 0, 0, 0]) == Spread(pytest.approx(0.04), 2)
    assert spread(draws, [1, 1, 1, 1, 1]) == Spread(pytest.approx(0.04), 4)


def test_intervals_stay_inside_0_to_1_and_hold_the_value() -> None:
    for value in (1e-6, 0.3, 0.5, 0.97, 1 - 1e-9):
        for variance in (1e-12, 1e-3, 0.2):
            low, high = interval(value, Spread(variance, 5))
            assert 0 <= low <= value <= high <= 1
    low, high = interval(0.97, Spread(4e-4, 50))
    assert 0.97 - low > high - 0.97
    assert interval(0.5, Spread(1e-4, 1e9)) == pytest.approx((0.4804, 0.5196), abs=1e-4)


@pytest.mark.parametrize(("value", "n"), [(1.0, 10), (0.0, 7), (1.0, 200)])
def test_perfect_results_get_the_exact_interval_of_a_share(value: float, n: int) -> None:
    exact = stats.binomtest(round(value * n), n).proportion_ci(method="exact")
    assert interval(value, Spread(0.0, n - 1)) == pytest.approx((exact.low, exact.high))


def test_rounding_does_not_pass_for_certainty() -> None:
    """A perfect AUPRO that is 1 but for the last digit, as its draws are."""
    rng = np.random.default_rng(0)
    labels = [0] * 6 + [1] * 6
    for _ in range(10):
        masks = [np.zeros((20, 24), bool) for _ in labels]
        for mask in masks[6:]:
            for _ in range(2):
                y, x = rng.integers(0, 15, 2)
                mask[y : y + rng.integers(1, 5), x : x + rng.integers(1, 7)] = True
        maps = [rng.random((20, 24)) / 2 + mask for mask in masks]
        assert aupro(maps, masks) <= 1
        images = read_pixels(checked_pairs(maps, masks))
        draws = pixel_draws(images, resample(labels, 100))["aupro"]
        low, high = interval(aupro(maps, masks), spread(draws, labels))
        assert (low, high) == (pytest.approx(0.5407, abs=1e-3), 1.0)


def test_two_perfect_results_may_still_differ() -> None:
    low, high = difference_interval(0.0, Spread(0.0, 9))
    assert (low, high) == pytest.approx((interval(1.0, Spread(0.0, 9)).low - 1, 0.3085), abs=1e-3)


def test_seeds_of_perfect_results_are_no_further_images() -> None:
    assert over_seeds([1.0, 1.0, 1.0], Spread(0.0, 9)) == Spread(0.0, 9)
    assert over_seeds([1.0, 0.9, 1.0], Spread(0.0, 9)).variance > 0


def test_the_interval_of_a_difference_is_that_of_student() -> None:
    rng = np.random.default_rng(1)
    differences = rng.normal(0.3, 1, 12)
    expected = stats.ttest_1samp(differences, 0).confidence_interval()
    found = difference_interval(differences.mean(), Spread(differences.var(ddof=1) / 12, 11))
    assert found == pytest.approx((expected.low, expected.high))


# Coverage: of 95 intervals in 100 the truth must be inside, on data whose truth is known.
# With 1,000 sets one simulation has a standard error of 0.7 points.


def coverage(truth: float, one: Callable[[np.random.Generator], Interval], n: int) -> float:
    rng = np.random.default_rng(0)
    intervals = np.array([one(rng) for _ in range(n)])
    return float(np.mean((intervals[:, 0] <= truth) & (truth <= intervals[:, 1])))


def from_normal_scores(
    labels: np.ndarray, shift: float, name: str, metric: Callable[..., float]
) -> Callable[[np.random.Generator], Interval]:
    """Draw scores of both classes from Gaussians, `shift` apart, and give a metric's interval."""
    weights = resample(labels, 300)

    def one(rng: np.random.Generator) -> Interval:
        scores = rng.normal(size=len(labels)) + shift * labels
        draws = image_draws(scores, labels, weights)[name]
        return interval(metric(scores, labels), spread(draws, labels))

    return one


@pytest.mark.parametrize(
    ("n_normal", "n_anomalous", "shift"), [(30, 30, 1.0), (100, 40, 2.0), (60, 150, 0.5)]
)
def test_coverage_of_image_auroc(n_normal: int, n_anomalous: int, shift: float) -> None:
    labels = np.repeat([0, 1], [n_normal, n_anomalous])
    one = from_normal_scores(labels, shift, "image_auroc", image_auroc)
    truth = float(stats.norm.cdf(shift / np.sqrt(2)))
    assert 0.93 <= coverage(truth, one, 1000) <= 0.97


@pytest.mark.parametrize(("n_normal", "n_anomalous", "shift"), [(150, 50, 1.5), (100, 60, 2.0)])
def test_coverage_of_image_average_precision(n_normal: int, n_anomalous: int, shift: float) -> None:
    labels = np.repeat([0, 1], [n_normal, n_anomalous])
    one = from_normal_scores(labels, shift, "image_ap", image_ap)
    many = np.repeat([0, 1], [n_normal * 4000, n_anomalous * 4000])
    truth = image_ap(np.random.default_rng(8).normal(size=len(many)) + shift * many, many)
    assert 0.93 <= coverage(truth, one, 1000) <= 0.97


def test_coverage_where_every_part_was_photographed_three_times() -> None:
    """As on the magnetic tiles: intervals that take copies for new images are too narrow."""
    labels = np.repeat([0, 1], [75, 75])
    groups = np.repeat(np.arange(50), 3)
    truth = float(stats.norm.cdf(1.2 / np.sqrt(2 * 1.04)))
    found = []
    for known in (groups, None):
        weights = resample(labels, 300, groups=known)

        def one(
            rng: np.random.Generator, weights: np.ndarray = weights, known: object = known
        ) -> Interval:
            scores = np.repeat(rng.normal(size=50), 3) + 0.2 * rng.normal(size=150) + 1.2 * labels
            draws = image_draws(scores, labels, weights)["image_auroc"]
            return interval(image_auroc(scores, labels), spread(draws, labels, known))

        found.append(coverage(truth, one, 1500))
    assert 0.93 <= found[0] <= 0.97
    assert found[1] < 0.85


def test_coverage_of_the_difference_of_two_methods() -> None:
    labels = np.repeat([0, 1], [50, 70])
    weights = resample(labels, 300)

    def one(rng: np.random.Generator) -> Interval:
        shared = rng.normal(size=120)
        scores = [shared + 0.7 * rng.normal(size=120) + shift * labels for shift in (1.0, 1.4)]
        draws = [image_draws(s, labels, weights)["image_auroc"] for s in scores]
        values = [image_auroc(s, labels) for s in scores]
        return difference_interval(values[1] - values[0], spread(draws[1] - draws[0], labels))

    truth = np.diff([stats.norm.cdf(s / np.sqrt(2 * 1.49)) for s in (1.0, 1.4)])[0]
    assert 0.93 <= coverage(truth, one, 1000) <= 0.97


@pytest.mark.parametrize("seed_effect", [0.0, 0.2, 1.0])
def test_coverage_of_the_mean_over_three_seeds(seed_effect: float) -> None:
    """Each seed is a method of its own strength; its scores of an image are alike, not equal."""
    labels = np.repeat([0, 1], [60, 60])
    weights = resample(labels, 200)

    def auroc_of(strength: np.ndarray) -> np.ndarray:
        return stats.norm.cdf(strength / np.sqrt(2 * 1.25))

    def one(rng: np.random.Generator) -> Interval:
        shared = rng.normal(size=120)
        strengths = 1.2 + seed_effect * rng.normal(size=3)
        scores = [shared + 0.5 * rng.normal(size=120) + s * labels for s in strengths]
        values = [image_auroc(s, labels) for s in scores]
        draws = np.mean([image_draws(s, labels, weights)["image_auroc"] for s in scores], axis=0)
        return interval(float(np.mean(values)), over_seeds(values, spread(draws, labels)))

    truth = auroc_of(1.2 + seed_effect * np.random.default_rng(9).normal(size=10**6)).mean()
    found = coverage(float(truth), one, 1000)
    # Degrees of freedom are estimated from three seeds, on the safe side where they matter.
    assert 0.93 <= found <= 0.985


def simulated_images(
    rng: np.random.Generator, n_normal: int, n_anomalous: int
) -> list[ImagePixels]:
    """Pixels of an image share its brightness, and those of an anomalous one its contrast."""
    images = []
    for index in range(n_normal + n_anomalous):
        offset = 0.6 * rng.normal()
        contrast = rng.gamma(4, 0.4)
        size = int(rng.integers(4, 30)) if index >= n_normal else 0
        images.append(
            ImagePixels(
                rng.normal(size=60) + offset,
                rng.normal(size=size) + offset + contrast,
                np.full(size, 1 / max(size, 1)),
                int(size > 0),
            )
        )
    return images


def pixel_metrics(images: list[ImagePixels]) -> dict[str, float]:
    once = pixel_draws(images, np.ones((1, len(images))))
    return {name: float(values[0]) for name, values in once.items()}


def test_coverage_of_pixel_metrics_with_the_image_as_unit() -> None:
    labels = np.repeat([0, 1], [30, 40])
    weights = resample(labels, 200)
    truth = pixel_metrics(simulated_images(np.random.default_rng(7), 12_000, 16_000))
    rng = np.random.default_rng(0)
    names = ("pixel_auroc", "aupro")
    inside: dict[str, list[bool]] = {name: [] for name in names}
    as_if_single: list[bool] = []
    for _ in range(700):
        images = simulated_images(rng, 30, 40)
        values, draws = pixel_metrics(images), pixel_draws(images, weights)
        for name in names:
            low, high = interval(values[name], spread(draws[name], labels))
            inside[name].append(low <= truth[name] <= high)
        # What a bootstrap over single pixels would claim: pixels are no independent witnesses.
        n = sum(len(image.anomalous) for image in images)
        error = np.sqrt(values["pixel_auroc"] * (1 - values["pixel_auroc"]) / n)
        as_if_single.append(abs(values["pixel_auroc"] - truth["pixel_auroc"]) < 1.96 * error)
    for name in names:
        assert 0.93 <= np.mean(inside[name]) <= 0.97, name
    assert np.mean(as_if_single) < 0.8
