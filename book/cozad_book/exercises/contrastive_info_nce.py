"""Exercise contrastive.info_nce."""

import numpy as np

from cozad_book.checking.cases import Case, Exercise
from cozad_book.exercises.contrastive_alignment import unit_length


def _log_shares(logits):
    """Give the logarithm of the softmax of each row."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def _logits(anchors, keys, temperature):
    return np.asarray(unit_length(anchors) @ unit_length(keys).T / temperature)


def _picked(log_shares, positives):
    return np.asarray(log_shares[np.arange(len(positives)), positives])


def _over_all(logits):
    """Give what a loss grows by if the softmax runs over all rows at once."""
    rows = np.log(np.exp(logits).sum(axis=1))
    return float(np.log(np.exp(logits).sum()) - rows.mean())


def _info_nce_cases():
    random = np.random.default_rng(5)
    cases = []
    for a, k, d, temperature, hidden in (
        (3, 5, 4, 0.5, False),
        (6, 4, 2, 0.05, False),
        (5, 5, 3, 0.4, False),
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


EXERCISE = Exercise("contrastive.info_nce", cases=_info_nce_cases())


@EXERCISE.right
def info_nce(
    anchors: np.ndarray, keys: np.ndarray, positives: np.ndarray, temperature: float
) -> float:
    """Let each anchor (A, D) pick its one positive among the keys (K, D)."""
    logits = _logits(anchors, keys, temperature)
    return float(-_picked(_log_shares(logits), positives).mean())


@EXERCISE.wrong
def keeps_the_length(anchors, keys, positives, temperature):
    """You multiply the vectors as they are, so long ones win. Scale anchors and keys to unit
    length: the similarity is a cosine."""
    return float(-_picked(_log_shares(anchors @ keys.T / temperature), positives).mean())


@EXERCISE.wrong
def multiplies_by_the_temperature(anchors, keys, positives, temperature):
    """You multiply the similarities by the temperature. Divide by it: a low temperature makes
    differences larger."""
    return info_nce(anchors, keys, positives, 1 / temperature)


@EXERCISE.wrong
def leaves_the_positive_out_below(anchors, keys, positives, temperature):
    """In the denominator stand only the negatives. The positive belongs there too: it is a softmax
    over all keys, and the loss can never be below 0."""
    logits = _logits(anchors, keys, temperature)
    negatives = logits.copy()
    negatives[np.arange(len(positives)), positives] = -np.inf
    return float((np.log(np.exp(negatives).sum(axis=1)) - _picked(logits, positives)).mean())


@EXERCISE.wrong
def normalises_over_anchors(anchors, keys, positives, temperature):
    """Your softmax runs over the anchors. Each anchor chooses among the keys: sum over the other
    axis."""
    logits = _logits(anchors, keys, temperature)
    return float(-_picked(_log_shares(logits.T).T, positives).mean())


@EXERCISE.wrong
def forgets_the_sign(anchors, keys, positives, temperature):
    """The sign is turned round. The loss is minus the logarithm of the share, so that a likely
    positive costs little."""
    return -info_nce(anchors, keys, positives, temperature)


@EXERCISE.wrong
def sums_over_anchors(anchors, keys, positives, temperature):
    """You add the anchors up. The loss is their mean, so that it does not grow with the size of the
    batch."""
    return len(anchors) * info_nce(anchors, keys, positives, temperature)


@EXERCISE.wrong
def averages_inside_the_logarithm(anchors, keys, positives, temperature):
    """You average the shares and take the logarithm then. Take it for each anchor, and average the
    logarithms."""
    logits = _logits(anchors, keys, temperature)
    return float(-np.log(np.exp(_picked(_log_shares(logits), positives)).mean()))


@EXERCISE.wrong
def takes_the_key_of_the_same_number(anchors, keys, positives, temperature):
    """You take key i as the positive of anchor i. `positives` says which key it is."""
    return info_nce(anchors, keys, np.arange(len(anchors)) % len(keys), temperature)


@EXERCISE.wrong
def no_temperature(anchors, keys, positives, temperature):
    """The temperature has no influence on your answer: divide the cosines by it."""
    return info_nce(anchors, keys, positives, 1.0)


@EXERCISE.wrong
def scales_the_anchors_alone(anchors, keys, positives, temperature):
    """You scale the anchors to unit length, and the keys not."""
    logits = unit_length(anchors) @ keys.T / temperature
    return float(-_picked(_log_shares(logits), positives).mean())


@EXERCISE.wrong
def no_logarithm(anchors, keys, positives, temperature):
    """You average the shares themselves. The loss is minus their logarithm."""
    return float(
        -np.exp(_picked(_log_shares(_logits(anchors, keys, temperature)), positives)).mean()
    )


@EXERCISE.wrong
def all_anchors_with_all_positives(anchors, keys, positives, temperature):
    """`matrix[:, positives]` pairs every anchor with the positives of all. Each has one of its own:
    `matrix[np.arange(A), positives]`."""
    shares = _log_shares(_logits(anchors, keys, temperature))
    return float(-shares[:, positives].mean())


@EXERCISE.wrong
def the_diagonal(a, k, p, t):
    """You take the diagonal, as if key i were the positive of anchor i. `positives` says which key
    it is."""
    return float(-np.diagonal(_log_shares(_logits(a, k, t))).mean())


@EXERCISE.wrong
def scales_the_keys_alone(a, k, p, t):
    """You scale the keys to unit length, and the anchors not."""
    return float(-_picked(_log_shares(a @ unit_length(k).T / t), p).mean())


@EXERCISE.wrong
def softmax_over_all_pairs(a, k, p, t):
    """Your softmax runs over the whole matrix. Each anchor chooses for itself: one sum for each
    row."""
    return info_nce(a, k, p, t) + float(_over_all(_logits(a, k, t)))


@EXERCISE.wrong
def similarity_alone(a, k, p, t):
    """You pull positives together, but nothing pushes the other keys away: the denominator is
    missing."""
    return float(-_picked(_logits(a, k, t), p).mean())


@EXERCISE.wrong
def mean_below(a, k, p, t):
    """In your denominator stands the mean of the exponentials. It is their sum."""
    return info_nce(a, k, p, t) - np.log(len(k))


@EXERCISE.wrong
def divides_by_the_keys(a, k, p, t):
    """You divide by the number of keys. The mean is over anchors."""
    return info_nce(a, k, p, t) * len(a) / len(k)


@EXERCISE.wrong
def all_keys_are_positives(a, k, p, t):
    """You average over all keys. Each anchor has one positive: pick its entry."""
    return float(-_log_shares(_logits(a, k, t)).mean())


@EXERCISE.wrong
def temperature_outside(a, k, p, t):
    """You divide the loss by the temperature. Divide the cosines, before the exponential."""
    return info_nce(a, k, p, 1.0) / t


@EXERCISE.wrong
def misses_instead_of_logarithms(a, k, p, t):
    """You take one minus the share. The loss is minus its logarithm."""
    return float(1 - np.exp(_picked(_log_shares(_logits(a, k, t)), p)).mean())


@EXERCISE.wrong
def root_of_the_temperature(a, k, p, t):
    """You divide by the root of the temperature. Divide by the temperature itself."""
    return info_nce(a, k, p, np.sqrt(t))


@EXERCISE.wrong
def temperature_above_alone(anchors, keys, positives, temperature):
    """You divide the similarity above by the temperature, those below not. It belongs to all of
    them."""
    cosines = unit_length(anchors) @ unit_length(keys).T
    own = cosines[np.arange(len(anchors)), positives] / temperature
    return float((np.log(np.exp(cosines).sum(axis=1)) - own).mean())


@EXERCISE.wrong
def softmax_twice(anchors, keys, positives, temperature):
    """You take the softmax twice: `cross_entropy` of torch contains one. Hand it the
    similarities over the temperature."""
    logits = unit_length(anchors) @ unit_length(keys).T / temperature
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    own = shares[np.arange(len(anchors)), positives]
    return float((np.log(np.exp(shares).sum(axis=1)) - own).mean())


@EXERCISE.wrong
def adds_inside_the_logarithm(anchors, keys, positives, temperature):
    """You add a hundredth of a millionth to the share before the logarithm. At a low
    temperature a share can be smaller than that: subtract logarithms instead."""
    logits = unit_length(anchors) @ unit_length(keys).T / temperature
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return float(-np.log(shares[np.arange(len(anchors)), positives] + 1e-8).mean())


@EXERCISE.wrong
def norms_of_the_channels(anchors, keys, positives, temperature):
    """You scale the channels to unit length. Scale each vector: the norm runs along
    `axis=1`."""
    logits = (anchors / np.linalg.norm(anchors, axis=0)) @ (keys / np.linalg.norm(keys, axis=0)).T
    logits = logits / temperature
    own = logits[np.arange(len(anchors)), positives]
    return float((np.log(np.exp(logits).sum(axis=1)) - own).mean())
