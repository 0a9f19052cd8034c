"""The checkers: right answers pass however they are written, each known mistake is named."""

from __future__ import annotations

import contextlib
import functools
import inspect
import math
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch
from scipy.ndimage import mean as labelled_mean
from scipy.ndimage import uniform_filter
from scipy.spatial.distance import cdist, pdist
from scipy.special import log_softmax
from scipy.stats import binom, rankdata, sem, ttest_rel, zscore
from scipy.stats import t as student
from sklearn.metrics import average_precision_score, roc_auc_score

from cozad_book.checking import running
from cozad_book.checking.answers import describe_difference
from cozad_book.checking.cases import Exercise
from cozad_book.checking.exercises import all_exercises, check_exercise
from cozad_book.checking.hints import common_hint
from cozad_book.costs import feature_bytes
from cozad_book.experiments.factorial import interactions, main_effects
from cozad_teach.confidence import confidence_weights
from cozad_teach.confidence import iqr_threshold as package_threshold
from cozad_teach.contrastive import alignment as package_alignment
from cozad_teach.contrastive import info_nce_loss, supervised_contrastive_loss
from cozad_teach.covariance import decay_strength as package_decay_strength
from cozad_teach.covariance import loss_covariance as package_loss_covariance
from cozad_teach.errors import CozadError
from cozad_teach.evaluation.metrics import image_ap
from cozad_teach.evaluation.metrics import image_auroc as package_auroc
from cozad_teach.maml import inner_loop, outer_gradient
from cozad_teach.scoring import gaussian_statistics
from cozad_teach.scoring import image_scores as package_image_scores
from cozad_teach.settings import LITE

EXERCISES = all_exercises()
MISTAKES = [
    pytest.param(exercise, mistake, id=f"{exercise.name}: {mistake.name}")
    for exercise in EXERCISES.values()
    for mistake in exercise.mistakes
]


def pool_by_uniform_filter(z: np.ndarray) -> np.ndarray:
    z, ones = z.astype(float), np.ones(z.shape)  # of whole numbers it would give whole ones
    size = (3, 3, 1)
    return uniform_filter(z, size, mode="constant") / uniform_filter(ones, size, mode="constant")


def pool_by_shifts(z: np.ndarray) -> np.ndarray:
    total, count = np.zeros(z.shape), np.zeros(z.shape)
    for di in (-1, 0, 1):
        for dj in (-1, 0, 1):
            for i in range(z.shape[0]):
                for j in range(z.shape[1]):
                    if 0 <= i + di < z.shape[0] and 0 <= j + dj < z.shape[1]:
                        total[i, j] += z[i + di, j + dj]
                        count[i, j] += 1
    return total / count


def pool_by_torch(z: np.ndarray) -> torch.Tensor:
    grid = torch.from_numpy(z).double().permute(2, 0, 1)[None]
    pooled = torch.nn.functional.avg_pool2d(grid, 3, 1, 1, count_include_pad=False)
    return pooled[0].permute(1, 2, 0)


def pool_by_nested_lists(z: np.ndarray) -> list[list[np.ndarray]]:
    height, width, _ = z.shape
    return [
        [z[max(0, i - 1) : i + 2, max(0, j - 1) : j + 2].mean((0, 1)) for j in range(width)]
        for i in range(height)
    ]


