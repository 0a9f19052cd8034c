"""Read data sets in MVTec layout, or of own images, from a folder or a zip archive.

The layout is ``<category>/train/good/*``, ``<category>/test/<good or defect>/*`` and
``<category>/ground_truth/<defect>/<name of the image>_mask.png``. Own images do without train and
test: all in ``<category>/good`` and ``<category>/<defect>`` are test images, with masks as above if
there are any. Names may be written otherwise where they can mean one thing only: see
`cozad_teach.data.names`. Only the names are read here; `read_image` decodes a file when needed.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from cozad_teach.data.images import IMAGE_SUFFIXES, ImageFile, read_image
from cozad_teach.data.names import (
    GOOD,
    holds_masks,
    is_named_as_mask,
    label,
    may_mean_good,
    section,
    stem,
)
from cozad_teach.data.pairing import LabelledImage, defect_of, labelled, seems_a_mask
from cozad_teach.data.sources import LeftOut, Listing, list_images
from cozad_teach.errors import CozadError, printable

__all__ = [
    "IMAGE_SUFFIXES",
    "Category",
    "Dataset",
    "ImageFile",
    "LabelledImage",
    "list_images",
    "list_photographs",
    "open_dataset",
    "read_image",
]

# The images of one category by place, such as "test/scratch".
_Places = dict[str, list[ImageFile]]
# What each category holds, by its folder and those above.
_Found = dict[tuple[str, ...], _Places]


@dataclass(frozen=True)
class Category:
    """One kind of object or surface: its normal training images and its test images, by name."""

    name: str
    train_good: tuple[ImageFile, ...]
    test: tuple[LabelledImage, ...]


class Dataset(dict[str, Category]):
    """Categories by name, in the order of the names.

    Attributes
    ----------
    left_out : tuple of LeftOut
        Files that are there but belong to no category.
    places : tuple of pathlib.Path
        As of `Listing`: the folder or archive, and where links in it lead.
    """

    def __init__(
        self,
        categories: Mapping[str, Category],
        left_out: Iterable[LeftOut],
        places: Iterable[Path],
    ) -> None:
        super().__init__(categories)
        self.left_out = tuple(left_out)
        self.places = tuple(places)


def list_photographs(path: str | os.PathLike[str]) -> Listing:
    """List images that need no labels, as `list_images`, but leave out masks that lie among them.

    Raises
    ------
    CozadError
        As `list_images`, and if there are masks only.
    """
    listing = list_images(path)
    stems: dict[PurePosixPath, set[str]] = defaultdict(set)
    for file in listing.images:
        stems[PurePosixPath(file.name).parent].add(stem(file.name))
    masks = {
        file.name
        for file in listing.images
        if any(map(holds_masks, PurePosixPath(file.name).parts[:-1]))
        or is_named_as_mask(stem(file.name), stems[PurePosixPath(file.name).parent])
    }
    if len(masks) == len(listing.images):
        raise CozadError(f"{path} holds masks only: give a folder of photographs")
    return Listing(
        tuple(file for file in listing.images if file.name not in masks),
        tuple(sorted([*listing.left_out, *(LeftOut(m, "a mask by its name") for m in masks)])),
        listing.places,
    )


def open_dataset(path: str | os.PathLike[str]) -> Dataset:
    """List the categories of a data set in MVTec layout, or of own images in good and <defect>.

    Parameters
    ----------
    path : path
        A folder or a zip archive that holds one category, or a folder for each category; folders
        around all of it do no harm. A category may lack ``train``, ``test`` or ``ground_truth``;
        single masks may be missing too, and are then None. Without ``train`` and ``test`` in all
        categories, it has the folders ``good`` and one for each defect, all of test images.

    Returns
    -------
    Dataset
        A category without a folder of its own takes the name of `path`.

    Raises
    ------
    CozadError
        As `list_images`, and if a category has no good image, an image lies where the layout has
        no place for it or in a folder whose name may mean two things, both layouts are mixed, or a
        mask belongs to no image or to two.
    """
    path = Path(path)
    listing = list_images(path)
    own = _own_folders(listing.images)
    found, left_out, above = *_in_sections(listing.images), "test/"
    if own and any(place.split("/")[0] != "ground_truth" for p in found.values() for place in p):
        _refuse_mixed(own, found)
    elif own:
        found, left_out, above = _own_images(listing.images, own), [], ""
    if not found:
        raise CozadError(
            f"{path} has no good images: put normal images in good, beside folders of defects, or "
            "in <category>/train/good or <category>/test/good"
        )
    if len(found) > 1 and (() in found or len({parents[:-1] for parents in found}) > 1):
        folders = ", ".join(sorted(printable("/".join(parents) or ".") for parents in found))
        raise CozadError(
            f"{path} holds more than one data set ({folders}): give the folder of one of them"
        )
    own_name = path.resolve().name if path.is_dir() else path.stem
    named = {parents[-1] if parents else own_name: places for parents, places in found.items()}
    categories = {name: _category(name, named[name], above) for name in sorted(named)}
    return Dataset(categories, sorted([*listing.left_out, *left_out]), listing.places)


def _in_sections(files: Iterable[ImageFile]) -> tuple[_Found, list[LeftOut]]:
    """Sort the images of the MVTec layout; leave others out."""
    found: _Found = defaultdict(lambda: defaultdict(list))
    left_out = []
    for file in files:
        parts = PurePosixPath(file.name).parts
        if len(parts) >= 3 and (here := section(parts[-3])):
            found[parts[:-3]][f"{here}/{label(parts[-2])}"].append(file)
        elif any(map(section, parts[:-1])):
            raise CozadError(
                f"{printable(file.name)} is out of place: images belong in train/good, test/good, "
                "test/<defect> and ground_truth/<defect>, not above or below"
            )
        else:
            left_out.append(LeftOut(file.name, "not in train, test or ground_truth"))
    return found, left_out


def _own_folders(files: Iterable[ImageFile]) -> set[tuple[str, ...]]:
    """Find the folders that hold a folder ``good`` which is no part of the MVTec layout."""
    folders = {PurePosixPath(file.name).parent for file in files}
    return {
        folder.parts[:-1]
        for folder in folders
        if label(folder.name) == GOOD and not section(folder.parent.name)
    }


def _refuse_mixed(own: Iterable[tuple[str, ...]], found: Iterable[tuple[str, ...]]) -> None:
    """Refuse folders ``good`` in a category with train or test, or in a folder beside one."""
    around = {parents[:-1] for parents in found if parents}
    for folder in sorted(own):
        if folder in found or (folder and folder[:-1] in around):
            good = printable("/".join((*folder, "good")))
            raise CozadError(
                f"{good} lies beside folders train or test: move its images to train/good or "
                "test/good, or do without train and test in every category"
            )


def _own_images(files: Iterable[ImageFile], own: set[tuple[str, ...]]) -> _Found:
    """Sort own images as if they lay in test; each must have a place."""
    found: _Found = defaultdict(lambda: defaultdict(list))
    for file in files:
        parts = PurePosixPath(file.name).parts
        is_mask = len(parts) > 2 and section(parts[-3]) == "ground_truth"
        category, folder = parts[: -3 if is_mask else -2], parts[-2] if parts[1:] else ""
        if category not in own or not folder:
            raise CozadError(
                f"{printable(file.name)} is out of place: where there is no train or test, images "
                "belong in good or in <defect> beside it, and masks in ground_truth/<defect>"
            )
        if not is_mask and holds_masks(folder):
            raise CozadError(seems_a_mask(file))
        found[category][f"{'ground_truth' if is_mask else 'test'}/{label(folder)}"].append(file)
    return found


def _category(name: str, places: _Places, above: str) -> Category:
    """Check the places of one category and pair its test images with their masks.

    `above` is where its test images lie, for messages: ``test/``, or nothing for own images.
    """
    for place, files in places.items():
        here, defect = place.split("/")
        if here == "test" and may_mean_good(defect):
            raise CozadError(
                f"{printable(files[0].name)} is in {printable(above + defect)}, which may mean "
                f"normal images: call the folder {above}good, or after its defect"
            )
        if here == "train" and defect != GOOD:
            raise CozadError(
                f"{printable(files[0].name)} is in {printable(place)}: train holds normal images "
                "only, in train/good; move images with defects to test"
            )
    if "train/good" not in places and "test/good" not in places:
        raise CozadError(
            f"category {printable(name)} has no good images: put normal images in train/good or "
            f"test/good (found: {', '.join(printable(place) for place in sorted(places))})"
        )
    masks: _Places = defaultdict(list)
    for place, files in places.items():
        if place.startswith("ground_truth/"):
            masks[defect_of(place.split("/")[1], places, files, above)] += files
    test = [
        item
        for place, files in places.items()
        if place.startswith("test/")
        for item in labelled(files, place.split("/")[1], masks[place.split("/")[1]], above)
    ]
    test.sort(key=lambda item: item.image.name)
    return Category(name, tuple(places.get("train/good", ())), tuple(test))
