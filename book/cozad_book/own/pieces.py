"""Which functions a student's detector consists of, and whose each of them is at the moment."""

from __future__ import annotations

import inspect
import linecache
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cozad_book.checking.exercises import all_exercises, take_passed, verdict_on
from cozad_book.listings import Table, table
from cozad_book.own import file
from cozad_book.own.sources import source_with_needs
from cozad_teach.errors import CozadError

__all__ = ["CHAPTERS", "Pieces", "catch_up", "collect", "my_functions", "my_pieces", "start_over"]

# The exercises whose functions the detector calls, by chapter, and what each does in it.
CHAPTERS: dict[int, dict[str, str]] = {
    1: {
        "scoring.image_scores": "makes one score of an image's patches",
        "metrics.image_auroc": "measures the detector",
    },
    2: {
        "features.mean_pool": "pools the patches of each level",
        "features.standardise": "scales the channels",
        "scoring.mahalanobis": "scores each patch",
    },
    3: {"contrastive.supervised": "says when to stop training the head"},
    4: {
        "confidence.iqr_threshold": "says from which score on a patch is doubted",
        "confidence.soft_weights": "weighs the patches",
        "confidence.weighted_covariance": "lets weighted patches say what is normal",
    },
    5: {
        "covariance.loss_covariance": "watches the losses while the head is trained",
        "covariance.decay_strength": "decides how hard the head is held back",
    },
    6: {"maml.reptile_step": "takes the outer step of the training"},
    7: {"cozad.covariance_with_prior": "adds the prior to the covariance"},
    8: {
        "evaluation.average_precision": "measures it once more",
        "evaluation.paired_interval": "says whether it gained since chapter 2",
    },
    9: {"training.round_to_bits": "keeps its scores in fewer bits"},
    10: {"experiments.contaminated_support": "chooses supports with more and more defects"},
    11: {"thresholds.conformal_threshold": "decides what is called a defect"},
}
# Those that hold all of one's own CoZAD, with what they call.
CAPSTONE = ("capstone.fit", "capstone.score")
MINE, BOOKS, MISSING = "mine", "the book's, taken over", "still the book's"


@dataclass(frozen=True)
class Piece:
    """One function of the detector.

    Attributes
    ----------
    function : callable
        What is called: the student's, or the book's in its place.
    whose : str
        ``mine``; ``the book's, taken over``, by `catch_up`; or ``still the book's``.
    why : str
        What is wrong with the function in the file, where the book's stands in for it.
    """

    function: Callable[..., Any]
    whose: str
    why: str = ""


class Pieces:
    """The functions by the names of their exercises, as attributes of `by_name`.

    Parameters
    ----------
    by_name : dict of str to Piece
        One for each exercise of `CHAPTERS`.
    """

    def __init__(self, by_name: dict[str, Piece]) -> None:
        self.by_name = by_name

    def __getitem__(self, exercise: str) -> Callable[..., Any]:
        """Give the function for an exercise."""
        return self.by_name[exercise].function

    def until(self, chapter: int) -> list[Piece]:
        """List the pieces of the chapters up to one."""
        names = (name for n in CHAPTERS if n <= chapter for name in CHAPTERS[n])
        return [self.by_name[name] for name in names]

    def table(self, chapter: int) -> Table:
        """Say whose each piece is, up to a chapter."""
        rows = [
            [n, name, what, self.by_name[name].whose]
            for n, pieces in CHAPTERS.items()
            if n <= chapter
            for name, what in pieces.items()
        ]
        return table(["chapter", "exercise", "in the detector it", "whose"], rows)


def my_pieces() -> Pieces:
    """Read the file and check each function in it; what is missing or wrong is the book's.

    Raises
    ------
    CozadError
        As `cozad_book.own.file.read`.
    """
    blocks = file.read()
    names = (name for pieces in CHAPTERS.values() for name in pieces)
    return Pieces({name: _piece(name, blocks) for name in names})


