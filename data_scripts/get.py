"""Fetch a data set of the book by its name: ``python data_scripts/get.py --list``."""

import sys
from pathlib import Path

from fetching.command import main

if __name__ == "__main__":
    sys.exit(main(Path(__file__).with_name("manifest.yml")))
