"""Exercise confidence.iqr_threshold."""

import numpy as np

from cozad_book.checking.cases import Case, Exercise, Mistake


def _by_rule(rule):
    def threshold(scores: np.ndarray, gamma: float) -> float:
        q1, q3 = np.percentile(scores, [25, 75], method=rule)
        return float(q3 + gamma * (q3 - q1))

    return threshold


def _threshold_cases():
    draw = np.random.default_rng(7).gamma
    tied = np.array([3.0, 1.0, 2.0, 2.0, 9.0, 2.0, 4.0])
    return (
        Case("8 scores, γ = 1.5", (draw(2.0, 1.0, 8), 1.5)),
        Case("7 scores with ties, γ = 0.5", (tied, 0.5)),
        Case("10 scores, γ = 0", (draw(2.0, 1.0, 10), 0.0)),
        Case("9 scores of both signs, γ = -1", (draw(2.0, 1.0, 9) - 2, -1.0)),
        Case("11 scores, γ = -1", (draw(1.0, 2.0, 11), -1.0), hidden=True),
        Case("a single score", (np.array([2.5]), 1.5), hidden=True),
    )


EXERCISE = Exercise("confidence.iqr_threshold", cases=_threshold_cases())


@EXERCISE.right
def iqr_threshold(scores: np.ndarray, gamma: float) -> float:
    """Give Q3 + gamma (Q3 - Q1) of scores (N,)."""
    q1, q3 = np.percentile(scores, [25, 75])
    return float(q3 + gamma * (q3 - q1))


@EXERCISE.wrong
def starts_at_Q1(scores, gamma):
    """The threshold starts at Q1, not at Q3."""
    q1, q3 = np.percentile(scores, [25, 75])
    return float(q1 + gamma * (q3 - q1))


@EXERCISE.wrong
def starts_at_the_median(scores, gamma):
    """The threshold starts at the median, not at Q3."""
    q1, q2, q3 = np.percentile(scores, [25, 50, 75])
    return float(q2 + gamma * (q3 - q1))


@EXERCISE.wrong
def uses_the_standard_deviation(scores, gamma):
    """You use mean and standard deviation. A few huge scores move both, and so hide themselves;
    quartiles stay where they are."""
    return float(scores.mean() + gamma * scores.std())


@EXERCISE.wrong
def goes_down(scores, gamma):
    """You subtract γ times the interquartile range. It is added: a larger γ means a higher
    threshold."""
    return iqr_threshold(scores, -gamma)


@EXERCISE.wrong
def uses_the_whole_range(scores, gamma):
    """You multiply γ by the distance from the lowest to the highest score. One outlier decides
    that; take Q3 - Q1."""
    return float(np.percentile(scores, 75) + gamma * (scores.max() - scores.min()))


@EXERCISE.wrong
def mixes_shares_and_percent(scores, gamma):
    """`np.percentile` counts to 100, so 0.25 is a quarter of one percent. Ask for 25 and 75, or use
    `np.quantile`."""
    q1, q3 = np.percentile(scores, [0.25, 0.75])
    return float(q3 + gamma * (q3 - q1))


