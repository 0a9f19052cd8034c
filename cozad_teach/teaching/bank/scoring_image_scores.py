"""Exercise scoring.image_scores. The wrong answers are wrong on purpose."""

from __future__ import annotations

import math

import numpy as np

from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISE"]


def image_scores(patch_scores: np.ndarray, top_share: float) -> np.ndarray:
    """Give the mean of the highest scores in each row of (N, P)."""
    return _top(patch_scores, _number(patch_scores, top_share)).mean(axis=1)


def _number(patch_scores: np.ndarray, top_share: float) -> int:
    """Give the number of patches that enter; 0.07 * 100 is a little more than 7."""
    return math.ceil(round(top_share * patch_scores.shape[1], 9))


def _top(patch_scores: np.ndarray, k: int) -> np.ndarray:
    """Give the k highest scores of each row, highest first."""
    return -np.sort(-patch_scores, axis=1)[:, :k]


def _maximum(patch_scores: np.ndarray, top_share: float) -> np.ndarray:
    return patch_scores.max(axis=1)


def _mean_of_all(patch_scores: np.ndarray, top_share: float) -> np.ndarray:
    return patch_scores.mean(axis=1)


def _lowest_of_top(patch_scores: np.ndarray, top_share: float) -> np.ndarray:
    return _top(patch_scores, _number(patch_scores, top_share)).min(axis=1)


def _lowest(patch_scores: np.ndarray, top_share: float) -> np.ndarray:
    return -image_scores(-patch_scores, top_share)


def _rounded_down_to_none(patch_scores: np.ndarray, top_share: float) -> np.ndarray:
    return _top(patch_scores, int(round(top_share * patch_scores.shape[1], 9))).mean(axis=1)


def _rounded_down_to_all(patch_scores: np.ndarray, top_share: float) -> np.ndarray:
    k = int(round(top_share * patch_scores.shape[1], 9))
    return np.sort(patch_scores, axis=1)[:, -k:].mean(axis=1)


def _rounded_down(patch_scores: np.ndarray, top_share: float) -> np.ndarray:
    return _top(patch_scores, max(1, int(round(top_share * patch_scores.shape[1], 9)))).mean(axis=1)


def _rounded(patch_scores: np.ndarray, top_share: float) -> np.ndarray:
    return _top(patch_scores, max(1, round(top_share * patch_scores.shape[1]))).mean(axis=1)


def _sum_of_top(patch_scores: np.ndarray, top_share: float) -> np.ndarray:
    return _number(patch_scores, top_share) * image_scores(patch_scores, top_share)


def _unsorted(patch_scores: np.ndarray, top_share: float) -> np.ndarray:
    return patch_scores[:, : _number(patch_scores, top_share)].mean(axis=1)


def _one_for_all(patch_scores: np.ndarray, top_share: float) -> np.ndarray:
    return image_scores(patch_scores.reshape(1, -1), top_share)


def _one_too_many(patch_scores: np.ndarray, top_share: float) -> np.ndarray:
    return _top(patch_scores, int(round(top_share * patch_scores.shape[1], 9)) + 1).mean(axis=1)


def _above_a_quantile(patch_scores: np.ndarray, top_share: float) -> np.ndarray:
    edges = np.quantile(patch_scores, 1 - top_share, axis=1)
    return np.array([row[row >= e].mean() for row, e in zip(patch_scores, edges, strict=True)])


def _share_of_images(patch_scores: np.ndarray, top_share: float) -> np.ndarray:
    return _top(patch_scores, math.ceil(top_share * len(patch_scores))).mean(axis=1)


def _last_unsorted(patch_scores: np.ndarray, top_share: float) -> np.ndarray:
    return patch_scores[:, -_number(patch_scores, top_share) :].mean(axis=1)


def _sorts_images(patch_scores: np.ndarray, top_share: float) -> np.ndarray:
    k = _number(patch_scores, top_share)
    return np.sort(patch_scores, axis=0)[:, -k:].mean(axis=1)


def _one_percent(patch_scores: np.ndarray, top_share: float) -> np.ndarray:
    return image_scores(patch_scores, 0.01)


def _means_above(patch_scores: np.ndarray, edges: np.ndarray) -> np.ndarray:
    return np.array([row[row > e].mean() for row, e in zip(patch_scores, edges, strict=True)])


