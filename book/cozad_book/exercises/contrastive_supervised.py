"""Exercise contrastive.supervised."""

import functools

import numpy as np

from cozad_book.checking.cases import Case, Exercise, Mistake
from cozad_book.exercises.contrastive_alignment import unit_length


def _contrast(
    embeddings,
    anchors,
    labels,
    temperature,
    *,
    any_length=False,
    own_positive=False,
    own_denominator=False,
    negatives_only=False,
    log_of_mean=False,
    divisor=None,
):
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


def _contrast_normal(embeddings, anomalous, temperature, **mistakes):
    return _contrast(embeddings, ~anomalous, ~anomalous, temperature, **mistakes)


def _log_of_others(anomalous):
    """Give the logarithm of the number of positives of an anchor, 0 where there is none."""
    return float(np.log(max(int((~anomalous).sum()) - 1, 1)))


def _supervised_cases():
    random = np.random.default_rng(6)
    cases = []
    for labels, d, temperature, what, hidden in (
        ([0, 1, 0, 0, 1], 3, 0.5, "5 patches, two of them anomalous", False),
        ([1, 0, 0, 1, 0, 1, 0], 2, 0.05, "7 patches, three of them anomalous", False),
        ([1, 0, 1, 1, 0, 1], 4, 0.6, "6 patches, two of them normal", False),
        ([0, 0, 0, 0], 3, 0.7, "4 patches, all normal", True),
        ([1, 0, 1, 1], 2, 0.5, "4 patches, only one of them normal", True),
    ):
        embeddings = random.normal(0.4, 1.5, (len(labels), d))
        cases.append(Case(what, (embeddings, np.array(labels, bool), temperature), hidden))
    return tuple(cases)


EXERCISE = Exercise("contrastive.supervised", cases=_supervised_cases())


@EXERCISE.right
def supervised(embeddings: np.ndarray, anomalous: np.ndarray, temperature: float) -> float:
    """Give the supervised contrastive loss of (P, D) with normal anchors only."""
    return _contrast(embeddings, ~anomalous, ~anomalous, temperature)


@EXERCISE.wrong
def keeps_the_length(embeddings, anomalous, temperature):
    """You multiply the embeddings as they are. Scale each to unit length first."""
    return _contrast(embeddings, ~anomalous, ~anomalous, temperature, any_length=True)


@EXERCISE.wrong
def is_its_own_positive(embeddings, anomalous, temperature):
    """A sample is its own positive: the pair of an anchor and itself is always perfect, and teaches
    nothing. Leave it out above and below."""
    normal = ~anomalous
    return _contrast(
        embeddings, normal, normal, temperature, own_positive=True, own_denominator=True
    )


@EXERCISE.wrong
def is_in_its_own_denominator(embeddings, anomalous, temperature):
    """The anchor itself is still in the denominator, where its similarity of 1 outweighs all
    others. Leave it out there too."""
    return _contrast(embeddings, ~anomalous, ~anomalous, temperature, own_denominator=True)


@EXERCISE.wrong
def lets_anomalous_patches_be_anchors(embeddings, anomalous, temperature):
    """Anomalous patches are anchors as well, so different defects are pulled together. Only normal
    patches are anchors; anomalous ones are negatives."""
    return _contrast(embeddings, np.ones(len(anomalous), bool), ~anomalous, temperature)


@EXERCISE.wrong
def takes_the_wrong_class(embeddings, anomalous, temperature):
    """Your anchors are the anomalous patches. `anomalous` is true for defects: take the others."""
    return _contrast(embeddings, anomalous, ~anomalous, temperature)


@EXERCISE.wrong
def has_only_negatives_below(embeddings, anomalous, temperature):
    """In your denominator stand only anomalous patches. All patches but the anchor belong there,
    its positives too."""
    return _contrast(embeddings, ~anomalous, ~anomalous, temperature, negatives_only=True)


@EXERCISE.wrong
def averages_inside_the_logarithm(embeddings, anomalous, temperature):
    """You average over the positives and take the logarithm then. Take the logarithm of each share
    first; the sum over positives stands outside."""
    return _contrast(embeddings, ~anomalous, ~anomalous, temperature, log_of_mean=True)


@EXERCISE.wrong
def multiplies_by_the_temperature(embeddings, anomalous, temperature):
    """You multiply the similarities by the temperature. Divide by it."""
    return supervised(embeddings, anomalous, 1 / temperature)


@EXERCISE.wrong
def divides_by_one_too_many(embeddings, anomalous, temperature):
    """You divide by the number of normal patches. An anchor has one positive fewer than that: it is
    not its own."""
    normal = ~anomalous
    return _contrast(embeddings, normal, normal, temperature, divisor=int(normal.sum()))


@EXERCISE.wrong
def no_temperature(embeddings, anomalous, temperature):
    """The temperature has no influence on your answer: divide the cosines by it."""
    return supervised(embeddings, anomalous, 1.0)


