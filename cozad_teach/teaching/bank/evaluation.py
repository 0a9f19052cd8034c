"""Exercises on measuring. The wrong answers are wrong on purpose."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import label

from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISES"]


def average_precision(scores: np.ndarray, labels: np.ndarray) -> float:
    """Give the precision at the threshold of each anomalous image, averaged over them."""
    called = scores[None] >= scores[labels == 1][:, None]
    return float(np.mean((called & (labels == 1)).sum(1) / called.sum(1)))


def _sorted_labels(scores: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.asarray(labels[np.argsort(-scores, kind="stable")])


def _ties_in_order(scores: np.ndarray, labels: np.ndarray) -> float:
    hits = _sorted_labels(scores, labels)
    return float((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits == 1].mean())


def _ties_won(scores: np.ndarray, labels: np.ndarray) -> float:
    order = np.lexsort((-labels, -scores))
    return _ties_in_order(-np.arange(len(scores)), labels[order])


def _over_all_images(scores: np.ndarray, labels: np.ndarray) -> float:
    called = scores[None] >= scores[:, None]
    return float(np.mean((called & (labels == 1)).sum(1) / called.sum(1)))


def _strictly_above(scores: np.ndarray, labels: np.ndarray) -> float:
    # Nothing lies above the highest score: the mean of nothing is nan, as a student's would be.
    return float(np.mean([labels[scores > t].mean() for t in scores[labels == 1]]))


def _recall(scores: np.ndarray, labels: np.ndarray) -> float:
    called = scores[None] >= scores[labels == 1][:, None]
    return float(np.mean((called & (labels == 1)).sum(1) / (labels == 1).sum()))


def _low_is_anomalous(scores: np.ndarray, labels: np.ndarray) -> float:
    return average_precision(-scores, labels)


def _precision_once(scores: np.ndarray, labels: np.ndarray) -> float:
    lowest = scores[labels == 1].min()
    return float(labels[scores >= lowest].mean())


def _divides_by_images(scores: np.ndarray, labels: np.ndarray) -> float:
    return average_precision(scores, labels) * float((labels == 1).mean())


def _each_threshold_once(scores: np.ndarray, labels: np.ndarray) -> float:
    thresholds = np.unique(scores[labels == 1])
    return float(np.mean([labels[scores >= t].mean() for t in thresholds]))


def _nothing_above(scores: np.ndarray, labels: np.ndarray) -> float:
    called = [labels[scores > t] for t in scores[labels == 1]]
    return float(np.mean([c.mean() if len(c) else 0.0 for c in called]))


def _right_above(scores: np.ndarray, labels: np.ndarray) -> float:
    called = [labels[scores > t] for t in scores[labels == 1]]
    return float(np.mean([c.mean() if len(c) else 1.0 for c in called]))


def _in_order(scores: np.ndarray, labels: np.ndarray) -> float:
    return float((np.cumsum(labels) / np.arange(1, len(labels) + 1))[labels == 1].mean())


def _ascending(scores: np.ndarray, labels: np.ndarray) -> float:
    hits = labels[np.argsort(scores, kind="stable")]
    return float((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits == 1].mean())


def _trapezoids(scores: np.ndarray, labels: np.ndarray) -> float:
    thresholds = np.sort(np.unique(scores))[::-1]
    precision = np.array([1.0, *[labels[scores >= t].mean() for t in thresholds]])
    recall = np.array([0.0, *[labels[scores >= t].sum() / labels.sum() for t in thresholds]])
    return float((np.diff(recall) * (precision[1:] + precision[:-1]) / 2).sum())


def _auroc(scores: np.ndarray, labels: np.ndarray) -> float:
    a, b = scores[labels == 1][:, None], scores[labels == 0]
    return float(((a > b) + 0.5 * (a == b)).mean())


def per_region_overlap(scores: np.ndarray, regions: np.ndarray, threshold: float) -> float:
    """Give the mean share of each region (H, W; 1, 2, ...; 0 is normal) at or above a threshold."""
    found = scores >= threshold
    return float(np.mean([found[regions == r].mean() for r in np.unique(regions[regions > 0])]))


def _over_pixels(scores: np.ndarray, regions: np.ndarray, threshold: float) -> float:
    return float((scores >= threshold)[regions > 0].mean())


def _normal_is_a_region(scores: np.ndarray, regions: np.ndarray, threshold: float) -> float:
    found = scores >= threshold
    return float(np.mean([found[regions == r].mean() for r in np.unique(regions)]))


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
    numbers = np.unique(regions[found & (regions > 0)])
    return float(np.mean([found[regions == n].mean() for n in numbers]))


def _precision_by_region(scores: np.ndarray, regions: np.ndarray, threshold: float) -> float:
    found = scores >= threshold
    numbers = np.unique(regions[regions > 0])
    return float(np.mean([(found & (regions == n)).sum() / found.sum() for n in numbers]))


def _share_of_map(scores: np.ndarray, regions: np.ndarray, threshold: float) -> float:
    found = scores >= threshold
    numbers = np.unique(regions[regions > 0])
    return float(np.mean([(found & (regions == n)).mean() for n in numbers]))


def _up_to_highest(scores: np.ndarray, regions: np.ndarray, threshold: float) -> float:
    found = scores >= threshold
    return float(np.mean([found[regions == n].mean() for n in range(1, regions.max() + 1)]))


def _drops_first(scores: np.ndarray, regions: np.ndarray, threshold: float) -> float:
    found = scores >= threshold
    return float(np.mean([found[regions == n].mean() for n in np.unique(regions)[1:]]))


def _labelled_anew(scores: np.ndarray, regions: np.ndarray, threshold: float) -> float:
    found, (anew, n) = scores >= threshold, label(regions > 0)
    return float(np.mean([found[anew == i].mean() for i in range(1, n + 1)]))


def paired_interval(first: np.ndarray, second: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Give the 2.5 % and 97.5 % quantiles of the mean of first - second (N,) over draws (B, N)."""
    return np.quantile((first - second)[draws].mean(1), [0.025, 0.975])


