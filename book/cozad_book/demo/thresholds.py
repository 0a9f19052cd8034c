"""Thresholds of a model, kept beside its file: to choose them takes longer than to score."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Callable
from pathlib import Path

from cozad_teach.cozad import CoZAD
from cozad_teach.errors import CozadError
from cozad_teach.evaluation.calibrated_model import CalibratedModel
from cozad_teach.evaluation.calibration import Calibration
from cozad_teach.evaluation.methods import Run
from cozad_teach.files import values as read
from cozad_teach.files.reading import read_json
from cozad_teach.files.writing import atomic_write

__all__ = ["PROTOCOLS", "calibrations", "write_calibrations"]

PROTOCOLS = ("batch", "single")
LARGEST = 10_000  # bytes
_NUMBER = read.number(-1e6, 1e6)
_ONE = read.record(slope=read.number(1e-9, 1e9), offset=_NUMBER, usual_level=_NUMBER)
_ALL = read.record(model=read.text(64), **dict.fromkeys(PROTOCOLS, _ONE))


def calibrations(model: CoZAD, file: str | Path) -> Callable[[str], Calibration]:
    """Give a function that gives the threshold of a protocol: read, or else chosen when asked for.

    Parameters
    ----------
    model : CoZAD
        Trained.
    file : path
        That it was read from.

    Returns
    -------
    callable
        Takes batch or single.

    Raises
    ------
    CozadError
        If there are stored ones beside the file, and they are damaged.
    """
    place = _beside(file)
    if place.is_file():
        remedy = "delete it"
        try:
            stored = _ALL(read_json(place, "cannot read", remedy, LARGEST), "thresholds")
        except read.Wrong as error:
            raise CozadError(f"{place} is damaged ({error}): {remedy}") from error
        if stored["model"] == _digest(file):  # else another model has come into its place
            return lambda protocol: Calibration(**stored[protocol])
    chosen = CalibratedModel(model, progress=True)
    return lambda protocol: chosen.calibration(_run(model, protocol))[0]


def write_calibrations(model: CoZAD, file: str | Path) -> None:
    """Choose the thresholds of a model, and write them beside its file."""
    chosen = CalibratedModel(model, progress=True)
    values = {p: dataclasses.asdict(chosen.calibration(_run(model, p))[0]) for p in PROTOCOLS}
    content = {"model": _digest(file), **values}
    with atomic_write(_beside(file)) as place:
        place.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def _run(model: CoZAD, protocol: str) -> Run:
    return Run.of("cozad", protocol, model.seed)


def _beside(file: str | Path) -> Path:
    return Path(f"{file}.thresholds.json")


def _digest(file: str | Path) -> str:
    with open(file, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
