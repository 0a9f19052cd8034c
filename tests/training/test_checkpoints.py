"""A training run that was stopped goes on as if it had not been; what does not fit is refused."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from cozad_teach.errors import CozadError
from cozad_teach.maml import Parameters
from cozad_teach.objectives import starting_point
from cozad_teach.settings import LITE
from cozad_teach.training import meta_training
from cozad_teach.training.checkpoints import Checkpoint, State, run_key
from cozad_teach.training.episodes import AuxiliaryCategory
from cozad_teach.training.meta_training import MetaStep, meta_train

SETTINGS = dataclasses.replace(LITE, meta_steps=9, patches_per_image=8, support_images=3)
KEY = "0123456789abcdef"


def categories() -> list[AuxiliaryCategory]:
    source = torch.Generator().manual_seed(0)
    made = []
    for n in range(5):
        features = torch.randn(12, 20, 6, generator=source) + n
        anomalous = torch.zeros(12, 20, dtype=torch.bool)
        anomalous[8:, :5] = True
        features[anomalous] *= 3
        made.append(AuxiliaryCategory(features, anomalous))
    return made


def trained(
    checkpoint: Checkpoint | None = None, seed: int = 2
) -> tuple[Parameters, list[MetaStep]]:
    return meta_train(categories(), torch.eye(6), SETTINGS, seed, checkpoint=checkpoint)


def same(a: tuple[Parameters, list[MetaStep]], b: tuple[Parameters, list[MetaStep]]) -> bool:
    return a[1] == b[1] and all(torch.equal(a[0][name], b[0][name]) for name in a[0])


def stop_after(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """Raise as Ctrl-C does, in the middle of the step after `steps` whole ones."""
    step = meta_training.sample_meta_batch
    count = iter(range(steps))

    def sample(*arguments: object) -> object:
        batch = step(*arguments)  # the sources of chance have moved on by now
        if next(count, None) is None:
            raise KeyboardInterrupt
        return batch

    monkeypatch.setattr(meta_training, "sample_meta_batch", sample)


@pytest.mark.parametrize("stops", [[1], [2], [5], [8], [3, 1, 4], [0, 0]])
def test_a_stopped_run_ends_as_an_uninterrupted_one(
    stops: Sequence[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = Checkpoint(tmp_path / "run", KEY, every=2)
    for steps in stops:
        with monkeypatch.context() as patch:
            stop_after(patch, steps)
            with pytest.raises(KeyboardInterrupt):
                trained(checkpoint)
    assert same(trained(checkpoint), trained())
    assert [p.name for p in tmp_path.iterdir()] == ["run"]


def test_a_checkpoint_changes_nothing_by_being_written(tmp_path: Path) -> None:
    assert same(trained(Checkpoint(tmp_path / "run", KEY, every=1)), trained())


def test_a_run_that_had_ended_trains_no_further(tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "run", KEY, every=3)
    first = trained(checkpoint)
    before = checkpoint.path.read_bytes()
    assert same(trained(checkpoint), first)
    assert checkpoint.path.read_bytes() == before


def test_every_step_is_shown_once_also_after_a_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = Checkpoint(tmp_path / "run", KEY, every=2)
    runs: list[list[MetaStep]] = [[], []]

    def train(shown: list[MetaStep]) -> list[MetaStep]:
        return meta_train(
            *(categories(), torch.eye(6), SETTINGS, 2),
            checkpoint=checkpoint,
            on_step=shown.append,
        )[1]

    with monkeypatch.context() as patch:
        stop_after(patch, 5)
        with pytest.raises(KeyboardInterrupt):
            train(runs[0])
    history = train(runs[1])
    assert runs == [history[:5], history]


def test_same_seed_repeats_to_the_last_bit_and_another_does_not() -> None:
    assert same(trained(), trained())
    assert not same(trained(), trained(seed=3))


def test_the_key_tells_runs_apart() -> None:
    base = run_key(LITE, 0, "weights", ["a", "b"], [])
    others = [
        run_key(dataclasses.replace(LITE, gamma=1.4), 0, "weights", ["a", "b"], []),
        run_key(LITE, 1, "weights", ["a", "b"], []),
        run_key(LITE, 0, "other weights", ["a", "b"], []),
        run_key(LITE, 0, "weights", ["b", "a"], []),
        run_key(LITE, 0, "weights", ["a"], []),
    ]
    assert len({base, *others}) == 6
    assert base == run_key(LITE, 0, "weights", ("a", "b"), [])


def test_a_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    trained(Checkpoint(tmp_path / "run", KEY, every=3))
    with pytest.raises(CozadError, match=r"other settings, seed.*: delete it to train"):
        trained(Checkpoint(tmp_path / "run", "f" * 16, every=3))


@pytest.mark.parametrize("keep", [0, 9, 400, -3])
def test_a_truncated_checkpoint_is_refused(whole: bytes, keep: int, tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "run", KEY, every=3)
    checkpoint.path.write_bytes(whole[:keep])
    with pytest.raises(CozadError, match=r"run is damaged \(.*\): delete it to train"):
        trained(checkpoint)


LOSS = [1.0, 1.0, 0.1]
PCG = {"bit_generator": "PCG64", "has_uint32": 0, "uinteger": 0}
STATE = {"state": 1, "inc": 1}
TAMPERED: list[tuple[dict, dict, str]] = [
    ({"losses": [[1.0, 2.0]]}, {}, r"header.losses\[0\] is \[1.0, 2.0\], it must be a list of 3"),
    ({"losses": None}, {}, "header.losses is None, it must be a list"),
    ({"losses": [[1.0, "2", 0.1]] * 9}, {}, r"losses\[0\]\[1\] is '2', it must be a number"),
    ({"losses": [[1.0, float("nan"), 0.1]] * 9}, {}, "no JSON"),
    ({"losses": [[1.0, 1e300, 0.1]] * 9}, {}, r"losses\[0\]\[1\] is 1e\+300"),
    ({"losses": [[1.0, 1.0, -0.1]] * 9}, {}, r"losses\[0\]\[2\] is -0.1"),
    ({"losses": [LOSS] * 10}, {}, "it has 10 steps of a run of 9"),
    ({"losses": []}, {}, "it has 0 steps of a run of 9"),
    ({"losses": [LOSS] * 4}, {}, "optimiser.0.step is 9 after 4 steps"),
    ({"tasks": {"bit_generator": "MT19937"}}, {}, "header.tasks has no state"),
    ({"tasks": {**PCG, "bit_generator": "MT19937", "state": STATE}}, {}, "it must be PCG64"),
    ({"tasks": {**PCG, "state": 3}}, {}, "header.tasks.state is 3, it must be a table"),
    ({"tasks": {**PCG, "state": {**STATE, "state": 2**128}}}, {}, "tasks.state.state is 34028"),
    ({"tasks": {**PCG, "state": {**STATE, "inc": -1}}}, {}, "tasks.state.inc is -1, it must be"),
    ({"tasks": {**PCG, "state": {**STATE, "inc": 1.0}}}, {}, "tasks.state.inc is 1.0, it must be"),
    ({"tasks": {**PCG, "state": STATE, "uinteger": 2**32}}, {}, "uinteger is 4294967296"),
    ({"tasks": {**PCG, "state": STATE, "has_uint32": True}}, {}, "has_uint32 is True, it must be"),
    ({"tasks": "__import__('os')"}, {}, "header.tasks is .*, it must be a table"),
    ({"key": 5}, {}, "header.key is 5, it must be a text"),
    ({"more": 5}, {}, "header has an entry 'more'"),
    ({}, {"theta.head": torch.zeros(5, 7)}, r"head is float32 \(5, 7\), it must be .* \(6, 6\)"),
    ({}, {"theta.head": torch.zeros(1, 6)}, r"theta.head is float32 \(1, 6\), it must be float32"),
    ({}, {"theta.head": torch.zeros(6, 6).double()}, r"theta.head is float64 \(6, 6\)"),
    ({}, {"theta.head": torch.zeros(6, 6) + 0j}, "theta.head is of another type"),
    (
        {},
        {"theta.head": torch.full((6, 6), torch.inf)},
        "theta.head holds numbers that are not fin",
    ),
    ({}, {"theta.more": torch.zeros(1)}, "it has a tensor 'theta.more', which nothing knows"),
    ({}, {"optimiser.0": torch.zeros(1)}, "it has a tensor 'optimiser.0', which nothing knows"),
    ({}, {"optimiser.x.step": torch.zeros(1)}, "it has a tensor 'optimiser.x.step', which nothing"),
    ({}, {"optimiser.9.exp_avg": torch.zeros(1)}, "it has a tensor 'optimiser.9.exp_avg', which"),
    ({}, {"optimiser.0.exp_avg": torch.zeros(6)}, r"exp_avg is float32 \(6,\), it must be float32"),
    ({}, {"optimiser.0.exp_avg": torch.full((6, 6), torch.nan)}, "exp_avg holds numbers that are"),
    ({}, {"optimiser.0.exp_avg_sq": torch.full((6, 6), -1.0)}, "0.exp_avg_sq is below 0"),
    ({}, {"optimiser.0.step": torch.tensor(-9.0)}, "optimiser.0.step is -9 after 9 steps"),
    ({}, {"optimiser.1.step": torch.tensor(1e9)}, r"optimiser.1.step is 1e\+09 after 9 steps"),
    ({}, {"noise": torch.zeros(3, dtype=torch.uint8)}, r"noise is uint8 \(3,\), it must be uint8"),
    ({}, {"noise": torch.zeros(5056, dtype=torch.uint8)}, "noise is no state"),
    ({}, {"noise": torch.full((5056,), 255, dtype=torch.uint8)}, "noise is no state"),
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The checkpoint of a run that came to its end."""
    checkpoint = Checkpoint(tmp_path_factory.mktemp("whole") / "run", KEY, every=3)
    trained(checkpoint)
    return checkpoint.path.read_bytes()


