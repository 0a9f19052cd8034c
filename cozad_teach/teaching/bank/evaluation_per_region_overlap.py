"""Exercise evaluation.per_region_overlap. The wrong answers are wrong on purpose."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy import ndimage

from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISE"]


def per_region_overlap(scores: np.ndarray, regions: np.ndarray, threshold: float) -> float:
    """Give the mean share of each region (H, W; 1, 2, ...; 0 is normal) at or above a threshold."""
    return _mean_share(scores >= threshold, regions, np.unique(regions[regions > 0]))


def _over_pixels(scores: np.ndarray, regions: np.ndarray, threshold: float) -> float:
    return per_region_overlap(scores, (regions > 0).astype(int), threshold)


def _mean_share(found: np.ndarray, regions: np.ndarray, numbers: Iterable[int]) -> float:
    return float(np.mean([found[regions == n].mean() for n in numbers]))


def _normal_is_a_region(scores: np.ndarray, regions: np.ndarray, threshold: float) -> float:
    return _mean_share(scores >= threshold, regions, np.unique(regions))


def _touched(scores: np.ndarray, regions: np.ndarray, threshold: float) -> float:
    found = scores >= threshold
    return float(np.mean([found[regions == r].any() for r in np.unique(regions[regions > 0])]))


def _above_only(scores: np.ndarray, regions: np.ndarray, threshold: float) -> float:
    return per_region_overlap(-scores < -threshold, regions, 0.5)


def _union(scores: np.ndarray, regions: np.ndarray, threshold: float) -> float:
    found = scores >= threshold
    return float(
        np.mean(
            [
                (found & (regions == r)).sum() / (found | (regions == r)).sum()
                for r in np.unique(regions[regions > 0])
            ]
        )
    )


def _below(scores: np.ndarray, regions: np.ndarray, threshold: float) -> float:
    return 1 - per_region_overlap(scores, regions, threshold)


def _sum_of_shares(scores: np.ndarray, regions: np.ndarray, threshold: float) -> float:
    n = len(np.unique(regions[regions > 0]))
    return per_region_overlap(scores, regions, threshold) * n


def _by_highest_number(scores: np.ndarray, regions: np.ndarray, threshold: float) -> float:
    n = len(np.unique(regions[regions > 0]))
    return per_region_overlap(scores, regions, threshold) * n / int(regions.max())


def _touched_alone(scores: np.ndarray, regions: np.ndarray, threshold: float) -> float:
    found = scores >= threshold
    return _mean_share(found, regions, np.unique(regions[found & (regions > 0)]))


def _precision_by_region(scores: np.ndarray, regions: np.ndarray, threshold: float) -> float:
    found = scores >= threshold
    numbers = np.unique(regions[regions > 0])
    return float(np.mean([(found & (regions == n)).sum() / found.sum() for n in numbers]))


def _share_of_map(scores: np.ndarray, regions: np.ndarray, threshold: float) -> float:
    found = scores >= threshold
    numbers = np.unique(regions[regions > 0])
    return float(np.mean([(found & (regions == n)).mean() for n in numbers]))


def _up_to_highest(scores: np.ndarray, regions: np.ndarray, threshold: float) -> float:
    return _mean_share(scores >= threshold, regions, range(1, regions.max() + 1))


def _drops_first(scores: np.ndarray, regions: np.ndarray, threshold: float) -> float:
    return _mean_share(scores >= threshold, regions, np.unique(regions)[1:])


def _labelled_anew(scores: np.ndarray, regions: np.ndarray, threshold: float) -> float:
    anew, n = ndimage.label(regions > 0)
    return _mean_share(scores >= threshold, anew, range(1, n + 1))


def _overlap_cases() -> tuple[Case, ...]:
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


EXERCISE = Exercise(
    name="evaluation.per_region_overlap",
    reference=per_region_overlap,
    cases=_overlap_cases(),
    mistakes=(
        Mistake(
            "averages over pixels",
            _over_pixels,
            "You average over all anomalous pixels, so that a large region outweighs a small "
            "one. Average within each region first.",
        ),
        Mistake(
            "takes the normal pixels for a region",
            _normal_is_a_region,
            "Number 0 is not a region: it marks normal pixels.",
        ),
        Mistake(
            "counts touched regions",
            _touched,
            "You count a region as found if one pixel of it is. Its share of pixels is wanted.",
        ),
        Mistake(
            "strictly above",
            _above_only,
            "A pixel exactly at the threshold counts as found.",
        ),
        Mistake(
            "intersection over union",
            _union,
            "You divide by the union with all that was found. False alarms do not belong "
            "here: they are on the other axis of the curve.",
        ),
        Mistake(
            "what is missed",
            _below,
            "You give the share that is missed.",
        ),
        Mistake(
            "adds up",
            _sum_of_shares,
            "You add the shares of the regions. Their mean is wanted.",
        ),
        Mistake(
            "divides by the highest number",
            _by_highest_number,
            "You take the highest number for the number of regions. Numbers may be left out.",
        ),
        Mistake(
            "missed regions left out",
            _touched_alone,
            "A region that is missed does not count in your answer. It counts 0.",
        ),
        Mistake(
            "precision of regions",
            _precision_by_region,
            "You divide by the number of pixels found. Divide by the size of the region.",
        ),
        Mistake(
            "share of the map",
            _share_of_map,
            "You divide by all pixels of the map. Divide by the size of the region.",
        ),
        Mistake(
            "numbers without a region",
            _up_to_highest,
            "You count from 1 to the highest number. Where a number was left out, the "
            "mean of nothing is not a number.",
        ),
        Mistake(
            "drops the first number",
            _drops_first,
            "You drop the first number of the list. Where no pixel is normal, that is a "
            "region: compare with 0.",
        ),
        Mistake(
            "regions that touch are one",
            _labelled_anew,
            "You find the regions anew, so that two that touch become one. Their "
            "numbers say which pixel is whose.",
        ),
        Mistake(
            "scores of at least 0",
            lambda scores, regions, threshold: per_region_overlap(
                np.maximum(scores, 0), regions, threshold
            ),
            "Scores below 0 become 0 in your answer. Compare them as they are.",
        ),
        Mistake(
            "a tolerance",
            lambda scores, regions, threshold: per_region_overlap(
                scores, regions, threshold - 1e-4
            ),
            "Scores just below the threshold count as found. At least the threshold is asked for.",
        ),
        Mistake(
            "best region",
            lambda scores, regions, threshold: max(
                float((scores >= threshold)[regions == n].mean())
                for n in np.unique(regions[regions > 0])
            ),
            "You take the share of the best region. Take the mean over regions.",
        ),
        Mistake(
            "largest region",
            lambda scores, regions, threshold: per_region_overlap(
                scores,
                (regions == np.bincount(regions[regions > 0]).argmax()).astype(int),
                threshold,
            ),
            "Only the largest region counts in your answer. Take the mean over all.",
        ),
        Mistake(
            "first region alone",
            lambda scores, regions, threshold: per_region_overlap(
                scores, (regions == regions[regions > 0].min()).astype(int), threshold
            ),
            "Only the region of the lowest number counts in your answer: does a `return` stand "
            "inside the loop?",
        ),
        Mistake(
            "pixels found",
            lambda scores, regions, threshold: float(
                np.mean(
                    [
                        ((scores >= threshold) & (regions == n)).sum()
                        for n in np.unique(regions[regions > 0])
                    ]
                )
            ),
            "You give numbers of pixels. Divide each by the size of its region.",
        ),
        Mistake(
            "mean score",
            lambda scores, regions, threshold: float(
                np.mean([scores[regions == n].mean() for n in np.unique(regions[regions > 0])])
            ),
            "You average the scores. Count the pixels whose score reaches the threshold.",
        ),
    ),
)
