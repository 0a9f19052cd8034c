"""What a model file must hold, compared with itself before anything is done with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from cozad_teach import settings
from cozad_teach.data.identity.fingerprints import THUMBNAIL_SIDE
from cozad_teach.data.identity.uses import EVERY_MODEL, PURPOSES
from cozad_teach.features import Backbone
from cozad_teach.files import values as read
from cozad_teach.files.tensors import Kind, check_finite, check_kinds
from cozad_teach.files.values import Wrong

__all__ = ["check_backbone", "check_header", "check_tensors"]

LARGEST_JSON = 15 * 2**20  # enough for a hundred thousand images
_LOSS = read.number(-1e30, 1e30)
_HEADER = read.record(
    settings=lambda value, name: settings.from_dict(value),
    backbone=read.record(name=settings.BACKBONE_NAME, weights_digest=read.text(100)),
    seed=read.whole(0, 2**64 - 1),
    fit_seconds=read.number(0, 1e9),
    trained_on=read.text(200),
    history=read.listed(read.row(_LOSS, _LOSS, read.number(0, 1e7))),
    image_sets=read.listed(
        read.record(
            names=read.listed(read.text(1000), 1),
            hashes=read.listed(read.matching("[0-9a-f]{64}", "a SHA-256"), 1),
        )
    ),
    uses=read.listed(
        read.record(purpose=read.word(*PURPOSES), labels=read.flag, image_set=read.whole(0, 10_000))
    ),
    auxiliary=read.listed(read.text(1000), 0, 10_000),
    samples=read.listed(
        read.record(
            category=read.text(1000),
            n_support=read.whole(1, 1_000),
            n_normal=read.whole(2, 1_000),
            image_set=read.whole(0, 10_000),
        ),
        0,
        100,
    ),
    versions=read.record(cozad_teach=read.text(100), torch=read.text(100)),
)
# Beyond these, float32 overflows on the way to a score; a std of 0 divides by it.
_LIMITS = {
    "parameters.head": (-1e6, 1e6),
    "parameters.log_slope": (-20.0, 20.0),
    "parameters.offset": (-1e6, 1e6),
    "feature_mean": (-1e9, 1e9),
    "feature_std": (1e-12, 1e9),
    "prior": (-1e9, 1e9),
}


def check_header(content: str, found: Mapping[str, Kind]) -> dict[str, Any]:
    """Read a header, and compare it with itself and with the kinds of the tensors.

    Parameters
    ----------
    content : str
        JSON.
    found : mapping of str to Kind
        Of `cozad_teach.files.tensors.kinds`.

    Returns
    -------
    dict
        As it stands in the file, with `Settings` in the place of their values.

    Raises
    ------
    Wrong
        If a value is missing, unknown, of another type or out of range, or two disagree.
    """
    if len(content) > LARGEST_JSON:
        raise Wrong(f"its header of {len(content):,} signs is longer than {LARGEST_JSON:,}")
    header: dict[str, Any] = _HEADER(read.parse_json(content), "header")
    history, sets, uses = header["history"], header["image_sets"], header["uses"]
    if not history or not {use["purpose"] for use in uses} >= EVERY_MODEL:
        raise Wrong("it does not say how it was trained")
    if len(history) != header["settings"].meta_steps:
        raise Wrong(f"its history has {len(history)} steps, not as many as meta_steps")
    if not all(use["image_set"] < len(sets) for use in (*uses, *header["samples"])):
        raise Wrong(f"a use or a sample names an image_set beyond the {len(sets)} that there are")
    for n, images in enumerate(sets):
        if len(images["names"]) != len(images["hashes"]):
            raise Wrong(f"image_sets[{n}] has not as many names as hashes")
    shape = found["feature_mean"][1] if "feature_mean" in found else ()
    if len(shape) != 1 or not shape[0]:
        raise Wrong("it has no feature_mean with a number for each channel")
    for n, sample in enumerate(header["samples"]):
        n_images = len(sets[sample["image_set"]]["names"])
        if not sample["n_support"] < sample["n_normal"] < n_images:
            raise Wrong(f"samples[{n}] has no normal or no anomalous image beside its support")
    square = shape * 2
    # Height and width of the grid of patches are those of the first sample.
    grid = found["samples.0"][1][1:3] if "samples.0" in found else ()
    if header["samples"] and not (
        len(grid) == 2 and all(0 < n <= settings.LARGEST_GRID for n in grid)
    ):
        raise Wrong("it has no samples.0 with a grid of patches")
    thumbnails = (THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    check_kinds(
        found,
        {
            "parameters.head": (torch.float32, square),
            "parameters.log_slope": (torch.float32, ()),
            "parameters.offset": (torch.float32, ()),
            "feature_mean": (torch.float32, shape),
            "feature_std": (torch.float32, shape),
            "prior": (torch.float32, square),
            **{
                f"thumbnails.{n}": (torch.uint8, (len(images["names"]), *thumbnails))
                for n, images in enumerate(sets)
            },
            **{
                f"samples.{n}": (
                    torch.float16,
                    (len(sets[sample["image_set"]]["names"]), *grid, *shape),
                )
                for n, sample in enumerate(header["samples"])
            },
        },
    )
    return header


def check_tensors(tensors: Mapping[str, Tensor]) -> None:
    """Raise Wrong if tensors of the right kinds hold numbers that no model has."""
    check_finite(tensors)
    for name, (low, high) in _LIMITS.items():
        value = tensors[name]
        if not (value.min() >= low and value.max() <= high):
            raise Wrong(f"{name} holds numbers that are not from {low:g} to {high:g}")
    # An indefinite matrix gives scores that are nan, after minutes of work.
    prior = tensors["prior"].double()
    scale = float(prior.diagonal().mean())
    floor = torch.full((len(prior),), max(1e-3 * scale, 1e-30), dtype=prior.dtype).diag()
    failed = int(torch.linalg.cholesky_ex(prior + floor).info)
    if failed or float((prior - prior.mT).abs().max()) > 1e-3 * scale:
        raise Wrong("prior is no covariance: not symmetric, or with a negative variance")


def check_backbone(
    backbone: Backbone, chosen: settings.Settings, tensors: Mapping[str, Tensor]
) -> None:
    """Raise Wrong if the backbone does not give the features that the model was trained on."""
    channels = len(tensors["feature_mean"])
    if (backbone.channels, backbone.strides) != (channels, chosen.strides):
        raise Wrong(
            f"its {channels} channels at strides {chosen.strides} are not those of "
            f"{backbone.name}, which gives {backbone.channels} at {backbone.strides}"
        )
