"""Exercise factorial.interaction."""

import numpy as np

from cozad_book.checking.cases import Case, Exercise


def _pair_cases():
    random = np.random.default_rng(81)
    cases = [
        Case(f"{n} pairs", (random.uniform(0.6, 0.95, (n, 4)),), hidden)
        for n, hidden in ((3, False), (7, False), (5, True))
    ]
    return (*cases, Case("results of both signs", (random.normal(0, 40, (6, 4)),), True))


EXERCISE = Exercise("factorial.interaction", cases=_pair_cases())


@EXERCISE.right
def interaction(values: np.ndarray) -> np.ndarray:
    """Give (K,), of results (K, 4) with neither, the first, the second, both: what both add."""
    return values[:, 3] - values[:, 2] - values[:, 1] + values[:, 0]


@EXERCISE.wrong
def gain_of_both(values):
    """This is what both bring together. Ask what they bring beyond the sum of each alone."""
    return values[:, 3] - values[:, 0]


@EXERCISE.wrong
def sum_of_the_effects(values):
    """This is what both would bring if they did not know of each other. Subtract it from what they
    do bring."""
    return values[:, 1] + values[:, 2] - 2 * values[:, 0]


@EXERCISE.wrong
def over_the_better_one(values):
    """You compare with the better one of the two alone. That is the effect of the other one, not an
    interaction."""
    return values[:, 3] - np.maximum(values[:, 2], values[:, 1])


@EXERCISE.wrong
def negative(values):
    """The sign is turned round: choices that help each other have a positive interaction."""
    return -interaction(values)


@EXERCISE.wrong
def product_of_the_effects(values):
    """You multiply the two effects. Whether they interact is not decided by their size: the result
    of both together has to enter."""
    base = values[:, 0]
    return (values[:, 1] - base) * (values[:, 2] - base)


@EXERCISE.wrong
def forgets_the_base(values):
    """Each alone was measured from the method with neither: that result is missing."""
    return values[:, 3] - values[:, 2] - values[:, 1]


@EXERCISE.wrong
def effect_with_the_other(values):
    """This is the effect of the first choice where the second is made. Subtract its effect where it
    is not."""
    return values[:, 3] - values[:, 2]


@EXERCISE.wrong
def halved(values):
    """You halve the difference, as some books on the design of experiments do. Here it is not
    halved."""
    return interaction(values) / 2


@EXERCISE.wrong
def main_effect(values):
    """This is the effect of the first choice, averaged over the second. The interaction is a
    difference where the average is a sum."""
    return (values[:, 3] - values[:, 2] + values[:, 1] - values[:, 0]) / 2


@EXERCISE.wrong
def size_alone(values):
    """You give the size. Choices may also stand in each other's way: keep the sign."""
    return abs(interaction(values))


@EXERCISE.wrong
def one_minus_the_other(values):
    """You compare the two choices, each made alone. Whether they need each other shows only where
    both are made."""
    return values[:, 1] - values[:, 2]


@EXERCISE.wrong
def effect_without_the_other(values):
    """This is what the first brings without the second. Subtract it from what it brings with it."""
    return values[:, 1] - values[:, 0]


@EXERCISE.wrong
def second_with_the_first(v):
    """This is the effect of the second choice where the first is made. Subtract its effect where it
    is not."""
    return v[:, 3] - v[:, 1]


@EXERCISE.wrong
def second_without_the_first(v):
    """This is what the second brings without the first. Subtract it from what it brings with it."""
    return v[:, 2] - v[:, 0]


@EXERCISE.wrong
def main_effect_of_the_second(v):
    """This is the effect of the second choice, averaged over the first. The interaction is a
    difference of effects."""
    return (v[:, 3] + v[:, 2] - v[:, 1] - v[:, 0]) / 2


@EXERCISE.wrong
def sum_of_effects_of_the_first(v):
    """You add the effects of the first choice with and without the second. Subtract them: look at
    the signs."""
    return v[:, 3] - v[:, 2] + v[:, 1] - v[:, 0]


@EXERCISE.wrong
def sum_of_effects_of_the_second(v):
    """You add the effects of the second choice with and without the first. Subtract them: look at
    the signs."""
    return v[:, 3] + v[:, 2] - v[:, 1] - v[:, 0]


@EXERCISE.wrong
def other_difference_of_the_two(v):
    """You compare the two choices, each made alone: the result with both does not enter."""
    return v[:, 2] - v[:, 1]


@EXERCISE.wrong
def subtracts_the_base(v):
    """You subtract the result with neither where it is to be added: (both - second) - (first -
    neither)."""
    return interaction(v) - 2 * v[:, 0]


@EXERCISE.wrong
def effect_of_both_over_the_mean(v):
    """You compare both with the mean of each alone. Compare effects, each measured from where it
    starts."""
    return v[:, 3] - (v[:, 1] + v[:, 2]) / 2


@EXERCISE.wrong
def quarter(v):
    """You divide by four. Here the difference of the two effects itself is wanted."""
    return interaction(v) / 4


@EXERCISE.wrong
def share_of_the_base(v):
    """You divide by the result with neither. A difference is wanted, no ratio."""
    return interaction(v) / v[:, 0]


@EXERCISE.wrong
def ratio_of_effects(v):
    """You divide the two effects. Subtract them."""
    return (v[:, 3] - v[:, 2]) / (v[:, 1] - v[:, 0])


@EXERCISE.wrong
def mean_over_the_pairs(v):
    """You average over the rows. Each row has an interaction of its own."""
    return np.full(len(v), interaction(v).mean())


@EXERCISE.wrong
def mean_alone(v):
    """You average over the rows. Give one number for each."""
    return np.array(interaction(v).mean())
