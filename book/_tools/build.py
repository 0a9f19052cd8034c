"""Build the book.

``build.py``             run the chapters where something changed, then build the pages
``build.py --check``     build from the stored outputs, then check the pages
``build.py --store NB``  run notebooks and store their outputs in them
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

import finish
import formulas
import html_checks
import notebooks
import own_folder
import vendor
from notebooks import BOOK, ROOT

BUILD = BOOK / "_build"
EXECUTED = BUILD / "executed"
CHECKED = BUILD / "check"
NOT_SOURCES = ("_build", "_tools", ".ipynb_checkpoints", "__pycache__")


class BuildError(Exception):
    """The build cannot go on; the message says why."""


def say(text: str) -> None:
    """Print at once, also into a file or a pipe."""
    print(text, flush=True)


def shown(path: Path) -> str:
    """Give a path as a reader would type it."""
    return os.path.relpath(path) if path.is_relative_to(ROOT) else str(path)


def copy_sources(target: Path) -> Path:
    """Copy what Sphinx reads, so that it writes nothing beside the sources."""
    return Path(shutil.copytree(BOOK, target, ignore=shutil.ignore_patterns(*NOT_SOURCES)))


async def run_notebooks(paths: list[Path], book: Path, variables: dict[str, str]) -> list[Path]:
    """Run those notebooks whose outputs are not at hand; give the executed copies.

    Executed copies carry the hash of all they depend on in their names: a name that is there
    needs no run. Two notebooks run at a time, on one thread each.
    """
    places = asyncio.Semaphore(min(2, os.cpu_count() or 1))

    async def run_one(path: Path) -> Path:
        name = path.relative_to(BOOK)
        result = (
            EXECUTED / name.parent / f"{name.stem}.{notebooks.fingerprint(path, variables)}.ipynb"
        )
        if result.is_file():
            say(f"  {name}: unchanged")
            return result
        async with places:
            start = time.perf_counter()
            try:
                notebook = await notebooks.execute(path, book / name.parent, variables)
            except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
                raise BuildError(f"{name} stopped with an error:\n{error}") from error
            for old in result.parent.glob(f"{name.stem}.{'[0-9a-f]' * 16}.ipynb"):
                old.unlink()
            notebooks.write(notebooks.stable(notebook), result)
            say(f"  {name}: ran in {time.perf_counter() - start:.0f} s")
        return result

    # An error in one notebook does not stop the others: what they give is kept for the next time.
    results = await asyncio.gather(*map(run_one, paths), return_exceptions=True)
    errors = [result for result in results if isinstance(result, BaseException)]
    if errors and all(isinstance(error, BuildError) for error in errors):
        raise BuildError("\n".join(map(str, errors)))
    if errors:
        raise errors[0]
    return [result for result in results if isinstance(result, Path)]


def build_pages(source: Path, target: Path) -> None:
    """Build the pages aside; replace the older ones only if that went well."""
    say("building the pages ...")
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix=".pages-", dir=source.parent) as folder:
        program = "import sys; from jupyter_book.cli.main import main; sys.exit(main())"
        options = ["build", str(source), "--path-output", folder, "-W", "-n", "--keep-going", "-q"]
        result = subprocess.run(
            [sys.executable, "-c", program, *options],
            env=notebooks.environment(packs=False),
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            findings = result.stderr.replace(str(source), "book")
            kept = f"; the pages in {shown(target)} are older" if target.is_dir() else ""
            raise BuildError(f"no pages were built{kept}\n{findings}")
        made = Path(folder) / "_build" / "html"
        finish.finish(made)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            target.rename(Path(folder) / "older")
        made.rename(target)
    say(f"  {len(html_checks.pages(target))} pages in {time.perf_counter() - start:.0f} s")


def require_own(*folders: Path) -> None:
    """Stop before pages are written to, or deleted from, what a link or a mount leads to."""
    for folder in folders:
        root = BOOK if folder.is_relative_to(BOOK) else folder.parent
        if reason := own_folder.obstacle(root, os.path.relpath(folder, root), deep=True):
            raise BuildError(f"{shown(folder)} {reason}")


def build() -> None:
    """Run what changed, build the pages and say where they are."""
    require_own(BUILD / "html", EXECUTED)
    for group in ("book", "mathjax"):
        vendor.fetch(group)
    variables = notebooks.environment(packs=True)
    say(
        f"running the notebooks ({'with' if 'COZAD_PACKS' in variables else 'without'} COZAD_PACKS)"
    )
    paths = notebooks.notebook_paths()
    BUILD.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".source-", dir=BUILD) as folder:
        source = copy_sources(Path(folder) / "book")
        executed = asyncio.run(run_notebooks(paths, source, variables))
        for path, result in zip(paths, executed, strict=True):
            shutil.copyfile(result, source / path.relative_to(BOOK))
        build_pages(source, BUILD / "html")
    say(f"\nThe book is ready: {shown(BUILD / 'html' / 'index.html')}")
    say("Open that file in a browser, or type `make serve`.")


def check(target: Path) -> None:
    """Build from the stored outputs and check the pages."""
    target = Path(os.path.abspath(target))
    require_own(target)
    if target != CHECKED and target.is_dir() and any(target.iterdir()):
        raise BuildError(f"{shown(target)} is not empty: give --out a new folder")
    for group in ("book", "mathjax"):
        vendor.fetch(group)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".source-", dir=target.parent) as folder:
        build_pages(copy_sources(Path(folder) / "book"), target)
    if findings := html_checks.check(target):
        raise BuildError("\n".join([*findings, f"{len(findings)} findings in the pages"]))
    say(f"The pages in {shown(target)} pass all checks.")


def store(paths: list[Path]) -> None:
    """Run notebooks without packs and store their outputs in them, the same bytes every time."""
    for path in paths:
        start = time.perf_counter()
        variables = notebooks.environment(packs=False)
        try:
            notebook = asyncio.run(notebooks.execute(path, path.resolve().parent, variables))
        except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
            raise BuildError(f"{shown(path)} is left as it was:\n{error}") from error
        notebooks.write(notebooks.stable(notebook), path)
        size = path.stat().st_size / 1024
        say(f"stored {path}: {time.perf_counter() - start:.0f} s, {size:.0f} KB")


def main(arguments: list[str]) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    kind = parser.add_mutually_exclusive_group()
    kind.add_argument(
        "--check", action="store_true", help="use stored outputs, then check the pages"
    )
    kind.add_argument("--store", nargs="+", type=Path, metavar="NB", help="store fresh outputs")
    parser.add_argument("--out", type=Path, default=CHECKED, help="pages of --check: a new folder")
    options = parser.parse_args(arguments)
    try:
        if options.store:
            store(options.store)
        elif options.check:
            check(options.out)
        else:
            build()
    except (BuildError, formulas.FormulaError, vendor.VendorError) as error:
        print("error:", re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip(), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; what was built before is left as it was", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
