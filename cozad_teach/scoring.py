"""Chapter 4: weighted statistics of the support, and distances from them as anomaly scores."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from scipy.ndimage import gaussian_filter1d
from torch import Tensor

__all__ = [
    "calibrate",
    "gaussian_statistics",
    "image_scores",
    "mahalanobis",
    "pixel_maps",
    "place_means",
    "rounded_up",
]


def gaussian_statistics(
    embeddings: Tensor,
    weights: Tensor,
    shrinkage: float = 0.1,
    *,
    prior: Tensor | None = None,
    prior_images: float = 0.0,
    by_place: bool = False,
) -> tuple[Tensor, Tensor]:
    """Give the weighted mean and the shrunk covariance of support patches, equation (statistics).

    Parameters
    ----------
    embeddings : torch.Tensor
        e, shape (N, P, D).
    weights : torch.Tensor
        w, shape (N,) or (N, P): confidence weights ≥ 0 of images or of patches, with a positive
        sum.
    shrinkage : float
        ρ in (0, 1]: the last step, (1 - ρ) S + ρ (tr S / D) I. Without it S is singular for few
        patches.
    prior : torch.Tensor, optional
        S_0, shape (D, D): the covariance to expect before any support is seen.
    prior_images : float
        n_0 ≥ 0, the number of images that the prior counts for: S is first the mean of S_0 and of
        the support's weighted covariance, by n_0 P and by the sum of the weights of all patches.
    by_place : bool
        Patch p shows the same place in all images, and has a mean of its own by `place_means`.

    Returns
    -------
    mean : torch.Tensor
        μ, shape (D,), or (P, D) if `by_place`.
    covariance : torch.Tensor
        S of what is left without the mean, shape (D, D), symmetric and positive definite unless
        all patches are equal and there is no prior.

    Notes
    -----
    The mean of an inverse Wishart posterior, up to a constant of the order D / n: of one image the
    prior decides; of many images little of it is left. It counts in images, not in patches, so
    that a few patches drawn of each image mean what all of them would.
    """
    if weights.ndim == 1:
        weights = weights[:, None].expand(embeddings.shape[:2])
    n_patches = weights.sum()
    share = weights / n_patches
    if by_place:
        mean = place_means(embeddings, share)
    else:
        mean = torch.einsum("np,npd->d", share, embeddings)
    centred = (embeddings - mean).flatten(0, 1)
    covariance = (centred * share.flatten()[:, None]).mT @ centred
    if prior is not None:
        of_prior = prior_images * embeddings.shape[1]
        covariance = torch.lerp(prior, covariance, n_patches / (n_patches + of_prior))
    identity = torch.eye(len(covariance), dtype=mean.dtype, device=mean.device)
    scale = torch.einsum("dd->", covariance) / len(covariance)
    return mean, (1 - shrinkage) * covariance + shrinkage * scale * identity


def place_means(embeddings: Tensor, weights: Tensor) -> Tensor:
    """Give each place of the grid a mean, as far as places differ, equation (place-means).

    Parameters
    ----------
    embeddings : torch.Tensor
        e, shape (N, P, D); patch p shows the same place in all images.
    weights : torch.Tensor
        w, shape (N, P), ≥ 0 with a positive sum. A place without any gets the overall mean.

    Returns
    -------
    torch.Tensor
        Shape (P, D): μ_p = μ + r (m_p - μ), with the overall mean μ and the mean m_p of place p.
        For every dimension r in [0, 1] is the share of the variance between the m_p that chance
        does not explain: near 1 for parts that lie alike in all images, near 0 for a texture,
        where all places are one, and 0 for a single image, which cannot tell.

    Notes
    -----
    Empirical Bayes shrinkage [Efron and Morris 1973] of the means per place that PaDiM takes
    [Defard et al. 2021].
    """
    total = weights.sum(0)
    seen = total > 0
    floor = torch.finfo(embeddings.dtype).tiny
    shares = weights / total.clamp(min=floor)
    own = torch.einsum("np,npd->pd", shares, embeddings)
    overall = (total[:, None] * own).sum(0) / total.sum()
    own = torch.where(seen[:, None], own, overall)
    # The variance of each m_p in units of that within places; 1 / N where all weights are equal.
    uncertainty = shares.square().sum(0)
    degrees = torch.where((weights > 0).sum(0) > 1, total * (1 - uncertainty), 0.0).sum()
    spread = torch.einsum("np,npd->d", weights, (embeddings - own).square())
    chance = spread / degrees.clamp(min=floor) * uncertainty.sum() / seen.sum()
    between = (own - overall).square().sum(0) / seen.sum()
    kept = (1 - chance / between.clamp(min=floor)).clamp(min=0) * (degrees > 0)
    return overall + kept * (own - overall)


def mahalanobis(embeddings: Tensor, mean: Tensor, covariance: Tensor) -> Tensor:
    """Give the Mahalanobis distance of each patch, divided by √D, equation (mahalanobis).

    Parameters
    ----------
    embeddings : torch.Tensor
        Shape (..., D), or (..., P, D) for means by place.
    mean, covariance : torch.Tensor
        μ and S of `gaussian_statistics`.

    Returns
    -------
    torch.Tensor
        Shape (...,) or (..., P), ≥ 0. Divided by √D, a patch drawn from the Gaussian itself has a
        distance near 1 whatever D is.

    Examples
    --------
    >>> patches = torch.tensor([[4.0, 0.0], [2.0, 0.0], [0.0, 2.0]])
    >>> mahalanobis(patches, torch.zeros(2), torch.diag(torch.tensor([4.0, 1.0])))
    tensor([1.4142, 0.7071, 1.4142])
    """
    n_dimensions = len(covariance)
    # The floor keeps the factorisation alive where all patches are equal.
    floor = torch.finfo(covariance.dtype).tiny ** 0.5
    identity = torch.eye(n_dimensions, dtype=mean.dtype, device=mean.device)
    precision = _inverse(covariance + floor * identity)
    centred = embeddings - mean
    squared = ((centred @ precision) * centred).mean(-1)
    # The gradient of a square root is infinite at 0.
    return squared.clamp(min=floor).sqrt()


def _inverse(matrix: Tensor) -> Tensor:
    """Invert a positive definite matrix, exactly in value and in two derivatives.

    What is not positive definite, or not finite, gives nan: callers check scores and losses.

    Not torch.linalg.inv: of a batch of matrices it gives wrong results on several threads
    (pytorch/pytorch#142815), and an inverse through a Cholesky factor has derivatives that are
    chains of triangular solves. So the factor gives the value alone. Each of Newton's steps then
    squares the residual I - S P: after two of them its fourth power is left, whose first three
    derivatives are 0.
    """
    factor, failed = torch.linalg.cholesky_ex(matrix.detach())
    inverse = torch.cholesky_inverse(torch.where(failed == 0, factor, torch.nan))
    twice = 2 * torch.eye(len(matrix), dtype=matrix.dtype, device=matrix.device)
    for _ in range(2):
        inverse = inverse @ (twice - matrix @ inverse)
    return inverse


def calibrate(scores: Tensor, log_slope: Tensor, offset: Tensor) -> Tensor:
    """Turn distances into logits, a·log s + b with a = exp(`log_slope`), equation (calibration).

    A positive slope cannot reorder scores: calibration changes thresholds, never a ranking.
    """
    return log_slope.exp() * scores.log() + offset


def image_scores(patch_scores: Tensor, top_share: float = 0.01) -> Tensor:
    """Give the mean of each image's highest patch scores, equation (image-score).

    Parameters
    ----------
    patch_scores : torch.Tensor
        Shape (..., P).
    top_share : float
        Share of the P patches that enters, in (0, 1]; at least one patch does.

    Returns
    -------
    torch.Tensor
        Shape (...,). Higher is more anomalous.
    """
    k = max(1, rounded_up(top_share * patch_scores.shape[-1]))
    return patch_scores.topk(k, dim=-1).values.mean(-1)


def rounded_up(product: float) -> int:
    """Round a product of floats up, unless it is whole but for its last bit, as 0.07 * 100 is."""
    return math.ceil(round(product, 9))


def pixel_maps(
    patch_scores: Tensor, sizes: Sequence[tuple[int, ...]], smoothing: float = 4.0 / 224
) -> list[np.ndarray]:
    """Upsample patch scores to images of their own sizes and smooth them.

    Parameters
    ----------
    patch_scores : torch.Tensor
        Shape (N, h, w).
    sizes : sequence of (int, int)
        (H_i, W_i) of each image in pixels.
    smoothing : float
        Standard deviation of the Gaussian as a share of height and width; 0 smooths nothing.

    Returns
    -------
    list of numpy.ndarray
        float32 maps of shape (H_i, W_i).
    """
    maps = []
    for scores, (height, width) in zip(patch_scores, sizes, strict=True):
        rows = _spread(scores.shape[0], height, smoothing * height)
        columns = _spread(scores.shape[1], width, smoothing * width)
        maps.append(rows @ scores.cpu().numpy() @ columns.T)  # (H, h) (h, w) (w, W)
    return maps


@lru_cache(8)
def _spread(n_patches: int, n_pixels: int, deviation: float) -> np.ndarray:
    """Give what each patch of a row adds to each pixel: interpolated linearly, then smoothed.

    Both steps treat the two axes alike and apart, so that two small matrices do in a moment what
    a filter takes seconds for at the size of a photograph.
    """
    one_each = torch.eye(n_patches)[None]  # (1, n, n)
    spread = F.interpolate(one_each, size=n_pixels, mode="linear", align_corners=False)[0].T
    if not deviation:
        return np.asarray(spread)
    return gaussian_filter1d(spread.numpy(), deviation, axis=0, mode="nearest")  # (pixels, n)
