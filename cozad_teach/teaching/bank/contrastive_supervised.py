"""Exercise contrastive.supervised. The wrong answers are wrong on purpose."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from cozad_teach.teaching.bank.contrastive_alignment import unit_length
from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISE"]


def supervised(embeddings: np.ndarray, anomalous: np.ndarray, temperature: float) -> float:
    """Give the supervised contrastive loss of (P, D) with normal anchors only."""
    return _contrast(embeddings, ~anomalous, ~anomalous, temperature)


def _contrast(
    embeddings: np.ndarray,
    anchors: np.ndarray,
    labels: np.ndarray,
    temperature: float,
    *,
    any_length: bool = False,
    own_positive: bool = False,
    own_denominator: bool = False,
    negatives_only: bool = False,
    log_of_mean: bool = False,
    divisor: int | None = None,
) -> float:
    """Give the loss over `anchors`, whose positives have their label; options are mistakes."""
    unit = embeddings if any_length else unit_length(embeddings)
    exponentials = np.exp(unit @ unit.T / temperature)
    losses = []
    for i in np.flatnonzero(anchors):
        itself = np.arange(len(unit)) == i
        positive = (labels == labels[i]) & (own_positive | ~itself)
        if not positive.any():
            continue
        below = own_denominator | ~itself
        if negatives_only:
            below = below & (labels != labels[i])
        shares = exponentials[i][positive] / exponentials[i][below].sum()
        if log_of_mean:
            losses.append(-np.log(shares.mean()))
        else:
            losses.append(-np.log(shares).sum() / (divisor or len(shares)))
    return float(np.mean(losses)) if losses else 0.0


def _contrast_normal(
    embeddings: np.ndarray, anomalous: np.ndarray, temperature: float, **mistakes: Any
) -> float:
    return _contrast(embeddings, ~anomalous, ~anomalous, temperature, **mistakes)


def _supervised_any_length(
    embeddings: np.ndarray, anomalous: np.ndarray, temperature: float
) -> float:
    return _contrast(embeddings, ~anomalous, ~anomalous, temperature, any_length=True)


def _own_positive(embeddings: np.ndarray, anomalous: np.ndarray, temperature: float) -> float:
    normal = ~anomalous
    return _contrast(
        embeddings, normal, normal, temperature, own_positive=True, own_denominator=True
    )


def _own_denominator(embeddings: np.ndarray, anomalous: np.ndarray, temperature: float) -> float:
    return _contrast(embeddings, ~anomalous, ~anomalous, temperature, own_denominator=True)


def _all_anchors(embeddings: np.ndarray, anomalous: np.ndarray, temperature: float) -> float:
    return _contrast(embeddings, np.ones(len(anomalous), bool), ~anomalous, temperature)


def _anomalous_anchors(embeddings: np.ndarray, anomalous: np.ndarray, temperature: float) -> float:
    return _contrast(embeddings, anomalous, ~anomalous, temperature)


def _negatives_only(embeddings: np.ndarray, anomalous: np.ndarray, temperature: float) -> float:
    return _contrast(embeddings, ~anomalous, ~anomalous, temperature, negatives_only=True)


def _log_of_mean(embeddings: np.ndarray, anomalous: np.ndarray, temperature: float) -> float:
    return _contrast(embeddings, ~anomalous, ~anomalous, temperature, log_of_mean=True)


def _times_temperature(embeddings: np.ndarray, anomalous: np.ndarray, temperature: float) -> float:
    return supervised(embeddings, anomalous, 1 / temperature)


def _divides_by_all(embeddings: np.ndarray, anomalous: np.ndarray, temperature: float) -> float:
    normal = ~anomalous
    return _contrast(embeddings, normal, normal, temperature, divisor=int(normal.sum()))


def _supervised_no_temperature(
    embeddings: np.ndarray, anomalous: np.ndarray, temperature: float
) -> float:
    return supervised(embeddings, anomalous, 1.0)


def _supervised_no_sign(embeddings: np.ndarray, anomalous: np.ndarray, temperature: float) -> float:
    return -supervised(embeddings, anomalous, temperature)


def _supervised_sum(embeddings: np.ndarray, anomalous: np.ndarray, temperature: float) -> float:
    return supervised(embeddings, anomalous, temperature) * int((~anomalous).sum())


def _own_similarity_zero(
    embeddings: np.ndarray, anomalous: np.ndarray, temperature: float
) -> float:
    unit = unit_length(embeddings)
    similarities = unit @ unit.T / temperature
    np.fill_diagonal(similarities, 0)
    shares = np.exp(similarities) / np.exp(similarities).sum(axis=1, keepdims=True)
    pairs = np.outer(~anomalous, ~anomalous) & ~np.eye(len(unit), dtype=bool)
    return float(-np.log(shares[pairs]).mean()) if pairs.any() else 0.0


def _normal_positives_for_all(
    embeddings: np.ndarray, anomalous: np.ndarray, temperature: float
) -> float:
    unit = unit_length(embeddings)
    shares = np.exp(unit @ unit.T / temperature)
    np.fill_diagonal(shares, 0)
    shares /= shares.sum(axis=1, keepdims=True)
    pairs = np.tile(~anomalous, (len(unit), 1)) & ~np.eye(len(unit), dtype=bool)
    if (~anomalous).sum() < 2:
        return 0.0
    return float(
        np.mean([-np.log(row[own]).mean() for row, own in zip(shares, pairs, strict=True)])
    )


def _log_of_others(anomalous: np.ndarray) -> float:
    """Give the logarithm of the number of positives of an anchor, 0 where there is none."""
    return float(np.log(max(int((~anomalous).sum()) - 1, 1)))


def _one_positive_below(embeddings: np.ndarray, anomalous: np.ndarray, temperature: float) -> float:
    unit = unit_length(embeddings)
    exponentials = np.exp(unit @ unit.T / temperature)
    normal = np.flatnonzero(~anomalous)
    below = exponentials[:, anomalous].sum(axis=1)
    losses = [np.log(1 + below[i] / exponentials[i, j]) for i in normal for j in normal if i != j]
    return float(np.mean(losses)) if losses else 0.0


def _supervised_cases() -> tuple[Case, ...]:
    random = np.random.default_rng(6)
    cases = []
    for labels, d, temperature, what, hidden in (
        ([0, 1, 0, 0, 1], 3, 0.5, "5 patches, two of them anomalous", False),
        ([1, 0, 0, 1, 0, 1, 0], 2, 0.2, "7 patches, three of them anomalous", False),
        ([1, 0, 1, 1, 0, 1], 4, 0.6, "6 patches, two of them normal", False),
        ([0, 0, 0, 0], 3, 0.7, "4 patches, all normal", True),
        ([1, 0, 1, 1], 2, 0.5, "4 patches, only one of them normal", True),
    ):
        embeddings = random.normal(0.4, 1.5, (len(labels), d))
        cases.append(Case(what, (embeddings, np.array(labels, bool), temperature), hidden))
    return tuple(cases)


EXERCISE = Exercise(
    name="contrastive.supervised",
    reference=supervised,
    cases=_supervised_cases(),
    mistakes=(
        Mistake(
            "keeps the length",
            _supervised_any_length,
            "You multiply the embeddings as they are. Scale each to unit length first.",
        ),
        Mistake(
            "is its own positive",
            _own_positive,
            "A sample is its own positive: the pair of an anchor and itself is always perfect, "
            "and teaches nothing. Leave it out above and below.",
        ),
        Mistake(
            "is in its own denominator",
            _own_denominator,
            "The anchor itself is still in the denominator, where "
            "its similarity of 1 outweighs all others. Leave it out there too.",
        ),
        Mistake(
            "lets anomalous patches be anchors",
            _all_anchors,
            "Anomalous patches are anchors as well, so different defects are pulled together. "
            "Only normal patches are anchors; anomalous ones are negatives.",
        ),
        Mistake(
            "takes the wrong class",
            _anomalous_anchors,
            "Your anchors are the anomalous patches. `anomalous` is true for defects: take the "
            "others.",
        ),
        Mistake(
            "has only negatives below",
            _negatives_only,
            "In your denominator stand only anomalous patches. All patches but the anchor "
            "belong there, its positives too.",
        ),
        Mistake(
            "averages inside the logarithm",
            _log_of_mean,
            "You average over the positives and take the logarithm then. Take the logarithm of "
            "each share first; the sum over positives stands outside.",
        ),
        Mistake(
            "multiplies by the temperature",
            _times_temperature,
            "You multiply the similarities by the temperature. Divide by it.",
        ),
        Mistake(
            "divides by one too many",
            _divides_by_all,
            "You divide by the number of normal patches. An anchor has one positive fewer than "
            "that: it is not its own.",
        ),
        Mistake(
            "no temperature",
            _supervised_no_temperature,
            "The temperature has no influence on your answer: divide the cosines by it.",
        ),
        Mistake(
            "forgets the sign",
            _supervised_no_sign,
            "The sign is turned round: the loss is minus the logarithm.",
        ),
        Mistake(
            "sums over anchors",
            _supervised_sum,
            "You add the anchors up. Divide by their number.",
        ),
        Mistake(
            "one below for itself",
            _own_similarity_zero,
            "You set the similarity of an anchor and itself to 0, whose exponential is "
            "1. Leave it out after the exponential, or set it to minus infinity.",
        ),
        Mistake(
            "defects have normal positives",
            _normal_positives_for_all,
            "Anomalous patches are anchors as well, and pulled towards normal ones. "
            "Only normal patches are anchors.",
        ),
        Mistake(
            "sum over positives",
            functools.partial(_contrast_normal, divisor=1),
            "You add the positives of an anchor up. Take their mean: divide by their number.",
        ),
        Mistake(
            "logarithm of the sum",
            lambda e, y, t: _contrast_normal(e, y, t, log_of_mean=True) - _log_of_others(y),
            "You add the shares of the positives and take the logarithm then. Take it of each "
            "share, and average the logarithms.",
        ),
        Mistake(
            "one positive below",
            _one_positive_below,
            "In your denominator stand the negatives and the one positive above. All patches but "
            "the anchor belong there, its other positives too.",
        ),
        Mistake(
            "needs three normal patches",
            lambda e, y, t: supervised(e, y, t) if (~y).sum() > 2 else 0.0,
            "Two normal patches are enough: each is the positive of the other. Only with fewer "
            "is the loss 0.",
        ),
        Mistake(
            "mean over all patches",
            lambda e, y, t: supervised(e, y, t) * float((~y).mean()),
            "You divide by the number of all patches. The mean is over the anchors, the normal "
            "ones.",
        ),
        Mistake(
            "not a number",
            lambda e, y, t: supervised(e, y, t) if (~y).sum() > 1 else np.nan,
            "With fewer than two normal patches there is no pair, and your mean of nothing is "
            "not a number. The loss is 0 then.",
        ),
        Mistake(
            "no labels",
            lambda e, y, t: supervised(e, np.zeros_like(y), t),
            "The labels have no influence on your answer. Anchors and positives are normal "
            "patches only.",
        ),
    ),
)
