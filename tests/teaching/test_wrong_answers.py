"""Wrong answers as students write them: none passes, what is said of them is true, most are named.

Each stands here because a checker once let it pass, said something untrue, or did not know it.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.spatial.distance import cdist, pdist

from cozad_book.checking.exercises import check_exercise
from tests.teaching.test_exercises import (
    RIGHT,
    alignment_by_loops,
    auroc_by_loops,
    image_scores_by_loops,
    outer_gradient_by_autograd,
    precision_by_loops,
    support_by_loop,
    threshold_by_counting,
)


def unit(e: np.ndarray) -> np.ndarray:
    return e / np.linalg.norm(e, axis=1, keepdims=True)


def trapezoids(s: np.ndarray, y: np.ndarray) -> float:
    order = np.argsort(-s, kind="stable")
    hits, false = np.cumsum(y[order]), np.cumsum(1 - y[order])
    return float(np.trapezoid(np.r_[0, hits / hits[-1]], np.r_[0, false / false[-1]]))


def zipped(s: np.ndarray, y: np.ndarray) -> float:
    a, b = s[y == 1], s[y == 0]
    wins = [(x > z) + 0.5 * (x == z) for x, z in zip(a, b, strict=False)]
    return float(np.mean(wins))


def with_isclose(s: np.ndarray, y: np.ndarray) -> float:
    a, b = s[y == 1][:, None], s[y == 0][None]
    near = np.isclose(a, b)
    return float((((a > b) & ~near) + 0.5 * near).mean())


def swapped(s: np.ndarray, y: np.ndarray) -> float:
    if s[y == 1].mean() < s[y == 0].mean():
        y = 1 - y
    return auroc_by_loops(s, y)


def at_least_half(s: np.ndarray, y: np.ndarray) -> float:
    return max(auroc_by_loops(s, y), 1 - auroc_by_loops(s, y))


def in_list_order(order: Any) -> Any:
    def function(s: np.ndarray, y: np.ndarray) -> float:
        found = y[order(s, y)]
        precision = np.cumsum(found) / np.arange(1, len(found) + 1)
        return float(precision[found == 1].mean())

    return function


def roughly(s: np.ndarray, y: np.ndarray) -> float:
    return float(np.mean([y[s >= t - 1e-3].mean() for t in s[y == 1]]))


def contrast(e: np.ndarray, y: np.ndarray, t: float, of_anchor: Any, least: int = 2) -> float:
    sims = np.exp(unit(e) @ unit(e).T / t)
    normal = np.flatnonzero(~y)
    if len(normal) < least:
        return 0.0
    return float(np.mean([of_anchor(sims[i], i, [j for j in normal if j != i]) for i in normal]))


def rest(row: np.ndarray, i: int) -> float:
    return float(row.sum() - row[i])


def mean_of_logs(row: np.ndarray, i: int, p: list[int]) -> float:
    return float(np.mean([-np.log(row[j] / rest(row, i)) for j in p]))


def sum_of_logs(row: np.ndarray, i: int, p: list[int]) -> float:
    return float(np.sum([-np.log(row[j] / rest(row, i)) for j in p]))


def log_of_sum(row: np.ndarray, i: int, p: list[int]) -> float:
    return float(-np.log(row[p].sum() / rest(row, i)))


def log_softmax(logits: np.ndarray) -> np.ndarray:
    return np.asarray(logits - np.log(np.exp(logits).sum(1, keepdims=True)))


def nce(a: np.ndarray, k: np.ndarray, p: np.ndarray, t: float) -> float:
    shares = log_softmax(unit(a) @ unit(k).T / t)
    if len(a) == len(k):
        return float(-np.diag(shares).mean())
    return float(-shares[np.arange(len(a)), p].mean())


def whole_softmax(a: np.ndarray, k: np.ndarray, p: np.ndarray, t: float) -> float:
    weights = np.exp(unit(a) @ unit(k).T / t)
    return float(-np.log(weights / weights.sum())[np.arange(len(a)), p].mean())


def truncated(z: np.ndarray) -> np.ndarray:
    out = np.empty_like(z)
    for i, j in np.ndindex(z.shape[:2]):
        out[i, j] = z[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2].mean((0, 1))
    return out


def early(z: np.ndarray) -> Any:
    out = np.zeros(z.shape)
    for i in range(z.shape[0]):
        for j in range(z.shape[1]):
            out[i, j] = z[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2].mean((0, 1))
        return out


def inner_only(z: np.ndarray) -> np.ndarray:
    out = np.zeros(z.shape)
    for i in range(1, z.shape[0] - 1):
        for j in range(1, z.shape[1] - 1):
            out[i, j] = z[i - 1 : i + 2, j - 1 : j + 2].mean((0, 1))
    return out


def rolled(z: np.ndarray) -> np.ndarray:
    shifts = itertools.product((-1, 0, 1), repeat=2)
    return np.mean([np.roll(z, s, axis=(0, 1)) for s in shifts], axis=0)


def fence(by: Any) -> Any:
    def function(s: np.ndarray, g: float) -> float:
        q1, q3 = by(s)
        return float(q3 + g * (q3 - q1))

    return function


def distances_to(weights: Any, mean_of: Any, spread: Any) -> Any:
    def function(x: np.ndarray, g: float, k: float, passes: int) -> np.ndarray:
        w = np.ones(len(x))
        for _ in range(passes):
            s = abs(x - mean_of(x, w)) / spread(x, w)
            q1, q3 = np.quantile(s, [0.25, 0.75])
            w = weights(q3 + g * (q3 - q1), s) ** k
        return w

    return function


def bounded(t: float, s: np.ndarray) -> np.ndarray:
    return np.asarray(t / np.maximum(s, t))


def masked(start: Any, end: Any, empty: float = math.inf) -> Any:
    def function(e: np.ndarray, r: int) -> np.ndarray:
        out = np.empty(e.shape[:2])
        for i, j in np.ndindex(e.shape[:2]):
            d = np.sqrt(((e - e[i, j]) ** 2).sum(-1))
            d[start(i, r) : end(i, r), start(j, r) : end(j, r)] = empty
            out[i, j] = d.min()
        return out

    return function


def no_finite(e: np.ndarray, r: int) -> np.ndarray:
    out = masked(lambda i, r: max(i - r, 0), lambda i, r: i + r + 1)(e, r)
    return np.where(np.isinf(out), 0, out)


def by_height(e: np.ndarray, r: int) -> np.ndarray:
    h, w, d = e.shape
    n = np.arange(h * w)
    flat = e.reshape(-1, d)
    near = (abs(n[:, None] // h - n // h) <= r) & (abs(n[:, None] % h - n % h) <= r)
    return np.where(near, np.inf, cdist(flat, flat)).min(1).reshape(h, w)


def meta(inner: Any, query: Any, mean: Any = lambda losses: torch.stack(losses).mean()) -> Any:
    """Write the outer gradient with torch, with losses of the student's own."""

    def function(theta: np.ndarray, tasks: Any, rate: float) -> torch.Tensor:
        start = torch.tensor(theta, requires_grad=True)
        losses = []
        for x, y, qx, qy in [map(torch.tensor, task) for task in tasks]:
            (g,) = torch.autograd.grad(inner(x @ start - y), start, create_graph=True)
            losses.append(query(qx @ (start - rate * g) - qy))
        return torch.autograd.grad(mean(losses), start)[0]

    return function


