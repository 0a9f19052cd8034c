"""All that a graphics card lent for some minutes is to do: ``device_run.py --out FOLDER``.

Stages, the most wanted first: how fast the card is; three trainings with the full settings on the
pack ``mvtec_aux5`` and three on drawn materials, each measured on packs; all methods on all packs.
A stage that takes too long is stopped, and after each one FOLDER holds what there is: the ledger's
entries, a log, and ``kept.zip`` with all single runs and the states of trainings. Unpacked into
``build``, the same commands go on from there. ``COZAD_PACKS`` names the folder of the packs; where
the files came without git, ``COZAD_COMMIT`` names the commit that they are of.
"""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import archives
from cozad_teach.cli.endings import run_command
from cozad_teach.files.checkout import build_folder
from cozad_teach.files.writing import atomic_write

TOTAL = 480  # seconds
GRACE = 10  # for a stopped stage, until it is killed


class Stage(NamedTuple):
    """A command of ``cozad bench``, and the seconds that it may take."""

    name: str
    seconds: int
    words: tuple[str, ...]


STAGES = (
    Stage("speed", 60, ("speed",)),
    Stage("photographs", 150, ("full", "--auxiliary", "photographs")),
    Stage("drawn", 150, ("full",)),
    Stage("packs", 120, ("accuracy",)),
)


def run(stage: Stage, options: argparse.Namespace, seconds: float) -> str:
    """Run a stage, and say how it ended."""
    command = [sys.executable, "-m", "cozad_teach.cli.main", "bench", *stage.words, "--trial"]
    command += ["--device", options.device, "--settings", options.settings]
    with (
        (options.out / "log.txt").open("ab") as log,
        subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT) as process,
    ):
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)  # it leaves nothing half-written
            with suppress(subprocess.TimeoutExpired):
                process.wait(GRACE)
            return "stopped"
        finally:
            process.kill()
    return f"failed with {code}" if code else "done"


def keep(out: Path) -> None:
    """Put what there is so far into the folder."""
    build = build_folder()
    for entry in (build / "trials").glob("*.json"):
        shutil.copy(entry, out)
    runs = {f"runs/{name}": data for name, data in archives.contents(build / "runs").items()}
    with atomic_write(out / "kept.zip") as part:
        archives.write_zip(part, runs, archives.EARLIEST)


def all_stages(options: argparse.Namespace) -> int:
    """Run the stages, each within its limit and all within theirs."""
    options.out.mkdir(parents=True, exist_ok=True)
    began, failed = time.monotonic(), False
    for stage in STAGES:
        left = options.total - (time.monotonic() - began) - GRACE
        started = time.monotonic()
        ended = run(stage, options, min(stage.seconds, left)) if left > 0 else "not begun"
        failed |= ended != "done"
        print(f"{stage.name}: {ended}, {time.monotonic() - started:.0f} s", flush=True)
        keep(options.out)
    return int(failed)


def main(arguments: list[str]) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--out", type=Path, required=True, help="where what it gives is put")
    parser.add_argument("--settings", default="full", help="toy to see whether it runs")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--total", type=float, default=TOTAL, help="seconds for all of it")
    options = parser.parse_args(arguments)
    return run_command("device run", lambda: all_stages(options))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
