"""Chapter 3: an embedding head onto the sphere and the contrastive loss that shapes it."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = [
    "alignment",
    "embed",
    "embed_covariance",
    "info_nce_loss",
    "supervised_contrastive_loss",
    "uniformity",
]


def embed(features: Tensor, head: Tensor) -> Tensor:
    """Map patch features to embeddings on a sphere, e = √C (z + A z) / ‖z + A z‖, equation (head).

    Parameters
    ----------
    features : torch.Tensor
        z, shape (..., C), not zero.
    head : torch.Tensor
        A, shape (C, C): the head's offset from the identity. Zeros leave directions as they are.

    Returns
    -------
    torch.Tensor
        e, shape (..., C), of length √C.

    Notes
    -----
    The contrastive loss compares directions; scores see what the loss shaped only if they do too.
    Without the scaling to one length the head would be linear, and a Mahalanobis distance does not
    change under an invertible linear map of all patches: but for shrinkage, nothing learnt would
    reach the scores.
    """
    mapped = features + features @ head.mT
    # Not F.normalize, whose second derivatives take twice as long.
    return mapped * mapped.square().mean(-1, keepdim=True).clamp(min=1e-12).rsqrt()


def embed_covariance(covariance: Tensor, head: Tensor) -> Tensor:
    """Map a covariance of features as the head maps features, T S Tᵀ, T = I + A, equation (prior).

    Parameters
    ----------
    covariance : torch.Tensor
        S, shape (C, C).
    head : torch.Tensor
        A, shape (C, C).

    Returns
    -------
    torch.Tensor
        Shape (C, C), scaled to the trace of S: embeddings have one length, whatever the scale of T.
        That scaling each patch to the length is not linear is left out: near the identity it
        changes little.
    """
    half = covariance + head @ covariance
    mapped = half + half @ head.mT
    floor = torch.finfo(mapped.dtype).tiny
    return mapped * (covariance.trace() / mapped.trace().clamp(min=floor))


def info_nce_loss(
    anchors: Tensor, keys: Tensor, positives: Tensor, temperature: float = 0.1
) -> Tensor:
    """Ask each anchor to pick its one positive out of all keys, equation (info-nce).

    Parameters
    ----------
    anchors : torch.Tensor
        Shape (A, D), of any length: they are scaled to unit length here, as the keys are.
    keys : torch.Tensor
        Shape (K, D).
    positives : torch.Tensor
        Integer, shape (A,): which key belongs to each anchor. All other keys are its negatives.
    temperature : float
        τ > 0.

    Returns
    -------
    torch.Tensor
        A scalar, the mean over anchors: log K where all keys look alike, near 0 where each anchor
        lies on its own key and far from all others.

    Examples
    --------
    Two keys that look alike: log 2.

    >>> key = torch.tensor([[3.0, 4.0]])
    >>> info_nce_loss(key, torch.cat([key, key]), torch.tensor([1]))
    tensor(0.6931)

    Notes
    -----
    The loss of contrastive predictive coding [van den Oord et al. 2018]: the cross entropy of a
    classifier whose logits are cosine similarities over τ. It knows one positive for each anchor;
    `supervised_contrastive_loss` knows all that have the label.
    """
    similarity = F.normalize(anchors, dim=-1) @ F.normalize(keys, dim=-1).mT
    return F.cross_entropy(similarity / temperature, positives)


def supervised_contrastive_loss(
    embeddings: Tensor, anomalous: Tensor, temperature: float = 0.1
) -> Tensor:
    """Pull normal patches together and push anomalous ones away, equation (contrastive).

    Every normal patch is an anchor, all other normal patches are its positives, and all patches
    but itself stand in the denominator. Anomalous patches are only ever negatives: defects have
    nothing in common that could be learnt.

    Parameters
    ----------
    embeddings : torch.Tensor
        Shape (P, D), of any length: they are scaled to unit length here.
    anomalous : torch.Tensor
        Boolean, shape (P,).
    temperature : float
        τ > 0.

    Returns
    -------
    torch.Tensor
        A scalar, the mean over anchors; 0 where fewer than two patches are normal, since then
        no anchor has a positive.

    Notes
    -----
    Supervised contrastive learning [Khosla et al. 2020], the form with the sum over positives
    outside the logarithm, restricted to normal anchors. Shapes do not depend on the labels, so
    that the function can run under ``torch.func.vmap``.
    """
    unit = F.normalize(embeddings, dim=-1)
    similarity = unit @ unit.mT / temperature
    itself = torch.eye(len(unit), dtype=torch.bool, device=unit.device)
    log_share = similarity - similarity.masked_fill(itself, -torch.inf).logsumexp(-1, keepdim=True)
    normal = ~anomalous
    positive = normal[:, None] & normal[None, :] & ~itself
    n_positive = positive.sum(-1).clamp(min=1)
    per_anchor = -torch.where(positive, log_share, 0.0).sum(-1) / n_positive
    return per_anchor.sum() / positive.any(-1).sum().clamp(min=1)


def alignment(embeddings: Tensor) -> Tensor:
    """Give the mean squared distance between two patches on the unit sphere, equation (alignment).

    Parameters
    ----------
    embeddings : torch.Tensor
        Those that should be alike, shape (P, D), P ≥ 2; scaled to unit length here.

    Returns
    -------
    torch.Tensor
        A scalar from 0, where all point in one direction, over 2, where they have no direction in
        common, to 4 for two opposite ones.

    Notes
    -----
    With `uniformity` it says what a contrastive loss did [Wang and Isola 2020]: both can be low
    at once, and alignment alone is lowest where everything has collapsed into one point.
    """
    return _squared_distances(embeddings).mean()


def uniformity(embeddings: Tensor) -> Tensor:
    """Give the log of the mean Gaussian potential of pairs, equation (uniformity).

    Parameters
    ----------
    embeddings : torch.Tensor
        Shape (P, D), P ≥ 2; scaled to unit length here.

    Returns
    -------
    torch.Tensor
        A scalar, log of the mean of exp(-2 d²) over pairs: 0 where all have collapsed into one
        point, lower the more evenly they fill the sphere, never below -8.
    """
    return _squared_distances(embeddings).mul(-2).logsumexp(0) - math.log(
        len(embeddings) * (len(embeddings) - 1) / 2
    )


def _squared_distances(embeddings: Tensor) -> Tensor:
    """Give |u_i - u_j|² of unit vectors for all pairs i < j, shape (P (P - 1) / 2,)."""
    unit = F.normalize(embeddings, dim=-1)
    row, column = torch.triu_indices(len(unit), len(unit), offset=1)
    return (2 - 2 * (unit @ unit.mT)[row, column]).clamp(min=0)
