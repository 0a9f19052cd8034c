"""Marks into the table that a learning platform exported, which stays as it is but for them."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from cozad_teach.errors import CozadError, printable
from cozad_teach.files.reading import check_file

__all__ = ["Roster", "match", "read_roster"]

LARGEST_ROSTER = 64 * 2**20  # bytes
# Moodle's worksheet, Canvas's and Blackboard's grade books: what their file names hold, too.
_BY = ("Identifier", "ID", "Username")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),  # Blackboard's
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# How platforms name what they pack; the group is a student's number, name, or user name.
_PACKED = (
    re.compile(r"(?P<who>.+)_\d+_assignsubmission_.*"),  # Moodle
    re.compile(r".+_(?P<who>\d+)_assignsubmission_.*"),
    re.compile(r"[^_]+(?:_LATE)?_(?P<who>\d+)_\d+_.+"),  # Canvas
    re.compile(r".+?_(?P<who>.+)_attempt_\d{4}-.*"),  # Blackboard
)


@dataclass(frozen=True)
class Roster:
    """A table of students, as its file writes it.

    Attributes
    ----------
    lines : list of list of str
        The cells of each line as they stand there, with their quotation marks.
    ends : list of str
        What ends each line.
    bom : bytes
        What stands before the text.
    encoding, separator : str
        Of the text, and between cells.
    by : int
        Number of the column that tells students apart.
    column : int
        Number of the column that takes marks; the number of columns where there is none yet.
    title : str
        Of that column.
    """

    lines: list[list[str]]
    ends: list[str]
    bom: bytes
    encoding: str
    separator: str
    by: int
    column: int
    title: str

    def students(self) -> dict[int, str]:
        """Give what tells each student apart, by the number of the line where there is any."""
        lines = {number: line for number, line in enumerate(self.lines) if number and line != [""]}
        return {number: entry for number, line in lines.items() if (entry := _plain(line[self.by]))}

    @property
    def head(self) -> bytes:
        """How the file begins, with or without marks."""
        return self.bom + self.separator.join(self.lines[0]).encode(self.encoding)

    def filled(self, marks: Mapping[int, str]) -> bytes:
        """Give the file with marks, by the number of the line; every other byte is as it was."""
        text = []
        for number, (line, end) in enumerate(zip(self.lines, self.ends, strict=True)):
            cells = list(line)
            if self.column == len(self.lines[0]) and (line != [""] or not number):
                cells.append(_like(line[-1], self.title if number == 0 else ""))
            if number in marks:
                cells[self.column] = _like(cells[self.column], marks[number])
            text.append(self.separator.join(cells) + end)
        return self.bom + "".join(text).encode(self.encoding)


def read_roster(path: Path, by: str | None, column: str) -> Roster:
    """Read a table of students.

    Parameters
    ----------
    path : pathlib.Path
        CSV with commas, semicolons or tabs, in UTF-8, UTF-16 or an encoding of one byte a sign.
    by : str or None
        Title of the column that tells students apart; by default the one whose entries Moodle,
        Canvas or Blackboard put into the names of files.
    column : str
        Title of the column that takes the marks; where there is none, it is added.

    Raises
    ------
    CozadError
        If it is no such table, or a column is missing or there twice.
    """
    check_file(path, "cannot read the roster", "check --roster", LARGEST_ROSTER)
    content = path.read_bytes()
    bom, encoding = next((b for b in _BOMS if content.startswith(b[0])), (b"", "utf-8"))
    try:
        text = content.removeprefix(bom).decode(encoding)
    except UnicodeDecodeError:
        encoding = "latin-1"  # of any bytes: as they are read, they are written
        text = content.removeprefix(bom).decode(encoding)
    tables = {separator: _cells(text, separator) for separator in ",;\t"}
    separator = max(tables, key=lambda s: len(tables[s][0][0]) if tables[s][0] else 0)
    lines, ends = tables[separator]
    if not lines or not any(map(_plain, lines[0])):
        raise CozadError(f"{path} is no table: its first line has the titles of the columns")
    for number, line in enumerate(lines, 1):
        if line != [""] and len(line) != len(lines[0]):
            raise CozadError(
                f"{path}, line {number}: {len(line)} cells under {len(lines[0])} titles, so a mark "
                "might get into another column: export the table anew"
            )
    titles = [_plain(cell) for cell in lines[0]]
    if by is None and (by := next((title for title in _BY if title in titles), None)) is None:
        raise CozadError(
            f"{path} has none of the columns {', '.join(_BY)}: name the one that tells students "
            f"apart with --by, of {', '.join(map(printable, titles))}"
        )
    number = _number(by, titles, "--by", path)
    marked = _number(column, titles, "--column", path) if column in titles else len(titles)
    return Roster(lines, ends, bom, encoding, separator, number, marked, column)


def _cells(text: str, separator: str) -> tuple[list[list[str]], list[str]]:
    """Cut a text into lines of cells, none of whose signs is lost."""
    cell = re.compile(rf'("(?:[^"]|"")*"|[^{separator}\r\n]*)({separator}|\r\n|\n|\r|\Z)')
    lines: list[list[str]] = [[]]
    ends: list[str] = []
    place = 0
    while place < len(text) or lines[-1]:
        found = cell.match(text, place)
        assert found, "every text has a next cell"
        place = found.end()
        lines[-1].append(found[1])
        if found[2] != separator:
            ends.append(found[2])
            lines.append([])
    return lines[:-1], ends


def _plain(cell: str) -> str:
    """Give a cell without its quotation marks and the space around it."""
    if len(cell) > 1 and cell[0] == cell[-1] == '"':
        cell = cell[1:-1].replace('""', '"')
    return cell.strip()


def _like(cell: str, text: str) -> str:
    """Write a text with quotation marks where another cell has them."""
    return f'"{text}"' if cell.startswith('"') else text


def _number(title: str, titles: Sequence[str], option: str, path: Path) -> int:
    if titles.count(title) != 1:
        there = "twice" if title in titles else "not"
        raise CozadError(
            f"the column {printable(title)!r} is {there} there in {path}: name another one with "
            f"{option}, of {', '.join(map(printable, titles))}"
        )
    return titles.index(title)


def match(roster: Roster, submissions: Sequence[str]) -> dict[int, str]:
    """Find the submission of each student on a roster, none by a guess.

    Parameters
    ----------
    roster : Roster
        Its column ``by`` tells students apart: by an e-mail address, a number, a name.
    submissions : sequence of str
        Names of their folders or files. Each is a student's entry itself, the entry of an e-mail
        address up to the @, or what Moodle, Canvas or Blackboard make of it.

    Returns
    -------
    dict of int to str
        By the number of the line. Students without a submission are not in it.

    Raises
    ------
    CozadError
        If a submission may be of two students, or two are of one.
    """
    known: dict[str, set[int]] = defaultdict(set)
    for number, entry in roster.students().items():
        for key in _keys(entry):
            known[key].add(number)
    found: dict[int, list[str]] = defaultdict(list)
    wrong = []
    for name in submissions:
        lines = sorted({line for who in _who(name) for line in known.get(who, ())})
        if len(lines) > 1:
            of = " or ".join(f"line {line + 1}" for line in lines)
            wrong.append(f"{printable(name)} may be of {of}")
        for line in lines:
            found[line].append(name)
    wrong += [
        f"{' and '.join(map(printable, names))} are both of line {line + 1}"
        for line, names in found.items()
        if len(names) > 1
    ]
    if not found:
        raise CozadError(
            f"no submission is of anybody on the roster, by its column "
            f"{printable(_plain(roster.lines[0][roster.by]))!r}: name another one with --by"
        )
    if wrong:
        raise CozadError(
            f"the roster leaves open whose a submission is: {'; '.join(wrong)}: give each student "
            "one folder, named as in a column without repetitions, and name the column with --by"
        )
    return {line: names[0] for line, names in found.items()}


def _keys(entry: str) -> set[str]:
    """Give the forms in which the name of a submission may hold an entry."""
    name, at, _ = entry.partition("@")
    keys = {entry, name} if at else {entry}
    if numbered := re.fullmatch(r"(?:Participant|\D+\s)(\d+)", entry):  # Moodle's
        keys.add(numbered[1])
    return set(map(_folded, keys))


def _who(name: str) -> set[str]:
    """Give all that the name of a submission may say about whose it is."""
    who = {name}
    for pattern in _PACKED:
        if found := pattern.fullmatch(name):
            parts = found["who"].split("_")  # the name of an assignment may hold them, too
            who |= {"_".join(parts[n:]) for n in range(len(parts))}
    return set(map(_folded, who))


def _folded(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()
