"""A trained model, and what evaluation adds to it before it meets a target."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from cozad_teach.backbones import load_backbone
from cozad_teach.cozad import CoZAD
from cozad_teach.data.drawn.textures import AUXILIARY_CATEGORIES, draw_category
from cozad_teach.data.identity.fingerprints import Fingerprints
from cozad_teach.data.identity.uses import Use
from cozad_teach.evaluation.calibration import Calibration, calibrate, level, relative_scores
from cozad_teach.evaluation.protocols import method_scores, parse_protocol
from cozad_teach.features import extract_features, feature_moments
from cozad_teach.scoring import image_scores
from cozad_teach.training.auxiliary_images import draw_auxiliary
from cozad_teach.training.calibration_samples import CalibrationSample

__all__ = ["ENSEMBLE", "PreparedModel", "follows_level"]

# Backbones of the ensemble besides the model's own: those whose weights are installed.
ENSEMBLE = ("tf_efficientnet_lite1", "tf_efficientnet_lite2")
# One variant of each few, so that drawing and reading them takes seconds.
_MATERIALS = AUXILIARY_CATEGORIES[::3]
_CALIBRATION_SEED = 1_000_000  # far from the seeds of training: other images of the same materials
_N_SUPPORT, _N_EACH = 8, 8


def follows_level(protocol: str) -> bool:
    """Say whether thresholds under a protocol follow the level of the target's scores."""
    return not parse_protocol(protocol)


@dataclass(frozen=True)
class _Material:
    """Images of one auxiliary category: features by each model, labels, fingerprints."""

    test: tuple[Tensor, ...]
    support: tuple[Tensor, ...]
    labels: np.ndarray
    images: Fingerprints


class PreparedModel:
    """A model with the further backbones of the ensemble and with thresholds of every method.

    Parameters
    ----------
    model : CoZAD
        Trained.
    progress : bool
        Show bars.
    """

    def __init__(self, model: CoZAD, *, progress: bool = False) -> None:
        self.model = model
        self._progress = progress
        self._materials: dict[bool, list[_Material]] = {}
        self._images: dict[bool, Fingerprints] = {}
        self._calibrated: dict[tuple[str, str, int], tuple[Calibration, Use]] = {}

    def shared_with(self, model: CoZAD) -> PreparedModel:
        """Prepare a model with the same features on the same images as this one."""
        other = PreparedModel(model, progress=self._progress)
        other._materials, other._images = self._materials, self._images
        return other

    def models(self, ensemble: bool) -> list[CoZAD]:
        """Give the model alone, or with those of the ensemble after it."""
        return [self.model, *self._members[0]] if ensemble else [self.model]

    def uses(self, ensemble: bool) -> tuple[Use, ...]:
        """Give the record of what the model, or the ensemble, was made from."""
        return (*self.model.uses, self._members[1]) if ensemble else self.model.uses

    def image_scores(self, patches: Tensor) -> NDArray[np.float64]:
        """Give the image scores (N,) of patch scores (N, h, w)."""
        scores = image_scores(patches.flatten(1), self.model.settings.top_share)
        return np.asarray(scores.double().numpy())

    def calibrated(self, method: str, protocol: str, seed: int) -> tuple[Calibration, Use]:
        """Choose the threshold of a method on auxiliary images, under the protocol of the target.

        Without normal images of the target, it is one for `relative_scores`: see `calibrated_for`.
        The images are photographs that training kept back, or show materials that it used, drawn
        anew, half of them with a defect; for the ensemble always these, since of photographs the
        model holds its own features only. With them comes the record that they were used.
        """
        if (key := (method, protocol, seed)) not in self._calibrated:
            scores = []
            materials = self._calibrating(method)
            n_support = parse_protocol(protocol)
            for material in materials:
                support = [f[: int(min(n_support, len(f)))] for f in material.support]
                patches, _ = method_scores(
                    self.models(method == "ensemble"),
                    method,
                    protocol,
                    material.test,
                    support if n_support else None,
                    seed=seed,
                )
                scores.append(self.image_scores(patches))
            labels = np.concatenate([material.labels for material in materials])
            # One object for all methods: audits of the same images are not done twice.
            kind = self.on_photographs(method)
            if kind not in self._images:
                self._images[kind] = Fingerprints.join([m.images for m in materials])
            if follows_level(protocol):
                usual = float(np.mean([level(values) for values in scores]))
                relative = calibrate(np.concatenate([relative_scores(v) for v in scores]), labels)
                chosen = dataclasses.replace(relative, usual_level=usual)
            else:
                chosen = calibrate(np.concatenate(scores), labels)
            self._calibrated[key] = chosen, Use("threshold", self._images[kind], labels=True)
        return self._calibrated[key]

    def calibrated_for(
        self, scores: NDArray[np.float64], method: str, protocol: str, seed: int
    ) -> Calibration:
        """Give the threshold for the image scores of one target, which follows their level.

        It decides, and changes no score. A normal support has set the level already.
        """
        chosen, _ = self.calibrated(method, protocol, seed)
        return chosen.at(scores) if follows_level(protocol) else chosen

    def on_photographs(self, method: str) -> bool:
        """Say whether the threshold of a method comes from photographs, not from drawn images."""
        return bool(self.model.samples) and method != "ensemble"

    def _calibrating(self, method: str) -> list[_Material]:
        if (ensemble := method == "ensemble") not in self._materials:
            self._materials[ensemble] = (
                [_kept_back(sample) for sample in self.model.samples]
                if self.on_photographs(method)
                else [self._draw(name, ensemble) for name in _MATERIALS]
            )
        return self._materials[ensemble]

    def _draw(self, name: str, ensemble: bool) -> _Material:
        size = (self.model.settings.image_size,) * 2
        seed = _CALIBRATION_SEED + self.model.seed
        images = list(draw_category(name, _N_SUPPORT + _N_EACH, _N_EACH, seed, size).images)
        features = [model.features(images) for model in self.models(ensemble)]
        return _Material(
            test=tuple(f[_N_SUPPORT:] for f in features),
            support=tuple(f[:_N_SUPPORT] for f in features),
            labels=np.repeat([False, True], _N_EACH),
            images=Fingerprints.of([f"drawn {name}/{i}" for i in range(len(images))], images),
        )

    @cached_property
    def _members(self) -> tuple[list[CoZAD], Use]:
        """Load the further backbones, with statistics from images as training saw them."""
        settings, seed = self.model.settings, self.model.seed
        images = [i for name in _MATERIALS for i in draw_auxiliary(name, settings, seed).images]
        members = []
        for name in ENSEMBLE:
            backbone = load_backbone(name, settings.strides).to(self.model.backbone.mean.device)
            features = extract_features(
                backbone,
                images,
                settings.image_size,
                settings.precision,
                progress=self._progress,
            )
            mean, std = feature_moments(features)
            # Of such a copy only what comes before learning is used: see `method_scores`.
            members.append(
                dataclasses.replace(
                    self.model, backbone=backbone, feature_mean=mean, feature_std=std
                )
            )
        names = [f"auxiliary {i}" for i in range(len(images))]
        return members, Use("statistics", Fingerprints.of(names, images), labels=False)


def _kept_back(sample: CalibrationSample) -> _Material:
    features, n_support = sample.features.float(), sample.n_support
    labels = np.arange(len(features)) >= sample.n_normal
    return _Material(
        (features[n_support:],), (features[:n_support],), labels[n_support:], sample.images
    )
