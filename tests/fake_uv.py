"""What stands in for uv, so that a set-up takes no time and no network."""

from __future__ import annotations

import sys
from pathlib import Path

from set_up import SetUpError


class FakeUv:
    """Makes what uv makes, and records what it is asked for; can fail, with a cache or without."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.fails_in = ""
        self.has_cache = True

    def __call__(self, root: Path, *arguments: str) -> None:
        step = "venv" if arguments[0] == "venv" else arguments[1]
        assert arguments[-1] == ".venv" or step != "venv"
        if "--offline" in arguments:
            step = "cache"
        self.calls.append(step)
        if step == self.fails_in or (step == "cache" and not self.has_cache):
            raise SetUpError("uv failed")
        if step == "venv":
            (root / ".venv/bin").mkdir(parents=True)
            (root / ".venv/bin/python").symlink_to(sys.executable)

    def asked(self) -> list[str]:
        """Give the calls since the last question."""
        calls, self.calls = self.calls, []
        return calls
