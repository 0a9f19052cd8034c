"""Exercise training.round_to_bits."""

import numpy as np

from cozad_book.checking.cases import Case, Exercise


def _rounded(values, bits, to_whole):
    mantissa, exponent = np.frexp(values)
    return np.ldexp(to_whole(mantissa * 2**bits), exponent - bits)


def _bounded(values):
    return np.clip(values, -(2.0**31), 2.0**31 - 1)


def _rounding_cases():
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


EXERCISE = Exercise("training.round_to_bits", cases=_rounding_cases(), tolerance=1e-12)


@EXERCISE.right
def round_to_bits(values: np.ndarray, bits: int) -> np.ndarray:
    """Round each number (N,) to the nearest one with so many significant binary digits."""
    return _rounded(values, bits, np.round)


@EXERCISE.wrong
def cuts_off(values, bits):
    """You cut the digits off. Round to the nearest number."""
    return _rounded(values, bits, np.trunc)


@EXERCISE.wrong
def rounds_down(values, bits):
    """You round down. Round to the nearest number."""
    return _rounded(values, bits, np.floor)


@EXERCISE.wrong
def fixed_steps(values, bits):
    """Your steps have the same length for all numbers, so that small ones vanish. Significant
    digits count from the first one that is not 0."""
    return np.asarray(np.round(values * 2**bits) / 2**bits)


@EXERCISE.wrong
def one_step_for_all(values, bits):
    """You take the step of the largest number for all of them. Each has its own."""
    _, exponent = np.frexp(np.abs(values).max())
    step = np.ldexp(1.0, exponent - bits)
    return np.asarray(np.round(values / step) * step)


@EXERCISE.wrong
def a_bit_more(values, bits):
    """You keep one digit more than asked for. The first digit, always a 1, counts."""
    return round_to_bits(values, bits + 1)


@EXERCISE.wrong
def a_bit_less(values, bits):
    """You keep one digit less than asked for."""
    return round_to_bits(values, bits - 1)


@EXERCISE.wrong
def decimal_digits(values, bits):
    """You keep decimal digits. Binary ones are meant."""
    return np.array([float(f"{value:.{bits - 1}e}") for value in values])


@EXERCISE.wrong
def loses_the_sign(values, bits):
    """Negative numbers become positive."""
    return round_to_bits(np.abs(values), bits)


@EXERCISE.wrong
def halves_go_up(values, bits):
    """Of two numbers that are equally near you take the higher one. Take the even one, as
    `np.round` does."""
    return _rounded(values, bits, lambda x: np.floor(x + 0.5))


@EXERCISE.wrong
def halves_go_away_from_zero(values, bits):
    """Of two numbers that are equally near you take the one farther from 0. Take the even one, as
    `np.round` does."""
    return _rounded(values, bits, lambda x: np.sign(x) * np.floor(abs(x) + 0.5))


@EXERCISE.wrong
def decimals_of_the_mantissa(values, bits):
    """`np.round(m, bits)` keeps decimal places. Multiply the mantissa by a power of two first, and
    round to whole numbers."""
    mantissa, exponent = np.frexp(values)
    return np.ldexp(np.round(mantissa, bits), exponent)


@EXERCISE.wrong
def forgets_the_exponent(values, bits):
    """You return the mantissa. Multiply it by its power of two again."""
    mantissa, _ = np.frexp(values)
    return np.asarray(np.round(mantissa * 2**bits) / 2**bits)


@EXERCISE.wrong
def logarithm_of_zero(values, bits):
    """Zero has no logarithm, and your answer there is not a number. `np.frexp` knows zero."""
    exponent = np.floor(np.log2(np.abs(values))) + 1
    step = 2.0 ** (exponent - bits)
    return np.round(values / step) * step


@EXERCISE.wrong
def sixteen_bits(values, bits):
    """Numbers of float16 end at 65504 and lose digits below 0.00006. `np.frexp` works for numbers
    of any size."""
    return round_to_bits(values.astype(np.float16).astype(float), bits)


@EXERCISE.wrong
def whole_numbers_of_32_bits(values, bits):
    """Whole numbers of 32 bits end at about two billion. Keep floats."""
    return _bounded(round_to_bits(values, bits))


@EXERCISE.wrong
def rounds_up(values, bits):
    """You round up. Round to the nearest number."""
    return _rounded(values, bits, np.ceil)


@EXERCISE.wrong
def bits_of_the_fraction(values, bits):
    """You keep decimal places. Binary digits are meant, counted from the first one that is not
    0."""
    return np.round(values, bits)


@EXERCISE.wrong
def rounds_to_whole_numbers(values, bits):
    """You round to whole numbers. Keep `bits` binary digits, counted from the first one that is not
    0."""
    return np.round(values)


@EXERCISE.wrong
def power_of_two(values, bits):
    """You keep one digit, whatever `bits` says."""
    return _rounded(values, 1, np.round)


@EXERCISE.wrong
def mantissa_and_no_power(values, bits):
    """You return the rounded mantissa as a whole number. Multiply it by its power of two again."""
    return np.round(np.frexp(values)[0] * 2**bits)


@EXERCISE.wrong
def exponent_of_the_first(values, bits):
    """You take the exponent of the first number for all of them. Each has its own."""
    step = np.ldexp(1.0, np.frexp(values[0])[1] - bits)
    return np.asarray(np.round(values / step) * step)


@EXERCISE.wrong
def no_rounding(values, bits):
    """You give the numbers as they are."""
    return values.astype(float)


@EXERCISE.wrong
def eight_bits_always(values, bits):
    """You keep 8 digits, whatever `bits` says."""
    return round_to_bits(values, 8)


@EXERCISE.wrong
def away_from_zero(values, bits):
    """You round away from 0. Round to the nearest number."""
    return _rounded(values, bits, lambda x: np.sign(x) * np.ceil(abs(x)))


@EXERCISE.wrong
def bits_for_their_power(values, bits):
    """You multiply the mantissa by `bits`. With so many digits there are `2 ** bits` steps."""
    mantissa, exponent = np.frexp(values)
    return np.ldexp(np.round(mantissa * bits) / bits, exponent)


@EXERCISE.wrong
def one_step_less(values, bits):
    """You round to multiples of 1 / (2 ** bits - 1). Binary digits have 2 ** bits steps."""
    mantissa, exponent = np.frexp(values)
    return np.ldexp(np.round(mantissa * (2**bits - 1)) / (2**bits - 1), exponent)


@EXERCISE.wrong
def single_precision(values, bits):
    """You make numbers of float32, which have 24 digits. `bits` says how many are wanted."""
    return values.astype(np.float32)
