"""Draw an exam: the same kinds of questions for all, and numbers of one's own."""

from __future__ import annotations

import zlib

import numpy as np

import chapters_1_to_3
import chapters_4_to_6
import chapters_7_to_9
import chapters_10_to_12
from bank import TEMPLATES, Question, Template
from cozad_teach.errors import CozadError

__all__ = ["choose", "questions_of", "templates"]

# Each fills the bank with its templates.
PARTS = (chapters_1_to_3, chapters_4_to_6, chapters_7_to_9, chapters_10_to_12)


def templates() -> list[Template]:
    """Give the templates of the bank, in the order of the chapters."""
    return sorted(TEMPLATES, key=lambda template: template.chapter)


def choose(seed: int, n: int) -> list[Template]:
    """Choose kinds of questions, from all chapters alike, the same for every student.

    Raises
    ------
    CozadError
        If the bank has fewer.
    """
    random, found = np.random.default_rng([seed, 0]), templates()
    if not 1 <= n <= len(found):
        raise CozadError(f"--questions must lie between 1 and {len(found)}, the size of the bank")
    order = random.permutation(len(found))
    by_chapter: dict[int, list[Template]] = {}
    for place in order:
        by_chapter.setdefault(found[place].chapter, []).append(found[place])
    chapters = random.permutation(sorted(by_chapter))
    rounds = range(max(map(len, by_chapter.values())))
    taken = [by_chapter[c][r] for r in rounds for c in chapters if r < len(by_chapter[c])]
    return sorted(taken[:n], key=lambda template: (template.chapter, template.name))


def questions_of(seed: int, student: str, chosen: list[Template]) -> list[Question]:
    """Draw the questions of a student: the same again for the same seed and id."""
    random = np.random.default_rng([seed, 1, zlib.crc32(student.encode())])
    return [template.draw(random) for template in chosen]