def _unpaired(first: np.ndarray, second: np.ndarray, draws: np.ndarray) -> np.ndarray:
    return np.quantile(first[draws].mean(1) - second[draws[::-1]].mean(1), [0.025, 0.975])


def _difference_of_quantiles(
    first: np.ndarray, second: np.ndarray, draws: np.ndarray
) -> np.ndarray:
    levels = [0.025, 0.975]
    a, b = (np.quantile(values[draws].mean(1), levels) for values in (first, second))
    return np.asarray(a - b)


def _worst_corners(first: np.ndarray, second: np.ndarray, draws: np.ndarray) -> np.ndarray:
    levels = [0.025, 0.975]
    a, b = (np.quantile(values[draws].mean(1), levels) for values in (first, second))
    return np.array([a[0] - b[1], a[1] - b[0]])


def _ninety(first: np.ndarray, second: np.ndarray, draws: np.ndarray) -> np.ndarray:
    return np.quantile((first - second)[draws].mean(1), [0.05, 0.95])


def _of_single_images(first: np.ndarray, second: np.ndarray, draws: np.ndarray) -> np.ndarray:
    return np.quantile(first - second, [0.025, 0.975])


def _turned_round(first: np.ndarray, second: np.ndarray, draws: np.ndarray) -> np.ndarray:
    return paired_interval(second, first, draws)


def _size_alone(first: np.ndarray, second: np.ndarray, draws: np.ndarray) -> np.ndarray:
    return np.quantile(abs((first - second)[draws].mean(1)), [0.025, 0.975])


def _over_draws(first: np.ndarray, second: np.ndarray, draws: np.ndarray) -> np.ndarray:
    return np.quantile((first - second)[draws].mean(0), [0.025, 0.975])


def _normal_limits(first: np.ndarray, second: np.ndarray, draws: np.ndarray) -> np.ndarray:
    means = (first - second)[draws].mean(1)
    return means.mean() + 1.96 * means.std() * np.array([-1, 1])


def _shares_for_percent(first: np.ndarray, second: np.ndarray, draws: np.ndarray) -> np.ndarray:
    return np.percentile((first - second)[draws].mean(1), [0.025, 0.975])


def _limits_exchanged(first: np.ndarray, second: np.ndarray, draws: np.ndarray) -> np.ndarray:
    return np.asarray(paired_interval(first, second, draws)[::-1])


def _images_of_draws(first: np.ndarray, second: np.ndarray, draws: np.ndarray) -> np.ndarray:
    return np.quantile((first - second)[draws], [0.025, 0.975])


def _sums_of_draws(first: np.ndarray, second: np.ndarray, draws: np.ndarray) -> np.ndarray:
    return np.quantile((first - second)[draws].sum(1), [0.025, 0.975])


def _precision_cases() -> tuple[Case, ...]:
    random = np.random.default_rng(40)
    cases = [
        Case(
            "six images without ties",
            (np.array([0.5, 0.7, 0.9, 0.4, 0.6, 0.8]), np.array([0, 1, 1, 0, 1, 0])),
        ),
        Case(
            "five images with ties",
            (np.array([3.0, 2.0, 2.0, 2.0, 1.0]), np.array([0, 0, 1, 1, 0])),
        ),
    ]
    for n, m in ((12, 3), (15, 11)):
        labels = np.zeros(n, int)
        labels[random.permutation(n)[:m]] = 1
        scores = random.integers(-4, 5, n).astype(float)
        cases.append(Case(f"{n} images, {m} of them anomalous, with ties", (scores, labels), True))
    return tuple(cases)


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
    missed = Case("a map with a region that is missed", (low, regions, 3.0))
    halves = np.repeat([[1, 1, 2, 2, 2]], 3, axis=0)
    touching = Case("two regions that fill the map", (scores[:3, :5], halves, 3.0), True)
    return (*cases[:2], missed, *cases[2:], numbers, touching)


def _interval_cases() -> tuple[Case, ...]:
    random = np.random.default_rng(42)
    cases = []
    for n, b, hidden in ((8, 40, False), (5, 100, False), (12, 60, True)):
        hard = random.normal(0.7, 0.2, n)
        pair = hard + random.normal(0.03, 0.05, n), hard
        draws = random.integers(0, n, (b, n))
        cases.append(Case(f"{n} images and {b} draws", (*pair, draws), hidden))
    return tuple(cases)


