"""Chapter 7: distances to the nearest patch, where one mean says too little."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.func import vmap

from cozad_teach.errors import CozadError
from cozad_teach.scoring import mahalanobis

__all__ = ["SCORES", "nearest_distances", "neighbourhood", "own_distances", "patch_distances"]

SCORES = ("gaussian", "knn", "both")
# A patch shares most of its receptive field with its neighbours in the 3×3 pooling.
OWN_NEIGHBOURHOOD = 2


def patch_distances(
    embeddings: Tensor,
    mean: Tensor,
    covariance: Tensor,
    bank: Tensor,
    weights: Tensor,
    forbidden: Tensor | None = None,
    *,
    kind: str = "gaussian",
) -> Tensor:
    """Measure distances in one of the three ways that the book compares, equation (patch-distance).

    Parameters
    ----------
    embeddings, mean, covariance : torch.Tensor
        As in `cozad_teach.scoring.mahalanobis`.
    bank, weights, forbidden : torch.Tensor
        As in `nearest_distances`.
    kind : str
        ``gaussian``: the distance to the mean; ``knn``: to the nearest support patch; ``both``:
        the geometric mean of the two.

    Returns
    -------
    torch.Tensor
        Shape (..., P), ≥ 0; higher is more anomalous.

    Raises
    ------
    CozadError
        If the kind is unknown.
    """
    if kind not in SCORES:
        raise CozadError(f"unknown score {kind!r}: choose {', '.join(SCORES)}")
    to_mean = mahalanobis(embeddings, mean, covariance)
    if kind == "gaussian":
        return to_mean
    to_nearest = nearest_distances(embeddings, bank, weights, covariance, forbidden)
    return to_nearest if kind == "knn" else (to_mean * to_nearest).sqrt()


def nearest_distances(
    embeddings: Tensor,
    bank: Tensor,
    weights: Tensor,
    covariance: Tensor,
    forbidden: Tensor | None = None,
) -> Tensor:
    """Give the Mahalanobis distance of each patch to the nearest support patch, equation (nearest).

    Parameters
    ----------
    embeddings : torch.Tensor
        e, shape (..., P, D).
    bank : torch.Tensor
        b, support patches, shape (R, D).
    weights : torch.Tensor
        w, shape (R,): a distance to a patch of little confidence is divided by w.
    covariance : torch.Tensor
        S of `cozad_teach.scoring.gaussian_statistics`, shape (D, D), positive definite.
    forbidden : torch.Tensor, optional
        Boolean, of a shape that broadcasts to (..., P, R): pairs that must not match, such as a
        patch and itself.

    Returns
    -------
    torch.Tensor
        min √((e - b)ᵀ S⁻¹ (e - b) / D) / w, shape (..., P), ≥ 0; infinite where nothing is left to
        match.
    """
    factor, failed = torch.linalg.cholesky_ex(covariance)
    factor = torch.where(failed == 0, factor, torch.nan)

    def whiten(patches: Tensor) -> Tensor:
        return torch.linalg.solve_triangular(factor, patches.mT, upper=False).mT

    apart = torch.cdist(whiten(embeddings), whiten(bank)) / math.sqrt(bank.shape[-1])
    apart = apart / weights
    # A weight of 0 makes a distance infinite, or nan where the distance is 0 too.
    never = (weights == 0).expand(apart.shape)
    if forbidden is not None:
        never = never | forbidden
    return apart.masked_fill(never, torch.inf).amin(-1)


def own_distances(
    embeddings: Tensor,
    means: Tensor,
    covariances: Tensor,
    weights: Tensor,
    near: Tensor,
    *,
    kind: str,
) -> Tensor:
    """Give `patch_distances` (N, P) of images that are each their own support.

    Parameters
    ----------
    embeddings, means, covariances, weights : torch.Tensor
        Of each image, shapes (N, P, D), (N, D), (N, D, D) and (N, P).
    near : torch.Tensor
        Of `neighbourhood`: pairs of patches that must not match.
    kind : str
        One of `SCORES`.
    """

    def of_one(patches: Tensor, mean: Tensor, covariance: Tensor, certain: Tensor) -> Tensor:
        return patch_distances(patches, mean, covariance, patches, certain, near, kind=kind)

    return vmap(of_one)(embeddings, means, covariances, weights)


def neighbourhood(height: int, width: int) -> Tensor:
    """Say which patches of one image are too near each other to be compared.

    Parameters
    ----------
    height, width : int
        h and w of the grid of patches.

    Returns
    -------
    torch.Tensor
        Boolean, shape (h·w, h·w): pairs at most two places apart, a patch and itself among them.
    """
    # Small numbers, of which there are as many as pairs of patches.
    sides = (torch.arange(side, dtype=torch.int16) for side in (height, width))
    rows, columns = (places.flatten() for places in torch.meshgrid(*sides, indexing="ij"))
    apart = torch.maximum((rows[:, None] - rows).abs(), (columns[:, None] - columns).abs())
    return apart <= OWN_NEIGHBOURHOOD
