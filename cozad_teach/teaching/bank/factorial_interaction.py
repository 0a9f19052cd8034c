"""Exercise factorial.interaction. The wrong answers are wrong on purpose."""

from __future__ import annotations

import numpy as np

from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISE"]


def interaction(values: np.ndarray) -> np.ndarray:
    """Give (K,), of results (K, 4) with neither, the first, the second, both: what both add."""
    return values[:, 3] - values[:, 2] - values[:, 1] + values[:, 0]


def _halved(values: np.ndarray) -> np.ndarray:
    return interaction(values) / 2


def _gain_of_both(values: np.ndarray) -> np.ndarray:
    return values[:, 3] - values[:, 0]


def _sum_of_effects(values: np.ndarray) -> np.ndarray:
    return values[:, 1] + values[:, 2] - 2 * values[:, 0]


def _over_the_best(values: np.ndarray) -> np.ndarray:
    return values[:, 3] - np.maximum(values[:, 2], values[:, 1])


def _negative(values: np.ndarray) -> np.ndarray:
    return -interaction(values)


def _product(values: np.ndarray) -> np.ndarray:
    base = values[:, 0]
    return (values[:, 1] - base) * (values[:, 2] - base)


def _forgets_the_base(values: np.ndarray) -> np.ndarray:
    return values[:, 3] - values[:, 2] - values[:, 1]


def _effect_with(values: np.ndarray) -> np.ndarray:
    return values[:, 3] - values[:, 2]


def _main_effect(values: np.ndarray) -> np.ndarray:
    return (values[:, 3] - values[:, 2] + values[:, 1] - values[:, 0]) / 2


def _size(values: np.ndarray) -> np.ndarray:
    return abs(interaction(values))


def _first_less_second(values: np.ndarray) -> np.ndarray:
    return values[:, 1] - values[:, 2]


def _effect_without(values: np.ndarray) -> np.ndarray:
    return values[:, 1] - values[:, 0]


def _pair_cases() -> tuple[Case, ...]:
    random = np.random.default_rng(81)
    cases = [
        Case(f"{n} pairs", (random.uniform(0.6, 0.95, (n, 4)),), hidden)
        for n, hidden in ((3, False), (7, False), (5, True))
    ]
    return (*cases, Case("results of both signs", (random.normal(0, 40, (6, 4)),), True))


EXERCISE = Exercise(
    name="factorial.interaction",
    reference=interaction,
    cases=_pair_cases(),
    mistakes=(
        Mistake(
            "gain of both",
            _gain_of_both,
            "This is what both bring together. Ask what they bring beyond the sum of each alone.",
        ),
        Mistake(
            "sum of the effects",
            _sum_of_effects,
            "This is what both would bring if they did not know of each other. Subtract it "
            "from what they do bring.",
        ),
        Mistake(
            "over the better one",
            _over_the_best,
            "You compare with the better one of the two alone. That is the effect of the "
            "other one, not an interaction.",
        ),
        Mistake(
            "negative",
            _negative,
            "The sign is turned round: choices that help each other have a positive interaction.",
        ),
        Mistake(
            "product of the effects",
            _product,
            "You multiply the two effects. Whether they interact is not decided by their "
            "size: the result of both together has to enter.",
        ),
        Mistake(
            "forgets the base",
            _forgets_the_base,
            "Each alone was measured from the method with neither: that result is missing.",
        ),
        Mistake(
            "effect with the other",
            _effect_with,
            "This is the effect of the first choice where the second is made. Subtract its "
            "effect where it is not.",
        ),
        Mistake(
            "halved",
            _halved,
            "You halve the difference, as some books on the design of experiments do. Here "
            "it is not halved.",
        ),
        Mistake(
            "main effect",
            _main_effect,
            "This is the effect of the first choice, averaged over the second. The "
            "interaction is a difference where the average is a sum.",
        ),
        Mistake(
            "size alone",
            _size,
            "You give the size. Choices may also stand in each other's way: keep the sign.",
        ),
        Mistake(
            "one minus the other",
            _first_less_second,
            "You compare the two choices, each made alone. Whether they need each other "
            "shows only where both are made.",
        ),
        Mistake(
            "effect without the other",
            _effect_without,
            "This is what the first brings without the second. Subtract it from what it "
            "brings with it.",
        ),
        Mistake(
            "second with the first",
            lambda v: v[:, 3] - v[:, 1],
            "This is the effect of the second choice where the first is made. Subtract its "
            "effect where it is not.",
        ),
        Mistake(
            "second without the first",
            lambda v: v[:, 2] - v[:, 0],
            "This is what the second brings without the first. Subtract it from what it brings "
            "with it.",
        ),
        Mistake(
            "main effect of the second",
            lambda v: (v[:, 3] + v[:, 2] - v[:, 1] - v[:, 0]) / 2,
            "This is the effect of the second choice, averaged over the first. The interaction "
            "is a difference of effects.",
        ),
        Mistake(
            "sum of effects of the first",
            lambda v: v[:, 3] - v[:, 2] + v[:, 1] - v[:, 0],
            "You add the effects of the first choice with and without the second. Subtract "
            "them: look at the signs.",
        ),
        Mistake(
            "sum of effects of the second",
            lambda v: v[:, 3] + v[:, 2] - v[:, 1] - v[:, 0],
            "You add the effects of the second choice with and without the first. Subtract "
            "them: look at the signs.",
        ),
        Mistake(
            "other difference of the two",
            lambda v: v[:, 2] - v[:, 1],
            "You compare the two choices, each made alone: the result with both does not enter.",
        ),
        Mistake(
            "subtracts the base",
            lambda v: interaction(v) - 2 * v[:, 0],
            "You subtract the result with neither where it is to be added: (both - second) - "
            "(first - neither).",
        ),
        Mistake(
            "effect of both over the mean",
            lambda v: v[:, 3] - (v[:, 1] + v[:, 2]) / 2,
            "You compare both with the mean of each alone. Compare effects, each measured from "
            "where it starts.",
        ),
        Mistake(
            "quarter",
            lambda v: interaction(v) / 4,
            "You divide by four. Here the difference of the two effects itself is wanted.",
        ),
        Mistake(
            "share of the base",
            lambda v: interaction(v) / v[:, 0],
            "You divide by the result with neither. A difference is wanted, no ratio.",
        ),
        Mistake(
            "ratio of effects",
            lambda v: (v[:, 3] - v[:, 2]) / (v[:, 1] - v[:, 0]),
            "You divide the two effects. Subtract them.",
        ),
        Mistake(
            "mean over the pairs",
            lambda v: np.full(len(v), interaction(v).mean()),
            "You average over the rows. Each row has an interaction of its own.",
        ),
        Mistake(
            "mean alone",
            lambda v: np.array(interaction(v).mean()),
            "You average over the rows. Give one number for each.",
        ),
    ),
)
