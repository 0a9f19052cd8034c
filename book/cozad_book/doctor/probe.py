"""Import the packages that `cozad doctor` asks about, in a process of its own.

``python -m cozad_book.doctor.probe NAME ...`` prints a line before and a line after each import,
so that the doctor still knows the culprit when an import takes the interpreter down with it.
"""

from __future__ import annotations

import importlib
import json
import sys
import warnings
from typing import Any

__all__ = ["MARK", "main"]

MARK = "cozad-probe "  # lines without it were printed by the packages themselves


def _hardware(torch: Any) -> dict[str, Any]:
    """Ask torch what it sees of the machine; a GPU counts once it has added two numbers."""
    found: dict[str, Any] = {
        "cuda": torch.version.cuda,
        "threads": torch.get_num_threads(),
        "mps": torch.backends.mps.is_available(),
        "gpu": None,
        "gpu_error": None,
    }
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            if torch.cuda.is_available():
                (torch.ones(1, device="cuda") + 1).item()
                gpu = torch.cuda.get_device_properties(0)
                found["gpu"] = f"{gpu.name}, {gpu.total_memory / 1e9:.0f} GB"
        except Exception as error:
            found["gpu_error"] = str(error)
    for warning in caught:
        if "CUDA" in str(warning.message):
            found["gpu_error"] = found["gpu_error"] or str(warning.message)
    return found


def main(names: list[str]) -> None:
    """Import the packages and print what came of each as JSON."""
    for name in names:
        print(MARK + json.dumps({"name": name}), flush=True)
        try:
            module = importlib.import_module(name)
            result = {"version": str(getattr(module, "__version__", ""))}
            if name == "torch":
                result |= _hardware(module)
        except BaseException as error:
            result = {"error": f"{type(error).__name__}: {error}"}
        print(MARK + json.dumps({"name": name, **result}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
