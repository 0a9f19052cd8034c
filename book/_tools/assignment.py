"""Write the exercises of the book as nbgrader assignments, and release them.

``python book/_tools/assignment.py [--out FOLDER] [CHAPTER ...]``. nbgrader is installed into
build/nbgrader, which nothing else uses. Assignments that are in the folder already stay as they
are: a teacher may have changed them, and grades refer to them.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

import notebooks
import own_folder
import set_up
from assignment_cells import Equations, numbered_equations
from assignment_notebooks import FILES, assignment, points_table, posed_in, public_cases
from cozad_teach.errors import CozadError
from cozad_teach.files.writing import atomic_write

HOME = "build/nbgrader"
COURSE_FILES = ("nbgrader_config.py", "README.md")
# Nothing is written to the user's home: not by Jupyter, nor by the kernels that it starts.
_RUN = """\
#!/bin/sh
# nbgrader for this course, in an environment of its own. It runs answers in the book's.
home={home}
export JUPYTER_PATH="$home/jupyter" JUPYTER_CONFIG_DIR="$home/own/config"
export JUPYTER_DATA_DIR="$home/own/data" JUPYTER_RUNTIME_DIR="$home/own/runtime"
export IPYTHONDIR="$home/own/ipython" MPLCONFIGDIR="$home/own/matplotlib"
export PATH="$home/bin:$PATH"  # nbgrader calls alembic by its name
unset PYTHONPATH PYTHONHOME
cd {course} && exec "$home/bin/python" -m nbgrader "$@"
"""


def install(root: Path) -> Path:
    """Bring build/nbgrader to what nbgrader.lock pins; give that folder.

    Raises
    ------
    set_up.SetUpError
        If it cannot be done.
    """
    lock = FILES / "nbgrader.lock"
    with set_up.one_at_a_time(root):
        (root / "build").mkdir(exist_ok=True)
        home = set_up.own(root, HOME, own_folder.refusal)
        ready = home / ".ready"
        wanted = hashlib.sha256(lock.read_bytes() + os.fsencode(str(root))).hexdigest()
        if not (ready.is_file() and ready.read_text(encoding="utf-8") == wanted):
            print("assignment: making build/nbgrader", flush=True)
            own_folder.claim(home)
            own_folder.empty(home)
            uv, python = str(set_up.fetch_uv(root)), str(home / "bin/python")
            set_up.call(
                [uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, HOME], root
            )
            sync = [uv, "pip", "sync", "--quiet", "--require-hashes", "--python", python, str(lock)]
            try:
                set_up.call([*sync, "--offline", "--quiet"], root, UV_NO_CONFIG="1")
            except set_up.SetUpError:
                print("assignment: installing what nbgrader.lock pins", flush=True)
                set_up.call(sync, root, UV_NO_CONFIG="1", **set_up.mirror(root))
            ready.write_text(wanted, encoding="utf-8")
        _write_kernel(home)
    return home


def _write_kernel(home: Path) -> None:
    """Let "python3" be the book's Python with the checker in it, for this nbgrader alone."""
    kernel = Path(__file__).with_name("grading_kernel.py")
    command = [sys.executable, "-s", str(kernel), "-f", "{connection_file}"]
    spec = {
        "argv": [*command, "--IPKernelApp.ignore_cwd=True"],
        "display_name": notebooks.KERNEL["display_name"],
        "language": "python",
        # The folder of a notebook is a student's: it stays off the path. One thread, as anywhere.
        "env": {"OMP_NUM_THREADS": "1", "COZAD_MY_FILE": str(home / "own" / "my_cozad.py")},
    }
    (home / "own").mkdir(exist_ok=True)
    folder = home / "jupyter" / "kernels" / "python3"
    with atomic_write(folder / "kernel.json") as aside:
        aside.write_text(json.dumps(spec, indent=1), encoding="utf-8")


def prepare(course: Path, home: Path) -> None:
    """Put nbgrader's settings, the command and the teacher's page into the folder of the course."""
    course.mkdir(parents=True, exist_ok=True)
    for name in COURSE_FILES:
        if not (course / name).exists():
            shutil.copyfile(FILES / name, course / name)
    text = _RUN.format(home=shlex.quote(str(home)), course=shlex.quote(str(course.resolve())))
    with atomic_write(course / "nbgrader") as aside:
        aside.write_text(text, encoding="utf-8")
    (course / "nbgrader").chmod(0o755)


def export(path: Path, course: Path, points: dict[str, float], equations: Equations) -> bool:
    """Write the assignment of a notebook into ``source``; False if there is one already."""
    folder = course / "source" / path.stem
    target = folder / path.name
    if target.exists():
        return False
    cases = public_cases([posed.name for posed in posed_in(path, equations)])
    with atomic_write(folder / "public_cases.json") as aside:
        aside.write_text(json.dumps(cases, ensure_ascii=False), encoding="utf-8")
    # Last: where the notebook is, the assignment is whole.
    with atomic_write(target) as aside:
        nbformat.write(assignment(path, points, equations), aside)
    return True


def release(name: str, course: Path) -> bool:
    """Have nbgrader write the students' version into ``release``; False if there is one already.

    Raises
    ------
    CozadError
        If nbgrader fails.
    """
    if (course / "release" / name / f"{name}.ipynb").exists():
        return False
    # A release that was stopped half-way is made again.
    command = [str(course / "nbgrader"), "generate_assignment", name, "--force", "--log-level=WARN"]
    if subprocess.run(command).returncode:
        again = f"mend {course / 'source' / name}, then run make assignment again"
        raise CozadError(f"nbgrader could not release {name}, and said why: {again}")
    return True


def main(arguments: list[str]) -> int:
    """Run the command line."""
    paths = {p.stem: p for p in notebooks.notebook_paths() if p.parent.name == "chapters"}
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=notebooks.ROOT / "build" / "assignment")
    parser.add_argument("chapters", nargs="*", metavar="CHAPTER", help="such as 03_contrastive")
    asked = parser.parse_args(arguments)
    if unknown := [name for name in asked.chapters if name not in paths]:
        parser.error(f"there is no chapter {unknown[0]}: choose from {', '.join(paths)}")
    try:
        _make(asked.out, {name: paths[name] for name in asked.chapters or paths})
    except (CozadError, set_up.SetUpError, OSError) as error:
        print(f"assignment: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("assignment: stopped; the next make assignment goes on from here", file=sys.stderr)
        return 130
    return 0


def _make(course: Path, paths: dict[str, Path]) -> None:
    points, equations = points_table(), numbered_equations()
    prepare(course, install(notebooks.ROOT))
    new = 0
    for number, (name, path) in enumerate(paths.items(), start=1):
        print(f"assignment: {name} ({number} of {len(paths)})", flush=True)
        written, released = export(path, course, points, equations), release(name, course)
        new += written or released
    kept = f"; {len(paths) - new} were there and stay as they are" if new < len(paths) else ""
    print(f"{new} assignments are new in {course}{kept}")
    print(f"Hand out what is in {course / 'release'}; {course / 'README.md'} says how to go on.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
