"""Make packs of the results ledger from official sets: ``python data_scripts/packs.py NAME``.

A pack is a small copy of a part of a public set: its longer side has 256 pixels at most, images are
JPEG files of quality 90, masks PNG files with 0 and 255. ``packs/NAME.csv`` lists its images, for
each the file of the set as `get.py` installs it, and the part of its height that is taken. The
filter that shrank the ledger's own copies is not on record: a pack made here shows the same
pictures, but its bytes and the last digits of its results differ.
"""

from __future__ import annotations

import argparse
import csv
import io
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from tqdm.auto import tqdm

from cozad_teach.cli.endings import run_command
from cozad_teach.cli.words import given
from cozad_teach.data.folders import IMAGE_SUFFIXES
from cozad_teach.data.images import decode
from cozad_teach.data.masks import mask_of, resize_mask
from cozad_teach.errors import CozadError
from cozad_teach.files.places import check_target
from cozad_teach.files.writing import atomic_write
from fetching.placements import file_at

__all__ = ["main", "make_pack", "packs"]

LISTS = Path(__file__).with_name("packs")
SIDE, QUALITY = 256, 90
_MARK = b"made by packs.py"  # the comment of an archive that may be made anew
_DATE = (1980, 1, 1, 0, 0, 0)  # the same bytes whenever it is made


class Entry(NamedTuple):
    """An image of a pack, its source below ``datasets`` without suffix, and K/N of its height."""

    image: str
    source: str
    part: str


def packs() -> list[str]:
    """Name the packs that can be made."""
    return sorted(path.stem for path in LISTS.glob("*.csv"))


def read_list(name: str) -> list[Entry]:
    """Read which images a pack has.

    Raises
    ------
    CozadError
        If there is no such list.
    """
    if name not in packs():
        raise CozadError(f"there is no list of a pack {name!r}: choose {', '.join(packs())}")
    with (LISTS / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return [Entry(**row) for row in csv.DictReader(file)]


def make_pack(name: str, root: Path, folder: Path) -> Path:
    """Write a pack as a zip archive, whole or not at all.

    Parameters
    ----------
    name : str
        Of the pack.
    root : Path
        Where `get.py` puts sets.
    folder : Path
        Where the archive goes.

    Raises
    ------
    CozadError
        If a set or files of it are missing, or something cannot be read or written.
    """
    entries = read_list(name)
    target = folder / f"{name}.zip"
    check_target(target, reads=[root], ours=_is_ours)
    for missing in sorted({e.source.partition("/")[0] for e in entries}):
        if not (root / missing).is_dir():
            raise CozadError(
                f"{name} is made of {missing}, which is not in {root}: "
                f"python data_scripts/get.py {missing}"
            )
    files = [_found(root / entry.source) for entry in entries]
    absent = [e.source for e, file in zip(entries, files, strict=True) if file is None]
    if absent:
        more = f" and {len(absent) - 5} others" if len(absent) > 5 else ""
        raise CozadError(
            f"{root} lacks {', '.join(absent[:5])}{more}: is the set whole? "
            "python data_scripts/get.py --verify tells"
        )
    with atomic_write(target) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        archive.comment = _MARK
        pairs = zip(entries, files, strict=True)
        for entry, file in tqdm(pairs, name, len(entries), unit="image", delay=2):
            assert file is not None
            for inside, content in _made(entry, file):
                archive.writestr(zipfile.ZipInfo(inside, _DATE), content)
    return target


def _is_ours(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return archive.comment == _MARK


def _found(stem: Path) -> Path | None:
    files = (stem.with_name(stem.name + suffix) for suffix in sorted(IMAGE_SUFFIXES))
    return next((file for file in files if file.is_file()), None)


def _made(entry: Entry, file: Path) -> list[tuple[str, bytes]]:
    """Give the image, and its mask if it has one, by their places in the pack."""
    whole = decode(file_at(file), lambda picture, _: picture.copy())
    number, of = map(int, (entry.part or "1/1").split("/"))
    top, bottom = ((number - 1) * whole.height // of, number * whole.height // of)
    image = whole if whole.mode == "L" else whole.convert("RGB")
    image = image.crop((0, top, whole.width, bottom))
    image.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    made = [(entry.image, _bytes(image, "JPEG", quality=QUALITY))]
    category, section, defect, name = entry.image.split("/")
    drawn = file.parents[2] / "ground_truth" / file.parent.name / f"{file.stem}_mask.png"
    if section == "test" and defect != "good" and drawn.is_file():
        pixels = mask_of(file_at(drawn), file_at(file)).pixels[top:bottom]
        mask = Image.fromarray(resize_mask(pixels, (image.height, image.width)))
        place = f"{category}/ground_truth/{defect}/{Path(name).stem}_mask.png"
        made.append((place, _bytes(mask.convert("L"), "PNG")))
    return made


def _bytes(image: Image.Image, kind: str, **options: int) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 on success, 2 where a pack could not be made, 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="packs.py", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(packs())}")
    parser.add_argument("--root", type=Path, default=Path("datasets"), metavar="DIR")
    parser.add_argument("--out", type=Path, default=Path("packs"), metavar="DIR")

    def run() -> int:
        options = parser.parse_args(given(arguments))
        for name in options.names or packs():
            print(f"written to {make_pack(name, options.root, options.out)}")
        return 0

    return run_command(parser.prog, run)


if __name__ == "__main__":
    sys.exit(main())
