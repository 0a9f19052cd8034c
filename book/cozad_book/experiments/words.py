"""The words of `cozad bench` and `cozad results`."""

from __future__ import annotations

import argparse

from cozad_teach.cli.words import add_machine, add_model

__all__ = ["bench_parser", "results_parser"]

LARGEST_WORKERS = 1000


def bench_parser() -> argparse.ArgumentParser:
    """Describe what may follow `cozad bench`."""
    bench = argparse.ArgumentParser(
        prog="cozad bench",
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
        help="train CoZAD on other images than drawn ones: textures, photographs or all (in "
        "packs), or official (MVTec AD in datasets/)",
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
    return bench


def results_parser() -> argparse.ArgumentParser:
    """Describe what may follow `cozad results`."""
    results = argparse.ArgumentParser(
        prog="cozad results", description="Show the stored results of the book."
    )
    results.add_argument("experiment", nargs="?", help="one of them; by default all")
    results.add_argument(
        "--check", type=int, metavar="N", help="do N of its runs again and compare with the stored"
    )
    results.add_argument(
        "--fill", nargs="+", metavar="FILE", help="renew the numbers quoted in texts and notebooks"
    )
    results.add_argument("--packs", metavar="DIR", help="as in bench")
    add_machine(results)
    return results


def _workers(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= LARGEST_WORKERS):
        raise argparse.ArgumentTypeError(f"a number from 1 to {LARGEST_WORKERS}, not {text!r}")
    return int(text)
