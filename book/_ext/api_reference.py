"""Write the pages of the API reference: a section for every module, none forgotten."""

from __future__ import annotations

import pkgutil
import re
from typing import Any

from sphinx.application import Sphinx

import cozad_book
import cozad_teach

__all__ = ["modules", "setup"]

# What a page lists: packages by their names, and those inside them where a star follows.
MARK = re.compile(r"<!-- the modules of ([\w.* ]+) -->")
# The order in which the book meets them; all others follow by name.
STEPS = (
    *("settings", "features", "backbones", "contrastive", "scoring", "nearest", "confidence"),
    *("covariance", "maml", "objectives", "adaptation", "cozad"),
)
# The bank of exercises holds their solutions.
HIDDEN = "cozad_book.exercises."


def modules() -> list[str]:
    """List the public modules: the method, each room of the package, then what pages use."""
    found = [
        module
        for package in (cozad_teach, cozad_book)
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
    ]

    def place(name: str) -> tuple[bool, str, int, str]:
        package, _, last = name.rpartition(".")
        step = STEPS.index(last) if last in STEPS else len(STEPS)
        return name.startswith("cozad_book."), package, step, last

    public = [m.name for m in found if not m.ispkg and not m.name.startswith(HIDDEN)]
    return sorted(public, key=place)


def insert_modules(app: Sphinx, page: str, source: list[str]) -> None:
    """Put a section per module where the page has its mark."""
    source[0] = MARK.sub(lambda match: sections(match[1].split()), source[0])


def sections(packages: list[str]) -> str:
    """Write a section for each module of some packages."""

    def belongs(name: str) -> bool:
        inside = name.rpartition(".")[0]
        return any(
            inside == wanted.rstrip("*") or (wanted[-1] == "*" and inside.startswith(wanted[:-1]))
            for wanted in packages
        )

    parts, package = [], ""
    for name in filter(belongs, modules()):
        if name.rpartition(".")[0] != package:
            package = name.rpartition(".")[0]
            parts.append(f"## Package `{package}`")
        parts.append(f"### `{name}`\n\n```{{eval-rst}}\n.. automodule:: {name}\n```")
    return "\n\n".join(parts)


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
