"""Turn an archive into a data set in MVTec layout: whole in its folder, or not there at all."""

from __future__ import annotations

import csv
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from filelock import FileLock, Timeout

from cozad_teach.data.folders import open_dataset
from cozad_teach.data.members import LeftOut
from cozad_teach.data.names import NO_IMAGE, left_out_by_name
from cozad_teach.errors import CozadError
from fetching.archives import unpack
from fetching.converters import CONVERTERS
from fetching.index import count_files, read_index, write_index
from fetching.manifest import DatasetInfo
from fetching.origins import Tell, by_hand, downloaded, given
from fetching.placements import Placement, below
from fetching.placing import place_files

__all__ = ["install"]

NO_PLACE, NO_FILE = "not in the layout of its owner", "a broken link or no file"


def install(
    info: DatasetInfo,
    root: Path,
    *,
    source: Path | None = None,
    categories: Sequence[str] = (),
    progress: bool = False,
) -> Path:
    """Fetch a data set, or take its archive, and convert it.

    Parameters
    ----------
    info : DatasetInfo
        Of the manifest.
    root : Path
        The folder of all data sets; made if need be.
    source : Path, optional
        An archive, a folder of archives, or a folder with what was in them; they stay as they
        are. By default the archives are downloaded, resumed where they were cut off, and deleted
        in the end.
    categories : sequence of str
        Those to keep; by default all.
    progress : bool
        Show bars and say what happens, on standard error.

    Returns
    -------
    Path
        ``root/name``, with ``<category>/train``, ``test``, ``ground_truth`` and ``index.json``.
        Where it is there already, nothing is done.

    Raises
    ------
    CozadError
        If the data set cannot be fetched without a person (the message says what to do), is not
        what the manifest says, or cannot be written. No folder of its name is left then.
    """
    tell: Tell = _say if progress else _say_nothing
    _check_categories(info, categories)
    target = root / info.name
    try:
        if _is_there(target, categories):
            return target
        if source is None and info.access != "open":
            raise CozadError(by_hand(info))
        root.mkdir(parents=True, exist_ok=True)
        with _alone(root, info.name, tell):
            if not _is_there(target, categories):
                _install(info, target, source, categories, progress, tell)
    except OSError as error:
        raise CozadError(
            f"cannot write {error.filename or root} ({error.strerror or error}): free the disk, or "
            "name a folder that you may write to with --root"
        ) from error
    return target


def _install(
    info: DatasetInfo,
    target: Path,
    source: Path | None,
    categories: Sequence[str],
    progress: bool,
    tell: Tell,
) -> None:
    root = target.parent
    for left in root.glob(f".{info.name}.partial-*"):  # of a process that was killed
        shutil.rmtree(left)
    downloads = root / ".downloads" / info.name
    archives = (
        downloaded(info, downloads, progress, tell) if source is None else given(info, source, tell)
    )
    partial = Path(tempfile.mkdtemp(prefix=f".{info.name}.partial-", dir=root))
    raw, converted = partial / "raw", partial / "converted"
    try:
        left_out: list[LeftOut] = []
        for archive in archives:
            left_out += unpack(archive, raw, progress=progress)
        origin = raw if archives or source is None else source
        everything, unplaced = _converted(info, origin)
        left_out += unplaced
        placements = [
            placement
            for placement in everything
            if not categories or placement.target.split("/")[0] in categories
        ]
        placed = place_files(
            placements, origin, converted, may_move=origin is raw, progress=progress
        )
        _check_content(info, converted, list(placed.files), categories)
        hashes = {archive.name: digest for archive, digest in archives.items()}
        write_index(converted, info, hashes, placed, left_out)
        converted.rename(target)
    except CozadError as error:  # names of files as the archive has them
        raise CozadError(str(error).replace(f"{raw.as_posix()}/", "")) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    if source is None:
        shutil.rmtree(downloads, ignore_errors=True)


def _converted(info: DatasetInfo, origin: Path) -> tuple[list[Placement], list[LeftOut]]:
    try:
        placements = list(CONVERTERS[info.converter](origin))
        return placements, _left_out(origin, placements)
    # A list that comes with the images is damaged.
    except (ValueError, IndexError, csv.Error) as error:
        raise CozadError(
            f"{info.title} is not laid out as its owner does it ({error}): check that it is the "
            "right archive, whole"
        ) from error
    except OSError as error:
        raise CozadError(
            f"cannot read {error.filename} ({error.strerror}): check its permissions"
        ) from error


def _left_out(origin: Path, placements: Sequence[Placement]) -> list[LeftOut]:
    """List the pictures that a converter has no place for."""
    placed = {placement.source for placement in placements}
    found = []
    for path in below(origin):
        if path not in placed and not path.is_dir():
            name = path.relative_to(origin).as_posix()
            reason = NO_PLACE if path.is_file() else NO_FILE
            found.append(left_out_by_name(name) or LeftOut(name, reason))
    return sorted(file for file in found if file.reason != NO_IMAGE)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _say_nothing(_: str) -> None:
    pass


@contextmanager
def _alone(root: Path, name: str, tell: Tell) -> Iterator[None]:
    """Wait until no other process works on this data set. A killed one holds no lock."""
    lock = FileLock(root / f".{name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        tell(f"{name}: another process is fetching it; waiting for its end")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _is_there(target: Path, categories: Sequence[str]) -> bool:
    index = read_index(target)
    if index is None:
        return False
    if lacking := sorted(set(categories) - set(index["categories"])):
        raise CozadError(
            f"{target} is there without {', '.join(lacking)}: delete the folder, and name all "
            "categories that you want, or none for all"
        )
    return True


def _check_categories(info: DatasetInfo, categories: Sequence[str]) -> None:
    if unknown := sorted(set(categories) - set(info.categories)):
        raise CozadError(
            f"{info.name} has no category {', '.join(unknown)}: choose from "
            f"{', '.join(info.categories)}"
        )


def _check_content(
    info: DatasetInfo, folder: Path, files: list[str], categories: Sequence[str]
) -> None:
    """Refuse what is not the data set that the manifest describes."""
    found = set(open_dataset(folder)) if files else set()
    if lacking := sorted(set(categories or info.categories) - found):
        raise CozadError(
            f"{info.title} lacks {', '.join(lacking)}: check that the archive is whole and the "
            "right one"
        )
    if unknown := sorted(found - set(info.categories)):
        raise CozadError(
            f"{info.title} has {', '.join(unknown)}, which the manifest does not know: check that "
            "it is the right archive"
        )
    if categories:
        return
    counted, expected = asdict(count_files(files)), asdict(info.images)
    for kind, number in expected.items():
        if number not in (None, counted[kind]):
            raise CozadError(
                f"{info.title} has {counted[kind]} {kind.replace('_', ' ')} files where {number} "
                "are known: check that the archive is whole and the right one"
            )
