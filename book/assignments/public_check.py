"""The check in released notebooks: what follows is their first cell. It needs nothing else."""

# --- cell
import json
import types
from pathlib import Path

import numpy as np


class NotYetError(AssertionError):
    """What is wrong with an answer; shows as this sentence alone."""

    def _render_traceback_(self):
        return [f"Not yet: {self}"]


def decoded(value):
    """Give an argument that is stored in public_cases.json."""
    if isinstance(value, list):
        return [decoded(part) for part in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "array":
        return np.array(content["values"], content["dtype"]).reshape(content["shape"])
    if kind == "tensor":
        import torch

        return torch.from_numpy(decoded({"array": content}))
    named = {name: decoded(part) for name, part in content.items()}
    return types.SimpleNamespace(**named) if kind == "settings" else named


def check_public(exercise, function):
    """Run a function on the public cases and compare. Other cases are tried when it is graded."""
    cases = json.loads(Path("public_cases.json").read_text(encoding="utf-8"))[exercise]
    for case in cases["cases"]:
        result = function(*map(decoded, case["arguments"]))
        if result is None:
            raise NotYetError("the function returns nothing")
        result = result.detach() if hasattr(result, "detach") else result
        result, right = np.asarray(result, float), decoded(case["result"])
        if result.shape != right.shape:
            what = f"the result has the shape {result.shape}, expected is {right.shape}"
            raise NotYetError(f"on {case['label']}, {what}")
        tolerance = cases["tolerance"]
        wrong = np.argwhere(~np.isclose(result, right, tolerance, tolerance, equal_nan=True))
        if len(wrong):
            at = tuple(wrong[0].tolist())
            what = f"it gives {result[at]:.6g}, expected is {right[at]:.6g}"
            raise NotYetError(f"on {case['label']}, {what}" + f", at index {at}" * bool(at))
    print(f"{exercise}: right on all {len(cases['cases'])} public cases.")
