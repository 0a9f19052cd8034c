"""What the set-up says: progress while pip works, and one sentence when it fails.

Standard library alone, and syntax that Python 3.6 reads; see setup_env.py.
"""

import re
import shutil
import sys
import threading
import time

# Room that a set-up takes at its peak, while the downloads are still there. On Linux torch brings
# the CUDA libraries along: 9.5 GB were measured, 6.6 GB of them stay.
FREE_GB = 10 if sys.platform == "linux" else 4
THIS = f"{sys.version_info[0]}.{sys.version_info[1]}"
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
        f"{{what}} is not to be had for Python {THIS} on this machine: check the network or name"
        " another Python (PYTHON=python3.12 make book)",
    ),
    (
        r"Failed building wheel|subprocess-exited-with-error|metadata-generation-failed",
        f"a package would have to be compiled for Python {THIS} on this machine: name another"
        " Python (PYTHON=python3.12 make book)",
    ),
    (r"Permission denied", "a file cannot be written: check who owns this folder"),
)


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
