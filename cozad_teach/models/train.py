"""The whole way from nothing to a model: load the backbone, get the auxiliary images, train."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch
from tqdm.auto import tqdm

from cozad_teach.backbones import load_backbone
from cozad_teach.cozad import CoZAD
from cozad_teach.data.drawn.textures import AUXILIARY_CATEGORIES, TextureSet
from cozad_teach.data.identity.uses import Use
from cozad_teach.data.parallel import in_processes
from cozad_teach.features import Backbone
from cozad_teach.settings import LITE, Settings
from cozad_teach.training.auxiliary import AuxiliaryFeatures, prepare_auxiliary, prepare_photographs
from cozad_teach.training.auxiliary_images import draw_auxiliary
from cozad_teach.training.auxiliary_sets import open_auxiliary
from cozad_teach.training.checkpoints import Checkpoint, run_key
from cozad_teach.training.feature_store import FeatureStore
from cozad_teach.training.hardware import hardware_name
from cozad_teach.training.meta_training import MetaStep, meta_train

__all__ = ["fit", "train"]

# Of one category: more of them take longer to draw than processes to start.
_PIXELS_OF_SECONDS = 5_000_000


def fit(
    backbone: Backbone,
    auxiliary: Sequence[TextureSet] | AuxiliaryFeatures,
    settings: Settings,
    seed: int = 0,
    *,
    checkpoint: str | os.PathLike[str] | None = None,
    on_step: Callable[[MetaStep], object] | None = None,
    progress: bool = False,
) -> CoZAD:
    """Train on auxiliary categories whose defects are known.

    Parameters
    ----------
    backbone : Backbone
        On the device to train on.
    auxiliary : sequence of TextureSet, or AuxiliaryFeatures
        One set of images and masks per category, or what was made of them.
    settings : Settings
        All numbers of the run.
    seed : int
        Decides tasks and noise.
    checkpoint : path, optional
        A file that keeps the state of the meta-training. If it is there, training goes on
        from it, to the same last bit as without a stop. It is left there at the end.
    on_step : callable, optional
        As in `cozad_teach.training.meta_training.meta_train`.
    progress : bool
        Show bars.

    Returns
    -------
    CoZAD
        Reproducible from `auxiliary`, `settings` and `seed`: to the last bit on one CPU, and
        on a GPU to a few units of the seventh digit, in which its libraries may differ.

    Raises
    ------
    CozadError
        As `cozad_teach.training.meta_training.meta_train`.
    """
    started = time.perf_counter()
    if isinstance(auxiliary, AuxiliaryFeatures):
        auxiliary_features = auxiliary
    else:
        auxiliary_features = prepare_auxiliary(backbone, auxiliary, settings, progress=progress)
    seen = auxiliary_features.images
    kept = None
    if checkpoint is not None:
        key = run_key(
            settings, seed, backbone.weights_digest, seen.hashes, auxiliary_features.categories
        )
        kept = Checkpoint(Path(checkpoint), key)
    theta, history = meta_train(
        auxiliary_features.categories,
        auxiliary_features.prior,
        settings,
        seed,
        device=backbone.mean.device,
        checkpoint=kept,
        on_step=on_step,
        progress=progress,
    )
    return CoZAD(
        settings=settings,
        backbone=backbone,
        feature_mean=auxiliary_features.mean,
        feature_std=auxiliary_features.std,
        prior=auxiliary_features.prior,
        parameters=theta,
        history=history,
        seed=seed,
        uses=(Use("weights", seen, labels=True), Use("statistics", seen, labels=True)),
        fit_seconds=time.perf_counter() - started + auxiliary_features.seconds,
        trained_on=hardware_name(backbone.mean.device),
        auxiliary=auxiliary_features.names,
        samples=auxiliary_features.samples,
    )


def train(
    settings: Settings = LITE,
    seed: int = 0,
    *,
    auxiliary: Sequence[str] | None = None,
    draw_defects: bool = False,
    leave_out: str | None = None,
    device: torch.device | str = "cpu",
    weights: str | os.PathLike[str] | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    progress: bool = False,
) -> CoZAD:
    """Train on auxiliary categories: the whole way from nothing to a model.

    Parameters
    ----------
    settings : Settings
        All numbers of the run.
    seed : int
        Decides the drawn images, the tasks and the noise.
    auxiliary : sequence of str, optional
        Photographs to train on, as in `open_auxiliary`; by default the embedded categories alone.
    draw_defects : bool
        As in `open_auxiliary`.
    leave_out : str, optional
        A category of `auxiliary` that training is not to see, to be measured on it.
    device : torch.device or str
        Where to train.
    weights : path, optional
        Backbone weights that are not installed, as in `load_backbone`.
    checkpoint : path, optional
        As in `fit`.
    progress : bool
        Show bars.

    Returns
    -------
    CoZAD
        A model that has seen no photograph but the auxiliary ones.

    Raises
    ------
    CozadError
        As `open_auxiliary`, `load_backbone`, `fit`, and `in_processes`, in which many large images
        of materials are drawn.
    """
    opened = None
    if auxiliary is not None:  # told before the seconds of loading
        opened = open_auxiliary(auxiliary, settings, seed, draw_defects=draw_defects)
        opened = [category for category in opened if category.name != leave_out]
    backbone = load_backbone(settings.backbone, settings.strides, weights, blocks=settings.blocks)
    backbone = backbone.to(device)
    found: AuxiliaryFeatures | list[TextureSet]
    if opened is not None:
        store = FeatureStore.usual(backbone, settings)
        found = prepare_photographs(store, opened, settings, progress=progress)
    else:
        found = _drawn(settings, seed, progress=progress)
    return fit(backbone, found, settings, seed, checkpoint=checkpoint, progress=progress)


def _drawn(settings: Settings, seed: int, *, progress: bool) -> list[TextureSet]:
    """Draw the embedded categories, the same in one process as in several."""
    draw = partial(draw_auxiliary, settings=settings, seed=seed)
    if settings.images_per_category * settings.image_size**2 > _PIXELS_OF_SECONDS:
        return in_processes(draw, AUXILIARY_CATEGORIES, "drawing", progress=progress)
    names = tqdm(AUXILIARY_CATEGORIES, "drawing", delay=2, disable=not progress)
    return [draw(name) for name in names]
