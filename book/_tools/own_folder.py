"""What make may empty or delete: only what it made itself, in this very folder.

`own_folder.py clean` and `own_folder.py distclean` delete by these rules. Standard library alone,
and syntax that Python 3.6 reads: this runs before anything is installed.
"""

import os
import re
import shlex
import shutil
import sys
from pathlib import Path

MARK = ".made-here"
MOUNTS = Path("/proc/self/mountinfo")

FETCHED = ".fetched"  # vendor.py leaves this file in what it fetched

# What the tools write under names of their own, and write again when it is gone. Not measured runs
# (build/runs), chapters to work in (build/student) and a course with its grades (build/assignment):
# they may be hours of work.
PAGES = ("html", "check", "executed", "shots", "source", ".source-*", ".pages-*")
CLEAN = [f"book/_build/{name}" for name in PAGES]
CLEAN += ["book/assets/.vendor-*", "build/ready", "cozad_teach.egg-info"]
CLEAN += [".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis"]
FILES = [".venv.lock", "build/requirements.txt", "build/requirements.txt.part"]
DISTCLEAN = [".venv", "book/assets/vendor", *FILES]
DISTCLEAN += [
    f"build/{name}"
    for name in (
        *("axe-core", "ipython", "lab", "mathjax", "nbgrader", "results", "reveal"),
        *("slides", "uv", "unseen-*"),
    )
]
SOURCES = ("cozad_teach", "data_scripts", "tests", "book/cozad_book", "book/_tools", "book/_ext")


def mount_points(folder: Path, deep: bool) -> "list[str]":
    """Where something is mounted; without Linux's table only on this folder or, deep, in it."""
    try:
        table = MOUNTS.read_bytes().splitlines()
    except OSError:  # macOS, which has no bind mounts
        inside = os.walk(str(folder)) if deep else ()
        return [p for p in (str(folder), *(top for top, _, _ in inside)) if os.path.ismount(p)]
    octal = re.compile(rb"\\([0-7]{3})")
    points = [octal.sub(lambda m: bytes([int(m.group(1), 8)]), row.split(b" ")[4]) for row in table]
    return [os.fsdecode(point) for point in points]


def elsewhere(root: Path, name: str, deep: bool = False) -> str:
    """Say why root/name is not a part of root itself, and what to do; empty if it is.

    A link, and whatever lies behind one, is another folder. So is a mounted one: os.path.ismount
    does not see a folder that is mounted from the same disk, the kernel's table does.
    """
    path = root / name
    if path.is_symlink():
        return f"is a link, which make neither follows nor deletes: remove it (rm {typed(path)})"
    top, real = os.path.realpath(str(root)), os.path.realpath(str(path))
    if real != os.path.join(top, name):
        return f"lies behind a link, which make does not follow: look after it yourself ({real})"
    for point in mount_points(path, deep):
        if point.startswith(top + os.sep) and (
            (real + os.sep).startswith(point + os.sep) or point.startswith(real + os.sep)
        ):
            return f"is, holds or lies in a mounted folder: unmount it (umount {typed(point)})"
    return ""


def obstacle(root: Path, name: str, deep: bool = False) -> str:
    """Say why root/name is no folder that make may fill; empty if it is one, or is not there.

    Deep: why it may not be deleted with all that it holds.
    """
    path = root / name
    reason = elsewhere(root, name, deep)
    if not reason and os.path.lexists(str(path)) and not path.is_dir():
        return f"is not a folder: {move_away(path)}"
    for folder, folders, files in os.walk(str(path)) if deep and not reason else ():
        if ".git" in folders + files:
            return f"holds a git checkout: move that elsewhere (it is in {folder})"
    return reason


def file_obstacle(root: Path, name: str) -> str:
    """Say why root/name is no file that make may write; empty if it is one, or is not there."""
    path = root / name
    if not os.path.lexists(str(path)):
        return ""
    reason = elsewhere(root, name)
    if not reason and not (path.is_file() and path.stat().st_nlink == 1):
        reason = f"is not a file that make wrote: {move_away(path)}"
    return reason


def typed(path: object) -> str:
    """Give a path as it can be typed in a terminal."""
    return shlex.quote(str(path))


def move_away(path: Path) -> str:
    """Say how to keep what stands in the place of something that make writes."""
    return f"move it away (mv -n {typed(path)} {typed(f'{path}.old')})"


