"""Exercise evaluation.average_precision."""

import numpy as np

from cozad_book.checking.cases import Case, Exercise, Mistake
from cozad_book.exercises.metrics_image_auroc import image_auroc


def _along(hits):
    """Average the precision at each hit of a list, from its first entry on."""
    return float((np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits == 1].mean())


def _precision_cases():
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


EXERCISE = Exercise("evaluation.average_precision", cases=_precision_cases())


@EXERCISE.right
def average_precision(scores: np.ndarray, labels: np.ndarray) -> float:
    """Give the precision at the threshold of each anomalous image, averaged over them."""
    called = scores[None] >= scores[labels == 1][:, None]
    return float(np.mean((called & (labels == 1)).sum(1) / called.sum(1)))


@EXERCISE.wrong
def ties_in_the_order_of_the_list(scores, labels):
    """Images of equal scores are called one after the other in your answer, in the order of the
    list. At a threshold, all images of that score are called together."""
    return _along(labels[np.argsort(-scores, kind="stable")])


@EXERCISE.wrong
def ties_go_to_the_anomalous(scores, labels):
    """Among equal scores you let the anomalous images come first, which flatters the detector. At a
    threshold all of them are called."""
    return _along(labels[np.lexsort((-labels, -scores))])


@EXERCISE.wrong
def averages_over_all_images(scores, labels):
    """You average over the thresholds of all images. Those of the anomalous images count."""
    called = scores[None] >= scores[:, None]
    return float(np.mean((called & (labels == 1)).sum(1) / called.sum(1)))


@EXERCISE.wrong
def strictly_above(scores, labels, empty=np.nan):
    """At the threshold of an image that image itself is called anomalous: at or above, not
    above."""
    # Nothing lies above the highest score: the mean of nothing is nan, as a student's would be.
    called = [labels[scores > t] for t in scores[labels == 1]]
    return float(np.mean([c.mean() if len(c) else empty for c in called]))


@EXERCISE.wrong
def recall(scores, labels):
    """You divide by the number of anomalous images: that is the recall. Precision divides by the
    number of images that are called."""
    called = scores[None] >= scores[labels == 1][:, None]
    return float(np.mean((called & (labels == 1)).sum(1) / (labels == 1).sum()))


@EXERCISE.wrong
def low_scores_are_anomalous(scores, labels):
    """You call images with low scores anomalous. High ones are."""
    return average_precision(-scores, labels)


@EXERCISE.wrong
def one_threshold(scores, labels):
    """This is the precision at one threshold, that of the last anomalous image. Average over the
    thresholds of all of them."""
    lowest = scores[labels == 1].min()
    return float(labels[scores >= lowest].mean())


@EXERCISE.wrong
def divides_by_all_images(scores, labels):
    """Your sum is over the anomalous images, but you divide by the number of all."""
    return average_precision(scores, labels) * float((labels == 1).mean())


@EXERCISE.wrong
def each_threshold_once(scores, labels):
    """Anomalous images of equal scores count once in your answer. Each anomalous image has its
    threshold, also where two are the same."""
    thresholds = np.unique(scores[labels == 1])
    return float(np.mean([labels[scores >= t].mean() for t in thresholds]))


@EXERCISE.wrong
def nothing_above_the_highest(scores, labels):
    """At the threshold of an image that image itself is called anomalous: at or above, not above.
    Then nothing is ever empty."""
    return strictly_above(scores, labels, empty=0.0)


@EXERCISE.wrong
def all_right_above_the_highest(scores, labels):
    """At the threshold of an image that image itself is called: at or above, not above. Then there
    is no empty case to decide."""
    return strictly_above(scores, labels, empty=1.0)


@EXERCISE.wrong
def in_the_order_of_the_list(scores, labels):
    """You go through the images in the order of the list. Go from the highest score down."""
    return _along(labels)


@EXERCISE.wrong
def highest_last(scores, labels):
    """You go from the lowest score up. Start with the highest: `np.argsort(-scores)`."""
    return _along(labels[np.argsort(scores, kind="stable")])


