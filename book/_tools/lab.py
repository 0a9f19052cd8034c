"""Open JupyterLab on the chapters, set up for a course: ``lab.py [options of JupyterLab]``.

What is set here holds for this JupyterLab only; the user's own settings stay as they are.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
from nbformat.sign import NotebookNotary

from notebooks import BOOK, KERNEL, ROOT, notebook_paths

FOLDER = ROOT / "build" / "lab"
SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    # A link to the glossary shows the page, not its source.
    "@jupyterlab/docmanager-extension:plugin": {"defaultViewers": {"markdown": "Markdown Preview"}},
    # A kernel holds more than a gigabyte: it goes when its chapter is closed.
    "@jupyterlab/notebook-extension:tracker": {"kernelShutdown": True},
}
OPTIONS = {
    "ServerApp.root_dir": BOOK,
    "FileContentsManager.preferred_dir": "chapters",
    "LabApp.app_settings_dir": FOLDER / "settings",
    # Kernels of tabs that were left with the browser: nobody sees them any more.
    "MappingKernelManager.cull_idle_timeout": 600,
    "MappingKernelManager.cull_interval": 60,
}


def trust(paths: list[Path], root: Path = ROOT) -> list[Path]:
    """Let JupyterLab show explorers before their cells have run; give the notebooks trusted.

    Only those that are what the repository has: their outputs come from there, whereas others may
    have come by mail.
    """
    notary, trusted = NotebookNotary(), []
    for path in paths:
        name = path.relative_to(root).as_posix()
        command = ["git", "-C", str(root), "show", f"HEAD:./{name}"]
        committed = subprocess.run(command, capture_output=True, check=False)
        if committed.returncode == 0 and committed.stdout == path.read_bytes():
            notary.sign(nbformat.reads(committed.stdout.decode(), as_version=4))
            trusted.append(path)
    return trusted


def write_settings(folder: Path = FOLDER) -> None:
    """Write the settings, and a kernel that is the Python of this .venv whatever else is there."""
    program = Path(__file__).with_name("lab_kernel.py")
    kernel = {
        "argv": [sys.executable, str(program), "-f", "{connection_file}"],
        "display_name": KERNEL["display_name"],
        "language": KERNEL["language"],
        "metadata": {"debugger": True},
    }
    files = {"settings/overrides.json": SETTINGS, f"kernels/{KERNEL['name']}/kernel.json": kernel}
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(content, indent=1), encoding="utf-8")


def main(arguments: list[str]) -> None:
    """Become JupyterLab."""
    write_settings()
    try:
        trust(notebook_paths())
    except OSError as error:
        print(f"the chapters are not trusted, their explorers need a run first: {error}")
    places = filter(None, [str(FOLDER), os.environ.get("JUPYTER_PATH")])
    variables = {**os.environ, "JUPYTER_PATH": os.pathsep.join(places)}
    options = [f"--{name}={value}" for name, value in OPTIONS.items()]
    os.execve(sys.executable, [sys.executable, "-m", "jupyterlab", *options, *arguments], variables)


if __name__ == "__main__":
    main(sys.argv[1:])
