"""Several processes do the runs of an experiment, on this machine or on a cluster of Ray."""

from __future__ import annotations

import logging
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import torch
from joblib import Parallel, delayed, parallel_config
from tqdm.auto import tqdm

from cozad_book.experiments.data import open_data
from cozad_book.experiments.models import models_of
from cozad_book.experiments.plan import Line
from cozad_book.experiments.runner import Done, run_all
from cozad_teach.errors import CozadError
from cozad_teach.training.auxiliary_images import DRAWN

__all__ = ["run_by_workers"]

RETRIES = 2  # of runs whose worker was killed: one that takes too much memory would be so for ever
Place = str | os.PathLike[str] | None


def run_by_workers(
    lines: Iterable[Line],
    workers: int,
    cluster: str | None = None,
    *,
    auxiliary: str = DRAWN,
    packs: Place = None,
    device: str = "cpu",
    weights: Place = None,
    folder: Path,
    progress: bool = False,
) -> list[Done]:
    """Do those runs that are not done yet, each worker all of one model, one model after another.

    What a worker has finished is kept at once, so one that is killed loses the run that it was in.
    On a cluster another takes its place, and goes on where it was.

    Parameters
    ----------
    lines, auxiliary, packs, device, weights, folder, progress
        As in `cozad_book.experiments.runner.run_all`.
    workers : int
        Number of processes; one is this one.
    cluster : str, optional
        Address of a cluster of Ray whose machines share the disk of this checkout; each worker
        takes a graphics card of its own if `device` is one.

    Returns
    -------
    list of Done
        What `run_all` gives, to the last digit on as many threads.

    Raises
    ------
    CozadError
        As `run_all`; if a worker was killed, on a cluster again and again; if there is no such
        cluster, no Ray, or one worker for it; if what another machine has kept is not here.
    LeakError
        As `run_all`.
    """
    lines, packs = list(lines), packs or os.environ.get("COZAD_PACKS")
    if cluster is not None and workers == 1:
        raise CozadError("one worker needs no cluster: give --ray with --workers of 2 or more")
    if workers > 1:
        for data in {line.data: None for line in lines}:
            open_data(data, packs)  # told before any training, and drawn before they all draw it
        units = defaultdict(list)
        for line in lines:
            units[models_of(line)].append(line)
        with (
            _engine(workers, cluster, device),
            tqdm(desc="models", total=len(units), unit="model", disable=not progress) as bar,
        ):
            kept = _Parallel(bar)(
                delayed(_keep)(unit, Path.cwd(), folder, auxiliary, packs, device, weights)
                for unit in units.values()
            )
        if missing := {*chain(*kept)} - {*_names(folder)}:
            raise CozadError(
                f"{len(missing)} runs that other machines have done are not in {folder}: copy them "
                "from there, or let the machines share this disk, and give the same command"
            )
    return run_all(
        lines,
        auxiliary=auxiliary,
        packs=packs,
        device=device,
        weights=weights,
        folder=folder,
        progress=progress,
    )


def _keep(
    unit: Sequence[Line],
    here: Path,
    folder: Path,
    auxiliary: str,
    packs: Place,
    device: str,
    weights: Place,
) -> list[str]:
    """Do the runs of one model, in a worker; name what is kept where the worker is."""
    os.chdir(here)
    run_all(unit, auxiliary=auxiliary, packs=packs, device=device, weights=weights, folder=folder)
    return _names(folder)


def _names(folder: Path) -> list[str]:
    return [path.name for path in folder.glob("*.npz")]


class _Parallel(Parallel):
    """Joblib's, with a bar instead of lines."""

    def __init__(self, bar: tqdm) -> None:
        super().__init__(batch_size=1)
        self._bar = bar

    def print_progress(self) -> None:
        self._bar.update(self.n_completed_tasks - self._bar.n)


@contextmanager
def _engine(workers: int, cluster: str | None, device: str) -> Iterator[None]:
    """Let joblib start its processes here, or on a cluster."""
    killed = CozadError(
        "a worker was killed, most often for want of memory: the same command goes on from the "
        "runs that are kept, with fewer --workers"
    )
    if cluster is None:
        try:
            with parallel_config("loky", n_jobs=workers):
                yield
        except BrokenProcessPool as error:
            raise killed from error
        return
    try:
        import ray
        from ray.util.joblib import register_ray
    except ImportError as error:
        raise CozadError("--ray needs Ray: pip install 'cozad-teach[scale]'") from error
    try:
        ray.init(cluster, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise CozadError(f"there is no cluster of Ray at {cluster}: give --ray another") from error
    register_ray()
    each = {
        "max_restarts": -1,
        "max_task_retries": RETRIES,
        "num_cpus": 1,  # without, Ray may put all on one machine
        "num_gpus": int(torch.device(device).type == "cuda"),
    }
    try:
        with parallel_config("ray", n_jobs=workers, ray_remote_args=each):
            yield
    except ray.exceptions.RayError as error:
        raise killed from error
    finally:
        ray.shutdown()
