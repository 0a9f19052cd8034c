"""Read data sets in MVTec layout, or of own images, from a folder or a zip archive.

The layout is ``<category>/train/good/*``, ``<category>/test/<good or defect>/*`` and
``<category>/ground_truth/<defect>/<name of the image>_mask.png``. Own images do without train and
test: all in ``<category>/good`` and ``<category>/<defect>`` are test images, with masks as above if
there are any. Only the names are read here; `read_image` and `read_mask` decode one file when it is
needed.
"""

from __future__ import annotations

import os
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from cozad_teach.data.images import IMAGE_SUFFIXES, ImageFile, printable, read_image, read_mask
from cozad_teach.data.sources import list_images
from cozad_teach.errors import CozadError

__all__ = [
    "IMAGE_SUFFIXES",
    "Category",
    "ImageFile",
    "LabelledImage",
    "list_images",
    "open_dataset",
    "read_image",
    "read_mask",
]

_SECTIONS = ("train", "test", "ground_truth")
_MASK_FOLDERS = ("mask", "masks")

# The images of one category by place, such as "test/scratch".
_Places = dict[str, list[ImageFile]]
# The folders above and of a category, and what each category holds.
_Parents = tuple[str, ...]
_Found = dict[_Parents, _Places]


@dataclass(frozen=True)
class LabelledImage:
    """A test image, its defect (``"good"`` or the name of the defect's folder) and its mask."""

    image: ImageFile
    defect: str
    mask: ImageFile | None

    @property
    def is_anomalous(self) -> bool:
        """Whether the image shows a defect."""
        return self.defect != "good"


@dataclass(frozen=True)
class Category:
    """One kind of object or surface: its normal training images and its test images, by name."""

    name: str
    train_good: tuple[ImageFile, ...]
    test: tuple[LabelledImage, ...]


def open_dataset(path: str | os.PathLike[str]) -> dict[str, Category]:
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
    dict of str to Category
        In the order of the names. Hidden files and files that are no images are left out. A
        category without a folder of its own takes the name of `path`.

    Raises
    ------
    CozadError
        As `list_images`, and if a category has no good image, an image lies where the layout has
        no place for it, both layouts are mixed, or a mask belongs to no image or to two.
    """
    path = Path(path)
    files = list_images(path)
    own = _own_folders(files)
    found, above = _in_sections(files), "test/"
    if own and any(place.split("/")[0] != "ground_truth" for p in found.values() for place in p):
        _refuse_mixed(own, found)
    elif own:
        found, above = _own_images(files, own), ""
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
    return {name: _category(name, named[name], above) for name in sorted(named)}


def _in_sections(files: Iterable[ImageFile]) -> _Found:
    """Sort the images of the MVTec layout; leave others out."""
    found: _Found = defaultdict(lambda: defaultdict(list))
    for file in files:
        parts = PurePosixPath(file.name).parts
        if len(parts) >= 3 and parts[-3] in _SECTIONS:
            found[parts[:-3]][f"{parts[-3]}/{parts[-2]}"].append(file)
        elif not set(_SECTIONS).isdisjoint(parts[:-1]):
            raise CozadError(
                f"{printable(file.name)} is out of place: images belong in train/good, test/good, "
                "test/<defect> and ground_truth/<defect>, not above or below"
            )
    return found


def _own_folders(files: Iterable[ImageFile]) -> set[_Parents]:
    """Find the folders that hold a folder ``good`` which is no part of the MVTec layout."""
    folders = {PurePosixPath(file.name).parent for file in files}
    return {
        folder.parts[:-1]
        for folder in folders
        if folder.name == "good" and folder.parent.name not in _SECTIONS
    }


def _refuse_mixed(own: Iterable[_Parents], found: Iterable[_Parents]) -> None:
    """Refuse folders ``good`` in a category with train or test, or in a folder beside one."""
    around = {parents[:-1] for parents in found if parents}
    for folder in sorted(own):
        if folder in found or (folder and folder[:-1] in around):
            good = printable("/".join((*folder, "good")))
            raise CozadError(
                f"{good} lies beside folders train or test: move its images to train/good or "
                "test/good, or do without train and test in every category"
            )


def _own_images(files: Iterable[ImageFile], own: set[_Parents]) -> _Found:
    """Sort own images as if they lay in test; each must have a place."""
    found: _Found = defaultdict(lambda: defaultdict(list))
    for file in files:
        parts = PurePosixPath(file.name).parts
        is_mask = parts[-3:-2] == ("ground_truth",)
        category, label = parts[: -3 if is_mask else -2], parts[-2] if parts[1:] else ""
        if category not in own or not label:
            raise CozadError(
                f"{printable(file.name)} is out of place: where there is no train or test, images "
                "belong in good or in <defect> beside it, and masks in ground_truth/<defect>"
            )
        if not is_mask and (label in _MASK_FOLDERS or file.name.endswith("_mask.png")):
            raise CozadError(
                f"{printable(file.name)} seems to be a mask: move the mask of <defect>/000.png to "
                "ground_truth/<defect>/000_mask.png"
            )
        found[category][f"{'ground_truth' if is_mask else 'test'}/{label}"].append(file)
    return found


def _category(name: str, places: _Places, above: str) -> Category:
    """Check the places of one category and pair its test images with their masks.

    `above` is where its test images lie, for messages: ``test/``, or nothing for own images.
    """
    if "train/good" not in places and "test/good" not in places:
        raise CozadError(
            f"category {printable(name)} has no good images: put normal images in train/good or "
            f"test/good (found: {', '.join(printable(place) for place in sorted(places))})"
        )
    test: list[LabelledImage] = []
    for place, files in places.items():
        section, label = place.split("/")
        if section == "train" and label != "good":
            raise CozadError(
                f"{printable(files[0].name)} is in {printable(place)}: train holds normal images "
                "only, in train/good; move images with defects to test"
            )
        if section == "test":
            test += _labelled(files, label, places.get(f"ground_truth/{label}", []), above)
        if section == "ground_truth" and f"test/{label}" not in places:
            _refuse_orphans(files, f"{above}{label}")
    test.sort(key=lambda item: item.image.name)
    return Category(name, tuple(places.get("train/good", ())), tuple(test))


def _labelled(
    images: list[ImageFile], defect: str, mask_files: list[ImageFile], above: str
) -> list[LabelledImage]:
    """Give each image of one defect its mask, by name."""
    masks = {}
    for file in mask_files:
        if not file.name.endswith("_mask.png"):
            raise CozadError(
                f"{printable(file.name)} is not named as a mask: call the mask of 000.png "
                "000_mask.png"
            )
        masks[_stem(file).removesuffix("_mask")] = file
    stems = Counter(map(_stem, images))
    if shared := [stem for stem in masks if stems[stem] > 1]:
        raise CozadError(
            f"{printable(masks[shared[0]].name)} belongs to {stems[shared[0]]} images that differ "
            "in the suffix only: rename them"
        )
    _refuse_orphans((masks[stem] for stem in masks if stem not in stems), f"{above}{defect}")
    return [LabelledImage(image, defect, masks.get(_stem(image))) for image in images]


def _stem(file: ImageFile) -> str:
    # macOS stores accented names decomposed, other systems composed.
    return unicodedata.normalize("NFC", PurePosixPath(file.name).stem)


def _refuse_orphans(masks: Iterable[ImageFile], folder: str) -> None:
    names = [printable(mask.name) for mask in masks]
    if names:
        more = f" (and {len(names) - 1} more)" if names[1:] else ""
        raise CozadError(
            f"{names[0]}{more} is a mask without an image: add its image to "
            f"{printable(folder)} or delete the mask"
        )
