"""Exercises on contrastive losses. The wrong answers are wrong on purpose."""

from __future__ import annotations

import numpy as np

from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISES"]


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def alignment(embeddings: np.ndarray) -> float:
    """Give the mean squared distance of all pairs of (P, D), on the unit sphere."""
    return float(_distances(_unit(embeddings)).mean())


def _distances(vectors: np.ndarray) -> np.ndarray:
    """Give the squared distance of every pair of two different rows."""
    squared = ((vectors[:, None] - vectors[None]) ** 2).sum(axis=2)
    return np.asarray(squared[np.triu_indices(len(vectors), 1)])


def _align_any_length(embeddings: np.ndarray) -> float:
    return float(_distances(embeddings).mean())


def _align_with_itself(embeddings: np.ndarray) -> float:
    unit = _unit(embeddings)
    return float(((unit[:, None] - unit[None]) ** 2).sum(axis=2).mean())


def _align_unsquared(embeddings: np.ndarray) -> float:
    return float(np.sqrt(_distances(_unit(embeddings))).mean())


def _align_mean_over_dimensions(embeddings: np.ndarray) -> float:
    return float(_distances(_unit(embeddings)).mean() / embeddings.shape[1])


def _align_sum(embeddings: np.ndarray) -> float:
    return float(_distances(_unit(embeddings)).sum())


def _align_cosine(embeddings: np.ndarray) -> float:
    return float(1 - _distances(_unit(embeddings)).mean() / 2)


def _align_columns(embeddings: np.ndarray) -> float:
    return float(_distances(embeddings / np.linalg.norm(embeddings, axis=0)).mean())


def _align_zeros(embeddings: np.ndarray) -> float:
    unit = _unit(embeddings)
    return float(np.triu(((unit[:, None] - unit[None]) ** 2).sum(axis=2), 1).mean())


def _align_diagonal(embeddings: np.ndarray) -> float:
    unit = _unit(embeddings)
    squared = ((unit[:, None] - unit[None]) ** 2).sum(axis=2)
    return float(squared[np.triu_indices(len(unit))].mean())


