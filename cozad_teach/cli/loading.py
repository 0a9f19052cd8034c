"""The settings, the device and the model that a command names."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from cozad_teach.errors import CozadError

if TYPE_CHECKING:
    from cozad_teach.cozad import CoZAD

__all__ = ["check_settings", "device", "load_model_of"]


def check_settings(name: str) -> None:
    """Refuse a name that no settings have.

    Raises
    ------
    CozadError
        With the names that there are.
    """
    from cozad_teach.settings import SETTINGS

    if name not in SETTINGS:
        raise CozadError(f"unknown settings {name!r}: choose {', '.join(SETTINGS)}")


def device(name: str | None) -> str:
    """Choose the device, or check the one that was asked for.

    Raises
    ------
    CozadError
        If it is not available here.
    """
    import torch

    if name is None:  # an Apple GPU must be asked for: nothing here was tried on one
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        if torch.zeros(1, device=name).is_meta:
            raise RuntimeError("it holds no numbers")
    except (RuntimeError, AssertionError) as error:
        raise CozadError(f"device {name!r} is not available here: leave --device out") from error
    return name


def load_model_of(options: argparse.Namespace) -> CoZAD:
    """Load the model that a command names, on the device and with the weights that it names."""
    from cozad_teach.models.saved import load_model

    return load_model(options.model, device=device(options.device), weights=options.weights)
