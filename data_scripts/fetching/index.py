"""What an installed data set says of itself: ``index.json``, the last file that is written."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from tqdm.auto import tqdm

from cozad_teach.data.members import LeftOut
from cozad_teach.data.names import GOOD, label
from cozad_teach.errors import CozadError, printable
from cozad_teach.files import values as read
from cozad_teach.files.reading import read_json
from fetching.download import file_hash
from fetching.manifest import Counts, DatasetInfo
from fetching.placing import Placed

__all__ = ["INDEX", "Differences", "count_files", "read_index", "verify", "write_index"]

INDEX = "index.json"
LARGEST_INDEX = 256 * 2**20  # bytes
_FORMAT = "cozad data 2"


class Differences(NamedTuple):
    """Paths of files that are not as the index says; all empty where the folder is whole."""

    missing: list[str]
    changed: list[str]
    unknown: list[str]


def count_files(paths: list[str]) -> Counts:
    """Count images and masks by their places in MVTec layout."""
    kinds: Counter[str] = Counter()
    for path in paths:
        _, section, defect, *_ = path.split("/")
        if section == "ground_truth":
            kinds["masks"] += 1
        elif label(defect) == GOOD:
            kinds[f"{section}_good"] += 1
        else:
            kinds["test_anomalous"] += 1
    return Counts(**{key: kinds[key] for key in Counts.__dataclass_fields__})


def write_index(
    folder: Path,
    info: DatasetInfo,
    archives: dict[str, str],
    placed: Placed,
    left_out: Sequence[LeftOut],
) -> None:
    """Write the index of a converted data set.

    Parameters
    ----------
    folder : Path
        Of the data set.
    info : DatasetInfo
        What the manifest says of it.
    archives : dict of str to str
        SHA-256 of each archive that it came from.
    placed : Placed
        Of `place_files`.
    left_out : sequence of LeftOut
        Pictures that have no place in the data set.
    """
    content = {
        "format": _FORMAT,
        **{key: getattr(info, key) for key in ("name", "title", "homepage", "licence", "citation")},
        "split": info.split,
        "archives": archives,
        "categories": sorted({path.split("/")[0] for path in placed.files}),
        "counts": asdict(count_files(list(placed.files))),
        "saved_anew": sorted(placed.saved_anew),
        "mask_notes": dict(sorted(placed.mask_notes.items())),
        "left_out": [file._asdict() for file in left_out],
        "files": dict(sorted(placed.files.items())),
    }
    (folder / INDEX).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def read_index(folder: Path) -> dict[str, Any] | None:
    """Read the index of an installed data set.

    Returns
    -------
    dict or None
        As `write_index` wrote it; None where there is no such folder.

    Raises
    ------
    CozadError
        If the folder has no index that can be read.
    """
    if not folder.is_dir():
        return None
    try:
        content = read_json(folder / INDEX, "there is no", "get.py writes it", LARGEST_INDEX)
        _check(content, "the index")
    except CozadError as error:
        raise CozadError(
            f"{printable(str(folder))} is there, but has no {INDEX} of get.py: rename or delete "
            f"the folder ({error})"
        ) from error
    return dict(content)


def _read_inside(value: Any, name: str) -> str:
    """Read the path of a file below the folder."""
    path = PurePosixPath(_text(value, name))
    if path.is_absolute() or ".." in path.parts or str(path) != value or "\0" in value:
        raise read.wrong(value, name, "a path in the folder")
    return str(value)


_text = read.text(10_000, printable=False)
_hash = read.matching("[0-9a-f]{64}", "a SHA-256")
_check = read.record(
    format=read.word(_FORMAT),
    name=_text,
    title=_text,
    homepage=_text,
    licence=read.optional(_text),
    citation=_text,
    split=_text,
    archives=read.mapping(_text, _hash),
    categories=read.listed(_text),
    counts=read.record(**dict.fromkeys(Counts.__dataclass_fields__, read.whole(0, 10**9))),
    saved_anew=read.listed(_read_inside),
    mask_notes=read.mapping(_read_inside, read.listed(_text)),
    left_out=read.listed(read.record(name=_text, reason=_text)),
    files=read.mapping(_read_inside, _hash),
)


def verify(folder: Path, *, progress: bool = False) -> Differences:
    """Compare every file of an installed data set with its index.

    Parameters
    ----------
    folder : Path
        Of the data set.
    progress : bool
        Show a bar if it takes more than two seconds.

    Returns
    -------
    Differences

    Raises
    ------
    CozadError
        If the folder or its index is missing.
    """
    index = read_index(folder)
    if index is None:
        raise CozadError(f"{folder} is not there: fetch it first")
    files: dict[str, str] = index["files"]
    there = {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} - {INDEX}
    bar: Callable[..., Any] = tqdm
    shared = sorted(there & files.keys())
    changed = [
        path
        for path in bar(shared, "verifying", unit="file", delay=2, disable=not progress)
        if file_hash(folder / path) != files[path]
    ]
    return Differences(sorted(files.keys() - there), changed, sorted(there - files.keys()))
