"""What the set-up says: progress while pip works, and one sentence when it fails.

Standard library alone, and syntax that Python 3.6 reads; see setup_env.py.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import threading
import time

# Room that a set-up takes at its peak, while the downloads are still there. On Linux torch brings
# the CUDA libraries along: 9.5 GB were measured, 6.6 GB of them stay.
FREE_GB = 10 if sys.platform == "linux" else 4
THIS = f"{sys.version_info[0]}.{sys.version_info[1]}"
NEWEST = (3, 14)  # that requirements.lock has wheels for
GLIBC, MACOS = (2, 28), 14  # the oldest that the pinned torch is built for
# Where Python is one that the lock has wheels for, another one is no remedy.
USUAL = (
    sys.implementation.name == "cpython"
    and sys.version_info[:2] <= NEWEST
    and not sysconfig.get_config_var("Py_GIL_DISABLED")
)
OTHER_PYTHON = "name a usual Python of 3.10 to 3.14 (PYTHON=python3.12 make book)"
# What pip's log shows and what the user reads; the first that matches is said.
PIP_FAILURES = (
    (r"No space left|Disk quota exceeded", f"the disk is full: free {FREE_GB} GB"),
    (
        r"DO NOT MATCH THE HASHES",
        "a downloaded file is damaged or not the one that requirements.lock pins: empty pip's cache"
        " (python3 -m pip cache purge)",
    ),
    (
        r"Retrying \(Retry|ConnectionError|ConnectTimeout|ReadTimeout|IncompleteRead|SSLError"
        r"|ProxyError|Connection (broken|refused|reset)|HTTP error|name resolution|timed out",
        "a download failed: check the network, and the proxy if there is one",
    ),
    (
        r"No matching distribution found for (?P<what>[^\s;]+)",
        f"{{what}} is not to be had for Python {THIS} on this machine: "
        + ("check the network, and the mirror if pip uses one" if USUAL else OTHER_PYTHON),
    ),
    (
        r"Failed building wheel|subprocess-exited-with-error|metadata-generation-failed",
        f"a package would have to be compiled for Python {THIS} on this machine: "
        + ("install a C compiler and Python's headers" if USUAL else OTHER_PYTHON),
    ),
    (r"Permission denied", "a file cannot be written: check who owns this folder"),
)


class SetupError(Exception):
    """One sentence for the user: what is wrong and what to do."""


def stop(sentence: str) -> None:
    print(f"set-up: {sentence}", file=sys.stderr)
    sys.exit(2)


def without_torch() -> str:
    """Say why no build of the pinned torch runs here, and what to do; empty if one does.

    pip would find out after some GB: it fetches what the lock names before torch first.
    """
    machine = platform.machine()
    if sys.maxsize < 2**32:
        return (
            "PyTorch needs a 64-bit Python, and this is a 32-bit one: install one, then name it"
            " (PYTHON=/path/to/python3 make book)"
        )
    if sys.platform == "darwin":
        version = platform.mac_ver()[0].split(".")
        if machine == "x86_64" and translated():
            return (
                "this Python is one for Intel on a Mac with Apple silicon: install one for Apple"
                " silicon, then name it (PYTHON=/path/to/python3 make book)"
            )
        if machine == "x86_64":
            return (
                "PyTorch is no longer built for Intel Macs: use a Mac with Apple silicon, or Linux,"
                " which may be a virtual machine on this Mac"
            )
        if version[0].isdigit() and 10 < int(version[0]) < MACOS:
            return f"PyTorch needs macOS {MACOS} or later, and this is {version[0]}: update macOS"
    elif sys.platform != "linux" or machine not in ("x86_64", "aarch64"):
        return (
            f"PyTorch is not built for {platform.system()} on {machine}: use Linux on x86_64 or"
            " aarch64, or a Mac with Apple silicon"
        )
    elif glibc() < GLIBC:
        return (
            f"PyTorch needs a Linux with glibc {GLIBC[0]}.{GLIBC[1]} or later, such as Debian 10 or"
            " Ubuntu 20.04 (Alpine has none): use one, which may be a container"
        )
    return ""


def translated() -> bool:
    """See whether Rosetta runs this Intel Python on Apple silicon."""
    try:
        command = ["sysctl", "-n", "sysctl.proc_translated"]
        return subprocess.check_output(command, stderr=subprocess.DEVNULL).strip() == b"1"
    except (OSError, subprocess.CalledProcessError):
        return False


def glibc() -> "tuple[int, ...]":
    """The version of glibc; empty under another C library."""
    try:
        found = re.match(r"glibc (\d+)\.(\d+)", os.confstr("CS_GNU_LIBC_VERSION") or "")
    except (ValueError, OSError):
        return ()
    return tuple(map(int, found.groups())) if found else ()


def explain(log: str) -> str:
    """One sentence with the remedy for a failed run of pip."""
    for pattern, sentence in PIP_FAILURES:
        match = re.search(pattern, log)
        if match:
            return sentence.format(**match.groupdict()) + ", then run make again"
    errors = [line for line in log.splitlines() if line.startswith("ERROR")] or ["no reason given"]
    return f"pip failed ({errors[-1]}): its whole output is in .venv.log"


class Progress:
    """What is being done and since when.

    On a terminal one line is rewritten every second; elsewhere a line comes every 20 seconds.
    """

    def __init__(self, packages: int) -> None:
        self.packages = packages
        self.seen = 0
        self.doing = ""
        self.started = time.monotonic()
        self.terminal = sys.stdout.isatty()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> "Progress":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        if self.terminal:
            print("\r\033[K", end="", flush=True)

    def _tick(self) -> None:
        while not self._done.wait(1 if self.terminal else 20):
            self.show()

    def seconds(self) -> float:
        return time.monotonic() - self.started

    def say(self, doing: str) -> None:
        self.doing = doing
        self.show()

    def show(self) -> None:
        line = f"set-up [{self.seconds():3.0f} s] {self.doing}"
        if self.terminal:
            line = "\r\033[K" + line[: shutil.get_terminal_size().columns - 1]
        print(line, end="" if self.terminal else "\n", flush=True)

    def follow(self, line: str) -> None:
        """Turn one line of pip's output into what the user sees."""
        words = line.split()
        if line.startswith("Installing collected packages") and "," in line:
            self.say(f"unpacking {line.count(',') + 1} packages, a minute or two")
        elif line.startswith("Collecting "):
            self.seen += 1
            self.doing = f"{self.seen} of about {self.packages} packages: {words[1]}"
        elif words[:1] == ["Downloading"] and words[-1] in ("MB)", "GB)"):
            name = words[1].rsplit("/", 1)[-1].split("-")[0]
            self.doing = (
                f"{self.seen} of about {self.packages} packages: {name} {words[-2]} {words[-1]}"
            )
