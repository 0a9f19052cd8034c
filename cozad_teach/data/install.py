"""Turn an archive into a data set in MVTec layout: whole in its folder, or not there at all."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from filelock import FileLock, Timeout

from cozad_teach.data.archives import is_archive, unpack
from cozad_teach.data.converters import CONVERTERS, Placement
from cozad_teach.data.download import RESERVED_BYTES, download, file_hash
from cozad_teach.data.folders import open_dataset
from cozad_teach.data.index_file import count_files, read_index, write_index
from cozad_teach.data.manifest import DatasetInfo
from cozad_teach.data.placing import place_files
from cozad_teach.errors import CozadError

__all__ = ["install"]

# The archive, and what is in it: photographs are as long unpacked as packed.
_ROOM_FACTOR = 2
Tell = Callable[[str], None]


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
            raise CozadError(_by_hand(info))
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
        _download(info, downloads, progress, tell) if source is None else _given(info, source, tell)
    )
    partial = Path(tempfile.mkdtemp(prefix=f".{info.name}.partial-", dir=root))
    try:
        raw, converted = partial / "raw", partial / "converted"
        for archive in archives:
            unpack(archive, raw, progress=progress)
        for inner in [f for f in raw.rglob("*.zip") if f.is_file()]:  # as of DAGM's classes
            unpack(inner, inner.with_suffix(""), progress=progress)
            inner.unlink()
        origin = raw if archives or source is None else source
        placements = [
            placement
            for placement in _converted(info, origin)
            if not categories or placement.target.split("/")[0] in categories
        ]
        placed = place_files(
            placements, origin, converted, may_move=origin is raw, progress=progress
        )
        _check_content(info, converted, list(placed.files), categories)
        write_index(converted, info, {a.name: digest for a, digest in archives.items()}, placed)
        converted.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    if source is None:
        shutil.rmtree(downloads, ignore_errors=True)


def _converted(info: DatasetInfo, origin: Path) -> list[Placement]:
    try:
        return list(CONVERTERS[info.converter](origin))
    except (ValueError, IndexError) as error:  # a list that comes with the images is damaged
        raise CozadError(
            f"{info.title} is not laid out as its owner does it ({error}): check that it is the "
            "right archive, whole"
        ) from error


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


def _by_hand(info: DatasetInfo) -> str:
    needs = {"login": "needs an account", "form": "is given in a browser only"}[info.access]
    files = ", ".join(archive.file for archive in info.archives)
    return (
        f"{info.title} {needs}. {info.steps} Then run: python data_scripts/get.py {info.name} "
        f"--from FILE_OR_DIR (its archive: {files}; its page: {info.homepage})"
    )


def _download(info: DatasetInfo, folder: Path, progress: bool, tell: Tell) -> dict[Path, str]:
    """Fetch all archives; give each with its SHA-256."""
    known = sum(archive.bytes or 0 for archive in info.archives)
    folder.mkdir(parents=True, exist_ok=True)
    there = sum(file.stat().st_size for file in folder.iterdir())
    room = shutil.disk_usage(folder).free + there - RESERVED_BYTES
    if known * _ROOM_FACTOR > room:
        raise CozadError(
            f"{info.name} needs {known * _ROOM_FACTOR / 1e9:.1f} GB while it is unpacked, but "
            f"{folder.parent.parent} has room for {max(room, 0) / 1e9:.1f} GB: free the disk or "
            "name another folder with --root"
        )
    fetched = {}
    for archive in info.archives:
        path = folder / archive.file
        found = file_hash(path) if path.exists() else None
        if found is None or archive.sha256 not in (None, found):
            path.unlink(missing_ok=True)
            tell(f"{info.name}: fetching {archive.file}")
            found = download(
                archive.mirrors, path, sha256=archive.sha256, size=archive.bytes, progress=progress
            )
        fetched[path] = found
        if archive.sha256 is None:
            tell(_unverified(path, found))
    return fetched


def _unverified(path: Path, found: str) -> str:
    return (
        f"{path.name}: SHA-256 {found}; nobody has verified it yet. Please compare it with another "
        "source and record it in data_scripts/manifest.yml"
    )


def _checked(path: Path, sha256: str | None, tell: Tell) -> str:
    found = file_hash(path)
    if sha256 is None:
        tell(_unverified(path, found))
    elif found != sha256:
        raise CozadError(
            f"{path} has the SHA-256 {found}, not {sha256} of the manifest: it is another file or "
            "a damaged one; it was not unpacked, fetch it again"
        )
    return found


def _given(info: DatasetInfo, source: Path, tell: Tell) -> dict[Path, str]:
    """Find the archives in what the reader gives; none if it is a folder of unpacked files."""
    known = {archive.file: archive.sha256 for archive in info.archives}
    if source.is_file():
        if len(known) > 1:
            raise CozadError(
                f"{info.name} has {len(known)} archives ({', '.join(known)}): give the folder that "
                "holds them with --from"
            )
        if not is_archive(source):
            raise CozadError(
                f"{source} is no zip or tar archive: give the archive of {info.name} as it was "
                "downloaded, or the folder with its content"
            )
        return {source: _checked(source, info.archives[0].sha256, tell)}
    if not source.is_dir():
        raise CozadError(f"{source} does not exist: check the path after --from")
    archives = [file for file in sorted(source.iterdir()) if file.is_file() and is_archive(file)]
    if len(archives) == len(known) == 1:  # whatever its name
        known = {archives[0].name: info.archives[0].sha256}
    return {file: _checked(file, known.get(file.name), tell) for file in archives}


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