@EXERCISE.wrong
def forgets_the_sign(embeddings, anomalous, temperature):
    """The sign is turned round: the loss is minus the logarithm."""
    return -supervised(embeddings, anomalous, temperature)


@EXERCISE.wrong
def sums_over_anchors(embeddings, anomalous, temperature):
    """You add the anchors up. Divide by their number."""
    return supervised(embeddings, anomalous, temperature) * int((~anomalous).sum())


@EXERCISE.wrong
def one_below_for_itself(embeddings, anomalous, temperature):
    """You set the similarity of an anchor and itself to 0, whose exponential is 1. Leave it out
    after the exponential, or set it to minus infinity."""
    unit = unit_length(embeddings)
    similarities = unit @ unit.T / temperature
    np.fill_diagonal(similarities, 0)
    shares = np.exp(similarities) / np.exp(similarities).sum(axis=1, keepdims=True)
    pairs = np.outer(~anomalous, ~anomalous) & ~np.eye(len(unit), dtype=bool)
    return float(-np.log(shares[pairs]).mean()) if pairs.any() else 0.0


@EXERCISE.wrong
def defects_have_normal_positives(embeddings, anomalous, temperature):
    """Anomalous patches are anchors as well, and pulled towards normal ones. Only normal patches
    are anchors."""
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


EXERCISE.mistakes.append(
    Mistake(
        "sum over positives",
        functools.partial(_contrast_normal, divisor=1),
        "You add the positives of an anchor up. Take their mean: divide by their number.",
    )
)


@EXERCISE.wrong
def logarithm_of_the_sum(e, y, t):
    """You add the shares of the positives and take the logarithm then. Take it of each share, and
    average the logarithms."""
    return _contrast_normal(e, y, t, log_of_mean=True) - _log_of_others(y)


@EXERCISE.wrong
def one_positive_below(embeddings, anomalous, temperature):
    """In your denominator stand the negatives and the one positive above. All patches but the
    anchor belong there, its other positives too."""
    unit = unit_length(embeddings)
    exponentials = np.exp(unit @ unit.T / temperature)
    normal = np.flatnonzero(~anomalous)
    below = exponentials[:, anomalous].sum(axis=1)
    losses = [np.log(1 + below[i] / exponentials[i, j]) for i in normal for j in normal if i != j]
    return float(np.mean(losses)) if losses else 0.0


@EXERCISE.wrong
def needs_three_normal_patches(e, y, t):
    """Two normal patches are enough: each is the positive of the other. Only with fewer is the loss
    0."""
    return supervised(e, y, t) if (~y).sum() > 2 else 0.0


@EXERCISE.wrong
def mean_over_all_patches(e, y, t):
    """You divide by the number of all patches. The mean is over the anchors, the normal ones."""
    return supervised(e, y, t) * float((~y).mean())


@EXERCISE.wrong
def not_a_number(e, y, t):
    """With fewer than two normal patches there is no pair, and your mean of nothing is not a
    number. The loss is 0 then."""
    return supervised(e, y, t) if (~y).sum() > 1 else np.nan


@EXERCISE.wrong
def no_labels(e, y, t):
    """The labels have no influence on your answer. Anchors and positives are normal patches
    only."""
    return supervised(e, np.zeros_like(y), t)


@EXERCISE.wrong
def normal_ones_below_alone(embeddings, anomalous, temperature):
    """In your denominator stand only normal patches. The anomalous ones belong there as well:
    nothing else pushes them away."""
    return supervised(embeddings[~anomalous], anomalous[~anomalous], temperature)


@EXERCISE.wrong
def is_its_own_positive_above(embeddings, anomalous, temperature):
    """An anchor is among its own positives, though not in the denominator. Leave it out above
    as well."""
    if (~anomalous).sum() < 2:
        return 0.0
    return _contrast_normal(embeddings, anomalous, temperature, own_positive=True)


@EXERCISE.wrong
def all_patches_are_anchors(embeddings, anomalous, temperature):
    """Anomalous patches are anchors as well where there are two normal ones, so different
    defects are pulled together. Only normal patches are anchors."""
    if (~anomalous).sum() < 2:
        return 0.0
    return lets_anomalous_patches_be_anchors(embeddings, anomalous, temperature)


@EXERCISE.wrong
def multiplies_the_loss(embeddings, anomalous, temperature):
    """You multiply the loss by the temperature, as some public code does. The equation does
    not."""
    return temperature * supervised(embeddings, anomalous, temperature)


@EXERCISE.wrong
def each_pair_once(embeddings, anomalous, temperature):
    """You take each pair of normal patches once. The loss is not the same for the anchor a and
    its positive g as for the anchor g: take both."""
    unit = unit_length(embeddings)
    exponentials = np.exp(unit @ unit.T / temperature)
    np.fill_diagonal(exponentials, 0)
    shares = exponentials / exponentials.sum(axis=1, keepdims=True)
    upper = np.triu(np.outer(~anomalous, ~anomalous), 1)
    return float(-np.log(shares[upper]).mean()) if upper.any() else 0.0
