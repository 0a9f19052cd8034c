"""Say, for each official layout, where each of its files belongs in the layout of MVTec-AD."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

from cozad_teach.data.images import ImageFile
from cozad_teach.data.masks import Mask, mask_of
from cozad_teach.data.names import images_of_mask, left_out_by_name
from cozad_teach.errors import CozadError, printable

__all__ = ["CONVERTERS", "Placement", "file_at", "mask_at"]

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
    return ImageFile(path.name, partial(_content, path))


def mask_at(path: Path, image: Path, *, lossy: bool = False) -> Mask:
    """Read the mask of an image, as `mask_of`."""
    return mask_of(file_at(path), file_at(image), threshold=lossy)


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise CozadError(f"{printable(path.name)} is missing: check that the archive is whole")
    return path.read_bytes()


def _mvtec(folder: Path) -> Iterator[Placement]:
    """MVTec-AD, MPDD, DTD-Synthetic: the layout itself."""
    for train in _folders(folder, "train/good"):
        category = train.parent.parent
        test: dict[str, dict[str, Path]] = defaultdict(dict)
        for section in ("train", "test"):
            for file in _images(category / section):
                if section == "test":
                    test[file.parent.name][file.stem] = file
                place = f"{section}/{file.parent.name}/{file.stem}"
                yield Placement(file, f"{category.name}/{place}{file.suffix.lower()}")
        for mask in _images(category / "ground_truth"):
            defect = mask.parent.name
            stems = images_of_mask(mask.stem, test[defect])
            if len(stems) != 1:
                raise CozadError(
                    f"the mask {printable(f'{defect}/{mask.name}')} of {printable(category.name)} "
                    f"has {len(stems) or 'no'} image{'s' * (len(stems) > 1)}"
                )
            yield _mask(mask, test[defect][stems[0]], category.name, defect)


def _visa(folder: Path) -> Iterator[Placement]:
    """VisA: split_csv/1cls.csv lists category, part, label, image and mask."""
    table = _files(folder, "split_csv/1cls.csv")[0]
    root = table.parent.parent
    with table.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file, skipinitialspace=True):
            try:
                category, part, label = row["object"], row["split"], row["label"]
                image, mask = (PurePosixPath(row[key] or "") for key in ("image", "mask"))
            except KeyError as error:
                raise CozadError(
                    f"{table} has no column {error}: is it the list of VisA?"
                ) from error
            kind = "good" if label == "normal" else "bad"
            target = f"{category}/{part}/{kind}/{image.stem}{image.suffix.lower()}"
            yield Placement(root / image, target)
            if kind == "bad":
                yield _mask(root / mask, root / image, category, kind)


def _btad(folder: Path) -> Iterator[Placement]:
    """BTAD: as MVTec-AD, but with folders ok and ko, and masks with the names of their images."""
    for train in _folders(folder, "train/ok"):
        category = train.parent.parent
        name = category.name
        yield from _all(train, f"{name}/train/good")
        yield from _all(category / "test/ok", f"{name}/test/good")
        masks = {mask.stem: mask for mask in _images(category / "ground_truth/ko")}
        for image in _images(category / "test/ko"):
            if image.stem not in masks:
                raise CozadError(f"image {image.name} of category {name} has no mask")
            yield from _anomalous(image, masks[image.stem], name, image.stem)


def _kolektorsdd(folder: Path) -> Iterator[Placement]:
    """KolektorSDD: kosNN/PartK.jpg, and for each its mask PartK_label.bmp, black if it is good."""
    for item in _folders(folder, "kos[0-9][0-9]"):
        for image in _images(item, ".jpg"):
            mask = image.with_name(f"{image.stem}_label.bmp")
            yield from _by_mask(image, mask, "kolektorsdd/test", f"{item.name}_{image.stem}")


def _kolektorsdd2(folder: Path) -> Iterator[Placement]:
    """KolektorSDD2: train and test with NNNNN.png and NNNNN_GT.png, black if it is good."""
    for part in ("train", "test"):
        for image in _images(_folders(folder, part)[0], ".png"):
            if re.fullmatch("[0-9]+", image.stem):
                mask = image.with_name(f"{image.stem}_GT.png")
                yield from _by_mask(image, mask, f"kolektorsdd2/{part}", image.stem)


def _dagm2007(folder: Path) -> Iterator[Placement]:
    """DAGM 2007: ClassN/Train and Test, with masks Label/NNNN_label.PNG of the defective ones."""
    for train in _folders(folder, "Class[0-9]*/Train"):
        category = train.parent
        for part in ("Train", "Test"):
            masks = {mask.stem: mask for mask in _images(category / part / "Label")}
            for image in _images(category / part, deep=False):
                mask = masks.get(f"{image.stem}_label")
                place = f"{category.name}/{part.lower()}"
                if mask is None:
                    yield Placement(image, f"{place}/good/{image.stem}{image.suffix.lower()}")
                elif part == "Test":
                    yield from _anomalous(image, mask, category.name, image.stem)


def _rsdds(folder: Path) -> Iterator[Placement]:
    """RSDDs: long rails with defects, cut into squares; those without a defect are good."""
    for masks in _folders(folder, "GroundTruth"):
        kind = re.search(r"Type-(I+)\b", masks.parent.name)
        rails = {rail.stem: rail for rail in _images(masks.parent) if rail.parent != masks}
        for mask in _images(masks):
            if mask.stem not in rails:
                raise CozadError(f"{mask} has no image of its name: is the archive whole?")
            category = f"type_{len(kind[1]) if kind else 1}"
            yield from _squares(rails[mask.stem], mask, category)


def _headct(folder: Path) -> Iterator[Placement]:
    """HeadCT: head_ct/NNN.png, and labels.csv with a number and a label in each line."""
    tables = _files(folder, "labels.csv")
    images = {int(image.stem): image for image in _images(folder) if image.stem.isdecimal()}
    with tables[0].open(encoding="utf-8-sig", newline="") as file:
        rows = [[cell.strip() for cell in row] for row in csv.reader(file) if row][1:]
    for number, label in rows:
        if int(number) not in images:
            raise CozadError(f"{tables[0]} lists image {number}, which is not there")
        image = images[int(number)]
        kind = "bad" if int(label) else "good"
        yield Placement(image, f"headct/test/{kind}/{image.name.lower()}")


def _yes_and_no(category: str) -> Callable[[Path], Iterator[Placement]]:
    def place(folder: Path) -> Iterator[Placement]:
        """BrainMRI and Br35H: yes holds brains with a tumour, no those without."""
        # BrainMRI has its folders once more, below another one: the first is enough.
        root = _folders(folder, "yes")[0].parent
        yield from _all(root / "no", f"{category}/test/good")
        yield from _all(root / "yes", f"{category}/test/bad")

    return place


def _magnetic_tile(folder: Path) -> Iterator[Placement]:
    """Magnetic tiles: MT_<defect>/Imgs with a JPEG for each image and a PNG for its mask."""
    for images in _folders(folder, "MT_*/Imgs"):
        defect = images.parent.name.removeprefix("MT_").lower()
        for image in _images(images, ".jpg"):
            if defect == "free":
                yield Placement(image, f"magnetic_tile/test/good/{image.name}")
                continue
            yield Placement(image, f"magnetic_tile/test/{defect}/{image.name}")
            yield _mask(image.with_suffix(".png"), image, "magnetic_tile", defect)


CONVERTERS: dict[str, Callable[[Path], Iterator[Placement]]] = {
    "mvtec": _mvtec,
    "visa": _visa,
    "btad": _btad,
    "kolektorsdd": _kolektorsdd,
    "kolektorsdd2": _kolektorsdd2,
    "dagm2007": _dagm2007,
    "rsdds": _rsdds,
    "headct": _headct,
    "brainmri": _yes_and_no("brainmri"),
    "br35h": _yes_and_no("br35h"),
    "magnetic_tile": _magnetic_tile,
}


def _is_hidden(path: Path, folder: Path) -> bool:
    parts = path.relative_to(folder).parts
    return any(part.startswith(".") or part == "__MACOSX" for part in parts)


def _found(folder: Path, pattern: str, is_kind: Callable[[Path], bool]) -> list[Path]:
    """Find all that match, those nearest to `folder` first, or say what is missing."""
    found = [p for p in folder.rglob(pattern) if is_kind(p) and not _is_hidden(p, folder)]
    if not found:
        raise CozadError(
            f"there is no {pattern} in it: check that it is the archive of this data set, whole"
        )
    return sorted(found, key=lambda path: (len(path.parts), path))


def _folders(folder: Path, pattern: str) -> list[Path]:
    return _found(folder, pattern, Path.is_dir)


def _files(folder: Path, pattern: str) -> list[Path]:
    return _found(folder, pattern, Path.is_file)


def _images(folder: Path, *suffixes: str, deep: bool = True) -> list[Path]:
    files = folder.rglob("*") if deep else folder.glob("*")
    return sorted(
        file
        for file in files
        if left_out_by_name(file.relative_to(folder).as_posix()) is None
        and (not suffixes or file.suffix.lower() in suffixes)
        and file.is_file()
    )


def _all(folder: Path, target: str) -> Iterator[Placement]:
    for image in _images(folder):
        yield Placement(image, f"{target}/{image.stem}{image.suffix.lower()}")


def _mask(
    mask: Path, image: Path, category: str, defect: str, stem: str | None = None
) -> Placement:
    target = f"{category}/ground_truth/{defect}/{stem or image.stem}_mask.png"
    return Placement(mask, target, mask_of=image)


def _anomalous(image: Path, mask: Path, category: str, stem: str) -> Iterator[Placement]:
    yield Placement(image, f"{category}/test/bad/{stem}{image.suffix.lower()}")
    yield _mask(mask, image, category, "bad", stem)


def _by_mask(image: Path, mask: Path, place: str, stem: str) -> Iterator[Placement]:
    """Place an image as its mask says; a defective one for training has no place."""
    if not mask_at(mask, image).pixels.any():
        yield Placement(image, f"{place}/good/{stem}{image.suffix.lower()}")
    elif not place.endswith("/train"):
        yield from _anomalous(image, mask, place.split("/")[0], stem)


def _squares(image: Path, mask: Path, category: str) -> Iterator[Placement]:
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
