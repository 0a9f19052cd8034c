"""Keep the state of a training run, so that one that was stopped goes on as if it had not been."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from cozad_teach import __version__
from cozad_teach.errors import CozadError, printable
from cozad_teach.files import tensors as tensor_files
from cozad_teach.files import values as read
from cozad_teach.files.reading import check_file
from cozad_teach.files.tensors import Kind
from cozad_teach.files.values import Wrong
from cozad_teach.settings import Settings
from cozad_teach.training.episodes import AuxiliaryCategory

__all__ = ["Checkpoint", "State", "run_key"]

FORMAT = "cozad-teach checkpoint, version 1"
LARGEST_CHECKPOINT = 4 * 2**30  # bytes
MOMENTS = ("exp_avg", "exp_avg_sq")  # of Adam
_LOSS = read.number(-1e30, 1e30)
_HEADER = read.record(
    key=read.text(64),
    losses=read.listed(read.row(_LOSS, _LOSS, read.number(0, 1e7))),
    tasks=read.record(  # of numpy's default generator
        bit_generator=read.word("PCG64"),
        state=read.record(state=read.whole(0, 2**128 - 1), inc=read.whole(0, 2**128 - 1)),
        has_uint32=read.whole(0, 1),
        uinteger=read.whole(0, 2**32 - 1),
    ),
)


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
        One entry per meta-step done: what `cozad_teach.training.meta_training.MetaStep` holds.
    """

    theta: dict[str, Tensor]
    optimiser: torch.optim.Optimizer
    tasks: np.random.Generator
    noise: torch.Generator
    losses: list[tuple[float, float, float]]


def run_key(
    settings: Settings,
    seed: int,
    weights_digest: str,
    images: Sequence[str],
    categories: Sequence[AuxiliaryCategory],
) -> str:
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
    categories : sequence of AuxiliaryCategory
        With the labels of their patches.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    versions = [__version__, str(torch.__version__)]
    parts = [
        *versions,
        json.dumps(dataclasses.asdict(settings)),
        str(seed),
        weights_digest,
        *images,
    ]
    for category in categories:
        labels = category.anomalous
        parts += [str(tuple(labels.shape)), hashlib.sha256(labels.numpy().tobytes()).hexdigest()]
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
        tensors["noise"] = state.noise.get_state()
        tasks = state.tasks.bit_generator.state
        header = json.dumps({"key": self.key, "losses": state.losses, "tasks": tasks})
        tensor_files.write_tensors(self.path, tensors, {"format": FORMAT, "header": header})

    def restore(self, state: State, most_steps: int) -> None:
        """Put the state into `state`, if there is a file; of a file that is refused, nothing.

        Parameters
        ----------
        state : State
            Of a run that has not begun.
        most_steps : int
            Number of meta-steps that the whole run takes.

        Raises
        ------
        CozadError
            If the file is damaged, or of another run.
        """
        if not self.path.exists():
            return
        remedy, shown = "delete it to train from the start", printable(str(self.path))
        check_file(self.path, "cannot read the checkpoint", remedy, LARGEST_CHECKPOINT)
        try:
            with tensor_files.open_tensors(self.path, "a checkpoint") as file:
                metadata = file.metadata() or {}
                if metadata.get("format") != FORMAT:
                    raise CozadError(f"{shown} is not a checkpoint of this version: {remedy}")
                header = _HEADER(read.parse_json(metadata.get("header", "")), "header")
                if header["key"] != self.key:
                    raise CozadError(
                        f"{shown} is of a run with other settings, seed, backbone, images or "
                        f"versions: {remedy}"
                    )
                tensor_files.check_kinds(tensor_files.kinds(file), _wanted(state))
                tensors = tensor_files.read_all(file)
            _check_steps(header["losses"], tensors, most_steps)
        except Wrong as error:
            raise CozadError(f"{shown} is damaged ({error}): {remedy}") from error
        moments: dict[int, dict[str, Tensor]] = {}
        for number, (name, value) in enumerate(state.theta.items()):
            value.copy_(tensors[f"theta.{name}"])
            moments[number] = {m: tensors[f"optimiser.{number}.{m}"] for m in ("step", *MOMENTS)}
        state.optimiser.load_state_dict({**state.optimiser.state_dict(), "state": moments})
        state.tasks.bit_generator.state = header["tasks"]
        state.noise.set_state(tensors["noise"])
        state.losses[:] = header["losses"]


def _wanted(state: State) -> dict[str, Kind]:
    """Give type and shape of every tensor of a checkpoint of this run."""
    alike = {f"theta.{name}": value for name, value in state.theta.items()}
    for number, value in enumerate(state.theta.values()):
        alike |= {f"optimiser.{number}.{moment}": value for moment in MOMENTS}
        alike[f"optimiser.{number}.step"] = torch.tensor(0.0)
    alike["noise"] = state.noise.get_state()
    return {name: (value.dtype, tuple(value.shape)) for name, value in alike.items()}


def _check_steps(
    losses: Sequence[tuple[float, float, float]], tensors: Mapping[str, Tensor], most: int
) -> None:
    """Compare the numbers in a checkpoint with each other and with the length of the run."""
    tensor_files.check_finite(tensors)
    if not 0 < len(losses) <= most:
        raise Wrong(f"it has {len(losses)} steps of a run of {most}")
    for name, value in tensors.items():
        if name.endswith(".step") and float(value) != len(losses):
            raise Wrong(f"{name} is {float(value):g} after {len(losses)} steps")
        if name.endswith(MOMENTS[1]) and (value < 0).any():
            raise Wrong(f"{name} is below 0")
    try:
        torch.Generator().set_state(tensors["noise"])
    except RuntimeError as error:
        raise Wrong("noise is no state of a generator") from error
