"""Count each picture of a test set once, by a list of copies."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from tqdm.auto import tqdm

from cozad_teach.data.folders import Category, LabelledImage, read_image
from cozad_teach.data.identity.copy_lists import Audit
from cozad_teach.data.identity.fingerprints import image_hash
from cozad_teach.errors import CozadError, printable

__all__ = ["leave_out_copies"]


def leave_out_copies(
    dataset: Mapping[str, Category], copies: Audit, *, progress: bool = False
) -> tuple[dict[str, Category], dict[str, Any]]:
    """Leave out the test images that show a picture which counts already.

    Of each group of copies the first test image stays, by category and name. Where the list is of
    two sets and this data set is the second, no image stays that has a copy in the first: results
    on both may then be averaged, and a method may learn from the first. Images are known by their
    content, whatever their names.

    Parameters
    ----------
    dataset : mapping of str to Category
        Of `open_dataset`: a set of the list, or some categories of it.
    copies : Audit
        Of `read_copies`.
    progress : bool
        Show a bar while images are read.

    Returns
    -------
    kept : dict of str to Category
        With fewer test images, maybe none. Training images stay: no metric counts them, and
        `choose_support` passes over copies of test images.
    report : dict
        Ready for JSON: ``sets`` of the list, ``evaluated`` (the one that this is taken for, by its
        images), number of ``images_left_out``, ``left_out`` (for each category its images with
        what each is a ``copy_of``), ``labels_disagree`` (images that stay although a copy has the
        other label), and number of ``images_not_in_list``, of which nothing is known.

    Raises
    ------
    CozadError
        If an image cannot be read, the list holds no test image of the data set, or none stays.

    Notes
    -----
    Without a list, an evaluation keeps all images and looks for copies within the test images of
    each category by itself (``copies_within_test`` of its audit). It keeps them together where it
    resamples: copies then do not narrow an interval, but a picture that is there three times
    still weighs three times in the metric. Here the metric changes too. Only a list knows of
    copies in other categories and in another set, whichever part of a set is evaluated.
    """
    hashes = _hashes(dataset, progress)
    number = _number_of_set(dataset, copies, hashes)
    group_of = {e.hash: n for n, group in enumerate(copies.groups) for e in group.of_set(number)}
    # What of each group counts already: at first, its image in the other set.
    counted: dict[int, str] = {}
    if number == 2:
        for n, group in enumerate(copies.groups):
            if elsewhere := group.of_set(1):
                counted[n] = f"{copies.names[0]}: {elsewhere[0].name}"
    kept: dict[str, Category] = {}
    left_out: dict[str, list[dict[str, str]]] = {}
    disagree: list[str] = []
    for name, category in dataset.items():
        staying: list[LabelledImage] = []
        for item, value in zip(category.test, hashes[name], strict=True):
            n_group = group_of.get(value)
            if n_group is not None and n_group in counted:
                copy = {"image": item.image.name, "copy_of": counted[n_group]}
                left_out.setdefault(name, []).append(copy)
                continue
            staying.append(item)
            if n_group is not None:
                counted[n_group] = item.image.name
                if copies.groups[n_group].labels_disagree:
                    disagree.append(item.image.name)
        kept[name] = dataclasses.replace(category, test=tuple(staying))
    if not any(category.test for category in kept.values()):
        raise CozadError(
            f"all test images are copies of images of {printable(copies.names[0])}: evaluate that "
            "set, or give a list of this set alone"
        )
    known = set(copies.hashes[number - 1])
    return kept, {
        "sets": list(copies.names),
        "evaluated": copies.names[number - 1],
        "images_left_out": sum(map(len, left_out.values())),
        "left_out": left_out,
        "labels_disagree": disagree,
        "images_not_in_list": sum(v not in known for values in hashes.values() for v in values),
    }


def _hashes(dataset: Mapping[str, Category], progress: bool) -> dict[str, list[str]]:
    """Hash the test images of each category."""
    total = sum(len(category.test) for category in dataset.values())
    hashes: dict[str, list[str]] = {}
    with tqdm(total=total, desc="copies", unit="image", delay=2, disable=not progress) as bar:
        for name, category in dataset.items():
            hashes[name] = []
            for item in category.test:
                hashes[name].append(image_hash(read_image(item.image)))
                bar.update()
    return hashes


def _number_of_set(
    dataset: Mapping[str, Category], copies: Audit, hashes: Mapping[str, Sequence[str]]
) -> int:
    """Say which set of the list `dataset` is: the one that holds more of its images.

    Where both hold them all, as of sets with equal images, their names decide, then the order.
    """
    named = {
        (item.image.name, value)
        for name, category in dataset.items()
        for item, value in zip(category.test, hashes[name], strict=True)
    }
    values = {value for _, value in named}
    entries = [entry for group in copies.groups for entry in group.images]
    found = [
        (
            len(values.intersection(known)),
            len(named & {(e.name, e.hash) for e in entries if e.set == number}),
            -number,
        )
        for number, known in enumerate(copies.hashes, 1)
    ]
    if not any(of_hash for of_hash, _, _ in found):
        raise CozadError(
            f"the list of copies ({' and '.join(map(printable, copies.names))}) holds no image of "
            "this data set: make it of this data set with data_scripts/get.py --audit"
        )
    return -max(found)[2]
