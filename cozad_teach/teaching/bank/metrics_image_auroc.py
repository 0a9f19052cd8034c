"""Exercise metrics.image_auroc. The wrong answers are wrong on purpose."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISE", "image_auroc"]


def _split(scores: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give anomalous scores as a column and normal ones as a row, ready to form all pairs."""
    return scores[labels == 1][:, None], scores[labels == 0][None, :]


def image_auroc(scores: np.ndarray, labels: np.ndarray) -> float:
    """Give the share of pairs, anomalous and normal, that are in the right order."""
    return _share_in_order(*_split(scores, labels))


def _share_in_order(anomalous: np.ndarray, normal: np.ndarray) -> float:
    return float(((anomalous > normal) + 0.5 * (anomalous == normal)).mean())


def _ties_lost(scores: np.ndarray, labels: np.ndarray) -> float:
    anomalous, normal = _split(scores, labels)
    return float((anomalous > normal).mean())


def _ties_won(scores: np.ndarray, labels: np.ndarray) -> float:
    anomalous, normal = _split(scores, labels)
    return float((anomalous >= normal).mean())


def _reversed(scores: np.ndarray, labels: np.ndarray) -> float:
    return image_auroc(-scores, labels)


def _against_the_mean(scores: np.ndarray, labels: np.ndarray) -> float:
    anomalous, normal = _split(scores, labels)
    return float((anomalous > normal.mean()).mean())


def _against_the_highest(scores: np.ndarray, labels: np.ndarray) -> float:
    anomalous, normal = _split(scores, labels)
    return float((anomalous > normal.max()).mean())


def _all_ordered_pairs(scores: np.ndarray, labels: np.ndarray) -> float:
    anomalous, normal = _split(scores, labels)
    return image_auroc(scores, labels) * anomalous.size * normal.size / len(scores) ** 2


def _count(scores: np.ndarray, labels: np.ndarray) -> float:
    anomalous, normal = _split(scores, labels)
    return image_auroc(scores, labels) * anomalous.size * normal.size


def _mean_gap(scores: np.ndarray, labels: np.ndarray) -> float:
    anomalous, normal = _split(scores, labels)
    return float(anomalous.mean() - normal.mean())


def _pairs_by_place(scores: np.ndarray, labels: np.ndarray) -> float:
    anomalous, normal = scores[labels == 1], scores[labels == 0]
    n = min(len(anomalous), len(normal))
    return float((anomalous[:n] > normal[:n]).mean())


def _labels_as_numbers(scores: np.ndarray, labels: np.ndarray) -> float:
    return _share_in_order(scores[labels][:, None], scores[1 - labels][None, :])


def _lost_as_half(scores: np.ndarray, labels: np.ndarray) -> float:
    anomalous, normal = _split(scores, labels)
    return float(np.where(anomalous > normal, 1, 0.5).mean())


def _ranks_without_ties(scores: np.ndarray, labels: np.ndarray) -> float:
    ranks = np.empty(len(scores))
    ranks[np.argsort(scores, kind="stable")] = np.arange(1, len(scores) + 1)
    n, m = int((labels == 1).sum()), int((labels == 0).sum())
    return float((ranks[labels == 1].sum() - n * (n + 1) / 2) / (n * m))


def _trapezoids_in_order(scores: np.ndarray, labels: np.ndarray) -> float:
    found = labels[np.argsort(-scores, kind="stable")]
    hits, false = (np.cumsum(np.append(0, found == kind)) for kind in (1, 0))
    return float((np.diff(false) * (hits[1:] + hits[:-1]) / 2).sum() / (hits[-1] * false[-1]))


def _auroc_cases() -> tuple[Case, ...]:
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


