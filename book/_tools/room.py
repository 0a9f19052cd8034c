"""Open JupyterLab on one's own copy of the chapters, with a set-up that one cannot change.

For a computer room: ``/srv/cozad/.venv/bin/python /srv/cozad/book/_tools/room.py [--folder FOLDER]
[options of JupyterLab]``, where /srv/cozad is a student edition with its set-up, which is the
teacher's. Notebooks, ``my_cozad.py`` and settings are in the student's folder, ``cozad`` in the
home unless another is named; nothing that is there is written over.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

import yaml

import lab
from cozad_teach.errors import CozadError
from notebooks import BOOK, ROOT


def hand_out(folder: Path, book: Path = BOOK) -> int:
    """Copy the chapters, and the pages that they lead to, that are not yet in a student's folder.

    Returns
    -------
    int
        How many are new.

    Raises
    ------
    CozadError
        If the book holds answers.
    """
    if (book / "instructors").exists():
        raise CozadError(
            f"{book} holds answers: run make student, and set the room up from what it writes"
        )
    paths = [path for path in sorted(book.rglob("*")) if path.suffix in (".md", ".ipynb")]
    new = [path for path in paths if not (folder / path.relative_to(book)).exists()]
    for path in new:
        target = folder / path.relative_to(book)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)  # without the mode, which may be that of a file to read
    return len(new)


def environment(folder: Path) -> dict[str, str]:
    """Give the variables of JupyterLab and its kernels: the Makefile's, and where settings are."""
    variables = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["variables"]
    # One thread, as `make lab` has it.
    variables |= {"OMP_NUM_THREADS": "1", "JUPYTER_PATH": str(folder / ".lab")}
    return {**os.environ, **variables}


def main(arguments: list[str]) -> int:
    """Become JupyterLab."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--folder", type=Path, default=Path.home() / "cozad")
    known, others = parser.parse_known_args(arguments)
    folder = known.folder.absolute()
    try:
        new = hand_out(folder)
        lab.write_settings(folder / ".lab")
    except (CozadError, OSError) as error:
        print(f"room: {error}", file=sys.stderr)
        return 2
    print(f"room: your chapters are in {folder / 'chapters'}; {new} pages are new", flush=True)
    options = {**lab.OPTIONS, "ServerApp.root_dir": folder}
    options["LabApp.app_settings_dir"] = folder / ".lab" / "settings"
    command = [sys.executable, "-m", "jupyterlab", *(f"--{k}={v}" for k, v in options.items())]
    os.execve(sys.executable, [*command, *others], environment(folder))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
