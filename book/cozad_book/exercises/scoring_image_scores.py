"""Exercise scoring.image_scores."""

import math

import numpy as np

from cozad_book.checking.cases import Case, Exercise


def _number(patch_scores, top_share):
    """Give the number of patches that enter; 0.07 * 100 is a little more than 7."""
    return math.ceil(round(top_share * patch_scores.shape[1], 9))


def _top(patch_scores, k):
    """Give the k highest scores of each row, highest first."""
    return -np.sort(-patch_scores, axis=1)[:, :k]


def _means_above(patch_scores, edges):
    return np.array([row[row > e].mean() for row, e in zip(patch_scores, edges, strict=True)])


def _image_score_cases():
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
            (draw(4.0, 0.3, (3, 12)).round(), 0.250001),
            hidden=True,
        ),
    )


EXERCISE = Exercise("scoring.image_scores", cases=_image_score_cases())


@EXERCISE.right
def image_scores(patch_scores: np.ndarray, top_share: float) -> np.ndarray:
    """Give the mean of the highest scores in each row of (N, P)."""
    return _top(patch_scores, _number(patch_scores, top_share)).mean(axis=1)


@EXERCISE.wrong
def takes_the_maximum(patch_scores, top_share):
    """You take the highest score alone: a single odd patch decides. Average the highest `top_share`
    of them."""
    return patch_scores.max(axis=1)


@EXERCISE.wrong
def averages_all_patches(patch_scores, top_share):
    """You average all patches of an image. A small defect drowns among many normal patches: average
    only the highest `top_share` of them."""
    return patch_scores.mean(axis=1)


@EXERCISE.wrong
def takes_the_lowest_of_the_top(patch_scores, top_share):
    """You give the lowest of the chosen scores, the edge of the top share. Give the mean of the
    chosen scores."""
    return _top(patch_scores, _number(patch_scores, top_share)).min(axis=1)


@EXERCISE.wrong
def takes_the_lowest_scores(patch_scores, top_share):
    """You average the lowest scores. `numpy.sort` puts the lowest first; the highest are at the
    other end."""
    return -image_scores(-patch_scores, top_share)


@EXERCISE.wrong
def rounds_down_to_none(patch_scores, top_share):
    """You round the number of patches down. For a small image that leaves none, and the mean of
    nothing is not a number: round up."""
    return _top(patch_scores, int(round(top_share * patch_scores.shape[1], 9))).mean(axis=1)


@EXERCISE.wrong
def rounds_down_to_all(patch_scores, top_share):
    """You round the number of patches down. For a small image that gives 0, and the slice `[-0:]`
    takes every patch: round up."""
    k = int(round(top_share * patch_scores.shape[1], 9))
    return np.sort(patch_scores, axis=1)[:, -k:].mean(axis=1)


@EXERCISE.wrong
def rounds_down(patch_scores, top_share):
    """You take one patch too few where the share is not a whole number of patches: round up, not
    down."""
    return _top(patch_scores, max(1, int(round(top_share * patch_scores.shape[1], 9)))).mean(axis=1)


@EXERCISE.wrong
def rounds_to_the_nearest(patch_scores, top_share):
    """You round the number of patches to the nearest whole number, which is sometimes down: always
    round up."""
    return _top(patch_scores, max(1, round(top_share * patch_scores.shape[1]))).mean(axis=1)


@EXERCISE.wrong
def sums(patch_scores, top_share):
    """You add the highest scores up. Give their mean, so that large and small images compare."""
    return _number(patch_scores, top_share) * image_scores(patch_scores, top_share)


@EXERCISE.wrong
def does_not_sort(patch_scores, top_share):
    """You average the first patches of each image, whatever their scores. Sort the scores first, or
    see `numpy.partition`."""
    return patch_scores[:, : _number(patch_scores, top_share)].mean(axis=1)


@EXERCISE.wrong
def mixes_the_images(patch_scores, top_share):
    """You give one number for all images. Each row is an image and needs a score of its own: see
    the `axis` argument."""
    return image_scores(patch_scores.reshape(1, -1), top_share)


@EXERCISE.wrong
def one_too_many(patch_scores, top_share):
    """Where the share is a whole number of patches, you take one too many. Rounding up leaves whole
    numbers as they are: `math.ceil`."""
    return _top(patch_scores, int(round(top_share * patch_scores.shape[1], 9)) + 1).mean(axis=1)


@EXERCISE.wrong
def all_above_a_quantile(patch_scores, top_share):
    """You take all scores above a quantile. Among equal scores those are more than asked for, and
    near a whole number of patches fewer: sort, and count."""
    edges = np.quantile(patch_scores, 1 - top_share, axis=1)
    return np.array([row[row >= e].mean() for row, e in zip(patch_scores, edges, strict=True)])


@EXERCISE.wrong
def share_of_the_images(patch_scores, top_share):
    """You take the share of the number of images. It is a share of the patches of an image: which
    axis are they on?"""
    return _top(patch_scores, math.ceil(top_share * len(patch_scores))).mean(axis=1)


