"""PyTorch without CUDA, which is 3 GB smaller, for machines without a graphics card of NVIDIA.

On Linux the wheels that requirements.lock pins bring CUDA along. PyTorch's own index has the same
versions without it. Their SHA-256 is the one that this index states, over HTTPS: a file that was
damaged, or exchanged on its way or in a store between, is refused; an index that itself states the
hash of another file is not found out. Who wants that too takes what the lock pins (TORCH=cuda).

The index could not be reached where this was written: it is tested on a stand-in of the same form.
Standard library alone, and syntax that Python 3.6 reads: this runs before anything is installed.
"""

import ctypes
import html
import os
import platform
import queue
import re
import socket
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

INDEX = "https://download.pytorch.org/whl/cpu"
SECONDS = 10.0  # for which the index may be silent
NAMES = ("torch", "torchvision")
CUDA = re.compile(r"(nvidia|cuda)-|triton=")  # what torch alone needs, and only with CUDA
# Of the driver: a CUDA toolkit computes nothing without it. Under WSL, Windows has the driver.
DRIVER = ("/proc/driver/nvidia/version", "/usr/lib/wsl/lib/libcuda.so.1")
LIBRARY = "libcuda.so.1"
LOCK, CPU_LOCK = "requirements.lock", "build/uv/requirements-cpu.txt"
SUMS = "SHA256SUMS"  # of a folder of wheels, as sha256sum writes it


class NoWheels(Exception):
    """There are no wheels without CUDA; the message says why."""


def refusal(kind: str) -> str:
    """Say what is wrong with the TORCH that the user named; empty if nothing is."""
    if kind not in ("", "cpu", "cuda"):
        return f"TORCH={kind} is neither cpu nor cuda: name one of the two, or none"
    if kind == "cuda" and sys.platform != "linux":
        return "TORCH=cuda: PyTorch has CUDA on Linux only: leave TORCH out"
    return ""


def choose(root: Path, python: str, asked: str, has: str) -> str:
    """Give the name of the lock to install: the repository's, or one made of it without CUDA.

    Parameters
    ----------
    root : Path
        The repository.
    python : str
        Version of the Python of .venv, as "3.11".
    asked : str
        The kind of PyTorch that the user named, cpu or cuda; empty: none.
    has : str
        The kind that .venv has, which it keeps unless the user names the other; empty: none yet.

    Raises
    ------
    NoWheels
        If the user asked for cpu and there is none: who said so does not get 3 GB more instead.
    """
    lock = (root / LOCK).read_text(encoding="utf-8")
    versions = pins(lock)
    house = os.environ.get("WHEELHOUSE", "")
    kind = asked or has or ("cuda" if has_driver() else "cpu")
    if sys.platform != "linux" or not versions or (kind == "cuda" and not house):
        return LOCK
    source = house or os.environ.get("TORCH_INDEX") or INDEX
    try:
        lines = _lines_from(root, versions, python, source)
    except NoWheels as error:
        reason = f"{source} gives no PyTorch without CUDA: {error}"
        if asked == "cpu":
            remedy = "try again later, or take the one with CUDA (TORCH=cuda make setup)"
            raise NoWheels(f"{reason}; {remedy}, 3 GB more") from None
        if not house:
            print(f"set-up: {reason}; taking the one with CUDA, 3 GB more", flush=True)
        return LOCK
    if asked == "cuda":
        raise NoWheels(f"{house} has PyTorch without CUDA: leave TORCH=cuda out, or WHEELHOUSE")
    (root / CPU_LOCK).parent.mkdir(parents=True, exist_ok=True)
    (root / CPU_LOCK).write_text(without_cuda(lock, lines), encoding="utf-8")
    return CPU_LOCK


def _lines_from(root: Path, versions: "dict[str, str]", python: str, source: str) -> "list[str]":
    """Give the lines of a folder, those of the last time, or those of an index."""
    if os.environ.get("WHEELHOUSE"):
        return in_folder(versions, python, Path(source))
    lines = _kept(root, versions, python)
    if not lines:
        lines = on_index(versions, python, source, SECONDS)
        print(f"set-up: taking PyTorch without CUDA from {source}", flush=True)
    return lines


def has_driver() -> bool:
    """See whether NVIDIA's driver is installed."""
    try:
        return any(Path(name).exists() for name in DRIVER) or bool(ctypes.CDLL(LIBRARY))
    except OSError:
        return False


def installed(venv: Path) -> str:
    """Give the kind of PyTorch that an environment has: cpu or cuda; empty if it has none."""
    for path in venv.glob("lib/python3*/site-packages/torch-*.dist-info"):
        return "cpu" if "+cpu" in path.name or sys.platform != "linux" else "cuda"
    return ""


def pins(lock: str) -> "dict[str, str]":
    """Give the versions of torch and torchvision in the text of a lock."""
    found = {name: re.search(rf"^{name}==([\w.]+)", lock, re.M) for name in NAMES}
    return {name: match.group(1) for name, match in found.items() if match}


