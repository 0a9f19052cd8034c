"""The command ``python data_scripts/get.py``: fetch, list, verify and audit data sets."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cozad_teach.cli.endings import run_command
from cozad_teach.cli.words import given
from cozad_teach.data.counting import listed, tally
from cozad_teach.data.folders import Category, open_dataset
from cozad_teach.data.members import LeftOut
from cozad_teach.errors import CozadError
from cozad_teach.files.places import check_target
from fetching.index import INDEX, read_index, verify
from fetching.install import install
from fetching.links import check_links
from fetching.manifest import DatasetInfo, read_manifest

__all__ = ["main"]

_PROGRAM = "get.py"
_COMMERCIAL = {
    True: "commercial use allowed",
    False: "no commercial use",
    None: "commercial use: unverified",
}
_SHOWN = 5  # paths in a message


def main(manifest: Path, arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    manifest : Path
        The file that lists the data sets.
    arguments : sequence of str, optional
        Words after the name of the command; by default those of the process.

    Returns
    -------
    int
        0 on success, 2 where a data set could not be had or is not whole, 130 after Ctrl-C.
    """

    def run() -> int:
        return _run(_parser().parse_args(given(arguments)), read_manifest(manifest))

    return run_command(_PROGRAM, run)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_PROGRAM,
        description="Fetch public data sets and bring them into the layout of MVTec-AD.",
    )
    add = parser.add_argument
    add("names", nargs="*", metavar="NAME", help="data sets, as --list names them")
    add("--root", type=Path, default=Path("datasets"), metavar="DIR", help="where they go")
    add(
        *("--from",),
        dest="source",
        type=Path,
        metavar="FILE_OR_DIR",
        help="take this archive, folder of archives or folder of unpacked files; download nothing",
    )
    add("--category", nargs="+", default=[], metavar="CATEGORY", help="keep only these")
    does = parser.add_mutually_exclusive_group()
    does.add_argument("--list", action="store_true", help="list the data sets and their licences")
    does.add_argument("--verify", action="store_true", help="compare the files with their hashes")
    does.add_argument(
        "--audit",
        action="store_true",
        help="list the images that are there more than once in one data set, or in two; a NAME may "
        "be the path of a folder or zip archive too",
    )
    does.add_argument(
        "--check-links",
        action="store_true",
        help="ask the home pages and mirrors of all data sets, or of NAME, whether they answer",
    )
    return parser


def _run(options: argparse.Namespace, sets: dict[str, DatasetInfo]) -> int:
    if options.list:
        _list(sets, options.root)
        return 0
    if options.audit:
        _audit(options.names, options.root)
        return 0
    if unknown := [name for name in options.names if name not in sets]:
        raise CozadError(f"no data set is called {unknown[0]}: choose from {', '.join(sets)}")
    if options.check_links:
        _check_links([sets[name] for name in options.names or sets])
        return 0
    if not options.names:
        raise CozadError("name a data set: python data_scripts/get.py --list shows them")
    if len(options.names) > 1 and (options.source or options.category):
        raise CozadError("--from and --category belong to one data set: name one at a time")
    return _each(options, sets)


def _each(options: argparse.Namespace, sets: dict[str, DatasetInfo]) -> int:
    """Go through the data sets; where one fails, say so and go on with the next."""
    code = 0
    for name in options.names:
        try:
            if options.verify:
                _verify(options.root / name)
                continue
            path = install(
                sets[name],
                options.root,
                source=options.source,
                categories=options.category,
                progress=True,
            )
            index = read_index(path) or {}
            numbers = ", ".join(f"{n} {k.replace('_', ' ')}" for k, n in index["counts"].items())
            print(f"{name}: in {path} ({len(index['categories'])} categories; {numbers})")
            print(f"  licence: {sets[name].licence or 'unknown: ask its owner'}")
            print(f"  please cite: {sets[name].citation}")
            _remark(index, path / INDEX)
        except CozadError as error:
            print(f"{_PROGRAM}: error: {error}", file=sys.stderr)
            code = error.exit_code
    return code


def _remark(index: dict[str, Any], where: Path) -> None:
    """Say what is odd about masks, and last how many files were used and which were not."""
    notes = [f"{name} {' and '.join(said)}" for name, said in index["mask_notes"].items()]
    if notes:
        print(f"  {len(notes)} masks to look at: {listed(notes, str(where), separator='; ')}")
    left_out = [LeftOut(**file) for file in index["left_out"]]
    n_files = len(index["files"])
    print(f"  {tally(f'{n_files} files', left_out, str(where))}")


def _list(sets: dict[str, DatasetInfo], root: Path) -> None:
    width = max(map(len, sets))
    for name, info in sets.items():
        there = "in " + str(root / name) if (root / name / INDEX).is_file() else info.access
        commercial = _COMMERCIAL[info.commercial_use]
        print(f"{name:{width}}  {info.title} [{there}]")
        print(f"{'':{width}}  {info.licence or 'licence unverified'}; {commercial}")
    print("open: fetched by one command; login, form: get.py NAME says what to do by hand")


def _check_links(sets: Sequence[DatasetInfo]) -> None:
    found = []
    for link in check_links(sets):
        print(f"{link.name:16}{link.url}: {link.how}", flush=True)
        found.append(link.works)
    if not all(found):
        raise CozadError(
            f"{found.count(False)} of {len(found)} addresses fail: look for new ones, and record "
            "them in data_scripts/manifest.yml"
        )


def _verify(folder: Path) -> None:
    wrong = verify(folder, progress=True)
    problems = [
        f"{len(paths)} {kind} ({', '.join(paths[:_SHOWN])}{', ...' if paths[_SHOWN:] else ''})"
        for kind, paths in wrong._asdict().items()
        if paths
    ]
    if problems:
        raise CozadError(
            f"{folder} is not as it was: files {'; '.join(problems)}: delete it and fetch it again"
        )
    print(f"{folder}: every file is as its index says")


def _audit(names: Sequence[str], root: Path) -> None:
    # PyTorch takes seconds to import.
    from fetching.audit import audit_sets, is_audit, summary, write_audit

    if len(names) not in (1, 2):
        raise CozadError("--audit takes one data set, or two")
    paths = [_place(name, root) for name in names]
    sets: list[dict[str, Category]] = [open_dataset(path) for path in paths]
    labels = [path.stem if path.suffix == ".zip" else path.name for path in paths]
    path = root / f"{'+'.join(labels)}.copies.json"
    check_target(path, ours=is_audit, option="--root")
    found = audit_sets(*sets, names=labels, progress=True)
    write_audit(found, path)
    print(summary(found))
    print(f"the list is in {path}: give it to cozad evaluate with --once")


def _place(name: str, root: Path) -> Path:
    for path in (root / name, Path(name)):
        if path.exists():
            return path
    raise CozadError(f"{name} is neither in {root} nor a path: fetch it first")
