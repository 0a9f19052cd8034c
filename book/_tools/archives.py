"""Archives that have the same bytes whoever packs the same files, wherever and whenever."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path

EARLIEST = 315532800  # 1980-01-01: a zip knows no earlier time


def contents(folder: Path) -> dict[str, bytes]:
    """Read all files of a folder, by their paths in it."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def zip_contents(archive: Path) -> dict[str, bytes]:
    """Read all files of a zip."""
    with zipfile.ZipFile(archive) as file:
        return {i.filename: file.read(i) for i in file.infolist() if not i.is_dir()}


def write_zip(target: Path, files: Mapping[str, bytes], when: int) -> None:
    """Write a zip: entries by name, all of one time (seconds since 1970), readable by everybody."""
    moment = time.gmtime(max(when, EARLIEST))[:6]
    with zipfile.ZipFile(target, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, moment)
            entry.create_system = 3  # Unix, whose modes follow
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name])


def repack_tar(source: Path, target: Path, when: int) -> None:
    """Write a .tar.gz anew: entries by name, all of one time, of nobody, readable by everybody."""
    plain = io.BytesIO()
    with (
        tarfile.open(source) as old,
        tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as new,
    ):
        for member in sorted(old.getmembers(), key=lambda member: member.name):
            entry = tarfile.TarInfo(member.name)
            entry.type, entry.size, entry.mtime = member.type, member.size, when
            entry.mode = 0o755 if member.isdir() else 0o644
            new.addfile(entry, old.extractfile(member) if member.isfile() else None)
    with (
        target.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=when) as packed,
    ):
        packed.write(plain.getvalue())


def sums(folder: Path) -> str:
    """Write what ``sha256sum --check`` reads, for all files of a folder but SHA256SUMS itself."""
    return "".join(
        f"{hashlib.sha256(data).hexdigest()}  {name}\n"
        for name, data in sorted(contents(folder).items())
        if name != "SHA256SUMS"
    )