def exchange(lock: str, has: str) -> "list[str]":
    """Give the options by which uv takes the other kind: to uv, 2.15.0+cpu is a 2.15.0 too."""
    if has in ("", "cpu" if lock == CPU_LOCK else "cuda"):
        return []
    return [f"--reinstall-package={name}" for name in NAMES]


def on_index(
    versions: "dict[str, str]", python: str, index: str = INDEX, seconds: float = SECONDS
) -> "list[str]":
    """Look for the wheels without CUDA on an index.

    Parameters
    ----------
    versions : dict
        Version by name, as of `pins`.
    python : str
        The Python that they are for, as "3.11".
    index : str
        Address of the index; the page of each name lies below it.
    seconds : float
        After which the index counts as silent, whatever it is that keeps it.

    Returns
    -------
    list of str
        For each name a line of a requirements file: address and hash.

    Raises
    ------
    NoWheels
        If the index is silent or lacks a wheel or its hash.
    """
    answers = queue.Queue()  # type: queue.Queue[object]

    def ask() -> None:
        try:
            answers.put([_page(f"{index.rstrip('/')}/{name}/", seconds) for name in versions])
        except Exception as error:  # whatever it is, it ends this thread and not set-up
            answers.put(error)

    # A thread: the limits of sockets hold neither for a name that is looked up nor for all of a
    # page that comes drop by drop.
    threading.Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        answer = TimeoutError()
    if isinstance(answer, urllib.error.URLError) and not isinstance(answer, urllib.error.HTTPError):
        answer = answer.reason
    if isinstance(answer, socket.timeout):
        raise NoWheels(f"it did not answer within {seconds:g} s")
    if not isinstance(answer, list):
        raise NoWheels(str(answer) or type(answer).__name__)
    files = {name: file for page in answer for name, file in page.items()}
    return _lines(versions, python, files)


def in_folder(versions: "dict[str, str]", python: str, folder: Path) -> "list[str]":
    """As `on_index`, in a folder of wheels with the list of their SHA-256."""
    try:
        rows = (folder / SUMS).read_text(encoding="utf-8").splitlines()
    except OSError:
        raise NoWheels(f"there is no {SUMS}") from None
    sums = (row.partition("  ") for row in rows)
    files = {name: ((folder.resolve() / name).as_uri(), sha) for sha, _, name in sums}
    return _lines(versions, python, files)


def without_cuda(lock: str, lines: "list[str]") -> str:
    """Give the text of a lock with these lines in place of torch, torchvision and all of CUDA."""
    names = "|".join(NAMES)
    entries = re.split(r"\n(?=\S)", lock.rstrip("\n"))
    kept = [e for e in entries if not CUDA.match(e) and not re.match(rf"({names})==", e)]
    return "\n".join([*kept, *lines, ""])


def _kept(root: Path, versions: "dict[str, str]", python: str) -> "list[str]":
    """Give the lines that were chosen the last time, if they are for these versions; else none."""
    try:
        text = (root / CPU_LOCK).read_text(encoding="utf-8")
        found = re.findall(r"^[a-z]+ @ (\S+) --hash=sha256:(\w+)$", text, re.M)
        return _lines(versions, python, {_name(address): (address, sha) for address, sha in found})
    except (OSError, NoWheels):
        return []


def forget(root: Path) -> None:
    """Forget the wheels that were chosen: the index is asked again, which may have others now."""
    if (root / CPU_LOCK).exists():
        (root / CPU_LOCK).unlink()


def _name(address: str) -> str:
    return urllib.parse.unquote(address.rpartition("/")[2])


def _page(address: str, seconds: float) -> "dict[str, tuple[str, str]]":
    """Give what a page of an index offers: address and SHA-256, or "", by the name of the file."""
    with urllib.request.urlopen(address, timeout=seconds) as page:
        text, here = page.read().decode("utf-8"), page.geturl()
    found = {}
    for link in re.findall(r"<a\s[^>]*?href=\"([^\"]+)\"", text):
        whole, part = urllib.parse.urldefrag(urllib.parse.urljoin(here, html.unescape(link)))
        sha = re.match(r"sha256=([0-9a-f]{64})$", part)
        found[_name(whole)] = (whole, sha.group(1) if sha else "")
    return found


def _lines(
    versions: "dict[str, str]", python: str, files: "dict[str, tuple[str, str]]"
) -> "list[str]":
    """Choose for each name the file for this machine."""
    tag = "cp" + python.replace(".", "")
    tags = rf"({tag}-{tag}|cp3\d+-abi3|py3-none)-\w*linux\w*_{platform.machine()}\.whl$"
    lines = []
    for name, version in versions.items():
        wheel = rf"{name}-{re.escape(version)}\+cpu-{tags}"
        fits = [file for file in sorted(files) if re.match(wheel, file)]
        if not fits:
            raise NoWheels(f"it has no {name} {version} for Python {python} on this machine")
        address, sha = files[fits[-1]]
        if not sha:
            raise NoWheels(f"it states no SHA-256 of {fits[-1]}")
        lines.append(f"{name} @ {address} --hash=sha256:{sha}")
    return lines
