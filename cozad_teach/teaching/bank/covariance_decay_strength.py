"""Exercise covariance.decay_strength. The wrong answers are wrong on purpose."""

from __future__ import annotations

import numpy as np

from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISE"]


def decay_strength(covariance: np.ndarray, base: float, growth: float, cap: float) -> float:
    """Give base * (1 + growth * log(1 + min(det, cap)) / log(1 + cap)) for (2, 2)."""
    return _from(_determinant(covariance), base, growth, cap)


def _determinant(covariance: np.ndarray) -> float:
    product = covariance[0, 0] * covariance[1, 1] - covariance[0, 1] * covariance[1, 0]
    return max(float(product), 0.0)


def _from(determinant: float, base: float, growth: float, cap: float) -> float:
    return float(base * (1 + growth * np.log1p(min(determinant, cap)) / np.log1p(cap)))


def _trace(covariance: np.ndarray, base: float, growth: float, cap: float) -> float:
    return _from(float(np.trace(covariance)), base, growth, cap)


def _variances(covariance: np.ndarray, base: float, growth: float, cap: float) -> float:
    return _from(float(covariance[0, 0] * covariance[1, 1]), base, growth, cap)


def _no_cap(covariance: np.ndarray, base: float, growth: float, cap: float) -> float:
    return float(base * (1 + growth * np.log1p(_determinant(covariance)) / np.log1p(cap)))


def _no_base(covariance: np.ndarray, base: float, growth: float, cap: float) -> float:
    return decay_strength(covariance, base, growth, cap) - base


def _no_logarithm(covariance: np.ndarray, base: float, growth: float, cap: float) -> float:
    return float(base * (1 + growth * min(_determinant(covariance), cap) / cap))


def _no_denominator(covariance: np.ndarray, base: float, growth: float, cap: float) -> float:
    return decay_strength(covariance, base, growth * np.log1p(cap), cap)


def _growth_alone(covariance: np.ndarray, base: float, growth: float, cap: float) -> float:
    return base + decay_strength(covariance, 1.0, growth, cap) - 1


def _unbounded_below(covariance: np.ndarray, base: float, growth: float, cap: float) -> float:
    return _from(float(np.linalg.det(covariance)), base, growth, cap)


def _absolute(covariance: np.ndarray, base: float, growth: float, cap: float) -> float:
    return _from(abs(float(np.linalg.det(covariance))), base, growth, cap)


def _not_squared(covariance: np.ndarray, base: float, growth: float, cap: float) -> float:
    product = covariance[0, 0] * covariance[1, 1] - covariance[0, 1]
    return _from(max(float(product), 0.0), base, growth, cap)


def _plain_logarithm(covariance: np.ndarray, base: float, growth: float, cap: float) -> float:
    bounded = min(_determinant(covariance), cap)
    return float(base * (1 + growth * np.log(bounded) / np.log(cap)))


def _log_of_cap(covariance: np.ndarray, base: float, growth: float, cap: float) -> float:
    bounded = min(_determinant(covariance), cap)
    return float(base * (1 + growth * np.log1p(bounded) / np.log(cap)))


def _maximum(covariance: np.ndarray, base: float, growth: float, cap: float) -> float:
    return _from(max(_determinant(covariance), cap), base, growth, cap)


def _zero_for_zero(covariance: np.ndarray, base: float, growth: float, cap: float) -> float:
    return decay_strength(covariance, base, growth, cap) if _determinant(covariance) > 0 else 0.0


def _decay_cases() -> tuple[Case, ...]:
    some = np.array([[1.5, 0.8], [0.8, 2.0]])
    wild = np.array([[40.0, -6.0], [-6.0, 9.0]])
    return (
        Case("a covariance with determinant 2.36", (some, 0.1, 0.5, 100.0)),
        Case("a determinant above the cap", (wild, 0.2, 3.0, 50.0)),
        Case("losses that move in lockstep", (np.array([[1.0, 2.0], [2.0, 4.0]]), 0.3, 0.5, 20.0)),
        Case("a determinant below 0", (np.array([[1.0, 1.5], [1.5, 1.75]]), 0.4, 0.8, 5.0)),
        Case("a determinant at the cap", (np.diag([2.0, 4.0]), 0.2, 1.5, 8.0), hidden=True),
        Case("a large base", (some, 7.0, 2.0, 30.0), hidden=True),
        Case("no growth", (some, 0.3, 0.0, 10.0), hidden=True),
        Case("other values", (np.array([[0.3, -0.1], [-0.1, 0.6]]), 0.05, 2.0, 10.0), hidden=True),
    )


