"""Commands that only use a network start without PyTorch's compiler; who wants it still gets it."""

from __future__ import annotations

import subprocess
import sys

import torch

from cozad_teach.files.lean_timm import shapes_only

CODE = """
import sys
import torch
from cozad_teach.backbones import load_backbone
from cozad_teach.features import extract_features

disable = torch.compiler.disable
backbone = load_backbone()
assert not [name for name in sys.modules if name.startswith("torch._dynamo")]
import inspect
inspect.getmodule(type("Unknown", (), {"__module__": "nowhere"}))  # looks through all modules
assert not [name for name in sys.modules if name.startswith("torch._dynamo")]
asked = sys.modules["torchvision.ops.roi_align"].is_compile_supported
from torch._dynamo.utils import counters, is_compile_supported
assert asked("cpu") == is_compile_supported("cpu") and asked is not is_compile_supported
assert counters is not None and disable.__module__ == "torch.compiler"
assert torch.compile(lambda x: x + 1, backend="eager")(torch.ones(2)).tolist() == [2, 2]
print("done")
"""


def test_the_compiler_is_loaded_by_who_wants_it_alone() -> None:
    run = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (0, "done\n"), run.stderr


def test_shapes_take_no_memory_and_leave_what_is_made_afterwards_alone() -> None:
    with shapes_only():
        layer = torch.nn.Linear(3, 2)
        torch.nn.init.normal_(layer.weight)
    assert layer.weight.is_meta and layer.weight.shape == (2, 3)
    assert not torch.nn.Linear(3, 2).weight.is_meta
    assert torch.empty(1000).normal_().std() > 0.5
