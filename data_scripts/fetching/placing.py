"""Write the files of a data set to their places, in a form that can be read everywhere."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageOps
from tqdm.auto import tqdm

from cozad_teach.data.formats import bits_per_channel
from cozad_teach.data.images import Refusal, decode, header_problem
from cozad_teach.errors import CozadError, printable
from fetching.placements import Placement, file_at, mask_at

__all__ = ["Placed", "place_files"]

_LEAST_BITS = (
    15  # of 16 that an image uses: one that uses fewer may be one of 12 bits, not a dark one
)


class Placed(NamedTuple):
    """What was written.

    Attributes
    ----------
    files : dict of str to str
        SHA-256 of each file by its path in the data set.
    saved_anew : list of str
        Images whose pixels had to be converted, such as those with 16 bits.
    mask_notes : dict of str to list of str
        What should be looked at of a mask, as of `Mask`.
    """

    files: dict[str, str]
    saved_anew: list[str]
    mask_notes: dict[str, list[str]]


def place_files(
    placements: Sequence[Placement],
    origin: Path,
    folder: Path,
    *,
    may_move: bool,
    progress: bool = False,
) -> Placed:
    """Write each file to its place.

    Images stay as they are, byte for byte, where `read_image` can read them. Others (16 bits,
    transparency, CMYK) and parts of images are saved as 8-bit RGB PNG. Masks are saved as PNG with
    0 and 255, in the size of their images.

    Parameters
    ----------
    placements : sequence of Placement
        As a converter gives them.
    origin : Path
        The folder in which all sources must lie.
    folder : Path
        The new data set; is made.
    may_move : bool
        Whether sources may be moved away, which saves time and room.
    progress : bool
        Show a bar if it takes more than two seconds.

    Returns
    -------
    Placed

    Raises
    ------
    CozadError
        If a source is missing, no image or outside `origin`, or two have the same place.
    """
    inside = origin.resolve()
    placed = Placed({}, [], {})
    placed_at: dict[Path, Path] = {}  # where images went that were moved
    for placement in tqdm(placements, "converting", unit="file", delay=2, disable=not progress):
        source, target = placement.source, PurePosixPath(placement.target)
        if not source.resolve().is_relative_to(inside) or ".." in target.parts or target.root:
            raise CozadError(f"{printable(str(target))} leads out of the archive: do not trust it")
        content: bytes | None
        if placement.mask_of is not None:
            image = placed_at.get(placement.mask_of, placement.mask_of)
            content, notes = _mask(placement, image)
            if notes:
                placed.mask_notes[str(target)] = notes
        elif (content := _image(placement)) is not None:
            target = target.with_suffix(".png")
            placed.saved_anew.append(str(target))
        if str(target) in placed.files:
            raise CozadError(f"two files want the place {printable(str(target))}")
        path = folder / target
        path.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256(source.read_bytes() if content is None else content)
        placed.files[str(target)] = digest.hexdigest()
        if content is None and may_move:
            source.rename(path)
            placed_at[source] = path
        else:
            path.write_bytes(source.read_bytes() if content is None else content)
    return placed


def _mask(placement: Placement, image: Path) -> tuple[bytes, list[str]]:
    """Give the mask as PNG in the size of its image, and what is to be said of it."""
    pixels, notes = mask_at(placement.source, image, lossy=placement.lossy_mask)
    if placement.box is not None:
        left, top, right, bottom = placement.box
        pixels = pixels[top:bottom, left:right]
    # Beside an image that is turned by its EXIF orientation, the mask says that it is not.
    upright = Image.Exif()
    upright[ExifTags.Base.Orientation] = 1
    mask = Image.fromarray(np.where(pixels, np.uint8(255), np.uint8(0)))
    return _png(mask, exif=upright), list(notes)


def _image(placement: Placement) -> bytes | None:
    """Give the image as PNG where it cannot stay as it is, else None."""
    file = file_at(placement.source)
    if header_problem(file) is None and placement.box is None:
        return None

    def converted(image: Image.Image, content: bytes) -> bytes:
        deep = bits_per_channel(image, content) > 8
        ImageOps.exif_transpose(image, in_place=True)
        image = (_eight_bits(image) if deep else image).convert("RGB")
        return _png(image if placement.box is None else image.crop(placement.box))

    return decode(file, converted)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Bring values of 16 bits to 8, or refuse them where it is not clear what is white."""
    if image.mode == "F":
        raise Refusal("has floating-point values: save it as 8-bit RGB or grey")
    values = np.asarray(image)
    halved = values.dtype == np.uint8  # of 16-bit colours, Pillow gives the upper 8 bits
    used = int(values.max()).bit_length() + 8 * halved
    if values.min() < 0 or used > 16:
        raise Refusal("has more than 16 bits per channel: save it as 8-bit RGB or grey")
    if used < _LEAST_BITS and (halved or values.any()):
        raise Refusal(
            f"uses {used} of its 16 bits per channel, so that nobody knows what is white: scale "
            "its values and save it as 8-bit RGB or grey"
        )
    return image if halved else Image.fromarray((values // 257).astype(np.uint8))


def _png(image: Image.Image, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG", **options)
    return stream.getvalue()