EXERCISE = Exercise(
    name="covariance.decay_strength",
    reference=decay_strength,
    cases=_decay_cases(),
    tolerance=1e-4,  # of a singular matrix, determinants differ by rounding
    mistakes=(
        Mistake(
            "uses the trace",
            _trace,
            "You use the trace, the sum of the variances. The determinant is wanted.",
        ),
        Mistake(
            "forgets the covariances",
            _variances,
            "You multiply the two variances. The determinant subtracts the square of the "
            "covariance, so that losses in lockstep give 0.",
        ),
        Mistake(
            "has no cap",
            _no_cap,
            "One wild window makes the decay as strong as it likes: no cap holds it, or one "
            "that bounds the logarithm. Bound the determinant, then take the logarithm.",
        ),
        Mistake(
            "forgets the base",
            _no_base,
            "For a determinant of 0 your decay is 0. It should be the base: is the 1 in the "
            "parentheses there?",
        ),
        Mistake(
            "has no logarithm",
            _no_logarithm,
            "You take the determinant itself. The logarithm lets small determinants count too.",
        ),
        Mistake(
            "does not divide",
            _no_denominator,
            "You do not divide by log(1 + c), so that the strongest decay depends on the cap. "
            "It should be base times 1 + growth.",
        ),
        Mistake(
            "adds instead of multiplying",
            _growth_alone,
            "The growth is a multiple of the base. You add it on its own scale: check the "
            "parentheses.",
        ),
        Mistake(
            "below 0",
            _unbounded_below,
            "Where rounding puts the determinant below 0, your decay falls below its "
            "base. Treat a negative determinant as 0.",
        ),
        Mistake(
            "size of the determinant",
            _absolute,
            "You take the absolute value of the determinant. One below 0 counts as 0.",
        ),
        Mistake(
            "covariance not squared",
            _not_squared,
            "You subtract the covariance. The determinant subtracts its square.",
        ),
        Mistake(
            "logarithm of the determinant",
            _plain_logarithm,
            "You take log(det). It is log(1 + det), which is 0 for a determinant of 0: `np.log1p`.",
        ),
        Mistake(
            "the other logarithm below",
            _log_of_cap,
            "Above you take log(1 + det), below log(c). It is log(1 + c) there.",
        ),
        Mistake(
            "larger of determinant and cap",
            _maximum,
            "You take the larger of determinant and cap. The cap is an upper bound: "
            "take the smaller.",
        ),
        Mistake(
            "nothing for lockstep",
            _zero_for_zero,
            "For a determinant of 0 your decay is 0. It should be the base.",
        ),
        Mistake(
            "ratio of the logarithms alone",
            lambda s, base, growth, cap: decay_strength(s, 1.0, 1.0, cap) - 1,
            "This is the ratio of the logarithms alone. Multiply it by the growth, add 1, and "
            "multiply by the base.",
        ),
        Mistake(
            "brackets around 1 + growth",
            lambda s, base, growth, cap: (
                base * (1 + growth) * (decay_strength(s, 1.0, 1.0, cap) - 1)
            ),
            "You multiply base, 1 + growth, and the ratio of the logarithms. Only the growth is "
            "multiplied by that ratio: check the parentheses.",
        ),
        Mistake(
            "no growth",
            lambda s, base, growth, cap: decay_strength(s, base, 1.0, cap),
            "The growth has no influence on your answer.",
        ),
        Mistake(
            "logarithm of the ratio",
            lambda s, base, growth, cap: float(
                base * (1 + growth * np.log1p(min(_determinant(s), cap) / cap))
            ),
            "You take the logarithm of 1 + det / c. Divide two logarithms instead.",
        ),
        Mistake(
            "product of all entries",
            lambda s, base, growth, cap: _from(float(s.prod()), base, growth, cap),
            "You multiply all four entries. The determinant is a difference of two products.",
        ),
        Mistake(
            "sum of the products",
            lambda s, base, growth, cap: _from(
                float(s[0, 0] * s[1, 1] + s[0, 1] * s[1, 0]), base, growth, cap
            ),
            "You add the two products. The determinant subtracts the second one.",
        ),
        Mistake(
            "product of the deviations",
            lambda s, base, growth, cap: _from(float(np.sqrt(_determinant(s))), base, growth, cap),
            "You take the root of the determinant. The determinant itself is wanted.",
        ),
        Mistake(
            "sum of the entries",
            lambda s, base, growth, cap: _from(float(s.sum()), base, growth, cap),
            "You add up the entries. The determinant is wanted.",
        ),
        Mistake(
            "minus",
            lambda s, base, growth, cap: decay_strength(s, base, -growth, cap),
            "Your decay falls where the losses swing. It grows: add.",
        ),
        Mistake(
            "one logarithm without 1 +",
            lambda s, base, growth, cap: float(
                base * (1 + growth * np.log(max(min(_determinant(s), cap), 1e-300)) / np.log1p(cap))
            ),
            "Above you take log(det), which is far below 0 for a small determinant. It is log(1 "
            "+ det).",
        ),
        Mistake(
            "one logarithm",
            lambda s, base, growth, cap: (
                base * (1 + growth * min(_determinant(s), cap) / np.log1p(cap))
            ),
            "Above you take the determinant itself, below a logarithm. Take log(1 + det) above.",
        ),
    ),
)
