"""Where the book lies beside the package, and where to build where it does not."""

from __future__ import annotations

import os
from pathlib import Path

from cozad_teach.errors import CozadError

__all__ = ["build_folder", "results_folder"]

_ABOVE = Path(__file__).resolve().parents[2]
_RESULTS = Path("book", "results")


def results_folder() -> Path:
    """Give the folder of the book's results: beside the package, or above the working folder.

    Raises
    ------
    CozadError
        If there is none, as where the package was installed without the book.
    """
    here = Path.cwd()
    for folder in (_ABOVE, here, *here.parents):
        if (folder / _RESULTS).is_dir():
            return folder / _RESULTS
    raise CozadError(
        "the results are part of the book, which is not here: run this in a checkout of the project"
    )


def build_folder() -> Path:
    """Give the folder for what can be made again: of the checkout, or of the user's cache.

    The latter too where the checkout is another's, who let others only read and run it.
    """
    if (_ABOVE / _RESULTS).is_dir() and os.access(_ABOVE, os.W_OK):
        return _ABOVE / "build"
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache, "cozad-teach")
