"""Chapter 2: find a network of timm's and its weights, and cut it behind the last level used."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from torch import Tensor, nn

from cozad_teach.errors import CozadError
from cozad_teach.features import Backbone
from cozad_teach.files.backbone_weights import WEIGHT_PACKAGES, read_weights
from cozad_teach.files.lean_timm import shapes_only, timm
from cozad_teach.settings import BACKBONE_NAME, Settings, read_strides

__all__ = ["backbone_settings", "load_backbone"]

# What is read of a network where nobody says so: strides, or shares of the depth of a transformer.
_STRIDES, _DEPTHS = (8, 16), (1 / 2, 3 / 4)


def load_backbone(
    name: str = "tf_efficientnet_lite0",
    strides: Sequence[int] = (8, 16),
    weights: str | os.PathLike[str] | None = None,
    *,
    blocks: Sequence[int] = (),
) -> Backbone:
    """Load a frozen, pretrained backbone, without a download where its weights are installed.

    Parameters
    ----------
    name : str
        A timm model name: plain, not one with the address of a hub or a folder.
    strides : sequence of int
        The levels to read, by stride in pixels, finest first.
    weights : path, optional
        A file of timm weights (.safetensors or a PyTorch state dict) to use instead.
    blocks : sequence of int
        Of a network whose blocks all have one stride, as transformers have: which ones to read,
        from 1. `strides` holds that stride alone.

    Returns
    -------
    Backbone
        In evaluation mode, without gradients, cut after the last level used.

    Raises
    ------
    CozadError
        If the name, a level or the weights do not fit, or the weights cannot be had.
    """
    levels = _indices(name, strides, blocks)
    fetched = weights is None and name not in WEIGHT_PACKAGES
    state = {} if fetched else read_weights(name, weights)
    # Positions are then resized to the grid of the images, and not once for all to one size.
    sizes: dict[str, Any] = {"dynamic_img_size": True} if blocks else {}
    try:
        network = timm.create_model(
            name, pretrained=fetched, features_only=True, out_indices=levels, **sizes
        )
    except Exception as error:  # timm raises many kinds of error when a hub does not answer
        raise CozadError(
            f"the weights of {name} could not be fetched ({type(error).__name__}): bring them "
            "with --weights FILE, or use tf_efficientnet_lite0, whose weights are installed"
        ) from error
    if not fetched:
        # Of a transformer timm wraps the whole network, whose names the file has.
        inner = getattr(network, "model", network)
        assert isinstance(inner, nn.Module)
        # And of others it calls stages.0 stages_0, when it takes them apart.
        alike = {key.replace("_", "."): key for key in state}
        wanted = {key: alike.get(key.replace("_", ".")) for key in inner.state_dict()}
        if len(alike) < len(state) or None in wanted.values():
            raise CozadError(f"levels of {name} take no weights from a file: choose another")
        inner.load_state_dict({key: state[of] for key, of in wanted.items() if of})
    if not blocks and isinstance(stages := getattr(network, "blocks", None), nn.Sequential):
        # timm runs an EfficientNet to its end, also where only its first levels are asked for.
        network.blocks = stages[: network.feature_info.get_dicts()[-1]["stage"]]  # type: ignore
    if getattr(network, "output_fmt", "NCHW") == "NHWC":
        network = _ChannelsFirst(network)
    return Backbone(network, name, strides, blocks)


class _ChannelsFirst(nn.Module):
    """A network whose levels come with the channels last, as some transformers' do."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network
        self.feature_info, self.pretrained_cfg = network.feature_info, network.pretrained_cfg

    def forward(self, images: Tensor) -> list[Tensor]:
        return [level.permute(0, 3, 1, 2) for level in self.network(images)]


def backbone_settings(settings: Settings, name: str, levels: Sequence[int] = ()) -> Settings:
    """Put another backbone into settings.

    Parameters
    ----------
    settings : Settings
        The other numbers.
    name : str
        A timm model name.
    levels : sequence of int
        Strides of its levels, or, where all of its blocks have one stride, numbers of blocks from
        1. By default strides 8 and 16, or the blocks at a half and at three quarters of its depth.

    Raises
    ------
    CozadError
        If there is no such network or level.
    """
    strides, depth = _levels(name)
    if not depth:
        chosen = dataclasses.replace(
            settings, backbone=name, strides=tuple(levels) or _STRIDES, blocks=()
        )
    else:
        blocks = tuple(levels) or tuple(round(share * depth) for share in _DEPTHS)
        chosen = dataclasses.replace(settings, backbone=name, strides=strides, blocks=blocks)
    _indices(name, chosen.strides, chosen.blocks)
    return chosen


@lru_cache(maxsize=16)  # it is asked for settings, for a model and for weights
def _levels(name: str) -> tuple[tuple[int, ...], int]:
    """Give the strides of a network's levels, and its number of blocks if they have all one."""
    # What is no plain name of a network that timm has itself, it would seek in folders or a hub.
    if not timm.is_model(BACKBONE_NAME(name, "the backbone")):
        raise CozadError(f"unknown backbone {name!r}: see timm.list_models()")
    try:
        with shapes_only():  # without the memory of a network
            probe: Any = timm.create_model(name, pretrained=False, features_only=True)
    except Exception as error:  # each kind of network that has no levels fails in its own way
        raise CozadError(f"{name} gives no levels of features: choose another") from error
    strides = tuple(probe.feature_info.reduction())
    if len(set(strides)) > 1 or not hasattr(probe, "model"):
        return strides, 0
    return strides[:1], len(probe.model.feature_info)


def _indices(name: str, strides: Sequence[int], blocks: Sequence[int]) -> list[int]:
    """Translate strides or blocks into timm's indices of levels."""
    strides = read_strides(strides, "strides")
    found, depth = _levels(name)
    if depth:
        if strides != found or not blocks or not all(1 <= block <= depth for block in blocks):
            raise CozadError(
                f"{name} has {depth} blocks of stride {found[0]}: choose levels from 1 to {depth}"
            )
        return [block - 1 for block in blocks]
    if blocks:
        raise CozadError(f"the levels of {name} are strides: choose from {[*found]}")
    if missing := [stride for stride in strides if stride not in found]:
        raise CozadError(f"{name} has no level of stride {missing[0]}: choose from {[*found]}")
    return [found.index(stride) for stride in strides]
