"""Files of named tensors: what they hold is checked before it is read into memory."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from cozad_teach.errors import CozadError
from cozad_teach.files.values import Wrong
from cozad_teach.files.writing import Place, atomic_write

__all__ = [
    "Kind",
    "check_finite",
    "check_kinds",
    "digest_of",
    "kinds",
    "open_tensors",
    "read_all",
    "write_tensors",
]

LARGEST_HEADER = 32 * 2**20  # bytes, with all that stands in it beside the names of tensors
_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}

Kind = tuple[torch.dtype | None, tuple[int, ...]]


@contextmanager
def open_tensors(path: Path, what: str) -> Iterator[Any]:
    """Open a safetensors file, of which `check_file` says that it is one to be opened.

    Parameters
    ----------
    path : pathlib.Path
        The file, which may hold anything.
    what : str
        Which kind of file it should be, for messages.

    Yields
    ------
    safe_open
        Nothing of it is in memory yet but the names and shapes.

    Raises
    ------
    Wrong
        If it is truncated, or no safetensors file at all.
    """
    try:
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
        if length > LARGEST_HEADER:
            raise Wrong(f"its header of {length:,} bytes is longer than {LARGEST_HEADER:,}")
        with safe_open(path, framework="pt") as file:
            yield file
    except (SafetensorError, OSError) as error:
        raise Wrong(f"it is truncated or not {what}") from error


def kinds(file: Any) -> dict[str, Kind]:
    """Give type and shape of every tensor of a file from `open_tensors`; None for odd types."""
    slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
    return {
        name: (_DTYPES.get(part.get_dtype()), tuple(part.get_shape()))
        for name, part in slices.items()
    }


def check_kinds(found: Mapping[str, Kind], wanted: Mapping[str, Kind]) -> None:
    """Compare types and shapes.

    Raises
    ------
    Wrong
        If a tensor is missing, unknown, or of another type or shape than is wanted.
    """
    if missing := sorted(set(wanted) - set(found)):
        raise Wrong(f"it has no tensor {missing[0]}")
    if odd := set(found) - set(wanted):
        raise Wrong(f"it has a tensor {min(odd)[:40]!r}, which nothing knows")
    for name, kind in wanted.items():
        if found[name] != kind:
            raise Wrong(f"{name} is {_in_words(found[name])}, it must be {_in_words(kind)}")


def read_all(file: Any) -> dict[str, Tensor]:
    """Read all tensors of a file from `open_tensors` whose `kinds` were checked."""
    return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def write_tensors(path: Place, tensors: Mapping[str, Tensor], metadata: dict[str, str]) -> None:
    """Write a safetensors file, whole or not at all.

    Raises
    ------
    CozadError
        As `atomic_write`.
    """
    plain = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    with atomic_write(path) as temporary:
        try:
            save_file(plain, temporary, metadata)
        except SafetensorError as error:  # as which a full disk comes
            raise CozadError(f"cannot write {path}: {error}") from error


def check_finite(tensors: Mapping[str, Tensor]) -> None:
    """Raise Wrong if a tensor holds NaN or an infinite number."""
    for name, value in tensors.items():
        if not torch.isfinite(value).all():
            raise Wrong(f"{name} holds numbers that are not finite")


def _in_words(kind: Kind) -> str:
    dtype, shape = kind
    return f"{str(dtype or 'of another type').removeprefix('torch.')} {shape}"


def digest_of(network: nn.Module) -> str:
    """Give the SHA-256 of a network's parameters, in order, as bytes."""
    digest = hashlib.sha256()
    for tensor in network.state_dict().values():
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()
