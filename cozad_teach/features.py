"""Chapter 2: a frozen backbone turns images into patch features."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import closing
from itertools import islice
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm.auto import tqdm

from cozad_teach.data.squares import ImageInput, read_squares, square
from cozad_teach.errors import CozadError
from cozad_teach.files.tensors import digest_of

__all__ = [
    "Backbone",
    "extract_features",
    "feature_moments",
    "mean_pool",
    "preprocess",
    "standardise",
    "unit_length",
]

PRECISIONS = ("float32", "bfloat16")


class Backbone(nn.Module):
    """A frozen network that maps images to one grid of patch features.

    Attributes
    ----------
    name : str
        timm's name of the network.
    strides : tuple of int
        Strides in pixels of the levels that are read, finest first; of blocks their one stride.
    blocks : tuple of int
        Of a network with one stride, as transformers have: the blocks that are read, from 1.
    level_channels : tuple of int
        Number of channels of each level that is read.
    channels : int
        C, their sum: the length of a patch feature.
    mean, std : torch.Tensor
        Shape (3, 1, 1): how the network wants its input scaled.
    weights_digest : str
        SHA-256 over the loaded parameters: two models agree only if it does.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, network: nn.Module, name: str, strides: Sequence[int], blocks: Sequence[int] = ()
    ) -> None:
        super().__init__()
        self.network = network
        self.name = name
        self.strides = tuple(strides)
        self.blocks = tuple(blocks)
        info: Any = network.feature_info
        self.level_channels = tuple(info.channels())
        self.channels = sum(self.level_channels)
        config: Any = network.pretrained_cfg
        self.register_buffer("mean", torch.tensor(config["mean"]).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(config["std"]).view(3, 1, 1))
        self.weights_digest = digest_of(network)
        self.eval().requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        """Turn images (N, 3, H, W) in [0, 1] into features (N, h, w, C), equation (patch-features).

        Each level is mean-pooled over 3×3 patches, resized to the finest grid and concatenated.
        """
        # (images - mean) / std in one pass, of which two take five times as long in this layout.
        scaled = torch.addcmul(-self.mean / self.std, images, 1 / self.std)
        levels = [mean_pool(level.to(images.dtype)) for level in self.network(scaled)]
        grid = levels[0].shape[-2:]
        resized = [
            F.interpolate(level, size=grid, mode="bilinear", align_corners=False)
            for level in levels[1:]
        ]
        return torch.cat([levels[0], *resized], dim=1).permute(0, 2, 3, 1)


def mean_pool(features: Tensor) -> Tensor:
    """Average every patch with its neighbours, those that exist, equation (mean-pool).

    Parameters
    ----------
    features : torch.Tensor
        Shape (N, C, h, w).

    Returns
    -------
    torch.Tensor
        Shape (N, C, h, w).

    Notes
    -----
    Zeros counted in beyond the border would pull border patches towards zero, whatever the image
    shows. That is not always worse: Chapter 2 measures what the border does to the scores.
    """
    return F.avg_pool2d(features, kernel_size=3, stride=1, padding=1, count_include_pad=False)


def preprocess(
    images: Sequence[np.ndarray], size: int, device: torch.device | str = "cpu"
) -> Tensor:
    """Resize images to a square and scale them to [0, 1].

    Parameters
    ----------
    images : sequence of numpy.ndarray
        uint8, shape (H_i, W_i, 3); sizes may differ.
    size : int
        Height and width of the result in pixels.
    device : torch.device or str
        Where the result is. Images travel there as bytes, a quarter of their float32.

    Returns
    -------
    torch.Tensor
        float32, shape (N, 3, size, size), in [0, 1]; in memory the channels are last.
    """
    squares = torch.from_numpy(np.stack([square(image, size) for image in images]))
    return squares.to(device).permute(0, 3, 1, 2).float() / 255