def _image_score_cases() -> tuple[Case, ...]:
    draw = np.random.default_rng(5).gamma
    return (
        Case("3 images of 240 patches with top_share 0.01", (draw(4.0, 0.3, (3, 240)), 0.01)),
        Case("2 images of 40 patches with top_share 0.01", (draw(4.0, 0.3, (2, 40)), 0.01)),
        Case("7 images of 20 patches with top_share 0.1", (draw(4.0, 0.3, (7, 20)), 0.1)),
        Case(
            "5 images of 900 patches with top_share 0.5, scores below 0 among them",
            (draw(4.0, 0.3, (5, 900)) - 1.3, 0.5),
        ),
        Case("2 images of 9 patches below 0", (-draw(4.0, 0.3, (2, 9)), 0.3)),
        Case("4 images of 100 patches with top_share 0.07", (draw(4.0, 0.3, (4, 100)), 0.07)),
        Case("3 images of 50 patches with top_share 0.14", (draw(4.0, 0.3, (3, 50)), 0.14), True),
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


EXERCISE = Exercise(
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
            "You average the first patches of each image, whatever their scores. Sort the scores "
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
            "You average the last patches of each image, wherever they lie. Sort the scores first.",
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
        Mistake(
            "the last bit",
            lambda s, q: _top(s, math.ceil(q * s.shape[1])).mean(axis=1),
            "`math.ceil` rounds 0.07 * 100 up to 8: in floating point the product is a little "
            "more than 7. Round it to nine decimals first.",
        ),
        Mistake(
            "sizes of scores",
            lambda s, q: image_scores(abs(s), q),
            "You take absolute values: a score far below 0 becomes a high one.",
        ),
        Mistake(
            "highest in size",
            lambda s, q: np.take_along_axis(
                s, np.argsort(-abs(s), axis=1)[:, : _number(s, q)], axis=1
            ).mean(axis=1),
            "You choose the scores of the largest size, so that one far below 0 counts as high.",
        ),
        Mistake(
            "one too few",
            lambda s, q: _top(s, max(_number(s, q) - 1, 1)).mean(axis=1),
            "You take one patch too few.",
        ),
        Mistake(
            "one more",
            lambda s, q: _top(s, _number(s, q) + 1).mean(axis=1),
            "You take one patch too many.",
        ),
        Mistake(
            "leaves the highest out",
            lambda s, q: np.sort(s, axis=1)[:, -_number(s, q) : -1].mean(axis=1),
            "The slice `[-k:-1]` leaves the last one out, the highest score.",
        ),
        Mistake(
            "starts at the second",
            lambda s, q: -np.sort(-s, axis=1)[:, 1 : _number(s, q) + 1].mean(axis=1),
            "You leave the highest score out and begin with the second.",
        ),
        Mistake(
            "places instead of scores",
            lambda s, q: np.argsort(s, axis=1)[:, -_number(s, q) :].mean(axis=1),
            "`argsort` gives the places of the highest scores. Take the scores at these places.",
        ),
        Mistake(
            "percent",
            lambda s, q: image_scores(s, q / 100),
            "You take `top_share` for percent. It is a share: 1 means all patches.",
        ),
        Mistake(
            "median of the top",
            lambda s, q: np.median(_top(s, _number(s, q)), axis=1),
            "You take the median of the highest scores. Take their mean.",
        ),
        Mistake(
            "divides by all patches",
            lambda s, q: image_scores(s, q) * _number(s, q) / s.shape[1],
            "You divide the sum by the number of all patches. Divide by the number of those "
            "that enter.",
        ),
        Mistake(
            "divides by the share",
            lambda s, q: image_scores(s, q) * _number(s, q) / (q * s.shape[1]),
            "You divide by the share of the patches before it was rounded up. Divide by the "
            "number of patches that enter.",
        ),
        Mistake(
            "share of all images",
            lambda s, q: _top(s, min(max(math.ceil(round(q * s.size, 9)), 1), s.shape[1])).mean(
                axis=1
            ),
            "You take the share of the patches of all images. It is a share of the P patches of "
            "one.",
        ),
        Mistake(
            "quantile",
            lambda s, q: np.quantile(s, 1 - q, axis=1),
            "You give a quantile, the lower edge of the highest scores. Give their mean.",
        ),
        Mistake(
            "strictly above a quantile",
            lambda s, q: _means_above(s, np.quantile(s, 1 - q, axis=1)),
            "You take the scores above a quantile, of which there may be none. Sort, and count.",
        ),
        Mistake(
            "scores of at least 0",
            lambda s, q: image_scores(np.maximum(s, 0), q),
            "Scores below 0 become 0 in your answer. Take them as they are.",
        ),
        Mistake(
            "rounds to the nearest, or to all",
            lambda s, q: np.sort(s, axis=1)[:, -round(q * s.shape[1]) :].mean(axis=1),
            "You round to the nearest number. Where that is 0, the slice `[-0:]` takes every "
            "patch: round up.",
        ),
        Mistake(
            "score of each place",
            lambda s, q: image_scores(s.T, q),
            "You give a score for each place. Give one for each image: sort and average along "
            "`axis=1`.",
        ),
    ),
)
