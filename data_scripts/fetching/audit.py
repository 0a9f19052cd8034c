"""Find images that are there more than once, in one data set or in two.

`write_audit` lists them in a file, from which an evaluation learns what to count once.
"""

from __future__ import annotations

import dataclasses
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from cozad_teach.data.folders import Category, ImageFile, read_image
from cozad_teach.data.identity.copies import find_copies
from cozad_teach.data.identity.copy_lists import (
    FORMAT,
    KINDS,
    LABELS,
    Audit,
    Entry,
    Group,
    Pair,
)
from cozad_teach.data.identity.fingerprints import Fingerprints
from cozad_teach.data.parallel import in_threads
from cozad_teach.files.places import head
from cozad_teach.files.writing import atomic_write

__all__ = ["audit_sets", "is_audit", "summary", "write_audit"]


def audit_sets(
    first: Mapping[str, Category],
    second: Mapping[str, Category] | None = None,
    *,
    names: Sequence[str] = ("first", "second"),
    progress: bool = False,
) -> Audit:
    """Find the images that show the same picture, in a data set or in two.

    Training and test images are compared, of all categories. Equal pixels are found by their
    hashes; images saved anew, resized, brightened, mirrored or turned by `find_copies`. Crops are
    not looked for: a product in one pose looks like a crop of another in the same pose.

    Parameters
    ----------
    first, second : mapping of str to Category
        Of `open_dataset`.
    names : sequence of str
        What to call them.
    progress : bool
        Show a bar while images are read.

    Returns
    -------
    Audit
        Two images are in one group also where a third is what connects them.

    Raises
    ------
    CozadError
        If an image cannot be read.
    """
    sets = [first] if second is None else [first, second]
    entries, prints = _read(sets, progress)
    pairs: dict[tuple[int, int], tuple[str, float]] = {}
    earliest: dict[str, int] = {}
    distinct: dict[tuple[int, str], list[int]] = defaultdict(list)
    for place, entry in enumerate(entries):
        if (earlier := earliest.setdefault(entry.hash, place)) != place:
            pairs[earlier, place] = KINDS[0], 1.0
        else:
            distinct[entry.set, entry.category].append(place)
    for a, b, kind, similarity in _alike(list(distinct.values()), prints):
        # A pair of one category comes twice, judged by what is common to either image.
        if similarity > pairs.get((a, b), ("", -1.0))[1]:
            pairs[a, b] = kind, similarity
    return Audit(
        tuple(names[: len(sets)]),
        tuple(tuple(e.hash for e in entries if e.set == n) for n in range(1, len(sets) + 1)),
        tuple(_groups(entries, pairs)),
    )


def _read(
    sets: Sequence[Mapping[str, Category]], progress: bool
) -> tuple[list[Entry], Fingerprints]:
    """Read all images, in the order of their entries."""
    waiting = sorted(
        (
            (number, name, file.name, label, file)
            for number, dataset in enumerate(sets, 1)
            for name, category in dataset.items()
            for label, file in _files(category)
        ),
        key=lambda item: item[:3],
    )

    def read(item: tuple[int, str, str, str, ImageFile]) -> Fingerprints:
        return Fingerprints.of([item[2]], [read_image(item[4])])

    # Shrinking leaves Python's lock too.
    prints = in_threads(read, waiting, "images", progress=progress)
    entries = [
        Entry(number, category, name, label, print_.hashes[0])
        for (number, category, name, label, _), print_ in zip(waiting, prints, strict=True)
    ]
    return entries, Fingerprints.join(prints)


def _files(category: Category) -> Iterator[tuple[str, ImageFile]]:
    yield from ((LABELS[0], file) for file in category.train_good)
    yield from ((LABELS[item.is_anomalous], item.image) for item in category.test)


def _alike(
    kinds: Sequence[Sequence[int]], prints: Fingerprints
) -> Iterator[tuple[int, int, str, float]]:
    """Compare each category with itself and with those after it.

    What is common to images, and so proves nothing, is another thing in each category.
    """
    parts = [prints.take(places) for places in kinds]
    for i, (places, part) in enumerate(zip(kinds, parts, strict=True)):
        for others, other in zip(kinds[i:], parts[i:], strict=True):
            for copy in find_copies(part, other, same_kind=True):
                a, b = sorted((places[copy.first], others[copy.second]))
                if a != b:
                    yield a, b, copy.kind, round(copy.similarity, 4)


def _groups(
    entries: Sequence[Entry], pairs: Mapping[tuple[int, int], tuple[str, float]]
) -> Iterator[Group]:
    if not pairs:
        return
    first, second = zip(*pairs, strict=True)
    graph = coo_array((np.ones(len(pairs)), (first, second)), shape=(len(entries), len(entries)))
    _, leader = connected_components(graph, directed=False)
    members: dict[int, list[int]] = defaultdict(list)
    links: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for place in sorted({place for pair in pairs for place in pair}):
        members[leader[place]].append(place)
    for pair in pairs:
        links[leader[pair[0]]].append(pair)
    for group, places in members.items():  # by their first images
        within = {place: n for n, place in enumerate(places)}
        yield Group(
            tuple(entries[place] for place in within),
            tuple(sorted(Pair(within[a], within[b], *pairs[a, b]) for a, b in links[group])),
        )


def summary(audit: Audit) -> str:
    """Say in a few lines how many images are copies."""
    lines = []
    for number, (name, hashes) in enumerate(zip(audit.names, audit.hashes, strict=True), 1):
        surplus = sum(max(len(group.of_set(number)) - 1, 0) for group in audit.groups)
        lines.append(f"{name}: {len(hashes)} images, of which {surplus} repeat another one")
    shared = [g for g in audit.groups if g.of_set(1) and g.of_set(2)]
    for number, name in enumerate(audit.names[:2] if len(audit.names) == 2 else (), 1):
        n = sum(len(group.of_set(number)) for group in shared)
        other = audit.names[2 - number]
        lines.append(f"{n} of {len(audit.hashes[number - 1])} images of {name} are in {other}")
    if disagreeing := sum(group.labels_disagree for group in audit.groups):
        lines.append(f"{disagreeing} groups of copies are called both good and anomalous")
    return "\n".join(lines)


def write_audit(audit: Audit, path: Path) -> None:
    """Write a list of copies as JSON, whole or not at all; the same audit gives the same file."""
    content: dict[str, Any] = {"format": FORMAT, **dataclasses.asdict(audit)}
    for listed, group in zip(content["groups"], audit.groups, strict=True):
        listed["labels_disagree"] = group.labels_disagree  # for those who read the file
    with atomic_write(path) as file:
        file.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def is_audit(path: Path) -> bool:
    """Say by its first bytes whether a file is a list of copies."""
    return FORMAT.encode() in head(path, 100)
