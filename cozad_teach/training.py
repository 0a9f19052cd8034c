"""The whole way from nothing to a model: load the backbone, draw the auxiliary images, train."""

from __future__ import annotations

import os

import torch
from tqdm.auto import tqdm

from cozad_teach.auxiliary import draw_auxiliary
from cozad_teach.cozad import CoZAD
from cozad_teach.data.textures import AUXILIARY_CATEGORIES
from cozad_teach.features import load_backbone
from cozad_teach.settings import LITE, Settings

__all__ = ["train"]


def train(
    settings: Settings = LITE,
    seed: int = 0,
    *,
    device: torch.device | str = "cpu",
    weights: str | os.PathLike[str] | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    progress: bool = False,
) -> CoZAD:
    """Train on the embedded auxiliary categories: the whole way from nothing to a model.

    Parameters
    ----------
    settings : Settings
        All numbers of the run.
    seed : int
        Decides the drawn images, the tasks and the noise.
    device : torch.device or str
        Where to train.
    weights : path, optional
        Backbone weights that are not installed, as in `load_backbone`.
    checkpoint : path, optional
        As in `CoZAD.fit`.
    progress : bool
        Show bars.

    Returns
    -------
    CoZAD
        A model that has seen no photograph of any target.
    """
    backbone = load_backbone(settings.backbone, settings.strides, weights).to(device)
    names = tqdm(AUXILIARY_CATEGORIES, "drawing", delay=2, disable=not progress)
    auxiliary = [draw_auxiliary(name, settings, seed) for name in names]
    return CoZAD.fit(backbone, auxiliary, settings, seed, checkpoint=checkpoint, progress=progress)