@torch.no_grad()
def extract_features(
    backbone: Backbone,
    images: ImageInput,
    size: int,
    precision: str = "float32",
    *,
    batch_size: int | None = None,
    keep_on: torch.device | str = "cpu",
    progress: bool = False,
) -> Tensor:
    """Extract the patch features of many images, a batch at a time, while the next ones are read.

    Parameters
    ----------
    backbone : Backbone
        Decides the device: batches are sent to where its buffers are.
    images : sequence of numpy.ndarray or of callables
        uint8 images (H_i, W_i, 3), or functions that read one, in any thread: then only a few
        images are in memory at once.
    size : int
        Height and width in pixels given to the backbone.
    precision : str
        In which the backbone computes: ``float32``, the same on a GPU as on a CPU but for
        rounding, or ``bfloat16`` to use a GPU's matrix units. All that follows is float32.
    batch_size : int, optional
        Images per batch; by default 8, and 64 on a graphics card.
    keep_on : torch.device or str
        Where the result is. Kept where the backbone is, it needs no way back.
    progress : bool
        Show a bar if the work takes more than two seconds.

    Returns
    -------
    torch.Tensor
        float32, shape (N, h, w, C).

    Raises
    ------
    CozadError
        If there is no image, the precision is unknown, or the backbone takes other sizes only.
    """
    _check_size(backbone, size)
    if precision not in PRECISIONS:
        raise CozadError(f"unknown precision {precision!r}: choose {' or '.join(PRECISIONS)}")
    if not len(images):
        raise CozadError("there is no image to extract features from")
    batch_size = batch_size or (64 if backbone.mean.is_cuda else 8)
    features: Tensor | None = None
    bar = tqdm(total=len(images), desc="features", unit="image", delay=2, disable=not progress)
    # Left alone, a GPU rounds the factors of a float32 convolution to ten bits, and may sum its
    # products in another order each time.
    exact = torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False)
    with bar, exact, closing(read_squares(images, size, 2 * batch_size)) as squares:
        for start in range(0, len(images), batch_size):
            batch = preprocess([*islice(squares, batch_size)], size, backbone.mean.device)
            with torch.autocast(batch.device.type, torch.bfloat16, precision == "bfloat16"):
                grid = backbone(batch)
            if features is None:
                features = torch.empty(len(images), *grid.shape[1:], device=keep_on)
            features[start : start + len(batch)] = grid
            bar.update(len(batch))
    assert features is not None
    return features


def feature_moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Give mean and standard deviation (C,) of every channel over all patches (..., C).

    A constant channel has the deviation 1, so that standardising leaves it at 0.
    """
    flat = features.flatten(0, -2)
    std, mean = torch.std_mean(flat, dim=0, correction=0)
    return mean, torch.where(std > 0, std, torch.ones_like(std))


def standardise(features: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Give (features - mean) / std by auxiliary statistics, equation (standardise)."""
    return (features - mean) / std


def unit_length(features: Tensor, level_channels: Sequence[int]) -> Tensor:
    """Keep the direction of each level's features and drop their length, equation (unit-length).

    A patch is then described by the proportion in which channels respond, not by how strongly. No
    patch, however extreme, weighs more than another in a covariance: robust statistics know this
    as the spatial sign [Visuri, Koivunen and Oja 2000].

    Parameters
    ----------
    features : torch.Tensor
        Standardised, shape (..., C).
    level_channels : sequence of int
        Number of channels of each level, C in sum, as in `Backbone.level_channels`.

    Returns
    -------
    torch.Tensor
        Shape (..., C): each level scaled to the length √C_l, so that a channel is ±1 in the root
        of its mean square. A level of zeros stays zero.
    """
    levels = features.split(list(level_channels), dim=-1)
    return torch.cat([math.sqrt(x.shape[-1]) * F.normalize(x, dim=-1) for x in levels], dim=-1)


def _check_size(backbone: Backbone, size: int) -> None:
    """Refuse images of a size that a backbone does not take."""
    config: Any = backbone.network.pretrained_cfg
    own = config["input_size"][-1]
    if backbone.blocks and size % backbone.strides[0]:
        raise CozadError(
            f"{backbone.name} takes whole patches of {backbone.strides[0]} pixels, of which "
            f"image_size {size} is no multiple"
        )
    if config.get("fixed_input_size") and not backbone.blocks and size != own:
        raise CozadError(f"{backbone.name} takes images of {own} pixels only, image_size is {size}")
