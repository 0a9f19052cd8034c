"""How ``pytest --nbval book/chapters`` runs the notebooks, whoever types it.

A notebook runs in this Python, on one thread, without packs or network. Its stored outputs must
come out again, but for rounding and for what `nbval_sanitize.cfg` names. What it put out is kept
for tests of the pictures, which nbval does not compare.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

TOOLS = Path(__file__).with_name("_tools")

collect_ignore = ["_build"]


def pytest_configure(config: pytest.Config) -> None:
    """Set what nbval leaves open."""
    if not config.option.nbval:
        return
    import kernel_start
    import notebooks
    import recording
    import rounding

    config.option.nbval_current_env = True
    config.option.nbval_cell_timeout = notebooks.CELL_SECONDS
    config.option.nbval_sanitize_with = str(TOOLS / "nbval_sanitize.cfg")
    for plugin in (rounding, kernel_start, recording):
        plugin.teach_nbval()
    variables = notebooks.environment(packs=False)
    # Behind all others, which may have a sitecustomize of their own.
    variables["PYTHONPATH"] += f"{os.pathsep}{TOOLS / 'no_network'}"
    os.environ.clear()
    os.environ.update(variables)
