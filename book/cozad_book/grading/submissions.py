"""Read what students handed in: notebooks, and files `my_cozad.py`; text only, nothing is run."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cozad_book.grading.answers import Cell
from cozad_book.own.file import MARK
from cozad_teach.data.names import is_hidden
from cozad_teach.errors import CozadError, printable

__all__ = ["HandedIn", "Submission", "read_submissions"]

LARGEST = 200 * 2**20  # bytes
_CHECK = re.compile(r"check_exercise\(\s*(?:name\s*=\s*)?[\"']([a-z_]+\.[a-z_]+)[\"']")


@dataclass(frozen=True)
class HandedIn:
    """A file with answers.

    Attributes
    ----------
    file : str
        Its name, below the student's.
    cells : tuple of Cell
        Its code.
    answered : dict of str to str
        The exercises that it answers; for each the name of its function where the file says it.
    from_book : frozenset of str
        Those whose answer the file itself calls the book's.
    """

    file: str
    cells: tuple[Cell, ...]
    answered: dict[str, str]
    from_book: frozenset[str] = frozenset()


@dataclass
class Submission:
    """All files of a student.

    Attributes
    ----------
    student : str
        Name of the folder, or of the file without its ending.
    files : list of HandedIn
        Those that could be read.
    unread : list of str
        A sentence for each of the others.
    """

    student: str
    files: list[HandedIn] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)


def read_submissions(folder: Path) -> list[Submission]:
    """Read a folder: what lies in it is a student's, a folder of files or a single file.

    Parameters
    ----------
    folder : pathlib.Path
        As a learning platform gives it, unpacked.

    Returns
    -------
    list of Submission
        By name. A file that is no notebook and no Python is left out; one that cannot be read is
        named in `unread`.

    Raises
    ------
    CozadError
        If the folder cannot be read, holds nothing, or two submissions have one name.
    """
    if not folder.is_dir():
        raise CozadError(f"{folder} is no folder: give the one that holds the submissions")
    found: dict[str, Submission] = {}
    for entry in sorted(folder.iterdir()):
        if _skipped(entry.name):
            continue
        whole = entry.is_dir() and not entry.is_symlink()
        if not whole and entry.suffix not in (".ipynb", ".py"):
            continue
        student = entry.name if whole else entry.stem
        if student in found:
            raise CozadError(
                f"two submissions in {folder} are called {printable(student)}: rename one of them"
            )
        found[student] = _submission(student, _files_of(entry) if whole else [entry], entry)
    if not found:
        raise CozadError(
            f"{folder} holds no submission: neither folders nor .ipynb or .py files (unpack a zip)"
        )
    return [found[name] for name in sorted(found, key=str.casefold)]


def _files_of(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if not _skipped(f))
        for name in sorted(names):
            if name.endswith((".ipynb", ".py")) and not _skipped(name):
                yield Path(place, name)


def _skipped(name: str) -> bool:
    return is_hidden(name) or name == "__pycache__"


def _submission(student: str, paths: Iterator[Path] | list[Path], entry: Path) -> Submission:
    submission = Submission(student)
    for path in paths:
        name = printable(path.name if path == entry else path.relative_to(entry).as_posix())
        try:
            text = _text(path)
            read = _notebook if path.suffix == ".ipynb" else _python
            submission.files.append(read(name, text))
        except _UnreadError as error:
            submission.unread.append(f"{name} {error}")
    return submission


class _UnreadError(Exception):
    """A file says nothing; the text goes on behind its name."""


def _text(path: Path) -> str:
    """Read a plain file: a link or a device could lead to another student's, or never end."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if path.is_symlink():
            raise _UnreadError("is a link: hand in the file itself") from error
        raise _UnreadError(f"cannot be read: {error.strerror}") from error
    with open(handle, "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise _UnreadError("is no plain file")
        if about.st_size > LARGEST:
            raise _UnreadError(f"is larger than {LARGEST // 2**20} MB: clear its outputs")
        try:
            return file.read().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise _UnreadError("is no UTF-8 text") from error


def _notebook(name: str, text: str) -> HandedIn:
    try:
        whole = json.loads(text)
        language = _language(whole)
        cells = [
            Cell(f"cell {number}", _source(cell))
            for number, cell in enumerate(whole["cells"], 1)
            if cell["cell_type"] == "code" and "solution" not in cell["metadata"].get("tags", [])
        ]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _UnreadError("is no notebook of the present format") from error
    if language not in ("", "python"):
        raise _UnreadError(f"is a notebook for {printable(language)[:40]}, not for Python")
    answered = {found: "" for cell in cells for found in _CHECK.findall(cell.code)}
    return HandedIn(name, tuple(cells), answered)


def _language(notebook: dict[str, dict[str, dict[str, str]]]) -> str:
    about = notebook["metadata"]
    named = about.get("language_info", {}).get("name") or about.get("kernelspec", {}).get(
        "language"
    )
    return str(named or "").lower()


def _source(cell: dict[str, str | list[str]]) -> str:
    source = cell["source"]
    return source if isinstance(source, str) else "".join(source)


def _python(name: str, text: str) -> HandedIn:
    marks = list(MARK.finditer(text))
    answered = {found: "" for found in _CHECK.findall(text)} | {m[1]: m[2] for m in marks}
    from_book = frozenset(m[1] for m in marks if m[3])
    return HandedIn(name, (Cell(name, text),), answered, from_book)
