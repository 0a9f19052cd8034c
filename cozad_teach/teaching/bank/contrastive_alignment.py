"""Exercise contrastive.alignment. The wrong answers are wrong on purpose."""

from __future__ import annotations

import numpy as np

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
    return float(_distances(unit_length(embeddings)).mean() / embeddings.shape[1])


def _align_sum(embeddings: np.ndarray) -> float:
    return float(_distances(unit_length(embeddings)).sum())


def _align_cosine(embeddings: np.ndarray) -> float:
    return float(1 - _distances(unit_length(embeddings)).mean() / 2)


def _align_columns(embeddings: np.ndarray) -> float:
    return float(_distances(embeddings / np.linalg.norm(embeddings, axis=0)).mean())


def _align_zeros(embeddings: np.ndarray) -> float:
    return float(np.triu(_squares(unit_length(embeddings)), 1).mean())


def _align_diagonal(embeddings: np.ndarray) -> float:
    squared = _squares(unit_length(embeddings))
    return float(squared[np.triu_indices(len(squared))].mean())


def _alignment_cases() -> tuple[Case, ...]:
    draw = np.random.default_rng(4).normal
    opposite = np.array([[0.0, 2.0, 0.0], [0.0, -1.0, 0.0]])
    return (
        Case("5 embeddings of 3 numbers", (draw(0.5, 1.0, (5, 3)),)),
        Case("two opposite directions", (opposite,)),
        Case("7 embeddings of 2 numbers", (draw(-1.0, 2.0, (7, 2)),), hidden=True),
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
            "The result is too small: you also count pairs of an embedding and itself, whose "
            "distance is 0. Average over pairs of two different ones.",
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
            "You average over the whole matrix, of which more than half was set to 0. "
            "Average over the pairs alone.",
        ),
        Mistake(
            "the diagonal too",
            _align_diagonal,
            "The diagonal is among your pairs: an embedding and itself. "
            "`np.triu_indices` starts above it with a second argument of 1.",
        ),
    ),
)
