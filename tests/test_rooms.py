"""The rooms of the house: imports go down the list and never in a circle; rooms stay small."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# From the ground up. A room, or a single module, may import those before it, and itself.
ROOMS = (
    "cozad_teach.errors",
    "cozad_teach.files",
    "cozad_teach.data",
    "cozad_teach",  # the modules of the method
    "cozad_teach.training",
    "cozad_teach.cozad",
    "cozad_teach.models",
    "cozad_teach.evaluation",
    "cozad_teach.cli",
    "fetching",
    "cozad_book",
)
FOLDERS = {"cozad_teach": ROOT, "cozad_book": ROOT / "book", "fetching": ROOT / "data_scripts"}


def modules() -> dict[str, Path]:
    return {
        ".".join(path.relative_to(folder).with_suffix("").parts).removesuffix(".__init__"): path
        for package, folder in FOLDERS.items()
        for path in (folder / package).rglob("*.py")
    }


def imports(tree: ast.AST, names: set[str], *, inside: bool) -> set[str]:
    """The modules that a module imports; with `inside`, also those that its functions import."""
    found = set[str]()
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= whole & names or {node.module} & names
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & names
        elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        elif inside or not isinstance(node, ast.FunctionDef):
            found |= imports(node, names, inside=inside)
    return found


def graph(*, inside: bool) -> dict[str, set[str]]:
    paths = modules()
    return {
        name: imports(ast.parse(path.read_text(encoding="utf-8")), set(paths), inside=inside)
        for name, path in paths.items()
    }


def room(module: str) -> int:
    """The number of the room with the longest name that the module is in."""
    fits = [r for r in ROOMS if module == r or module.startswith(f"{r}.")]
    return ROOMS.index(max(fits, key=len))


def test_imports_go_down() -> None:
    wrong = [
        f"{module} imports {other}"
        for module, others in graph(inside=True).items()
        for other in others
        if room(other) > room(module) and other != "cozad_teach"  # its version
    ]
    assert wrong == []


def test_no_import_goes_round() -> None:
    try:
        TopologicalSorter(graph(inside=False)).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(error.args[1]))


def test_the_doctor_needs_nothing_that_may_be_missing() -> None:
    light = {"cozad_teach", "cozad_book"}  # but for their rooms
    for module, others in graph(inside=True).items():
        if module.startswith("cozad_book.doctor"):
            assert all(o in light or o.startswith("cozad_book.doctor") for o in others)
    assert graph(inside=True)["cozad_book"] == light - {"cozad_book"}
    assert graph(inside=True)["cozad_teach"] == set()


def test_the_map_of_contributors_names_every_room() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = text.partition("## A map of the house")[2].partition("\n## ")[0]
    folders = [*(ROOT / "cozad_teach").iterdir(), ROOT / "data_scripts" / "fetching"]
    rooms = {p.relative_to(ROOT).as_posix() for p in folders if (p / "__init__.py").exists()}
    assert {name for name in rooms if f"`{name}`" not in table} == set()


def test_the_top_level_is_the_method() -> None:
    assert len(list((ROOT / "cozad_teach").glob("*.py"))) <= 16
