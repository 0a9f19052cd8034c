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
from cozad_teach.evaluation.methods import Method, Run
from cozad_teach.features import extract_features, feature_moments
from cozad_teach.training.auxiliary_images import draw_auxiliary
from cozad_teach.training.calibration_samples import CalibrationSample

__all__ = ["ENSEMBLE", "CalibratedModel"]

# Backbones of the ensemble besides the model's own: those whose weights are installed.
ENSEMBLE = ("tf_efficientnet_lite1", "tf_efficientnet_lite2")
# One variant of each few, so that drawing and reading them takes seconds.
_MATERIALS = AUXILIARY_CATEGORIES[::3]
_CALIBRATION_SEED = 1_000_000  # far from the seeds of training: other images of the same materials
_N_SUPPORT, _N_EACH = 8, 8


@dataclass(frozen=True)
class _Material:
    """Images of one auxiliary category: features by each model, labels, fingerprints."""

    test: tuple[Tensor, ...]
    support: tuple[Tensor, ...]
    labels: np.ndarray
    images: Fingerprints


class CalibratedModel:
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
        self._calibrated: dict[Run, tuple[Calibration, Use]] = {}

    def shared_with(self, model: CoZAD) -> CalibratedModel:
        """Prepare a model with the same features on the same images as this one."""
        other = CalibratedModel(model, progress=self._progress)
        other._materials, other._images = self._materials, self._images
        return other

    def models(self, ensemble: bool) -> list[CoZAD]:
        """Give the model alone, or with those of the ensemble after it."""
        return [self.model, *self._members[0]] if ensemble else [self.model]

    def uses(self, ensemble: bool) -> tuple[Use, ...]:
        """Give the record of what the model, or the ensemble, was made from."""
        return (*self.model.uses, self._members[1]) if ensemble else self.model.uses

    def calibration(self, run: Run) -> tuple[Calibration, Use]:
        """Choose the threshold of a method on auxiliary images, under the protocol of the target.

        Without normal images of the target, it is one for `relative_scores`: see `calibration_for`.
        The images are photographs that training kept back, or show materials that it used, drawn
        anew, half of them with a defect; for the ensemble always these, since of photographs the
        model holds its own features only. With them comes the record that they were used.
        """
        if run not in self._calibrated:
            scores = []
            materials = self._calibrating(run.method)
            n_support = run.protocol.normal_images
            for material in materials:
                support = [f[: int(min(n_support, len(f)))] for f in material.support]
                patches, _ = run.score(
                    self.models(run.method.several_backbones),
                    material.test,
                    None if run.protocol.zero_shot else support,
                )
                scores.append(self.model.image_scores(patches))
            labels = np.concatenate([material.labels for material in materials])
            # One object for all methods: audits of the same images are not done twice.
            kind = self.on_photographs(run.method)
            if kind not in self._images:
                self._images[kind] = Fingerprints.join([m.images for m in materials])
            if run.protocol.zero_shot:
                usual = float(np.mean([level(values) for values in scores]))
                relative = calibrate(np.concatenate([relative_scores(v) for v in scores]), labels)
                chosen = dataclasses.replace(relative, usual_level=usual)
            else:
                chosen = calibrate(np.concatenate(scores), labels)
            self._calibrated[run] = chosen, Use("threshold", self._images[kind], labels=True)
        return self._calibrated[run]

    def calibration_for(self, scores: NDArray[np.float64], run: Run) -> Calibration:
        """Give the threshold for the image scores of one target, which follows their level.

        It decides, and changes no score. A normal support has set the level already.
        """
        chosen, _ = self.calibration(run)
        return chosen.at(scores) if run.protocol.zero_shot else chosen

    def on_photographs(self, method: Method) -> bool:
        """Say whether the threshold of a method comes from photographs, not from drawn images."""
        return bool(self.model.samples) and not method.several_backbones

    def _calibrating(self, method: Method) -> list[_Material]:
        if (ensemble := method.several_backbones) not in self._materials:
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
            # Of such a copy only what comes before learning is used: see `METHODS`.
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
