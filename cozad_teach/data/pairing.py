"""Give each test image its mask."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from cozad_teach.data.images import ImageFile
from cozad_teach.data.names import GOOD, images_of_mask, is_named_as_mask, stem
from cozad_teach.errors import CozadError, printable

__all__ = ["LabelledImage", "defect_of", "labelled", "seems_a_mask"]


@dataclass(frozen=True)
class LabelledImage:
    """A test image, its defect (``"good"`` or the name of the defect's folder) and its mask."""

    image: ImageFile
    defect: str
    mask: ImageFile | None

    @property
    def is_anomalous(self) -> bool:
        """Whether the image shows a defect."""
        return self.defect != GOOD


def seems_a_mask(file: ImageFile) -> str:
    """Give the sentence for a mask among the images."""
    return (
        f"{printable(file.name)} seems to be a mask: move the mask of <defect>/000.png to "
        "ground_truth/<defect>/000_mask.png"
    )


def labelled(
    images: list[ImageFile], defect: str, mask_files: list[ImageFile], above: str
) -> list[LabelledImage]:
    """Give each image of one defect its mask, by name.

    Parameters
    ----------
    images, mask_files : list of ImageFile
        Of one defect.
    defect : str
        Its name, or ``good``.
    above : str
        Where its folder lies, for messages.

    Raises
    ------
    CozadError
        If a mask belongs to no image, to two, or to one that has a mask; or lies among the images.
    """
    stems = Counter(stem(image.name) for image in images)
    for image in images:
        if is_named_as_mask(stem(image.name), stems):
            raise CozadError(seems_a_mask(image))
    masks: dict[str, ImageFile] = {}
    orphans = []
    for file in mask_files:
        belongs = images_of_mask(stem(file.name), stems)
        if not belongs:
            orphans.append(file)
            continue
        if len(belongs) > 1 or stems[belongs[0]] > 1:
            raise CozadError(
                f"{printable(file.name)} belongs to {sum(stems[b] for b in belongs)} images that "
                "differ in the suffix only: rename them"
            )
        if belongs[0] in masks:
            raise CozadError(
                f"{printable(file.name)} and {printable(masks[belongs[0]].name)} are masks of one "
                "image: keep one of them"
            )
        masks[belongs[0]] = file
    _refuse_orphans(orphans, f"{above}{defect}")
    return [LabelledImage(image, defect, masks.get(stem(image.name))) for image in images]


def defect_of(folder: str, places: Collection[str], masks: list[ImageFile], above: str) -> str:
    """Give the defect whose masks a folder of ground_truth holds, upper and lower case aside.

    Parameters
    ----------
    folder : str
        Its name.
    places : collection of str
        Of images, such as ``test/scratch``.
    masks : list of ImageFile
        In the folder.
    above : str
        As in `labelled`.

    Raises
    ------
    CozadError
        If there is none.
    """
    if f"test/{folder}" in places:
        return folder
    alike = [place for place in places if place.casefold() == f"test/{folder}".casefold()]
    if len(alike) != 1:
        _refuse_orphans(masks, f"{above}{folder}")
    return alike[0].split("/")[1]


def _refuse_orphans(masks: Iterable[ImageFile], folder: str) -> None:
    """Refuse masks that belong to no image of a folder, if there are any."""
    names = [printable(mask.name) for mask in masks]
    if names:
        more = f" (and {len(names) - 1} more)" if names[1:] else ""
        raise CozadError(
            f"{names[0]}{more} is a mask without an image: add its image to "
            f"{printable(folder)} or delete the mask"
        )
