"""Time on the clock of several processes beside one: the tasks of a meta-step, and whole models."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
from typing import Any

import torch
from comparing import report
from joblib import Parallel, delayed

from cozad_teach.settings import LITE
from cozad_teach.training.episodes import AuxiliaryCategory
from cozad_teach.training.meta_training import MetaStep, meta_train
from cozad_teach.training.sharding import is_first, shared_training

CHANNELS = 152  # of the levels of EfficientNet-Lite0
WARM, STEPS, MODELS, REPEATS = 1, 8, 4, 2
LOCAL = ["--rdzv-backend=c10d", "--rdzv-endpoint=127.0.0.1:0", "--local-addr=127.0.0.1"]
TORCHRUN = ["-m", "torch.distributed.run", "--nproc-per-node=2", *LOCAL]


def categories() -> list[AuxiliaryCategory]:
    """Features of the size of the `lite` settings, of chance: no number depends on their values."""
    source, made = torch.Generator().manual_seed(0), []
    for _ in range(4):
        features = torch.randn(12, 784, CHANNELS, generator=source)
        anomalous = torch.zeros(12, 784, dtype=torch.bool)
        anomalous[8:, :40] = True
        made.append(AuxiliaryCategory(features / features.norm(dim=-1, keepdim=True), anomalous))
    return made


def seconds_of_steps(seed: int = 0) -> float:
    """Train; give the seconds of the last steps."""
    times: list[float] = []

    def note(_: MetaStep) -> None:
        times.append(time.perf_counter())

    settings = dataclasses.replace(LITE, meta_steps=WARM + STEPS)
    meta_train(categories(), torch.eye(CHANNELS), settings, seed, on_step=note)
    return times[-1] - times[WARM - 1]


def started(what: str, *before: str, threads: int = 1) -> float:
    """Give the seconds that a process of this script prints, or that it takes, started `before`."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "GLOO_SOCKET_IFNAME": "lo"}
    command = [sys.executable, *before, __file__, what]
    found = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        found.append(float(done.stdout or time.perf_counter() - start))
    return min(found)


def act(what: str) -> None:
    """Do what a process of this script is started for."""
    with shared_training("cpu"):
        if what == "steps":
            seconds = seconds_of_steps()
            print(seconds if is_first() else "", end="")
    if what == "models":
        print(seconds_of_models(1), flush=True)
    elif what == "workers":
        print(seconds_of_models(2), flush=True)


def seconds_of_models(workers: int) -> float:
    """Train several models; the workers have started before."""
    with Parallel(workers) as pool:
        pool(delayed(seconds_of_steps)(seed) for seed in range(workers))
        start = time.perf_counter()
        pool(delayed(seconds_of_steps)(seed) for seed in range(MODELS))
    return time.perf_counter() - start


def row(what: str, ours: float, other: str, theirs: float) -> dict[str, Any]:
    return {
        "what": what,
        "other": other,
        "seconds": round(ours, 4),
        "other_seconds": round(theirs, 4),
        "ratio": round(theirs / ours, 2),
        "wanted": "–",
        "note": f"{ours:.3g} s, {theirs:.3g} s",
    }


def main() -> None:
    one, threads = started("steps"), started("steps", threads=2)
    two = started("steps", *TORCHRUN)
    steps = f"{STEPS} meta-steps of 4 tasks, 2 processes"
    models = f"{MODELS} models of {WARM + STEPS} meta-steps, 2 workers"
    report(
        [
            row(steps, two, "one process, one thread", one),
            row(steps, two, "one process, two threads", threads),
            row(models, started("workers"), "one after another", started("models")),
            row("start of 2 processes", started("-", *TORCHRUN), "start of one", started("-")),
        ]
    )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        act(sys.argv[1])
    else:
        main()