def _mark(folder: Path) -> bytes:
    """Name the folder's place, which changes when it is moved, and its inode, when it is copied."""
    return os.fsencode(f"{os.stat(str(folder)).st_ino} {os.path.realpath(str(folder))}\n")


def claim(folder: Path) -> None:
    """Make the folder if there is none, and mark it as made here before anything else is in it."""
    folder.mkdir(exist_ok=True)
    (folder / MARK).write_bytes(_mark(folder))


def made_here(folder: Path) -> bool:
    """See whether `claim` made the folder in this place; one that is empty has nothing to lose."""
    names = {entry.name for entry in folder.iterdir()}
    if names <= {MARK}:
        return True
    return MARK in names and (folder / MARK).read_bytes() == _mark(folder)


def refusal(root: Path, name: str) -> str:
    """Say why root/name is not an environment that set-up made here; empty if it is, or is none."""
    path = root / name
    if not os.path.lexists(str(path)):
        return ""
    reason = obstacle(root, name, deep=True)
    if reason:
        return reason
    if not made_here(path):
        return (
            "was not made in this place by make (it is your own, a copy, or was moved): if you do"
            f" not need it, delete it (rm -r {typed(path)})"
        )
    inside = os.path.realpath(str(path)) + os.sep
    for pattern in ("*", "lib/*", "lib/*/*", "lib/*/*/*"):  # down to each installed package
        for entry in path.glob(pattern):
            if entry.is_symlink() and not os.path.realpath(str(entry)).startswith(inside):
                return f"holds a link that leads out of it: remove it (rm {typed(entry)})"
    return ""


def empty(folder: Path) -> None:
    """Delete what is in the folder, but not its mark: a killed set-up must find it again."""
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(str(entry))
        elif entry.name != MARK:
            entry.unlink()


def delete(root: Path, name: str) -> str:
    """Delete root/name if make made it; else say why it stays."""
    path = root / name
    try:
        if name == ".venv":
            reason = refusal(root, name)
        elif name in FILES:
            reason = file_obstacle(root, name)
        else:
            reason = obstacle(root, name, deep=True)
            if not reason and name in ("book/assets/vendor", "build/axe-core", "build/reveal"):
                reason = unfetched(path)
        if not reason and name in FILES:
            path.unlink()
        elif not reason:
            empty(path)
            shutil.rmtree(str(path))
    except OSError as error:
        reason = f"could not be deleted: {error}"
    return reason and f"{path} {reason}"


def unfetched(folder: Path) -> str:
    """Say why a folder is not one that vendor.py filled; empty if it is."""
    if (folder / FETCHED).is_file():
        return ""
    return f"was not fetched by make: {move_away(folder)}"


def delete_compiled(root: Path) -> None:
    """Delete what Python compiled of this repository's own sources, and nothing in a nested one."""
    for source in SOURCES:
        for folder, folders, files in os.walk(str(root / source)):
            if {".git", "pyvenv.cfg", "conda-meta"} & {*folders, *files}:
                folders.clear()
                continue
            name = os.path.relpath(folder, str(root))
            if os.path.basename(folder) == "__pycache__" and not elsewhere(root, name):
                for file in files:
                    if file.endswith(".pyc"):
                        os.unlink(os.path.join(folder, file))
                remove_if_empty(Path(folder))


def remove_if_empty(folder: Path) -> None:
    """Delete a folder that nothing is left in."""
    if folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir()):
        folder.rmdir()


def main(arguments: "list[str]") -> int:
    """Delete what make built, and with distclean what it downloaded."""
    root, everything = Path(__file__).resolve().parents[2], arguments == ["distclean"]
    target = "distclean" if everything else "clean"
    names = CLEAN + (DISTCLEAN if everything else [])
    # A pattern finds what is there; a name also a link that leads nowhere.
    found = [
        os.path.relpath(str(path), str(root))
        for name in names
        for path in ([root / name] if "*" not in name else sorted(root.glob(name)))
        if os.path.lexists(str(path))
    ]
    stays = [reason for reason in (delete(root, name) for name in found) if reason]
    try:
        delete_compiled(root)
    except OSError as error:
        stays.append(f"{error.filename} could not be deleted: {error.strerror}")
    for name in ("book/_build", "build"):
        remove_if_empty(root / name)
    for reason in stays:
        print(f"make {target}: {reason}", file=sys.stderr)
    left = sorted(entry.name for entry in (root / "build").glob("*"))
    if everything and left:
        print(f"make {target}: build keeps {', '.join(left)}")
    return 2 if stays else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
