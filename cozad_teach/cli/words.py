"""Words that several commands share."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from cozad_teach.errors import CozadError

__all__ = ["Command", "add_machine", "add_model", "given"]

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


def given(arguments: Sequence[str] | None) -> Sequence[str]:
    """Give the words after the name of a program: these, or by default those of the process.

    Raises
    ------
    CozadError
        If one is empty: as a path, it would stand for the folder in which the command runs.
    """
    words = sys.argv[1:] if arguments is None else arguments
    if "" in words:
        raise CozadError(
            f"word {words.index('') + 1} of the command is empty: is a variable not set?"
        )
    return words
