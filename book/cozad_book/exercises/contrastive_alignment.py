"""Exercise contrastive.alignment."""

import numpy as np
from scipy.spatial.distance import pdist

from cozad_book.checking.cases import Case, Exercise

__all__ = ["EXERCISE", "unit_length"]


def unit_length(vectors):
    """Scale each row to length 1."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _squares(vectors):
    """Give the squared distance of every two rows, (P, P)."""
    return np.asarray(((vectors[:, None] - vectors[None]) ** 2).sum(axis=2))


def _distances(vectors):
    """Give the squared distance of every pair of two different rows."""
    return _squares(vectors)[np.triu_indices(len(vectors), 1)]


def _alignment_cases():
    draw = np.random.default_rng(4).normal
    lengths = np.array([[1e3], [1e-3], [1.0], [30.0]])
    opposite = np.array([[0.0, 2.0, 0.0], [0.0, -1.0, 0.0]])
    return (
        Case("5 embeddings of 3 numbers", (draw(0.5, 1.0, (5, 3)),)),
        Case("two opposite directions", (opposite,)),
        Case("long and short embeddings", (lengths * draw(0.2, 1.0, (4, 6)),)),
        Case("7 embeddings of 2 numbers", (draw(-1.0, 2.0, (7, 2)),), hidden=True),
        Case("three equal embeddings", (np.full((3, 4), 0.7),), hidden=True),
    )


EXERCISE = Exercise("contrastive.alignment", cases=_alignment_cases())


@EXERCISE.right
def alignment(embeddings: np.ndarray) -> float:
    """Give the mean squared distance of all pairs of (P, D), on the unit sphere."""
    return float(_distances(unit_length(embeddings)).mean())


@EXERCISE.wrong
def keeps_the_length(embeddings):
    """You compare the embeddings as they are. Scale each to unit length first: only directions
    count."""
    return float(_distances(embeddings).mean())


@EXERCISE.wrong
def pairs_each_with_itself(embeddings):
    """The result is too small: you also count, or divide by, pairs of an embedding and itself,
    whose distance is 0. Average over pairs of two different ones."""
    return float(_squares(unit_length(embeddings)).mean())


@EXERCISE.wrong
def does_not_square(embeddings):
    """You average distances. Alignment averages their squares."""
    return float(np.sqrt(_distances(unit_length(embeddings))).mean())


@EXERCISE.wrong
def averages_over_dimensions(embeddings):
    """You take the mean over the D numbers of a difference. A squared distance is their sum."""
    return alignment(embeddings) / embeddings.shape[1]


@EXERCISE.wrong
def sums_over_pairs(embeddings):
    """You add the pairs up. Divide by their number."""
    return alignment(embeddings) * len(embeddings) * (len(embeddings) - 1) / 2


@EXERCISE.wrong
def gives_the_cosine(embeddings):
    """This is the mean cosine, which is high where patches are alike. Alignment is a squared
    distance, and low there: how do the two go together for unit vectors?"""
    return 1 - alignment(embeddings) / 2


@EXERCISE.wrong
def norm_of_the_channels(embeddings):
    """You scale the channels to unit length. Scale each embedding: the norm runs along `axis=1`."""
    return float(_distances(embeddings / np.linalg.norm(embeddings, axis=0)).mean())


@EXERCISE.wrong
def zeros_below_the_diagonal(embeddings):
    """You divide by the square of the number of embeddings, as the spread around their mean does
    too. There are P (P - 1) / 2 pairs, each counted once: average over these."""
    return float(np.triu(_squares(unit_length(embeddings)), 1).mean())


@EXERCISE.wrong
def the_diagonal_too(embeddings):
    """The diagonal is among your pairs: an embedding and itself. `np.triu_indices` starts above it
    with a second argument of 1."""
    squared = _squares(unit_length(embeddings))
    return float(squared[np.triu_indices(len(squared))].mean())


@EXERCISE.wrong
def half_of_it(embeddings):
    """Your value is one half of the right one, as 1 - cosine is: the squared distance of two unit
    vectors is 2 - 2 cosine. Or you divide by all ordered pairs, but add each once."""
    return alignment(embeddings) / 2


@EXERCISE.wrong
def root_of_the_mean(embeddings):
    """You take a root of the mean. Alignment is the mean of squares itself."""
    return np.sqrt(alignment(embeddings))


@EXERCISE.wrong
def one_length_for_all(embeddings):
    """You divide all embeddings by one number, the norm of the whole array. Each has its own:
    `axis=1, keepdims=True`."""
    return keeps_the_length(embeddings / np.linalg.norm(embeddings))


@EXERCISE.wrong
def each_pair_twice(embeddings):
    """Your value is twice the right one, as if each pair were added twice but counted once."""
    return 2 * alignment(embeddings)


@EXERCISE.wrong
def squared_length(embeddings):
    """You divide by the squared length. The root is missing."""
    return keeps_the_length(embeddings / (embeddings**2).sum(axis=1, keepdims=True))


@EXERCISE.wrong
def sizes_of_differences(embeddings):
    """You add the sizes of the differences. A squared distance adds their squares."""
    return float(pdist(unit_length(embeddings), "cityblock").mean())


@EXERCISE.wrong
def neighbours_alone(embeddings):
    """You compare each embedding with the next one alone. Form all pairs."""
    return float((np.diff(unit_length(embeddings), axis=0) ** 2).sum(axis=1).mean())


@EXERCISE.wrong
def sums_instead_of_differences(embeddings):
    """You add the two embeddings of a pair. Their distance is the length of the difference."""
    return 4 - alignment(embeddings)


@EXERCISE.wrong
def whole_matrix(embeddings):
    """You add up the whole matrix. Take the mean over pairs of two different embeddings."""
    return float(_squares(unit_length(embeddings)).sum())


@EXERCISE.wrong
def highest_component(embeddings):
    """You divide by the largest number of each embedding. Divide by its length."""
    return keeps_the_length(embeddings / abs(embeddings).max(axis=1, keepdims=True))


@EXERCISE.wrong
def one_minus(embeddings):
    """You subtract from 1. The mean squared distance itself is wanted."""
    return 1 - alignment(embeddings)


@EXERCISE.wrong
def divides_by_the_embeddings(embeddings):
    """You divide by the number of embeddings. There are P (P - 1) / 2 pairs."""
    return alignment(embeddings) * (len(embeddings) - 1) / 2


@EXERCISE.wrong
def uniformity(embeddings):
    """This is the uniformity. Alignment is the mean squared distance itself."""
    return float(np.log(np.exp(-2 * _distances(unit_length(embeddings))).mean()))


@EXERCISE.wrong
def square_of_the_mean(embeddings):
    """You square the mean distance. Alignment is the mean of squares."""
    return float(np.sqrt(_distances(unit_length(embeddings))).mean() ** 2)


@EXERCISE.wrong
def sum_of_sizes_as_length(embeddings):
    """You divide each embedding by the sum of the sizes of its numbers. Its length is the root
    of the sum of squares."""
    return keeps_the_length(embeddings / abs(embeddings).sum(axis=1, keepdims=True))
