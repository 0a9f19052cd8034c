"""Where and with what a result was made."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import torch

from cozad_teach.settings import Settings
from cozad_teach.training.hardware import hardware_name

__all__ = ["CHANGED", "current_commit", "provenance", "settings_hash"]

_LEDGER = "book/results/*.json"
# Where Python imports from: what is new there counts.
_SOURCES = ("cozad_teach/*.py", "book/cozad_book/*.py")
CHANGED = "+"  # behind a commit whose files were changed
# Fields that came later than stored results, with the value that was meant until then.
_ADDED = {"weighed": "patches", "blocks": ()}


def settings_hash(settings: Settings) -> str:
    """Give 12 hexadecimal digits that change with any value of the settings."""
    fields = dataclasses.asdict(settings)
    for name, before in _ADDED.items():
        if fields[name] == before:
            del fields[name]
    values = json.dumps(fields, sort_keys=True)
    return hashlib.sha256(values.encode()).hexdigest()[:12]


def provenance(settings: Settings, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Collect where and with what a result was made.

    Parameters
    ----------
    settings : Settings
        Of the run.
    device : torch.device or str
        Where it ran.

    Returns
    -------
    dict
        ``commit`` (with "+" where files differ from it, None outside a checkout), ``settings``
        and their ``settings_hash``, ``torch``, ``python`` and ``hardware``.
    """
    return {
        "commit": current_commit(),
        "settings": settings.name,
        "settings_hash": settings_hash(settings),
        "torch": str(torch.__version__),
        "python": platform.python_version(),
        "hardware": hardware_name(device),
    }


def current_commit() -> str | None:
    """Name the commit of this checkout, with `CHANGED` where files differ from it.

    New files count where Python would import them. Those of the ledger do not: what one experiment
    has stored changes no other. Where the files came without git, as to a machine that is lent, it
    is what ``COZAD_COMMIT`` says; None where nothing says it.
    """
    checkout = Path(__file__).resolve().parents[3]

    def git(*words: str) -> str:
        run = ["git", *words]
        return subprocess.run(
            run, cwd=checkout, capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        commit = git("rev-parse", "--short=12", "HEAD")
        changed = git("diff", "--name-only", "HEAD", "--", ":/", f":(top,exclude){_LEDGER}")
        added = git("ls-files", "--others", "--exclude-standard", "--", *_SOURCES)
    except (OSError, subprocess.CalledProcessError):
        return os.environ.get("COZAD_COMMIT") or None
    return commit + CHANGED if changed or added else commit
