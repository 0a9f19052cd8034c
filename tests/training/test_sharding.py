"""Two processes that torchrun starts train the model that one trains; a dead one loses nothing."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from test_checkpoints import KEY, SETTINGS, categories, same

from cozad_teach import settings as settings_module
from cozad_teach.adaptation import adapt_parameters
from cozad_teach.cli.main import main
from cozad_teach.cozad import CoZAD
from cozad_teach.errors import CozadError
from cozad_teach.maml import Parameters, outer_gradient
from cozad_teach.models import train as train_module
from cozad_teach.models.saved import load_model
from cozad_teach.objectives import inner_loss, query_loss, starting_point
from cozad_teach.settings import LITE, Settings
from cozad_teach.training import meta_training, sharding
from cozad_teach.training.checkpoints import Checkpoint
from cozad_teach.training.meta_training import meta_train, sample_tasks

TWENTY = dataclasses.replace(SETTINGS, meta_steps=20)
CASES = {"even": TWENTY, "uneven": dataclasses.replace(TWENTY, tasks_per_step=3, order="first")}
DIES_AFTER = 5  # steps, two of them after the checkpoint


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Add in the order in which the two processes add: Adam makes much of last digits."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def one_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], None]:
    """Give a function that makes this process one of several, who are not there."""

    def pretend(rank: int, n: int) -> None:
        monkeypatch.setattr(sharding, "n_processes", lambda: n)
        monkeypatch.setattr(sharding, "is_first", lambda: rank == 0)
        monkeypatch.setattr(sharding.dist, "get_rank", lambda: rank)

    return pretend


@pytest.mark.parametrize("n_tasks", range(1, 8))
def test_shares_are_all_tasks_once_and_even(
    one_of: Callable[[int, int], None], n_tasks: int
) -> None:
    for n in range(1, n_tasks + 1):
        shares = []
        for rank in range(n):
            one_of(rank, n)
            shares.append(range(n_tasks)[sharding.own_share(n_tasks)])
        assert [*itertools.chain(*shares)] == [*range(n_tasks)]
        assert max(map(len, shares)) - min(map(len, shares)) <= 1
    one_of(0, n_tasks + 1)
    with pytest.raises(CozadError, match=f"cannot share {n_tasks} tasks .*: start {n_tasks} at"):
        sharding.own_share(n_tasks)


@pytest.fixture
def alone_under_torchrun(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this process look like one that torchrun started, the only one."""
    store = sharding.dist.HashStore()
    monkeypatch.setattr(sharding.dist, "is_torchelastic_launched", lambda: True)
    monkeypatch.setattr(sharding.dist, "rendezvous", lambda _: iter([(store, 0, 1)]))
    monkeypatch.setattr(sharding.signal, "signal", lambda *_: None)
    for name in ("TORCHELASTIC_RESTART_COUNT", "LOCAL_RANK", "LOCAL_WORLD_SIZE"):
        monkeypatch.setenv(name, "2")
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "lo")


def test_whoever_meets_an_error_first_tells_it(alone_under_torchrun: None) -> None:
    for ending in (CozadError, SystemExit):
        with pytest.raises(ending) as caught, sharding.shared_training("cpu"):
            raise CozadError("the disk is full")
        sharding.dist.destroy_process_group()
    assert caught.value.code == 2


