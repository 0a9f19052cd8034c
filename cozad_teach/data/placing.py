"""Write the files of a data set to their places, in a form that can be read everywhere."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np
from PIL import ExifTags, Image, ImageOps
from tqdm.auto import tqdm

from cozad_teach.data.converters import Placement
from cozad_teach.data.images import ImageFile, header_problem, printable
from cozad_teach.data.mask_files import read_any_mask
from cozad_teach.errors import CozadError

__all__ = ["Placed", "place_files"]

_SHAPE_TOLERANCE = 0.02  # of width through height, for sizes that were rounded


class Placed(NamedTuple):
    """What was written.

    Attributes
    ----------
    files : dict of str to str
        SHA-256 of each file by its path in the data set.
    saved_anew : list of str
        Images whose pixels had to be converted, such as those with 16 bits.
    resized_masks : list of str
        Masks that had another size than their images.
    """

    files: dict[str, str]
    saved_anew: list[str]
    resized_masks: list[str]


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
    placed = Placed({}, [], [])
    placed_at: dict[Path, Path] = {}  # where images went that were moved
    for placement in tqdm(placements, "converting", unit="file", delay=2, disable=not progress):
        source, target = placement.source, PurePosixPath(placement.target)
        if not source.resolve().is_relative_to(inside) or ".." in target.parts or target.root:
            raise CozadError(f"{printable(str(target))} leads out of the archive: do not trust it")
        if not source.is_file():
            raise CozadError(
                f"{printable(source.name)} is missing: check that the archive is whole"
            )
        content: bytes | None
        if placement.mask_of is not None:
            content, resized = _mask(placement, placed_at.get(placement.mask_of, placement.mask_of))
            placed.resized_masks.extend([str(target)] * resized)
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


def _mask(placement: Placement, image: Path) -> tuple[bytes, bool]:
    """Give the mask as PNG in the size of its image, and whether it had another one."""
    mask = read_any_mask(placement.source)
    height, width = _size(image)
    resized = mask.shape != (height, width)
    if resized:
        if abs(mask.shape[1] / mask.shape[0] * height / width - 1) > _SHAPE_TOLERANCE:
            raise CozadError(
                f"the mask {printable(placement.source.name)} has {mask.shape[1]} x "
                f"{mask.shape[0]} pixels, its image {width} x {height}: they do not belong together"
            )
        rows = (np.arange(height) + 0.5) * mask.shape[0] / height
        columns = (np.arange(width) + 0.5) * mask.shape[1] / width
        mask = mask[rows.astype(int)][:, columns.astype(int)]
    if placement.box is not None:
        left, top, right, bottom = placement.box
        mask = mask[top:bottom, left:right]
    return _png(Image.fromarray(np.where(mask, np.uint8(255), np.uint8(0)))), resized


def _size(path: Path) -> tuple[int, int]:
    """Give height and width of an image as it is shown."""
    try:
        with Image.open(path) as image:
            turned = image.getexif().get(ExifTags.Base.Orientation, 1) in (5, 6, 7, 8)
            return image.size if turned else (image.height, image.width)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise CozadError(
            f"{printable(path.name)} is missing or no image ({error}): fetch the archive again"
        ) from error


def _image(placement: Placement) -> bytes | None:
    """Give the image as PNG where it cannot stay as it is, else None."""
    content = placement.source.read_bytes()
    name = placement.source.name
    if header_problem(ImageFile(name, lambda: content)) is None and placement.box is None:
        return None
    try:
        with Image.open(io.BytesIO(content)) as opened:
            image = ImageOps.exif_transpose(opened)
            if image.mode.startswith("I"):  # 16 bits of grey
                grey = np.clip(np.asarray(image), 0, 65535) // 257
                image = Image.fromarray(grey.astype(np.uint8))
            image = image.convert("RGB")
            return _png(image if placement.box is None else image.crop(placement.box))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise CozadError(
            f"{printable(name)} is damaged or cut short ({error}): fetch the archive again"
        ) from error


def _png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return stream.getvalue()
