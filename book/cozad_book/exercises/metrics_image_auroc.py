"""Exercise metrics.image_auroc."""

import numpy as np
from scipy.stats import rankdata

from cozad_book.checking.cases import Case, Exercise

__all__ = ["EXERCISE", "image_auroc"]


def _split(scores, labels):
    """Give anomalous scores as a column and normal ones as a row, ready to form all pairs."""
    return scores[labels == 1][:, None], scores[labels == 0][None, :]


def _share_in_order(anomalous, normal):
    return float(((anomalous > normal) + 0.5 * (anomalous == normal)).mean())


def _auroc_cases():
    return (
        Case(
            "seven images without ties",
            (np.array([1.2, 0.8, 1.9, 1.0, 2.5, 0.7, 1.1]), np.array([0, 0, 1, 1, 1, 0, 0])),
        ),
        Case(
            "eight images with ties",
            (
                np.array([1.0, 2.0, 2.0, 2.0, 3.0, 1.0, 3.0, 0.5]),
                np.array([0, 0, 1, 1, 1, 1, 0, 0]),
            ),
        ),
        Case(
            "nine images, most anomalous ones with low scores",
            (
                np.array([0.2, 0.9, 0.1, 0.7, 0.35, 0.8, 0.4, 0.6, 0.3]),
                np.array([1, 0, 1, 0, 1, 0, 0, 0, 1]),
            ),
        ),
        Case(
            "eight images, two of them with scores far from all others",
            (
                np.array([0.1, 0.5, 9.0, 0.6, 0.2, 0.7, -20.0, 0.8]),
                np.array([1, 0, 1, 0, 1, 0, 0, 0]),
            ),
        ),
        Case(
            "ten images, some of almost equal scores",
            (
                0.5 + 1e-6 * np.array([3.0, 1.0, 4.0, 0.0, 5.0, 9.0, 2.0, 6.0, 4.0, 8.0]),
                np.array([1, 0, 0, 1, 1, 0, 0, 0, 1, 1]),
            ),
        ),
        Case(
            "five images of equal scores",
            (np.full(5, 0.3), np.array([1, 0, 0, 1, 0])),
            hidden=True,
        ),
        Case(
            "one anomalous image among five normal ones, with negative scores",
            (np.array([-3.0, -1.0, -2.0, -2.5, -0.5, -4.0]), np.array([0, 0, 1, 0, 0, 0])),
            hidden=True,
        ),
    )


EXERCISE = Exercise("metrics.image_auroc", cases=_auroc_cases())


@EXERCISE.right
def image_auroc(scores: np.ndarray, labels: np.ndarray) -> float:
    """Give the share of pairs, anomalous and normal, that are in the right order."""
    return _share_in_order(*_split(scores, labels))


@EXERCISE.wrong
def counts_ties_as_lost(scores, labels):
    """A pair of equal scores counts 0 in your answer. It counts one half: such a pair says nothing
    for or against the detector."""
    anomalous, normal = _split(scores, labels)
    return float((anomalous > normal).mean())


@EXERCISE.wrong
def counts_ties_as_won(scores, labels):
    """A pair of equal scores counts 1 in your answer. A detector that gives every image the same
    score would look perfect; a tie counts one half."""
    anomalous, normal = _split(scores, labels)
    return float((anomalous >= normal).mean())


@EXERCISE.wrong
def is_reversed(scores, labels):
    """You count the pairs in which the normal image scores higher. A higher score means more
    anomalous."""
    return image_auroc(-scores, labels)


@EXERCISE.wrong
def compares_with_the_mean(scores, labels):
    """You compare each anomalous image with the mean of the normal scores. Compare it with every
    normal image, one pair at a time."""
    anomalous, normal = _split(scores, labels)
    return float((anomalous > normal.mean()).mean())


@EXERCISE.wrong
def compares_with_the_highest(scores, labels):
    """You compare each anomalous image with the highest normal score alone. Compare it with every
    normal image, one pair at a time."""
    anomalous, normal = _split(scores, labels)
    return float((anomalous > normal.max()).mean())


@EXERCISE.wrong
def divides_by_all_pairs(scores, labels):
    """You divide by the number of all pairs of images. Only pairs of one anomalous and one normal
    image count: how many of those are there?"""
    anomalous, normal = _split(scores, labels)
    return image_auroc(scores, labels) * anomalous.size * normal.size / len(scores) ** 2


@EXERCISE.wrong
def counts_and_does_not_divide(scores, labels):
    """You give the number of pairs in the right order. Give their share: divide by the number of
    pairs."""
    anomalous, normal = _split(scores, labels)
    return image_auroc(scores, labels) * anomalous.size * normal.size


@EXERCISE.wrong
def subtracts_the_means(scores, labels):
    """You give the distance between two means. The AUROC looks only at the order of the scores: it
    stays the same when all of them are doubled."""
    anomalous, normal = _split(scores, labels)
    return float(anomalous.mean() - normal.mean())


@EXERCISE.wrong
def pairs_by_place(scores, labels):
    """You compare the first anomalous image with the first normal one, the second with the second,
    and so on. Form all pairs: each anomalous image with every normal one."""
    anomalous, normal = scores[labels == 1], scores[labels == 0]
    n = min(len(anomalous), len(normal))
    return float((anomalous[:n] > normal[:n]).mean())


