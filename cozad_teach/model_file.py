"""Save and load a trained detector: tensors and a JSON header in one file, without pickle."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from cozad_teach import __version__, settings
from cozad_teach.cozad import CoZAD
from cozad_teach.data.hashes import THUMBNAIL_SIDE, Fingerprints
from cozad_teach.data.uses import EVERY_MODEL, Use
from cozad_teach.errors import CozadError
from cozad_teach.features import load_backbone
from cozad_teach.files import atomic_write
from cozad_teach.meta_training import MetaStep

__all__ = ["FORMAT", "load_model", "save_model"]

FORMAT = "cozad-teach model, version 4"


def save_model(model: CoZAD, path: str | os.PathLike[str]) -> None:
    """Write a trained model; the backbone is named in it, not copied.

    Parameters
    ----------
    model : CoZAD
        The model.
    path : path
        The file to write, by habit ``model.safetensors``. It appears whole or not at all.

    Raises
    ------
    CozadError
        If the file cannot be written.
    """
    sets: list[Fingerprints] = []  # several uses may be of the same images
    for use in model.uses:
        if not any(use.images is known for known in sets):
            sets.append(use.images)
    header = {
        "settings": settings.to_dict(model.settings),
        "backbone": {"name": model.backbone.name, "weights_digest": model.backbone.weights_digest},
        "seed": model.seed,
        "fit_seconds": model.fit_seconds,
        "trained_on": model.trained_on,
        "history": [dataclasses.astuple(step) for step in model.history],
        "image_sets": [{"names": images.names, "hashes": images.hashes} for images in sets],
        "uses": [
            {
                "purpose": use.purpose,
                "labels": use.labels,
                "image_set": next(n for n, images in enumerate(sets) if images is use.images),
            }
            for use in model.uses
        ],
        "versions": {"cozad_teach": __version__, "torch": str(torch.__version__)},
    }
    tensors = {
        **{f"parameters.{name}": value.detach() for name, value in model.parameters.items()},
        "feature_mean": model.feature_mean,
        "feature_std": model.feature_std,
        "prior": model.prior,
        **{f"thumbnails.{n}": torch.from_numpy(s.thumbnails) for n, s in enumerate(sets)},
    }
    tensors = {name: value.cpu().contiguous() for name, value in tensors.items()}
    with atomic_write(path) as temporary:
        try:
            save_file(tensors, temporary, {"format": FORMAT, "header": json.dumps(header)})
        except SafetensorError as error:  # as which a full disk comes
            raise CozadError(f"cannot write {path}: {error}") from error


def load_model(
    path: str | os.PathLike[str],
    *,
    device: torch.device | str = "cpu",
    weights: str | os.PathLike[str] | None = None,
) -> CoZAD:
    """Read a trained model and load the backbone it was trained on.

    Parameters
    ----------
    path : path
        A file of `save_model`.
    device : torch.device or str
        Where the model will run.
    weights : path, optional
        Backbone weights that are not installed, as in `load_backbone`.

    Returns
    -------
    CoZAD
        The model, giving the scores it gave when it was saved.

    Raises
    ------
    CozadError
        If the file is missing, truncated, of another program or version, inconsistent in itself,
        or trained on backbone weights other than those at hand.
    """
    header, tensors = _read(Path(path))
    try:
        chosen = settings.from_dict(header["settings"])
        wanted = header["backbone"]["weights_digest"]
        backbone = load_backbone(header["backbone"]["name"], chosen.strides, weights).to(device)
        if backbone.weights_digest != wanted:
            raise CozadError(
                f"{path} was trained on other weights of {backbone.name} than those at hand: "
                "bring the same ones with --weights FILE, or train again"
            )
        parameters = {
            name.removeprefix("parameters."): value.to(device)
            for name, value in tensors.items()
            if name.startswith("parameters.")
        }
        shapes = {name: tuple(value.shape) for name, value in tensors.items()}
        purposes = {use["purpose"] for use in header["uses"]}
        if not header["history"] or not purposes >= EVERY_MODEL:
            raise CozadError(f"{path} does not say how it was trained: train again")
        sets = [
            Fingerprints(
                tuple(images["names"]),
                tuple(images["hashes"]),
                tensors[f"thumbnails.{n}"].numpy(),
            )
            for n, images in enumerate(header["image_sets"])
        ]
        if shapes != _shapes(backbone.channels, sets):
            raise CozadError(f"{path} does not fit the backbone {backbone.name}: train again")
        if not all(torch.isfinite(value).all() for value in tensors.values()):
            raise CozadError(f"{path} holds numbers that are not finite: train again")
        return CoZAD(
            settings=chosen,
            backbone=backbone,
            feature_mean=tensors["feature_mean"],
            feature_std=tensors["feature_std"],
            prior=tensors["prior"],
            parameters=parameters,
            history=[MetaStep(*step) for step in header["history"]],
            seed=int(header["seed"]),
            uses=tuple(
                Use(use["purpose"], sets[use["image_set"]], use["labels"]) for use in header["uses"]
            ),
            fit_seconds=float(header["fit_seconds"]),
            trained_on=str(header["trained_on"]),
        )
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise CozadError(f"the header of {path} is damaged: train again") from error


def _read(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """Read header and tensors of a file that may be anything."""
    if not path.is_file():
        raise CozadError(f"there is no model file {path}: make one with cozad train")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise CozadError(f"{path} is truncated or not a model file: train again") from error
    kind = metadata.get("format", "")
    if kind != FORMAT:
        if kind.startswith(FORMAT.rstrip("0123456789")):
            raise CozadError(f"{path} is of another version ({kind!r}): train again")
        raise CozadError(f"{path} is a safetensors file of another program, not of cozad train")
    try:
        header: dict[str, Any] = json.loads(metadata.get("header", ""))
    except ValueError as error:
        raise CozadError(f"the header of {path} is damaged: train again") from error
    return header, tensors


def _shapes(channels: int, sets: list[Fingerprints]) -> dict[str, tuple[int, ...]]:
    side = THUMBNAIL_SIDE
    return {
        "parameters.head": (channels, channels),
        "parameters.log_slope": (),
        "parameters.offset": (),
        "feature_mean": (channels,),
        "feature_std": (channels,),
        "prior": (channels, channels),
        **{f"thumbnails.{n}": (len(s.hashes), side, side) for n, s in enumerate(sets)},
    }
