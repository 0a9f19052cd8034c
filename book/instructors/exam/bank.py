"""The bank of questions: what a question is, and how one is drawn that tells right from wrong.

A template is a function that draws parameters and gives a question with its right answer and with
typical wrong ones. It may draw badly, a tie or two ways to one number; then it is asked again.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from cozad_teach.errors import CozadError

TRIES = 200


@dataclass(frozen=True)
class Question:
    """A question whose answer is a number.

    Attributes
    ----------
    text : str
        The question in Markdown, with all that is needed to answer it.
    answer : float
        The right number.
    wrong : dict of str to float
        What a typical wrong answer shows, and the number that it leads to. One that does not occur
        with these parameters is None, and left out.
    whole : bool
        The answer is a whole number, else three digits that count are wanted.
    """

    text: str
    answer: float
    wrong: Mapping[str, float | None]
    whole: bool = False

    @property
    def mistakes(self) -> dict[str, float]:
        """The wrong answers that these parameters can lead to."""
        return {why: float(value) for why, value in self.wrong.items() if value is not None}

    @property
    def tolerance(self) -> float:
        """The greatest difference that still counts as right: half a percent and rounding."""
        return 0.01 if self.whole else 0.006 * abs(self.answer)

    def is_right(self, number: float) -> bool:
        """See whether a number is the right one."""
        return math.isfinite(number) and abs(number - self.answer) <= self.tolerance

    def reach(self, value: float) -> float:
        """How far a number may lie from a wrong answer to be taken for it."""
        return max(self.tolerance, 0.006 * abs(value))

    def diagnosis(self, number: float) -> str:
        """Say what a wrong number shows; empty if nothing is known of it."""
        for why, value in self.mistakes.items():
            if abs(number - value) <= self.reach(value):
                return why
        return ""

    def is_sound(self) -> bool:
        """See whether right and wrong answers are numbers that can be told apart."""
        values = [self.answer, *self.mistakes.values()]
        if not all(map(math.isfinite, values)) or abs(self.answer) < 1e-3:
            return False
        pairs = itertools.combinations(values, 2)
        return all(abs(a - b) > 3 * max(self.reach(a), self.reach(b)) for a, b in pairs)


Drawn = Callable[[np.random.Generator], Question]


@dataclass(frozen=True)
class Template:
    """A kind of question: its name, the chapter that it belongs to, its title, and its maker."""

    name: str
    chapter: int
    title: str
    make: Drawn

    def draw(self, random: np.random.Generator) -> Question:
        """Draw a question that tells right from wrong.

        Raises
        ------
        CozadError
            If none is found, which is a fault of the template.
        """
        for _ in range(TRIES):
            question = self.make(random)
            if question.is_sound():
                return question
        raise CozadError(f"the template {self.name} draws no question that tells right from wrong")


TEMPLATES: list[Template] = []


def template(chapter: int, title: str) -> Callable[[Drawn], Drawn]:
    """Put the function below into the bank."""

    def add(make: Drawn) -> Drawn:
        TEMPLATES.append(Template(make.__name__, chapter, title, make))
        return make

    return add


def listed(values: np.ndarray, digits: int = 2) -> str:
    """Write numbers as a question shows them."""
    return ", ".join(f"{value:.{digits}f}" for value in values)


def drawn(random: np.random.Generator, low: float, high: float, n: int, digits: int = 2):
    """Draw different numbers, rounded as they are shown: no tie comes in unasked."""
    steps = round((high - low) * 10**digits)
    places = random.choice(steps + 1, size=n, replace=False)
    return np.round(low + places / 10**digits, digits)
