"""Shared by all tests: quiet, repeatable arithmetic, and the real packs where there are any."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
import tqdm.auto  # noqa: F401 - before a test imports ipykernel: bars would take it for a notebook
from filelock import FileLock

if TYPE_CHECKING:
    from cozad_teach.cozad import CoZAD


@pytest.fixture(scope="session")
def packs() -> Path:
    """Give the folder of real image packs, or skip the test where there is none."""
    folder = os.environ.get("COZAD_PACKS")
    if not folder:
        pytest.skip("COZAD_PACKS does not name a folder of real image packs")
    return Path(folder)


@pytest.fixture(scope="session")
def made_once(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str, Callable[[Path], None]], Path]:
    """Give a function that makes a file or folder once for all workers of pytest-xdist."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # that of the workers' parent

    def make(name: str, write: Callable[[Path], None]) -> Path:
        with FileLock(folder / f"{name}.lock"):
            if not (folder / name).exists():
                write(folder / name)
        return folder / name

    return make


@pytest.fixture(scope="session")
def wheel(made_once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """Build the wheel as `pip` does, once for all tests."""
    root = Path(__file__).resolve().parents[1]

    def build(target: Path) -> None:
        source = target.with_name("wheel-source")
        source.mkdir()
        for name in ("pyproject.toml", "README.md", "LICENSE", "LICENSE-TEXT"):
            shutil.copy(root / name, source)
        for package in ("cozad_teach", "book/cozad_book"):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(root / package, source / package, ignore=ignored)
        options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
        command = [sys.executable, "-m", "pip", "wheel", *options, "--wheel-dir", target, source]
        subprocess.run(command, check=True)
        shutil.rmtree(source)

    return next(made_once("wheel", build).glob("*.whl"))


@pytest.fixture(scope="session")
def trained(made_once: Callable[[str, Callable[[Path], None]], Path]) -> CoZAD:
    """Give a model of small images that was trained for a short time, once for all tests."""
    small = {"image_size": 64, "meta_steps": 20, "patches_per_image": 16}
    return _trained_once(made_once, "trained", **small)


@pytest.fixture(scope="session")
def lite(made_once: Callable[[str, Callable[[Path], None]], Path]) -> CoZAD:
    """Give a model as the `lite` settings train it, for what `trained` is too small for."""
    return _trained_once(made_once, "lite")


def _trained_once(
    made_once: Callable[[str, Callable[[Path], None]], Path], name: str, **changes: Any
) -> CoZAD:
    """Train in the worker that asks first; all read the same file."""
    from cozad_teach.models.saved import load_model, save_model
    from cozad_teach.models.train import train
    from cozad_teach.settings import LITE

    def write(path: Path) -> None:
        save_model(train(dataclasses.replace(LITE, **changes), seed=0), path)

    return load_model(made_once(f"{name}.safetensors", write))


@pytest.fixture(autouse=True)
def same_chance() -> None:
    """Give each test the same random numbers, whatever ran before it in the same process."""
    torch.manual_seed(0)


@pytest.fixture
def double() -> Iterator[None]:
    """Make new tensors float64, so that an oracle may be compared to 1e-9."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


# What `make quick` leaves out: tests that train, start a kernel, a browser or a command, or that
# take seconds for other reasons.
SLOW_FIXTURES = {"trained", "lite", "packs", "browser", "html", "check_notebook", "fresh"}
SLOW_FILES = (
    "book/",
    *(
        "cli/test_cli.py",
        "data_scripts/test_get.py",
        "data_scripts/test_hostile_servers.py",
    ),
    *(
        "data_scripts/test_install.py",
        "evaluation/test_bootstrap.py",
        "evaluation/test_protocols.py",
    ),
    *(
        "experiments/",
        "files/test_lean_timm.py",
        "files/test_places.py",
        "models/",
        "teaching/",
        "training/",
    ),
    *("test_backbones.py", "test_cozad.py", "test_end_to_end.py", "test_full.py", "test_fuzz.py"),
    *("test_installed.py", "test_offline.py", "test_own_folder.py", "test_register.py"),
    *("test_set_up.py", "test_shared.py", "test_threads.py", "test_torch_wheels.py"),
    "test_wheelhouse.py",
)


# They begin first: then no worker is left alone with one of them at the end.
LONGEST_FILES = (
    *("book/test_browser.py", "test_end_to_end.py", "book/test_jupyterlab.py"),
    *("cli/test_cli.py", "evaluation/test_bootstrap.py", "evaluation/test_protocols.py"),
    *("test_cozad.py", "teaching/test_exercises.py", "training/test_checkpoints.py"),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first, and mark what is slow."""
    tests = Path(__file__).parent
    ranks = {tests / name: rank for rank, name in enumerate(LONGEST_FILES)}
    items.sort(key=lambda item: ranks.get(item.path, len(ranks)))
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if not item.path.is_relative_to(tests):  # a notebook
            continue
        place = item.path.relative_to(tests).as_posix()
        if fixtures & SLOW_FIXTURES or place.startswith(SLOW_FILES):
            item.add_marker(pytest.mark.slow)


TABLES = {
    "register": "register of inputs: kind, input, command, what happens",
    "fault": "faults while a data set is fetched",
    "weight": "pages: what a browser fetches",
}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the tables that tests wrote rows of, by `record_property`; workers send them along."""
    for key, title in TABLES.items():
        rows = [
            [*map(str, row), "" if report.passed else "FAILED"]
            for outcome in ("passed", "failed")
            for report in terminalreporter.stats.get(outcome, [])
            for name, row in report.user_properties
            if name == key
        ]
        if rows:
            terminalreporter.section(title)
            widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
            for row in sorted(rows):
                line = "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))
                terminalreporter.line(line.rstrip())
