"""Chapter 7: the assembled method. Adapt to a new category, score its patches, find what is odd."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from cozad_teach.adaptation import Adapted, adapt_support, adapt_supports
from cozad_teach.contrastive import embed
from cozad_teach.data.identity.uses import Use
from cozad_teach.data.squares import ImageInput
from cozad_teach.errors import CozadError
from cozad_teach.features import Backbone, extract_features, standardise, unit_length
from cozad_teach.maml import Parameters
from cozad_teach.nearest import neighbourhood, own_distances, patch_distances
from cozad_teach.scoring import image_scores, pixel_maps
from cozad_teach.settings import Settings
from cozad_teach.training.calibration_samples import CalibrationSample
from cozad_teach.training.meta_training import MetaStep

__all__ = ["CoZAD", "Detection"]

# Single-image adaptation keeps a copy of the head for every image of a chunk.
CHUNK = 16
# Distances between all patches of each image of a chunk, as many as of 16 images of 40 x 40.
CHUNK_PAIRS = CHUNK * 1600**2


class Detection(NamedTuple):
    """What is found on N images; higher is more anomalous."""

    patch_scores: Tensor  # (N, h, w)
    image_scores: np.ndarray  # (N,)
    pixel_maps: list[np.ndarray]  # (H_i, W_i), of each image at its own size


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

    def detect(
        self, images: Sequence[np.ndarray], *, together: bool = True, progress: bool = False
    ) -> Detection:
        """Find what is anomalous on images of a category that was never seen before.

        Parameters
        ----------
        images : sequence of numpy.ndarray
            uint8, (H_i, W_i, 3).
        together : bool
            Whether the images say together what is normal, or each is scored by itself alone.
        progress : bool
            Show bars.

        Returns
        -------
        Detection
            Images → features → adapted → patch scores → image scores and maps.

        Raises
        ------
        CozadError
            As `score` and `score_singly`.
        """
        features = self.features(images, progress=progress)
        if together:
            patches = self.score(features, self.adapt(features), own=torch.arange(len(features)))
        else:
            patches = self.score_singly(features, progress=progress)
        sizes = [image.shape[:2] for image in images]
        return Detection(patches, self.image_scores(patches), self.pixel_maps(patches, sizes))

    def features(self, images: ImageInput, *, progress: bool = False) -> Tensor:
        """Extract standardised patch features, float32 on the model's device, shape (N, h, w, C).

        `images` are uint8 arrays (H_i, W_i, 3) or functions that read one, in any thread.
        """
        device, of = self.backbone.mean.device, (self.settings.image_size, self.settings.precision)
        grids = extract_features(self.backbone, images, *of, keep_on=device, progress=progress)
        return standardise(grids, self.feature_mean.to(device), self.feature_std.to(device))

    def adapt(self, support: Tensor, *, normal: bool = False) -> Adapted:
        """Adapt to a category from its images: weigh patches, take the inner loop, weigh again.

        Parameters
        ----------
        support : torch.Tensor
            Standardised patch features of `features`, shape (M, h, w, C); unlabelled images, some
            of which may be anomalous.
        normal : bool
            Whether all of them are known to be normal: then every patch counts alike.
        """
        settings = dataclasses.replace(self.settings, weights="none") if normal else self.settings
        prior, decay = self.prior.to(self.backbone.mean.device), self.history[-1].decay
        return adapt_support(
            self.parameters, self._patches(support), prior, decay, settings, self.seed
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
            Show a bar.

        Returns
        -------
        torch.Tensor
            As `score`. No image influences the score of another. Nearest patches come from the
            image itself, from outside the `cozad_teach.nearest.neighbourhood` of the patch.

        Raises
        ------
        CozadError
            As `score`; or if the grid is too small to have patches that are not neighbours.
        """
        settings = dataclasses.replace(self.settings, weights=self.settings.single_weights)
        kind = settings.single_score
        near = neighbourhood(*features.shape[1:3]).to(self.backbone.mean.device)
        prior, decay = self.prior.to(near.device), self.history[-1].decay
        if kind != "gaussian" and near.all(1).any():
            raise CozadError("in so small a grid all patches are neighbours: raise image_size")
        scores = []
        with tqdm(total=len(features), desc="images", delay=2, disable=not progress) as bar:
            for chunk in features.split(max(1, min(CHUNK, CHUNK_PAIRS // near.numel()))):
                supports = self._patches(chunk)[:, None]  # (N, 1, P, C)
                found = adapt_supports(self.parameters, supports, prior, decay, settings, self.seed)
                statistics = (found.embeddings[:, 0], found.mean, found.covariance)
                to_own = own_distances(*statistics, found.weights[:, 0], near, kind=kind)
                scores.append(to_own.cpu())
                bar.update(len(chunk))
        return torch.cat(scores).reshape(features.shape[:3])

    def image_scores(self, patch_scores: Tensor) -> np.ndarray:
        """Give the image scores, float64 (N,), of patch scores (N, h, w)."""
        scores = image_scores(patch_scores.flatten(1), self.settings.top_share)
        return np.asarray(scores.double().numpy())

    def pixel_maps(self, scores: Tensor, sizes: Sequence[tuple[int, ...]]) -> list[np.ndarray]:
        """Give the smoothed maps, (H_i, W_i), of patch scores (N, h, w) of images of `sizes`."""
        smoothing = self.settings.smoothing / self.settings.image_size
        return pixel_maps(scores, sizes, smoothing)

    def _patches(self, features: Tensor) -> Tensor:
        """Take the directions of features (N, h, w, C) on the model's device, (N, P, C)."""
        if not torch.isfinite(features).all():
            raise CozadError("a feature is not finite: check the images and the backbone's weights")
        patches = features.flatten(1, 2).to(self.backbone.mean.device)
        return unit_length(patches, self.backbone.level_channels)
