"""Words that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Callable

__all__ = ["Command", "add_machine", "add_model"]

Command = Callable[[argparse.Namespace], int]


def add_machine(parser: argparse.ArgumentParser) -> None:
    """Add where to compute, and with which backbone weights."""
    parser.add_argument("--device", help="cuda where there is one, else cpu; mps is untried")
    parser.add_argument("--weights", metavar="FILE", help="backbone weights that are not installed")


def add_model(parser: argparse.ArgumentParser, which: str = "") -> None:
    """Add the file of a model; `which` stands before its help."""
    parser.add_argument(
        "--model", metavar="FILE", help=f"{which}by default the ready model, which make book trains"
    )
