"""Exercise contrastive.info_nce. The wrong answers are wrong on purpose."""

from __future__ import annotations

import numpy as np

from cozad_teach.teaching.bank.contrastive_alignment import unit_length
from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISE"]


def _log_shares(logits: np.ndarray) -> np.ndarray:
    """Give the logarithm of the softmax of each row."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True)))


def _logits(anchors: np.ndarray, keys: np.ndarray, temperature: float) -> np.ndarray:
    return np.asarray(unit_length(anchors) @ unit_length(keys).T / temperature)


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
    logits = unit_length(anchors) @ keys.T / temperature
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


def _over_all(logits: np.ndarray) -> float:
    """Give what a loss grows by if the softmax runs over all rows at once."""
    rows = np.log(np.exp(logits).sum(axis=1))
    return float(np.log(np.exp(logits).sum()) - rows.mean())


def _info_nce_cases() -> tuple[Case, ...]:
    random = np.random.default_rng(5)
    cases = []
    for a, k, d, temperature, hidden in (
        (3, 5, 4, 0.5, False),
        (6, 4, 2, 0.2, False),
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


EXERCISE = Exercise(
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
            "The sign is turned round. The loss is minus the logarithm of the "
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
        Mistake(
            "the diagonal",
            lambda a, k, p, t: float(-np.diagonal(_log_shares(_logits(a, k, t))).mean()),
            "You take the diagonal, as if key i were the positive of anchor i. `positives` says "
            "which key it is.",
        ),
        Mistake(
            "scales the keys alone",
            lambda a, k, p, t: float(-_picked(_log_shares(a @ unit_length(k).T / t), p).mean()),
            "You scale the keys to unit length, and the anchors not.",
        ),
        Mistake(
            "softmax over all pairs",
            lambda a, k, p, t: info_nce(a, k, p, t) + float(_over_all(_logits(a, k, t))),
            "Your softmax runs over the whole matrix. Each anchor chooses for itself: one sum "
            "for each row.",
        ),
        Mistake(
            "similarity alone",
            lambda a, k, p, t: float(-_picked(_logits(a, k, t), p).mean()),
            "You pull positives together, but nothing pushes the other keys away: the "
            "denominator is missing.",
        ),
        Mistake(
            "mean below",
            lambda a, k, p, t: info_nce(a, k, p, t) - np.log(len(k)),
            "In your denominator stands the mean of the exponentials. It is their sum.",
        ),
        Mistake(
            "divides by the keys",
            lambda a, k, p, t: info_nce(a, k, p, t) * len(a) / len(k),
            "You divide by the number of keys. The mean is over anchors.",
        ),
        Mistake(
            "all keys are positives",
            lambda a, k, p, t: float(-_log_shares(_logits(a, k, t)).mean()),
            "You average over all keys. Each anchor has one positive: pick its entry.",
        ),
        Mistake(
            "temperature outside",
            lambda a, k, p, t: info_nce(a, k, p, 1.0) / t,
            "You divide the loss by the temperature. Divide the cosines, before the exponential.",
        ),
        Mistake(
            "misses instead of logarithms",
            lambda a, k, p, t: float(1 - np.exp(_picked(_log_shares(_logits(a, k, t)), p)).mean()),
            "You take one minus the share. The loss is minus its logarithm.",
        ),
        Mistake(
            "root of the temperature",
            lambda a, k, p, t: info_nce(a, k, p, np.sqrt(t)),
            "You divide by the root of the temperature. Divide by the temperature itself.",
        ),
    ),
)
