"""Auxiliary categories: which folders and archives training is to see, and whether it can."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cozad_teach.data.folders import Category, open_dataset
from cozad_teach.errors import CozadError, printable
from cozad_teach.settings import LITE, PHOTOGRAPHS, Settings
from cozad_teach.training.auxiliary_images import (
    DRAWN,
    AuxiliaryImage,
    AuxiliaryPhotographs,
    drawn_materials,
    labelled_image,
    with_drawn_defects,
)
from cozad_teach.training.episodes import images_needed

__all__ = ["auxiliary_places", "open_auxiliary", "usual_settings"]

DATASETS = Path("datasets")


def open_auxiliary(
    what: Sequence[str], settings: Settings, seed: int = 0, *, draw_defects: bool = False
) -> list[AuxiliaryPhotographs]:
    """Open the auxiliary categories that training is to see; no image is decoded.

    Parameters
    ----------
    what : sequence of str
        Folders and zip archives that `open_dataset` reads, names of folders in ``datasets``, and
        ``drawn`` for the embedded materials.
    settings : Settings
        Gives the number of images that a task takes, and the size in which defects are drawn.
    seed : int
        Decides which good images get a drawn defect, and the embedded materials.
    draw_defects : bool
        Draw defects on a third of the good images of each category that has no anomalous ones.

    Returns
    -------
    list of AuxiliaryPhotographs
        In the order of `what`, drawn ones last, and of their names.

    Raises
    ------
    CozadError
        If something is given twice or cannot be opened; if a category has too few normal or
        anomalous images, or anomalous ones without masks; if there is only one category.
    """
    found: dict[str, AuxiliaryPhotographs] = {}
    opened = [
        _photographs(place, settings, seed, draw_defects=draw_defects)
        for place in auxiliary_places(what)
    ]
    for categories in [*opened, *([drawn_materials(settings, seed)] if DRAWN in what else [])]:
        for category in categories:
            if category.name in found:
                raise CozadError(
                    f"the auxiliary data have two categories {printable(category.name)}: "
                    "rename one of them, or leave one out"
                )
            found[category.name] = category
    if len(found) < 2:
        raise CozadError(
            f"the auxiliary data have {len(found)} category, training needs 2 or more: what is "
            f"learnt from one does not carry over; add others to --auxiliary, such as {DRAWN}"
        )
    return list(found.values())


def usual_settings(what: Sequence[str] | None) -> str:
    """Name the settings that were chosen on auxiliary data like these."""
    return PHOTOGRAPHS.name if what and set(what) != {DRAWN} else LITE.name


def auxiliary_places(what: Sequence[str]) -> list[Path]:
    """Find the folders and archives among `what`: by their paths, or by names in ``datasets``.

    Raises
    ------
    CozadError
        If there is no such thing, or something is given twice.
    """
    places: list[Path] = []
    if what.count(DRAWN) > 1:
        raise CozadError(f"{DRAWN} is given twice as auxiliary data: give it once")
    for name in what:
        if name == DRAWN:
            continue
        place = next((p for p in (Path(name), DATASETS / name) if p.exists()), None)
        if place is None:
            raise CozadError(
                f"there are no auxiliary data {printable(name)}: give a folder or a zip archive, "
                f"the name of a folder in {DATASETS} (data_scripts/get.py brings them), or {DRAWN}"
            )
        if any(place.samefile(other) for other in places):
            raise CozadError(f"{place} is given twice as auxiliary data: give it once")
        places.append(place)
    return places


def _photographs(
    place: Path, settings: Settings, seed: int, *, draw_defects: bool
) -> list[AuxiliaryPhotographs]:
    n_normal, n_anomalous = images_needed(settings)
    made, problems = [], []
    for name, category in open_dataset(place).items():
        images = _images(category, place.name)
        if draw_defects and not any(image.is_anomalous for image in images):
            images = with_drawn_defects(images, name, settings.image_size, seed)
        normal = sum(not image.is_anomalous for image in images)
        anomalous = len(images) - normal
        if normal < n_normal or anomalous < n_anomalous:
            unmasked = sum(item.is_anomalous and item.mask is None for item in category.test)
            problems.append(
                f"{printable(name)} has {normal} and {anomalous}"
                + (f" (and {unmasked} anomalous ones without a mask)" if unmasked else "")
            )
        made.append(AuxiliaryPhotographs(name, images))
    if problems:
        remedy = "" if draw_defects else ", or draw defects on good images with --draw-defects"
        raise CozadError(
            f"{printable(str(place))} is too small to train on: settings {settings.name} need "
            f"{n_normal} normal images and {n_anomalous} anomalous ones with masks in each "
            f"category, but {'; '.join(problems[:10])}: bring more{remedy}"
        )
    return made


def _images(category: Category, source: str) -> tuple[AuxiliaryImage, ...]:
    """Take all that is labelled; an anomalous image without a mask does not say where."""
    normal = [*category.train_good, *(i.image for i in category.test if not i.is_anomalous)]
    anomalous = [item for item in category.test if item.is_anomalous and item.mask]
    return (
        *(labelled_image(file, None, source) for file in normal),
        *(labelled_image(item.image, item.mask, source) for item in anomalous),
    )