def _piece(name: str, blocks: dict[str, file.Block]) -> Piece:
    reference = inspect.unwrap(all_exercises()[name].reference)
    if name not in blocks:
        return Piece(reference, MISSING)
    function, why = _loaded(blocks[name])
    if not function:
        return Piece(reference, MISSING, why)
    verdict = verdict_on(name, function)
    if not verdict.passed:
        return Piece(reference, MISSING, verdict.message)
    return Piece(function, BOOKS if blocks[name].from_book else MINE)


def collect() -> list[str]:
    """Write the answers that passed in this notebook into the file; list the exercises.

    Raises
    ------
    CozadError
        Of the first answer that cannot be written, when all others are.
    """
    names = {name for pieces in CHAPTERS.values() for name in pieces} | {*CAPSTONE}
    changed, errors = [], []
    for name, function in take_passed().items():
        if name in names:
            try:
                changed += file.add({name: function})
            except CozadError as error:
                errors.append(error)
    if errors:
        raise errors[0]
    return changed


def my_functions(*exercises: str) -> list[Callable[..., Any]]:
    """Give one's own functions, to build on; the book's where there is none, which it says.

    Parameters
    ----------
    *exercises : str
        Names among the pieces of the detector.

    Raises
    ------
    CozadError
        If one is none of the pieces, or as `my_pieces`.
    """
    collect()
    blocks, found = file.read(), []
    names = [name for pieces in CHAPTERS.values() for name in pieces]
    for name in exercises:
        if name not in names:
            raise CozadError(f"{name!r} is no piece: choose from {', '.join(names)}")
        piece = _piece(name, blocks)
        function = piece.function
        if piece.whose == MISSING:
            print(f"{name}: {MISSING}. Solve it, or take it over with catch_up(...).")
            if not all_exercises()[name].results:  # else it has no source
                block = file.Block(name, function.__name__, True, source_with_needs(function))
                function = _loaded(block)[0] or function
        found.append(function)
    return found


def catch_up(chapter: int) -> Table:
    """Take the book's answers for what is missing up to a chapter, and say whose each piece is.

    Parameters
    ----------
    chapter : int
        The last one that was skipped.

    Raises
    ------
    CozadError
        If no chapter has this number, if this edition has no answers, or as
        `cozad_book.own.file.add`.
    """
    if chapter not in CHAPTERS:
        raise CozadError(f"there are pieces in chapters 1 to {max(CHAPTERS)}, not in {chapter}")
    collect()
    pieces, exercises = my_pieces(), all_exercises()
    missing = [
        name
        for n in CHAPTERS
        if n <= chapter
        for name in CHAPTERS[n]
        if pieces.by_name[name].whose == MISSING
    ]
    if any(exercises[name].results for name in missing):
        raise CozadError(
            "this edition of the book holds no answers: ask your teacher for "
            f"{', '.join(missing)}, or go on: the detector takes the book's own in their place"
        )
    file.add({name: inspect.unwrap(exercises[name].reference) for name in missing}, from_book=True)
    return my_pieces().table(chapter)


def start_over() -> str:
    """Begin the file anew; what was in it stays, under another name."""
    take_passed()
    aside = file.set_aside()
    if aside is None:
        return f"There is no {file.my_file().name} yet."
    return f"{file.my_file().name} is called {aside.name} now, and the next one begins empty."


def _loaded(block: file.Block) -> tuple[Callable[..., Any] | None, str]:
    """Run the code of a block in a space of its own; give its function, or what went wrong."""
    place = f"<{file.my_file().name}, {block.exercise}>"
    linecache.cache[place] = (len(block.code), None, block.code.splitlines(True), place)
    space: dict[str, Any] = {"__name__": "my_cozad"}
    try:
        exec(compile(block.code, place, "exec"), space)
        return space[block.function], ""
    except Exception as error:  # a student's file may raise anything
        at = block.line + (error.lineno or 1) - 1 if isinstance(error, SyntaxError) else block.line
        return None, f"{type(error).__name__} in line {at} or below: {error}"