@EXERCISE.wrong
def does_not_sort(scores, gamma):
    """You take scores by their place in the list. Quartiles are places in the sorted list."""
    q1, q3 = scores[len(scores) // 4], scores[3 * len(scores) // 4]
    return float(q3 + gamma * (q3 - q1))


@EXERCISE.wrong
def ignores_γ(scores, gamma):
    """Your γ is 1.5, whatever the argument says."""
    return iqr_threshold(scores, 1.5)


@EXERCISE.wrong
def around_Q1(scores, gamma):
    """This is the fence below the scores. Low ones are not in doubt: start at Q3, and add."""
    q1, q3 = np.percentile(scores, [25, 75])
    return float(q1 - gamma * (q3 - q1))


@EXERCISE.wrong
def of_the_sorted_list_without_interpolation(scores, gamma):
    """Your quartiles are scores of the list (`inverted_cdf`). Between two of them, interpolate
    linearly."""
    q1, q3 = np.percentile(scores, [25, 75], method="inverted_cdf")
    return float(q3 + gamma * (q3 - q1))


@EXERCISE.wrong
def place_in_the_sorted_list(scores, gamma):
    """You take the scores at a quarter and at three quarters of the sorted list. A quartile lies
    between two scores: interpolate, as `np.percentile` does."""
    return does_not_sort(np.sort(scores), gamma)


@EXERCISE.wrong
def medians_of_the_halves(scores, gamma):
    """Your quartiles are the medians of the lower and the upper half. NumPy interpolates linearly
    at 25 % and 75 %."""
    ordered, half = np.sort(scores), max(len(scores) // 2, 1)
    q1, q3 = np.median(ordered[:half]), np.median(ordered[-half:])
    return float(q3 + gamma * (q3 - q1))


@EXERCISE.wrong
def range_alone(scores, gamma):
    """This is γ times the interquartile range alone. It is added to Q3."""
    return iqr_threshold(scores, gamma) - np.percentile(scores, 75)


@EXERCISE.wrong
def γ_of_0_is_another(scores, gamma):
    """Where γ is 0 you take another γ: `or` takes 0 for nothing. Here 0 is a value like any other,
    and the threshold is Q3."""
    return iqr_threshold(scores, gamma or 1.5)


@EXERCISE.wrong
def never_below_0(scores, gamma):
    """You do not let the threshold fall below 0. The equation has no such bound."""
    return max(0.0, iqr_threshold(scores, gamma))


@EXERCISE.wrong
def multiplies_Q3(scores, gamma):
    """You add γ times Q3. Add γ times the interquartile range, Q3 - Q1."""
    return (1 + gamma) * np.percentile(scores, 75)


@EXERCISE.wrong
def Q3_alone(scores, gamma):
    """Your γ has no influence: this is Q3 alone."""
    return iqr_threshold(scores, 0.0)


@EXERCISE.wrong
def corrected_standard_deviation(scores, gamma):
    """You use mean and standard deviation (of one less). A few huge scores move both; take the
    quartiles."""
    return scores.mean() + gamma * scores.std(ddof=1)


@EXERCISE.wrong
def median_absolute_deviation(scores, gamma):
    """You use the median and the median distance from it. The quartiles are wanted."""
    return np.median(scores) + gamma * np.median(abs(scores - np.median(scores)))


for rule in ("lower", "higher", "nearest", "midpoint", "hazen", "weibull"):
    EXERCISE.mistakes.append(
        Mistake(
            f"quartiles by the rule {rule}",
            _by_rule(rule),
            f"Your quartiles follow another rule (`{rule}` in NumPy). Interpolate linearly, as "
            "NumPy does by default.",
        )
    )


@EXERCISE.wrong
def outer_tenths(s, gamma):
    """You take the 10 % and 90 % quantiles. Quartiles are at 25 % and 75 %."""
    return (1 + gamma) * np.percentile(s, 90) - gamma * np.percentile(s, 10)


@EXERCISE.wrong
def halves_with_the_median(scores, gamma):
    """Your quartiles are the medians of the two halves, with the middle score in both. NumPy
    interpolates linearly at 25 % and 75 %."""
    ordered, n = np.sort(scores), len(scores)
    q1, q3 = np.median(ordered[: (n + 1) // 2]), np.median(ordered[n // 2 :])
    return q3 + gamma * (q3 - q1)


@EXERCISE.wrong
def brackets(scores, gamma):
    """You add γ to Q3 and multiply then. Only the range is multiplied by γ: check the
    parentheses."""
    q1, q3 = np.percentile(scores, [25, 75])
    return (q3 + gamma) * (q3 - q1)


@EXERCISE.wrong
def multiplies(scores, gamma):
    """You multiply Q3 by γ and the range. Add γ times the range to Q3."""
    q1, q3 = np.percentile(scores, [25, 75])
    return q3 * gamma * (q3 - q1)


@EXERCISE.wrong
def never_below_q3(scores, gamma):
    """You take the size of γ. A γ below 0 puts the threshold below Q3, on purpose."""
    return iqr_threshold(scores, abs(gamma))


@EXERCISE.wrong
def equal_scores_once(scores, gamma):
    """Equal scores count once in your answer: `np.unique` drops the others."""
    return iqr_threshold(np.unique(scores), gamma)


@EXERCISE.wrong
def half_the_range(scores, gamma):
    """You multiply γ by half the range. Take the whole of it."""
    return iqr_threshold(scores, gamma / 2)


@EXERCISE.wrong
def one_range_more(scores, gamma):
    """You add one interquartile range too many: 1 + γ of them."""
    return iqr_threshold(scores, 1 + gamma)
