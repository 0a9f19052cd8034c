"""Exercise contrastive.alignment. The wrong answers are wrong on purpose."""

from __future__ import annotations

import numpy as np
from scipy.spatial.distance import pdist

from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISE", "unit_length"]


def unit_length(vectors: np.ndarray) -> np.ndarray:
    """Scale each row to length 1."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def alignment(embeddings: np.ndarray) -> float:
    """Give the mean squared distance of all pairs of (P, D), on the unit sphere."""
    return float(_distances(unit_length(embeddings)).mean())


def _squares(vectors: np.ndarray) -> np.ndarray:
    """Give the squared distance of every two rows, (P, P)."""
    return np.asarray(((vectors[:, None] - vectors[None]) ** 2).sum(axis=2))


def _distances(vectors: np.ndarray) -> np.ndarray:
    """Give the squared distance of every pair of two different rows."""
    return _squares(vectors)[np.triu_indices(len(vectors), 1)]


def _align_any_length(embeddings: np.ndarray) -> float:
    return float(_distances(embeddings).mean())


def _align_with_itself(embeddings: np.ndarray) -> float:
    return float(_squares(unit_length(embeddings)).mean())


def _align_unsquared(embeddings: np.ndarray) -> float:
    return float(np.sqrt(_distances(unit_length(embeddings))).mean())


def _align_mean_over_dimensions(embeddings: np.ndarray) -> float:
    return alignment(embeddings) / embeddings.shape[1]


def _align_sum(embeddings: np.ndarray) -> float:
    return alignment(embeddings) * len(embeddings) * (len(embeddings) - 1) / 2


def _align_cosine(embeddings: np.ndarray) -> float:
    return 1 - alignment(embeddings) / 2


def _align_columns(embeddings: np.ndarray) -> float:
    return float(_distances(embeddings / np.linalg.norm(embeddings, axis=0)).mean())


def _align_zeros(embeddings: np.ndarray) -> float:
    return float(np.triu(_squares(unit_length(embeddings)), 1).mean())


def _align_diagonal(embeddings: np.ndarray) -> float:
    squared = _squares(unit_length(embeddings))
    return float(squared[np.triu_indices(len(squared))].mean())


def _alignment_cases() -> tuple[Case, ...]:
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


EXERCISE = Exercise(
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
            "The result is too small: you also count, or divide by, pairs of an embedding and "
            "itself, whose distance is 0. Average over pairs of two different ones.",
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
            "You divide by the square of the number of embeddings, as the spread around their mean "
            "does too. There are P (P - 1) / 2 pairs, each counted once: average over these.",
        ),
        Mistake(
            "the diagonal too",
            _align_diagonal,
            "The diagonal is among your pairs: an embedding and itself. "
            "`np.triu_indices` starts above it with a second argument of 1.",
        ),
        Mistake(
            "half of it",
            lambda embeddings: alignment(embeddings) / 2,
            "Your value is one half of the right one, as 1 - cosine is: the squared distance of "
            "two unit vectors is 2 - 2 cosine. Or you divide by all ordered pairs, but add each "
            "once.",
        ),
        Mistake(
            "root of the mean",
            lambda embeddings: np.sqrt(alignment(embeddings)),
            "You take a root of the mean. Alignment is the mean of squares itself.",
        ),
        Mistake(
            "one length for all",
            lambda embeddings: _align_any_length(embeddings / np.linalg.norm(embeddings)),
            "You divide all embeddings by one number, the norm of the whole array. Each has its "
            "own: `axis=1, keepdims=True`.",
        ),
        Mistake(
            "each pair twice",
            lambda embeddings: 2 * alignment(embeddings),
            "Your value is twice the right one, as if each pair were added twice but counted once.",
        ),
        Mistake(
            "squared length",
            lambda embeddings: _align_any_length(
                embeddings / (embeddings**2).sum(axis=1, keepdims=True)
            ),
            "You divide by the squared length. The root is missing.",
        ),
        Mistake(
            "sizes of differences",
            lambda embeddings: float(pdist(unit_length(embeddings), "cityblock").mean()),
            "You add the sizes of the differences. A squared distance adds their squares.",
        ),
        Mistake(
            "neighbours alone",
            lambda embeddings: float(
                (np.diff(unit_length(embeddings), axis=0) ** 2).sum(axis=1).mean()
            ),
            "You compare each embedding with the next one alone. Form all pairs.",
        ),
        Mistake(
            "sums instead of differences",
            lambda embeddings: 4 - alignment(embeddings),
            "You add the two embeddings of a pair. Their distance is the length of the difference.",
        ),
        Mistake(
            "whole matrix",
            lambda embeddings: float(_squares(unit_length(embeddings)).sum()),
            "You add up the whole matrix. Take the mean over pairs of two different embeddings.",
        ),
        Mistake(
            "highest component",
            lambda embeddings: _align_any_length(
                embeddings / abs(embeddings).max(axis=1, keepdims=True)
            ),
            "You divide by the largest number of each embedding. Divide by its length.",
        ),
        Mistake(
            "one minus",
            lambda embeddings: 1 - alignment(embeddings),
            "You subtract from 1. The mean squared distance itself is wanted.",
        ),
    ),
)
