"""Write the API reference from the package: a section for every module, none forgotten."""

from __future__ import annotations

import pkgutil
import re
from typing import Any

from sphinx.application import Sphinx

import cozad_teach

__all__ = ["modules", "setup"]

MARK = "<!-- the modules of cozad_teach -->"
# The order in which the book meets them; all others follow by name.
STEPS = (
    "settings",
    "features",
    "contrastive",
    "confidence",
    "covariance",
    "maml",
    "scoring",
    "cozad",
)
# The bank of exercises holds their solutions.
HIDDEN = "cozad_teach.teaching.bank"


def modules() -> list[str]:
    """List the public modules: those of the top level first, then each subpackage."""
    names = [m.name for m in pkgutil.walk_packages(cozad_teach.__path__, "cozad_teach.")]
    packages = {
        m.name for m in pkgutil.iter_modules(cozad_teach.__path__, "cozad_teach.") if m.ispkg
    }

    def place(name: str) -> tuple[str, int, str]:
        package, _, last = name.rpartition(".")
        return package, STEPS.index(last) if last in STEPS else len(STEPS), last

    public = [n for n in names if not n.startswith(HIDDEN) and "._" not in n and n not in packages]
    return sorted(public, key=place)


def insert_modules(app: Sphinx, page: str, source: list[str]) -> None:
    """Put a section per module where the page has its mark."""
    if MARK not in source[0]:
        return
    parts, package = [], ""
    for name in modules():
        if name.rpartition(".")[0] != package:
            package = name.rpartition(".")[0]
            parts.append(f"## Package `{package}`")
        parts.append(f"### `{name}`\n\n```{{eval-rst}}\n.. automodule:: {name}\n```")
    source[0] = source[0].replace(MARK, "\n\n".join(parts))


def join_names(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Write ``a, b : int`` without blanks: napoleon takes ``a,`` for the type of ``b``."""
    for i, line in enumerate(lines):
        if match := re.match(r"(\w+(?:, \w+)+)( : .*)$", line):
            lines[i] = match[1].replace(" ", "") + match[2]


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to the reading of pages and, ahead of napoleon, of docstrings."""
    app.connect("source-read", insert_modules)
    app.connect("autodoc-process-docstring", join_names, priority=400)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
