"""Where the archives of a data set come from: its mirrors, or the reader's disk."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from cozad_teach.errors import CozadError
from fetching.archives import is_archive
from fetching.download import RESERVED_BYTES, download, file_hash
from fetching.manifest import DatasetInfo

__all__ = ["Tell", "by_hand", "downloaded", "given"]

# The archive, and what is in it: photographs are as long unpacked as packed.
_ROOM_FACTOR = 2
# A folder of unpacked files may hold tables and texts that are zip archives, too.
_SUFFIXES = ("", ".zip", ".tar", ".tgz", ".tbz", ".tbz2", ".txz")
_PACKED = (".gz", ".bz2", ".xz")
Tell = Callable[[str], None]


def by_hand(info: DatasetInfo) -> str:
    """Say what a person does to get a data set that no address gives."""
    needs = {"login": "needs an account", "form": "is given in a browser only"}[info.access]
    files = ", ".join(archive.file for archive in info.archives)
    return (
        f"{info.title} {needs}. {info.steps} Then run: python data_scripts/get.py {info.name} "
        f"--from FILE_OR_DIR (its archive: {files}; its page: {info.homepage})"
    )


def downloaded(info: DatasetInfo, folder: Path, progress: bool, tell: Tell) -> dict[Path, str]:
    """Fetch all archives into a folder, but those that lie there; give each with its SHA-256.

    Raises
    ------
    CozadError
        If the disk is too small, or no mirror gives the right file.
    """
    known = sum(archive.bytes or 0 for archive in info.archives)
    folder.mkdir(parents=True, exist_ok=True)
    there = sum(file.stat().st_size for file in folder.iterdir() if file.is_file())
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
        found = file_hash(path) if path.is_file() else None
        if found is None or archive.sha256 not in (None, found):
            if found is not None:
                path.unlink()
            tell(f"{info.name}: fetching {archive.file}")
            found = download(
                archive.mirrors, path, sha256=archive.sha256, size=archive.bytes, progress=progress
            )
        fetched[path] = found
        if archive.sha256 is None:
            tell(_unverified(path, found))
    return fetched


def given(info: DatasetInfo, source: Path, tell: Tell) -> dict[Path, str]:
    """Find the archives in what the reader gives; none if it is a folder of unpacked files.

    Raises
    ------
    CozadError
        If there is no such file or folder, or an archive is not the one of the manifest.
    """
    try:
        if source.is_dir():
            return _in_folder(info, source, tell)
        if not source.is_file():
            raise CozadError(f"{source} does not exist: check the path after --from")
        if len(info.archives) > 1:
            names = ", ".join(archive.file for archive in info.archives)
            raise CozadError(
                f"{info.name} has {len(info.archives)} archives ({names}): give the folder that "
                "holds them with --from"
            )
        if not is_archive(source):
            raise CozadError(
                f"{source} is no zip or tar archive: give the archive of {info.name} as it was "
                "downloaded, or the folder with its content"
            )
        return {source: _checked(source, info.archives[0].sha256, tell)}
    except OSError as error:
        raise CozadError(
            f"cannot read {error.filename or source} ({error.strerror or error}): check its "
            "permissions"
        ) from error


def _in_folder(info: DatasetInfo, folder: Path, tell: Tell) -> dict[Path, str]:
    known = {archive.file: archive.sha256 for archive in info.archives}
    archives = [
        file
        for file in sorted(folder.iterdir())
        if file.is_file() and (file.name in known or _is_named_so(file.name)) and is_archive(file)
    ]
    if len(archives) == len(known) == 1:  # whatever its name
        known = {archives[0].name: info.archives[0].sha256}
    return {file: _checked(file, known.get(file.name), tell) for file in archives}


def _is_named_so(name: str) -> bool:
    suffix = Path(name.lower()).suffix
    return suffix in _SUFFIXES or (suffix in _PACKED and ".tar" in name.lower())


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
