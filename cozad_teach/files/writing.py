"""Write results whole or not at all, and by one writer at a time."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from cozad_teach.errors import CozadError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["atomic_folder", "atomic_write", "check_kind", "only_writer", "settled"]

# What is being written has this suffix, and its writer holds a lock on it: what no one holds is
# left from a process that was killed.
PART = ".cozad-part"
_umask_lock = threading.Lock()
Place = str | os.PathLike[str]


def settled(target: Place) -> Path:
    """Give a place with the links above it followed, as it will be when its folders are there.

    Until then the system finds nothing at ``missing/../name``, whatever ``name`` is.
    """
    target = Path(target)
    return target.parent.resolve() / target.name


def check_kind(target: Path) -> None:
    """Refuse what a rename would replace although it is no ordinary file."""
    try:
        mode = settled(target).lstat().st_mode
    except FileNotFoundError:
        return
    except OSError as error:  # a name too long, a file where a folder should be
        raise CozadError(f"cannot write {target}: {error.strerror}") from error
    if stat.S_ISDIR(mode):
        raise CozadError(f"{target} is a folder: give the name of a file in it")
    if stat.S_ISLNK(mode):
        raise CozadError(f"{target} is a link: give the place that it leads to")
    if not stat.S_ISREG(mode):
        raise CozadError(f"{target} is a pipe or a device: give the name of a file")


@contextmanager
def atomic_write(target: Place) -> Iterator[Path]:
    """Give a temporary path beside `target`; on success it becomes `target` in one rename.

    Parameters
    ----------
    target : path
        The file to write. Missing parent folders are made.

    Yields
    ------
    pathlib.Path
        An empty file in the folder of `target`. On any exception, Ctrl-C included, it is deleted
        and an older `target` stays as it was.

    Raises
    ------
    CozadError
        If the folder cannot be made or written to, `target` is a folder, a link, a pipe or a
        device, or writing fails.
    """
    target = Path(target)
    check_kind(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".", suffix=PART, dir=target.parent)
    except OSError as error:
        raise CozadError(f"cannot write to {target.parent}: {error.strerror}") from error
    os.close(handle)
    temporary = Path(name)
    try:
        with _held(temporary):
            yield temporary
            temporary.chmod(0o666 & ~_umask())  # mkstemp's files are for their owner alone
            temporary.replace(target)
    except OSError as error:  # the disk is full, or the network drive gone
        raise CozadError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    with _umask_lock:  # to read it is to set it, for all threads
        umask = os.umask(0)
        os.umask(umask)
        return umask


@contextmanager
def atomic_folder(target: Place, *, replace: bool = False) -> Iterator[Path]:
    """Give a temporary folder beside `target`; on success it becomes `target` in one rename.

    Parameters
    ----------
    target : path
        The folder to make. It may exist if it is empty.
    replace : bool
        It may hold something too, which goes when the new folder is whole: the caller knows that
        this is its own.

    Yields
    ------
    pathlib.Path
        The name of a folder that does not exist yet, for the caller to make. On any exception,
        Ctrl-C included, all that was written is deleted, and an older `target` stays.

    Raises
    ------
    CozadError
        If `target` is a link, a file, or holds something that it may not, or writing fails.
    """
    target = Path(target)
    try:
        if target.is_symlink():
            raise CozadError(f"{target} is a link: give the place that it leads to")
        if target.exists() and not (target.is_dir() and (replace or not any(target.iterdir()))):
            raise CozadError(f"{target} exists already: give the name of a new or an empty folder")
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=".", suffix=PART, dir=target.parent))
    except OSError as error:
        raise CozadError(f"cannot write to {target}: {error.strerror}") from error
    try:
        with _held(aside):
            # Folders in it: mkdtemp's own is closed to other users.
            whole, older = aside / "whole", aside / "older"
            yield whole
            try:
                if target.exists() and replace:
                    target.rename(older)
                elif target.exists():
                    target.rmdir()  # empty; on Windows a rename does not replace a folder
                whole.rename(target)
            except BaseException:
                if older.exists():
                    older.rename(target)
                raise
    except OSError as error:
        raise CozadError(f"cannot write to {target}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def _held(path: Path) -> Iterator[bool]:
    """Hold a lock on a file or folder while the block runs; False if another process has it."""
    if fcntl is None:
        yield False
        return
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            mine = True
        except OSError:  # or the disk has no locks: then nothing is taken for a leftover
            mine = False
        yield mine
    finally:
        os.close(handle)


@contextmanager
def only_writer(target: Place, folders: Iterable[Place] = ()) -> Iterator[None]:
    """Hold the right to write `target` until the block ends.

    What killed commands left half-written beside it is deleted.

    Parameters
    ----------
    target : path
        A file, or a folder for several results.
    folders : iterable of path
        Other folders that are written to.

    Raises
    ------
    CozadError
        If another process holds it.
    """
    target = Path(target).absolute()
    key = hashlib.sha256(target.name.encode(errors="surrogateescape")).hexdigest()[:16]
    lock = FileLock(target.parent / f".{key}.cozad-lock")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise CozadError(
            f"another command is writing {target}: wait for its end, or give another place with "
            "--out"
        ) from error
    except OSError as error:
        raise CozadError(f"cannot write to {target.parent}: {error.strerror}") from error
    try:
        for folder in {target.parent, target, *map(Path, folders)}:
            _clear_leftovers(folder)
        yield
    finally:
        # Deleted while it is held: whoever opened it meanwhile finds that it is gone.
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


def _clear_leftovers(folder: Path) -> None:
    """Delete what writers that were killed left in a folder: nobody holds its lock any more."""
    for path in folder.glob(f".*{PART}"):
        with suppress(OSError), _held(path) as mine:
            if mine:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
