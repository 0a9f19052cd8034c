"""Run every notebook under nbval: the outputs stored in it must come out again, but for rounding.

``python book/_tools/check_notebooks.py [pytest arguments]`` ends in pytest's own summary line and
with its exit code.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from notebooks import BOOK, CELL_SECONDS, ROOT, environment, notebook_paths


def main(arguments: list[str]) -> int:
    """Run pytest with nbval over every notebook of the book, without packs or network."""
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
    command += ["-p", "rounding", "-p", "kernel_start", "-p", "recording"]
    command += ["--nbval", "--nbval-current-env", f"--nbval-cell-timeout={CELL_SECONDS}"]
    command += [f"--nbval-sanitize-with={Path(__file__).with_name('nbval_sanitize.cfg')}"]
    # Never no path at all: pytest would then collect the whole repository.
    command += [f"--ignore={BOOK / '_build'}", *map(str, notebook_paths() or [BOOK]), *arguments]
    tools = Path(__file__).parent
    variables = environment(tools, packs=False)
    # Behind all others, which may have a sitecustomize of their own.
    variables["PYTHONPATH"] += os.pathsep + str(tools / "no_network")
    code = subprocess.run(command, cwd=ROOT, env=variables, check=False).returncode
    no_tests = int(pytest.ExitCode.NO_TESTS_COLLECTED)
    return 0 if code == no_tests and not notebook_paths() else code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
