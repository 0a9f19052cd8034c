"""Programs under test that run beside the test."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path


def start_python(arguments: list[str], folder: Path) -> subprocess.Popen[str]:
    """Start a Python that Ctrl-C can stop, and whose stdout and stderr can be read."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # Tests that a shell runs in the background ignore Ctrl-C, and their children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