@pytest.mark.parametrize(("header", "tensors", "words"), TAMPERED, ids=range(len(TAMPERED)))
def test_a_tampered_checkpoint_is_refused(
    whole: bytes, header: dict, tensors: dict, words: str, tmp_path: Path
) -> None:
    """Before any of it reaches the run."""
    checkpoint = Checkpoint(tmp_path / "run", KEY, every=3)
    checkpoint.path.write_bytes(whole)
    with safe_open(checkpoint.path, framework="pt") as file:
        metadata = dict(file.metadata())
    metadata["header"] = json.dumps({**json.loads(metadata["header"]), **header})
    save_file({**load_file(checkpoint.path), **tensors}, checkpoint.path, metadata)
    kept = checkpoint.path.read_bytes()
    theta = starting_point(6)
    state = State(
        theta=theta,
        optimiser=torch.optim.Adam(theta.values()),
        tasks=np.random.default_rng(5),
        noise=torch.Generator().manual_seed(5),
        losses=[],
    )
    with pytest.raises(CozadError, match=rf"run is damaged \(.*{words}.*: delete it") as caught:
        checkpoint.restore(state, SETTINGS.meta_steps)
    assert str(caught.value).isprintable() and checkpoint.path.read_bytes() == kept
    assert all(torch.equal(theta[name], value) for name, value in starting_point(6).items())
    assert not state.losses and not state.optimiser.state_dict()["state"]
    assert state.tasks.random() == np.random.default_rng(5).random()
    assert torch.equal(state.noise.get_state(), torch.Generator().manual_seed(5).get_state())


