"""Receptive fields against the gradient of a network, and colours against what they promise."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from matplotlib import pyplot as plt
from torch import nn

from cozad_book.figures.features import (
    draw_square,
    input_sensitivity,
    mass_side,
    pca_colours,
    receptive_field,
)
from cozad_teach.backbones import load_backbone
from cozad_teach.features import Backbone, preprocess


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return load_backbone(strides=(8,))


def test_receptive_field_of_known_layers() -> None:
    layers = nn.Sequential(
        nn.Conv2d(3, 4, 7, stride=2), nn.ReLU(), nn.MaxPool2d(3, 2), nn.Conv2d(4, 4, 3)
    )
    assert receptive_field(layers) == (7 + 2 * 2 + 2 * 4, 4)


def test_receptive_field_leaves_shortcuts_out() -> None:
    layers = nn.ModuleDict({"conv": nn.Conv2d(3, 4, 3, 2), "downsample": nn.Conv2d(3, 4, 1, 2)})
    assert receptive_field(layers) == (3, 2)


def test_receptive_field_is_where_the_gradient_is(backbone: Backbone) -> None:
    # Positive weights and no clipping: no path from a pixel to the patch can vanish.
    network = copy.deepcopy(backbone.network)
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.constant_(layer.weight, 1 / layer.weight[0].numel())
        for name in [name for name, _ in layer.named_children()]:
            if "bn" in name or "act" in name:
                setattr(layer, name, nn.Identity())
    image = torch.ones(1, 3, 136, 152, requires_grad=True)
    (level,) = network(image)
    (gradient,) = torch.autograd.grad(level[0, :, 8, 9].sum(), image)
    rows, columns = np.nonzero(gradient[0, 0].numpy())
    field, stride = receptive_field(backbone.network)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (field, field)
    assert stride == 8


def test_sensitivity_is_centred_on_its_patch(backbone: Backbone) -> None:
    random = np.random.default_rng(0)
    images = preprocess([random.integers(0, 256, (120, 120, 3), np.uint8)], 120)
    sensitivity = input_sensitivity(backbone, images, (4, 9), slice(None))
    assert sensitivity.shape == (120, 120)
    assert sensitivity.min() >= 0 and sensitivity.sum() == pytest.approx(1, rel=1e-4)
    rows, columns = np.indices(sensitivity.shape)
    assert (rows * sensitivity).sum() == pytest.approx(4.5 * 8, abs=6)
    assert (columns * sensitivity).sum() == pytest.approx(9.5 * 8, abs=6)
    assert not images.requires_grad


def test_mass_side_counts_squares_around_the_centre() -> None:
    sensitivity = np.zeros((9, 12))
    sensitivity[4, 5], sensitivity[4, 7], sensitivity[0, 0] = 0.5, 0.4, 0.1
    assert [mass_side(sensitivity, (4, 5), share) for share in (0.5, 0.9, 1)] == [1, 5, 11]


def test_pca_colours_show_likeness() -> None:
    random = np.random.default_rng(1)
    left, right = random.normal(size=(2, 6))
    grid = np.where(np.arange(10)[None, :, None] < 5, left, right) * np.ones((7, 1, 1))
    grid = grid + 0.01 * random.normal(size=grid.shape)
    (picture,) = pca_colours([grid])
    assert picture.shape == (7, 10, 3)
    assert picture.min() >= 0 and picture.max() <= 1
    light = picture.mean(-1)
    assert abs(light[:, :5].mean() - light[:, 5:].mean()) > 3 * light[:, :5].std()


def test_pca_colours_are_shared_and_do_not_depend_on_scale_or_sign() -> None:
    grids = [np.random.default_rng(2).normal(size=shape) for shape in ((4, 6, 5), (3, 7, 5))]
    together = pca_colours(grids)
    assert [p.shape for p in together] == [(4, 6, 3), (3, 7, 3)]
    scaled = pca_colours([7 * g + 3 for g in grids])
    assert np.allclose(together[0], scaled[0], atol=1e-6)
    (alone,) = pca_colours(grids[:1])
    assert not np.allclose(together[0], alone, atol=1e-2)


@pytest.mark.parametrize(("side", "style"), [(6, "-"), (30, "--")])
def test_square_is_dashed_where_it_is_cut(side: float, style: str) -> None:
    figure, axis = plt.subplots()
    axis.imshow(np.zeros((20, 24)))
    draw_square(axis, (10, 12), side, "blue")
    (patch,) = axis.patches
    assert patch.get_linestyle() == style
    assert patch.get_width() <= 24 and patch.get_height() <= 20
    plt.close(figure)
