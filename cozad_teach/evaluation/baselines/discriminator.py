"""A small network that tells support patches from noisy copies of them, as SimpleNet does.

Source: Liu, Zhou, Xu and Wang, "SimpleNet: a simple network for image anomaly detection and
localization", CVPR 2023. Theirs learns from normal images of the target, and its public code keeps
the epoch with the highest AUROC on the labelled test images. This one takes whatever support the
protocol allows, takes a fixed number of steps, sees no label, and goes without batch normalisation.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm.auto import tqdm

__all__ = ["discriminator_scores", "hinge_loss"]

# How far from 0 an output must be to cost nothing, and the slope of the leaky ReLU: as published.
MARGIN = 0.5
LEAK = 0.2
# Standard deviation of the noise, in units of a standardised feature: the published 0.015 is for
# features of another scale. Noise, hidden units and steps are a compromise found on 8 auxiliary
# categories of the embedded textures, by image and pixel AUROC: more steps are a little better on
# normal support and worse on contaminated support, where the network learns that defects are clean.
NOISE = 0.5
HIDDEN = 128
STEPS = 200
BATCH = 512
# The adaptor starts as a sensible map and the discriminator as a random one; the ratio of the two
# step sizes is the published one.
ADAPTOR_RATE = 5e-4
DISCRIMINATOR_RATE = 1e-3
WEIGHT_DECAY = 1e-5


def discriminator_scores(
    test: Tensor, support: Tensor, *, seed: int = 0, progress: bool = False
) -> Tensor:
    """Score patches by how much they look like noisy support patches rather than clean ones.

    Parameters
    ----------
    test : torch.Tensor
        Standardised patch features, shape (N, h, w, C).
    support : torch.Tensor
        Shape (M, h', w', C): normal images, or unlabelled and contaminated ones. Every patch of
        them passes for clean, as there is no label to say otherwise.
    seed : int
        Decides the initial weights, the mini-batches and the noise. The global random state is
        neither read nor changed.
    progress : bool
        Show a bar if it takes more than two seconds.

    Returns
    -------
    torch.Tensor
        Shape (N, h, w), higher is more anomalous: minus the discriminator's output, which training
        pushes above `MARGIN` for support patches and below -`MARGIN` for noisy ones.

    Raises
    ------
    ValueError
        If there is no support patch.

    Notes
    -----
    The number of steps is fixed. To stop where the test images score best would be to train on
    their labels.
    """
    patches = support.flatten(0, 2)
    if not len(patches):
        raise ValueError("the discriminator learns from support patches: there is none")
    source = torch.Generator().manual_seed(seed)
    parameters = [p.to(patches) for p in _initial_parameters(patches.shape[-1], source)]
    _train(parameters, patches, source, progress)
    with torch.no_grad():
        return -torch.cat(
            [_judge(_adapt(chunk, parameters), parameters) for chunk in test.split(8)]
        )


def hinge_loss(clean: Tensor, noisy: Tensor) -> Tensor:
    """Give mean max(0, `MARGIN` - clean) + mean max(0, `MARGIN` + noisy), shape ().

    Parameters
    ----------
    clean, noisy : torch.Tensor
        Outputs of the discriminator for clean and for noisy patches, at least one of each.
    """
    return F.relu(MARGIN - clean).mean() + F.relu(MARGIN + noisy).mean()


def _initial_parameters(channels: int, source: torch.Generator) -> list[Tensor]:
    """Give adaptor (C, C), hidden weight (H, C) and bias (H,), output weight (1, H) and bias (1,).

    Weights are drawn from `source`, not by `torch.nn`, which would use the global random state.
    """
    hidden = torch.randn(HIDDEN, channels, generator=source) * math.sqrt(2 / channels)
    output = torch.randn(1, HIDDEN, generator=source) / math.sqrt(HIDDEN)
    return [torch.eye(channels), hidden, torch.zeros(HIDDEN), output, torch.zeros(1)]


def _adapt(patches: Tensor, parameters: list[Tensor]) -> Tensor:
    return F.linear(patches, parameters[0])


def _judge(adapted: Tensor, parameters: list[Tensor]) -> Tensor:
    """Turn adapted patches (..., C) into outputs (...,), high for clean ones."""
    _, weight, bias, output_weight, output_bias = parameters
    hidden = F.leaky_relu(F.linear(adapted, weight, bias), LEAK)
    return F.linear(hidden, output_weight, output_bias)[..., 0]


def _train(
    parameters: list[Tensor], patches: Tensor, source: torch.Generator, progress: bool
) -> None:
    """Train in place on patches (R, C): clean against noisy, `STEPS` mini-batches."""
    groups = [
        {"params": parameters[:1], "lr": ADAPTOR_RATE},
        {"params": parameters[1:], "lr": DISCRIMINATOR_RATE},
    ]
    for parameter in parameters:
        parameter.requires_grad_()
    optimiser = torch.optim.Adam(groups, weight_decay=WEIGHT_DECAY)
    steps = tqdm(range(STEPS), "discriminator", unit="step", delay=2, disable=not progress)
    # The caller may have switched gradients off, as scoring does not need any.
    with torch.enable_grad():
        for _ in steps:
            drawn = torch.randint(len(patches), (BATCH,), generator=source)
            clean = _adapt(patches[drawn.to(patches.device)], parameters)
            # Noise on adapted patches, as published: the adaptor may not learn to filter it.
            noise = NOISE * torch.randn(clean.shape, generator=source).to(clean)
            loss = hinge_loss(_judge(clean, parameters), _judge(clean + noise, parameters))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