def test_mutants_of_a_checkpoint_are_refused_or_go_on(whole: bytes, tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "run", KEY, every=3)
    source = np.random.default_rng(0)
    for _ in range(300):
        changed = bytearray(whole)
        for place in source.integers(4_000, size=source.integers(1, 4)):
            changed[place] = source.integers(256)
        checkpoint.path.write_bytes(changed[: len(changed) - source.integers(2) * 5])
        try:
            trained(checkpoint)
        except CozadError as error:
            assert str(error).isprintable() and str(checkpoint.path) in str(error)


def test_a_checkpoint_that_is_no_file_is_refused(tmp_path: Path) -> None:
    """A pipe would be waited for."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name, words in {"pipe": "it is a pipe or a device", "folder": "it is a folder"}.items():
        with pytest.raises(CozadError, match=f"cannot read the checkpoint .*{words}.*delete it"):
            trained(Checkpoint(tmp_path / name, KEY))


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    save_file({"x": torch.zeros(1)}, tmp_path / "run", {"format": "other"})
    with pytest.raises(CozadError, match="not a checkpoint of this version"):
        trained(Checkpoint(tmp_path / "run", KEY))


SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import test_checkpoints as here
here.long_run(Path(sys.argv[1]))
"""


def long_run(path: Path) -> Parameters:
    settings = dataclasses.replace(SETTINGS, meta_steps=80)
    checkpoint = Checkpoint(path, KEY, every=5)
    return meta_train(categories(), torch.eye(6), settings, 2, checkpoint=checkpoint)[0]


def _when(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


def test_kill_9_at_any_moment_leaves_a_checkpoint_to_go_on_from(tmp_path: Path) -> None:
    """Also in another process: sums are the same on as many threads."""
    script = SCRIPT.format(tests=str(Path(__file__).parent))
    command = [sys.executable, "-c", script, str(tmp_path / "run")]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    written = 0
    for wait in (0.1, 0.3):
        process = subprocess.Popen(command, env=environment)
        deadline = time.monotonic() + 60
        while _when(tmp_path / "run") == written and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        written = _when(tmp_path / "run")
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        resumed, straight = long_run(tmp_path / "run"), long_run(tmp_path / "straight")
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(resumed[name], value) for name, value in straight.items())
    assert not np.allclose(straight["head"].detach(), 0)
