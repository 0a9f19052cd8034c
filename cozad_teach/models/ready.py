"""The ready model: one that `make book` trains, for commands that are given no other."""

from __future__ import annotations

from pathlib import Path

from cozad_teach.errors import CozadError
from cozad_teach.files.checkout import build_folder

__all__ = ["card_of", "model_file", "ready_model"]


def ready_model() -> Path:
    """Give the place of the ready model, whether it is there or not; its card lies beside it."""
    return build_folder() / "ready" / "model.safetensors"


def card_of(model: str | Path) -> Path:
    """Give the place of the card of the ready model."""
    return Path(model).with_name("model_card.md")


def model_file(named: str | None) -> str:
    """Give the model that a command names, or the ready one.

    Parameters
    ----------
    named : str or None
        A path; it is not looked at.

    Returns
    -------
    str
        A path.

    Raises
    ------
    CozadError
        If none is named and there is no ready one.
    """
    if named is not None:
        return named
    if not ready_model().is_file():
        raise CozadError(
            "there is no ready model yet: make it with `make book`, or train one with `cozad "
            "train --out model.safetensors` and name it with --model model.safetensors"
        )
    return str(ready_model())
