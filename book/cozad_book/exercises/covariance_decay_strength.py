"""Exercise covariance.decay_strength."""

import numpy as np

from cozad_book.checking.cases import Case, Exercise


def _determinant(covariance):
    product = covariance[0, 0] * covariance[1, 1] - covariance[0, 1] * covariance[1, 0]
    return max(float(product), 0.0)


def _from(determinant, base, growth, cap):
    return float(base * (1 + growth * np.log1p(min(determinant, cap)) / np.log1p(cap)))


def _decay_cases():
    some = np.array([[1.5, 0.8], [0.8, 2.0]])
    wild = np.array([[40.0, -6.0], [-6.0, 9.0]])
    return (
        Case("a covariance with determinant 2.36", (some, 0.1, 0.5, 100.0)),
        Case("a determinant above the cap", (wild, 0.2, 3.0, 50.0)),
        Case("losses that move in lockstep", (np.array([[1.0, 2.0], [2.0, 4.0]]), 0.3, 0.5, 20.0)),
        Case("a determinant below 0", (np.array([[1.0, 1.5], [1.5, 1.75]]), 0.4, 300.0, 0.5)),
        Case("a determinant at the cap", (np.diag([2.0, 4.0]), 0.2, 1.5, 8.0), hidden=True),
        Case("a large base", (some, 7.0, 2.0, 30.0), hidden=True),
        Case("no growth", (some, 0.3, 0.0, 10.0), hidden=True),
        Case("other values", (np.array([[0.3, -0.1], [-0.1, 0.6]]), 0.05, 2.0, 10.0), hidden=True),
    )


EXERCISE = Exercise("covariance.decay_strength", cases=_decay_cases(), tolerance=1e-4)


@EXERCISE.right
def decay_strength(covariance: np.ndarray, base: float, growth: float, cap: float) -> float:
    """Give base * (1 + growth * log(1 + min(det, cap)) / log(1 + cap)) for (2, 2)."""
    return _from(_determinant(covariance), base, growth, cap)


@EXERCISE.wrong
def uses_the_trace(covariance, base, growth, cap):
    """You use the trace, the sum of the variances. The determinant is wanted."""
    return _from(float(np.trace(covariance)), base, growth, cap)


@EXERCISE.wrong
def forgets_the_covariances(covariance, base, growth, cap):
    """You multiply the two variances. The determinant subtracts the square of the covariance, so
    that losses in lockstep give 0."""
    return _from(float(covariance[0, 0] * covariance[1, 1]), base, growth, cap)


@EXERCISE.wrong
def has_no_cap(covariance, base, growth, cap):
    """One wild window makes the decay as strong as it likes: no cap holds it, or one that bounds
    the logarithm. Bound the determinant, then take the logarithm."""
    return float(base * (1 + growth * np.log1p(_determinant(covariance)) / np.log1p(cap)))


@EXERCISE.wrong
def forgets_the_base(covariance, base, growth, cap):
    """For a determinant of 0 your decay is 0. It should be the base: is the 1 in the parentheses
    there?"""
    return decay_strength(covariance, base, growth, cap) - base


@EXERCISE.wrong
def has_no_logarithm(covariance, base, growth, cap):
    """You take the determinant itself. The logarithm lets small determinants count too."""
    return float(base * (1 + growth * min(_determinant(covariance), cap) / cap))


@EXERCISE.wrong
def does_not_divide(covariance, base, growth, cap):
    """You do not divide by log(1 + c), so that the strongest decay depends on the cap. It should be
    base times 1 + growth."""
    return decay_strength(covariance, base, growth * np.log1p(cap), cap)


@EXERCISE.wrong
def adds_instead_of_multiplying(covariance, base, growth, cap):
    """The growth is a multiple of the base. You add it on its own scale: check the parentheses."""
    return base + decay_strength(covariance, 1.0, growth, cap) - 1


@EXERCISE.wrong
def below_0(covariance, base, growth, cap):
    """Where rounding puts the determinant below 0, your decay falls below its base. Treat a
    negative determinant as 0."""
    return _from(float(np.linalg.det(covariance)), base, growth, cap)


@EXERCISE.wrong
def size_of_the_determinant(covariance, base, growth, cap):
    """You take the absolute value of the determinant. One below 0 counts as 0."""
    return _from(abs(float(np.linalg.det(covariance))), base, growth, cap)


@EXERCISE.wrong
def covariance_not_squared(covariance, base, growth, cap):
    """You subtract the covariance. The determinant subtracts its square."""
    product = covariance[0, 0] * covariance[1, 1] - covariance[0, 1]
    return _from(max(float(product), 0.0), base, growth, cap)


@EXERCISE.wrong
def logarithm_of_the_determinant(covariance, base, growth, cap):
    """You take log(det). It is log(1 + det), which is 0 for a determinant of 0: `np.log1p`."""
    bounded = min(_determinant(covariance), cap)
    return float(base * (1 + growth * np.log(bounded) / np.log(cap)))