def standardise_loop(z: np.ndarray, mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    out = np.empty_like(z)
    for c in range(z.shape[-1]):
        out[..., c] = (z[..., c] - mean[c]) / (std[c] or 1)
    return out


def distance_by_inverse(z: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    offsets = z - mean
    return np.sqrt(np.sum(offsets @ np.linalg.inv(covariance) * offsets, axis=1))


def distance_by_scipy(z: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    return cdist(z, mean[None], "mahalanobis", VI=np.linalg.inv(covariance))[:, 0]


def distance_by_eigenvectors(z: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(covariance)
    return np.linalg.norm((z - mean) @ vectors / np.sqrt(values), axis=1)


def distance_by_loop(z: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> list[float]:
    out = []
    for row in z:
        solved = np.linalg.solve(covariance, row - mean)
        out.append(float((row - mean) @ solved) ** 0.5)
    return out


def auroc_by_loops(scores: np.ndarray, labels: np.ndarray) -> float:
    total, pairs = 0.0, 0
    for a, label in zip(scores, labels, strict=True):
        for b, other in zip(scores, labels, strict=True):
            if label == 1 and other == 0:
                pairs += 1
                total += 1.0 if a > b else 0.5 if a == b else 0.0
    return total / pairs


def auroc_by_ranks(scores: np.ndarray, labels: np.ndarray) -> float:
    n = labels.sum()
    return float((rankdata(scores)[labels == 1].sum() - n * (n + 1) / 2) / (n * (len(labels) - n)))


def auroc_by_signs(scores: np.ndarray, labels: np.ndarray) -> torch.Tensor:
    s, y = torch.from_numpy(scores), torch.from_numpy(labels)
    return (torch.sign(s[y == 1][:, None] - s[y == 0]) + 1).mean() / 2


def image_scores_by_partition(s: np.ndarray, top_share: float) -> np.ndarray:
    start = s.shape[1] - int(np.ceil(round(top_share * s.shape[1], 9)))
    return np.partition(s, start, axis=1)[:, start:].mean(1)


def image_scores_by_loops(s: np.ndarray, top_share: float) -> list[float]:
    k = math.ceil(Fraction(str(top_share)) * s.shape[1])
    return [sum(sorted(row, reverse=True)[:k]) / k for row in s.tolist()]


def alignment_by_loops(e: np.ndarray) -> float:
    u = [row / np.sqrt((row**2).sum()) for row in e]
    pairs = [((u[i] - u[j]) ** 2).sum() for i in range(len(u)) for j in range(i)]
    return sum(pairs) / len(pairs)


def alignment_by_cosines(e: np.ndarray) -> float:
    cosines = 1 - pdist(e, "cosine")
    return float(2 - 2 * cosines.mean())


def info_nce_by_loops(a: np.ndarray, k: np.ndarray, positives: np.ndarray, t: float) -> float:
    total = 0.0
    for row, own in zip(a, positives, strict=True):
        terms = [math.exp(row @ key / np.linalg.norm(row) / np.linalg.norm(key) / t) for key in k]
        total += math.log(sum(terms)) - math.log(terms[own])
    return total / len(a)


def info_nce_by_one_hot(
    a: np.ndarray, k: np.ndarray, positives: np.ndarray, temperature: float
) -> float:
    logits = (1 - cdist(a, k, "cosine")) / temperature
    return float(-(log_softmax(logits, axis=1) * np.eye(len(k))[positives]).sum() / len(a))


def supervised_by_loops(e: np.ndarray, anomalous: np.ndarray, temperature: float) -> float:
    u = e / np.linalg.norm(e, axis=1, keepdims=True)
    losses = []
    for i in range(len(u)):
        positives = [j for j in range(len(u)) if j != i and not anomalous[j]]
        if anomalous[i] or not positives:
            continue
        below = sum(math.exp(u[i] @ u[j] / temperature) for j in range(len(u)) if j != i)
        terms = [u[i] @ u[j] / temperature - math.log(below) for j in positives]
        losses.append(-sum(terms) / len(terms))
    return sum(losses) / len(losses) if losses else 0.0


def supervised_on_sorted(e: np.ndarray, anomalous: np.ndarray, temperature: float) -> float:
    order = np.argsort(anomalous, kind="stable")
    n = int((~anomalous).sum())
    if n < 2:
        return 0.0
    cosines = 1 - cdist(e[order][:n], e[order], "cosine")
    logits = cosines / temperature
    logits[np.arange(n), np.arange(n)] = -np.inf
    shares = log_softmax(logits, axis=1)[:, :n]
    return float(-shares[~np.eye(n, dtype=bool)].mean())


def threshold_by_sorting(scores: np.ndarray, gamma: float) -> float:
    ordered, quartiles = sorted(scores), []
    for share in (0.25, 0.75):
        place = share * (len(ordered) - 1)
        low = int(place)
        high = min(low + 1, len(ordered) - 1)
        quartiles.append(ordered[low] + (place - low) * (ordered[high] - ordered[low]))
    return quartiles[1] + gamma * (quartiles[1] - quartiles[0])


def weights_by_loop(scores: np.ndarray, threshold: float, sharpness: float) -> list[float]:
    return [1.0 if s <= threshold else (threshold / s) ** sharpness for s in scores.tolist()]


def weights_by_logarithms(scores: np.ndarray, threshold: float, sharpness: float) -> np.ndarray:
    excess = np.log(np.maximum(scores, threshold) / threshold)
    return np.exp(-sharpness * excess)


def covariance_by_loops(e: np.ndarray, w: np.ndarray) -> np.ndarray:
    mean = sum(a * row for a, row in zip(w, e, strict=True)) / sum(w)
    return sum(a * np.outer(row - mean, row - mean) for a, row in zip(w, e, strict=True)) / sum(w)


def covariance_by_moments(e: np.ndarray, w: np.ndarray) -> np.ndarray:
    mean = np.average(e, axis=0, weights=w)
    second = np.einsum("n,ni,nj->ij", w, e, e) / w.sum()
    return second - np.outer(mean, mean)


def loss_covariance_by_loops(losses: np.ndarray, window: int) -> np.ndarray:
    columns = []
    for column in losses.T:
        mean = sum(column) / len(column)
        spread = math.sqrt(sum((value - mean) ** 2 for value in column) / len(column))
        columns.append([(value - mean) / (spread or 1) for value in column][-window:])
    means = [sum(column) / len(column) for column in columns]
    sigma = np.zeros((2, 2))
    for i, j in np.ndindex(2, 2):
        pairs = zip(columns[i], columns[j], strict=True)
        products = [(a - means[i]) * (b - means[j]) for a, b in pairs]
        sigma[i, j] = sum(products) / max(len(products) - 1, 1)
    return sigma


def loss_covariance_by_zscore(losses: np.ndarray, window: int) -> np.ndarray:
    with np.errstate(all="ignore"):
        last = np.nan_to_num(zscore(losses, axis=0))[-window:]
    offsets = last - last.mean(0)
    return np.einsum("ti,tj->ij", offsets, offsets) / max(len(last) - 1, 1)


def decay_by_det(sigma: np.ndarray, base: float, growth: float, cap: float) -> float:
    bounded = np.clip(np.linalg.det(sigma), 0, cap)
    return float(base + base * growth * np.log(1 + bounded) / np.log(1 + cap))


def decay_by_eigenvalues(sigma: np.ndarray, base: float, growth: float, cap: float) -> float:
    determinant = float(np.prod(np.linalg.eigvalsh(sigma)))
    bounded = max(0.0, min(determinant, cap))
    return base * (1 + growth * math.log(1 + bounded, 1 + cap))


def inner_loop_by_autograd(
    theta: np.ndarray, x: np.ndarray, y: np.ndarray, steps: int, learning_rate: float
) -> torch.Tensor:
    at = torch.from_numpy(theta).clone().requires_grad_()
    optimiser = torch.optim.SGD([at], lr=learning_rate)
    for _ in range(steps):
        optimiser.zero_grad()
        torch.nn.functional.mse_loss(torch.from_numpy(x) @ at, torch.from_numpy(y)).backward()
        optimiser.step()
    return at


def inner_loop_by_loops(
    theta: np.ndarray, x: np.ndarray, y: np.ndarray, steps: int, learning_rate: float
) -> list[float]:
    at = list(theta)
    for _ in range(steps):
        errors = [sum(a * b for a, b in zip(row, at, strict=True)) for row in x] - y
        at = [a - 2 * learning_rate * np.mean(errors * x[:, j]) for j, a in enumerate(at)]
    return at


def inner_loop_by_package(
    theta: np.ndarray, x: np.ndarray, y: np.ndarray, steps: int, learning_rate: float
) -> torch.Tensor:
    x, y = torch.from_numpy(x), torch.from_numpy(y)
    start = {"w": torch.from_numpy(theta)}
    return inner_loop(start, lambda p: (x @ p["w"] - y).square().mean(), steps, learning_rate)["w"]


def outer_gradient_by_autograd(
    theta: np.ndarray, tasks: list[Any], learning_rate: float
) -> torch.Tensor:
    start = torch.from_numpy(theta).clone().requires_grad_()
    total = torch.zeros((), dtype=torch.float64)
    for task in tasks:
        x, y, query_x, query_y = map(torch.from_numpy, task)
        loss = ((x @ start - y) ** 2).mean()
        (gradient,) = torch.autograd.grad(loss, start, create_graph=True)
        adapted = start - learning_rate * gradient
        total = total + ((query_x @ adapted - query_y) ** 2).mean() / len(tasks)
    return torch.autograd.grad(total, start)[0]


def outer_gradient_by_differences(
    theta: np.ndarray, tasks: list[Any], learning_rate: float
) -> list[float]:
    def mean_query_loss(at: np.ndarray) -> float:
        losses = []
        for x, y, query_x, query_y in tasks:
            adapted = inner_loop_by_loops(at, x, y, 1, learning_rate)
            losses.append(np.mean((query_x @ np.array(adapted) - query_y) ** 2))
        return float(np.mean(losses))

    steps = 1e-5 * np.eye(len(theta))
    return [(mean_query_loss(theta + s) - mean_query_loss(theta - s)) / 2e-5 for s in steps]


def outer_gradient_by_package(
    theta: np.ndarray, tasks: list[Any], learning_rate: float
) -> torch.Tensor:
    def loss(p: dict[str, torch.Tensor], x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return (x @ p["w"] - y).square().mean()

    def adapt(p: dict[str, torch.Tensor], task: Any) -> Any:
        return inner_loop(p, lambda q: loss(q, *task[:2]), 1, learning_rate), loss(p, *task[:2])

    def of_one(task: Any) -> torch.Tensor:
        batch = tuple(torch.from_numpy(part)[None] for part in task)
        return outer_gradient(start, batch, adapt, lambda p, t: loss(p, *t[2:]))[0]["w"]

    start = {"w": torch.from_numpy(theta)}
    # One at a time: the package wants tasks of one size, and these differ.
    return torch.stack([of_one(task) for task in tasks]).mean(0)


def reptile_by_loop(theta: np.ndarray, adapted: np.ndarray, step_size: float) -> np.ndarray:
    moved = theta.copy()
    for place in adapted:
        moved += step_size / len(adapted) * (place - theta)
    return moved


def covariance_with_prior_by_loops(
    embeddings: np.ndarray, weights: np.ndarray, prior: np.ndarray, prior_weight: float
) -> np.ndarray:
    total = prior_weight * prior
    mean = sum(w * e for w, e in zip(weights, embeddings, strict=True)) / sum(weights)
    for w, e in zip(weights, embeddings, strict=True):
        total = total + w * np.outer(e - mean, e - mean)
    return total / (prior_weight + sum(weights))


def covariance_with_prior_by_numpy(
    embeddings: np.ndarray, weights: np.ndarray, prior: np.ndarray, prior_weight: float
) -> np.ndarray:
    support = np.cov(embeddings.T, aweights=weights, ddof=0)
    share = prior_weight / (prior_weight + weights.sum())
    return share * prior + (1 - share) * support


def covariance_with_prior_by_package(
    embeddings: np.ndarray, weights: np.ndarray, prior: np.ndarray, prior_weight: float
) -> torch.Tensor:
    e, w, p = (torch.from_numpy(a) for a in (embeddings, weights, prior))
    return gaussian_statistics(
        e[None], w[None], 1e-12, prior=p, prior_images=prior_weight / len(w)
    )[1]


def nearest_by_loops(embeddings: np.ndarray, radius: int) -> np.ndarray:
    height, width, _ = embeddings.shape
    out = np.full((height, width), np.inf)
    for i in range(height):
        for j in range(width):
            for a in range(height):
                for b in range(width):
                    if abs(i - a) > radius or abs(j - b) > radius:
                        apart = np.linalg.norm(embeddings[i, j] - embeddings[a, b])
                        out[i, j] = min(out[i, j], apart)
    return out


def nearest_by_masks(embeddings: np.ndarray, radius: int) -> np.ndarray:
    height, width, _ = embeddings.shape
    out = np.empty((height, width))
    for i in range(height):
        for j in range(width):
            apart = ((embeddings - embeddings[i, j]) ** 2).sum(-1)
            apart[max(0, i - radius) : i + radius + 1, max(0, j - radius) : j + radius + 1] = np.inf
            out[i, j] = apart.min() ** 0.5
    return out


def nearest_by_scipy(embeddings: np.ndarray, radius: int) -> np.ndarray:
    flat = embeddings.reshape(-1, embeddings.shape[-1])
    places = np.argwhere(np.ones(embeddings.shape[:2]))
    far = cdist(places, places, "chebyshev") > radius
    return np.where(far, cdist(flat, flat), math.inf).min(1).reshape(embeddings.shape[:2])


def weights_by_loops(
    values: np.ndarray, gamma: float, sharpness: float, passes: int
) -> list[float]:
    weights = [1.0] * len(values)
    for _ in range(passes):
        total = sum(weights)
        mean = sum(w * v for w, v in zip(weights, values, strict=True)) / total
        variance = sum(w * (v - mean) ** 2 for w, v in zip(weights, values, strict=True)) / total
        scores = [abs(v - mean) / variance**0.5 for v in values]
        threshold = iqr_threshold_by_percentile(np.array(scores), gamma)
        weights = [1.0 if s <= threshold else (threshold / s) ** sharpness for s in scores]
    return weights


def iqr_threshold_by_percentile(scores: np.ndarray, gamma: float) -> float:
    return float(np.percentile(scores, 75) + gamma * np.subtract(*np.percentile(scores, [75, 25])))


def weights_by_recursion(
    values: np.ndarray, gamma: float, sharpness: float, passes: int
) -> np.ndarray:
    if passes == 0:
        return np.ones(len(values))
    weights = weights_by_recursion(values, gamma, sharpness, passes - 1)
    weights = weights / weights.sum()
    away = np.abs(values - weights @ values)
    scores = away / np.sqrt(weights @ away**2)
    return np.minimum(1, iqr_threshold_by_percentile(scores, gamma) / scores) ** sharpness


def weights_by_package(
    values: np.ndarray, gamma: float, sharpness: float, passes: int
) -> torch.Tensor:
    x = torch.from_numpy(values)
    weights = torch.ones_like(x)
    for _ in range(passes):
        mean = (weights * x).sum() / weights.sum()
        spread = ((weights * (x - mean) ** 2).sum() / weights.sum()).sqrt()
        weights = confidence_weights(((x - mean).abs() / spread)[None], gamma, sharpness)[0]
    return weights


def precision_by_loops(scores: np.ndarray, labels: np.ndarray) -> float:
    found = []
    for s, label in zip(scores, labels, strict=True):
        if label:
            called = [other for t, other in zip(scores, labels, strict=True) if t >= s]
            found.append(sum(called) / len(called))
    return sum(found) / len(found)


def overlap_by_loops(scores: np.ndarray, regions: np.ndarray, threshold: float) -> float:
    hits: dict[int, list[bool]] = {}
    for score, number in zip(scores.ravel(), regions.ravel(), strict=True):
        if number:
            hits.setdefault(int(number), []).append(score >= threshold)
    return sum(sum(h) / len(h) for h in hits.values()) / len(hits)


def overlap_by_counting(scores: np.ndarray, regions: np.ndarray, threshold: float) -> float:
    sizes = np.bincount(regions.ravel())
    hits = np.bincount(regions.ravel(), weights=(scores >= threshold).ravel())
    there = sizes > 0
    there[0] = False
    return float((hits[there] / sizes[there]).mean())


def overlap_by_scipy(scores: np.ndarray, regions: np.ndarray, threshold: float) -> float:
    numbers = np.setdiff1d(regions, [0])
    return float(np.mean(labelled_mean((scores >= threshold).astype(float), regions, numbers)))


def interval_by_loops(first: np.ndarray, second: np.ndarray, draws: np.ndarray) -> list[float]:
    means = sorted(np.mean([first[i] - second[i] for i in draw]) for draw in draws)
    return [float(np.percentile(means, level)) for level in (2.5, 97.5)]


def memory_of_arrays(
    n_images: np.ndarray, image_size: int, stride: int, channels: int
) -> list[int]:
    side = image_size // stride
    return [np.empty((int(n), side, side, channels), np.float32).nbytes for n in n_images]


def rounded_by_loop(values: np.ndarray, bits: int) -> list[float]:
    rounded = []
    for value in values:
        step = 2.0 ** (math.floor(math.log2(abs(value))) + 1 - bits) if value else 1.0
        rounded.append(round(value / step) * step)
    return rounded


def rounded_by_scale(values: np.ndarray, bits: int) -> np.ndarray:
    scale = np.exp2(np.floor(np.log2(np.where(values == 0, 1, np.abs(values)))))
    return np.rint(values / scale * 2 ** (bits - 1)) / 2 ** (bits - 1) * scale


def rounded_by_decimals(values: np.ndarray, bits: int) -> list[float]:
    """Search the two neighbours with that many bits, in exact arithmetic."""
    rounded = []
    for value in map(Fraction, values):
        step = Fraction(1)
        while value and abs(value) < step * 2 ** (bits - 1):
            step /= 2
        while abs(value) >= step * 2**bits:
            step *= 2
        rounded.append(float(round(value / step) * step))
    return rounded


def support_by_loop(labels: np.ndarray, size: int, share: float, order: np.ndarray) -> list[bool]:
    left = {1: round(share * size), 0: size - round(share * size)}
    chosen = [False] * len(labels)
    for i in order:
        if left[int(labels[i])]:
            left[int(labels[i])] -= 1
            chosen[i] = True
    return chosen


def support_by_ranks(labels: np.ndarray, size: int, share: float, order: np.ndarray) -> np.ndarray:
    n_anomalous = round(share * size)
    chosen = np.zeros(len(labels))
    for kind, n in ((1, n_anomalous), (0, size - n_anomalous)):
        chosen[order[labels[order] == kind][:n]] = 1
    return chosen


def support_by_counting(
    labels: np.ndarray, size: int, share: float, order: np.ndarray
) -> np.ndarray:
    ordered = labels[order] == 1
    n_anomalous = round(share * size)
    early = np.where(
        ordered, np.cumsum(ordered) <= n_anomalous, np.cumsum(~ordered) <= size - n_anomalous
    )
    return early[np.argsort(order)]


def seeds_by_formula(first: np.ndarray, second: np.ndarray) -> list[float]:
    n, gaps = len(first), [a - b for a, b in zip(first, second, strict=True)]
    middle = sum(gaps) / n
    error = math.sqrt(sum((gap - middle) ** 2 for gap in gaps) / (n - 1) / n)
    quantile = float(student.ppf(0.975, n - 1))
    return [middle - quantile * error, middle + quantile * error]


def threshold_by_counting(scores: np.ndarray, rate: float) -> float:
    enough = (
        s for s in sorted(scores) if ((scores > s).sum() + 1) / (len(scores) + 1) <= rate + 1e-9
    )
    return next(enough, math.inf)


def threshold_by_numpy(scores: np.ndarray, rate: float) -> np.ndarray:
    level = (1 - rate) * (len(scores) + 1) / len(scores)
    if level > 1 + 1e-9:
        return np.array(np.inf)
    return np.quantile(scores, min(level - 1e-9, 1), method="inverted_cdf")


def limits_by_adding(windows: np.ndarray, rate: float, significance: float) -> list[int]:
    def limit(n: int) -> int:
        chances = [math.comb(n, m) * rate**m * (1 - rate) ** (n - m) for m in range(n + 1)]
        return next(m for m in range(n + 1) if math.fsum(chances[m + 1 :]) <= significance)

    return [limit(int(n)) for n in windows]


def effects_by_loops(made: np.ndarray, results: np.ndarray) -> list[float]:
    effects = []
    for i in range(made.shape[1]):
        pair: list[list[float]] = [[], []]
        for row, result in zip(made, results, strict=True):
            pair[row[i]].append(result)
        effects.append(sum(pair[1]) / len(pair[1]) - sum(pair[0]) / len(pair[0]))
    return effects


def effects_by_package(made: np.ndarray, results: np.ndarray) -> np.ndarray:
    values = np.empty((2,) * made.shape[1])
    values[tuple(made.T)] = results
    return main_effects(values)


def interaction_by_loops(values: np.ndarray) -> list[float]:
    return [(both - second) - (first - neither) for neither, first, second, both in values]


RIGHT: dict[str, tuple[Callable[..., Any], ...]] = {
    "thresholds.conformal_threshold": (
        threshold_by_counting,
        threshold_by_numpy,
        lambda scores, rate: np.append(np.sort(scores), np.inf)[
            math.ceil(round((len(scores) + 1) * (1 - rate), 6)) - 1
        ],
    ),
    "thresholds.alarm_limits": (
        limits_by_adding,
        lambda windows, rate, chance: binom.ppf(1 - chance, windows, rate),
        lambda windows, rate, chance: [
            (binom.sf(np.arange(n + 1), n, rate) > chance).sum() for n in windows
        ],
    ),
    "factorial.main_effects": (
        effects_by_loops,
        effects_by_package,
        lambda made, results: (2 * made - 1).T @ results / (len(results) / 2),
    ),
    "factorial.interaction": (
        interaction_by_loops,
        lambda values: values @ np.array([1, -1, -1, 1]),
        lambda values: [interactions(v.reshape(2, 2))[0, 1] for v in values],
    ),
    "experiments.contaminated_support": (support_by_loop, support_by_ranks, support_by_counting),
    "experiments.seed_interval": (
        seeds_by_formula,
        lambda a, b: student.interval(0.95, len(a) - 1, (a - b).mean(), sem(a - b)),
        lambda a, b: ttest_rel(a, b).confidence_interval(0.95),
    ),
    "training.feature_bytes": (
        memory_of_arrays,
        lambda n, size, stride, channels: 4 * n * np.floor(size / stride) ** 2 * channels,
        lambda n, size, stride, channels: np.array(
            [
                feature_bytes(replace(LITE, image_size=size, strides=(stride,)), int(k), channels)
                for k in n
            ]
        ),
    ),
    "training.round_to_bits": (
        rounded_by_loop,
        rounded_by_scale,
        rounded_by_decimals,
    ),
    "evaluation.average_precision": (
        precision_by_loops,
        lambda scores, labels: average_precision_score(labels, scores),
        image_ap,
    ),
    "evaluation.per_region_overlap": (overlap_by_loops, overlap_by_counting, overlap_by_scipy),
    "evaluation.paired_interval": (
        interval_by_loops,
        lambda a, b, draws: np.percentile(a[draws].mean(1) - b[draws].mean(1), [2.5, 97.5]),
        lambda a, b, draws: torch.quantile(
            torch.from_numpy(a - b)[torch.from_numpy(draws)].mean(1),
            torch.tensor([0.025, 0.975], dtype=torch.float64),
        ),
    ),
    "cozad.covariance_with_prior": (
        covariance_with_prior_by_loops,
        covariance_with_prior_by_numpy,
        covariance_with_prior_by_package,
    ),
    "cozad.nearest_elsewhere": (nearest_by_loops, nearest_by_masks, nearest_by_scipy),
    "confidence.weigh_repeatedly": (weights_by_loops, weights_by_recursion, weights_by_package),
    "maml.inner_loop": (inner_loop_by_autograd, inner_loop_by_loops, inner_loop_by_package),
    "maml.outer_gradient": (
        outer_gradient_by_autograd,
        outer_gradient_by_differences,
        outer_gradient_by_package,
    ),
    "maml.reptile_step": (
        reptile_by_loop,
        lambda theta, adapted, step: (1 - step) * theta + step * adapted.mean(0),
        lambda theta, adapted, step: torch.lerp(
            torch.from_numpy(theta), torch.from_numpy(adapted).mean(0), step
        ),
    ),
    "covariance.loss_covariance": (
        loss_covariance_by_loops,
        loss_covariance_by_zscore,
        lambda losses, window: package_loss_covariance(losses, window),
    ),
    "covariance.decay_strength": (decay_by_det, decay_by_eigenvalues, package_decay_strength),
    "features.mean_pool": (
        pool_by_uniform_filter,
        pool_by_shifts,
        pool_by_torch,
        pool_by_nested_lists,
    ),
    "features.standardise": (
        lambda z, mean, std: (z - mean) / (std + (std == 0)),
        lambda z, mean, std: np.where(std > 0, (z - mean) / np.where(std > 0, std, 7), z - mean),
        lambda z, mean, std: (z - mean) / np.where(std > 0, std, 1),
        lambda z, mean, std: (np.float32(z) - np.float32(mean)) / np.where(std > 0, std, 1),
        standardise_loop,
    ),
    "confidence.iqr_threshold": (
        threshold_by_sorting,
        lambda s, g: np.quantile(s, 0.75) * (1 + g) - g * np.quantile(s, 0.25),
        lambda s, g: package_threshold(torch.from_numpy(s), g),
    ),
    "confidence.soft_weights": (
        weights_by_loop,
        weights_by_logarithms,
        lambda s, t, k: np.minimum(1, t / np.maximum(s, 1e-9)) ** k,
    ),
    "confidence.weighted_covariance": (
        covariance_by_loops,
        covariance_by_moments,
        lambda e, w: np.cov(e, rowvar=False, aweights=w, bias=True),
    ),
    "contrastive.alignment": (
        alignment_by_loops,
        alignment_by_cosines,
        lambda e: package_alignment(torch.from_numpy(e)),
    ),
    "contrastive.info_nce": (
        info_nce_by_loops,
        info_nce_by_one_hot,
        lambda a, k, p, t: info_nce_loss(*map(torch.from_numpy, (a, k, p)), t),
    ),
    "contrastive.supervised": (
        supervised_by_loops,
        supervised_on_sorted,
        lambda e, y, t: supervised_contrastive_loss(torch.from_numpy(e), torch.from_numpy(y), t),
    ),
    "scoring.mahalanobis": (
        distance_by_inverse,
        distance_by_scipy,
        distance_by_eigenvectors,
        distance_by_loop,
    ),
    "metrics.image_auroc": (
        auroc_by_loops,
        auroc_by_ranks,
        auroc_by_signs,
        lambda scores, labels: roc_auc_score(labels, scores),
        package_auroc,
    ),
    "scoring.image_scores": (
        image_scores_by_partition,
        image_scores_by_loops,
        lambda s, top_share: package_image_scores(torch.from_numpy(s), top_share),
    ),
}


@pytest.mark.parametrize("name", [n for n in EXERCISES if not n.startswith("capstone.")])
def test_right_answers_pass_however_they_are_written(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Some of them are the package's functions, which are to agree, and which students may not call.
    monkeypatch.setattr(running, "_noting_calls", lambda *_: contextlib.nullcontext())
    assert len(RIGHT[name]) >= 3
    reference = inspect.unwrap(EXERCISES[name].reference)
    assert "the book's own answer" in check_exercise(name, reference).message
    for function in (functools.partial(reference), *RIGHT[name]):
        verdict = check_exercise(name, function)
        assert verdict.passed and verdict.mistake is None, f"{function}: {verdict}"


@pytest.mark.parametrize(("exercise", "mistake"), MISTAKES)
def test_each_known_mistake_is_named(exercise: Exercise, mistake: Any) -> None:
    verdict = check_exercise(exercise.name, mistake.function)
    assert verdict.status == "failed"
    assert verdict.mistake == mistake.name, f"taken for {verdict.mistake}: {verdict.message}"
    assert verdict.message == mistake.message


@pytest.mark.parametrize("exercise", EXERCISES.values(), ids=EXERCISES)
def test_every_exercise_is_well_made(exercise: Exercise) -> None:
    assert len(exercise.mistakes) >= 4
    for texts in ([m.name for m in exercise.mistakes], [m.message for m in exercise.mistakes]):
        assert len(set(texts)) == len(texts), "two mistakes share a name or a message"
    hidden = [case.hidden for case in exercise.cases]
    assert hidden == sorted(hidden) and len(set(hidden)) == 2, "public cases first, then hidden"
    for case in exercise.cases:
        for array in case.arguments[:1]:
            uneven = len(set(array.shape)) == array.ndim
            symmetric = array.shape == (2, 2) and array[0, 1] == array[1, 0]
            assert uneven or symmetric, f"{case.label}: sizes repeat"


def test_exercise_arrays_survive_a_check() -> None:
    before = [a.copy() for c in EXERCISES["features.mean_pool"].cases for a in c.arguments]

    def destroy(z: np.ndarray) -> np.ndarray:
        z[:] = 0
        return z

    verdict = check_exercise("features.mean_pool", destroy)
    assert "changes its input" in verdict.message
    after = [a for c in EXERCISES["features.mean_pool"].cases for a in c.arguments]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_mistake_written_differently_is_still_recognised() -> None:
    def sum_over_nine(z: np.ndarray) -> np.ndarray:
        grid = torch.from_numpy(z).double().permute(2, 0, 1)[None]
        return torch.nn.functional.avg_pool2d(grid, 3, 1, 1)[0].permute(1, 2, 0).numpy()

    def inside_only(z: np.ndarray) -> np.ndarray:
        height, width, channels = z.shape
        out = np.zeros((max(height - 2, 0), max(width - 2, 0), channels))
        for i in range(out.shape[0]):
            for j in range(out.shape[1]):
                out[i, j] = z[i : i + 3, j : j + 3].mean((0, 1))
        return out

    assert check_exercise("features.mean_pool", sum_over_nine).mistake == "counts the padding"
    assert check_exercise("features.mean_pool", inside_only).mistake == "drops the border"


def test_a_mistake_is_named_though_a_hidden_case_fails_too() -> None:
    def stumbles(embeddings: np.ndarray, anomalous: np.ndarray, temperature: float) -> float:
        unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
        shares = np.exp(unit @ unit.T / temperature)
        shares /= shares.sum(axis=1, keepdims=True)
        pairs = np.outer(~anomalous, ~anomalous) & ~np.eye(len(unit), dtype=bool)
        return float(-np.log(shares[pairs]).mean())  # nan where there is no pair

    def refuses_one_score(scores: np.ndarray, gamma: float) -> float:
        if len(scores) == 1:
            raise ValueError("too few scores")
        q1, q2, q3 = np.percentile(scores, [25, 50, 75])
        return float(q2 + gamma * (q3 - q1))

    verdict = check_exercise("contrastive.supervised", stumbles)
    assert verdict.mistake == "is in its own denominator"
    assert check_exercise("confidence.iqr_threshold", refuses_one_score).mistake == (
        "starts at the median"
    )


def test_a_wrong_hidden_case_alone_is_no_known_mistake() -> None:
    def seven_for_one_normal(e: np.ndarray, anomalous: np.ndarray, t: float) -> float:
        right = supervised_by_loops(e, anomalous, t)
        return 7.0 if (~anomalous).sum() == 1 else float(right)

    verdict = check_exercise("contrastive.supervised", seven_for_one_normal)
    assert verdict.mistake is None and "only one of them normal (a hidden case)" in verdict.message


@pytest.mark.parametrize(
    ("function", "fragment"),
    [
        (lambda z: 1 / 0, "ZeroDivisionError"),
        (lambda z: z[100], "IndexError"),
        (lambda z: z.ravel(), "shape (60,), but (4, 5, 3) is expected"),
        (lambda z: "an answer", "returns str"),
        (lambda z: [[1, 2], [3]], "returns list"),
        (lambda: None, "accept 1 argument."),
        (lambda z: np.full(z.shape, np.nan), "it gives nan"),
        (lambda z: z + 1, "60 of 60 values are wrong; at index (0, 0, 0) it gives"),
        (lambda z: np.full(z.shape, np.nan), "60 of 60 values are wrong, 60 of them not a number"),
        (lambda z: 1.5 * pool_by_shifts(z), "All values are 1.5 times the right ones."),
        (lambda z: -pool_by_shifts(z), "Only the sign is turned round."),
        (lambda z: pool_by_shifts(z).T, "The values are right: transpose it."),
        (lambda z: pool_by_shifts(z)[None], "an axis of length 1 is too many or too few."),
        (3, "function itself"),
    ],
)
def test_other_failures_get_a_plain_sentence(function: Any, fragment: str) -> None:
    verdict = check_exercise("features.mean_pool", function)
    assert verdict.status == "failed" and verdict.mistake is None
    assert fragment in verdict.message


def test_hidden_case_shows_no_expected_value() -> None:
    def right_but_for_one_row(z: np.ndarray) -> np.ndarray:
        return z * 0 if z.shape[0] == 1 else pool_by_shifts(z)

    verdict = check_exercise("features.mean_pool", right_but_for_one_row)
    assert "a single row of 6 patches (a hidden case)" in verdict.message
    assert "expected" not in verdict.message


def hint_on(observed: list[np.ndarray], expected: list[np.ndarray]) -> str:
    return common_hint(observed, expected, 1e-5)[0]


def test_no_factor_is_claimed_for_one_value_or_none() -> None:
    huge = ([1e308, 1e308], [0.01, 0.02])
    for observed, expected in (
        ([3.0], [2.0]),
        ([0.0, 0.0], [0.0, 2.0]),
        ([1.0, 2.0], [0.0, 0.0]),
        huge,
    ):
        assert "times" not in hint_on([np.array(observed)], [np.array(expected)])
    a, b = np.array([0.0, 4.0, 6.0]), np.array([0.0, 2.0, 3.0])
    assert hint_on([a], [b]) == " All values are 2 times the right ones."
    assert describe_difference(a, b, 1e-5, reveal=False) == "2 of 3 values are wrong."


def test_a_hint_holds_on_every_case_or_is_not_given() -> None:
    a, b = np.array([1.0, 2.0]), np.array([3.0, 5.0])
    assert hint_on([3 * a, 3 * b], [a, b]) == " All values are 3 times the right ones."
    assert "not the same in all" in hint_on([3 * a, 2 * b], [a, b])
    assert hint_on([a[None], b[None]], [a, b]).startswith(" The values are right, but")
    assert hint_on([a[None], np.add(np.tile(b, (2, 1)), [[1], [2]])], [a, b]) == ""
    scalars = [np.array(2.0), np.array(5.0)]
    assert "3 times" in hint_on([3 * s for s in scalars], scalars)
    assert hint_on([3 * scalars[0], 2 * scalars[1]], scalars) == ""
    assert describe_difference(np.array(3.0), scalars[0], 1e-5, reveal=True) == (
        "it gives 3, expected is 2."
    )
    assert describe_difference(np.array(3.0), scalars[0], 1e-5, reveal=False) == (
        "it gives 3, which is wrong."
    )


@pytest.mark.parametrize(
    ("form", "fragment"),
    [
        (lambda e: 1 - e, "1 minus the right ones"),
        (lambda e: e + 1, "All values are 1 too large"),
        (lambda e: e.astype(int), "lost their fraction"),
        (lambda e: e.astype(np.float16), "nearly right"),
        (lambda e: e.round(2), "rounded to 2 decimals"),
        (lambda e: e / e.sum(), "by their sum"),
        (lambda e: e.ravel(), "`reshape`"),
        (lambda e: e.mean(), "the mean of the right values"),
        (lambda e: e[0], "the first part of the right result"),
        (lambda e: np.stack([e + 1, e]), "The last part of your result"),
        (lambda e: e.sum() + 1, "One number comes back"),
        (lambda e: 0 * e, "All your values are 0, in every case"),
        (lambda e: e**3, ""),
    ],
)
def test_what_a_wrong_result_has_to_do_with_the_right_one_is_told(form: Any, fragment: str) -> None:
    expected = [np.array([[1.2345, -2.6]]), np.array([[0.3, 4.56], [7.891, -1.1]])]
    hint = hint_on([np.asarray(form(e), float) for e in expected], expected)
    assert fragment in hint and bool(hint) == bool(fragment)
    other = [np.asarray(form(expected[0]), float), expected[1] + [[0, 1], [2, 5]]]
    assert not fragment or fragment not in hint_on(other, expected), "it must hold on all cases"


def test_unwritten_function_is_to_do_not_wrong() -> None:
    def stub(z: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    for function in (stub, lambda z: None):
        assert check_exercise("features.mean_pool", function).status == "to do"


def test_unknown_exercise_suggests_the_nearest_name() -> None:
    with pytest.raises(CozadError, match=r"did you mean 'features\.mean_pool'"):
        check_exercise("features.meanpool", lambda z: z)
    with pytest.raises(CozadError, match="choose from"):
        check_exercise("?", lambda z: z)


def test_verdict_displays_as_text_and_as_escaped_html() -> None:
    def fail(z: np.ndarray) -> np.ndarray:
        raise ValueError("<script>")

    verdict = check_exercise("features.mean_pool", fail)
    assert repr(verdict).startswith("features.mean_pool: failed. On a grid of 4x5")
    page = verdict._repr_html_()
    assert "<script>" not in page and "&lt;script&gt;" in page and 'role="status"' in page
