"""Exercise factorial.main_effects. The wrong answers are wrong on purpose."""

from __future__ import annotations

import numpy as np

from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISE"]


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


def _effect_cases() -> tuple[Case, ...]:
    random = np.random.default_rng(80)
    cases = []
    for n_choices, hidden in ((3, False), (4, False), (5, True)):
        made = np.array([[r >> i & 1 for i in range(n_choices)] for r in range(2**n_choices)])
        made = made[random.permutation(len(made))]
        results = random.uniform(0.6, 0.95, len(made))
        cases.append(Case(f"{n_choices} choices, in any order", (made, results), hidden))
    made, results = cases[0].arguments
    cases.append(Case("results of both signs", (made[::-1], 50 * (results - 0.8)), True))
    return tuple(cases)


EXERCISE = Exercise(
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
            "You give the mean of the runs that make a choice. Subtract that of those that do not.",
        ),
        Mistake(
            "mask of whole numbers",
            _number_mask,
            "All your effects are 0. `results[made[:, i]]` leads to that: it takes runs 0 and 1 "
            "again and again, since the entries are whole numbers. A mask is boolean: `== 1`.",
        ),
        Mistake(
            "half that leaves it",
            lambda made, results: np.array([results[c == 0].mean() for c in made.T]),
            "You give the mean of the runs that leave a choice out. Subtract it from that of "
            "those that make it.",
        ),
        Mistake(
            "sizes alone",
            lambda made, results: abs(main_effects(made, results)),
            "You give the size. A choice may also do harm: keep the sign.",
        ),
        Mistake(
            "best against worst",
            lambda made, results: np.array(
                [results[c == 1].max() - results[c == 0].min() for c in made.T]
            ),
            "You subtract the worst result from the best. Subtract means.",
        ),
        Mistake(
            "over the mean of all",
            lambda made, results: main_effects(made, results) / results.mean(),
            "You divide by the mean of all results. A difference is wanted, no ratio.",
        ),
        Mistake(
            "ratio of means",
            lambda made, results: np.array(
                [results[c == 1].mean() / results[c == 0].mean() for c in made.T]
            ),
            "You divide the two means. Subtract them.",
        ),
        Mistake(
            "products",
            lambda made, results: np.array([(c * results).mean() for c in made.T]),
            "You average over all runs, with 0 for those that leave the choice out. Take the "
            "mean of each half, and subtract.",
        ),
        Mistake(
            "order of the choices",
            lambda made, results: main_effects(made, results)[::-1],
            "The effects come in the reverse order: the first is that of the first column.",
        ),
        Mistake(
            "correlations",
            lambda made, results: np.array([np.corrcoef(c, results)[0, 1] for c in made.T]),
            "These are correlations. A main effect is a difference of means.",
        ),
        Mistake(
            "one choice",
            lambda made, results: np.full(made.shape[1], main_effects(made, results)[0]),
            "All choices get the effect of the first. Each column has its own.",
        ),
    ),
)
