"""The detector that grows with the book, made of a student's functions and of the book's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from cozad_book.own.features import Features
from cozad_book.own.head import Training, train_head
from cozad_book.own.pieces import Pieces
from cozad_teach.contrastive import embed, embed_covariance
from cozad_teach.evaluation.metrics import image_auroc
from cozad_teach.scoring import place_means
from cozad_teach.settings import LITE
from cozad_teach.training.auxiliary import within_covariance
from cozad_teach.training.episodes import AuxiliaryCategory

__all__ = ["STAGES", "Stage", "build", "score_by"]

# What the detector gets in each chapter.
STAGES = {
    2: "features, mean, covariance",
    3: "+ a contrastive head",
    4: "+ confidence weights",
    5: "+ λ(Σ) in the training",
    6: "+ Reptile in the training",
    7: "+ the prior, a mean for each place",
}


@dataclass(frozen=True)
class Stage:
    """What a detector finds on the tiles.

    Attributes
    ----------
    chapter : int
        How far it has come.
    embeddings : numpy.ndarray
        Shape (N, P, D).
    prior : numpy.ndarray
        Shape (D, D).
    patch_scores : numpy.ndarray
        Shape (N, P).
    image_scores : numpy.ndarray
        Shape (N,).
    image_auroc, patch_auroc : float
        How well drilled tiles, and patches with a hole, are told from good ones.
    training : Training or None
        Of the head, from chapter 3 on.
    """

    chapter: int
    embeddings: np.ndarray
    prior: np.ndarray
    patch_scores: np.ndarray
    image_scores: np.ndarray
    image_auroc: float
    patch_auroc: float
    training: Training | None


def build(pieces: Pieces, features: Features, until: int) -> list[Stage]:
    """Build the detectors of the chapters from the pieces, and score the tiles with each.

    Parameters
    ----------
    pieces, features
        Of `my_pieces` and `read_features`.
    until : int
        The last chapter.
    """
    trained_in = {3: 3, 4: 3, 5: 5, 6: 6, 7: 6}
    trainings: dict[int, Training] = {}
    stages = []
    for chapter in STAGES:
        if chapter > until:
            break
        if (at := trained_in.get(chapter)) and at not in trainings:
            trainings[at] = train_head(pieces, features, at)
        stages.append(_stage(pieces, features, chapter, trainings[at] if at else None))
    return stages


def _stage(pieces: Pieces, features: Features, chapter: int, training: Training | None) -> Stage:
    z = torch.from_numpy(features.target)
    head = torch.from_numpy(training.head) if training else z.new_zeros(z.shape[-1], z.shape[-1])
    e = embed(z, head).numpy()
    categories = zip(*map(torch.from_numpy, (features.auxiliary, features.anomalous)), strict=True)
    of_features = within_covariance([AuxiliaryCategory(*category) for category in categories])
    prior = embed_covariance(of_features, head).numpy()
    scores = score_by(pieces, e, e, prior, chapter)
    of_images = np.asarray(pieces["scoring.image_scores"](scores, LITE.top_share), dtype=float)
    return Stage(
        chapter,
        e,
        prior,
        scores,
        of_images,
        float(pieces["metrics.image_auroc"](of_images, features.labels)),
        image_auroc(scores.ravel(), features.drilled.ravel()),
        training,
    )


def score_by(
    pieces: Pieces, e: np.ndarray, support: np.ndarray, prior: np.ndarray, chapter: int
) -> np.ndarray:
    """Score the patches of images by what a support says is normal.

    Parameters
    ----------
    pieces : Pieces
        Of `my_pieces`.
    e, support : numpy.ndarray
        Embeddings, shapes (N, P, D) and (M, P, D).
    prior : numpy.ndarray
        Auxiliary covariance of embeddings, shape (D, D).
    chapter : int
        How far the detector has come.

    Returns
    -------
    numpy.ndarray
        Distances, shape (N, P).
    """
    weights = np.ones(support.shape[:2])
    for _ in range(LITE.passes if chapter >= 4 else 0):
        statistics = _statistics(pieces, support, weights, prior, chapter)
        doubted = _distances(pieces, support, *statistics).ravel()
        threshold = float(pieces["confidence.iqr_threshold"](doubted, LITE.gamma))
        soft = pieces["confidence.soft_weights"](doubted, threshold, LITE.sharpness)
        weights = np.asarray(soft, dtype=float).reshape(weights.shape)
    return _distances(pieces, e, *_statistics(pieces, support, weights, prior, chapter))


def _statistics(
    pieces: Pieces, support: np.ndarray, weights: np.ndarray, prior: np.ndarray, chapter: int
) -> tuple[np.ndarray, np.ndarray]:
    """Give the mean, (D,) or (P, D), and the shrunk covariance (D, D) of a weighted support."""
    n_places, d = support.shape[1:]
    flat, w = support.reshape(-1, d), weights.ravel()  # (M·P, D)
    if chapter >= 7:  # no exercise asks for the means by place: they are the package's
        mean = place_means(torch.from_numpy(support), torch.from_numpy(weights)).numpy()  # (P, D)
        centred = (support - mean).reshape(-1, d)
        both = np.concatenate([centred, -centred])  # each with its opposite: the mean is 0
        twice = 2 * LITE.prior_images * n_places
        spread = pieces["cozad.covariance_with_prior"](both, np.tile(w, 2), prior, twice)
    elif chapter >= 4:
        mean = w @ flat / w.sum()
        spread = pieces["confidence.weighted_covariance"](flat, w)
    else:
        mean, spread = flat.mean(axis=0), np.cov(flat, rowvar=False)
    spread = np.asarray(spread, dtype=float)
    identity = np.trace(spread) / d * np.eye(d)
    return mean, (1 - LITE.shrinkage) * spread + LITE.shrinkage * identity


def _distances(
    pieces: Pieces, e: np.ndarray, mean: np.ndarray, covariance: np.ndarray
) -> np.ndarray:
    away = (e - mean).reshape(-1, e.shape[-1])  # (N·P, D)
    found = pieces["scoring.mahalanobis"](away, np.zeros(away.shape[1]), covariance)
    return np.asarray(found, dtype=float).reshape(e.shape[:2])
