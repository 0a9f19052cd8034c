"""Exercise training.feature_bytes. The wrong answers are wrong on purpose."""

from __future__ import annotations

import numpy as np

from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISE"]


def feature_bytes(n_images: np.ndarray, image_size: int, stride: int, channels: int) -> np.ndarray:
    """Give the bytes of float32 patch features for several numbers of images (K,)."""
    return 4.0 * n_images * (image_size // stride) ** 2 * channels


def _of_pixels(n_images: np.ndarray, image_size: int, stride: int, channels: int) -> np.ndarray:
    return feature_bytes(n_images, image_size, 1, channels)


def _one_side(n_images: np.ndarray, image_size: int, stride: int, channels: int) -> np.ndarray:
    return feature_bytes(n_images, image_size, stride, channels) / (image_size // stride)


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


def _memory_cases() -> tuple[Case, ...]:
    return (
        Case("the lite settings", (np.array([12.0, 324.0]), 224, 8, 152)),
        Case("larger images", (np.array([1.0, 7.0, 50.0]), 320, 16, 48)),
        Case("a size that the stride does not divide", (np.array([3.0, 10.0]), 252, 8, 20)),
        Case("gigabytes", (np.array([9501.0, 6001.0, 4.0]), 224, 8, 153)),
        Case("another such size", (np.array([5.0, 2.0]), 100, 16, 9), True),
        Case("no image at all", (np.array([0.0, 2.0]), 64, 4, 11), True),
    )


def _in_units(name: str, unit: str, size_of_one: float) -> Mistake:
    return Mistake(
        name,
        lambda n, size, stride, channels: feature_bytes(n, size, stride, channels) / size_of_one,
        f"You give {unit}. Bytes are wanted.",
    )


EXERCISE = Exercise(
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
            "You round up. A patch that would reach beyond the image does not exist: round down.",
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
        Mistake(
            "numbers of 32 bits",
            lambda n, size, stride, channels: (
                feature_bytes(n, size, stride, channels).astype(np.int64).astype(np.int32)
            ),
            "Whole numbers of 32 bits end at about two billion, and begin again below 0. Use 64 "
            "bits, or floats.",
        ),
        Mistake(
            "positive numbers of 32 bits",
            lambda n, size, stride, channels: (
                feature_bytes(n, size, stride, channels).astype(np.int64).astype(np.uint32)
            ),
            "Whole numbers of 32 bits end at about four billion, and begin again at 0. Use 64 "
            "bits, or floats.",
        ),
        Mistake(
            "half precision",
            lambda n, size, stride, channels: feature_bytes(n, size, stride, channels) / 2,
            "You take two bytes for a number. A float32 takes four.",
        ),
        _in_units("megabytes", "megabytes", 1e6),
        _in_units("binary megabytes", "mebibytes", 2**20),
        _in_units("gigabytes", "gigabytes", 1e9),
        _in_units("binary gigabytes", "gibibytes", 2**30),
        _in_units("kilobytes", "kilobytes", 1e3),
        Mistake(
            "stride once",
            lambda n, size, stride, channels: 4.0 * n * (size**2 // stride) * channels,
            "You divide by the stride once. Each of the two sides is shorter by it.",
        ),
        Mistake(
            "sum over the numbers",
            lambda n, size, stride, channels: np.array(
                feature_bytes(n, size, stride, channels).sum()
            ),
            "You add up the numbers of images. Each has an answer of its own.",
        ),
        Mistake(
            "channels squared",
            lambda n, size, stride, channels: feature_bytes(n, size, stride, channels**2),
            "The channels are in your product twice: that is the size of a covariance.",
        ),
        Mistake(
            "images squared",
            lambda n, size, stride, channels: feature_bytes(n**2, size, stride, channels),
            "The numbers of images are in your product twice.",
        ),
        Mistake(
            "colours",
            lambda n, size, stride, channels: feature_bytes(n, size, stride, channels) * 3,
            "You multiply by three colours. Features have channels instead.",
        ),
    ),
)