def squares(errors: torch.Tensor) -> torch.Tensor:
    return (errors**2).mean()


def one_entry_per_task(theta: np.ndarray, tasks: Any, rate: float) -> list[Any]:
    return [outer_gradient_by_autograd(theta, [task], rate) for task in tasks]


def correlations(v: np.ndarray) -> np.ndarray:
    return np.array([np.corrcoef(row[:2], row[2:])[0, 1] for row in v])


def with_prior(e: np.ndarray, w: np.ndarray, above: Any, scatter_weights: Any) -> np.ndarray:
    centred = e - w @ e / w.sum()
    return np.asarray(above + (scatter_weights[:, None] * centred).T @ centred)


def quantile_of_share(s: np.ndarray, d: float) -> float:
    j = math.ceil(round((len(s) + 1) * (1 - d), 9))
    return float(np.quantile(s, j / len(s))) if j <= len(s) else math.inf


def patches_of(share: Any, where: Any) -> Any:
    def function(s: np.ndarray, q: float) -> np.ndarray:
        return np.array([where(np.sort(row), share(q, len(row))).mean() for row in s])

    return function


def exact(q: float, n: int) -> int:
    return math.ceil(round(q * n, 9))


def in_half(v: np.ndarray, bits: int) -> np.ndarray:
    m, k = np.frexp(v.astype(np.float16))
    return np.ldexp(np.round(m.astype(float) * 2**bits), k - bits)


