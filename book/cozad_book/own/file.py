"""The file `my_cozad.py`, in which a student's functions stand, one block for each exercise."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cozad_book.own.sources import defined_names, source_with_needs
from cozad_teach.errors import CozadError
from cozad_teach.files.writing import atomic_write, check_kind

__all__ = ["MARK", "Block", "add", "my_file", "read", "set_aside"]

HEADER = '''"""My CoZAD: the functions that I wrote, exercise by exercise.

Each block begins with a line "# %%". Change a function as you like: it is checked again before it
is used. Lines above the first block, and blocks of your own, are left as they are.
"""
'''
MARK = re.compile(r"^# %% ([a-z_]+\.[a-z_]+): ([A-Za-z_]\w*)( \(the book's\))?$", re.M)
_CUT = re.compile(r"^(?=# %%)", re.M)


@dataclass(frozen=True)
class Block:
    """What stands in the file for one exercise.

    Attributes
    ----------
    exercise : str
        Its name, as the checker takes it.
    function : str
        Name of the function in the block.
    from_book : bool
        Whether the book's answer was taken over, instead of one's own.
    code : str
        The function and what it needs.
    line : int
        Of the file, where the code begins.
    """

    exercise: str
    function: str
    from_book: bool
    code: str
    line: int = 0

    def __str__(self) -> str:
        whose = " (the book's)" if self.from_book else ""
        return f"# %% {self.exercise}: {self.function}{whose}\n{self.code.strip()}\n"


def my_file() -> Path:
    """Give the path of the file: beside the notebook, unless ``COZAD_MY_FILE`` names another."""
    return Path(os.environ.get("COZAD_MY_FILE") or "my_cozad.py")


def read() -> dict[str, Block]:
    """Give the blocks of the file by the names of their exercises; none where there is no file.

    Raises
    ------
    CozadError
        If a file of that name is there that the book did not write, or that cannot be read.
    """
    found: dict[str, Block] = {}
    line = 1
    for part in _parts():
        if mark := MARK.match(part):
            code = part[mark.end() :].strip("\n")
            found[mark[1]] = Block(mark[1], mark[2], bool(mark[3]), code, line + 1)
        line += part.count("\n")
    return found


def add(functions: dict[str, Callable[..., Any]], *, from_book: bool = False) -> list[str]:
    """Write functions into the file, each in the place of its exercise.

    Parameters
    ----------
    functions : dict of str to callable
        By the names of their exercises.
    from_book : bool
        Whether these are the book's answers.

    Returns
    -------
    list of str
        The exercises whose block is new or another now. Before another one takes the place of
        code that was there, the file as it was is kept beside it under a number.

    Raises
    ------
    CozadError
        As `read` and `source_with_needs`; or if two blocks define one name differently.
    """
    parts, former = _parts(), read()
    changed = []
    for exercise, function in functions.items():
        new = Block(exercise, function.__name__, from_book, source_with_needs(function))
        if exercise in former and str(former[exercise]) == str(new):
            continue
        changed.append(exercise)
        others = [part for part in parts if not _is_of(part, exercise)]
        _refuse_other_meaning(new, others)
        if len(others) < len(parts):
            parts = [str(new) if _is_of(part, exercise) else part for part in parts]
        else:
            parts.append(str(new))
    if changed:
        if former.keys() & {*changed}:
            _copy_aside()
        text = "\n\n".join(part.rstrip("\n") + "\n" for part in parts)
        with atomic_write(my_file()) as whole:
            whole.write_text(text, encoding="utf-8")
    return changed


def set_aside() -> Path | None:
    """Begin anew: rename the file to the next free number, and say what it is called now."""
    _parts()  # only a file of the book's
    if not my_file().exists():
        return None
    aside = _free_name()
    my_file().rename(aside)
    return aside


def _is_of(part: str, exercise: str) -> bool:
    mark = MARK.match(part)
    return bool(mark and mark[1] == exercise)


def _refuse_other_meaning(new: Block, others: list[str]) -> None:
    """Two blocks may share a helper, but not one name for two things."""
    mine = defined_names(new.code)
    for part in others:
        try:
            theirs = defined_names(part)
        except SyntaxError:  # it says so when it is used
            continue
        for name in mine.keys() & theirs.keys():
            if mine[name] != theirs[name]:
                place = MARK.match(part)
                where = f"the answer to {place[1]}" if place else f"{my_file().name}"
                raise CozadError(
                    f"`{name}` means one thing in {where} and another in that to {new.exercise}: "
                    "give it a new name in one of them"
                )


def _parts() -> list[str]:
    """Give the text of the file, cut before each block."""
    path = my_file()
    check_kind(path)
    if not path.exists():
        return [HEADER]
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CozadError(f"{path} cannot be read: {error}") from error
    if text.strip() and not re.search(r"^# %% [a-z_]+\.[a-z_]+: |^\"\"\"My CoZAD", text, re.M):
        raise CozadError(f"{path} is there already and is not the book's: rename it")
    return _CUT.split(text) if text.strip() else [HEADER]


def _free_name() -> Path:
    path = my_file()
    names = (path.with_name(f"{path.stem}_{n}{path.suffix}") for n in range(1, 10_000))
    return next(name for name in names if not name.exists())


def _copy_aside() -> None:
    with atomic_write(_free_name()) as copy:
        copy.write_bytes(my_file().read_bytes())
