"""Exercise evaluation.average_precision. The wrong answers are wrong on purpose."""

from __future__ import annotations

import numpy as np

from cozad_teach.teaching.bank.metrics_image_auroc import image_auroc
from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISE"]


def average_precision(scores: np.ndarray, labels: np.ndarray) -> float:
    """Give the precision at the threshold of each anomalous image, averaged over them."""
    called = scores[None] >= scores[labels == 1][:, None]
    return float(np.mean((called & (labels == 1)).sum(1) / called.sum(1)))


def _along(hits: np.ndarray) -> float:
    """Average the precision at each hit of a list, from its first entry on."""
    return float((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits == 1].mean())


def _ties_in_order(scores: np.ndarray, labels: np.ndarray) -> float:
    return _along(labels[np.argsort(-scores, kind="stable")])


def _ties_won(scores: np.ndarray, labels: np.ndarray) -> float:
    return _along(labels[np.lexsort((-labels, -scores))])


def _over_all_images(scores: np.ndarray, labels: np.ndarray) -> float:
    called = scores[None] >= scores[:, None]
    return float(np.mean((called & (labels == 1)).sum(1) / called.sum(1)))


def _strictly_above(scores: np.ndarray, labels: np.ndarray, empty: float = np.nan) -> float:
    # Nothing lies above the highest score: the mean of nothing is nan, as a student's would be.
    called = [labels[scores > t] for t in scores[labels == 1]]
    return float(np.mean([c.mean() if len(c) else empty for c in called]))


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
    return _strictly_above(scores, labels, empty=0.0)


def _right_above(scores: np.ndarray, labels: np.ndarray) -> float:
    return _strictly_above(scores, labels, empty=1.0)


def _in_order(scores: np.ndarray, labels: np.ndarray) -> float:
    return _along(labels)


def _ascending(scores: np.ndarray, labels: np.ndarray) -> float:
    return _along(labels[np.argsort(scores, kind="stable")])


def _trapezoids(scores: np.ndarray, labels: np.ndarray) -> float:
    thresholds = np.sort(np.unique(scores))[::-1]
    precision = np.array([1.0, *[labels[scores >= t].mean() for t in thresholds]])
    recall = np.array([0.0, *[labels[scores >= t].sum() / labels.sum() for t in thresholds]])
    return float((np.diff(recall) * (precision[1:] + precision[:-1]) / 2).sum())


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
        Case(
            "nine images, ties of all kinds among them",
            (
                np.array([2.0, 1.0, 2.0, 3.0, 1.0, 2.0, 1.0, 2.0, 1.0]),
                np.array([1, 0, 0, 1, 1, 1, 0, 0, 1]),
            ),
        ),
        Case(
            "seven images, some of almost equal scores",
            (
                0.5 + 1e-6 * np.array([3.0, 1.0, 4.0, 0.0, 5.0, 9.0, 2.0]),
                np.array([1, 0, 0, 1, 1, 0, 0]),
            ),
        ),
    ]
    for n, m in ((12, 3), (15, 11)):
        labels = np.zeros(n, int)
        labels[random.permutation(n)[:m]] = 1
        scores = random.integers(-4, 5, n).astype(float)
        cases.append(Case(f"{n} images, {m} of them anomalous, with ties", (scores, labels), True))
    return tuple(cases)


EXERCISE = Exercise(
    name="evaluation.average_precision",
    reference=average_precision,
    cases=_precision_cases(),
    mistakes=(
        Mistake(
            "ties in the order of the list",
            _ties_in_order,
            "Images of equal scores are called one after the other in your answer, in the order "
            "of the list. At a threshold, all images of that score are called together.",
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
            "You average over the thresholds of all images. Those of the anomalous images count.",
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
            "You go through the images in the order of the list. Go from the highest score down.",
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
            image_auroc,
            "This is the AUROC. For the average precision, ask at each anomalous image "
            "which share of the images called is anomalous.",
        ),
        Mistake(
            "ties from the end of the list",
            lambda scores, labels: _along(labels[np.argsort(scores, kind="stable")[::-1]]),
            "Images of equal scores are called one after the other in your answer, from the end "
            "of the list. At a threshold, all images of that score are called together.",
        ),
        Mistake(
            "ties go to the normal",
            lambda scores, labels: _along(labels[np.lexsort((labels, -scores))]),
            "Among equal scores you let the normal images come first. At a threshold all images "
            "of that score are called together.",
        ),
        Mistake(
            "nearly equal scores",
            lambda scores, labels: average_precision(scores.round(4), labels),
            "Scores that differ a little count as equal in your answer. Compare them as they are.",
        ),
        Mistake(
            "middle of ties",
            lambda scores, labels: (
                (
                    _along(labels[np.lexsort((-labels, -scores))])
                    + _along(labels[np.lexsort((labels, -scores))])
                )
                / 2
            ),
            "You average the best and the worst order of equal scores. At a threshold all images "
            "of that score are called together.",
        ),
        Mistake(
            "sum of precisions",
            lambda scores, labels: average_precision(scores, labels) * int((labels == 1).sum()),
            "You add the precisions up. Take their mean.",
        ),
        Mistake(
            "share of the anomalous",
            lambda scores, labels: float((labels == 1).mean()),
            "This is the share of anomalous images. The scores have no influence on it.",
        ),
        Mistake(
            "false alarms",
            lambda scores, labels: 1 - average_precision(scores, labels),
            "You count the normal images among those called. Precision counts the anomalous ones.",
        ),
        Mistake(
            "maximal precision",
            lambda scores, labels: float(
                np.mean(
                    [
                        max(labels[scores >= s].mean() for s in scores[scores <= t])
                        for t in scores[labels == 1]
                    ]
                )
            ),
            "You take the highest precision at any lower threshold, as some benchmarks of "
            "detection do. Here the precision at the threshold itself counts.",
        ),
    ),
)