@EXERCISE.wrong
def the_other_logarithm_below(covariance, base, growth, cap):
    """Above you take log(1 + det), below log(c). It is log(1 + c) there."""
    bounded = min(_determinant(covariance), cap)
    return float(base * (1 + growth * np.log1p(bounded) / np.log(cap)))


@EXERCISE.wrong
def larger_of_determinant_and_cap(covariance, base, growth, cap):
    """You take the larger of determinant and cap. The cap is an upper bound: take the smaller."""
    return _from(max(_determinant(covariance), cap), base, growth, cap)


@EXERCISE.wrong
def nothing_for_lockstep(covariance, base, growth, cap):
    """For a determinant of 0 your decay is 0. It should be the base."""
    return decay_strength(covariance, base, growth, cap) if _determinant(covariance) > 0 else 0.0


@EXERCISE.wrong
def ratio_of_the_logarithms_alone(s, base, growth, cap):
    """This is the ratio of the logarithms alone. Multiply it by the growth, add 1, and multiply by
    the base."""
    return decay_strength(s, 1.0, 1.0, cap) - 1


@EXERCISE.wrong
def brackets_around_one_plus_growth(s, base, growth, cap):
    """You multiply base, 1 + growth, and the ratio of the logarithms. Only the growth is multiplied
    by that ratio: check the parentheses."""
    return base * (1 + growth) * (decay_strength(s, 1.0, 1.0, cap) - 1)


@EXERCISE.wrong
def no_growth(s, base, growth, cap):
    """The growth has no influence on your answer."""
    return decay_strength(s, base, 1.0, cap)


@EXERCISE.wrong
def logarithm_of_the_ratio(s, base, growth, cap):
    """You take the logarithm of 1 + det / c. Divide two logarithms instead."""
    return float(base * (1 + growth * np.log1p(min(_determinant(s), cap) / cap)))


@EXERCISE.wrong
def product_of_all_entries(s, base, growth, cap):
    """You multiply all four entries. The determinant is a difference of two products."""
    return _from(float(s.prod()), base, growth, cap)


@EXERCISE.wrong
def sum_of_the_products(s, base, growth, cap):
    """You add the two products. The determinant subtracts the second one."""
    return _from(float(s[0, 0] * s[1, 1] + s[0, 1] * s[1, 0]), base, growth, cap)


@EXERCISE.wrong
def product_of_the_deviations(s, base, growth, cap):
    """You take the root of the determinant. The determinant itself is wanted."""
    return _from(float(np.sqrt(_determinant(s))), base, growth, cap)


@EXERCISE.wrong
def sum_of_the_entries(s, base, growth, cap):
    """You add up the entries. The determinant is wanted."""
    return _from(float(s.sum()), base, growth, cap)


@EXERCISE.wrong
def minus(s, base, growth, cap):
    """Your decay falls where the losses swing. It grows: add."""
    return decay_strength(s, base, -growth, cap)


@EXERCISE.wrong
def one_logarithm_without_one_plus(s, base, growth, cap):
    """Above you take log(det), which is far below 0 for a small determinant. It is log(1 + det)."""
    return float(
        base * (1 + growth * np.log(max(min(_determinant(s), cap), 1e-300)) / np.log1p(cap))
    )


@EXERCISE.wrong
def one_logarithm(s, base, growth, cap):
    """Above you take the determinant itself, below a logarithm. Take log(1 + det) above."""
    return base * (1 + growth * min(_determinant(s), cap) / np.log1p(cap))


@EXERCISE.wrong
def without_the_base(covariance, base, growth, cap):
    """You give how many times the base it is. Multiply by the base."""
    return decay_strength(covariance, 1.0, growth, cap)


@EXERCISE.wrong
def never_below_a_millionth(covariance, base, growth, cap):
    """You keep the determinant at a millionth or more, as public code does. One below 0 counts
    as 0 itself."""
    return _from(max(_determinant(covariance), 1e-6), base, growth, cap)


@EXERCISE.wrong
def different_logarithms(covariance, base, growth, cap):
    """Above you take another logarithm than below. Any will do, if both are the same."""
    det = min(max(_determinant(covariance), 0), cap)
    return base * (1 + growth * np.log10(1 + det) / np.log1p(cap))


@EXERCISE.wrong
def logarithm_of_the_fraction(covariance, base, growth, cap):
    """You take the logarithm of (1 + det) / (1 + c). Divide the two logarithms instead."""
    det = min(max(_determinant(covariance), 0), cap)
    return base * (1 + growth * np.log((1 + det) / (1 + cap)))


@EXERCISE.wrong
def nothing_for_a_determinant_below_0(covariance, base, growth, cap):
    """Where the determinant is below 0 your decay is 0. It is the base there: bound the
    determinant, not the decay."""
    return decay_strength(covariance, base, growth, cap) * (np.linalg.det(covariance) >= 0)
