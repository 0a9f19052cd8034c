"""Whatever a package offers is used: by a chapter, a command, a page or another module."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("cozad_teach", "book/cozad_book", "data_scripts/fetching")


def source(path: Path) -> str:
    """The text of a file; of a notebook its cells without outputs."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".ipynb":
        return text
    return "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])


def readers() -> dict[Path, set[str]]:
    """The words of everything but tests that may use a package."""
    patterns = tuple(f"{package}/**/*.py" for package in PACKAGES)
    patterns += ("book/_*/*.py", "book/[acf]*/*.ipynb", "book/*.md")
    patterns += ("book/appendix/*.md", "book/results/*.md", "data_scripts/*.py")
    patterns += ("README.md", "pyproject.toml")
    files = [path for pattern in patterns for path in ROOT.glob(pattern)]
    return {path: set(re.findall(r"\w+", source(path))) for path in files}


def offered(path: Path) -> list[str]:
    """The names of ``__all__`` that the module itself does not use."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    loads = (n for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load))
    loaded = {name.id for name in loads}
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return [name for name in ast.literal_eval(node.value) if name not in loaded]
    return []


def unused(modules: dict[Path, list[str]], words: dict[Path, set[str]]) -> list[str]:
    return [
        f"{path.stem}.{name}"
        for path, names in modules.items()
        for name in names
        if not any(name in found for other, found in words.items() if other != path)
    ]


def test_every_public_name_is_used_outside_its_module() -> None:
    modules = {path: offered(path) for p in PACKAGES for path in sorted((ROOT / p).rglob("*.py"))}
    assert sum(map(len, modules.values())) > 300
    assert unused(modules, readers()) == []


def test_an_unused_name_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text('__all__ = ["used", "idle"]\n')
    (tmp_path / "b.ipynb").write_text('{"cells": [{"source": ["from a import used"]}]}')
    words = {p: set(re.findall(r"\w+", source(p))) for p in tmp_path.iterdir()}
    assert unused({tmp_path / "a.py": offered(tmp_path / "a.py")}, words) == ["a.idle"]
