"""Exercises on scores. The wrong answers are wrong on purpose."""

from __future__ import annotations

import math

import numpy as np

from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISES"]


def mahalanobis(features: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Give the distance of each row of (P, C) to the mean (C,) under the covariance (C, C)."""
    factor = np.linalg.cholesky(covariance)
    whitened = np.linalg.solve(factor, (features - mean).T)
    return np.sqrt((whitened**2).sum(axis=0))


def _squared(features: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    return mahalanobis(features, mean, covariance) ** 2


def _euclidean(features: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    return np.linalg.norm(features - mean, axis=1)


def _not_inverted(features: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    offsets = features - mean
    return np.sqrt(np.einsum("pc,cd,pd->p", offsets, covariance, offsets))


def _no_correlation(features: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    return np.sqrt(((features - mean) ** 2 / np.diag(covariance)).sum(axis=1))


def _inverse_of_entries(
    features: np.ndarray, mean: np.ndarray, covariance: np.ndarray
) -> np.ndarray:
    offsets = features - mean
    return np.sqrt(np.einsum("pc,cd,pd->p", offsets, 1 / covariance, offsets))


def _all_pairs(features: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    offsets = features - mean
    return np.sqrt(offsets @ np.linalg.inv(covariance) @ offsets.T)


def _no_offset(features: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    return mahalanobis(features, np.zeros_like(mean), covariance)


def _wrong_triangle(features: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    factor = np.linalg.cholesky(covariance)
    return np.linalg.norm(np.linalg.solve(factor.T, (features - mean).T), axis=0)


def _divided(features: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    return mahalanobis(features, mean, covariance) / np.sqrt(len(mean))


def _by_deviation(features: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    return np.linalg.norm((features - mean) / np.diag(covariance), axis=1)


def _mahalanobis_cases() -> tuple[Case, ...]:
    random = np.random.default_rng(4)
    cases = []
    for label, patches, channels, hidden in (
        ("7 patches with 3 channels", 7, 3, False),
        ("3 patches with 5 channels", 3, 5, False),
        ("patches with a single channel", 4, 1, True),
        ("one patch alone", 1, 2, True),
    ):
        mixing = random.normal(size=(channels, channels))
        covariance = 0.9 * mixing @ mixing.T + 0.1 * np.eye(channels)
        mean = random.normal(3, 1, channels)
        features = mean + random.normal(0, 2, (patches, channels))
        cases.append(Case(label, (features, mean, covariance), hidden))
    return tuple(cases)


def image_scores(patch_scores: np.ndarray, top_share: float) -> np.ndarray:
    """Give the mean of the highest scores in each row of (N, P)."""
    return _top(patch_scores, math.ceil(top_share * patch_scores.shape[1])).mean(axis=1)


def _top(patch_scores: np.ndarray, k: int) -> np.ndarray:
    """Give the k highest scores of each row, highest first."""
    return -np.sort(-patch_scores, axis=1)[:, :k]


def _maximum(patch_scores: np.ndarray, top_share: float) -> np.ndarray:
    return patch_scores.max(axis=1)


def _mean_of_all(patch_scores: np.ndarray, top_share: float) -> np.ndarray:
    return patch_scores.mean(axis=1)


def _lowest_of_top(patch_scores: np.ndarray, top_share: float) -> np.ndarray:
    return _top(patch_scores, math.ceil(top_share * patch_scores.shape[1])).min(axis=1)


def _lowest(patch_scores: np.ndarray, top_share: float) -> np.ndarray:
    return -image_scores(-patch_scores, top_share)


def _rounded_down_to_none(patch_scores: np.ndarray, top_share: float) -> np.ndarray:
    return _top(patch_scores, int(top_share * patch_scores.shape[1])).mean(axis=1)


def _rounded_down_to_all(patch_scores: np.ndarray, top_share: float) -> np.ndarray:
    k = int(top_share * patch_scores.shape[1])
    return np.sort(patch_scores, axis=1)[:, -k:].mean(axis=1)


def _rounded_down(patch_scores: np.ndarray, top_share: float) -> np.ndarray:
    return _top(patch_scores, max(1, int(top_share * patch_scores.shape[1]))).mean(axis=1)


def _rounded(patch_scores: np.ndarray, top_share: float) -> np.ndarray:
    return _top(patch_scores, max(1, round(top_share * patch_scores.shape[1]))).mean(axis=1)


def _sum_of_top(patch_scores: np.ndarray, top_share: float) -> np.ndarray:
    return _top(patch_scores, math.ceil(top_share * patch_scores.shape[1])).sum(axis=1)


def _unsorted(patch_scores: np.ndarray, top_share: float) -> np.ndarray:
    return patch_scores[:, : math.ceil(top_share * patch_scores.shape[1])].mean(axis=1)


def _one_for_all(patch_scores: np.ndarray, top_share: float) -> np.ndarray:
    return image_scores(patch_scores.reshape(1, -1), top_share)


def _one_too_many(patch_scores: np.ndarray, top_share: float) -> np.ndarray:
    return _top(patch_scores, int(top_share * patch_scores.shape[1]) + 1).mean(axis=1)


def _above_a_quantile(patch_scores: np.ndarray, top_share: float) -> np.ndarray:
    edges = np.quantile(patch_scores, 1 - top_share, axis=1)
    return np.array([row[row >= e].mean() for row, e in zip(patch_scores, edges, strict=True)])


def _share_of_images(patch_scores: np.ndarray, top_share: float) -> np.ndarray:
    return _top(patch_scores, math.ceil(top_share * len(patch_scores))).mean(axis=1)


def _last_unsorted(patch_scores: np.ndarray, top_share: float) -> np.ndarray:
    return patch_scores[:, -math.ceil(top_share * patch_scores.shape[1]) :].mean(axis=1)


def _sorts_images(patch_scores: np.ndarray, top_share: float) -> np.ndarray:
    k = math.ceil(top_share * patch_scores.shape[1])
    return np.sort(patch_scores, axis=0)[:, -k:].mean(axis=1)


def _one_percent(patch_scores: np.ndarray, top_share: float) -> np.ndarray:
    return image_scores(patch_scores, 0.01)


def _image_score_cases() -> tuple[Case, ...]:
    draw = np.random.default_rng(5).gamma
    return (
        Case("3 images of 240 patches with top_share 0.01", (draw(4.0, 0.3, (3, 240)), 0.01)),
        Case("2 images of 40 patches with top_share 0.01", (draw(4.0, 0.3, (2, 40)), 0.01)),
        Case("7 images of 20 patches with top_share 0.1", (draw(4.0, 0.3, (7, 20)), 0.1)),
        Case(
            "4 images of 27 patches with top_share 0.1", (draw(4.0, 0.3, (4, 27)), 0.1), hidden=True
        ),
        Case("5 images of 6 patches with top_share 1", (draw(4.0, 0.3, (5, 6)), 1.0), hidden=True),
        Case(
            "3 images of 12 patches with equal scores among them",
            (draw(4.0, 0.3, (3, 12)).round(), 0.2),
            hidden=True,
        ),
    )


EXERCISES = (
    Exercise(
        name="scoring.mahalanobis",
        reference=mahalanobis,
        cases=_mahalanobis_cases(),
        mistakes=(
            Mistake(
                "gives the square",
                _squared,
                "These are squared distances. Take the square root.",
            ),
            Mistake(
                "ignores the covariance",
                _euclidean,
                "These are Euclidean distances: the covariance has no effect on them.",
            ),
            Mistake(
                "does not invert",
                _not_inverted,
                "You multiply by the covariance itself. Its inverse belongs there: a direction in "
                "which normal patches vary much should count little.",
            ),
            Mistake(
                "ignores correlation",
                _no_correlation,
                "You use the variances on the diagonal alone. The entries beside the diagonal say "
                "how channels vary together; use the whole matrix.",
            ),
            Mistake(
                "inverts entry by entry",
                _inverse_of_entries,
                "You invert every entry of the matrix. That is not the inverse of the matrix: see "
                "`numpy.linalg.inv` or, better, `numpy.linalg.solve`.",
            ),
            Mistake(
                "compares all pairs",
                _all_pairs,
                "The result is a P x P matrix, a value for each pair of patches. Only its diagonal "
                "holds distances to the mean; compute just that.",
            ),
            Mistake(
                "keeps the mean",
                _no_offset,
                "You measure the distance to the origin. Subtract the mean first.",
            ),
            Mistake(
                "solves with the wrong triangle",
                _wrong_triangle,
                "You solve with the transposed Cholesky factor. With covariance = L @ L.T, the "
                "distance is the length of the solution x of L @ x = feature - mean.",
            ),
            Mistake(
                "divides by the number of channels",
                _divided,
                "You divide the squared distance by the number of channels, as the chapter "
                "does. The classic form asked for here has no such division.",
            ),
            Mistake(
                "deviations for variances",
                _by_deviation,
                "You divide by the diagonal of the covariance as if it held deviations. It "
                "holds variances; and the entries beside it count too.",
            ),
        ),
    ),
    Exercise(
        name="scoring.image_scores",
        reference=image_scores,
        cases=_image_score_cases(),
        mistakes=(
            Mistake(
                "takes the maximum",
                _maximum,
                "You take the highest score alone: a single odd patch decides. Average the highest "
                "`top_share` of them.",
            ),
            Mistake(
                "averages all patches",
                _mean_of_all,
                "You average all patches of an image. A small defect drowns among many normal "
                "patches: average only the highest `top_share` of them.",
            ),
            Mistake(
                "takes the lowest of the top",
                _lowest_of_top,
                "You give the lowest of the chosen scores, the edge of the top share. Give the "
                "mean of the chosen scores.",
            ),
            Mistake(
                "takes the lowest scores",
                _lowest,
                "You average the lowest scores. `numpy.sort` puts the lowest first; the highest "
                "are at the other end.",
            ),
            Mistake(
                "rounds down to none",
                _rounded_down_to_none,
                "You round the number of patches down. For a small image that leaves none, and the "
                "mean of nothing is not a number: round up.",
            ),
            Mistake(
                "rounds down to all",
                _rounded_down_to_all,
                "You round the number of patches down. For a small image that gives 0, and the "
                "slice `[-0:]` takes every patch: round up.",
            ),
            Mistake(
                "rounds down",
                _rounded_down,
                "You take one patch too few where the share is not a whole number of patches: "
                "round up, not down.",
            ),
            Mistake(
                "rounds to the nearest",
                _rounded,
                "You round the number of patches to the nearest whole number, which is sometimes "
                "down: always round up.",
            ),
            Mistake(
                "sums",
                _sum_of_top,
                "You add the highest scores up. Give their mean, so that large and small images "
                "compare.",
            ),
            Mistake(
                "does not sort",
                _unsorted,
                "You average the first patches of each image, wherever they lie. Sort the scores "
                "first, or see `numpy.partition`.",
            ),
            Mistake(
                "mixes the images",
                _one_for_all,
                "You give one number for all images. Each row is an image and needs a score of its "
                "own: see the `axis` argument.",
            ),
            Mistake(
                "one too many",
                _one_too_many,
                "Where the share is a whole number of patches, you take one too many. "
                "Rounding up leaves whole numbers as they are: `math.ceil`.",
            ),
            Mistake(
                "all above a quantile",
                _above_a_quantile,
                "You take all scores above a quantile. Among equal scores those are more "
                "than asked for, and near a whole number of patches fewer: sort, and count.",
            ),
            Mistake(
                "share of the images",
                _share_of_images,
                "You take the share of the number of images. It is a share of the patches "
                "of an image: which axis are they on?",
            ),
            Mistake(
                "the last, unsorted",
                _last_unsorted,
                "You average the last patches of each image, wherever they lie. Sort the "
                "scores first.",
            ),
            Mistake(
                "sorts the images",
                _sorts_images,
                "You sort along the images, which mixes their scores. Sort each row: `axis=1`.",
            ),
            Mistake(
                "always one percent",
                _one_percent,
                "You always take one percent. Use the argument `top_share`.",
            ),
        ),
    ),
)
