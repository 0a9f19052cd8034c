"""What a mask file means: one reading for folders, archives and converters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageOps

from cozad_teach.data.formats import bits_per_channel
from cozad_teach.data.images import Frame, ImageFile, Refusal, decode, read_frame
from cozad_teach.errors import CozadError, printable

__all__ = ["Mask", "mask_of", "read_mask", "resize_mask"]

Pixels = NDArray[np.bool_]

_THRESHOLD = 128  # where an 8-bit picture of a mask goes from background to defect
_CLASSES = 64  # values below this may be numbers of kinds of defects, and small ones are no noise
_NEAR = 1 / 8  # of the highest value: as far as compression moves a value
_SHAPE_TOLERANCE = 0.02  # of width through height, for sizes that were rounded
_MOST = 0.5  # of an image: a defect seldom covers more, an inverted mask nearly always
# How stored pixels are turned to be shown, by EXIF's number.
_TURNS: dict[int, Callable[[Pixels], Pixels]] = {
    1: lambda x: x,
    2: np.fliplr,
    3: lambda x: np.rot90(x, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda x: np.rot90(x, -1),
    7: lambda x: np.rot90(np.transpose(x), 2),
    8: np.rot90,
}


class Mask(NamedTuple):
    """Which pixels of an image are anomalous.

    Attributes
    ----------
    pixels : ndarray, bool, (H, W)
        In the size of the image, as it is shown.
    notes : tuple of str
        What should be looked at, each to follow the name of the file: that it was resized or
        turned, or that most of it is anomalous.
    """

    pixels: Pixels
    notes: tuple[str, ...] = ()


def read_mask(file: ImageFile, image: Frame, *, threshold: bool = False) -> Mask:
    """Decode a mask and bring it into the frame of its image.

    Of two values the higher is the defect. Of more, such as numbers for kinds of defects, all
    above 0 are; but where some lie near 0 and some near the highest, a lossy format or a smooth
    brush has spoilt the border, and the file is refused.

    Parameters
    ----------
    file : ImageFile
        An image of grey values, colours (black is background) or a palette (its first is), of any
        bit depth.
    image : Frame
        Of the image that is masked.
    threshold : bool
        Whether spoilt values of 128 and more are the defect, since the owner of the set says so.

    Returns
    -------
    Mask
        A mask of another size but of the same shape is resized: a pixel is anomalous if anything
        in it is. One that fits the image only as its pixels are stored is turned with it; where it
        fits both ways, an EXIF orientation of its own decides.

    Raises
    ------
    CozadError
        If the file cannot be read; has values that compression has spoilt, or transparency; has
        another shape than the image; or fits an image that is turned by its EXIF orientation both
        ways.
    """

    def pixels(picture: Image.Image, content: bytes) -> tuple[Pixels, bool]:
        upright = ExifTags.Base.Orientation in picture.getexif()
        ImageOps.exif_transpose(picture, in_place=True)
        return _defect(picture, content, threshold), upright

    found, upright = decode(file, pixels)
    notes = []
    if image.orientation != 1:
        drawn, found = found, _turned(found, image, file, upright)
        if found is not drawn:
            notes.append("was drawn on the stored pixels: it is turned as its image is")
    if found.shape != image.size:
        shapes = (
            f"has {found.shape[1]} x {found.shape[0]} pixels, its image {image.size[1]} x "
            f"{image.size[0]}"
        )
        if not _same_shape(found.shape, image.size):
            raise CozadError(
                f"{printable(file.name)} {shapes}: they do not belong together; draw the mask on "
                "the image as it is shown"
            )
        notes.append(f"{shapes}: it is resized")
        found = resize_mask(found, image.size)
    if found.mean() > _MOST:
        notes.append(f"is anomalous in {found.mean():.0%} of its pixels: is it inverted?")
    return Mask(found, tuple(notes))


def mask_of(mask: ImageFile, image: ImageFile, *, threshold: bool = False) -> Mask:
    """Decode the mask of an image, as `read_mask`."""
    return read_mask(mask, read_frame(image), threshold=threshold)


def resize_mask(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """Resize a mask so that no anomalous pixel is lost.

    Parameters
    ----------
    pixels : ndarray, bool, (h, w)
        The mask.
    size : (int, int)
        Height and width to bring it to.

    Returns
    -------
    ndarray, bool, (H, W)
        Where a side shrinks, a pixel is anomalous if any pixel that it covers, in whole or in
        part, is; where it grows, as the nearest is.
    """
    for axis, length in enumerate(size):
        old = pixels.shape[axis]
        edges = np.arange(length + 1) * old
        # In whole numbers: a share that falls on the border of a pixel does not touch the next.
        first, last = edges[:-1] // length, -(-edges[1:] // length)
        if length > old:
            first = (2 * np.arange(length) + 1) * old // (2 * length)
            last = first + 1
        zero = np.zeros_like(pixels.take([0], axis), np.int64)
        counted = np.concatenate([zero, pixels.cumsum(axis)], axis)
        pixels = counted.take(last, axis) > counted.take(first, axis)
    return pixels


def _defect(picture: Image.Image, content: bytes, threshold: bool) -> Pixels:
    """Say which pixels of a mask are anomalous, or refuse it."""
    if reason := _unusable(picture, content):
        raise Refusal(f"{reason}: save it as grey with 0 and 255")
    if picture.getbands()[-1] == "A":
        picture = picture.convert("RGB")
    values = np.asarray(picture)
    colours = np.asarray(picture.convert("RGB"))
    # Of a palette the numbers count, and the first is the background, unless it lists many greys.
    greys = picture.mode == "P" and bool((colours == colours[..., :1]).all())
    if greys and len(np.unique(values)) > 2:
        values = colours
    in_colours = values.ndim == 3 and bool((values != values[..., :1]).any())
    if values.ndim == 3:
        values = values.max(axis=2)
    levels = np.unique(values)
    highest = float(levels[-1])
    if _is_spoilt(levels) or (picture.format in ("JPEG", "MPO") and len(levels) > 2):
        if threshold and highest >= 1.5 * _THRESHOLD:
            return np.asarray(values >= _THRESHOLD)
        half = (highest + (values.dtype.kind != "f")) / 2
        if 1.5 * _THRESHOLD <= highest <= 255:
            half = _THRESHOLD
        raise Refusal(
            f"has values near 0 and near {highest:g}, as a lossy format or a smooth brush leaves "
            f"them: threshold it at {half:g} and save it as PNG with 0 and 255"
        )
    if in_colours and levels[0] > 0:
        raise Refusal(
            "has colours on another ground than black: save it as grey, with 255 for the defect "
            "and 0 elsewhere"
        )
    if len(levels) == 2:
        found = np.asarray(values > levels[0])
        if picture.mode == "P" and found.mean() > _MOST and not colours[found].any():
            raise Refusal(
                "has a palette in which black is the defect: save it as grey with 0 and 255"
            )
        return found
    return np.asarray(values > 0)


def _unusable(picture: Image.Image, content: bytes) -> str | None:
    if getattr(picture, "is_animated", False) and picture.format != "MPO":
        return "is animated or has several pages"
    if picture.has_transparency_data and (np.asarray(picture.convert("RGBA"))[..., 3] < 255).any():
        return "has transparency (an alpha channel)"
    if picture.mode not in ("1", "L", "P", "RGB", "LA", "RGBA", "I", "F", "I;16", "I;16B"):
        return f"has the colour mode {picture.mode}"
    if len(picture.getbands()) > 1 and bits_per_channel(picture, content) > 8:
        return "has more than 8 bits per channel, and colours"
    if picture.mode == "F" and not np.isfinite(np.asarray(picture)).all():
        return "holds values that are no numbers"
    return None


def _is_spoilt(levels: NDArray[Any]) -> bool:
    """Say whether the values of a mask, sorted, look like two that compression has spread.

    Two values, or many small ones, do not: they number kinds of defects.
    """
    highest = float(levels[-1])
    if len(levels) <= 2 or 1 < highest < _CLASSES:
        return False
    return bool(((levels > 0) & (levels <= _NEAR * highest)).any())


def _turned(found: Pixels, image: Frame, file: ImageFile, upright: bool) -> Pixels:
    """Turn a mask with its image where it was drawn on the pixels as they are stored.

    `upright`: it says by an EXIF orientation of its own how it is to be shown.
    """
    stored = image.size[::-1] if image.orientation >= 5 else image.size
    turned: Pixels = _TURNS[image.orientation](found)
    as_shown, as_stored = found.shape == image.size, found.shape == stored
    if not (as_shown or as_stored):
        as_shown, as_stored = _same_shape(found.shape, image.size), _same_shape(found.shape, stored)
    if as_shown and as_stored and not upright and not np.array_equal(turned, found):
        raise CozadError(
            f"{printable(file.name)} fits its image both as it is stored and as it is shown (its "
            f"EXIF orientation is {image.orientation}): save the image upright, without an "
            "orientation, and the mask to match"
        )
    return turned if as_stored and not as_shown else found


def _same_shape(size: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return abs(size[1] / size[0] * other[0] / other[1] - 1) <= _SHAPE_TOLERANCE
