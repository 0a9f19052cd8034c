"""Step 7: the assembled method. Train on auxiliary categories, adapt to a new one, score it."""

from __future__ import annotations

import dataclasses
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

from cozad_teach.adaptation import Adapted, AdaptedSupports, adapt_supports
from cozad_teach.contrastive import embed
from cozad_teach.data.drawn.textures import TextureSet
from cozad_teach.data.identity.uses import Use
from cozad_teach.errors import CozadError
from cozad_teach.features import Backbone, extract_features, standardise, unit_length
from cozad_teach.maml import Parameters
from cozad_teach.nearest import neighbourhood, patch_distances
from cozad_teach.settings import Settings
from cozad_teach.training.auxiliary import AuxiliaryFeatures, prepare_auxiliary
from cozad_teach.training.calibration_samples import CalibrationSample
from cozad_teach.training.checkpoints import Checkpoint, run_key
from cozad_teach.training.hardware import hardware_name
from cozad_teach.training.meta_training import MetaStep, meta_train

__all__ = ["CoZAD"]

# Single-image adaptation keeps a copy of the head for every image of a chunk.
CHUNK = 16
# Distances between all patches of each image of a chunk, as many as of 16 images of 40 x 40.
CHUNK_PAIRS = CHUNK * 1600**2
# Patches among which nearest neighbours are sought: more of them cost time and change little.
BANK_SIZE = 8_192


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
    prior : torch.Tensor
        S_0, shape (C, C): the auxiliary covariance of features.
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
    trained_on : str
        Name of the processor or graphics card that trained it.
    auxiliary : tuple of str
        Names of the auxiliary categories, where they are photographs.
    samples : tuple of CalibrationSample
        Auxiliary photographs that were kept back, to choose thresholds on.
    """

    settings: Settings
    backbone: Backbone
    feature_mean: Tensor
    feature_std: Tensor
    prior: Tensor
    parameters: Parameters
    history: list[MetaStep]
    seed: int
    uses: tuple[Use, ...]
    fit_seconds: float
    trained_on: str
    auxiliary: tuple[str, ...] = ()
    samples: tuple[CalibrationSample, ...] = ()

    @classmethod
    def fit(
        cls,
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
            prepared = auxiliary
        else:
            prepared = prepare_auxiliary(backbone, auxiliary, settings, progress=progress)
        seen = prepared.images
        kept = None
        if checkpoint is not None:
            key = run_key(settings, seed, backbone.weights_digest, seen.hashes, prepared.categories)
            kept = Checkpoint(Path(checkpoint), key)
        theta, history = meta_train(
            prepared.categories,
            prepared.prior,
            settings,
            seed,
            device=backbone.mean.device,
            checkpoint=kept,
            on_step=on_step,
            progress=progress,
        )
        return cls(
            settings=settings,
            backbone=backbone,
            feature_mean=prepared.mean,
            feature_std=prepared.std,
            prior=prepared.prior,
            parameters=theta,
            history=history,
            seed=seed,
            uses=(Use("weights", seen, labels=True), Use("statistics", seen, labels=True)),
            fit_seconds=time.perf_counter() - started + prepared.seconds,
            trained_on=hardware_name(backbone.mean.device),
            auxiliary=prepared.names,
            samples=prepared.samples,
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
        precision = self.settings.precision
        grids = extract_features(self.backbone, images, size, precision, progress=progress)
        return standardise(grids, self.feature_mean, self.feature_std)

    def reads_as(self, other: CoZAD) -> bool:
        """Say whether the `features` of an image are those that another model gives."""
        return torch.equal(self.feature_mean, other.feature_mean) and torch.equal(
            self.feature_std, other.feature_std
        )

    def adapt(self, support: Tensor) -> Adapted:
        """Adapt to a category from its unlabelled, possibly contaminated images.

        Parameters
        ----------
        support : torch.Tensor
            Standardised patch features of `features`, shape (M, h, w, C).

        Returns
        -------
        Adapted
            After weighing the patches, taking the inner loop, and weighing them again.
        """
        patches = self._patches(support)[None]
        found = self._adapt(patches, self.settings, by_place=self.settings.by_place)
        embeddings, weights = found.embeddings[0].flatten(0, 1), found.weights[0]
        source = torch.Generator().manual_seed(self.seed)
        kept = torch.randperm(len(embeddings), generator=source)[:BANK_SIZE].to(weights.device)
        return Adapted(
            parameters={name: value[0] for name, value in found.parameters.items()},
            mean=found.mean[0],
            covariance=found.covariance[0],
            weights=weights,
            bank=embeddings[kept],
            bank_places=kept,
        )

    def score(self, features: Tensor, adapted: Adapted, *, own: Tensor | None = None) -> Tensor:
        """Score patches against an adapted support.

        Parameters
        ----------
        features : torch.Tensor
            Shape (N, h, w, C).
        adapted : Adapted
            Of `adapt`.
        own : torch.Tensor, optional
            Shape (N,): which image of the support each image is itself, or -1. A nearest
            neighbour then comes from another one.

        Returns
        -------
        torch.Tensor
            Distances ≥ 0 on the CPU, shape (N, h, w); near 1 for normal patches if the score is
            ``gaussian``; higher is more anomalous.

        Raises
        ------
        CozadError
            If the settings name an unknown score, nearest neighbours are wanted of one image, or a
            feature is not finite.
        """
        kind = self.settings.score
        if kind != "gaussian" and own is not None and len(adapted.weights) < 2:
            raise CozadError("nearest neighbours come from other images: bring two or more")
        weights = adapted.weights.flatten()[adapted.bank_places]
        images = adapted.bank_places // adapted.weights.shape[1]
        own = torch.full((len(features),), -1) if own is None else own
        # Distances of one image to all of the bank are as large as the features of a chunk.
        n_images = CHUNK if kind == "gaussian" else 1
        scores = [
            patch_distances(
                embed(self._patches(chunk), adapted.parameters["head"]),
                adapted.mean,
                adapted.covariance,
                adapted.bank,
                weights,
                images == itself[:, None, None].to(images.device),
                kind=kind,
            ).cpu()
            for chunk, itself in zip(features.split(n_images), own.split(n_images), strict=True)
        ]
        return torch.cat(scores).reshape(features.shape[:3])

    def score_singly(self, features: Tensor, *, progress: bool = False) -> Tensor:
        """Score every image against itself alone: it is its own support.

        Parameters
        ----------
        features : torch.Tensor
            Shape (N, h, w, C).
        progress : bool
            Show a bar if it takes more than two seconds.

        Returns
        -------
        torch.Tensor
            As `score`. No image influences the score of another. Nearest patches come from the
            image itself, from outside the `cozad_teach.nearest.neighbourhood` of the patch.

        Raises
        ------
        CozadError
            If the settings name an unknown score, the grid is too small to have patches that are
            not neighbours, or a feature is not finite.
        """
        settings = dataclasses.replace(self.settings, weights=self.settings.single_weights)
        near = neighbourhood(*features.shape[1:3]).to(self.backbone.mean.device)
        if settings.single_score != "gaussian" and near.all(1).any():
            raise CozadError("in so small a grid all patches are neighbours: raise image_size")

        def scored(embeddings: Tensor, weights: Tensor, mean: Tensor, covariance: Tensor) -> Tensor:
            return patch_distances(
                *(embeddings[0], mean, covariance, embeddings[0], weights[0], near),
                kind=settings.single_score,
            )

        scores = []
        with tqdm(total=len(features), desc="images", delay=2, disable=not progress) as bar:
            for chunk in features.split(max(1, min(CHUNK, CHUNK_PAIRS // near.numel()))):
                found = self._adapt(self._patches(chunk)[:, None], settings)
                of_chunk = vmap(scored)(
                    found.embeddings, found.weights, found.mean, found.covariance
                )
                scores.append(of_chunk.cpu())
                bar.update(len(chunk))
        return torch.cat(scores).reshape(features.shape[:3])

    def _patches(self, features: Tensor) -> Tensor:
        """Take the directions of features (N, h, w, C) on the model's device, (N, P, C)."""
        if not torch.isfinite(features).all():
            raise CozadError("a feature is not finite: check the images and the backbone's weights")
        patches = features.flatten(1, 2).to(self.backbone.mean.device)
        return unit_length(patches, self.backbone.level_channels)

    def _adapt(
        self, supports: Tensor, settings: Settings, *, by_place: bool = False
    ) -> AdaptedSupports:
        """Adapt to several supports (tasks, M, P, C) at once, each alone."""
        return adapt_supports(
            self.parameters,
            supports,
            self.prior.to(supports.device),
            self.history[-1].decay,
            settings,
            self.seed,
            by_place=by_place,
        )