@EXERCISE.wrong
def labels_as_numbers_of_images(scores, labels):
    """`scores[labels]` takes the images of number 0 and 1, again and again, since labels are whole
    numbers. A mask is boolean: `scores[labels == 1]`."""
    return _share_in_order(scores[labels][:, None], scores[1 - labels][None, :])


@EXERCISE.wrong
def counts_lost_pairs_as_one_half(scores, labels):
    """A pair in the wrong order counts one half in your answer. It counts 0; one half is for ties
    alone."""
    anomalous, normal = _split(scores, labels)
    return float(np.where(anomalous > normal, 1, 0.5).mean())


@EXERCISE.wrong
def ranks_without_ties(scores, labels):
    """Equal scores get different ranks in your answer, by their place in the list. They share the
    mean of their ranks: see `scipy.stats.rankdata`."""
    ranks = np.empty(len(scores))
    ranks[np.argsort(scores, kind="stable")] = np.arange(1, len(scores) + 1)
    n, m = int((labels == 1).sum()), int((labels == 0).sum())
    return float((ranks[labels == 1].sum() - n * (n + 1) / 2) / (n * m))


@EXERCISE.wrong
def never_below_one_half(scores, labels):
    """Your value is never below one half. A detector that ranks good images higher has earned less:
    do not turn it round."""
    return max(image_auroc(scores, labels), 1 - image_auroc(scores, labels))


@EXERCISE.wrong
def classes_by_their_means(scores, labels):
    """You take the class of the higher mean for the anomalous one. The labels say which one is."""
    return image_auroc(
        scores,
        labels if scores[labels == 1].mean() >= scores[labels == 0].mean() else 1 - labels,
    )


@EXERCISE.wrong
def nearly_equal_scores(scores, labels):
    """Scores that differ a little count as ties in your answer. Only equal ones are."""
    return image_auroc(scores.round(4), labels)


@EXERCISE.wrong
def pairs_by_place_ties_as_one_half(scores, labels):
    """You compare the first anomalous image with the first normal one, the second with the second,
    and so on, as `zip` does. Form all pairs."""
    return float(
        np.mean(
            [
                (a > b) + 0.5 * (a == b)
                for a, b in zip(scores[labels == 1], scores[labels == 0], strict=False)
            ]
        )
    )


@EXERCISE.wrong
def trapezoids_in_the_order_of_the_list(scores, labels):
    """Your curve has a point for each image, also among equal scores, so that it depends on their
    order in the list. Equal scores make one step, which counts half."""
    found = labels[np.argsort(-scores, kind="stable")]
    hits, false = (np.cumsum(np.append(0, found == kind)) for kind in (1, 0))
    return float((np.diff(false) * (hits[1:] + hits[:-1]) / 2).sum() / (hits[-1] * false[-1]))


@EXERCISE.wrong
def accuracy(scores, labels):
    """This is an accuracy at one threshold. The AUROC compares pairs."""
    return float(((scores > scores.mean()) == labels).mean())


@EXERCISE.wrong
def difference_of_shares(scores, labels):
    """You subtract the pairs in the wrong order. They count 0."""
    return 2 * image_auroc(scores, labels) - 1


@EXERCISE.wrong
def all_images_are_normal(scores, labels):
    """You compare each anomalous image with all images, itself among them. Compare it with the
    normal ones."""
    return float(
        np.mean([((s > scores) + 0.5 * (s == scores)).mean() for s in scores[labels == 1]])
    )


@EXERCISE.wrong
def first_against_all(scores, labels):
    """Only the first anomalous image counts in your answer: does a `return` stand inside the
    loop?"""
    return _share_in_order(_split(scores, labels)[0][:1], _split(scores, labels)[1])


@EXERCISE.wrong
def against_the_median(scores, labels):
    """You compare each anomalous image with the median of the normal scores. Compare it with every
    normal image."""
    return float((scores[labels == 1] > np.median(scores[labels == 0])).mean())


@EXERCISE.wrong
def mean_ranks(scores, labels):
    """You give the mean rank of the anomalous images. From it, subtract what their ranks among
    themselves bring."""
    return float((rankdata(scores)[labels == 1]).mean() / len(scores))


@EXERCISE.wrong
def divides_by_the_anomalous(scores, labels):
    """You divide the pairs by the number of anomalous images. There are as many pairs as
    anomalous images times normal ones."""
    return image_auroc(scores, labels) * (labels == 0).sum()


@EXERCISE.wrong
def divides_by_the_normal(scores, labels):
    """You divide the pairs by the number of normal images. There are as many pairs as anomalous
    images times normal ones."""
    return image_auroc(scores, labels) * (labels == 1).sum()


@EXERCISE.wrong
def leaves_ties_out(scores, labels):
    """You leave tied pairs out, above and below. They count one half above, and 1 below."""
    anomalous, normal = _split(scores, labels)
    untied = anomalous[:, None] != normal
    return float((anomalous[:, None] > normal).sum() / untied.sum()) if untied.any() else 0.5


@EXERCISE.wrong
def average_precision(scores, labels):
    """This is the average precision, which looks at the images called anomalous. The AUROC
    compares pairs."""
    return float(np.mean([labels[scores >= t].mean() for t in scores[labels == 1]]))


@EXERCISE.wrong
def order_for_ranks(scores, labels):
    """`np.argsort` gives the order of the images, not their ranks: the rank of an image is its
    place in that order. See `scipy.stats.rankdata`."""
    places = np.argsort(scores)[labels == 1] + 1
    n = len(places)
    return (places.sum() - n * (n + 1) / 2) / (n * (len(labels) - n))
