"""Exercise factorial.main_effects."""

import numpy as np

from cozad_book.checking.cases import Case, Exercise


def _reference_row(made, results, full):
    rows = (made == int(full)).all(1)
    return float(results[rows][0])


def _effect_cases():
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


EXERCISE = Exercise("factorial.main_effects", cases=_effect_cases())


@EXERCISE.right
def main_effects(made: np.ndarray, results: np.ndarray) -> np.ndarray:
    """Give mean(results with choice i) - mean(results without) for choices `made` (R, M)."""
    return np.array([results[c == 1].mean() - results[c == 0].mean() for c in made.T])


@EXERCISE.wrong
def one_at_a_time(made, results):
    """You add each choice to a method without any. Average over all ways to make the other
    choices."""
    alone = [(made == row).all(1) for row in np.eye(made.shape[1], dtype=int)]
    return np.array([results[rows][0] for rows in alone]) - _reference_row(made, results, False)


@EXERCISE.wrong
def leave_one_out(made, results):
    """You take each choice out of the complete method, as an ablation does. Average over all ways
    to make the other choices."""
    without = [(made == row).all(1) for row in 1 - np.eye(made.shape[1], dtype=int)]
    return _reference_row(made, results, True) - np.array([results[rows][0] for rows in without])


@EXERCISE.wrong
def turned_round(made, results):
    """You subtract the results with a choice from those without it."""
    return -main_effects(made, results)


@EXERCISE.wrong
def from_the_mean(made, results):
    """Your effects are half as large. You compare with the mean of all results, half of which made
    the choice, or divide by the number of all."""
    return np.array([results[c == 1].mean() - results.mean() for c in made.T])


@EXERCISE.wrong
def sums(made, results):
    """You subtract sums. Subtract means, or the effect grows with the number of combinations."""
    return np.array([results[c == 1].sum() - results[c == 0].sum() for c in made.T])


@EXERCISE.wrong
def best_of_each(made, results):
    """You compare the best results. The highest of many numbers is lucky: take means."""
    return np.array([results[c == 1].max() - results[c == 0].max() for c in made.T])


@EXERCISE.wrong
def in_the_order_of_counting(made, results):
    """You take the runs to be in the order of counting. They come in any order: `made` says what
    each one is."""
    table = results.reshape((2,) * made.shape[1])
    axes = range(table.ndim)
    return np.array([table.take(1, axis).mean() - table.take(0, axis).mean() for axis in axes])


@EXERCISE.wrong
def medians(made, results):
    """You subtract medians. A main effect is a difference of means."""
    return np.array([np.median(results[c == 1]) - np.median(results[c == 0]) for c in made.T])


@EXERCISE.wrong
def half_that_makes_it(made, results):
    """You give the mean of the runs that make a choice. Subtract that of those that do not."""
    return np.array([results[c == 1].mean() for c in made.T])


@EXERCISE.wrong
def mask_of_whole_numbers(made, results):
    """All your effects are 0. `results[made[:, i]]` leads to that: it takes runs 0 and 1 again and
    again, since the entries are whole numbers. A mask is boolean: `== 1`."""
    return np.array([results[c].mean() - results[1 - c].mean() for c in made.T])


@EXERCISE.wrong
def half_that_leaves_it(made, results):
    """You give the mean of the runs that leave a choice out. Subtract it from that of those that
    make it."""
    return np.array([results[c == 0].mean() for c in made.T])


@EXERCISE.wrong
def sizes_alone(made, results):
    """You give the size. A choice may also do harm: keep the sign."""
    return abs(main_effects(made, results))


@EXERCISE.wrong
def best_against_worst(made, results):
    """You subtract the worst result from the best. Subtract means."""
    return np.array([results[c == 1].max() - results[c == 0].min() for c in made.T])


@EXERCISE.wrong
def over_the_mean_of_all(made, results):
    """You divide by the mean of all results. A difference is wanted, no ratio."""
    return main_effects(made, results) / results.mean()


@EXERCISE.wrong
def ratio_of_means(made, results):
    """You divide the two means. Subtract them."""
    return np.array([results[c == 1].mean() / results[c == 0].mean() for c in made.T])


@EXERCISE.wrong
def products(made, results):
    """You average over all runs, with 0 for those that leave the choice out. Take the mean of each
    half, and subtract."""
    return np.array([(c * results).mean() for c in made.T])


@EXERCISE.wrong
def order_of_the_choices(made, results):
    """The effects come in the reverse order: the first is that of the first column."""
    return main_effects(made, results)[::-1]


@EXERCISE.wrong
def correlations(made, results):
    """These are correlations. A main effect is a difference of means."""
    return np.array([np.corrcoef(c, results)[0, 1] for c in made.T])


@EXERCISE.wrong
def one_choice(made, results):
    """All choices get the effect of the first. Each column has its own."""
    return np.full(made.shape[1], main_effects(made, results)[0])


@EXERCISE.wrong
def regression_without_a_constant(made, results):
    """You fit the results by least squares without a constant. Subtract the means of the two
    halves."""
    return np.linalg.lstsq(made.astype(float), results, rcond=None)[0]
