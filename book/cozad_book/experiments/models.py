"""The models of an experiment, each trained once, and the images of its data, each read once."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from cozad_book.experiments.data import auxiliary_hash, code_hash, image_place
from cozad_book.experiments.left_out import left_out_name
from cozad_book.experiments.lists import OURS, auxiliary_of, run_settings
from cozad_book.experiments.plan import Line
from cozad_book.experiments.provenance import settings_hash
from cozad_book.experiments.variants import VARIANTS
from cozad_teach.backbones import load_backbone
from cozad_teach.cozad import CoZAD
from cozad_teach.data.folders import Category
from cozad_teach.data.identity.fingerprints import Fingerprints
from cozad_teach.data.identity.uses import Use
from cozad_teach.evaluation.calibrated_model import CalibratedModel
from cozad_teach.evaluation.target_features import TargetFeatures, same_features
from cozad_teach.files.checkout import build_folder
from cozad_teach.files.lean_timm import timm
from cozad_teach.files.tensors import write_tensors
from cozad_teach.models.train import train
from cozad_teach.objectives import starting_point
from cozad_teach.settings import Settings
from cozad_teach.training.auxiliary_images import DRAWN
from cozad_teach.training.hardware import hardware_name
from cozad_teach.training.meta_training import MetaStep

__all__ = ["ExperimentModels", "models_of", "random_weights", "without_auxiliary"]

Place = str | os.PathLike[str] | None


def models_of(line: Line) -> tuple[str, int, str | None]:
    """Name the models that a run needs one of: settings, seed and what is left out of training."""
    return line.settings, line.seed, left_out_name(line.data)


class ExperimentModels:
    """The models of one seed, and what they read of one data set, each made when first needed.

    Parameters
    ----------
    device, weights, packs, auxiliary
        As in `cozad_book.experiments.runner.run_all`.
    checkpoints : pathlib.Path, optional
        A folder that keeps the state of trainings, so that one that was stopped goes on.
    """

    def __init__(
        self,
        *,
        device: str = "cpu",
        weights: Place = None,
        packs: Place = None,
        auxiliary: str = DRAWN,
        checkpoints: Path | None = None,
    ) -> None:
        self._auxiliary = auxiliary
        self._checkpoints = checkpoints
        self._device = device
        self._weights = weights
        self._packs = packs
        self._of_what: tuple[object, ...] = ()
        self._data: str | None = None
        # By method and by what it is trained on, which the data may decide.
        self._calibrated_models: dict[tuple[str, tuple[str, ...]], CalibratedModel] = {}
        # By how images are read, which variants may change.
        self._target_features: dict[tuple[object, ...], TargetFeatures] = {}

    def target_features(self, line: Line, dataset: Mapping[str, Category]) -> TargetFeatures:
        """Give the images of the run's data as the run's model reads them."""
        if self._of_what != models_of(line):
            self._of_what, self._data, self._calibrated_models = models_of(line), None, {}
        if self._data != line.data:
            self._data, self._target_features = line.data, {}
        calibrated_model, read = self._of(line, line.method), _reading(line)
        if read not in self._target_features:
            self._target_features[read] = TargetFeatures(calibrated_model, dataset)
        return self._target_features[read].shared_with(calibrated_model)

    def auxiliary_hash(self, line: Line) -> dict[str, str]:
        """Give 16 hexadecimal digits of each pack or set that a run's model is trained on."""
        return self._hashes(self._names(line, line.method))

    def _names(self, line: Line, method: str) -> tuple[str, ...]:
        return auxiliary_of(line, method, self._auxiliary)

    def _hashes(self, names: Sequence[str]) -> dict[str, str]:
        places = {name: image_place(name, self._packs) for name in names if name != DRAWN}
        return {name: auxiliary_hash(place) for name, place in places.items()}

    def _of(self, line: Line, method: str) -> CalibratedModel:
        """Prepare the model of a method: CoZAD's own but for its variants."""
        name = method if method in VARIANTS else OURS
        key = name, self._names(line, name)
        if key not in self._calibrated_models:
            self._calibrated_models[key] = self._made(line, name)
        return self._calibrated_models[key]

    def _made(self, line: Line, name: str) -> CalibratedModel:
        settings = run_settings(line.settings, name)
        if name == OURS:
            return CalibratedModel(self._trained(line, name))
        variant = VARIANTS[name]
        if not variant.retrain:
            ours = self._of(line, OURS)
            return ours.shared_with(dataclasses.replace(ours.model, settings=settings))
        model = self._trained(line, name)
        for other in self._calibrated_models.values():
            if _same_images(model, other.model):
                # As one object, so that they are audited once.
                model = dataclasses.replace(model, uses=other.model.uses)
                if same_features(model, other.model) and not model.samples:
                    return other.shared_with(model)
        return CalibratedModel(model)

    def _trained(self, line: Line, name: str) -> CoZAD:
        settings, names = run_settings(line.settings, name), self._names(line, name)
        if not names:
            return without_auxiliary(
                settings, line.seed, device=self._device, weights=self._weights
            )
        weights = self._weights
        if _is_random(name):
            weights = random_weights(settings.backbone, line.seed)
        what = [name if name == DRAWN else str(image_place(name, self._packs)) for name in names]
        return train(
            settings,
            line.seed,
            auxiliary=None if names == (DRAWN,) else what,
            draw_defects=True,
            leave_out=left_out_name(line.data),
            device=self._device,
            weights=weights,
            checkpoint=self._checkpoint(line, settings, names, weights),
        )

    def _checkpoint(
        self, line: Line, settings: Settings, names: Sequence[str], weights: Place
    ) -> Path | None:
        """Name the file of a training: another one where anything differs."""
        if self._checkpoints is None:
            return None
        parts = [
            *(settings_hash(settings), str(line.seed), str(left_out_name(line.data)), *names),
            *(json.dumps(self._hashes(names)), code_hash(), torch.__version__),
            *(torch.device(self._device).type, str(weights)),
        ]
        name = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]
        return self._checkpoints / f"{name}.safetensors"