EXERCISE = Exercise(
    name="metrics.image_auroc",
    reference=image_auroc,
    cases=_auroc_cases(),
    mistakes=(
        Mistake(
            "counts ties as lost",
            _ties_lost,
            "A pair of equal scores counts 0 in your answer. It counts one "
            "half: such a pair says nothing for or against the detector.",
        ),
        Mistake(
            "counts ties as won",
            _ties_won,
            "A pair of equal scores counts 1 in your answer. A detector that "
            "gives every image the same score would look perfect; a tie counts one half.",
        ),
        Mistake(
            "is reversed",
            _reversed,
            "You count the pairs in which the normal image scores higher. A higher score means "
            "more anomalous.",
        ),
        Mistake(
            "compares with the mean",
            _against_the_mean,
            "You compare each anomalous image with the mean of the normal scores. Compare it "
            "with every normal image, one pair at a time.",
        ),
        Mistake(
            "compares with the highest",
            _against_the_highest,
            "You compare each anomalous image with the highest normal score alone. Compare it "
            "with every normal image, one pair at a time.",
        ),
        Mistake(
            "divides by all pairs",
            _all_ordered_pairs,
            "You divide by the number of all pairs of images. Only pairs of one anomalous and "
            "one normal image count: how many of those are there?",
        ),
        Mistake(
            "counts and does not divide",
            _count,
            "You give the number of pairs in the right order. Give their share: divide by the "
            "number of pairs.",
        ),
        Mistake(
            "subtracts the means",
            _mean_gap,
            "You give the distance between two means. The AUROC looks only at the order of the "
            "scores: it stays the same when all of them are doubled.",
        ),
        Mistake(
            "pairs by place",
            _pairs_by_place,
            "You compare the first anomalous image with the first normal one, the "
            "second with the second, and so on. Form all pairs: each anomalous image "
            "with every normal one.",
        ),
        Mistake(
            "labels as numbers of images",
            _labels_as_numbers,
            "`scores[labels]` takes the images of number 0 and 1, again and again, "
            "since labels are whole numbers. A mask is boolean: `scores[labels == 1]`.",
        ),
        Mistake(
            "counts lost pairs as one half",
            _lost_as_half,
            "A pair in the wrong order counts one half in your answer. It counts 0; one "
            "half is for ties alone.",
        ),
        Mistake(
            "ranks without ties",
            _ranks_without_ties,
            "Equal scores get different ranks in your answer, by their "
            "place in the list. They share the mean of their ranks: see "
            "`scipy.stats.rankdata`.",
        ),
        Mistake(
            "never below one half",
            lambda scores, labels: max(
                image_auroc(scores, labels), 1 - image_auroc(scores, labels)
            ),
            "Your value is never below one half. A detector that ranks good images higher has "
            "earned less: do not turn it round.",
        ),
        Mistake(
            "classes by their means",
            lambda scores, labels: image_auroc(
                scores,
                labels if scores[labels == 1].mean() >= scores[labels == 0].mean() else 1 - labels,
            ),
            "You take the class of the higher mean for the anomalous one. The labels say which "
            "one is.",
        ),
        Mistake(
            "nearly equal scores",
            lambda scores, labels: image_auroc(scores.round(4), labels),
            "Scores that differ a little count as ties in your answer. Only equal ones are.",
        ),
        Mistake(
            "pairs by place, ties as one half",
            lambda scores, labels: float(
                np.mean(
                    [
                        (a > b) + 0.5 * (a == b)
                        for a, b in zip(scores[labels == 1], scores[labels == 0], strict=False)
                    ]
                )
            ),
            "You compare the first anomalous image with the first normal one, the second with "
            "the second, and so on, as `zip` does. Form all pairs.",
        ),
        Mistake(
            "trapezoids in the order of the list",
            _trapezoids_in_order,
            "Your curve has a point for each image, also among equal scores, so that it depends "
            "on their order in the list. Equal scores make one step, which counts half.",
        ),
        Mistake(
            "accuracy",
            lambda scores, labels: float(((scores > scores.mean()) == labels).mean()),
            "This is an accuracy at one threshold. The AUROC compares pairs.",
        ),
        Mistake(
            "difference of shares",
            lambda scores, labels: 2 * image_auroc(scores, labels) - 1,
            "You subtract the pairs in the wrong order. They count 0.",
        ),
        Mistake(
            "all images are normal",
            lambda scores, labels: float(
                np.mean([((s > scores) + 0.5 * (s == scores)).mean() for s in scores[labels == 1]])
            ),
            "You compare each anomalous image with all images, itself among them. Compare it "
            "with the normal ones.",
        ),
        Mistake(
            "first against all",
            lambda scores, labels: _share_in_order(
                _split(scores, labels)[0][:1], _split(scores, labels)[1]
            ),
            "Only the first anomalous image counts in your answer: does a `return` stand inside "
            "the loop?",
        ),
        Mistake(
            "against the median",
            lambda scores, labels: float(
                (scores[labels == 1] > np.median(scores[labels == 0])).mean()
            ),
            "You compare each anomalous image with the median of the normal scores. Compare it "
            "with every normal image.",
        ),
        Mistake(
            "mean ranks",
            lambda scores, labels: float((rankdata(scores)[labels == 1]).mean() / len(scores)),
            "You give the mean rank of the anomalous images. From it, subtract what their ranks "
            "among themselves bring.",
        ),
    ),
)