def _log_shares(logits: np.ndarray) -> np.ndarray:
    """Give the logarithm of the softmax of each row."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def _logits(anchors: np.ndarray, keys: np.ndarray, temperature: float) -> np.ndarray:
    return np.asarray(_unit(anchors) @ _unit(keys).T / temperature)


def _picked(log_shares: np.ndarray, positives: np.ndarray) -> np.ndarray:
    return np.asarray(log_shares[np.arange(len(positives)), positives])


def info_nce(
    anchors: np.ndarray, keys: np.ndarray, positives: np.ndarray, temperature: float
) -> float:
    """Let each anchor (A, D) pick its one positive among the keys (K, D)."""
    logits = _logits(anchors, keys, temperature)
    return float(-_picked(_log_shares(logits), positives).mean())


def _nce_any_length(
    anchors: np.ndarray, keys: np.ndarray, positives: np.ndarray, temperature: float
) -> float:
    return float(-_picked(_log_shares(anchors @ keys.T / temperature), positives).mean())


def _nce_times_temperature(
    anchors: np.ndarray, keys: np.ndarray, positives: np.ndarray, temperature: float
) -> float:
    return info_nce(anchors, keys, positives, 1 / temperature)


def _nce_negatives_only(
    anchors: np.ndarray, keys: np.ndarray, positives: np.ndarray, temperature: float
) -> float:
    logits = _logits(anchors, keys, temperature)
    negatives = logits.copy()
    negatives[np.arange(len(positives)), positives] = -np.inf
    return float((np.log(np.exp(negatives).sum(axis=1)) - _picked(logits, positives)).mean())


def _nce_over_anchors(
    anchors: np.ndarray, keys: np.ndarray, positives: np.ndarray, temperature: float
) -> float:
    logits = _logits(anchors, keys, temperature)
    return float(-_picked(_log_shares(logits.T).T, positives).mean())


def _nce_no_sign(
    anchors: np.ndarray, keys: np.ndarray, positives: np.ndarray, temperature: float
) -> float:
    return -info_nce(anchors, keys, positives, temperature)


def _nce_sum(
    anchors: np.ndarray, keys: np.ndarray, positives: np.ndarray, temperature: float
) -> float:
    return len(anchors) * info_nce(anchors, keys, positives, temperature)


def _nce_log_of_mean(
    anchors: np.ndarray, keys: np.ndarray, positives: np.ndarray, temperature: float
) -> float:
    logits = _logits(anchors, keys, temperature)
    return float(-np.log(np.exp(_picked(_log_shares(logits), positives)).mean()))


def _nce_first_key(
    anchors: np.ndarray, keys: np.ndarray, positives: np.ndarray, temperature: float
) -> float:
    return info_nce(anchors, keys, np.arange(len(anchors)) % len(keys), temperature)


def _nce_no_temperature(
    anchors: np.ndarray, keys: np.ndarray, positives: np.ndarray, temperature: float
) -> float:
    return info_nce(anchors, keys, positives, 1.0)


def _nce_keys_any_length(
    anchors: np.ndarray, keys: np.ndarray, positives: np.ndarray, temperature: float
) -> float:
    logits = _unit(anchors) @ keys.T / temperature
    return float(-_picked(_log_shares(logits), positives).mean())


def _nce_no_logarithm(
    anchors: np.ndarray, keys: np.ndarray, positives: np.ndarray, temperature: float
) -> float:
    return float(
        -np.exp(_picked(_log_shares(_logits(anchors, keys, temperature)), positives)).mean()
    )


def _nce_all_pairs(
    anchors: np.ndarray, keys: np.ndarray, positives: np.ndarray, temperature: float
) -> float:
    shares = _log_shares(_logits(anchors, keys, temperature))
    return float(-shares[:, positives].mean())


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
    unit = embeddings if any_length else _unit(embeddings)
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
    unit = _unit(embeddings)
    similarities = unit @ unit.T / temperature
    np.fill_diagonal(similarities, 0)
    shares = np.exp(similarities) / np.exp(similarities).sum(axis=1, keepdims=True)
    pairs = np.outer(~anomalous, ~anomalous) & ~np.eye(len(unit), dtype=bool)
    return float(-np.log(shares[pairs]).mean()) if pairs.any() else 0.0


def _normal_positives_for_all(
    embeddings: np.ndarray, anomalous: np.ndarray, temperature: float
) -> float:
    unit = _unit(embeddings)
    shares = np.exp(unit @ unit.T / temperature)
    np.fill_diagonal(shares, 0)
    shares /= shares.sum(axis=1, keepdims=True)
    pairs = np.tile(~anomalous, (len(unit), 1)) & ~np.eye(len(unit), dtype=bool)
    if (~anomalous).sum() < 2:
        return 0.0
    return float(
        np.mean([-np.log(row[own]).mean() for row, own in zip(shares, pairs, strict=True)])
    )


def _alignment_cases() -> tuple[Case, ...]:
    draw = np.random.default_rng(4).normal
    opposite = np.array([[0.0, 2.0, 0.0], [0.0, -1.0, 0.0]])
    return (
        Case("5 embeddings of 3 numbers", (draw(0.5, 1.0, (5, 3)),)),
        Case("two opposite directions", (opposite,)),
        Case("7 embeddings of 2 numbers", (draw(-1.0, 2.0, (7, 2)),), hidden=True),
    )


def _info_nce_cases() -> tuple[Case, ...]:
    random = np.random.default_rng(5)
    cases = []
    for a, k, d, temperature, hidden in (
        (3, 5, 4, 0.5, False),
        (6, 4, 2, 0.2, False),
        (2, 7, 3, 1.5, True),
    ):
        arguments = (
            random.normal(0.3, 2, (a, d)),
            random.normal(0.3, 1, (k, d)),
            random.permutation(np.arange(a) + 1) % k,
            temperature,
        )
        cases.append(Case(f"{a} anchors and {k} keys, τ = {temperature:g}", arguments, hidden))
    return tuple(cases)


def _supervised_cases() -> tuple[Case, ...]:
    random = np.random.default_rng(6)
    cases = []
    for labels, d, temperature, what, hidden in (
        ([0, 1, 0, 0, 1], 3, 0.5, "5 patches, two of them anomalous", False),
        ([1, 0, 0, 1, 0, 1, 0], 2, 0.2, "7 patches, three of them anomalous", False),
        ([0, 0, 0, 0], 3, 0.7, "4 patches, all normal", True),
        ([1, 0, 1, 1], 2, 0.5, "4 patches, only one of them normal", True),
    ):
        embeddings = random.normal(0.4, 1.5, (len(labels), d))
        cases.append(Case(what, (embeddings, np.array(labels, bool), temperature), hidden))
    return tuple(cases)


EXERCISES = (
    Exercise(
        name="contrastive.alignment",
        reference=alignment,
        cases=_alignment_cases(),
        mistakes=(
            Mistake(
                "keeps the length",
                _align_any_length,
                "You compare the embeddings as they are. Scale each to unit length first: only "
                "directions count.",
            ),
            Mistake(
                "pairs each with itself",
                _align_with_itself,
                "The result is too small: you also count pairs of an embedding and itself, whose "
                "distance is 0. Average over pairs of two different ones.",
            ),
            Mistake(
                "does not square",
                _align_unsquared,
                "You average distances. Alignment averages their squares.",
            ),
            Mistake(
                "averages over dimensions",
                _align_mean_over_dimensions,
                "You take the mean over the D numbers of a difference. A squared distance is their "
                "sum.",
            ),
            Mistake(
                "sums over pairs",
                _align_sum,
                "You add the pairs up. Divide by their number.",
            ),
            Mistake(
                "gives the cosine",
                _align_cosine,
                "This is the mean cosine, which is high where patches are alike. Alignment is a "
                "squared distance, and low there: how do the two go together for unit vectors?",
            ),
            Mistake(
                "norm of the channels",
                _align_columns,
                "You scale the channels to unit length. Scale each embedding: the norm runs "
                "along `axis=1`.",
            ),
            Mistake(
                "zeros below the diagonal",
                _align_zeros,
                "You average over the whole matrix, of which more than half was set to 0. "
                "Average over the pairs alone.",
            ),
            Mistake(
                "the diagonal too",
                _align_diagonal,
                "The diagonal is among your pairs: an embedding and itself. "
                "`np.triu_indices` starts above it with a second argument of 1.",
            ),
        ),
    ),
    Exercise(
        name="contrastive.info_nce",
        reference=info_nce,
        cases=_info_nce_cases(),
        mistakes=(
            Mistake(
                "keeps the length",
                _nce_any_length,
                "You multiply the vectors as they are, so long ones win. Scale anchors and keys to "
                "unit length: the similarity is a cosine.",
            ),
            Mistake(
                "multiplies by the temperature",
                _nce_times_temperature,
                "You multiply the similarities by the temperature. Divide by it: a low temperature "
                "makes differences larger.",
            ),
            Mistake(
                "leaves the positive out below",
                _nce_negatives_only,
                "In the denominator stand only the negatives. The positive belongs there too: it "
                "is a softmax over all keys, and the loss can never be below 0.",
            ),
            Mistake(
                "normalises over anchors",
                _nce_over_anchors,
                "Your softmax runs over the anchors. Each anchor chooses among the keys: sum over "
                "the other axis.",
            ),
            Mistake(
                "forgets the sign",
                _nce_no_sign,
                "The value is right but for its sign. The loss is minus the logarithm of the "
                "share, so that a likely positive costs little.",
            ),
            Mistake(
                "sums over anchors",
                _nce_sum,
                "You add the anchors up. The loss is their mean, so that it does not grow with "
                "the size of the batch.",
            ),
            Mistake(
                "averages inside the logarithm",
                _nce_log_of_mean,
                "You average the shares and take the logarithm then. Take it for each anchor, and "
                "average the logarithms.",
            ),
            Mistake(
                "takes the key of the same number",
                _nce_first_key,
                "You take key i as the positive of anchor i. `positives` says which key it is.",
            ),
            Mistake(
                "no temperature",
                _nce_no_temperature,
                "The temperature has no influence on your answer: divide the cosines by it.",
            ),
            Mistake(
                "scales the anchors alone",
                _nce_keys_any_length,
                "You scale the anchors to unit length, and the keys not.",
            ),
            Mistake(
                "no logarithm",
                _nce_no_logarithm,
                "You average the shares themselves. The loss is minus their logarithm.",
            ),
            Mistake(
                "all anchors with all positives",
                _nce_all_pairs,
                "`matrix[:, positives]` pairs every anchor with the positives of all. Each "
                "has one of its own: `matrix[np.arange(A), positives]`.",
            ),
        ),
    ),
    Exercise(
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
                "The positives are right, but the anchor itself is still in the denominator, where "
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
                "The value is right but for its sign: the loss is minus the logarithm.",
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
        ),
    ),
)
