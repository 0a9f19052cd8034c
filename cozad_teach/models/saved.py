"""Save and load a trained detector: tensors and a JSON header in one file, without pickle."""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path

import torch

from cozad_teach import __version__
from cozad_teach.backbones import load_backbone
from cozad_teach.cozad import CoZAD
from cozad_teach.data.identity.fingerprints import Fingerprints
from cozad_teach.data.identity.uses import Use
from cozad_teach.errors import CozadError, printable
from cozad_teach.files.backbone_weights import WEIGHT_PACKAGES
from cozad_teach.files.reading import check_file
from cozad_teach.files.tensors import kinds, open_tensors, read_all, write_tensors
from cozad_teach.files.values import Wrong
from cozad_teach.models.checks import check_backbone, check_header, check_tensors
from cozad_teach.training.calibration_samples import CalibrationSample
from cozad_teach.training.meta_training import MetaStep

__all__ = ["FORMAT", "load_model", "save_model"]

FORMAT = "cozad-teach model, version 5"
LARGEST_MODEL = 4 * 2**30  # bytes


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
        If the file cannot be written, or `load_model` would refuse it.
    """
    sets: list[Fingerprints] = []  # several uses may be of the same images
    for images in (*(use.images for use in model.uses), *(s.images for s in model.samples)):
        if not any(images is known for known in sets):
            sets.append(images)

    def number(images: Fingerprints) -> int:
        return next(n for n, known in enumerate(sets) if known is images)

    backbone = model.backbone
    values = {
        "settings": dataclasses.asdict(model.settings),
        "backbone": {"name": backbone.name, "weights_digest": backbone.weights_digest},
        "seed": model.seed,
        "fit_seconds": model.fit_seconds,
        "trained_on": model.trained_on,
        "history": [dataclasses.astuple(step) for step in model.history],
        "image_sets": [{"names": images.names, "hashes": images.hashes} for images in sets],
        "uses": [
            {"purpose": use.purpose, "labels": use.labels, "image_set": number(use.images)}
            for use in model.uses
        ],
        "auxiliary": model.auxiliary,
        "samples": [
            {
                "category": sample.category,
                "n_support": sample.n_support,
                "n_normal": sample.n_normal,
                "image_set": number(sample.images),
            }
            for sample in model.samples
        ],
        "versions": {"cozad_teach": __version__, "torch": str(torch.__version__)},
    }
    tensors = {
        **{f"parameters.{name}": value for name, value in model.parameters.items()},
        "feature_mean": model.feature_mean,
        "feature_std": model.feature_std,
        "prior": model.prior,
        **{f"thumbnails.{n}": torch.from_numpy(s.thumbnails) for n, s in enumerate(sets)},
        **{f"samples.{n}": sample.features for n, sample in enumerate(model.samples)},
    }
    tensors = {name: value.detach().cpu() for name, value in tensors.items()}
    try:
        header = json.dumps(values)
        check_header(header, {n: (v.dtype, tuple(v.shape)) for n, v in tensors.items()})
        check_tensors(tensors)
        check_backbone(backbone, model.settings, tensors)
    except (Wrong, TypeError, ValueError) as error:
        raise CozadError(f"{path} cannot be written ({error}): train again") from error
    write_tensors(path, tensors, {"format": FORMAT, "header": header})


def load_model(
    path: str | os.PathLike[str],
    *,
    device: torch.device | str = "cpu",
    weights: str | os.PathLike[str] | None = None,
) -> CoZAD:
    """Read a trained model and load the backbone it was trained on.

    Everything in the file is checked before anything is done with it. Of other files it can make
    only the weights be read that are installed or given; nothing of it leads to a network.

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
    path, shown = Path(path), printable(str(path))
    check_file(path, "there is no model file", "make one with cozad train", LARGEST_MODEL)
    try:
        with open_tensors(path, "a model file") as file:
            metadata = file.metadata() or {}
            _check_format(metadata.get("format", ""), shown)
            header = check_header(metadata.get("header", ""), kinds(file))
            tensors = read_all(file)
        check_tensors(tensors)
    except Wrong as error:
        raise CozadError(f"{shown} is damaged ({error}): train again") from error
    name, chosen = header["backbone"]["name"], header["settings"]
    if weights is None and name not in WEIGHT_PACKAGES:
        raise CozadError(
            f"{shown} wants the backbone {name}, whose weights are not installed: bring them with "
            "--weights FILE"
        )
    try:
        backbone = load_backbone(name, chosen.strides, weights, blocks=chosen.blocks).to(device)
        check_backbone(backbone, chosen, tensors)
    except CozadError as error:
        raise CozadError(f"{shown} wants the backbone {name}: {error}") from error
    if backbone.weights_digest != header["backbone"]["weights_digest"]:
        raise CozadError(
            f"{shown} was trained on other weights of {name} than those at hand: "
            "bring the same ones with --weights FILE, or train again"
        )
    sets = [
        Fingerprints(images["names"], images["hashes"], tensors[f"thumbnails.{n}"].numpy())
        for n, images in enumerate(header["image_sets"])
    ]
    return CoZAD(
        settings=chosen,
        backbone=backbone,
        feature_mean=tensors["feature_mean"],
        feature_std=tensors["feature_std"],
        prior=tensors["prior"],
        parameters={
            key.removeprefix("parameters."): value.to(device)
            for key, value in tensors.items()
            if key.startswith("parameters.")
        },
        history=[MetaStep(*step) for step in header["history"]],
        seed=header["seed"],
        uses=tuple(
            Use(use["purpose"], sets[use["image_set"]], use["labels"]) for use in header["uses"]
        ),
        fit_seconds=header["fit_seconds"],
        trained_on=header["trained_on"],
        auxiliary=header["auxiliary"],
        samples=tuple(
            CalibrationSample(
                sample["category"],
                tensors[f"samples.{n}"],
                sample["n_support"],
                sample["n_normal"],
                sets[sample["image_set"]],
            )
            for n, sample in enumerate(header["samples"])
        ),
    )


def _check_format(kind: str, shown: str) -> None:
    if kind == FORMAT:
        return
    if kind.startswith(FORMAT.rstrip("0123456789")):
        raise CozadError(f"{shown} is of another version ({kind[:60]!r}): train again")
    raise CozadError(f"{shown} is a safetensors file of another program, not of cozad train")
