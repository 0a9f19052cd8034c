"""Run notebooks the same way everywhere, and bring what comes out into one stable form."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

import nbformat
import psutil
from nbclient import NotebookClient
from nbclient.exceptions import DeadKernelError
from nbformat import NotebookNode

from kernel_start import start_kernel
from lab_kernel import LANGUAGE

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "book"
WIDGETS = "application/vnd.jupyter.widget-state+json"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
CELL_SECONDS = 600  # far above what a cell may take: only a hanging cell meets it


def notebook_paths(book: Path = BOOK) -> list[Path]:
    """List the notebooks of the book, chapters first, in reading order."""
    return [p for part in ("chapters", "appendix") for p in sorted((book / part).glob("*.ipynb"))]


def environment(*modules: Path, packs: bool) -> dict[str, str]:
    """Give the environment in which notebooks and tools run.

    Parameters
    ----------
    *modules : pathlib.Path
        Folders whose modules Python finds before all others.
    packs : bool
        Keep ``COZAD_PACKS``, made absolute. Without it no image of a pack can reach an output.
    """
    values = dict(os.environ)
    folder = values.pop("COZAD_PACKS", "")
    values.pop("COZAD_SETTINGS", None)  # `full_runs.py` alone runs what takes hours
    if packs and folder:
        values["COZAD_PACKS"] = str(Path(folder).resolve())
    folders = [*map(str, modules), str(ROOT), values.get("PYTHONPATH")]
    values["PYTHONPATH"] = os.pathsep.join(filter(None, folders))
    # Sums of floats depend on the number of threads: printed numbers must not.
    values["OMP_NUM_THREADS"] = values["OPENBLAS_NUM_THREADS"] = values["MKL_NUM_THREADS"] = "1"
    values["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"
    # Nobody's own functions: outputs are those of a reader who begins.
    values["COZAD_MY_FILE"] = str(ROOT / "build" / "nobody" / "my_cozad.py")
    # A profile of its own: a user's start-up files would change what cells print.
    values["IPYTHONDIR"] = str(ROOT / "build" / "ipython")
    return values


async def execute(path: Path, folder: Path, variables: dict[str, str]) -> NotebookNode:
    """Run every cell of a notebook in a fresh kernel.

    Parameters
    ----------
    path : pathlib.Path
        The notebook; it is only read.
    folder : pathlib.Path
        Working directory of the kernel.
    variables : dict
        Environment of the kernel.

    Returns
    -------
    NotebookNode
        With outputs, widget state and, per code cell, the processor time that it took in
        ``metadata.execution.seconds``. On one thread that is how long it runs on a free machine.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        If a cell raises.
    nbclient.exceptions.DeadKernelError
        If no kernel starts, or it dies.
    """
    notebook = nbformat.read(path, as_version=4)
    notebook.metadata.pop("widgets", None)
    # nbclient would take Ctrl-C for itself, from one notebook of several: let it end the loop.
    asyncio.get_running_loop().add_signal_handler = lambda *_: None  # type: ignore
    manager, kernel = await start_kernel(
        kernel_name=KERNEL["name"],
        cwd=str(folder),
        env=variables,
        extra_arguments=["--HistoryManager.hist_file=:memory:"],
    )
    kernel.allow_stdin = False
    client = NotebookClient(
        notebook,
        timeout=CELL_SECONDS,
        km=manager,
        store_widget_state=True,
        coalesce_streams=True,
    )
    client.kc = kernel
    _record_seconds(client)
    try:
        await client.async_execute()
    except DeadKernelError:
        # nbclient takes Ctrl-C, which cancels the task since Python 3.11, for a dead kernel.
        task: Any = asyncio.current_task()
        if sys.version_info >= (3, 11) and task.cancelling():
            raise asyncio.CancelledError from None
        raise
    finally:
        kernel.stop_channels()
        await manager.shutdown_kernel()
    return notebook


def _record_seconds(client: NotebookClient) -> None:
    """Have the client write into each cell how much processor time it took."""
    begun = 0.0

    def spent() -> float:
        manager: Any = client.km
        times = psutil.Process(manager.provisioner.pid).cpu_times()
        return float(times.user + times.system)

    def begin(**_: Any) -> None:
        nonlocal begun
        begun = spent()

    def end(cell: NotebookNode, **_: Any) -> None:
        cell.metadata.setdefault("execution", {})["seconds"] = spent() - begun

    client.on_cell_execute, client.on_cell_executed = begin, end


def stable(notebook: NotebookNode) -> NotebookNode:
    """Give a copy as JupyterLab stores it, without what changes by run: times and versions."""
    copy: NotebookNode = nbformat.from_dict(json.loads(json.dumps(notebook)))
    kept = {key: copy.metadata[key] for key in ("mystnb", "widgets") if key in copy.metadata}
    copy.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": LANGUAGE, **kept})
    for cell in copy.cells:
        cell.metadata.pop("execution", None)
    copy.nbformat_minor = 5
    nbformat.validate(copy)
    return copy


def write(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook beside its place, then rename it: a reader never meets half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".ipynb.part")
    aside.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    aside.replace(path)


def fingerprint(path: Path, variables: dict[str, str], root: Path = ROOT) -> str:
    """Hash all that a notebook's outputs depend on.

    That is: the source of its cells, the package, the pinned versions, stored results, this
    module, and the packs, of which names, sizes and times stand for the content.
    """
    digest = hashlib.sha256()
    notebook: Any = nbformat.read(path, as_version=4)
    digest.update(
        json.dumps([[c.cell_type, c.source, c.metadata] for c in notebook.cells]).encode()
    )
    files = [Path(__file__), root / "pyproject.toml", root / "requirements.lock"]
    for package in ("cozad_teach", "book/cozad_book"):
        files += sorted((root / package).rglob("*.py"))
    files += sorted((root / "book" / "results").rglob("*.json"))
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes() if file.is_file() else b"-")
    if packs := variables.get("COZAD_PACKS"):
        for file in sorted(p for p in Path(packs).rglob("*") if p.is_file()):
            status = file.stat()
            digest.update(f"{file}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]
