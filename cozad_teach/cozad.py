"""Step 7: the assembled method. Train on auxiliary categories, adapt to a new one, score it."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.func import vmap
from tqdm.auto import tqdm

from cozad_teach.checkpoints import Checkpoint, run_key
from cozad_teach.contrastive import embed
from cozad_teach.data.episodes import AuxiliaryCategory, patch_labels
from cozad_teach.data.hashes import Fingerprints
from cozad_teach.data.textures import AUXILIARY_CATEGORIES, TextureSet, draw_category
from cozad_teach.data.uses import Use
from cozad_teach.features import (
    Backbone,
    extract_features,
    feature_moments,
    load_backbone,
    standardise,
)
from cozad_teach.maml import Parameters
from cozad_teach.meta_training import MetaStep, adapt_parameters, meta_train, support_weights
from cozad_teach.objectives import distances
from cozad_teach.scoring import gaussian_statistics, mahalanobis
from cozad_teach.settings import LITE, Settings

__all__ = ["Adapted", "CoZAD", "draw_auxiliary", "train"]

# Single-image adaptation keeps a copy of the head for every image of a chunk.
CHUNK = 16


@dataclass(frozen=True)
class Adapted:
    """What adaptation to one support set gives.

    Attributes
    ----------
    parameters : dict of torch.Tensor
        θ' after the inner loop.
    mean, covariance : torch.Tensor
        μ (C,) and S (C, C) of the weighted support in the adapted embedding.
    weights : torch.Tensor
        Confidence weight of each support image, shape (M,).
    """

    parameters: Parameters
    mean: Tensor
    covariance: Tensor
    weights: Tensor


@dataclass
class CoZAD:
    """A trained detector.

    Attributes
    ----------
    settings : Settings
        The numbers it was trained with.
    backbone : Backbone
        The frozen network in front.
    feature_mean, feature_std : torch.Tensor
        Shape (C,): auxiliary statistics that standardise every patch feature.
    parameters : dict of torch.Tensor
        θ, the meta-learnt starting point.
    history : list of MetaStep
        The training run.
    seed : int
        The seed of the training run.
    uses : tuple of Use
        Which images decided its weights and its statistics, for the leak audit.
    fit_seconds : float
        Wall time of training, features included; of its last part, if it was stopped.
    """

    settings: Settings
    backbone: Backbone
    feature_mean: Tensor
    feature_std: Tensor
    parameters: Parameters
    history: list[MetaStep]
    seed: int
    uses: tuple[Use, ...]
    fit_seconds: float

    @classmethod
    def fit(
        cls,
        backbone: Backbone,
        auxiliary: Sequence[TextureSet],
        settings: Settings,
        seed: int = 0,
        *,
        checkpoint: str | os.PathLike[str] | None = None,
        progress: bool = False,
    ) -> CoZAD:
        """Train on auxiliary categories whose defects are known.

        Parameters
        ----------
        backbone : Backbone
            On the device to train on.
        auxiliary : sequence of TextureSet
            One set of images and masks per category.
        settings : Settings
            All numbers of the run.
        seed : int
            Decides tasks and noise.
        checkpoint : path, optional
            A file that keeps the state of the meta-training. If it is there, training goes on
            from it, to the same last bit as without a stop. It is left there at the end.
        progress : bool
            Show bars.

        Returns
        -------
        CoZAD
            Reproducible to the last bit on one machine from `auxiliary`, `settings` and `seed`.
        """
        started = time.perf_counter()
        images = [image for category in auxiliary for image in category.images]
        grids = extract_features(backbone, images, settings.image_size, progress=progress)
        mean, std = feature_moments(grids)
        per_category = standardise(grids, mean, std).split([len(c.images) for c in auxiliary])
        categories = [
            AuxiliaryCategory(features.flatten(1, 2), patch_labels(c.masks, features.shape[1:3]))
            for features, c in zip(per_category, auxiliary, strict=True)
        ]
        names = [
            f"auxiliary {n}/{i}" for n, c in enumerate(auxiliary) for i in range(len(c.images))
        ]
        seen = Fingerprints.of(names, images)
        device = backbone.mean.device
        kept = None
        if checkpoint is not None:
            key = run_key(settings, seed, backbone.weights_digest, seen.hashes)
            kept = Checkpoint(Path(checkpoint), key)
        theta, history = meta_train(
            categories, settings, seed, device=device, checkpoint=kept, progress=progress
        )
        return cls(
            settings=settings,
            backbone=backbone,
            feature_mean=mean,
            feature_std=std,
            parameters=theta,
            history=history,
            seed=seed,
            uses=(Use("weights", seen, labels=True), Use("statistics", seen, labels=False)),
            fit_seconds=time.perf_counter() - started,
        )

    def features(
        self,
        images: Sequence[np.ndarray] | Sequence[Callable[[], np.ndarray]],
        *,
        progress: bool = False,
    ) -> Tensor:
        """Extract standardised patch features, float32 on the CPU, shape (N, h, w, C).

        `images` are uint8 arrays (H_i, W_i, 3) or functions that read one.
        """
        size = self.settings.image_size
        grids = extract_features(self.backbone, images, size, progress=progress)
        return standardise(grids, self.feature_mean, self.feature_std)

    def adapt(self, support: Tensor) -> Adapted:
        """Adapt to a category from its unlabelled, possibly contaminated images.

        Parameters
        ----------
        support : torch.Tensor
            Standardised patch features of `features`, shape (M, h, w, C).

        Returns
        -------
        Adapted
            After two passes: score with equal weights and weigh; adapt and measure again.
        """
        device = self.backbone.mean.device
        patches = support.flatten(1, 2).to(device)
        weights = support_weights(self.parameters, patches[None], self.settings)[0]
        places, noise = self._places_and_noise(patches.shape[1])
        theta = self._inner_loop(patches[:, places], noise, weights)
        embeddings = embed(patches, theta["head"])
        statistics = gaussian_statistics(embeddings, weights, self.settings.shrinkage)
        return Adapted(theta, *statistics, weights)

    def score(self, features: Tensor, adapted: Adapted) -> Tensor:
        """Score patches against an adapted support.

        Parameters
        ----------
        features : torch.Tensor
            Shape (N, h, w, C).
        adapted : Adapted
            Of `adapt`.

        Returns
        -------
        torch.Tensor
            Distances ≥ 0 on the CPU, shape (N, h, w); near 1 for normal patches, higher is more
            anomalous.
        """
        device = self.backbone.mean.device
        theta, mean, covariance = adapted.parameters, adapted.mean, adapted.covariance
        chunks = [
            distances(theta, chunk.to(device), mean, covariance).cpu()
            for chunk in features.split(CHUNK)
        ]
        return torch.cat(chunks)

    def score_singly(self, features: Tensor, *, progress: bool = False) -> Tensor:
        """Score every image against itself alone: it is its own support, of weight 1.

        Parameters
        ----------
        features : torch.Tensor
            Shape (N, h, w, C).
        progress : bool
            Show a bar if it takes more than two seconds.

        Returns
        -------
        torch.Tensor
            As `score`. No image influences the score of another.
        """
        device = self.backbone.mean.device
        places, noise = self._places_and_noise(features.shape[1] * features.shape[2])

        def one(image: Tensor) -> Tensor:
            patches = image.flatten(0, 1)[None]
            weight = torch.ones(1, device=device)
            theta = self._inner_loop(patches[:, places], noise, weight)
            embeddings = embed(patches, theta["head"])
            statistics = gaussian_statistics(embeddings, weight, self.settings.shrinkage)
            return mahalanobis(embeddings, *statistics).reshape(image.shape[:2])

        scores = []
        with tqdm(total=len(features), desc="images", delay=2, disable=not progress) as bar:
            for chunk in features.split(CHUNK):
                scores.append(vmap(one)(chunk.to(device)).cpu())
                bar.update(len(chunk))
        return torch.cat(scores)

    def _places_and_noise(self, n_patches: int) -> tuple[Tensor, Tensor]:
        """Draw the few places of every image that adaptation uses, and the noise put on them.

        All images share both, so that the order in which images come leaves no trace.
        """
        source = torch.Generator().manual_seed(self.seed)
        places = torch.randperm(n_patches, generator=source)[: self.settings.patches_per_image]
        noise = torch.randn(1, len(places), len(self.feature_mean), generator=source)
        device = self.backbone.mean.device
        return places.to(device), (self.settings.noise * noise).to(device)

    def _inner_loop(self, support: Tensor, noise: Tensor, weights: Tensor) -> Parameters:
        """Adapt θ to the chosen patches of a support, shape (M, places, C)."""
        decay = torch.tensor(self.history[-1].decay, device=support.device)
        task = {"support": support, "noise": noise, "weights": weights, "decay": decay}
        return adapt_parameters(self.parameters, task, self.settings)


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


def draw_auxiliary(category: str, settings: Settings, seed: int) -> TextureSet:
    """Draw the images of one auxiliary category as `train` does; every third has a defect."""
    n_anomalous = settings.images_per_category // 3
    n_normal = settings.images_per_category - n_anomalous
    size = (settings.image_size, settings.image_size)
    return draw_category(category, n_normal, n_anomalous, seed, size)
