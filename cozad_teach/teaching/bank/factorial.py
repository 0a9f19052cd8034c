"""Exercises on choices that are made together. The wrong answers are wrong on purpose."""

from __future__ import annotations

import numpy as np

from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISES"]


def main_effects(made: np.ndarray, results: np.ndarray) -> np.ndarray:
    """Give mean(results with choice i) - mean(results without) for choices `made` (R, M)."""
    return np.array([results[c == 1].mean() - results[c == 0].mean() for c in made.T])


def _reference_row(made: np.ndarray, results: np.ndarray, full: bool) -> float:
    rows = (made == int(full)).all(1)
    return float(results[rows][0])


def _one_at_a_time(made: np.ndarray, results: np.ndarray) -> np.ndarray:
    alone = [(made == row).all(1) for row in np.eye(made.shape[1], dtype=int)]
    return np.array([results[rows][0] for rows in alone]) - _reference_row(made, results, False)


def _leave_one_out(made: np.ndarray, results: np.ndarray) -> np.ndarray:
    without = [(made == row).all(1) for row in 1 - np.eye(made.shape[1], dtype=int)]
    return _reference_row(made, results, True) - np.array([results[rows][0] for rows in without])


def _turned_round(made: np.ndarray, results: np.ndarray) -> np.ndarray:
    return -main_effects(made, results)


def _from_the_mean(made: np.ndarray, results: np.ndarray) -> np.ndarray:
    return np.array([results[c == 1].mean() - results.mean() for c in made.T])


def _sums(made: np.ndarray, results: np.ndarray) -> np.ndarray:
    return np.array([results[c == 1].sum() - results[c == 0].sum() for c in made.T])


def _best_with(made: np.ndarray, results: np.ndarray) -> np.ndarray:
    return np.array([results[c == 1].max() - results[c == 0].max() for c in made.T])


def _as_counted(made: np.ndarray, results: np.ndarray) -> np.ndarray:
    table = results.reshape((2,) * made.shape[1])
    axes = range(table.ndim)
    return np.array([table.take(1, axis).mean() - table.take(0, axis).mean() for axis in axes])


def _medians(made: np.ndarray, results: np.ndarray) -> np.ndarray:
    return np.array([np.median(results[c == 1]) - np.median(results[c == 0]) for c in made.T])


def _half_alone(made: np.ndarray, results: np.ndarray) -> np.ndarray:
    return np.array([results[c == 1].mean() for c in made.T])


def _number_mask(made: np.ndarray, results: np.ndarray) -> np.ndarray:
    return np.array([results[c].mean() - results[1 - c].mean() for c in made.T])


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


def _effect_cases() -> tuple[Case, ...]:
    random = np.random.default_rng(80)
    cases = []
    for n_choices, hidden in ((3, False), (4, False), (5, True)):
        made = np.array([[r >> i & 1 for i in range(n_choices)] for r in range(2**n_choices)])
        made = made[random.permutation(len(made))]
        results = random.uniform(0.6, 0.95, len(made))
        cases.append(Case(f"{n_choices} choices, in any order", (made, results), hidden))
    return tuple(cases)


def _pair_cases() -> tuple[Case, ...]:
    random = np.random.default_rng(81)
    return tuple(
        Case(f"{n} pairs", (random.uniform(0.6, 0.95, (n, 4)),), hidden)
        for n, hidden in ((3, False), (7, False), (5, True))
    )


EXERCISES = (
    Exercise(
        name="factorial.main_effects",
        reference=main_effects,
        cases=_effect_cases(),
        mistakes=(
            Mistake(
                "one at a time",
                _one_at_a_time,
                "You add each choice to a method without any. Average over all ways to make the "
                "other choices.",
            ),
            Mistake(
                "leave one out",
                _leave_one_out,
                "You take each choice out of the complete method, as an ablation does. Average "
                "over all ways to make the other choices.",
            ),
            Mistake(
                "turned round",
                _turned_round,
                "You subtract the results with a choice from those without it.",
            ),
            Mistake(
                "from the mean",
                _from_the_mean,
                "Your effects are half as large. You compare with the mean of all results, half of "
                "which made the choice, or divide by the number of all.",
            ),
            Mistake(
                "sums",
                _sums,
                "You subtract sums. Subtract means, or the effect grows with the number of "
                "combinations.",
            ),
            Mistake(
                "best of each",
                _best_with,
                "You compare the best results. The highest of many numbers is lucky: take means.",
            ),
            Mistake(
                "in the order of counting",
                _as_counted,
                "You take the runs to be in the order of counting. They come in any order: "
                "`made` says what each one is.",
            ),
            Mistake(
                "medians",
                _medians,
                "You subtract medians. A main effect is a difference of means.",
            ),
            Mistake(
                "half that makes it",
                _half_alone,
                "You give the mean of the runs that make a choice. Subtract that of those "
                "that do not.",
            ),
            Mistake(
                "mask of whole numbers",
                _number_mask,
                "`results[made[:, i]]` takes runs 0 and 1 again and again, since the "
                "entries are whole numbers. A mask is boolean: `== 1`.",
            ),
        ),
    ),
    Exercise(
        name="factorial.interaction",
        reference=interaction,
        cases=_pair_cases(),
        mistakes=(
            Mistake(
                "gain of both",
                _gain_of_both,
                "This is what both bring together. Ask what they bring beyond the sum of each "
                "alone.",
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
                "The sign is turned round: choices that help each other have a positive "
                "interaction.",
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
        ),
    ),
)
