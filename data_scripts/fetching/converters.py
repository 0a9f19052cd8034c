"""Say, for each official layout, where each of its files belongs in the layout of MVTec-AD."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from cozad_teach.data.names import images_of_mask
from cozad_teach.errors import CozadError, printable
from fetching.placements import (
    Placement,
    all_images,
    anomalous,
    by_mask,
    files_of,
    folders_of,
    images_of,
    mask_placement,
    squares,
)

__all__ = ["CONVERTERS"]


def _mvtec(folder: Path) -> Iterator[Placement]:
    """MVTec-AD, MPDD, DTD-Synthetic: the layout itself."""
    for train in folders_of(folder, "train/good"):
        category = train.parent.parent
        test: dict[str, dict[str, Path]] = defaultdict(dict)
        for section in ("train", "test"):
            for file in images_of(category / section):
                if section == "test":
                    test[file.parent.name][file.stem] = file
                place = f"{section}/{file.parent.name}/{file.stem}"
                yield Placement(file, f"{category.name}/{place}{file.suffix.lower()}")
        for mask in images_of(category / "ground_truth"):
            defect = mask.parent.name
            stems = images_of_mask(mask.stem, test[defect])
            if len(stems) != 1:
                raise CozadError(
                    f"the mask {printable(f'{defect}/{mask.name}')} of {printable(category.name)} "
                    f"has {len(stems) or 'no'} image{'s' * (len(stems) > 1)}"
                )
            yield mask_placement(mask, test[defect][stems[0]], category.name, defect)


def _visa(folder: Path) -> Iterator[Placement]:
    """VisA: split_csv/1cls.csv lists category, part, label, image and mask."""
    table = files_of(folder, "split_csv/1cls.csv")[0]
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
                yield mask_placement(root / mask, root / image, category, kind)


def _btad(folder: Path) -> Iterator[Placement]:
    """BTAD: as MVTec-AD, but with folders ok and ko, and masks with the names of their images."""
    for train in folders_of(folder, "train/ok"):
        category = train.parent.parent
        name = category.name
        yield from all_images(train, f"{name}/train/good")
        yield from all_images(category / "test/ok", f"{name}/test/good")
        masks = {mask.stem: mask for mask in images_of(category / "ground_truth/ko")}
        for image in images_of(category / "test/ko"):
            if image.stem not in masks:
                raise CozadError(f"image {printable(image.name)} of category {name} has no mask")
            yield from anomalous(image, masks[image.stem], name, image.stem)


def _kolektorsdd(folder: Path) -> Iterator[Placement]:
    """KolektorSDD: kosNN/PartK.jpg, and for each its mask PartK_label.bmp, black if it is good."""
    for item in folders_of(folder, "kos[0-9][0-9]"):
        for image in images_of(item, ".jpg"):
            mask = image.with_name(f"{image.stem}_label.bmp")
            yield from by_mask(image, mask, "kolektorsdd/test", f"{item.name}_{image.stem}")


def _kolektorsdd2(folder: Path) -> Iterator[Placement]:
    """KolektorSDD2: train and test with NNNNN.png and NNNNN_GT.png, black if it is good."""
    for part in ("train", "test"):
        for image in images_of(folders_of(folder, part)[0], ".png"):
            if re.fullmatch("[0-9]+", image.stem):
                mask = image.with_name(f"{image.stem}_GT.png")
                yield from by_mask(image, mask, f"kolektorsdd2/{part}", image.stem)


def _dagm2007(folder: Path) -> Iterator[Placement]:
    """DAGM 2007: ClassN/Train and Test, with masks Label/NNNN_label.PNG of the defective ones."""
    for train in folders_of(folder, "Class[0-9]*/Train"):
        category = train.parent
        for part in ("Train", "Test"):
            masks = {mask.stem: mask for mask in images_of(category / part / "Label")}
            for image in images_of(category / part, deep=False):
                mask = masks.get(f"{image.stem}_label")
                place = f"{category.name}/{part.lower()}"
                if mask is None:
                    yield Placement(image, f"{place}/good/{image.stem}{image.suffix.lower()}")
                elif part == "Test":
                    yield from anomalous(image, mask, category.name, image.stem)


def _rsdds(folder: Path) -> Iterator[Placement]:
    """RSDDs: long rails with defects, cut into squares; those without a defect are good."""
    for masks in folders_of(folder, "GroundTruth"):
        kind = re.search(r"Type-(I+)\b", masks.parent.name)
        rails = {rail.stem: rail for rail in images_of(masks.parent) if rail.parent != masks}
        for mask in images_of(masks):
            if mask.stem not in rails:
                raise CozadError(f"{mask} has no image of its name: is the archive whole?")
            category = f"type_{len(kind[1]) if kind else 1}"
            yield from squares(rails[mask.stem], mask, category)


def _headct(folder: Path) -> Iterator[Placement]:
    """HeadCT: head_ct/NNN.png, and labels.csv with a number and a label in each line."""
    tables = files_of(folder, "labels.csv")
    images = {int(image.stem): image for image in images_of(folder) if image.stem.isdecimal()}
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
        root = folders_of(folder, "yes")[0].parent
        yield from all_images(root / "no", f"{category}/test/good")
        yield from all_images(root / "yes", f"{category}/test/bad")

    return place


def _magnetic_tile(folder: Path) -> Iterator[Placement]:
    """Magnetic tiles: MT_<defect>/Imgs with a JPEG for each image and a PNG for its mask."""
    for images in folders_of(folder, "MT_*/Imgs"):
        defect = images.parent.name.removeprefix("MT_").lower()
        for image in images_of(images, ".jpg"):
            if defect == "free":
                yield Placement(image, f"magnetic_tile/test/good/{image.name}")
                continue
            yield Placement(image, f"magnetic_tile/test/{defect}/{image.name}")
            yield mask_placement(image.with_suffix(".png"), image, "magnetic_tile", defect)


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
