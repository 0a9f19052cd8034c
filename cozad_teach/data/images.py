"""Read photographs and masks, and refuse in one sentence what cannot be used as they are."""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from cozad_teach.errors import CozadError

__all__ = [
    "IMAGE_SUFFIXES",
    "MAX_FILE_BYTES",
    "MAX_PIXELS",
    "ImageFile",
    "header_problem",
    "printable",
    "read_image",
    "read_mask",
]

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp")
MAX_PIXELS = 100_000_000
MAX_FILE_BYTES = 5 * MAX_PIXELS  # an uncompressed 32-bit image of MAX_PIXELS, and room

# GIF is here although no suffix names it: a renamed one then gets the true reason.
_PHOTO_FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF")
_MASK_FORMATS = ("PNG",)  # a JPEG mask has grey noise around each defect, and grey counts as defect

_TOO_LARGE = (
    f"declares more than {MAX_PIXELS // 10**6} million pixels: scale it down or cut it into tiles"
)
_warnings_lock = threading.Lock()


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


def printable(name: str) -> str:
    """Give `name` for a one-line message: as it is, or escaped if a terminal cannot show it."""
    return name if name.isprintable() else ascii(name)


def read_image(file: ImageFile) -> NDArray[np.uint8]:
    """Decode a photograph to 8-bit RGB.

    Grey, 1-bit and palette images become RGB; the EXIF orientation of a camera is applied. Of a
    multi-picture JPEG, as some phones write, the main picture is taken.

    Parameters
    ----------
    file : ImageFile
        A PNG, JPEG, BMP, TIFF or WebP file. The content counts, not the suffix.

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
    return _decode(file, _PHOTO_FORMATS)


def read_mask(file: ImageFile, size: tuple[int, int]) -> NDArray[np.bool_]:
    """Decode a mask; every pixel above 0 is anomalous.

    Masks are drawn with 1, 255 or a palette colour for the defect, so no other threshold than 0
    reads them all. JPEG masks are refused because their noise lies above 0.

    Parameters
    ----------
    file : ImageFile
        A PNG file.
    size : (int, int)
        Height and width of its image, in pixels.

    Returns
    -------
    ndarray, bool, (H, W)

    Raises
    ------
    CozadError
        As `read_image`, and if the mask has another size than its image.
    """
    mask = _decode(file, _MASK_FORMATS).any(axis=2)
    if mask.shape != size:
        raise CozadError(
            f"{printable(file.name)} is {mask.shape[1]} x {mask.shape[0]} pixels but its image is "
            f"{size[1]} x {size[0]}: save the mask in the size of the image"
        )
    return mask


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
    content = file.read_bytes()
    if not content:
        raise CozadError(f"{printable(file.name)} is empty (0 bytes): copy or download it again")
    try:
        return _unusable(_open(content, _PHOTO_FORMATS), content)
    except Exception as error:  # Pillow's decoders raise a dozen types for damaged files
        raise CozadError(
            f"{printable(file.name)} is no image or a damaged one: copy or download it again"
        ) from error


def _decode(file: ImageFile, formats: tuple[str, ...]) -> NDArray[np.uint8]:
    name = printable(file.name)
    content = file.read_bytes()
    if not content:
        raise CozadError(f"{name} is empty (0 bytes): copy or download it again")
    kinds = ", ".join(kind for kind in formats if kind != "GIF")
    try:
        image = _open(content, formats)
        if reason := _unusable(image, content):
            raise CozadError(f"{name} {reason}")
        # Either call would copy an image that needs nothing done.
        ImageOps.exif_transpose(image, in_place=True)
        return np.array(image if image.mode == "RGB" else image.convert("RGB"))
    except (CozadError, MemoryError):
        raise
    except UnidentifiedImageError as error:
        raise CozadError(
            f"{name} is not a {kinds} image, whatever its name says: save it as PNG or remove it"
        ) from error
    except Image.DecompressionBombError as error:
        raise CozadError(f"{name} {_TOO_LARGE}") from error
    except Exception as error:  # Pillow's decoders raise a dozen types for damaged files
        raise CozadError(
            f"{name} is damaged or cut short: copy or download it again, or remove it"
        ) from error


def _open(content: bytes, formats: tuple[str, ...]) -> Image.Image:
    # Pillow warns below our own limit; the filters of `warnings` are shared by all threads.
    with _warnings_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Image.open(io.BytesIO(content), formats=formats)


def _unusable(image: Image.Image, content: bytes) -> str | None:
    """Say from the header why `image` cannot be used, or None."""
    if image.width * image.height > MAX_PIXELS:
        return _TOO_LARGE
    if getattr(image, "is_animated", False) and image.format != "MPO":
        return "is animated or has several pages: save the one picture you need as PNG"
    if image.has_transparency_data:
        return "has transparency (an alpha channel): save it as RGB or grey without it"
    if _bits_per_channel(image, content) > 8:
        reason = "has more than 8 bits per channel"
    elif image.mode == "CMYK":
        reason = "has CMYK colours (for print)"
    elif image.mode not in ("1", "L", "P", "RGB"):
        reason = f"has the colour mode {image.mode}"
    else:
        return None
    return f"{reason}: save it as 8-bit RGB or grey"


def _bits_per_channel(image: Image.Image, content: bytes) -> int:
    """Bits as stored: Pillow drops the lower half of 16-bit colour without a word."""
    if image.format == "PNG":
        return content[24]  # the bit depth in the header chunk, which always comes first
    if image.format == "TIFF":
        return int(max(image.tag_v2.get(258, (1,))))  # type: ignore[attr-defined]
    return 8
