"""Thumbnails as pictures that can be compared: of mean 0 and length 1."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from cozad_teach.data.identity.fingerprints import Fingerprints

__all__ = ["common_pictures", "correlation", "normed", "pictures_of", "pooled", "without"]

# Pictures that correlate more than this are taken for one where it is asked what is common.
_ONE_PICTURE = 0.998
# So many pictures that are all nearly the same are products in one pose; fewer may be copies.
_PRODUCTS = 4


def pictures_of(images: Fingerprints) -> Tensor:
    """Give the thumbnails as float32, shape (N, 64, 64)."""
    return torch.from_numpy(images.thumbnails).float()


def pooled(pictures: Tensor, side: int) -> Tensor:
    """Average pictures (N, n, n) over cells, to (N, side, side)."""
    return F.adaptive_avg_pool2d(pictures[:, None], side)[:, 0]


def normed(pictures: Tensor) -> Tensor:
    """Bring pictures (..., n, n) to mean 0 and length 1: brightness and contrast do not count."""
    centred = pictures - pictures.mean((-2, -1), keepdim=True)
    return centred / centred.square().sum((-2, -1), keepdim=True).sqrt().clamp(min=1e-6)


def correlation(x: Tensor, y: Tensor) -> Tensor:
    """Correlate pictures (..., n, n) of mean 0 and length 1, to (...): 1 is the same picture."""
    return (x * y).sum((-2, -1))


def without(pictures: Tensor, common: Tensor) -> Tensor:
    """Take out of pictures what they share with `common`; both of mean 0 and length 1, or 0."""
    return normed(pictures - correlation(pictures, common)[..., None, None] * common)


def common_pictures(pictures: Tensor, others: Tensor) -> Tensor:
    """Give, for each picture, the mean of those that show the same kind of thing.

    Two photographs of bottles correlate because both show a bottle. What the other photographs of
    bottles show on average is taken out before two of them are compared; it must not hold the
    picture itself or a copy of it, or little would be left of either.

    Parameters
    ----------
    pictures : torch.Tensor
        Shape (N, n, n), of `normed`.
    others : torch.Tensor
        Shape (M, n, n), of `normed`: pictures of the same kind, among them `pictures` themselves.

    Returns
    -------
    torch.Tensor
        Shape (N, n, n), of mean 0 and length 1: the mean of the others that are not nearly the
        same picture, each picture counting once however many copies it has. Where all are nearly
        the same, as products in one pose may be, the mean of all others, if there are four or more
        pictures; 0 where nothing is left.
    """
    a, b = pictures.flatten(1), others.flatten(1)
    likeness = a @ b.T
    near = likeness > _ONE_PICTURE
    weights = 1 / (b @ b.T > _ONE_PICTURE).to(b).sum(1).clamp(min=1)
    itself = torch.zeros_like(near)
    itself[torch.arange(len(a)), likeness.argmax(1)] = True
    products = near.all(1, keepdim=True) & (len(b) >= _PRODUCTS)
    left_out = torch.where(products, itself, near | itself)
    means = (~left_out * weights) @ b
    return normed(means.view_as(pictures)) * (~left_out).any(1)[:, None, None]
