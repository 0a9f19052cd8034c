"""Damage model files: anywhere, and in the values of their headers."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Sequence
from typing import Any

import mutants
from safetensors.torch import load, save

from cozad_teach.models.saved import FORMAT

ODD = (
    *(None, True, False, 0, -1, 1, 2, 10**9, -(10**30), 2**64, 0.0, 0.5, -0.5, 1e-300, 1e300),
    *(float("nan"), float("inf"), "", "1", "hf-hub:a/b", "\x00", "\ud800", "é" * 300, [], {}, [[]]),
)


def in_model(rng: random.Random, seeds: Sequence[bytes]) -> bytes:
    """Damage a model file anywhere, at its start, where the headers are, or in values."""
    content, kind = rng.choice(seeds), rng.randrange(4)
    if kind == 0:
        return mutants.anywhere(rng, seeds)
    if kind == 1:
        return mutants.anywhere(rng, [content[:12_000]]) + content[12_000:]
    size = int.from_bytes(content[:8], "little")
    header = json.loads(json.loads(content[8 : 8 + size])["__metadata__"]["header"])
    damaged = json.dumps(mutated_header(rng, header))
    return save(load(content), {"format": FORMAT, "header": damaged})


def mutated_header(rng: random.Random, header: Any) -> Any:
    """Replace, remove, scale or wrap values anywhere in a header."""
    changed = copy.deepcopy(header)
    for _ in range(rng.randint(1, 3)):
        within = changed
        while within:
            key = rng.choice(list(within) if isinstance(within, dict) else range(len(within)))
            if isinstance(within[key], (dict, list)) and rng.random() < 0.8:
                within = within[key]
                continue
            kind = rng.randrange(5)
            if kind == 0:
                del within[key]
            elif kind == 1:
                within[key] = [within[key]]
            elif kind == 2 and isinstance(within[key], (int, float)):
                within[key] *= rng.choice((-1, 2, 0.5, 1e6, 1e-6))
            else:
                within[key] = copy.deepcopy(rng.choice(ODD))
            break
    return changed
