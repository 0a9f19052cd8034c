"""Several workers do what one process does, and one that is killed loses only what it was at."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from test_experiments import SMALL, fake_world

from cozad_book.experiments import runner, workers
from cozad_book.experiments.lists import Line
from cozad_book.experiments.models import models_of
from cozad_book.experiments.runner import run_all
from cozad_book.experiments.summary import ledger_content
from cozad_book.experiments.workers import run_by_workers
from cozad_teach.errors import CozadError, LeakError

LINES = SMALL.lines()
FATAL = LINES[16]  # in the middle of the runs of the second model
keep = workers._keep


def keep_in_fake_world(unit: list[Line], here: Path, folder: Path, *others: Any) -> list[str]:
    """Do what a worker does; once, its process is killed in the fatal run."""
    if "RAY_JOB_ID" in os.environ:  # in a worker of a cluster
        import ray

        (folder / f"{ray.get_runtime_context().get_node_id()}.node").touch()
    with pytest.MonkeyPatch.context() as patch:
        fake_world(patch)
        evaluate, killed = runner.evaluate, folder / "killed"

        def evaluate_or_die(model: Any, dataset: Any, *which: str, **named: Any) -> Any:
            line = Line("lite", named["seed"], named["data"], *which)
            if (folder / "leaks").exists():
                raise LeakError(f"{line.data} was trained on")
            if line == FATAL and not killed.exists():
                killed.write_text(json.dumps(times(folder)))
                os.kill(os.getpid(), signal.SIGKILL)
            return evaluate(model, dataset, *which, **named)

        patch.setattr(runner, "evaluate", evaluate_or_die)
        return keep(unit, here, folder, *others)


def times(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.glob("*.npz")}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(workers, "_keep", keep_in_fake_world)
    monkeypatch.setattr(workers, "open_data", lambda name, packs: None)
    return fake_world(monkeypatch)


def content(done: list[runner.Done]) -> dict[str, Any]:
    """What the ledger would hold, as it holds it."""
    return json.loads(json.dumps(ledger_content("cozad bench small", SMALL, done)))


def test_runs_of_one_model_stay_together() -> None:
    assert len({models_of(line) for line in LINES}) == 3
    left_out = [Line("lite", 0, f"left out: {name}", "batch", "cozad") for name in ("a", "b")]
    assert models_of(left_out[0]) != models_of(left_out[1])


def test_one_worker_is_this_process(world: Any, tmp_path: Path) -> None:
    run_by_workers(LINES, 1, folder=tmp_path)
    assert world.runs == LINES


def test_a_killed_worker_is_told_and_what_is_kept_is_not_done_again(
    world: Any, tmp_path: Path
) -> None:
    kept = tmp_path / "several"
    kept.mkdir()
    with pytest.raises(CozadError, match=r"a worker was killed, .*: the same command goes on"):
        run_by_workers(LINES, 2, folder=kept)
    before = times(kept)
    assert 4 <= len(before) < len(LINES)
    done = run_by_workers(LINES, 2, folder=kept)
    assert before.items() <= times(kept).items() and len(times(kept)) == len(LINES)
    assert world.runs == []  # here, all was read
    assert [one.line for one in done] == LINES
    assert content(done) == content(run_all(LINES, folder=tmp_path / "one"))


def test_what_stops_a_worker_is_told_here(world: Any, tmp_path: Path) -> None:
    (tmp_path / "leaks").touch()
    with pytest.raises(LeakError, match="was trained on"):
        run_by_workers(LINES, 2, folder=tmp_path)


def test_runs_that_are_only_on_another_machine_are_told(
    world: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "_keep", lambda *_: ["elsewhere.npz"])
    with pytest.raises(CozadError, match="1 runs that other machines have done are not in"):
        run_by_workers(LINES, 2, folder=tmp_path)


def test_a_cluster_that_is_not_there_is_told(world: Any, tmp_path: Path) -> None:
    with pytest.raises(CozadError, match="there is no cluster of Ray at nowhere: give --ray"):
        run_by_workers(LINES, 2, "nowhere", folder=tmp_path)


def on_a_cluster(folder: Path) -> None:
    """Do all runs on two machines, which are both this one."""
    from ray.cluster_utils import Cluster

    small = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
    with pytest.MonkeyPatch.context() as patch:
        head = {**small, "include_dashboard": False}
        cluster = Cluster(initialize_head=True, head_node_args=head)
        try:
            cluster.add_node(**small)
            patch.setattr(workers, "_keep", keep_in_fake_world)
            patch.setattr(workers, "open_data", lambda name, packs: None)
            asked = fake_world(patch)
            done = run_by_workers(LINES, 2, cluster.address, folder=folder)
            assert asked.runs == []
            (folder / "content").write_text(json.dumps(content(done)))
        finally:
            cluster.shutdown()


SCRIPT = "import sys, pathlib, test_workers; test_workers.on_a_cluster(pathlib.Path(sys.argv[1]))"


def test_a_worker_killed_on_a_cluster_of_two_machines_changes_nothing(
    world: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "several"
    folder.mkdir()
    own = {
        "PYTHONPATH": str(Path(__file__).parent),
        # On other systems too: without, it would not stay on 127.0.0.1.
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    # The names of sockets may not be as long as those of pytest's folders are.
    with tempfile.TemporaryDirectory() as sockets:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, str(folder)],
            env={**os.environ, **own, "RAY_TMPDIR": sockets},
            capture_output=True,
            text=True,
            timeout=240,
        )
    assert done.returncode == 0, done.stderr
    before = json.loads((folder / "killed").read_text())
    assert len(before) >= 4 and before.items() <= times(folder).items()
    assert len(times(folder)) == len(LINES)
    assert len(list(folder.glob("*.node"))) == 2
    alone = content(run_all(LINES, folder=tmp_path / "one"))
    assert json.loads((folder / "content").read_text()) == alone
