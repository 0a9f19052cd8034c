"""The words that the command line knows."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from cozad_teach import __version__
from cozad_teach.cli.words import Command, add_machine, add_model

__all__ = ["OF_THE_BOOK", "parser"]

LARGEST_SEED = 2**32 - 1  # of the generators that draw from it
# Commands that the book's package brings, each with words of its own.
OF_THE_BOOK = {
    "bench": "do an experiment of the book and store it",
    "demo": "show a page that takes photographs",
    "doctor": "say what is wrong with this installation",
    "grade": "mark students' notebooks",
    "results": "show the stored results of the book",
}


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
    add_machine(train)
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
    add_machine(evaluate)
    evaluate.set_defaults(run=commands["evaluate"])

    predict = added.add_parser("predict", help="draw heat maps over images without labels")
    add_model(predict)
    images = predict.add_mutually_exclusive_group(required=True)
    images.add_argument("place", nargs="?", metavar="IMAGES", help="a folder or a zip archive")
    images.add_argument("--images", metavar="IMAGES", help="the same")
    predict.add_argument(
        "--out", default="heat_maps", metavar="DIR", help="by default heat_maps, here"
    )
    predict.add_argument("--protocol", default="batch", help="batch (images of one kind) or single")
    add_machine(predict)
    predict.set_defaults(run=commands["predict"])

    for name, text in OF_THE_BOOK.items():  # to be listed: their words are parsed elsewhere
        added.add_parser(name, help=text)
    return whole


def _seed(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) <= LARGEST_SEED):
        raise argparse.ArgumentTypeError(f"a whole number from 0 to {LARGEST_SEED}, not {text!r}")
    return int(text)
