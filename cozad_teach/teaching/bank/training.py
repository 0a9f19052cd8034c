"""Exercises on full training runs. The wrong answers are wrong on purpose."""

from __future__ import annotations

import numpy as np

from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISES"]


def feature_bytes(n_images: np.ndarray, image_size: int, stride: int, channels: int) -> np.ndarray:
    """Give the bytes of float32 patch features for several numbers of images (K,)."""
    return 4.0 * n_images * (image_size // stride) ** 2 * channels


def _of_pixels(n_images: np.ndarray, image_size: int, stride: int, channels: int) -> np.ndarray:
    return feature_bytes(n_images, image_size, 1, channels)


def _one_side(n_images: np.ndarray, image_size: int, stride: int, channels: int) -> np.ndarray:
    return 4.0 * n_images * (image_size // stride) * channels


def _no_channels(n_images: np.ndarray, image_size: int, stride: int, channels: int) -> np.ndarray:
    return feature_bytes(n_images, image_size, stride, 1)


def _numbers(n_images: np.ndarray, image_size: int, stride: int, channels: int) -> np.ndarray:
    return feature_bytes(n_images, image_size, stride, channels) / 4


def _bits(n_images: np.ndarray, image_size: int, stride: int, channels: int) -> np.ndarray:
    return feature_bytes(n_images, image_size, stride, channels) * 8


def _doubles(n_images: np.ndarray, image_size: int, stride: int, channels: int) -> np.ndarray:
    return feature_bytes(n_images, image_size, stride, channels) * 2


def _of_one(n_images: np.ndarray, image_size: int, stride: int, channels: int) -> np.ndarray:
    return feature_bytes(np.ones_like(n_images), image_size, stride, channels)


def _parts(n_images: np.ndarray, image_size: int, stride: int, channels: int) -> np.ndarray:
    return 4.0 * n_images * (image_size / stride) ** 2 * channels


def _rounded_up(n_images: np.ndarray, image_size: int, stride: int, channels: int) -> np.ndarray:
    return 4.0 * n_images * (-(-image_size // stride)) ** 2 * channels


def _to_nearest(n_images: np.ndarray, image_size: int, stride: int, channels: int) -> np.ndarray:
    return 4.0 * n_images * round(image_size / stride) ** 2 * channels


def _squared_first(n_images: np.ndarray, image_size: int, stride: int, channels: int) -> np.ndarray:
    return 4.0 * n_images * (image_size**2 // stride**2) * channels


def _left_to_right(n_images: np.ndarray, image_size: int, stride: int, channels: int) -> np.ndarray:
    return 4.0 * n_images * (image_size // stride * image_size // stride) * channels


def round_to_bits(values: np.ndarray, bits: int) -> np.ndarray:
    """Round each number (N,) to the nearest one with so many significant binary digits."""
    mantissa, exponent = np.frexp(values)
    return np.ldexp(np.round(mantissa * 2**bits), exponent - bits)


def _cuts_off(values: np.ndarray, bits: int) -> np.ndarray:
    mantissa, exponent = np.frexp(values)
    return np.ldexp(np.trunc(mantissa * 2**bits), exponent - bits)


def _fixed_steps(values: np.ndarray, bits: int) -> np.ndarray:
    return np.asarray(np.round(values * 2**bits) / 2**bits)


def _a_bit_more(values: np.ndarray, bits: int) -> np.ndarray:
    return round_to_bits(values, bits + 1)


def _a_bit_less(values: np.ndarray, bits: int) -> np.ndarray:
    return round_to_bits(values, bits - 1)


def _down(values: np.ndarray, bits: int) -> np.ndarray:
    mantissa, exponent = np.frexp(values)
    return np.ldexp(np.floor(mantissa * 2**bits), exponent - bits)


def _decimal(values: np.ndarray, bits: int) -> np.ndarray:
    return np.array([float(f"{value:.{bits - 1}e}") for value in values])


def _one_step_for_all(values: np.ndarray, bits: int) -> np.ndarray:
    _, exponent = np.frexp(np.abs(values).max())
    step = np.ldexp(1.0, exponent - bits)
    return np.asarray(np.round(values / step) * step)


def _no_sign(values: np.ndarray, bits: int) -> np.ndarray:
    return round_to_bits(np.abs(values), bits)


def _halves_up(values: np.ndarray, bits: int) -> np.ndarray:
    mantissa, exponent = np.frexp(values)
    return np.ldexp(np.floor(mantissa * 2**bits + 0.5), exponent - bits)


def _halves_away(values: np.ndarray, bits: int) -> np.ndarray:
    mantissa, exponent = np.frexp(values)
    rounded = np.sign(mantissa) * np.floor(abs(mantissa) * 2**bits + 0.5)
    return np.ldexp(rounded, exponent - bits)


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


def _memory_cases() -> tuple[Case, ...]:
    return (
        Case("the lite settings", (np.array([12.0, 324.0]), 224, 8, 152)),
        Case("larger images", (np.array([1.0, 7.0, 50.0]), 320, 16, 48)),
        Case("a size that the stride does not divide", (np.array([3.0, 10.0]), 252, 8, 20)),
        Case("another such size", (np.array([5.0, 2.0]), 100, 16, 9), True),
        Case("no image at all", (np.array([0.0, 2.0]), 64, 4, 11), True),
    )


def _rounding_cases() -> tuple[Case, ...]:
    random = np.random.default_rng(50)
    signed = random.normal(size=9) * 10.0 ** random.integers(-4, 5, 9)
    return (
        Case("the numbers 1, 1.3 and 2.7 with 2 bits", (np.array([1.0, 1.3, 2.7]), 2)),
        Case("numbers large and small, with 8 bits", (np.array([300.7, 0.0123, 5.05, 77.3]), 8)),
        Case("halves of both signs, with 2 bits", (np.array([1.25, 1.75, -2.5, -3.5, 5.0]), 2)),
        Case("numbers of both signs, with 5 bits", (signed, 5), hidden=True),
        Case("zero among them", (np.array([0.0, -3.3, 0.7]), 3), hidden=True),
    )


EXERCISES = (
    Exercise(
        name="training.feature_bytes",
        reference=feature_bytes,
        cases=_memory_cases(),
        tolerance=1e-12,
        mistakes=(
            Mistake(
                "counts pixels",
                _of_pixels,
                "You count a feature for each pixel. There is one for each cell of the grid, whose "
                "side is the image size divided by the stride.",
            ),
            Mistake(
                "one side",
                _one_side,
                "The grid has two sides: square it.",
            ),
            Mistake(
                "no channels",
                _no_channels,
                "A patch feature has many numbers, one for each channel.",
            ),
            Mistake(
                "numbers",
                _numbers,
                "You count numbers. A float32 takes four bytes.",
            ),
            Mistake(
                "bits",
                _bits,
                "You count bits. Bytes are wanted.",
            ),
            Mistake(
                "doubles",
                _doubles,
                "You take eight bytes for a number. A float32 takes four.",
            ),
            Mistake(
                "one image",
                _of_one,
                "Your answer does not grow with the number of images.",
            ),
            Mistake(
                "parts of patches",
                _parts,
                "You count parts of patches where the stride does not divide the image. The "
                "grid has whole ones: round down, `//`, before you square.",
            ),
            Mistake(
                "rounds up",
                _rounded_up,
                "You round up. A patch that would reach beyond the image does not exist: "
                "round down.",
            ),
            Mistake(
                "rounds to the nearest",
                _to_nearest,
                "You round to the nearest number. A patch that would reach beyond the image "
                "does not exist: round down.",
            ),
            Mistake(
                "squares first",
                _squared_first,
                "You divide the squares. Round each side down first, then square.",
            ),
            Mistake(
                "divides from left to right",
                _left_to_right,
                "`a // b * a // b` goes from left to right: its second division rounds the "
                "product. Put each side into parentheses, or square it.",
            ),
        ),
    ),
    Exercise(
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
                "Zero has no logarithm, and your answer there is not a number. `np.frexp` "
                "knows zero.",
            ),
        ),
    ),
)
