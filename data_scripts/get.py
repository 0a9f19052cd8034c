"""Fetch a data set of the book by its name: ``python data_scripts/get.py --list``."""

import sys
from pathlib import Path

from cozad_teach.cli.endings import run_command


def run() -> int:
    """Import what does the work, which takes a second in which one may press Ctrl-C, and do it."""
    from fetching.command import main

    return main(Path(__file__).with_name("manifest.yml"))


if __name__ == "__main__":
    sys.exit(run_command("get.py", run))
