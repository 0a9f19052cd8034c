"""Exercise training.round_to_bits. The wrong answers are wrong on purpose."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISE"]


def round_to_bits(values: np.ndarray, bits: int) -> np.ndarray:
    """Round each number (N,) to the nearest one with so many significant binary digits."""
    return _rounded(values, bits, np.round)


def _rounded(
    values: np.ndarray, bits: int, to_whole: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    mantissa, exponent = np.frexp(values)
    return np.ldexp(to_whole(mantissa * 2**bits), exponent - bits)


def _cuts_off(values: np.ndarray, bits: int) -> np.ndarray:
    return _rounded(values, bits, np.trunc)


def _fixed_steps(values: np.ndarray, bits: int) -> np.ndarray:
    return np.asarray(np.round(values * 2**bits) / 2**bits)


def _a_bit_more(values: np.ndarray, bits: int) -> np.ndarray:
    return round_to_bits(values, bits + 1)


def _a_bit_less(values: np.ndarray, bits: int) -> np.ndarray:
    return round_to_bits(values, bits - 1)


def _down(values: np.ndarray, bits: int) -> np.ndarray:
    return _rounded(values, bits, np.floor)


def _decimal(values: np.ndarray, bits: int) -> np.ndarray:
    return np.array([float(f"{value:.{bits - 1}e}") for value in values])


def _one_step_for_all(values: np.ndarray, bits: int) -> np.ndarray:
    _, exponent = np.frexp(np.abs(values).max())
    step = np.ldexp(1.0, exponent - bits)
    return np.asarray(np.round(values / step) * step)


def _no_sign(values: np.ndarray, bits: int) -> np.ndarray:
    return round_to_bits(np.abs(values), bits)


def _halves_up(values: np.ndarray, bits: int) -> np.ndarray:
    return _rounded(values, bits, lambda x: np.floor(x + 0.5))


def _halves_away(values: np.ndarray, bits: int) -> np.ndarray:
    return _rounded(values, bits, lambda x: np.sign(x) * np.floor(abs(x) + 0.5))


def _decimals_of_mantissa(values: np.ndarray, bits: int) -> np.ndarray:
    mantissa, exponent = np.frexp(values)
    return np.ldexp(np.round(mantissa, bits), exponent)


def _mantissa_alone(values: np.ndarray, bits: int) -> np.ndarray:
    mantissa, _ = np.frexp(values)
    return np.asarray(np.round(mantissa * 2**bits) / 2**bits)


def _by_logarithm(values: np.ndarray, bits: int) -> np.ndarray:
    exponent = np.floor(np.log2(np.abs(values))) + 1
    step = 2.0 ** (exponent - bits)
    return np.round(values / step) * step


def _half(values: np.ndarray, bits: int) -> np.ndarray:
    return round_to_bits(values.astype(np.float16).astype(float), bits)


def _bounded(values: np.ndarray) -> np.ndarray:
    return np.clip(values, -(2.0**31), 2.0**31 - 1)


def _first_exponent(values: np.ndarray, bits: int) -> np.ndarray:
    step = np.ldexp(1.0, np.frexp(values[0])[1] - bits)
    return np.asarray(np.round(values / step) * step)


def _rounding_cases() -> tuple[Case, ...]:
    random = np.random.default_rng(50)
    signed = random.normal(size=9) * 10.0 ** random.integers(-4, 5, 9)
    return (
        Case("the numbers 1, 1.3 and 2.7 with 2 bits", (np.array([1.0, 1.3, 2.7]), 2)),
        Case("numbers large and small, with 8 bits", (np.array([300.7, 0.0123, 5.05, 77.3]), 8)),
        Case("halves of both signs, with 2 bits", (np.array([1.25, 1.75, -2.5, -3.5, 5.0]), 2)),
        Case("very large numbers, with 8 bits", (np.array([7.7e20, -1e10, 123456.0, 2e38]), 8)),
        Case("11 bits", (np.array([70000.3, -0.00017, 9.87654]), 11)),
        Case("one bit", (np.array([5.0, -0.7, 0.3]), 1), hidden=True),
        Case("numbers of both signs, with 5 bits", (signed, 5), hidden=True),
        Case("zero among them", (np.array([0.0, -3.3, 0.7]), 3), hidden=True),
    )


EXERCISE = Exercise(
    name="training.round_to_bits",
    reference=round_to_bits,
    cases=_rounding_cases(),
    tolerance=1e-12,
    mistakes=(
        Mistake(
            "cuts off",
            _cuts_off,
            "You cut the digits off. Round to the nearest number.",
        ),
        Mistake(
            "rounds down",
            _down,
            "You round down. Round to the nearest number.",
        ),
        Mistake(
            "fixed steps",
            _fixed_steps,
            "Your steps have the same length for all numbers, so that small ones vanish. "
            "Significant digits count from the first one that is not 0.",
        ),
        Mistake(
            "one step for all",
            _one_step_for_all,
            "You take the step of the largest number for all of them. Each has its own.",
        ),
        Mistake(
            "a bit more",
            _a_bit_more,
            "You keep one digit more than asked for. The first digit, always a 1, counts.",
        ),
        Mistake(
            "a bit less",
            _a_bit_less,
            "You keep one digit less than asked for.",
        ),
        Mistake(
            "decimal digits",
            _decimal,
            "You keep decimal digits. Binary ones are meant.",
        ),
        Mistake(
            "loses the sign",
            _no_sign,
            "Negative numbers become positive.",
        ),
        Mistake(
            "halves go up",
            _halves_up,
            "Of two numbers that are equally near you take the higher one. Take the "
            "even one, as `np.round` does.",
        ),
        Mistake(
            "halves go away from zero",
            _halves_away,
            "Of two numbers that are equally near you take the one farther from 0. Take "
            "the even one, as `np.round` does.",
        ),
        Mistake(
            "decimals of the mantissa",
            _decimals_of_mantissa,
            "`np.round(m, bits)` keeps decimal places. Multiply the mantissa by a power "
            "of two first, and round to whole numbers.",
        ),
        Mistake(
            "forgets the exponent",
            _mantissa_alone,
            "You return the mantissa. Multiply it by its power of two again.",
        ),
        Mistake(
            "logarithm of zero",
            _by_logarithm,
            "Zero has no logarithm, and your answer there is not a number. `np.frexp` knows zero.",
        ),
        Mistake(
            "16 bits",
            _half,
            "Numbers of float16 end at 65504 and lose digits below 0.00006. `np.frexp` works "
            "for numbers of any size.",
        ),
        Mistake(
            "whole numbers of 32 bits",
            lambda values, bits: _bounded(round_to_bits(values, bits)),
            "Whole numbers of 32 bits end at about two billion. Keep floats.",
        ),
        Mistake(
            "rounds up",
            lambda values, bits: _rounded(values, bits, np.ceil),
            "You round up. Round to the nearest number.",
        ),
        Mistake(
            "bits of the fraction",
            lambda values, bits: np.round(values, bits),
            "You keep decimal places. Binary digits are meant, counted from the first one that "
            "is not 0.",
        ),
        Mistake(
            "rounds to whole numbers",
            lambda values, bits: np.round(values),
            "You round to whole numbers. Keep `bits` binary digits, counted from the first one "
            "that is not 0.",
        ),
        Mistake(
            "power of two",
            lambda values, bits: _rounded(values, 1, np.round),
            "You keep one digit, whatever `bits` says.",
        ),
        Mistake(
            "mantissa and no power",
            lambda values, bits: np.round(np.frexp(values)[0] * 2**bits),
            "You return the rounded mantissa as a whole number. Multiply it by its power of two "
            "again.",
        ),
        Mistake(
            "exponent of the first",
            _first_exponent,
            "You take the exponent of the first number for all of them. Each has its own.",
        ),
        Mistake(
            "no rounding",
            lambda values, bits: values.astype(float),
            "You give the numbers as they are.",
        ),
        Mistake(
            "8 bits always",
            lambda values, bits: round_to_bits(values, 8),
            "You keep 8 digits, whatever `bits` says.",
        ),
        Mistake(
            "away from zero",
            lambda values, bits: _rounded(values, bits, lambda x: np.sign(x) * np.ceil(abs(x))),
            "You round away from 0. Round to the nearest number.",
        ),
    ),
)