def _is_random(method: str) -> bool:
    return method in VARIANTS and VARIANTS[method].random_backbone


def _reading(line: Line) -> tuple[object, ...]:
    """Give what decides the features of an image, but for moments that can be put in afterwards."""
    settings = run_settings(line.settings, line.method)
    levels = (settings.backbone, settings.strides, settings.blocks, _is_random(line.method))
    return (*levels, settings.image_size, settings.precision)


def _same_images(model: CoZAD, other: CoZAD) -> bool:
    return [use.images.hashes for use in model.uses] == [use.images.hashes for use in other.uses]


def random_weights(backbone: str, seed: int) -> Path:
    """Write the weights with which timm begins to train a backbone.

    Parameters
    ----------
    backbone : str
        A timm model name.
    seed : int
        Decides them.

    Returns
    -------
    pathlib.Path
        The file, as `cozad_teach.backbones.load_backbone` takes it.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = timm.create_model(backbone, pretrained=False)
    path = build_folder() / "random" / f"{backbone}_{seed}.safetensors"
    write_tensors(path, network.state_dict(), {})
    return path


def without_auxiliary(
    settings: Settings,
    seed: int = 0,
    *,
    device: str = "cpu",
    weights: Place = None,
) -> CoZAD:
    """Give CoZAD as it is where there are no auxiliary images: no training, no moments, no prior.

    Parameters
    ----------
    settings : Settings
        All numbers of the run; those of the training and of the prior mean nothing here.
    seed, device, weights
        As in `cozad_teach.models.train.train`.

    Raises
    ------
    CozadError
        As `load_backbone`.
    """
    backbone = load_backbone(settings.backbone, settings.strides, weights, blocks=settings.blocks)
    backbone = backbone.to(device)
    channels = sum(backbone.level_channels)
    nothing = Fingerprints.of([], [])
    return CoZAD(
        settings=dataclasses.replace(settings, prior_images=0.0, inner_steps=0),
        backbone=backbone,
        feature_mean=torch.zeros(channels),
        feature_std=torch.ones(channels),
        prior=torch.eye(channels),
        parameters=starting_point(channels, device),
        history=[MetaStep(0.0, 0.0, 0.0)],
        seed=seed,
        uses=(Use("weights", nothing, labels=False), Use("statistics", nothing, labels=False)),
        fit_seconds=0.0,
        trained_on=hardware_name(device),
    )
