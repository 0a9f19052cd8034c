"""Exercise evaluation.per_region_overlap."""

import numpy as np
from scipy import ndimage

from cozad_book.checking.cases import Case, Exercise


def _mean_share(found, regions, numbers):
    return float(np.mean([found[regions == n].mean() for n in numbers]))


def _overlap_cases():
    random = np.random.default_rng(41)
    cases = []
    for (height, width), sizes, hidden in (
        ((5, 7), ((2, 3), (1, 1)), False),
        ((4, 6), ((2, 2), (1, 2)), False),
        ((6, 9), ((3, 4), (1, 1), (2, 2)), True),
    ):
        regions = np.zeros((height, width), int)
        column = 0
        for number, (rows, columns) in enumerate(sizes, 1):
            regions[:rows, column : column + columns] = number
            column += columns + 1
        scores = random.integers(0, 6, (height, width)).astype(float)
        label = f"a map of {height} x {width} with {len(sizes)} regions"
        cases.append(Case(label, (scores, regions, 3.0), hidden))
    scores, regions, _ = cases[0].arguments
    numbers = Case("regions numbered 2 and 5", (scores, np.array([0, 5, 2])[regions], 2.0), True)
    low = np.where(regions == 2, 0.0, scores)
    below = Case("scores and a threshold below 0", (scores - 5, regions, -2.0))
    nearly = np.where(scores == 3, 3 - 1e-6, scores)
    close = Case("scores just below the threshold", (nearly, regions, 3.0), True)
    missed = Case("a map with a region that is missed", (low, regions, 3.0))
    halves = np.repeat([[1, 1, 2, 2, 2]], 3, axis=0)
    touching = Case("two regions that fill the map", (scores[:3, :5], halves, 3.0), True)
    return (*cases[:2], missed, below, *cases[2:], numbers, touching, close)


EXERCISE = Exercise("evaluation.per_region_overlap", cases=_overlap_cases())


@EXERCISE.right
def per_region_overlap(scores: np.ndarray, regions: np.ndarray, threshold: float) -> float:
    """Give the mean share of each region (H, W; 1, 2, ...; 0 is normal) at or above a threshold."""
    return _mean_share(scores >= threshold, regions, np.unique(regions[regions > 0]))


@EXERCISE.wrong
def averages_over_pixels(scores, regions, threshold):
    """You average over all anomalous pixels, so that a large region outweighs a small one. Average
    within each region first."""
    return per_region_overlap(scores, (regions > 0).astype(int), threshold)


@EXERCISE.wrong
def takes_the_normal_pixels_for_a_region(scores, regions, threshold):
    """Number 0 is not a region: it marks normal pixels."""
    return _mean_share(scores >= threshold, regions, np.unique(regions))


@EXERCISE.wrong
def counts_touched_regions(scores, regions, threshold):
    """You count a region as found if one pixel of it is. Its share of pixels is wanted."""
    found = scores >= threshold
    return float(np.mean([found[regions == r].any() for r in np.unique(regions[regions > 0])]))


@EXERCISE.wrong
def strictly_above(scores, regions, threshold):
    """A pixel exactly at the threshold counts as found."""
    return per_region_overlap(-scores < -threshold, regions, 0.5)


@EXERCISE.wrong
def intersection_over_union(scores, regions, threshold):
    """You divide by the union with all that was found. False alarms do not belong here: they are on
    the other axis of the curve."""
    found = scores >= threshold
    return float(
        np.mean(
            [
                (found & (regions == r)).sum() / (found | (regions == r)).sum()
                for r in np.unique(regions[regions > 0])
            ]
        )
    )


@EXERCISE.wrong
def what_is_missed(scores, regions, threshold):
    """You give the share that is missed."""
    return 1 - per_region_overlap(scores, regions, threshold)


@EXERCISE.wrong
def adds_up(scores, regions, threshold):
    """You add the shares of the regions. Their mean is wanted."""
    n = len(np.unique(regions[regions > 0]))
    return per_region_overlap(scores, regions, threshold) * n


@EXERCISE.wrong
def divides_by_the_highest_number(scores, regions, threshold):
    """You take the highest number for the number of regions. Numbers may be left out."""
    n = len(np.unique(regions[regions > 0]))
    return per_region_overlap(scores, regions, threshold) * n / int(regions.max())


@EXERCISE.wrong
def missed_regions_left_out(scores, regions, threshold):
    """A region that is missed does not count in your answer. It counts 0."""
    found = scores >= threshold
    return _mean_share(found, regions, np.unique(regions[found & (regions > 0)]))


@EXERCISE.wrong
def precision_of_regions(scores, regions, threshold):
    """You divide by the number of pixels found. Divide by the size of the region."""
    found = scores >= threshold
    numbers = np.unique(regions[regions > 0])
    return float(np.mean([(found & (regions == n)).sum() / found.sum() for n in numbers]))


