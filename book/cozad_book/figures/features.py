"""What the chapter on patch features draws: receptive fields, and features as colours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from skimage.color import lab2rgb
from torch import Tensor, nn

from cozad_book.figures.drawing import COLOURS
from cozad_teach.features import Backbone

__all__ = ["draw_square", "input_sensitivity", "mass_side", "pca_colours", "receptive_field"]


def receptive_field(network: nn.Module) -> tuple[int, int]:
    """Give the theoretical receptive field of a network's last level, and its stride.

    Every layer with a kernel of k and a stride of s widens the field r by (k - 1)·j pixels, where
    j is the stride so far, and turns j into j·s.

    Parameters
    ----------
    network : torch.nn.Module
        Its convolutions and poolings must be listed in the order in which they run, as in timm's
        networks. Shortcuts named ``downsample`` run beside a wider path and are left out.

    Returns
    -------
    field, stride : int
        In pixels of the input.
    """
    field = stride = 1
    for name, layer in network.named_modules():
        if isinstance(layer, nn.Conv2d | nn.MaxPool2d) and "downsample" not in name:
            (kernel, step) = (
                size[0] if isinstance(size, tuple) else size
                for size in (layer.kernel_size, layer.stride)
            )
            field += (kernel - 1) * stride
            stride *= step
    return field, stride


def input_sensitivity(
    backbone: Backbone, images: Tensor, place: tuple[int, int], channels: slice
) -> np.ndarray:
    """Measure which pixels move a patch feature: the effective receptive field.

    Parameters
    ----------
    backbone : Backbone
        Frozen; only the images get a gradient.
    images : torch.Tensor
        Shape (N, 3, H, W), in [0, 1]. Sensitivities are averaged over them.
    place : (int, int)
        Row and column of the patch on the finest grid.
    channels : slice
        Channels of the feature whose squared length is differentiated.

    Returns
    -------
    numpy.ndarray
        Shape (H, W), ≥ 0, with sum 1.
    """
    images = images.clone().requires_grad_()
    feature = backbone(images)[:, place[0], place[1], channels]
    (gradient,) = torch.autograd.grad(feature.square().sum(), images)
    sensitivity = gradient.abs().sum(1)
    sensitivity = sensitivity / sensitivity.sum((1, 2), keepdim=True)
    return sensitivity.mean(0).numpy()


def mass_side(sensitivity: np.ndarray, centre: tuple[int, int], share: float = 0.9) -> int:
    """Give the side of the smallest square around a pixel that holds a share of the sensitivity.

    Parameters
    ----------
    sensitivity : numpy.ndarray
        Shape (H, W), of `input_sensitivity`.
    centre : (int, int)
        Row and column of the pixel.
    share : float
        In (0, 1].

    Returns
    -------
    int
        In pixels, odd. Where the image ends, the square goes on over nothing.
    """
    rows, columns = np.indices(sensitivity.shape)
    radius = np.maximum(abs(rows - centre[0]), abs(columns - centre[1]))
    mass = np.cumsum(np.bincount(radius.ravel(), sensitivity.ravel()))
    return 2 * int(np.argmax(mass >= share * mass[-1])) + 1


def pca_colours(features: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Show patch features as colours: patches of like colour have like features.

    The first three principal components become lightness, blue to yellow, and green to red, most
    important first: the first two are seen alike by readers with a red-green deficiency.

    Parameters
    ----------
    features : sequence of numpy.ndarray
        Grids of shape (h_i, w_i, C), which share one set of components: colours may be compared
        between them.

    Returns
    -------
    list of numpy.ndarray
        float RGB images of shape (h_i, w_i, 3), in [0, 1].
    """
    flat = np.concatenate([grid.reshape(-1, grid.shape[-1]) for grid in features])
    flat = flat.astype(np.float64)
    mean = flat.mean(0)
    _, vectors = np.linalg.eigh(np.cov(flat, rowvar=False))
    vectors = vectors[:, :-4:-1]
    # The sign of an eigenvector is arbitrary: fix it, so that colours are the same everywhere.
    vectors = vectors * np.sign(vectors[np.abs(vectors).argmax(0), np.arange(3)])
    low, high = np.percentile((flat - mean) @ vectors, [1, 99], axis=0)
    darkest, brightest = np.array([25, -55, -40]), np.array([90, 65, 40])  # L*, b*, a*
    pictures = []
    for grid in features:
        share = np.clip(((grid - mean) @ vectors - low) / (high - low), 0, 1)
        lightness, yellow, red = np.moveaxis(darkest + share * (brightest - darkest), -1, 0)
        pictures.append(np.clip(lab2rgb(np.stack([lightness, red, yellow], -1)), 0, 1))
    return pictures


def draw_square(axis: Axes, centre: tuple[float, float], side: float, colour: str) -> None:
    """Outline a square around (row, column); cut at the edge of the picture it is dashed."""
    height, width = axis.images[0].get_size()
    ends = np.asarray(centre) + side / 2 * np.array([[-1], [1]])
    (top, left), (bottom, right) = np.clip(ends, 0, (height, width))
    axis.add_patch(
        Rectangle(
            (left - 0.5, top - 0.5),  # imshow puts the middle of the first pixel at 0
            right - left,
            bottom - top,
            fill=False,
            edgecolor=COLOURS[colour],
            linewidth=2,
            linestyle="-" if min(right - left, bottom - top) == side else "--",
        )
    )