def test_too_few_cards_are_told(
    alone_under_torchrun: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with (
        pytest.raises(CozadError, match=r"has 2 cards for 2 .*: give torchrun --nproc-per-node 2"),
        sharding.shared_training("cuda"),
    ):
        pass


def naive_steps(settings: Settings) -> tuple[Parameters, Parameters]:
    """Train without any sharing, task by task; give θ and the gradient of the first step."""
    theta, source = starting_point(6), np.random.default_rng(2)
    noise, losses, first = torch.Generator().manual_seed(2), [], {}
    optimiser = torch.optim.Adam(theta.values(), lr=settings.outer_learning_rate)
    for _ in range(settings.meta_steps):
        decay = meta_training.decay_strength(
            meta_training.loss_covariance(losses, settings.window),
            settings.base_decay,
            settings.decay_growth,
            settings.determinant_cap,
        )
        tasks = sample_tasks(theta, categories(), torch.eye(6), decay, settings, source, noise)
        found = []
        for i in range(settings.tasks_per_step):
            one = {name: value[i : i + 1] for name, value in tasks.items()}
            found.append(
                outer_gradient(
                    theta,
                    one,
                    lambda start, task: (
                        adapted := adapt_parameters(start, task, settings),
                        inner_loss(adapted, task, settings),
                    ),
                    lambda adapted, task: query_loss(adapted, task, settings),
                    settings.order,
                )
            )
        for name, value in theta.items():
            value.grad = sum(gradient[name] for gradient, _, _ in found) / len(found)
        first = first or {name: value.grad.clone() for name, value in theta.items()}
        losses.append([sum(float(f[k]) for f in found) / len(found) for k in (1, 2)])
        optimiser.step()
    return theta, first


# What each of the two processes does


def tiny() -> None:
    """Make the `lite` training one of seconds."""
    small = {"image_size": 64, "meta_steps": 7, "patches_per_image": 8, "inner_steps": 1}
    settings_module.SETTINGS["lite"] = dataclasses.replace(LITE, **small)
    train_module.Checkpoint = functools.partial(Checkpoint, every=3)
    train_module.AUXILIARY_CATEGORIES = train_module.AUXILIARY_CATEGORIES[:4]


def act(folder: Path) -> int:
    """Train by the command, with a look at the parts before; the second process dies once."""
    rank, train = os.environ["RANK"], train_module.train

    def look_and_train(*arguments: Any, **options: Any) -> CoZAD:
        for name, settings in CASES.items():
            _one_case(settings, folder / f"{name}-{rank}")
        _stopped_and_resumed(folder / "stopped", folder / f"resumed-{rank}")
        _differing(rank, folder / f"refused-{rank}")
        _by_turns(rank, folder / "turns")
        if rank == "1":
            _die_in_the_middle()
        return train(*arguments, **options)

    if os.environ["TORCHELASTIC_RESTART_COUNT"] == "0":
        train_module.train = look_and_train
    tiny()
    return main(["train", "--out", str(folder / "model"), "--device", "cpu"])


def _one_case(settings: Settings, path: Path) -> None:
    one_step = dataclasses.replace(settings, meta_steps=1)
    start, _ = meta_train(categories(), torch.eye(6), one_step, 2)
    theta, history = meta_train(categories(), torch.eye(6), settings, 2)
    tensors = {f"gradient.{name}": value.grad for name, value in start.items()}
    losses = torch.tensor([dataclasses.astuple(step) for step in history], dtype=torch.float64)
    save_file({**tensors, **theta, "losses": losses}, path)


def _stopped_and_resumed(path: Path, out: Path) -> None:
    """Stop both processes in one step, between two checkpoints; then go on."""
    checkpoint = Checkpoint(path, KEY, every=3)
    arguments = categories(), torch.eye(6), SETTINGS, 2

    def stop(step: meta_training.MetaStep) -> None:
        seen.append(step)
        if len(seen) == 5:
            raise KeyboardInterrupt

    seen: list[meta_training.MetaStep] = []
    with pytest.raises(KeyboardInterrupt):
        meta_train(*arguments, checkpoint=checkpoint, on_step=stop)
    resumed = meta_train(*arguments, checkpoint=checkpoint)
    out.write_text(str(same(resumed, meta_train(*arguments))))


def _differing(rank: str, path: Path) -> None:
    try:
        sharding.check_same_start(f"start {rank}")
    except CozadError as error:
        path.write_text(str(error))


def _by_turns(rank: str, path: Path) -> None:
    with sharding.own_turn():
        path.write_text((path.read_text() if path.exists() else "") + rank)


def _die_in_the_middle() -> None:
    draw, steps = meta_training.sample_meta_batch, iter(range(DIES_AFTER))

    def draw_or_die(*arguments: Any) -> Any:
        if next(steps, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)
        return draw(*arguments)

    meta_training.sample_meta_batch = draw_or_die


SCRIPT = """
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
sys.path.insert(0, {tests!r})
import test_sharding
sys.exit(test_sharding.act(Path(sys.argv[1])))
"""


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of a run of two processes; torchrun starts them anew after one has died."""
    folder = tmp_path_factory.mktemp("two")
    (folder / "script.py").write_text(SCRIPT.format(tests=str(Path(__file__).parent)))
    local = "127.0.0.1"
    options = ["--nproc-per-node=2", "--max-restarts=1", "--rdzv-backend=c10d", "--rdzv-id=run"]
    options += [f"--rdzv-endpoint={local}:0", f"--local-addr={local}"]
    options += ["--redirects=3", f"--log-dir={folder / 'logs'}"]
    command = [sys.executable, "-m", "torch.distributed.run", *options]
    environment = {**os.environ, "GLOO_SOCKET_IFNAME": "lo", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, str(folder / "script.py"), str(folder)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr + "".join(printed(folder).values())
    return folder


def printed(folder: Path) -> dict[str, str]:
    """What each process wrote, as attempt/rank/stream."""
    return {
        "/".join(path.parts[-3:-1]) + f"/{path.stem}": path.read_text()
        for path in (folder / "logs").rglob("std*.log")
    }


@pytest.mark.parametrize("case", CASES)
def test_two_processes_train_as_one(two: Path, case: str) -> None:
    theta, gradient = naive_steps(CASES[case])
    first, second = (load_file(two / f"{case}-{rank}") for rank in (0, 1))
    for name, value in theta.items():
        assert float((first[f"gradient.{name}"] - gradient[name]).abs().max()) < 1e-6
        assert float((first[name] - value).abs().max()) < 1e-6
    assert not torch.allclose(theta["head"], torch.zeros(6, 6), atol=1e-3)
    assert all(torch.equal(first[name], value) for name, value in second.items())


def test_what_the_first_process_wrote_the_others_go_on_from(two: Path) -> None:
    assert [(two / f"resumed-{rank}").read_text() for rank in (0, 1)] == ["True", "True"]
    assert (two / "turns").read_text() == "01"


def test_processes_with_different_starts_are_refused(two: Path) -> None:
    for rank in (0, 1):
        assert "differ in settings, images" in (two / f"refused-{rank}").read_text()


def test_a_killed_process_ends_all_with_one_sentence(two: Path) -> None:
    texts = {key: text for key, text in printed(two).items() if key.startswith("attempt_0")}
    told = [line for text in texts.values() for line in text.splitlines() if "error" in line]
    assert len(told) == 1 and "the same command goes on from the last checkpoint" in told[0]
    assert not any("Traceback" in text for text in texts.values())


def test_the_last_checkpoint_resumes_to_the_model_of_one_process(
    two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AUXILIARY_CATEGORIES", "Checkpoint"):
        monkeypatch.setattr(train_module, name, getattr(train_module, name))  # put back at the end
    monkeypatch.setitem(settings_module.SETTINGS, "lite", LITE)
    tiny()
    alone, model = train_module.train(settings_module.SETTINGS["lite"]), load_model(two / "model")
    for name, value in alone.parameters.items():
        assert float((model.parameters[name] - value).abs().max()) < 1e-6
    assert model.trained_on.startswith("2 processes, each on ")
    assert not (two / "model.checkpoint").exists()


def test_only_the_first_process_prints(two: Path) -> None:
    texts = printed(two)
    assert "the last part of a run that was stopped, written to" in texts["attempt_1/0/stdout"]
    assert texts["attempt_1/1/stdout"] == texts["attempt_1/1/stderr"] == ""