@EXERCISE.wrong
def share_of_the_map(scores, regions, threshold):
    """You divide by all pixels of the map. Divide by the size of the region."""
    found = scores >= threshold
    numbers = np.unique(regions[regions > 0])
    return float(np.mean([(found & (regions == n)).mean() for n in numbers]))


@EXERCISE.wrong
def numbers_without_a_region(scores, regions, threshold):
    """You count from 1 to the highest number. Where a number was left out, the mean of nothing is
    not a number."""
    return _mean_share(scores >= threshold, regions, range(1, regions.max() + 1))


@EXERCISE.wrong
def drops_the_first_number(scores, regions, threshold):
    """You drop the first number of the list. Where no pixel is normal, that is a region: compare
    with 0."""
    return _mean_share(scores >= threshold, regions, np.unique(regions)[1:])


@EXERCISE.wrong
def regions_that_touch_are_one(scores, regions, threshold):
    """You find the regions anew, so that two that touch become one. Their numbers say which pixel
    is whose."""
    anew, n = ndimage.label(regions > 0)
    return _mean_share(scores >= threshold, anew, range(1, n + 1))


@EXERCISE.wrong
def scores_of_at_least_0(scores, regions, threshold):
    """Scores below 0 become 0 in your answer. Compare them as they are."""
    return per_region_overlap(np.maximum(scores, 0), regions, threshold)


@EXERCISE.wrong
def a_tolerance(scores, regions, threshold):
    """Scores just below the threshold count as found. At least the threshold is asked for."""
    return per_region_overlap(scores, regions, threshold - 1e-4)


@EXERCISE.wrong
def best_region(scores, regions, threshold):
    """You take the share of the best region. Take the mean over regions."""
    return max(
        float((scores >= threshold)[regions == n].mean()) for n in np.unique(regions[regions > 0])
    )


@EXERCISE.wrong
def largest_region(scores, regions, threshold):
    """Only the largest region counts in your answer. Take the mean over all."""
    return per_region_overlap(
        scores,
        (regions == np.bincount(regions[regions > 0]).argmax()).astype(int),
        threshold,
    )


@EXERCISE.wrong
def first_region_alone(scores, regions, threshold):
    """Only the region of the lowest number counts in your answer: does a `return` stand inside the
    loop?"""
    return per_region_overlap(
        scores, (regions == regions[regions > 0].min()).astype(int), threshold
    )


@EXERCISE.wrong
def pixels_found(scores, regions, threshold):
    """You give numbers of pixels. Divide each by the size of its region."""
    return float(
        np.mean(
            [
                ((scores >= threshold) & (regions == n)).sum()
                for n in np.unique(regions[regions > 0])
            ]
        )
    )


@EXERCISE.wrong
def mean_score(scores, regions, threshold):
    """You average the scores. Count the pixels whose score reaches the threshold."""
    return float(np.mean([scores[regions == n].mean() for n in np.unique(regions[regions > 0])]))


@EXERCISE.wrong
def all_pixels_of_the_map(scores, regions, threshold):
    """This is the share of all pixels that is found. Look at each region by itself."""
    return float((scores >= threshold).mean())


@EXERCISE.wrong
def one_region_too_many(scores, regions, threshold):
    """You divide by one region too many: 0 is in `np.unique(regions)`, but no region."""
    numbers = np.unique(regions)
    shares = [(scores[regions == k] >= threshold).mean() for k in numbers if k != 0]
    return float(np.sum(shares) / len(numbers))


@EXERCISE.wrong
def false_alarms(scores, regions, threshold):
    """You give the share of normal pixels, the false alarms. The regions are the pixels above
    0."""
    return float((scores[regions == 0] >= threshold).mean())


@EXERCISE.wrong
def worst_region(scores, regions, threshold):
    """You take the share of the worst region. Take the mean over regions."""
    return float(min((scores[regions == k] >= threshold).mean() for k in set(regions.flat) - {0}))


@EXERCISE.wrong
def regions_by_their_mean(scores, regions, threshold):
    """You ask whether the mean score of a region reaches the threshold. Count the pixels that
    do."""
    return float(
        np.mean([scores[regions == k].mean() >= threshold for k in set(regions.flat) - {0}])
    )


@EXERCISE.wrong
def whole_regions(scores, regions, threshold):
    """You count a region as found only if all of it is. Its share of pixels is wanted."""
    return float(
        np.mean([(scores[regions == k] >= threshold).all() for k in set(regions.flat) - {0}])
    )


@EXERCISE.wrong
def median_region(scores, regions, threshold):
    """You take the median of the shares. Take their mean."""
    return float(
        np.median([(scores[regions == k] >= threshold).mean() for k in set(regions.flat) - {0}])
    )
