"""Thumbnails as pictures that can be compared: of mean 0 and length 1."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from cozad_teach.data.hashes import Fingerprints

__all__ = ["common_part", "correlation", "distinct_part", "normed", "pictures_of", "pooled"]


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


def common_part(pictures: Tensor) -> Tensor:
    """Give what N pictures have in common; its squared length is how much of it to take out.

    That is 1 - 1/N: the mean of few pictures is mostly these pictures, of one it is nothing else.
    """
    return normed(pictures.mean(0)) * (1 - 1 / len(pictures)) ** 0.5


def distinct_part(pictures: Tensor, common: Tensor) -> Tensor:
    """Take what they have in common with their kind out of pictures of length 1."""
    return normed(pictures - correlation(pictures, common)[..., None, None] * common)
