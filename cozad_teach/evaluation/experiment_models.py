"""The models of an experiment, each trained once, and the images of its data, each read once."""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from cozad_teach.cozad import CoZAD
from cozad_teach.data.auxiliary_images import DRAWN
from cozad_teach.data.folders import Category
from cozad_teach.errors import CozadError
from cozad_teach.evaluation.experiments import (
    AUXILIARY,
    CHOOSING_PACK,
    OURS,
    VARIANTS,
    Run,
    run_settings,
)
from cozad_teach.evaluation.left_out import left_out_name
from cozad_teach.evaluation.prepared import PreparedModel
from cozad_teach.evaluation.readings import Readings
from cozad_teach.training import train, without_auxiliary

__all__ = ["ExperimentModels", "pack_place"]

Place = str | os.PathLike[str] | None


def pack_place(name: str, packs: Place = None) -> Path:
    """Find a pack of real images.

    Parameters
    ----------
    name : str
        Of the pack, without ``.zip``.
    packs : path, optional
        Folder of the packs; by default that which ``COZAD_PACKS`` names.

    Raises
    ------
    CozadError
        If no folder is named, or the pack is not in it.
    """
    where = packs or os.environ.get("COZAD_PACKS")
    if not where:
        raise CozadError("experiments need real images: name their folder with --packs")
    path = Path(where) / f"{name}.zip"
    if not path.exists():
        raise CozadError(f"there is no {path.name} in {where}: name another folder with --packs")
    return path


class ExperimentModels:
    """The models of one seed, and what they read of one data set, each made when first needed.

    Parameters
    ----------
    device, weights, packs
        As in `cozad_teach.evaluation.runner.run_all`.
    """

    def __init__(self, *, device: str = "cpu", weights: Place = None, packs: Place = None) -> None:
        self._device = device
        self._weights = weights
        self._packs = packs
        self._of_what: tuple[object, ...] = ()
        self._data: str | None = None
        self._prepared: dict[str, PreparedModel] = {}
        self._readings: Readings | None = None

    def readings(self, run: Run, dataset: Mapping[str, Category]) -> Readings:
        """Give the images of the run's data as the run's model reads them."""
        left_out = left_out_name(run.data)
        if self._of_what != (run.settings, run.seed, left_out):
            self._of_what, self._data, self._prepared = (run.settings, run.seed, left_out), None, {}
        if self._readings is None or self._data != run.data:
            self._data, self._readings = run.data, Readings(self._of(run, OURS), dataset)
        return self._readings.shared_with(self._of(run, run.method))

    def auxiliary_hash(self, run: Run) -> dict[str, str]:
        """Give 16 hexadecimal digits of each pack that the model of a run is trained on."""
        names = _auxiliary_of(run, run.method)
        return {name: _file_hash(pack_place(name, self._packs)) for name in names if name != DRAWN}

    def _of(self, run: Run, method: str) -> PreparedModel:
        """Prepare the model of a method: CoZAD's own but for its variants."""
        name = method if method in VARIANTS else OURS
        if name not in self._prepared:
            self._prepared[name] = self._made(run, name)
        return self._prepared[name]

    def _made(self, run: Run, name: str) -> PreparedModel:
        settings = run_settings(run.settings, name)
        if name == OURS:
            return PreparedModel(self._trained(run, name))
        variant = VARIANTS[name]
        if not variant.retrain:
            ours = self._of(run, OURS)
            return ours.shared_with(dataclasses.replace(ours.model, settings=settings))
        model = self._trained(run, name)
        for other in self._prepared.values():
            if _same_images(model, other.model):
                # As one object, so that they are audited once.
                model = dataclasses.replace(model, uses=other.model.uses)
                if model.reads_as(other.model) and not model.samples:
                    return other.shared_with(model)
        return PreparedModel(model)

    def _trained(self, run: Run, name: str) -> CoZAD:
        settings, names = run_settings(run.settings, name), _auxiliary_of(run, name)
        if not names:
            return without_auxiliary(settings, run.seed, device=self._device, weights=self._weights)
        what = [name if name == DRAWN else str(pack_place(name, self._packs)) for name in names]
        return train(
            settings,
            run.seed,
            auxiliary=None if names == (DRAWN,) else what,
            draw_defects=True,
            leave_out=left_out_name(run.data),
            device=self._device,
            weights=self._weights,
        )


def _auxiliary_of(run: Run, method: str) -> tuple[str, ...]:
    """Name what a method's model is trained on: packs, and drawn materials; nothing for none."""
    if left_out_name(run.data):
        return (CHOOSING_PACK,)
    return AUXILIARY[VARIANTS[method].auxiliary] if method in VARIANTS else (DRAWN,)


@lru_cache
def _file_hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def _same_images(model: CoZAD, other: CoZAD) -> bool:
    return [use.images.hashes for use in model.uses] == [use.images.hashes for use in other.uses]
