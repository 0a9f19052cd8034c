"""What an installed data set says of itself: ``index.json``, the last file that is written."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from tqdm.auto import tqdm

from cozad_teach.data.download import file_hash
from cozad_teach.data.manifest import Counts, DatasetInfo
from cozad_teach.data.placing import Placed
from cozad_teach.errors import CozadError

__all__ = ["INDEX", "Differences", "count_files", "read_index", "verify", "write_index"]

INDEX = "index.json"
_FORMAT = "cozad data 1"


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
        elif defect == "good":
            kinds[f"{section}_good"] += 1
        else:
            kinds["test_anomalous"] += 1
    return Counts(**{key: kinds[key] for key in Counts.__dataclass_fields__})


def write_index(
    folder: Path,
    info: DatasetInfo,
    archives: dict[str, str],
    placed: Placed,
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
    """
    content = {
        "format": _FORMAT,
        **{key: getattr(info, key) for key in ("name", "title", "homepage", "licence", "citation")},
        "split": info.split,
        "archives": archives,
        "categories": sorted({path.split("/")[0] for path in placed.files}),
        "counts": asdict(count_files(list(placed.files))),
        "saved_anew": sorted(placed.saved_anew),
        "resized_masks": sorted(placed.resized_masks),
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
        content = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        if content["format"] != _FORMAT:
            raise ValueError("another format")
        # Asked for here, so that no caller meets an index without them.
        assert isinstance(content["files"], dict) and isinstance(content["categories"], list)
    except (OSError, ValueError, KeyError, TypeError, AssertionError) as error:
        raise CozadError(
            f"{folder} is there, but has no {INDEX} of get.py: rename or delete the folder"
        ) from error
    return dict(content)


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