@EXERCISE.wrong
def the_last_unsorted(patch_scores, top_share):
    """You average the last patches of each image, wherever they lie. Sort the scores first."""
    return patch_scores[:, -_number(patch_scores, top_share) :].mean(axis=1)


@EXERCISE.wrong
def sorts_the_images(patch_scores, top_share):
    """You sort along the images, which mixes their scores. Sort each row: `axis=1`."""
    k = _number(patch_scores, top_share)
    return np.sort(patch_scores, axis=0)[:, -k:].mean(axis=1)


@EXERCISE.wrong
def always_one_percent(patch_scores, top_share):
    """You always take one percent. Use the argument `top_share`."""
    return image_scores(patch_scores, 0.01)


@EXERCISE.wrong
def the_last_bit(s, q):
    """`math.ceil` rounds 0.07 * 100 up to 8: in floating point the product is a little more than 7.
    Round it to nine decimals first."""
    return _top(s, math.ceil(q * s.shape[1])).mean(axis=1)


@EXERCISE.wrong
def sizes_of_scores(s, q):
    """You take absolute values: a score far below 0 becomes a high one."""
    return image_scores(abs(s), q)


@EXERCISE.wrong
def highest_in_size(s, q):
    """You choose the scores of the largest size, so that one far below 0 counts as high."""
    return np.take_along_axis(s, np.argsort(-abs(s), axis=1)[:, : _number(s, q)], axis=1).mean(
        axis=1
    )


@EXERCISE.wrong
def one_too_few(s, q):
    """You take one patch too few."""
    return _top(s, max(_number(s, q) - 1, 1)).mean(axis=1)


@EXERCISE.wrong
def one_more(s, q):
    """You take one patch too many."""
    return _top(s, _number(s, q) + 1).mean(axis=1)


@EXERCISE.wrong
def leaves_the_highest_out(s, q):
    """The slice `[-k:-1]` leaves the last one out, the highest score."""
    return np.sort(s, axis=1)[:, -_number(s, q) : -1].mean(axis=1)


@EXERCISE.wrong
def starts_at_the_second(s, q):
    """You leave the highest score out and begin with the second."""
    return -np.sort(-s, axis=1)[:, 1 : _number(s, q) + 1].mean(axis=1)


@EXERCISE.wrong
def places_instead_of_scores(s, q):
    """`argsort` gives the places of the highest scores. Take the scores at these places."""
    return np.argsort(s, axis=1)[:, -_number(s, q) :].mean(axis=1)


@EXERCISE.wrong
def percent(s, q):
    """You take `top_share` for percent. It is a share: 1 means all patches."""
    return image_scores(s, q / 100)


@EXERCISE.wrong
def median_of_the_top(s, q):
    """You take the median of the highest scores. Take their mean."""
    return np.median(_top(s, _number(s, q)), axis=1)


@EXERCISE.wrong
def divides_by_all_patches(s, q):
    """You divide the sum by the number of all patches. Divide by the number of those that enter."""
    return image_scores(s, q) * _number(s, q) / s.shape[1]


@EXERCISE.wrong
def divides_by_the_share(s, q):
    """You divide by the share of the patches before it was rounded up. Divide by the number of
    patches that enter."""
    return image_scores(s, q) * _number(s, q) / (q * s.shape[1])


@EXERCISE.wrong
def share_of_all_images(s, q):
    """You take the share of the patches of all images. It is a share of the P patches of one."""
    return _top(s, min(max(math.ceil(round(q * s.size, 9)), 1), s.shape[1])).mean(axis=1)


@EXERCISE.wrong
def quantile(s, q):
    """You give a quantile, the lower edge of the highest scores. Give their mean."""
    return np.quantile(s, 1 - q, axis=1)


@EXERCISE.wrong
def strictly_above_a_quantile(s, q):
    """You take the scores above a quantile, of which there may be none. Sort, and count."""
    return _means_above(s, np.quantile(s, 1 - q, axis=1))


@EXERCISE.wrong
def scores_of_at_least_0(s, q):
    """Scores below 0 become 0 in your answer. Take them as they are."""
    return image_scores(np.maximum(s, 0), q)


@EXERCISE.wrong
def rounds_to_the_nearest_or_to_all(s, q):
    """You round to the nearest number. Where that is 0, the slice `[-0:]` takes every patch: round
    up."""
    return np.sort(s, axis=1)[:, -round(q * s.shape[1]) :].mean(axis=1)


@EXERCISE.wrong
def score_of_each_place(s, q):
    """You give a score for each place. Give one for each image: sort and average along `axis=1`."""
    return image_scores(s.T, q)


@EXERCISE.wrong
def equal_scores_once(patch_scores, top_share):
    """Equal scores of an image count once in your answer: `np.unique` drops the others. Each
    patch counts: `np.sort`."""
    number = _number(patch_scores, top_share)
    return np.array([np.unique(row)[-number:].mean() for row in patch_scores])
