"""Time on the clock of several processes beside one: the tasks of a meta-step, and whole models."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from comparing import report
from joblib import Parallel, delayed

from cozad_teach.settings import LITE
from cozad_teach.training.episodes import AuxiliaryCategory
from cozad_teach.training.meta_training import MetaStep, meta_train
from cozad_teach.training.sharding import is_first, shared_training

CHANNELS = 152  # of the levels of EfficientNet-Lite0
WARM, STEPS, REPEATS = 1, 6, 2
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


def seconds_of(*words: str) -> float:
    """Start this script; give the seconds that it prints, or if it prints none, that it took."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *words], env=environment, capture_output=True, text=True, check=True
    )
    return float(done.stdout or time.perf_counter() - start)


def only_compute(_: int) -> None:
    """Do what takes a core and nothing else: two workers are twice as fast where both are free."""
    sum(range(10**8))


def seconds_of_units(unit: Callable[[int], object], workers: int) -> float:
    """Do a unit of work for each of two models; the workers have started before."""
    with Parallel(workers) as pool:
        pool(delayed(unit)(seed) for seed in range(workers))
        start = time.perf_counter()
        pool(delayed(unit)(seed) for seed in range(2))
    return time.perf_counter() - start


def act(what: str) -> None:
    """Do what a process of this script is started for."""
    if what == "steps":
        with shared_training("cpu"):
            seconds = seconds_of_steps()
            print(seconds if is_first() else "", end="")
    elif what == "start":
        with shared_training("cpu"):
            pass
    else:
        unit = {"models": seconds_of_steps, "loops": only_compute}[what]
        print(seconds_of_units(unit, int(sys.argv[2])))


COMPARED = (
    ("meta-steps, 2 processes", (*TORCHRUN, __file__, "steps")),
    ("one process", (__file__, "steps")),
    ("2 models, 2 workers", (__file__, "models", "2")),
    ("one after the other", (__file__, "models", "1")),
    ("2 loops that only compute, 2 workers", (__file__, "loops", "2")),
    ("one after the other", (__file__, "loops", "1")),
    ("start of 2 processes", (*TORCHRUN, __file__, "start")),
    ("start of one", (__file__, "start")),
)


def main() -> None:
    # By turns, and the least of each: other work on the machine comes and goes.
    rounds = [[seconds_of(*words) for _, words in COMPARED] for _ in range(REPEATS)]
    best = [min(times) for times in zip(*rounds, strict=True)]
    rows: list[dict[str, Any]] = []
    for i in range(0, len(COMPARED), 2):
        ours, theirs = best[i], best[i + 1]
        rows.append(
            {
                "what": COMPARED[i][0],
                "other": COMPARED[i + 1][0],
                "seconds": round(ours, 4),
                "other_seconds": round(theirs, 4),
                "ratio": round(theirs / ours, 2),
                "wanted": "–",
                "note": f"{ours:.3g} s, {theirs:.3g} s",
            }
        )
    report(rows)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        act(sys.argv[1])
    else:
        main()
