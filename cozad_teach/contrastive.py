"""Step 2: a linear embedding head and the supervised contrastive loss that shapes it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["embed", "supervised_contrastive_loss"]


def embed(features: Tensor, head: Tensor) -> Tensor:
    """Map standardised patch features to embeddings, e = z + A z, equation (head).

    Parameters
    ----------
    features : torch.Tensor
        z, shape (..., C).
    head : torch.Tensor
        A, shape (C, C): the head's offset from the identity. Zeros leave the features as they are.

    Returns
    -------
    torch.Tensor
        e, shape (..., C).
    """
    return features + features @ head.mT


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