EXERCISES = (
    Exercise(
        name="evaluation.average_precision",
        reference=average_precision,
        cases=_precision_cases(),
        mistakes=(
            Mistake(
                "ties in the order of the list",
                _ties_in_order,
                "Your value depends on the order in which images with equal scores come. At a "
                "threshold, all images of that score are called anomalous together.",
            ),
            Mistake(
                "ties go to the anomalous",
                _ties_won,
                "Among equal scores you let the anomalous images come first, which flatters the "
                "detector. At a threshold all of them are called.",
            ),
            Mistake(
                "averages over all images",
                _over_all_images,
                "You average over the thresholds of all images. Those of the anomalous images "
                "count.",
            ),
            Mistake(
                "strictly above",
                _strictly_above,
                "At the threshold of an image that image itself is called anomalous: at or above, "
                "not above.",
            ),
            Mistake(
                "recall",
                _recall,
                "You divide by the number of anomalous images: that is the recall. Precision "
                "divides by the number of images that are called.",
            ),
            Mistake(
                "low scores are anomalous",
                _low_is_anomalous,
                "You call images with low scores anomalous. High ones are.",
            ),
            Mistake(
                "one threshold",
                _precision_once,
                "This is the precision at one threshold, that of the last anomalous image. "
                "Average over the thresholds of all of them.",
            ),
            Mistake(
                "divides by all images",
                _divides_by_images,
                "Your sum is over the anomalous images, but you divide by the number of all.",
            ),
            Mistake(
                "each threshold once",
                _each_threshold_once,
                "Anomalous images of equal scores count once in your answer. Each anomalous "
                "image has its threshold, also where two are the same.",
            ),
            Mistake(
                "nothing above the highest",
                _nothing_above,
                "At the threshold of an image that image itself is called anomalous: at or "
                "above, not above. Then nothing is ever empty.",
            ),
            Mistake(
                "all right above the highest",
                _right_above,
                "At the threshold of an image that image itself is called: at or above, not "
                "above. Then there is no empty case to decide.",
            ),
            Mistake(
                "in the order of the list",
                _in_order,
                "You go through the images in the order of the list. Go from the highest "
                "score down.",
            ),
            Mistake(
                "highest last",
                _ascending,
                "You go from the lowest score up. Start with the highest: `np.argsort(-scores)`.",
            ),
            Mistake(
                "trapezoids",
                _trapezoids,
                "This is the area under straight lines between the points of the curve, "
                "which no threshold reaches. The average precision takes the points "
                "themselves.",
            ),
            Mistake(
                "the area under ROC",
                _auroc,
                "This is the AUROC. For the average precision, ask at each anomalous image "
                "which share of the images called is anomalous.",
            ),
        ),
    ),
    Exercise(
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
        ),
    ),
    Exercise(
        name="evaluation.paired_interval",
        reference=paired_interval,
        cases=_interval_cases(),
        mistakes=(
            Mistake(
                "unpaired",
                _unpaired,
                "Your two methods see different draws. They were measured on the same images: "
                "draw the images once, for both.",
            ),
            Mistake(
                "difference of quantiles",
                _difference_of_quantiles,
                "You subtract the quantiles. Subtract first, image by image, then take the "
                "quantiles of the differences.",
            ),
            Mistake(
                "worst corners",
                _worst_corners,
                "You compare the worst of one method with the best of the other. The images that "
                "are hard for one are hard for the other: that must cancel.",
            ),
            Mistake(
                "90 %",
                _ninety,
                "These are the 5 % and 95 % quantiles. They leave 10 % outside.",
            ),
            Mistake(
                "quantiles of single images",
                _of_single_images,
                "You give the spread of single images. The mean over images spreads far less: "
                "take the mean of each draw.",
            ),
            Mistake(
                "turned round",
                _turned_round,
                "You subtract the first method from the second.",
            ),
            Mistake(
                "size alone",
                _size_alone,
                "You take absolute values. Then the interval can never hold 0.",
            ),
            Mistake(
                "mean over draws",
                _over_draws,
                "You average over the draws. Average over the images of each draw: which axis is "
                "that?",
            ),
            Mistake(
                "normal approximation",
                _normal_limits,
                "You take mean and deviation of the draws. Asked for are two quantiles of "
                "them, which fit any shape.",
            ),
            Mistake(
                "shares for percent",
                _shares_for_percent,
                "`np.percentile` counts to 100, so 0.025 is a fortieth of one percent. Ask "
                "for 2.5 and 97.5, or use `np.quantile`.",
            ),
            Mistake(
                "limits exchanged",
                _limits_exchanged,
                "The upper limit comes first in your answer.",
            ),
            Mistake(
                "single images of the draws",
                _images_of_draws,
                "You take quantiles over all images of all draws. Take the mean of each "
                "draw first: `axis=1`.",
            ),
            Mistake(
                "sums of draws",
                _sums_of_draws,
                "You add up each draw. Take its mean.",
            ),
        ),
    ),
)
