"""Exercise training.feature_bytes."""

import numpy as np

from cozad_book.checking.cases import Case, Exercise, Mistake


def _memory_cases():
    return (
        Case("the lite settings", (np.array([12.0, 324.0]), 224, 8, 152)),
        Case("larger images", (np.array([1.0, 7.0, 50.0]), 320, 16, 48)),
        Case("a size that the stride does not divide", (np.array([3.0, 10.0]), 252, 8, 20)),
        Case("gigabytes", (np.array([9501.0, 6001.0, 4.0]), 224, 8, 153)),
        Case("another such size", (np.array([5.0, 2.0]), 100, 16, 9), True),
        Case("no image at all", (np.array([0.0, 2.0]), 64, 4, 11), True),
    )


def _in_units(name, unit, size_of_one):
    return Mistake(
        name,
        lambda n, size, stride, channels: feature_bytes(n, size, stride, channels) / size_of_one,
        f"You give {unit}. Bytes are wanted.",
    )


EXERCISE = Exercise("training.feature_bytes", cases=_memory_cases(), tolerance=1e-12)


@EXERCISE.right
def feature_bytes(n_images: np.ndarray, image_size: int, stride: int, channels: int) -> np.ndarray:
    """Give the bytes of float32 patch features for several numbers of images (K,)."""
    return 4.0 * n_images * (image_size // stride) ** 2 * channels


@EXERCISE.wrong
def counts_pixels(n_images, image_size, stride, channels):
    """You count a feature for each pixel. There is one for each cell of the grid, whose side is the
    image size divided by the stride."""
    return feature_bytes(n_images, image_size, 1, channels)


@EXERCISE.wrong
def one_side(n_images, image_size, stride, channels):
    """The grid has two sides: square it."""
    return feature_bytes(n_images, image_size, stride, channels) / (image_size // stride)


@EXERCISE.wrong
def no_channels(n_images, image_size, stride, channels):
    """A patch feature has many numbers, one for each channel."""
    return feature_bytes(n_images, image_size, stride, 1)


@EXERCISE.wrong
def numbers(n_images, image_size, stride, channels):
    """You count numbers. A float32 takes four bytes."""
    return feature_bytes(n_images, image_size, stride, channels) / 4


@EXERCISE.wrong
def bits(n_images, image_size, stride, channels):
    """You count bits. Bytes are wanted."""
    return feature_bytes(n_images, image_size, stride, channels) * 8


@EXERCISE.wrong
def doubles(n_images, image_size, stride, channels):
    """You take eight bytes for a number. A float32 takes four."""
    return feature_bytes(n_images, image_size, stride, channels) * 2


@EXERCISE.wrong
def one_image(n_images, image_size, stride, channels):
    """Your answer does not grow with the number of images."""
    return feature_bytes(np.ones_like(n_images), image_size, stride, channels)


@EXERCISE.wrong
def parts_of_patches(n_images, image_size, stride, channels):
    """You count parts of patches where the stride does not divide the image. The grid has whole
    ones: round down, `//`, before you square."""
    return 4.0 * n_images * (image_size / stride) ** 2 * channels


@EXERCISE.wrong
def rounds_up(n_images, image_size, stride, channels):
    """You round up. A patch that would reach beyond the image does not exist: round down."""
    return 4.0 * n_images * (-(-image_size // stride)) ** 2 * channels


@EXERCISE.wrong
def rounds_to_the_nearest(n_images, image_size, stride, channels):
    """You round to the nearest number. A patch that would reach beyond the image does not exist:
    round down."""
    return 4.0 * n_images * round(image_size / stride) ** 2 * channels


@EXERCISE.wrong
def squares_first(n_images, image_size, stride, channels):
    """You divide the squares. Round each side down first, then square."""
    return 4.0 * n_images * (image_size**2 // stride**2) * channels


@EXERCISE.wrong
def divides_from_left_to_right(n_images, image_size, stride, channels):
    """`a // b * a // b` goes from left to right: its second division rounds the product. Put each
    side into parentheses, or square it."""
    return 4.0 * n_images * (image_size // stride * image_size // stride) * channels


@EXERCISE.wrong
def numbers_of_32_bits(n, size, stride, channels):
    """Whole numbers of 32 bits end at about two billion, and begin again below 0. Use 64 bits, or
    floats."""
    return feature_bytes(n, size, stride, channels).astype(np.int64).astype(np.int32)


@EXERCISE.wrong
def positive_numbers_of_32_bits(n, size, stride, channels):
    """Whole numbers of 32 bits end at about four billion, and begin again at 0. Use 64 bits, or
    floats."""
    return feature_bytes(n, size, stride, channels).astype(np.int64).astype(np.uint32)


@EXERCISE.wrong
def half_precision(n, size, stride, channels):
    """You take two bytes for a number. A float32 takes four."""
    return feature_bytes(n, size, stride, channels) / 2


EXERCISE.mistakes.append(_in_units("megabytes", "megabytes", 1e6))


EXERCISE.mistakes.append(_in_units("binary megabytes", "mebibytes", 2**20))


EXERCISE.mistakes.append(_in_units("gigabytes", "gigabytes", 1e9))


EXERCISE.mistakes.append(_in_units("binary gigabytes", "gibibytes", 2**30))


EXERCISE.mistakes.append(_in_units("kilobytes", "kilobytes", 1e3))


@EXERCISE.wrong
def stride_once(n, size, stride, channels):
    """You divide by the stride once. Each of the two sides is shorter by it."""
    return 4.0 * n * (size**2 // stride) * channels


@EXERCISE.wrong
def sum_over_the_numbers(n, size, stride, channels):
    """You add up the numbers of images. Each has an answer of its own."""
    return np.array(feature_bytes(n, size, stride, channels).sum())


@EXERCISE.wrong
def channels_squared(n, size, stride, channels):
    """The channels are in your product twice: that is the size of a covariance."""
    return feature_bytes(n, size, stride, channels**2)


@EXERCISE.wrong
def images_squared(n, size, stride, channels):
    """The numbers of images are in your product twice."""
    return feature_bytes(n**2, size, stride, channels)


@EXERCISE.wrong
def colours(n, size, stride, channels):
    """You multiply by three colours. Features have channels instead."""
    return feature_bytes(n, size, stride, channels) * 3


@EXERCISE.wrong
def kibibytes(n_images, image_size, stride, channels):
    """You give kibibytes. Bytes are wanted."""
    return feature_bytes(n_images, image_size, stride, channels) // 1024


@EXERCISE.wrong
def one_cell_more(n_images, image_size, stride, channels):
    """You count one row and one column too many, as if the last cell began at the edge. Round
    down and stop."""
    return 4 * n_images * (image_size // stride + 1) ** 2 * channels


@EXERCISE.wrong
def twice_a_side(n_images, image_size, stride, channels):
    """You double the side of the grid. Its number of cells is the square: `** 2`, not `* 2`."""
    return 4 * n_images * (image_size // stride) * 2 * channels
