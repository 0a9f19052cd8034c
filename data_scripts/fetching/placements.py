"""Files of an official archive, and the places that they get in the layout of MVTec-AD."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cozad_teach.data.images import ImageFile
from cozad_teach.data.masks import Mask, mask_of
from cozad_teach.data.names import is_hidden, left_out_by_name
from cozad_teach.errors import CozadError, printable

__all__ = [
    "Placement",
    "all_images",
    "anomalous",
    "below",
    "by_mask",
    "file_at",
    "files_of",
    "folders_of",
    "images_of",
    "mask_at",
    "mask_placement",
    "squares",
]

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Placement:
    """One file of a data set and its place.

    Attributes
    ----------
    source : Path
        The file as its owner gives it.
    target : str
        Path in MVTec layout, such as ``bottle/test/broken/000.png``.
    mask_of : Path or None
        The image whose defect it marks: such files are written anew as PNG with 0 and 255, in the
        size of that image. None for images.
    box : (int, int, int, int) or None
        Left, top, right and bottom of the part that is taken, in pixels; None for all of it.
    lossy_mask : bool
        Whether the owner publishes masks as JPEG, whose defects begin at 128.
    """

    source: Path
    target: str
    mask_of: Path | None = None
    box: Box | None = None
    lossy_mask: bool = False


def file_at(path: Path) -> ImageFile:
    """Give a file of an archive, which may be missing, to be read."""
    return ImageFile(path.as_posix(), partial(_content, path))


def mask_at(path: Path, image: Path, *, lossy: bool = False) -> Mask:
    """Read the mask of an image, as `mask_of`."""
    return mask_of(file_at(path), file_at(image), threshold=lossy)


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise CozadError(
            f"{printable(path.as_posix())} is missing: check that the archive is whole"
        )
    try:
        return path.read_bytes()
    except OSError as error:
        raise CozadError(
            f"cannot read {printable(path.as_posix())} ({error.strerror}): check its permissions"
        ) from error


def below(folder: Path) -> Iterator[Path]:
    """Give all files and folders in a folder but hidden ones; none is passed over in silence.

    Raises
    ------
    CozadError
        If one of the folders is a link.
    OSError
        If one cannot be read.
    """

    def refuse(error: OSError) -> None:
        raise error

    if not folder.is_dir():
        return
    for here, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = (name for name in folders if not is_hidden(name))
        for path in map(Path(here).joinpath, folders):
            if path.is_symlink():
                raise CozadError(
                    f"{printable(path.as_posix())} is a link to a folder: put the folder itself "
                    "there (--from)"
                )
            yield path
        yield from (Path(here, name) for name in files if not is_hidden(name))


def _found(folder: Path, pattern: str, is_kind: Callable[[Path], bool]) -> list[Path]:
    """Find all that match, those nearest to `folder` first, or say what is missing."""
    found = [p for p in below(folder) if p.match(pattern) and is_kind(p)]
    if not found:
        raise CozadError(
            f"there is no {pattern} in it: check that it is the archive of this data set, whole"
        )
    return sorted(found, key=lambda path: (len(path.parts), path))


def folders_of(folder: Path, pattern: str) -> list[Path]:
    """Find folders by a pattern, or say that there is none."""
    return _found(folder, pattern, Path.is_dir)


def files_of(folder: Path, pattern: str) -> list[Path]:
    """Find files by a pattern, or say that there is none."""
    return _found(folder, pattern, Path.is_file)


def images_of(folder: Path, *suffixes: str, deep: bool = True) -> list[Path]:
    """List the images of a folder, by name."""
    files = below(folder) if deep else folder.glob("*")
    return sorted(
        file
        for file in files
        if left_out_by_name(file.relative_to(folder).as_posix()) is None
        and (not suffixes or file.suffix.lower() in suffixes)
        and file.is_file()
    )


def all_images(folder: Path, target: str) -> Iterator[Placement]:
    """Place all images of a folder at one place."""
    for image in images_of(folder):
        yield Placement(image, f"{target}/{image.stem}{image.suffix.lower()}")


def mask_placement(
    mask: Path, image: Path, category: str, defect: str, stem: str | None = None
) -> Placement:
    """Place the mask of an image."""
    target = f"{category}/ground_truth/{defect}/{stem or image.stem}_mask.png"
    return Placement(mask, target, mask_of=image)


def anomalous(image: Path, mask: Path, category: str, stem: str) -> Iterator[Placement]:
    """Place an image with a defect, and its mask."""
    yield Placement(image, f"{category}/test/bad/{stem}{image.suffix.lower()}")
    yield mask_placement(mask, image, category, "bad", stem)


def by_mask(image: Path, mask: Path, place: str, stem: str) -> Iterator[Placement]:
    """Place an image as its mask says; a defective one for training has no place."""
    if not mask_at(mask, image).pixels.any():
        yield Placement(image, f"{place}/good/{stem}{image.suffix.lower()}")
    elif not place.endswith("/train"):
        yield from anomalous(image, mask, place.split("/")[0], stem)


def squares(image: Path, mask: Path, category: str) -> Iterator[Placement]:
    """Cut along the rail into squares as wide as it is; the last one ends where the rail ends."""
    defects = mask_at(mask, image, lossy=True).pixels
    height, width = defects.shape
    tops = [*range(0, height - width, width), max(height - width, 0)]
    for number, top in enumerate(tops):
        bottom = min(top + width, height)
        box = (0, top, width, bottom)
        stem = f"{image.stem}_{number:02}"
        if defects[top:bottom].any():
            yield Placement(image, f"{category}/test/bad/{stem}.png", box=box)
            target = f"{category}/ground_truth/bad/{stem}_mask.png"
            yield Placement(mask, target, mask_of=image, box=box, lossy_mask=True)
        else:
            yield Placement(image, f"{category}/test/good/{stem}.png", box=box)
