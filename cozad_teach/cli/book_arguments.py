"""The words of commands that belong to the book: its page, its experiments, its marks."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

__all__ = ["Command", "add_commands_of_the_book", "add_machine", "add_model"]

LARGEST_PORT = 2**16 - 1
LARGEST_WORKERS = 1000

Command = Callable[[argparse.Namespace], int]


def add_commands_of_the_book(added: Any, commands: Mapping[str, Command]) -> None:
    """Describe demo, bench, results and grade to a set of subparsers."""
    demo = added.add_parser(
        "demo",
        help="show a page that takes photographs",
        description="Show a page on this machine that takes photographs and draws heat maps over "
        "them. Nothing leaves the machine.",
    )
    add_model(demo)
    demo.add_argument(
        "--port", type=_port, default=7860, help="where the page is; if taken, the next free one"
    )
    add_machine(demo)
    demo.set_defaults(run=commands["demo"])

    bench = added.add_parser(
        "bench",
        help="do an experiment of the book and store it",
        description="Do an experiment of the book and store it. Or measure labelled images of your "
        "own once: cozad bench untouched DIR_OR_ZIP shows and keeps the result, with its date and "
        "settings, and refuses a second look at these images, or at copies, with other settings.",
    )
    bench.add_argument(
        "experiment",
        help="accuracy, first_result, ablation, ablation_single, contamination, auxiliary, "
        "few_shot, scale, backbone, choose, paper, full, scaling or speed; speed with --device "
        "beside the best that it does; or untouched",
    )
    bench.add_argument(
        "folder", nargs="?", metavar="DIR_OR_ZIP", help="of untouched: images as in evaluate"
    )
    add_model(bench, "of untouched: ")
    bench.add_argument("--protocol", default="batch", help="of untouched: batch or single")
    bench.add_argument(
        "--settings",
        help="lite, photographs, full or paper, where they are to differ from the experiment's "
        "own; toy to see whether it runs",
    )
    bench.add_argument(
        "--auxiliary",
        default="drawn",
        metavar="WHAT",
        help="train CoZAD on other images than drawn ones: photographs (of a pack), or official "
        "(MVTec AD in datasets/)",
    )
    bench.add_argument(
        "--packs",
        metavar="DIR",
        help="real image packs; by default $COZAD_PACKS, and for paper the sets in datasets",
    )
    bench.add_argument(
        "--trial", action="store_true", help="write to build/trials, also with files uncommitted"
    )
    bench.add_argument(
        "--workers",
        type=_workers,
        default=1,
        metavar="N",
        help="processes that share the runs; those of one model stay together",
    )
    bench.add_argument(
        "--ray", metavar="ADDRESS", help="the cluster of Ray that the processes are on (auto: here)"
    )
    add_machine(bench)
    bench.set_defaults(run=commands["bench"])

    results = added.add_parser("results", help="show the stored results of the book")
    results.add_argument("experiment", nargs="?", help="one of them; by default all")
    results.add_argument(
        "--check", type=int, metavar="N", help="do N of its runs again and compare with the stored"
    )
    results.add_argument(
        "--fill", nargs="+", metavar="FILE", help="renew the numbers quoted in texts and notebooks"
    )
    results.add_argument("--packs", metavar="DIR", help="as in bench")
    add_machine(results)
    results.set_defaults(run=commands["results"])

    grade = added.add_parser(
        "grade",
        help="mark students' notebooks",
        description="Mark exercises in notebooks or files my_cozad.py. Each answer runs in a "
        "process of its own without files, network and other processes. Where it was stopped, the "
        "same command goes on from GRADES.csv.partial.",
    )
    grade.add_argument("folder", type=Path, metavar="FOLDER", help="a folder or file per student")
    grade.add_argument("--out", type=Path, required=True, metavar="GRADES.csv")
    grade.add_argument(
        "--points",
        type=Path,
        metavar="POINTS.csv",
        help="what is graded and its worth: columns exercise and points; by default each exercise "
        "that anyone answers, one point each",
    )
    grade.add_argument(
        "--roster",
        type=Path,
        metavar="TABLE.csv",
        help="a learning platform's table of students: the same one with marks is written beside "
        "GRADES.csv",
    )
    grade.add_argument(
        "--by",
        metavar="TITLE",
        help="the roster's column whose entries are names of submissions, or e-mail addresses with "
        "these before the @; by default Identifier (Moodle), ID (Canvas) or Username (Blackboard), "
        "as these platforms put them into names of files",
    )
    grade.add_argument(
        "--column",
        metavar="TITLE",
        help="the roster's column for the marks, which is added where it is missing; by default "
        "Grade",
    )
    grade.set_defaults(run=commands["grade"])


def add_machine(parser: argparse.ArgumentParser) -> None:
    """Add where to compute, and with which backbone weights."""
    parser.add_argument("--device", help="cuda where there is one, else cpu; mps is untried")
    parser.add_argument("--weights", metavar="FILE", help="backbone weights that are not installed")


def add_model(parser: argparse.ArgumentParser, which: str = "") -> None:
    """Add a file of `cozad train`, of the experiment that is named."""
    parser.add_argument(
        "--model", metavar="FILE", help=f"{which}by default the ready model, which make book trains"
    )


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1024 <= int(text) <= LARGEST_PORT):
        raise argparse.ArgumentTypeError(f"a number from 1024 to {LARGEST_PORT}, not {text!r}")
    return int(text)


def _workers(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= LARGEST_WORKERS):
        raise argparse.ArgumentTypeError(f"a number from 1 to {LARGEST_WORKERS}, not {text!r}")
    return int(text)
