"""Fill what teachers' pages take from elsewhere: minutes of chapters, mistakes of the bank.

``python book/_tools/teaching_pages.py`` renews the pages in ``book/instructors``. A place to fill
stands between two comments, which no reader sees::

    <!-- minutes slides 1 + exercise ex-image-score + 15 -->62<!-- /minutes -->

adds up the minutes of a deck (``slides 1``), of reading and exercises as the chapter states them
(``reading 1``, ``exercises 1``), of one exercise, and plain numbers. Several chapters stand one
after the other: ``reading 1 2 3``. And

    <!-- mistake confidence.iqr_threshold / starts at Q1 --> ... <!-- /mistake -->

becomes what the checker says of this mistake, and its code as students write it.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap

import slides
from chapter_parts import chapters
from cozad_book.checking.exercises import all_exercises
from cozad_teach.cli.endings import run_command
from cozad_teach.errors import CozadError
from notebooks import BOOK

PAGES = ("syllabi", "misconceptions")
_PLACE = re.compile(r"(<!-- (minutes|mistake) (.+?) -->)(.*?)(<!-- /\2 -->)", re.DOTALL)


def fill(text: str) -> str:
    """Put what is true now into the places of a page.

    Raises
    ------
    CozadError
        If a place names what the book does not have, or is not closed.
    """
    opened = len(re.findall(r"<!-- (?:minutes|mistake) ", text))
    if opened != len(_PLACE.findall(text)):
        raise CozadError("a place of a teachers' page is not closed: end it with <!-- /minutes -->")
    makers = {"minutes": minutes, "mistake": mistake}
    return _PLACE.sub(lambda m: f"{m[1]}{makers[m[2]](m[3])}{m[5]}", text)


def minutes(sum_of: str) -> str:
    """Add up the minutes that a place asks for."""
    return str(sum(map(_minutes, sum_of.split(" + "))))


def _minutes(part: str) -> int:
    found = {chapter.number: chapter for chapter in chapters()}
    word, *names = part.split()
    try:
        if word.isdigit() and not names:
            return int(word)
        if word == "exercise":
            (label,) = names
            (one,) = [e for c in found.values() for e in c.exercises if e.label == label]
            return one.minutes
        numbers = [found[int(name)] for name in names]
        if word == "slides":
            decks = [slides.SOURCES / f"{chapter.name}.md" for chapter in numbers]
            texts = [path.read_text(encoding="utf-8") for path in decks]
            return sum(s.minutes for text in texts for s in slides.read_slides(text, "a deck"))
        place = {"reading": 0, "exercises": 1}[word]
        return sum(chapter.minutes[place] for chapter in numbers)
    except (ValueError, KeyError) as error:
        raise CozadError(
            f"{part!r} names no minutes: see teaching_pages.py for the words"
        ) from error


def mistake(name: str) -> str:
    """Show a mistake of the bank: what the checker says of it, and its code."""
    exercise, _, wanted = (part.strip() for part in name.partition("/"))
    known = all_exercises()
    for one in known[exercise].mistakes if exercise in known else ():
        if one.name == wanted:
            return f"\n\n> {one.message}\n\n```python\n{_code(one.function)}\n```\n\n"
    raise CozadError(f"the bank has no mistake {name!r}: see book/cozad_book/exercises")


def _code(function: object) -> str:
    """Give the code of a function without decorator and docstring."""
    source = textwrap.dedent(inspect.getsource(function))  # type: ignore[arg-type]
    tree = ast.parse(source).body[0]
    assert isinstance(tree, ast.FunctionDef)
    first = tree.body[0]
    told = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    lines = source.splitlines()
    head = lines[tree.lineno - 1 : first.lineno - 1]
    body = lines[(first.end_lineno if told else first.lineno - 1) or 0 : tree.end_lineno]
    return "\n".join([*head, *body]).rstrip()


def main() -> int:
    """Renew the pages and say which were out of date."""
    for name in PAGES:
        path = BOOK / "instructors" / f"{name}.md"
        text = path.read_text(encoding="utf-8")
        renewed = fill(text)
        if renewed != text:
            path.write_text(renewed, encoding="utf-8")
        print(f"{name}: {'renewed' if renewed != text else 'up to date'}")
    return 0


if __name__ == "__main__":
    sys.exit(run_command("teaching pages", main))
