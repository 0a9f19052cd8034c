"""What each numbered equation means: loops over single numbers, in float64, without any cleverness.

Speed and memory do not matter here. `test_equations` holds every function of the package against
its loop.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Loss = Callable[[Floats], float]


def mean_pool(features: Floats) -> Floats:
    channels, height, width = features.shape
    pooled = np.zeros_like(features)
    for c in range(channels):
        for i in range(height):
            for j in range(width):
                near = [
                    features[c, a, b]
                    for a in range(max(i - 1, 0), min(i + 2, height))
                    for b in range(max(j - 1, 0), min(j + 2, width))
                ]
                pooled[c, i, j] = sum(near) / len(near)
    return pooled


def patch_features(levels: Sequence[Floats]) -> Floats:
    """Pool each level (C, h, w), read it at the centres of the finest cells, and join channels."""
    height, width = levels[0].shape[1:]
    found = []
    for level in levels:
        pooled = mean_pool(level)
        rows, columns = pooled.shape[1:]
        resized = np.zeros((len(pooled), height, width))
        for i in range(height):
            for j in range(width):
                y = min(max((i + 0.5) * rows / height - 0.5, 0), rows - 1)
                x = min(max((j + 0.5) * columns / width - 0.5, 0), columns - 1)
                top, left = int(y), int(x)
                for a, share_y in ((top, 1 - y + top), (min(top + 1, rows - 1), y - top)):
                    for b, share_x in (
                        (left, 1 - x + left),
                        (min(left + 1, columns - 1), x - left),
                    ):
                        resized[:, i, j] += share_y * share_x * pooled[:, a, b]
        found.append(resized)
    return np.concatenate(found).transpose(1, 2, 0)


def standardise(features: Floats, mean: Floats, std: Floats) -> Floats:
    return np.array([[(z[c] - mean[c]) / std[c] for c in range(len(z))] for z in features])


def unit_length(features: Floats, level_channels: Sequence[int]) -> Floats:
    scaled = []
    for z in features:
        start, parts = 0, []
        for n in level_channels:
            level = z[start : start + n]
            length = math.sqrt(sum(x * x for x in level))
            parts += [math.sqrt(n) * x / length if length > 0 else 0.0 for x in level]
            start += n
        scaled.append(parts)
    return np.array(scaled)


def auxiliary_covariance(categories: Sequence[tuple[Floats, NDArray[np.bool_]]]) -> Floats:
    """Average over categories of (images, patches, channels) features and patch labels."""
    found = []
    for features, anomalous in categories:
        normal = [z for z, wrong in zip(features, anomalous, strict=True) if not any(wrong)]
        patches = [patch for image in normal for patch in image]
        mean = sum(patches) / len(patches)
        found.append(sum(np.outer(z - mean, z - mean) for z in patches) / len(patches))
    return sum(found) / len(found)


def head(features: Floats, offset: Floats) -> Floats:
    n = len(offset)
    embedded = []
    for z in features:
        mapped = [z[i] + sum(offset[i, j] * z[j] for j in range(n)) for i in range(n)]
        length = math.sqrt(sum(x * x for x in mapped))
        embedded.append([math.sqrt(n) * x / length for x in mapped])
    return np.array(embedded)


def prior(covariance: Floats, offset: Floats) -> Floats:
    """Map a covariance, one element at a time, and scale it to the trace that it had."""
    n = len(offset)
    full = offset + np.eye(n)
    mapped = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            for a in range(n):
                for b in range(n):
                    mapped[i, j] += full[i, a] * covariance[a, b] * full[j, b]
    scale = sum(covariance[i, i] for i in range(n)) / sum(mapped[i, i] for i in range(n))
    return scale * mapped


def _unit(vectors: Floats) -> Floats:
    return np.array([v / math.sqrt(sum(x * x for x in v)) for v in vectors])


def info_nce(anchors: Floats, keys: Floats, positives: Sequence[int], temperature: float) -> float:
    a, k = _unit(anchors), _unit(keys)
    losses = []
    for i, own in enumerate(positives):
        similarities = [math.exp(float(a[i] @ k[j]) / temperature) for j in range(len(k))]
        losses.append(-math.log(similarities[own] / sum(similarities)))
    return sum(losses) / len(losses)


def contrastive(embeddings: Floats, anomalous: Sequence[bool], temperature: float) -> float:
    unit = _unit(embeddings)
    normal = [i for i in range(len(unit)) if not anomalous[i]]
    losses = []
    for i in normal:
        positives = [j for j in normal if j != i]
        if not positives:
            continue
        others = [a for a in range(len(unit)) if a != i]
        total = sum(math.exp(float(unit[i] @ unit[a]) / temperature) for a in others)
        shares = [math.exp(float(unit[i] @ unit[j]) / temperature) / total for j in positives]
        losses.append(-sum(math.log(share) for share in shares) / len(positives))
    return sum(losses) / len(losses) if losses else 0.0


def _pairs(embeddings: Floats) -> list[float]:
    unit = _unit(embeddings)
    return [
        sum((a - b) ** 2 for a, b in zip(unit[i], unit[j], strict=True))
        for i in range(len(unit))
        for j in range(i)
    ]


def alignment(embeddings: Floats) -> float:
    distances = _pairs(embeddings)
    return sum(distances) / len(distances)


def uniformity(embeddings: Floats) -> float:
    potentials = [math.exp(-2 * d) for d in _pairs(embeddings)]
    return math.log(sum(potentials) / len(potentials))


def threshold(scores: Sequence[float], gamma: float) -> float:
    ordered = sorted(scores)

    def quartile(share: float) -> float:
        place = share * (len(ordered) - 1)
        low = math.floor(place)
        high = min(low + 1, len(ordered) - 1)
        return ordered[low] + (place - low) * (ordered[high] - ordered[low])

    return quartile(0.75) + gamma * (quartile(0.75) - quartile(0.25))


def soft_weights(scores: Sequence[float], gamma: float, sharpness: float = 1.0) -> list[float]:
    t = threshold(scores, gamma)
    return [1.0 if s <= t else (t / s) ** sharpness for s in scores]


def hard_weights(scores: Sequence[float], gamma: float) -> list[float]:
    t = threshold(scores, gamma)
    return [1.0 if s <= t else 0.0 for s in scores]


def loss_covariance(losses: Sequence[Sequence[float]], window: int) -> Floats:
    columns = []
    for column in range(2):
        values = [pair[column] for pair in losses]
        mean = sum(values) / len(values)
        spread = math.sqrt(sum((v - mean) ** 2 for v in values) / len(values))
        columns.append([(v - mean) / spread for v in values][-window:])
    n = len(columns[0])
    means = [sum(column) / n for column in columns]
    sigma = np.zeros((2, 2))
    for a in range(2):
        for b in range(2):
            for i in range(n):
                apart = (columns[a][i] - means[a]) * (columns[b][i] - means[b])
                sigma[a, b] += apart / (n - 1)
    return sigma


def decay(sigma: Floats, base: float, growth: float, cap: float) -> float:
    determinant = sigma[0, 0] * sigma[1, 1] - sigma[0, 1] * sigma[1, 0]
    bounded = min(max(determinant, 0.0), cap)
    return base * (1 + growth * math.log(1 + bounded) / math.log(1 + cap))


def statistics(
    embeddings: Floats,
    weights: Floats,
    shrinkage: float,
    prior: Floats | None = None,
    prior_images: float = 0.0,
    by_place: bool = False,
) -> tuple[Floats, Floats]:
    """Give mean and covariance for weights of images (N,) or of patches (N, P)."""
    n, p, d = embeddings.shape
    w = weights if weights.ndim == 2 else np.array([[x] * p for x in weights])
    total = sum(w[i, j] for i in range(n) for j in range(p))
    mean = np.zeros(d)
    for i in range(n):
        for j in range(p):
            mean += w[i, j] * embeddings[i, j] / total
    means = place_means(embeddings, w) if by_place else np.array([mean] * p)
    covariance = np.zeros((d, d))
    for i in range(n):
        for j in range(p):
            apart = embeddings[i, j] - means[j]
            covariance += w[i, j] * np.outer(apart, apart) / total
    if prior is not None:
        n = prior_images * p
        covariance = (total * covariance + n * prior) / (total + n)
    scale = sum(covariance[i, i] for i in range(d)) / d
    shrunk = (1 - shrinkage) * covariance + shrinkage * scale * np.eye(d)
    return (means if by_place else mean), shrunk


def place_means(embeddings: Floats, weights: Floats) -> Floats:
    n, p, d = embeddings.shape
    total = weights.sum()
    overall = sum(weights[i, j] * embeddings[i, j] for i in range(n) for j in range(p)) / total
    seen = [j for j in range(p) if weights[:, j].sum() > 0]
    own = {j: weights[:, j] @ embeddings[:, j] / weights[:, j].sum() for j in seen}
    means = np.array([overall] * p)
    # Of a weighted mean: its variance in units of the variance of a single patch.
    chance = {j: sum(w**2 for w in weights[:, j]) / weights[:, j].sum() ** 2 for j in seen}
    several = [j for j in seen if sum(w > 0 for w in weights[:, j]) > 1]
    degrees = sum(weights[:, j].sum() * (1 - chance[j]) for j in several)
    if degrees == 0:
        return means
    for c in range(d):
        within = sum(
            weights[i, j] * (embeddings[i, j, c] - own[j][c]) ** 2
            for i in range(n)
            for j in several
        )
        by_chance = within / degrees * sum(chance.values()) / len(seen)
        between = sum((own[j][c] - overall[c]) ** 2 for j in seen) / len(seen)
        kept = max(0.0, 1 - by_chance / between) if between > 0 else 0.0
        for j in seen:
            means[j, c] += kept * (own[j][c] - overall[c])
    return means


def mahalanobis(embeddings: Floats, mean: Floats, covariance: Floats) -> Floats:
    d = embeddings.shape[-1]
    squares = [
        (e - mean) @ np.linalg.solve(covariance, e - mean) for e in embeddings.reshape(-1, d)
    ]
    return np.sqrt(np.array(squares) / d).reshape(embeddings.shape[:-1])


def nearest(
    embeddings: Floats,
    bank: Floats,
    weights: Floats,
    covariance: Floats,
    forbidden: NDArray[np.bool_] | None = None,
) -> list[float]:
    found = []
    inverse = np.linalg.inv(covariance)
    for i, e in enumerate(embeddings):
        least = math.inf
        for j, b in enumerate(bank):
            if weights[j] > 0 and not (forbidden is not None and forbidden[i, j]):
                apart = math.sqrt((e - b) @ inverse @ (e - b))
                least = min(least, apart / (weights[j] * math.sqrt(len(e))))
        found.append(least)
    return found


def patch_distances(
    kind: str, embeddings: Floats, mean: Floats, covariance: Floats, bank: Floats, weights: Floats
) -> list[float]:
    means = np.broadcast_to(mean, embeddings.shape)
    to_mean = [float(mahalanobis(e, m, covariance)) for e, m in zip(embeddings, means, strict=True)]
    to_nearest = nearest(embeddings, bank, weights, covariance)
    if kind == "gaussian":
        return to_mean
    if kind == "knn":
        return to_nearest
    pairs = zip(to_mean, to_nearest, strict=True)
    return [math.exp((math.log(a) + math.log(b)) / 2) for a, b in pairs]


def calibration(scores: Floats, log_slope: float, offset: float) -> list[float]:
    return [math.exp(log_slope) * math.log(s) + offset for s in scores]


def image_score(patch_scores: Sequence[float], top_share: float) -> float:
    k = math.ceil(top_share * len(patch_scores))
    return sum(sorted(patch_scores, reverse=True)[:k]) / k


def image_auroc(scores: Sequence[float], labels: Sequence[bool]) -> float:
    """Count how often an anomalous image scores above a normal one; ties count half."""
    wins, pairs = 0.0, 0
    for s, is_anomalous in zip(scores, labels, strict=True):
        for t, is_also in zip(scores, labels, strict=True):
            if is_anomalous and not is_also:
                pairs += 1
                wins += 1.0 if s > t else 0.5 if s == t else 0.0
    return wins / pairs


def average_precision(scores: Sequence[float], labels: Sequence[bool]) -> float:
    """Average, over the anomalous images, the precision at the threshold that just finds each."""
    total = 0.0
    for s, is_anomalous in zip(scores, labels, strict=True):
        if is_anomalous:
            called = [other for t, other in zip(scores, labels, strict=True) if t >= s]
            total += sum(called) / len(called)
    return total / sum(labels)


def aupro(maps: Sequence[Floats], masks: Sequence[Floats], limit: float) -> float:
    """Lower the threshold score by score, and lay trapezoids under the points up to the limit."""
    regions = [(n, region) for n, mask in enumerate(masks) for region in _regions(mask)]
    normal = [s for m, mask in zip(maps, masks, strict=True) for s in m[mask == 0]]
    rates, overlaps = [0.0], [0.0]
    for threshold in sorted({s for m in maps for s in m.ravel()}, reverse=True):
        rates.append(sum(s >= threshold for s in normal) / len(normal))
        shares = [
            sum(maps[n][place] >= threshold for place in region) / len(region)
            for n, region in regions
        ]
        overlaps.append(sum(shares) / len(shares))
    area = 0.0
    for x, y, left, right in zip(rates, rates[1:], overlaps, overlaps[1:], strict=False):
        if y > x and x < limit:
            end = min(y, limit)
            reached = left + (right - left) * (end - x) / (y - x)
            area += (end - x) * (left + reached) / 2
    return area / limit


def _regions(mask: Floats) -> list[list[tuple[int, int]]]:
    """Collect anomalous pixels that touch, also at corners, by walking from pixel to pixel."""
    waiting = {(int(i), int(j)) for i, j in np.argwhere(mask)}
    found = []
    while waiting:
        region, front = [], [waiting.pop()]
        while front:
            i, j = front.pop()
            region.append((i, j))
            near = {(i + a, j + b) for a in (-1, 0, 1) for b in (-1, 0, 1)} & waiting
            waiting -= near
            front += near
        found.append(region)
    return found


def feature_memory(image_size: int, stride: int, n_images: int, channels: int) -> int:
    """Count four bytes for every number of every patch of every image."""
    count = 0
    for _ in range(n_images):
        for _ in range(0, image_size - stride + 1, stride):
            for _ in range(0, image_size - stride + 1, stride):
                count += 4 * channels
    return count


def over_seeds(values: Sequence[float], variance: float, degrees: float) -> tuple[float, float]:
    """Add the variance of images to that of the mean of seeds; degrees after Satterthwaite."""
    n = len(values)
    middle = sum(values) / n
    between = sum((value - middle) ** 2 for value in values) / (n - 1) / n
    total = variance + between
    return total, total**2 / (variance**2 / degrees + between**2 / (n - 1))


def _logistic(logit: float) -> float:
    """Give log(1 + exp(logit)): the loss of calling normal what has this logit of an anomaly."""
    return math.log(1 + math.exp(logit))


def _of_support(
    theta: dict[str, Floats],
    support: Floats,
    weights: Floats,
    auxiliary: Floats,
    shrinkage: float,
    prior_images: float,
) -> tuple[Floats, Floats]:
    embedded = np.array([head(image, theta["head"]) for image in support])
    seen = prior(auxiliary, theta["head"])
    return statistics(embedded, weights, shrinkage, seen, prior_images)


def inner_loss(
    theta: dict[str, Floats],
    support: Floats,
    noise: Floats,
    weights: Floats,
    auxiliary: Floats,
    decay: float,
    shrinkage: float,
    prior_images: float,
) -> float:
    offset, slope, shift = theta["head"], float(theta["log_slope"]), float(theta["offset"])
    mean, covariance = _of_support(theta, support, weights, auxiliary, shrinkage, prior_images)
    total = 0.0
    for i, image in enumerate(support):
        for j, patch in enumerate(image):
            both = head(np.array([patch, patch + noise[j]]), offset)
            real, perturbed = calibration(mahalanobis(both, mean, covariance), slope, shift)
            total += weights[i, j] * (_logistic(real) + _logistic(-perturbed)) / weights.sum()
    return total + decay * sum(float(a) ** 2 for row in offset for a in row)


def query_loss(
    theta: dict[str, Floats],
    support: Floats,
    weights: Floats,
    auxiliary: Floats,
    query: Floats,
    anomalous: NDArray[np.bool_],
    decay: float,
    shrinkage: float,
    prior_images: float,
    temperature: float,
    contrastive_weight: float,
) -> float:
    offset, slope, shift = theta["head"], float(theta["log_slope"]), float(theta["offset"])
    mean, covariance = _of_support(theta, support, weights, auxiliary, shrinkage, prior_images)
    patches = head(query.reshape(-1, query.shape[-1]), offset)
    logits = calibration(mahalanobis(patches, mean, covariance), slope, shift)
    labels = anomalous.ravel()
    missed = [_logistic(-x) for x, wrong in zip(logits, labels, strict=True) if wrong]
    alarms = [_logistic(x) for x, wrong in zip(logits, labels, strict=True) if not wrong]
    classes = sum(sum(part) / len(part) for part in (missed, alarms) if part)
    penalty = decay * sum(float(a) ** 2 for row in offset for a in row)
    return classes + contrastive_weight * contrastive(patches, labels, temperature) + penalty


def conformal(scores: Floats, rate: Fraction) -> float:
    """Give the least score above which no more than a share `rate` lies, the new one counted in."""
    for candidate in sorted(scores):
        above = sum(score > candidate for score in scores)
        if Fraction(above + 1, len(scores) + 1) <= rate:
            return float(candidate)
    return math.inf


def main_effects(values: Floats) -> Floats:
    effects = []
    for i in range(values.ndim):
        made = [v for places, v in np.ndenumerate(values) if places[i] == 1]
        not_made = [v for places, v in np.ndenumerate(values) if places[i] == 0]
        effects.append(sum(made) / len(made) - sum(not_made) / len(not_made))
    return np.array(effects)


def interactions(values: Floats) -> Floats:
    table = np.zeros((values.ndim, values.ndim))
    for i in range(values.ndim):
        for j in range(values.ndim):
            if i != j:
                for places, v in np.ndenumerate(values):
                    sign = 1 if places[i] == places[j] else -1
                    table[i, j] += sign * v / 2 ** (values.ndim - 2)
    return table


def gradient(loss: Loss, at: Floats, step: float = 1e-4) -> Floats:
    """Give the gradient by differences of fourth order, one number at a time."""
    slopes = []
    for i in range(len(at)):
        away = step * np.eye(len(at))[i]
        near = loss(at + away) - loss(at - away)
        far = loss(at + 2 * away) - loss(at - 2 * away)
        slopes.append((8 * near - far) / (12 * step))
    return np.array(slopes)


def inner_loop(loss: Loss, start: Floats, steps: int, learning_rate: float) -> Floats:
    for _ in range(steps):
        start = start - learning_rate * gradient(loss, start)
    return start


Tasks = Sequence[tuple[Loss, Loss]]  # of each task the inner loss and the query loss


def outer_loop(tasks: Tasks, theta: Floats, steps: int, learning_rate: float) -> Floats:
    def mean_query_loss(start: Floats) -> float:
        return sum(
            query(inner_loop(inner, start, steps, learning_rate)) for inner, query in tasks
        ) / len(tasks)

    return gradient(mean_query_loss, theta)


def first_order(tasks: Tasks, theta: Floats, steps: int, learning_rate: float) -> Floats:
    adapted = [(inner_loop(inner, theta, steps, learning_rate), query) for inner, query in tasks]
    return sum(gradient(query, at) for at, query in adapted) / len(tasks)


def reptile(tasks: Tasks, theta: Floats, steps: int, learning_rate: float) -> Floats:
    adapted = [inner_loop(inner, theta, steps, learning_rate) for inner, _ in tasks]
    return sum(theta - at for at in adapted) / len(tasks)