@EXERCISE.wrong
def trapezoids(scores, labels):
    """This is the area under straight lines between the points of the curve, which no threshold
    reaches. The average precision takes the points themselves."""
    thresholds = np.sort(np.unique(scores))[::-1]
    precision = np.array([1.0, *[labels[scores >= t].mean() for t in thresholds]])
    recall = np.array([0.0, *[labels[scores >= t].sum() / labels.sum() for t in thresholds]])
    return float((np.diff(recall) * (precision[1:] + precision[:-1]) / 2).sum())


EXERCISE.mistakes.append(
    Mistake(
        "the area under ROC",
        image_auroc,
        "This is the AUROC. For the average precision, ask at each anomalous image "
        "which share of the images called is anomalous.",
    )
)


@EXERCISE.wrong
def ties_from_the_end_of_the_list(scores, labels):
    """Images of equal scores are called one after the other in your answer, from the end of the
    list. At a threshold, all images of that score are called together."""
    return _along(labels[np.argsort(scores, kind="stable")[::-1]])


@EXERCISE.wrong
def ties_go_to_the_normal(scores, labels):
    """Among equal scores you let the normal images come first. At a threshold all images of that
    score are called together."""
    return _along(labels[np.lexsort((labels, -scores))])


@EXERCISE.wrong
def nearly_equal_scores(scores, labels):
    """Scores that differ a little count as equal in your answer. Compare them as they are."""
    return average_precision(scores.round(4), labels)


@EXERCISE.wrong
def middle_of_ties(scores, labels):
    """You average the best and the worst order of equal scores. At a threshold all images of that
    score are called together."""
    return (
        _along(labels[np.lexsort((-labels, -scores))])
        + _along(labels[np.lexsort((labels, -scores))])
    ) / 2


@EXERCISE.wrong
def sum_of_precisions(scores, labels):
    """You add the precisions up. Take their mean."""
    return average_precision(scores, labels) * int((labels == 1).sum())


@EXERCISE.wrong
def share_of_the_anomalous(scores, labels):
    """This is the share of anomalous images. The scores have no influence on it."""
    return float((labels == 1).mean())


@EXERCISE.wrong
def false_alarms(scores, labels):
    """You count the normal images among those called. Precision counts the anomalous ones."""
    return 1 - average_precision(scores, labels)


@EXERCISE.wrong
def maximal_precision(scores, labels):
    """You take the highest precision at any lower threshold, as some benchmarks of detection do.
    Here the precision at the threshold itself counts."""
    return float(
        np.mean(
            [
                max(labels[scores >= s].mean() for s in scores[scores <= t])
                for t in scores[labels == 1]
            ]
        )
    )


@EXERCISE.wrong
def hits_among_all_images(scores, labels):
    """You divide the anomalous images that are called by the number of all images. Divide by
    the number of those called."""
    return float(np.mean([labels[scores >= t].sum() / len(scores) for t in scores[labels == 1]]))


@EXERCISE.wrong
def best_f1(scores, labels):
    """This is the highest F1. The average precision needs no recall and no best threshold."""
    called = scores >= scores[:, None]
    return float((2 * called @ labels / (called.sum(axis=1) + labels.sum())).max())


@EXERCISE.wrong
def thresholds_of_the_normal(scores, labels):
    """You take the scores of the normal images as thresholds. Take those of the anomalous
    ones."""
    return float(np.mean([labels[scores >= t].mean() for t in scores[labels == 0]]))


@EXERCISE.wrong
def median_precision(scores, labels):
    """You take the median of the precisions. Take their mean."""
    return float(np.median([labels[scores >= t].mean() for t in scores[labels == 1]]))


@EXERCISE.wrong
def labels_exchanged(scores, labels):
    """You take the images with the label 0 for anomalous. They are normal."""
    return average_precision(scores, 1 - labels)


@EXERCISE.wrong
def one_hit_alone(scores, labels):
    """You count one image above. All anomalous images that are called count."""
    return float(np.mean([1 / (scores >= t).sum() for t in scores[labels == 1]]))