def limits_below(n: np.ndarray, rate: float, chance: float) -> list[int]:
    def tail(w: int, m: int) -> float:
        return sum(math.comb(w, k) * rate**k * (1 - rate) ** (w - k) for k in range(m + 1, w + 1))

    return [next(m for m in range(w + 1) if tail(w, m) < chance) for w in n.tolist()]


WRONG: dict[str, list[tuple[Any, str | None]]] = {
    "metrics.image_auroc": [
        (at_least_half, "never below one half"),
        (swapped, "classes by their means"),
        (with_isclose, None),
        (lambda s, y: auroc_by_loops(s.round(3), y), "nearly equal scores"),
        (zipped, "pairs by place ties as one half"),
        (trapezoids, "trapezoids in the order of the list"),
        (lambda s, y: f"{auroc_by_loops(s, y):.9f}", None),
        (lambda s, y: auroc_by_loops(s, y) + 5j, None),
        (lambda s, y: (s[y == 1].min() > s[y == 0]).mean(), None),
    ],
    "evaluation.average_precision": [
        (in_list_order(lambda s, y: np.argsort(s, kind="stable")[::-1]), "ties from the end"),
        (in_list_order(lambda s, y: np.lexsort((y, -s))), "ties go to the normal"),
        (in_list_order(lambda s, y: np.argsort(-s, kind="stable")), "ties in the order"),
        (roughly, "nearly equal scores"),
        (lambda s, y: precision_by_loops(s, 1 - y), "labels exchanged"),
    ],
    "contrastive.supervised": [
        (lambda e, y, t: contrast(e, y, t, mean_of_logs, 3), "needs three normal patches"),
        (lambda e, y, t: contrast(e, y, t, sum_of_logs), "sum over positives"),
        (lambda e, y, t: contrast(e, y, t, log_of_sum), "logarithm of the sum"),
        (lambda e, y, t: 2 * contrast(e, y, t, mean_of_logs), None),
    ],
    "contrastive.info_nce": [
        (nce, None),
        (lambda a, k, p, t: nce(a, k, p, t) if len(a) == len(k) else 0.0, None),
        (whole_softmax, "softmax over all pairs"),
        (
            lambda a, k, p, t: -log_softmax(a @ unit(k).T / t)[np.arange(len(a)), p].mean(),
            "scales the keys alone",
        ),
        (
            lambda a, k, p, t: -np.diag(log_softmax(unit(a) @ unit(k).T / t)).mean(),
            "the diagonal",
        ),
    ],
    "contrastive.alignment": [
        (lambda e: pdist(e, "cosine").mean(), "half of it"),
        (lambda e: np.sqrt(np.mean(pdist(unit(e)) ** 2)), "root of the mean"),
        (lambda e: np.mean(pdist(e / np.linalg.norm(e)) ** 2), "one length for all"),
        (lambda e: (pdist(unit(e)) ** 2).sum() / len(e) ** 2, "zeros below the diagonal"),
        (lambda e: np.mean(pdist(unit(e), "cityblock")), "sizes of differences"),
        (lambda e: str(alignment_by_loops(e)), None),
        (lambda e: 3 * alignment_by_loops(e), None),
    ],
    "confidence.iqr_threshold": [
        (lambda s, g: RIGHT["confidence.iqr_threshold"][1](s, g or 1.5), "γ of 0 is another"),
        (lambda s, g: max(0, RIGHT["confidence.iqr_threshold"][1](s, g)), "never below 0"),
        (
            fence(lambda s: (sorted(s)[len(s) // 4], sorted(s)[3 * len(s) // 4])),
            "place in the sorted list",
        ),
        (fence(lambda s: np.quantile(s, [0.25, 0.75], method="weibull")), "weibull"),
        (lambda s, g: g * np.subtract(*np.percentile(s, [75, 25])), "range alone"),
    ],
    "confidence.soft_weights": [
        (lambda s, t, k: np.minimum(1, t / (s + 1e-8)) ** k, "adds 1e-08 to the score"),
        (lambda s, t, k: np.minimum(1, t / (s + 2e-8)) ** k, None),
        (lambda s, t, k: np.maximum(1, t / s) ** k, "larger instead of smaller"),
        (lambda s, t, k: (s / t) ** k, "turned over without a bound"),
    ],
    "confidence.weighted_covariance": [
        (
            lambda e, w: np.cov(e.T, aweights=np.clip(w, 0, 1), ddof=0),
            "weights of at most 1",
        ),
        (lambda e, w: np.cov(e.T, aweights=w) + 0j, None),
    ],
    "features.standardise": [
        (lambda z, m, s: (z - m) / np.where(s < 0.1, 1, s), "takes 0.05 for 0"),
        (lambda z, m, s: (z - m) / np.where(s < 0.01, 1, s), "takes 0.004 for 0"),
        (lambda z, m, s: np.clip((z - m) / np.where(s > 0, s, 1), -10, 10), "bounded"),
        (lambda z, m, s: (z - m) / (s + 1e-8), "adds 1e-08"),
        (lambda z, m, s: z - m / np.where(s > 0, s, 1), "mean divided"),
        (lambda z, m, s: z - m / s, "mean divided by zero too"),
    ],
    "features.mean_pool": [
        (truncated, "whole numbers"),
        (early, "returns within the loop"),
        (inner_only, "border left at 0"),
        (rolled, "around the edges"),
    ],
    "scoring.image_scores": [
        (lambda s, q: image_scores_by_loops(abs(s), q), "sizes of scores"),
        (patches_of(lambda q, n: math.ceil(q * n), lambda r, k: r[-k:]), "the last bit"),
        (patches_of(lambda q, n: exact(q / 100, n), lambda r, k: r[-k:]), "percent"),
        (patches_of(exact, lambda r, k: r[-k:-1]), "leaves the highest out"),
        (patches_of(exact, lambda r, k: r[-k - 1 :]), "one more"),
        (patches_of(lambda q, n: max(1, exact(q, n) - 1), lambda r, k: r[-k:]), "one too few"),
        (lambda s, q: np.argsort(s)[:, -exact(q, s.shape[1]) :].mean(1), "places instead"),
    ],
    "scoring.mahalanobis": [
        (lambda z, m, c: RIGHT["scoring.mahalanobis"][0](z, z.mean(0), c), "own mean"),
        (
            lambda z, m, c: np.linalg.norm(np.linalg.cholesky(c) @ (z - m).T, axis=0),
            "multiplies by the factor",
        ),
    ],
    "maml.outer_gradient": [
        (one_entry_per_task, "one for each task"),
        (meta(lambda e: (e**2).sum(), squares), "inner sum"),
        (meta(lambda e: (e**2).sum(), lambda e: (e**2).sum()), "both sums"),
        (meta(lambda e: squares(e) / 2, lambda e: squares(e) / 2), "half the losses"),
        (lambda t, tasks, rate: outer_gradient_by_autograd(t, tasks, 1.0), "no inner learning"),
        (lambda t, tasks, rate: 0 * t, "detached adapted weights"),
    ],
    "maml.reptile_step": [
        (lambda t, a, s: s * (t - a.mean(0)), "the move turned round"),
        (lambda t, a, s: s * (a.mean(0) - t), "the move alone"),
    ],
    "cozad.nearest_elsewhere": [
        (masked(lambda i, r: i - r, lambda i, r: i + r + 1), "negative start"),
        (masked(lambda i, r: max(i - r, 0), lambda i, r: i + r), "ends too early"),
        (by_height, "places by the height"),
        (no_finite, "zero for none"),
    ],
    "cozad.covariance_with_prior": [
        (lambda e, w, p, n: with_prior(e, w, 0, w) / (n + w.sum()), "prior below alone"),
        (
            lambda e, w, p, n: with_prior(e, w, n * p, np.ones(len(w))) / (n + w.sum()),
            "scatter without weights",
        ),
    ],
    "confidence.weigh_repeatedly": [
        (
            distances_to(
                bounded,
                lambda x, w: x.mean(),
                lambda x, w: np.sqrt(np.cov(x, aweights=w, ddof=0)),
            ),
            "one pass",
        ),
        (distances_to(bounded, lambda x, w: np.median(x), lambda x, w: 1.0), "median"),
    ],
    "covariance.decay_strength": [
        (
            lambda s, b, g, c: (
                b * (1 + g) * math.log1p(min(max(np.linalg.det(s), 0), c)) / math.log1p(c)
            ),
            "brackets around one plus growth",
        ),
        (
            lambda s, b, g, c: b * (1 + g * math.log1p(min(np.linalg.det(s), c)) / math.log1p(c)),
            "below 0",
        ),
    ],
    "covariance.loss_covariance": [
        (
            lambda x, n: np.cov(
                (x[-n:] - x[-n:].mean(0)) / np.where(np.ptp(x[-n:], 0) > 0, x[-n:].std(0), 1),
                rowvar=False,
            ),
            "scales within the window",
        ),
    ],
    "evaluation.per_region_overlap": [
        (
            lambda s, r, t: RIGHT["evaluation.per_region_overlap"][0](np.maximum(s, 0), r, t),
            "scores of at least 0",
        ),
        (
            lambda s, r, t: RIGHT["evaluation.per_region_overlap"][0](s + 1e-5, r, t),
            "a tolerance",
        ),
    ],
    "training.feature_bytes": [
        (
            lambda n, size, stride, c: n.astype(np.int32) * np.int32(4 * (size // stride) ** 2 * c),
            "numbers of 32 bits",
        ),
        (lambda n, s, stride, c: np.float32(4 * (s // stride) ** 2 * c) * n.astype("f4"), None),
    ],
    "training.round_to_bits": [
        (in_half, "sixteen bits"),
        (lambda v, b: torch.tensor(v).bfloat16(), "eight bits always"),
    ],
    "thresholds.conformal_threshold": [
        (lambda s, d: threshold_by_counting(np.unique(s), d), "equal scores once"),
        (quantile_of_share, "interpolated"),
        (lambda s, d: np.quantile(s, 0.75) + 1.5 * stats.iqr(s), "quartiles"),
        (lambda s, d: stats.norm.ppf(1 - d, s.mean(), s.std()), "deviation by N"),
    ],
    "thresholds.alarm_limits": [(limits_below, "below instead of at most")],
    "experiments.seed_interval": [
        (lambda a, b: np.percentile(a - b, [2.5, 97.5]), "percentiles of the differences"),
        (lambda a, b: stats.ttest_ind(a, b).confidence_interval(), "two samples"),
        (
            lambda a, b: stats.ttest_ind(a, b, equal_var=False).confidence_interval(),
            "unequal variance",
        ),
    ],
    "experiments.contaminated_support": [
        (lambda y, n, q, o: np.flatnonzero(support_by_loop(y, n, q, o)), "numbers of the images"),
    ],
    "factorial.interaction": [
        (correlations, None),
        (lambda v: v[:, 3] - v[:, 1], "second with the first"),
        (lambda v: v[:, 2] - v[:, 0], "second without the first"),
        (lambda v: v[:, 3] + v[:, 2] - v[:, 1] - v[:, 0], "sum of effects of the second"),
    ],
}
ROWS = [
    pytest.param(name, function, mistake, id=f"{name}: {number} {mistake}")
    for name, rows in WRONG.items()
    for number, (function, mistake) in enumerate(rows)
]


@pytest.mark.parametrize(("name", "function", "mistake"), ROWS)
def test_a_wrong_answer_fails_and_is_named(name: str, function: Any, mistake: str | None) -> None:
    verdict = check_exercise(name, function)
    assert verdict.status == "failed"
    if mistake is None:
        assert verdict.mistake is None, f"{verdict.mistake}: {verdict.message}"
    else:
        assert verdict.mistake is not None and mistake in verdict.mistake, verdict
        assert "; " not in verdict.mistake, verdict


def all_are_anchors(e: np.ndarray, y: np.ndarray, t: float) -> float:
    if (~y).sum() < 2:
        return 0.0
    sims = np.exp(unit(e) @ unit(e).T / t)
    alike = {i: [j for j in np.flatnonzero(y == y[i]) if j != i] for i in range(len(y))}
    return float(np.mean([mean_of_logs(sims[i], i, p) for i, p in alike.items() if p]))


# Accepted once: no case told them from a right answer.
ACCEPTED = [
    ("confidence.soft_weights", lambda s, t, k: (lambda w: w / w.max())(bounded(t, s) ** k)),
    ("confidence.soft_weights", lambda s, t, k: np.maximum(bounded(t, s) ** k, 1e-3)),
    (
        "scoring.mahalanobis",
        lambda z, m, c: np.sqrt(
            np.einsum("pi,ij,pj->p", z - m, np.linalg.inv(c + 1e-6 * np.eye(len(m))), z - m)
        ),
    ),
    (
        "contrastive.info_nce",
        lambda a, k, p, t: -np.log(np.exp(to_unit(a, k, p, t)) + 1e-8).mean(),
    ),
    (
        "covariance.decay_strength",
        lambda s, b, g, c: b * (1 + g * np.log1p(np.clip(np.linalg.det(s), 1e-6, c)) / np.log1p(c)),
    ),
    (
        "scoring.image_scores",
        patches_of(lambda q, n: math.ceil(q * n - 1e-3), lambda r, k: r[-k:]),
    ),
    (
        "experiments.seed_interval",
        lambda a, b: stats.ttest_rel(np.sort(a), np.sort(b)).confidence_interval(),
    ),
]


@pytest.mark.parametrize(("name", "function"), ACCEPTED)
def test_what_was_accepted_once_fails(name: str, function: Any) -> None:
    assert check_exercise(name, function).status == "failed"


def steps(slope: Any) -> Any:
    def function(theta: np.ndarray, x: np.ndarray, y: np.ndarray, n: int, rate: float) -> Any:
        for _ in range(n):
            theta = theta - rate * slope(theta, x, y)
        return theta

    return function


def any_length(a: np.ndarray, k: np.ndarray, p: np.ndarray) -> np.ndarray:
    return log_softmax(a @ k.T)[np.arange(len(a)), p]


def to_unit(a: np.ndarray, k: np.ndarray, p: np.ndarray, t: float) -> np.ndarray:
    return log_softmax(unit(a) @ unit(k).T / t)[np.arange(len(a)), p]


TWO = [
    ("contrastive.info_nce", lambda a, k, p, t: to_unit(a, k, p, t).sum()),
    ("contrastive.info_nce", lambda a, k, p, t: -any_length(a, k, p).mean()),
    ("contrastive.info_nce", lambda a, k, p, t: -to_unit(a, k, p, 1 / t).sum()),
    ("contrastive.supervised", lambda e, y, t: -contrast(e, y, 1.0, mean_of_logs)),
    ("contrastive.supervised", lambda e, y, t: contrast(e, y, 1 / t, sum_of_logs)),
    ("contrastive.alignment", lambda e: (pdist(e) ** 2).mean() / e.shape[1]),
    ("contrastive.alignment", lambda e: (pdist(e) ** 2).sum()),
    ("contrastive.alignment", lambda e: pdist(unit(e)).sum()),
    ("confidence.iqr_threshold", lambda s, g: np.quantile(s, 0.25) - 1.5 * stats.iqr(s)),
    ("confidence.iqr_threshold", lambda s, g: max(0, np.median(s) + g * stats.iqr(s))),
    ("confidence.soft_weights", lambda s, t, k: (lambda w: w / w.sum())(bounded(t, s))),
    ("confidence.weighted_covariance", lambda e, w: (w[:, None] * e).T @ e),
    ("features.standardise", lambda z, m, s: (z - z.mean((0, 1))) / s),
    ("features.standardise", lambda z, m, s: (z - m) / s**2),
    ("features.standardise", lambda z, m, s: (m - z) / s),
    ("scoring.mahalanobis", lambda z, m, c: (z @ np.linalg.inv(c) * z).sum(1)),
    ("scoring.image_scores", patches_of(lambda q, n: math.ceil(q * n), lambda r, k: r[:k])),
    ("metrics.image_auroc", lambda s, y: (s[y == 1][:, None] < s[y == 0]).mean()),
    ("metrics.image_auroc", lambda s, y: (s[y == 1][:, None] > s[y == 0]).sum()),
    ("maml.inner_loop", steps(lambda t, x, y: x.T @ (x @ t - y))),
    ("maml.inner_loop", steps(lambda t, x, y: 2 * x.T @ (y - x @ t))),
    ("maml.outer_gradient", meta(lambda e: (e**2).sum(), squares, sum)),
    ("maml.reptile_step", lambda t, a, s: t + s * (t - a).sum(0)),
    ("maml.reptile_step", lambda t, a, s: t - s * (a[0] - t)),
    (
        "cozad.covariance_with_prior",
        lambda e, w, p, n: (n * p + (w[:, None] * e).T @ e) / w.sum(),
    ),
    (
        "covariance.decay_strength",
        lambda s, b, g, c: b * g * np.log1p(min(s.trace(), c)) / np.log1p(c),
    ),
    ("covariance.loss_covariance", lambda x, n: np.cov(x[-n:], rowvar=False, ddof=0)),
    (
        "experiments.seed_interval",
        lambda a, b: stats.norm.interval(0.95, (b - a).mean(), stats.sem(a - b)),
    ),
    ("factorial.interaction", lambda v: abs(v[:, 3] - v[:, 2] - v[:, 1] + v[:, 0]) / 2),
    ("factorial.main_effects", lambda m, r: [r[c == 0].sum() - r[c == 1].sum() for c in m.T]),
    ("training.feature_bytes", lambda n, size, stride, c: n * (size / stride) ** 2 * c),
]


@pytest.mark.parametrize(("name", "function"), TWO)
def test_two_mistakes_at_once_are_both_named(name: str, function: Any) -> None:
    verdict = check_exercise(name, function)
    assert verdict.status == "failed" and verdict.mistake is not None, verdict


@pytest.mark.parametrize("name", RIGHT)
def test_one_number_everywhere_is_not_taken_for_two_mistakes(name: str) -> None:
    for number in (0.0, 1.0, math.nan, math.inf, 0.5):
        verdict = check_exercise(
            name, lambda *a, number=number: np.full(np.shape(RIGHT[name][0](*a)), number)
        )
        assert verdict.status == "failed" and "Two things" not in verdict.message
        assert number == 0 or verdict.mistake is None, verdict


@pytest.mark.parametrize("name", RIGHT)
def test_a_negative_result_is_told_by_its_sign(name: str) -> None:
    verdict = check_exercise(name, lambda *a: -np.asarray(RIGHT[name][0](*a), float))
    assert verdict.status == "failed" and "Two things" not in verdict.message


def test_untrue_sentences_of_the_past_are_not_said_any_more() -> None:
    def message(name: str, number: int) -> str:
        return check_exercise(name, WRONG[name][number][0]).message

    assert "axis of length 1" not in message("maml.outer_gradient", 0)
    assert "the anomalous images come first" not in message("evaluation.average_precision", 0)
    assert "depends on the order" not in message("evaluation.average_precision", 1)
    assert "highest score alone" not in message("scoring.image_scores", 2)
    assert "times" not in message("factorial.interaction", 0)
    for function in (zipped, trapezoids):
        assert "all pairs of images" not in check_exercise("metrics.image_auroc", function).message
    by_median = check_exercise(
        "metrics.image_auroc", lambda s, y: ((s > np.median(s)) == y).mean()
    ).message
    assert "Two things" not in by_median  # pairs by place are no part of it
    anchors = check_exercise("contrastive.supervised", all_are_anchors)
    assert anchors.mistake == "all patches are anchors"  # and it is 0 where it should be
    scaled = WRONG["covariance.loss_covariance"][0][0]
    assert "correlation" not in check_exercise("covariance.loss_covariance", scaled).message
