"""The words that the command line knows."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from pathlib import Path

from cozad_teach import __version__

__all__ = ["Command", "parser"]

LARGEST_SEED = 2**32 - 1  # of the generators that draw from it

LARGEST_PORT = 2**16 - 1
LARGEST_WORKERS = 1000

Command = Callable[[argparse.Namespace], int]


def parser(commands: Mapping[str, Command]) -> argparse.ArgumentParser:
    """Describe the command line.

    Parameters
    ----------
    commands : mapping of str to callable
        What runs each command; it is given the parsed words and returns an exit code.

    Returns
    -------
    argparse.ArgumentParser
        Parsing leaves the callable in ``run``.
    """
    whole = argparse.ArgumentParser(
        prog="cozad", description="Zero-shot image anomaly detection by confident meta-learning."
    )
    whole.add_argument("--version", action="version", version=f"cozad-teach {__version__}")
    added = whole.add_subparsers(required=True, metavar="COMMAND")

    doctor = added.add_parser("doctor", help="say what is wrong with this installation")
    doctor.set_defaults(run=commands["doctor"])

    data = added.add_parser("data", help="write embedded categories that training never sees")
    data.add_argument("--out", required=True, metavar="DIR", help="folder to make")
    data.add_argument("--seed", type=_seed, default=0)
    data.set_defaults(run=commands["data"])

    train = added.add_parser(
        "train",
        help="train on auxiliary categories",
        description="Train on auxiliary categories. Where it was stopped, the same command goes "
        "on from FILE.checkpoint, to the same model. Behind torchrun --nproc-per-node N "
        "--no-python, N processes share the tasks of each step.",
    )
    train.add_argument(
        "--auxiliary",
        nargs="+",
        metavar="WHAT",
        help="a folder or a zip archive in MVTec layout, a set in datasets/, or drawn (the "
        "embedded materials); by default these alone",
    )
    train.add_argument(
        "--draw-defects",
        action="store_true",
        help="draw defects on a third of the good images of a category without anomalous ones",
    )
    train.add_argument(
        "--settings",
        help="lite (2 cores, a minute), photographs (longer), full (GPU), or paper (its own "
        "values); by default photographs where --auxiliary names some, else lite",
    )
    train.add_argument("--backbone", metavar="NAME", help="another network of timm's")
    train.add_argument(
        "--levels",
        nargs="+",
        type=int,
        default=(),
        metavar="N",
        help="with --backbone: strides of the levels to read (8 16), of a transformer numbers of "
        "blocks (by default those at a half and at three quarters of its depth)",
    )
    train.add_argument("--out", required=True, metavar="FILE", help="model file to write")
    train.add_argument("--seed", type=_seed, default=0)
    _add_machine(train)
    train.set_defaults(run=commands["train"])

    evaluate = added.add_parser("evaluate", help="measure a method on labelled images")
    evaluate.add_argument("--model", required=True, metavar="FILE")
    evaluate.add_argument(
        "--data",
        required=True,
        metavar="DIR_OR_ZIP",
        help="MVTec layout, or folders good and DEFECT",
    )
    evaluate.add_argument("--protocol", default="batch", help="single, batch, few-K or full")
    evaluate.add_argument(
        "--method",
        default="cozad",
        help="cozad or a baseline: mahalanobis, knn, mutual (each also with -unit behind it under "
        "single and batch), discriminator, ensemble",
    )
    evaluate.add_argument(
        "--once",
        metavar="FILE",
        help="count copies among the test images once, by a list of data_scripts/get.py --audit",
    )
    evaluate.add_argument(
        "--allow-same-category",
        action="store_true",
        help="measure categories named as ones of the auxiliary photographs, too",
    )
    evaluate.add_argument("--out", required=True, metavar="FILE", help="JSON report to write")
    evaluate.add_argument("--seed", type=_seed, default=0)
    _add_machine(evaluate)
    evaluate.set_defaults(run=commands["evaluate"])

    predict = added.add_parser("predict", help="draw heat maps over images without labels")
    _add_model(predict)
    images = predict.add_mutually_exclusive_group(required=True)
    images.add_argument("place", nargs="?", metavar="IMAGES", help="a folder or a zip archive")
    images.add_argument("--images", metavar="IMAGES", help="the same")
    predict.add_argument(
        "--out", default="heat_maps", metavar="DIR", help="by default heat_maps, here"
    )
    predict.add_argument("--protocol", default="batch", help="batch (images of one kind) or single")
    _add_machine(predict)
    predict.set_defaults(run=commands["predict"])

    demo = added.add_parser(
        "demo",
        help="show a page that takes photographs",
        description="Show a page on this machine that takes photographs and draws heat maps over "
        "them. Nothing leaves the machine.",
    )
    _add_model(demo)
    demo.add_argument(
        "--port", type=_port, default=7860, help="where the page is; if taken, the next free one"
    )
    _add_machine(demo)
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
        "choose, paper, full or speed; or untouched",
    )
    bench.add_argument(
        "folder", nargs="?", metavar="DIR_OR_ZIP", help="of untouched: images as in evaluate"
    )
    _add_model(bench, "of untouched: ")
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
    _add_machine(bench)
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
    _add_machine(results)
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
    return whole


def _add_machine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--device", help="cuda where there is one, else cpu; mps is untried")
    parser.add_argument("--weights", metavar="FILE", help="backbone weights that are not installed")


def _add_model(parser: argparse.ArgumentParser, which: str = "") -> None:
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


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) <= LARGEST_SEED):
        raise argparse.ArgumentTypeError(f"a whole number from 0 to {LARGEST_SEED}, not {text!r}")
    return int(text)
