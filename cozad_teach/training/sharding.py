"""Several processes train one model: each takes a share of a meta-batch, and they average.

``torchrun`` starts the processes. All draw the same tasks and the same noise; where nothing was
started by it, this process is the only one, and nothing here changes a number.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType

import torch
import torch.distributed as dist
from torch import Tensor

from cozad_teach.errors import CozadError

__all__ = [
    "average_over_processes",
    "check_same_start",
    "is_first",
    "n_processes",
    "own_share",
    "own_turn",
    "shared_training",
]

# The others wait for the features of the first. Of one that is dead they hear at once.
LONGEST_WAIT = timedelta(days=7)


def n_processes() -> int:
    """Give the number of processes that train together; 1 outside of `shared_training`."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def is_first() -> bool:
    """Say whether this process is the one that shows progress and writes files."""
    return n_processes() == 1 or dist.get_rank() == 0


@contextmanager
def shared_training(device: str) -> Iterator[str]:
    """Join the processes that ``torchrun`` started, until the block ends.

    Of an error that ends all of them, the process that meets it first tells; the others end in
    silence.

    Parameters
    ----------
    device : str
        ``cuda`` or ``cpu``.

    Yields
    ------
    str
        The device of this process: on a machine with several cards each process has its own.

    Raises
    ------
    CozadError
        If the machine has fewer cards than processes.
    """
    if not (dist.is_available() and dist.is_torchelastic_launched()):
        yield device
        return
    on_cards = torch.device(device).type == "cuda"
    if on_cards:
        number, n_cards = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
        if number >= n_cards:
            raise CozadError(
                f"this machine has {n_cards} cards for {os.environ['LOCAL_WORLD_SIZE']} "
                f"processes: give torchrun --nproc-per-node {n_cards}"
            )
        device = f"cuda:{number}"
        torch.cuda.set_device(device)
    signal.signal(signal.SIGTERM, _ended_by_torchrun)
    store, rank, size = next(dist.rendezvous("env://"))
    # Where torchrun starts anew after a failure, the addresses of the dead are still there.
    store = dist.PrefixStore(os.environ["TORCHELASTIC_RESTART_COUNT"], store)
    dist.init_process_group(
        "nccl" if on_cards else "gloo",
        store=store,
        rank=rank,
        world_size=size,
        timeout=LONGEST_WAIT,
    )
    try:
        yield device
    except (CozadError, KeyboardInterrupt) as error:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # it ends anyway, and says why
        if _is_first_to_tell(store):
            raise
        raise SystemExit(getattr(error, "exit_code", 130)) from error
    dist.destroy_process_group()


def own_share(n_tasks: int) -> slice:
    """Say which tasks of a meta-batch are this process's own; shares differ by one at most.

    Parameters
    ----------
    n_tasks : int
        In the whole meta-batch.

    Raises
    ------
    CozadError
        If there are more processes than tasks.
    """
    n, rank = n_processes(), 0 if is_first() else dist.get_rank()
    if n > n_tasks:
        raise CozadError(
            f"{n} processes cannot share {n_tasks} tasks of a meta-step: start {n_tasks} at most"
        )
    return slice(rank * n_tasks // n, (rank + 1) * n_tasks // n)


def average_over_processes(means: dict[str, Tensor], n_own: int, n_tasks: int) -> dict[str, Tensor]:
    """Turn means over the tasks of each process into means over all tasks.

    Parameters
    ----------
    means : dict of torch.Tensor
        Of this process's tasks: the same names, shapes and types in all processes.
    n_own, n_tasks : int
        Number of tasks of this process, and of all.

    Returns
    -------
    dict of torch.Tensor
        To the last bit the same in all processes; `means` itself where there is one.

    Raises
    ------
    CozadError
        If another process has ended.
    """
    if n_processes() == 1:
        return means
    # As one message: what a small one costs is the way, not its length.
    together = torch.cat([value.flatten() for value in means.values()]) * (n_own / n_tasks)
    with _all_are_there():
        dist.all_reduce(together)
    parts = together.split([value.numel() for value in means.values()])
    return {
        name: part.view_as(value) for (name, value), part in zip(means.items(), parts, strict=True)
    }


@contextmanager
def own_turn() -> Iterator[None]:
    """Let the first process through the block alone, then the others: they find what it wrote."""
    if not is_first():
        _wait_for_all()
    yield
    if is_first():
        _wait_for_all()


def check_same_start(start: str) -> None:
    """Refuse to train with processes that would average what does not belong together.

    Parameters
    ----------
    start : str
        Names settings, images and the step that training begins with.

    Raises
    ------
    CozadError
        If another process has another start, or has ended.
    """
    if n_processes() == 1:
        return
    starts: list[str | None] = [None] * n_processes()
    with _all_are_there():
        dist.all_gather_object(starts, start)
    if len({*starts}) > 1:
        raise CozadError(
            "the processes of this training differ in settings, images, versions or checkpoint: "
            "start all of them with one command, on a disk that their machines share"
        )


def _wait_for_all() -> None:
    if n_processes() > 1:
        with _all_are_there():
            dist.barrier()


@contextmanager
def _all_are_there() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:  # as which every engine tells of a lost connection
        raise CozadError(
            "another process of this training has ended: the same command goes on from the last "
            "checkpoint"
        ) from error


def _ended_by_torchrun(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise CozadError(
        "this training was ended, as torchrun does when one of its processes has: the same "
        "command goes on from the last checkpoint"
    )


def _is_first_to_tell(store: dist.Store) -> bool:
    try:
        return bool(store.add("told", 1) == 1)
    except RuntimeError:  # torchrun, which holds it, has ended
        return is_first()
