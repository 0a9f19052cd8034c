"""Which notebooks do not give any more what is stored in them? Each is run only after a change."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import notebooks
from cozad_teach.errors import CozadError
from cozad_teach.files.writing import atomic_write

KEPT = notebooks.ROOT / "build" / "ran" / "fresh.json"
# nbval compares texts; the test, of the same run, pictures and explorers.
CHECKS = (
    ["--nbval", "-n", "auto", "--maxprocesses", "2", "--dist", "loadfile"],
    ["-k", "test_pictures_and_explorers_come_out_again"],
)


def state(path: Path) -> str:
    """Hash a notebook with its stored outputs, and all that these depend on."""
    depends = notebooks.fingerprint(path, notebooks.environment(packs=False))
    return path.stem + depends + hashlib.sha256(path.read_bytes()).hexdigest()


def failures(output: str) -> set[str]:
    """Find the names of the notebooks that pytest's summary says of that they failed."""
    rows = re.findall(r"^(?:FAILED|ERROR) (.*)", output, re.M)
    names = (re.match(r"\S*?(\w+)\.ipynb|\S*\[(\w+)\]", row) for row in rows)
    return {name[1] or name[2] for name in names if name}


def run_checks(paths: list[Path]) -> set[str]:
    """Run notebooks; give the stems of those whose stored outputs do not come out again."""
    stale = set[str]()
    for options in CHECKS:
        nbval = "--nbval" in options
        names = [str(p) for p in paths] if nbval else ["tests/book/test_notebooks.py"]
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *options, *names]
        # One thread: as in the stored outputs.
        variables = {**os.environ, "OMP_NUM_THREADS": "1"}
        with subprocess.Popen(
            command, cwd=notebooks.ROOT, env=variables, stdout=subprocess.PIPE, text=True
        ) as run:
            assert run.stdout is not None
            lines = []
            for line in run.stdout:
                print(line, end="", flush=True)
                lines.append(line)
        found = failures("".join(lines)) & {path.stem for path in paths}
        if run.returncode and not found:
            raise CozadError("the notebooks could not be checked, see above: make check-notebooks")
        stale |= found
    return stale


def stale_notebooks(paths: list[Path], kept: Path = KEPT) -> list[Path]:
    """List the notebooks whose stored outputs are not what their cells give now."""
    known = set(json.loads(kept.read_text())) if kept.is_file() else set()
    states = {path: state(path) for path in paths}
    unknown = [path for path in paths if states[path] not in known]
    if not unknown:
        return []
    stale = run_checks(unknown)
    with atomic_write(kept) as file:
        file.write_text(json.dumps([states[p] for p in paths if p.stem not in stale]))
    return [path for path in unknown if path.stem in stale]
