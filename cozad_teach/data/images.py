"""Read photographs, and refuse in one sentence what cannot be used as it is."""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from cozad_teach.data.formats import IMAGE_SUFFIXES, OPENED, READABLE, bits_per_channel
from cozad_teach.errors import CozadError, printable

__all__ = [
    "IMAGE_SUFFIXES",
    "MAX_FILE_BYTES",
    "MAX_PIXELS",
    "Frame",
    "ImageFile",
    "Refusal",
    "decode",
    "header_problem",
    "read_frame",
    "read_image",
]

MAX_PIXELS = 100_000_000
MAX_FILE_BYTES = 5 * MAX_PIXELS  # an uncompressed 32-bit image of MAX_PIXELS, and room

_TOO_LARGE = (
    f"declares more than {MAX_PIXELS // 10**6} million pixels: scale it down or cut it into tiles"
)
_warnings_lock = threading.Lock()

T = TypeVar("T")


class Refusal(Exception):
    """Why an image that was opened cannot be used; the words follow the name of its file."""


@dataclass(frozen=True)
class ImageFile:
    """One image of a dataset, not yet read.

    Attributes
    ----------
    name : str
        Path inside the dataset, with ``/`` between its parts.
    read_bytes : callable
        Gives the content of the file; raises `CozadError` when it cannot be read.
    """

    name: str
    read_bytes: Callable[[], bytes]


@dataclass(frozen=True)
class Frame:
    """How an image lies in its file.

    Attributes
    ----------
    size : (int, int)
        Height and width in pixels, as the image is shown.
    orientation : int
        EXIF's number for how the stored pixels are turned to be shown, 1 to 8; 1 is as stored.
    """

    size: tuple[int, int]
    orientation: int


def read_image(file: ImageFile) -> NDArray[np.uint8]:
    """Decode a photograph to 8-bit RGB.

    Grey, 1-bit and palette images become RGB; the EXIF orientation of a camera is applied. Of a
    multi-picture JPEG, as some phones write, the main picture is taken.

    Parameters
    ----------
    file : ImageFile
        A file of one of the formats of `IMAGE_SUFFIXES`. The content counts, not the suffix.

    Returns
    -------
    ndarray, uint8, (H, W, 3)
        Values 0 to 255.

    Raises
    ------
    CozadError
        If the file is empty, damaged or no image, has more than 8 bits per channel, CMYK colours,
        transparency or several frames, or declares more than `MAX_PIXELS` pixels (known from the
        header: nothing is decoded).
    """
    return decode(file, _rgb)


def read_frame(file: ImageFile) -> Frame:
    """Read from its header how an image lies in its file, without decoding it.

    Parameters
    ----------
    file : ImageFile
        As `read_image` takes it.

    Returns
    -------
    Frame

    Raises
    ------
    CozadError
        If the file is empty or no image.
    """

    def frame(image: Image.Image, _: bytes) -> Frame:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
        height, width = image.height, image.width
        # Of a TIFF, Pillow gives the size as it is shown.
        if orientation in (5, 6, 7, 8) and image.format != "TIFF":
            height, width = width, height
        return Frame((height, width), orientation if orientation in range(1, 9) else 1)

    return decode(file, frame)


def header_problem(file: ImageFile) -> str | None:
    """Say from its header why `read_image` would refuse an image, without decoding it.

    Parameters
    ----------
    file : ImageFile
        As `read_image` takes it.

    Returns
    -------
    str or None
        The reason and a remedy, such as "has CMYK colours (for print): save it as 8-bit RGB or
        grey"; None where only damage further on could keep the image from being read.

    Raises
    ------
    CozadError
        If the file is empty or no image.
    """
    return decode(file, _unusable)


def decode(file: ImageFile, take: Callable[[Image.Image, bytes], T]) -> T:
    """Open an image and take something of it, whatever may be wrong with the file.

    Parameters
    ----------
    file : ImageFile
        Any file.
    take : callable
        Is given the opened image, of which nothing is decoded yet, and the bytes of the file.
        Raises `Refusal` with a reason that follows the name of the file.

    Returns
    -------
    object
        What `take` gives.

    Raises
    ------
    CozadError
        If the file is empty, no image, damaged or refused; names the file.
    """
    name = printable(file.name)
    content = file.read_bytes()
    if not content:
        raise CozadError(f"{name} is empty (0 bytes): copy or download it again")
    try:
        # Pillow warns below our own limit; the filters of `warnings` are shared by all threads.
        with _warnings_lock, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(content), formats=OPENED)
        if image.width * image.height > MAX_PIXELS:
            raise Refusal(_TOO_LARGE)
        return take(image, content)
    except Refusal as refusal:
        raise CozadError(f"{name} {refusal}") from refusal
    except MemoryError:
        raise
    except UnidentifiedImageError as error:
        raise CozadError(
            f"{name} is not a {', '.join(READABLE)} image, whatever its name says: save it as PNG "
            "or remove it"
        ) from error
    except Image.DecompressionBombError as error:
        raise CozadError(f"{name} {_TOO_LARGE}") from error
    except Exception as error:  # Pillow's decoders raise a dozen types for damaged files
        raise CozadError(
            f"{name} is damaged or cut short: copy or download it again, or remove it"
        ) from error


def _rgb(image: Image.Image, content: bytes) -> NDArray[np.uint8]:
    if reason := _unusable(image, content):
        raise Refusal(reason)
    # Either call would copy an image that needs nothing done.
    ImageOps.exif_transpose(image, in_place=True)
    return np.array(image if image.mode == "RGB" else image.convert("RGB"))


def _unusable(image: Image.Image, content: bytes) -> str | None:
    """Say from the header why `image` cannot be used as a photograph, or None."""
    if getattr(image, "is_animated", False) and image.format != "MPO":
        return "is animated or has several pages: save the one picture you need as PNG"
    if image.has_transparency_data:
        return "has transparency (an alpha channel): save it as RGB or grey without it"
    if bits_per_channel(image, content) > 8:
        reason = "has more than 8 bits per channel"
    elif image.mode == "CMYK":
        reason = "has CMYK colours (for print)"
    elif image.mode not in ("1", "L", "P", "RGB"):
        reason = f"has the colour mode {image.mode}"
    else:
        return None
    return f"{reason}: save it as 8-bit RGB or grey"
