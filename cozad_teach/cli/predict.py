"""``cozad predict``: heat maps and scores of photographs without labels."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path

from cozad_teach.cli.loading import load_model_of
from cozad_teach.errors import CozadError
from cozad_teach.evaluation.protocols import Protocol
from cozad_teach.files.places import check_target, head
from cozad_teach.files.writing import atomic_write, only_writer

__all__ = ["predict_images"]

SCORES = ("image", "score", "peak_x", "peak_y", "overlay", "verdict")


def predict_images(options: argparse.Namespace) -> int:
    """Do ``cozad predict``: score photographs, draw over them, and write lists beside them."""
    from cozad_teach.data.checking import check_images
    from cozad_teach.data.counting import tally
    from cozad_teach.data.folders import list_photographs
    from cozad_teach.models.ready import card_of, model_file

    ready = options.model is None
    options.model = model_file(options.model)
    listing = list_photographs(options.place if options.images is None else options.images)
    out = Path(options.out)
    if out.exists() and not out.is_dir():
        raise CozadError(f"{out} is a file: give a folder with --out")
    protocol = Protocol.parse(options.protocol)
    if not protocol.zero_shot:
        raise CozadError(
            f"predict has no protocol {protocol.name!r}: choose batch or single, "
            "which need no labels"
        )
    from cozad_teach.evaluation.verdicts import DEFECT, GOOD, verdicts
    from cozad_teach.models.prediction import check_overlays, predict

    reads = [options.model, options.weights, *listing.places]
    for name in ("scores.csv", "left_out.csv"):
        check_target(out / name, reads=reads, ours=_is_list)
    folders = check_overlays(listing.images, out, reads)
    with only_writer(out, folders):
        model = load_model_of(options)
        check_images(listing.images, progress=True)
        together = protocol.together and len(listing.images) > 1
        rows = predict(model, listing.images, out, together=together, progress=True)
        found = verdicts(model, [float(row[1]) for row in rows], together=together)
        decided = [(*row, verdict) for row, verdict in zip(rows, found, strict=True)]
        _write_list(out / "scores.csv", SCORES, decided)
        _write_list(out / "left_out.csv", ("file", "reason"), listing.left_out)
    print(f"see {out / 'scores.csv'} and the overlays beside it")
    if model.samples:
        print(f"{found.count(DEFECT)} called {DEFECT}, {found.count(GOOD)} called {GOOD}")
    elif model.auxiliary:
        print("no verdicts: the model's auxiliary categories had no image to spare for a threshold")
    else:
        print("no verdicts: the model has seen drawn materials only; train it with --auxiliary")
    if ready:
        print(f"by the ready model: what it can and cannot do is in {card_of(options.model)}")
    print(tally(f"{len(rows)} images", listing.left_out, str(out / "left_out.csv")))
    return 0


def _is_list(path: Path) -> bool:
    # Earlier versions wrote no verdicts.
    return head(path, 100).startswith((",".join(SCORES[:-1]).encode(), b"file,reason"))


def _write_list(path: Path, head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    # A name that is no text, as old archives hold, is written with its bytes escaped.
    with (
        atomic_write(path) as file,
        file.open("w", newline="", encoding="utf-8", errors="backslashreplace") as stream,
    ):
        csv.writer(stream).writerows([head, *rows])
