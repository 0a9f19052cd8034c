"""Keep the state of a training run, so that one that was stopped goes on as if it had not been."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from cozad_teach import __version__
from cozad_teach.errors import CozadError
from cozad_teach.files import atomic_write
from cozad_teach.settings import Settings, to_dict

__all__ = ["Checkpoint", "State", "run_key"]

FORMAT = "cozad-teach checkpoint, version 1"
MOMENTS = ("exp_avg", "exp_avg_sq")  # of Adam


@dataclass
class State:
    """All that the next meta-step depends on.

    Attributes
    ----------
    theta : dict of torch.Tensor
        The parameters; the optimiser holds these very tensors.
    optimiser : torch.optim.Optimizer
        With its moments.
    tasks : numpy.random.Generator
        The source of tasks.
    noise : torch.Generator
        The source of noise, on the CPU.
    losses : list of tuple of float
        One entry per meta-step done: what `cozad_teach.meta_training.MetaStep` holds.
    """

    theta: dict[str, Tensor]
    optimiser: torch.optim.Optimizer
    tasks: np.random.Generator
    noise: torch.Generator
    losses: list[tuple[float, float, float]]


def run_key(settings: Settings, seed: int, weights_digest: str, images: Sequence[str]) -> str:
    """Give a name that two runs share only if they are to give the same model.

    Parameters
    ----------
    settings : Settings
        Of the run.
    seed : int
        Of the run.
    weights_digest : str
        Of the backbone.
    images : sequence of str
        Hash of each auxiliary image, in order.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    versions = [__version__, str(torch.__version__)]
    parts = [*versions, json.dumps(to_dict(settings)), str(seed), weights_digest, *images]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Checkpoint:
    """A file that holds the state of one run.

    Attributes
    ----------
    path : pathlib.Path
        The file; it need not exist yet.
    key : str
        Of `run_key`.
    every : int
        Number of meta-steps after which the file is renewed.
    """

    path: Path
    key: str
    every: int = 20

    def save(self, state: State) -> None:
        """Write the state, whole or not at all.

        Raises
        ------
        CozadError
            If the file cannot be written.
        """
        stored = state.optimiser.state_dict()
        tensors = {f"theta.{name}": value for name, value in state.theta.items()}
        for number, moments in stored["state"].items():
            tensors |= {f"optimiser.{number}.{name}": value for name, value in moments.items()}
        tensors = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
        header = {
            "key": self.key,
            "losses": state.losses,
            "tasks": state.tasks.bit_generator.state,
        }
        with atomic_write(self.path) as temporary:
            try:
                save_file(
                    {**tensors, "noise": state.noise.get_state()},
                    temporary,
                    {"format": FORMAT, "header": json.dumps(header)},
                )
            except SafetensorError as error:  # as which a full disk comes
                raise CozadError(f"cannot write {self.path}: {error}") from error

    def restore(self, state: State) -> None:
        """Put the state into `state`, if there is a file.

        Raises
        ------
        CozadError
            If the file is damaged, or of another run.
        """
        if not self.path.exists():
            return
        remedy = "delete it to train from the start"
        try:
            with safe_open(self.path, framework="pt") as file:
                metadata = file.metadata() or {}
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if metadata.get("format") != FORMAT:
                raise CozadError(f"{self.path} is not a checkpoint of this version: {remedy}")
            header: dict[str, Any] = json.loads(metadata["header"])
            if header["key"] != self.key:
                raise CozadError(
                    f"{self.path} is of a run with other settings, seed, backbone, images or "
                    f"versions: {remedy}"
                )
            moments: dict[int, dict[str, Tensor]] = {}
            for name, value in tensors.items():
                if name.startswith("optimiser."):
                    _, number, moment = name.split(".")
                    moments.setdefault(int(number), {})[moment] = value
            losses = [(float(a), float(b), float(c)) for a, b, c in header["losses"]]
            for number, (name, value) in enumerate(state.theta.items()):
                stored = [tensors[f"theta.{name}"], *map(moments[number].get, MOMENTS)]
                # Shapes that broadcast would fit without complaint.
                if any(tensor is None or tensor.shape != value.shape for tensor in stored):
                    raise ValueError(f"{name} has another shape")
                value.copy_(stored[0])
            state.optimiser.load_state_dict({**state.optimiser.state_dict(), "state": moments})
            state.tasks.bit_generator.state = header["tasks"]
            state.noise.set_state(tensors["noise"])
        except (SafetensorError, OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
            raise CozadError(f"{self.path} is damaged: {remedy}") from error
        state.losses[:] = losses
