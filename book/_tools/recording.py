"""Keep what a notebook put out while nbval ran it, for checks of what nbval skips.

Pictures, explorers and times can then be looked at without running every notebook once more.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
import psutil
from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal
from nbformat import NotebookNode
from nbval.kernel import RunningKernel
from nbval.plugin import IPyNbCell, IPyNbFile

import notebooks

REFERENCE_SECONDS = 0.6  # processor time of YARDSTICK on the reference machine
# Products and functions of arrays as large as those of a meta-step.
YARDSTICK = """
import time
import numpy as np

random = np.random.default_rng(0)
square, patches = random.normal(size=(4, 152, 152)), random.normal(size=(4, 576, 152))
square, patches = square.astype("float32"), patches.astype("float32")
begun = time.process_time()
for _ in range(300):
    patches = np.tanh(patches @ square / 12) + patches / 2
    square = square @ square / 12
    square /= np.abs(square).max()
print(time.process_time() - begun)
"""


def slowness() -> float:
    """Say how many times slower this machine is now than the reference machine, at least 1.

    Shared machines differ by three times from hour to hour, also in processor time.
    """
    command = [sys.executable, "-c", YARDSTICK]
    variables = notebooks.environment(packs=False)
    printed = subprocess.run(command, env=variables, capture_output=True, check=True).stdout
    return max(1.0, float(printed) / REFERENCE_SECONDS)


def to_reference(notebook: NotebookNode, before: float) -> None:
    """Turn the times of cells into those of the reference machine, by `slowness` before and now."""
    factor = (before + slowness()) / 2
    for cell in notebook.cells:
        if "seconds" in cell.metadata.get("execution", {}):
            cell.metadata.execution["seconds"] /= factor


def recorded_path(path: Path) -> Path:
    """Name the file that a run of a notebook is kept in: another one once anything changes."""
    name = notebooks.fingerprint(path, notebooks.environment(packs=False))
    return notebooks.ROOT / "build" / "ran" / f"{path.stem}-{name}.ipynb"


class Recorder:
    """Collects what one notebook puts out, cell by cell."""

    def __init__(self, path: Path) -> None:
        self.slowness = slowness()
        self.path = path
        self.notebook: NotebookNode = nbformat.read(path, as_version=4)
        self.notebook.metadata.pop("widgets", None)
        # It has no kernel, and only follows messages.
        self.client = NotebookClient(self.notebook, record_timing=False)
        self.client.reset_execution_trackers()
        self.running: int | None = None  # number of a cell
        self.missing: set[int] = set()
        for number, cell in enumerate(self.notebook.cells):
            if cell.cell_type == "code" and cell.source.strip():
                self.missing.add(number)
                cell.outputs = []

    def begin(self, number: int) -> None:
        """Say that a cell is run from now on."""
        self.running = number
        self.client.clear_before_next_output = False

    def hear(self, message: dict[str, Any]) -> None:
        """Take over what a message adds to the cell that runs."""
        if self.running is not None:
            cell = self.notebook.cells[self.running]
            with suppress(CellControlSignal):
                self.client.process_message(message, cell, self.running)

    def keep(self, number: int, seconds: float) -> None:
        """Say that a cell has passed, and how much processor time it took.

        Only when all have is the run kept.
        """
        self.notebook.cells[number].metadata["execution"] = {"seconds": seconds}
        self.missing.discard(number)

    def write(self) -> None:
        """Write the notebook, with times of the reference machine, if every cell was run."""
        if self.missing:
            return
        to_reference(self.notebook, self.slowness)
        self.client.set_widgets_metadata()
        notebooks.write(self.notebook, recorded_path(self.path))


_set_up, _tear_down, _run = IPyNbFile.setup, IPyNbFile.teardown, IPyNbCell.runtest
_get_message = RunningKernel.get_message


def _spent(file: Any) -> float:
    try:
        times = psutil.Process(file.kernel.km.provisioner.pid).cpu_times()
    except (psutil.Error, AttributeError):  # a kernel that died, or never came up: nbval says so
        return 0.0
    return float(times.user + times.system)


def _setup(self: Any) -> None:
    self.recorder = Recorder(Path(self.path))
    _set_up(self)
    self.kernel.recorder = self.recorder


def _teardown(self: Any) -> None:
    _tear_down(self)
    self.recorder.write()


def _runtest(self: Any) -> None:
    recorder: Recorder = self.parent.recorder
    number = next(n for n, cell in enumerate(self.parent.nb.cells) if cell is self.cell)
    before = _spent(self.parent)
    recorder.begin(number)
    try:
        _run(self)
    finally:
        recorder.running = None
    recorder.keep(number, _spent(self.parent) - before)


def _heard(self: Any, stream: str, *arguments: Any, **options: Any) -> Any:
    message = _get_message(self, stream, *arguments, **options)
    if stream == "iopub" and (recorder := getattr(self, "recorder", None)):
        recorder.hear(message)
    return message


def teach_nbval() -> None:
    """Let nbval keep what it sees."""
    IPyNbFile.setup, IPyNbFile.teardown = _setup, _teardown
    IPyNbCell.runtest = _runtest
    RunningKernel.get_message = _heard
