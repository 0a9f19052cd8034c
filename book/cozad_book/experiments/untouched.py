"""``cozad bench untouched``: measure images of the user's once, and never with other settings."""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cozad_book.experiments.looks import (
    Look,
    identify,
    looks_folder,
    one_look,
    read_looks,
    write_look,
)
from cozad_book.experiments.provenance import provenance, settings_hash
from cozad_teach import __version__
from cozad_teach.cli.loading import device, load_model_of
from cozad_teach.data.checking import check_categories
from cozad_teach.data.folders import Category, Dataset, open_dataset
from cozad_teach.errors import CozadError, printable
from cozad_teach.evaluation import printed
from cozad_teach.evaluation.protocols import Protocol
from cozad_teach.evaluation.reports import evaluate
from cozad_teach.models.ready import model_file

if TYPE_CHECKING:
    from cozad_teach.cozad import CoZAD

__all__ = ["look_once"]

_N_NAMED = 2


def look_once(options: argparse.Namespace) -> int:
    """Measure a model on labelled images that nobody has measured it on.

    The look is on record before a label is used. It then counts, also where it was stopped: only
    the same settings may finish it. An error takes it back, for it has shown nothing.

    Parameters
    ----------
    options : argparse.Namespace
        ``folder``, ``model``, ``protocol``, ``device`` and ``weights``.

    Returns
    -------
    int
        0.

    Raises
    ------
    CozadError
        If an image was looked at with other settings, among other images or under another label;
        or something cannot be read, measured or written.
    LeakError
        If the model has seen an image of the folder.
    """
    if not Protocol.parse(options.protocol).zero_shot:
        raise CozadError("untouched images are measured zero-shot: choose batch or single")
    dataset = open_dataset(options.folder)
    _check_labels(dataset, options.folder)
    options.model = model_file(options.model)
    model = load_model_of(options)
    check_categories(dataset.values(), progress=True)
    now = Look(
        datetime.now().astimezone().isoformat(" ", "seconds"),
        _deciding(model, options.protocol),
        identify(dataset, progress=True),
        {
            "cozad_teach": __version__,
            **provenance(model.settings, device(options.device)),
            "trained_on": model.trained_on,
        },
    )
    with one_look(folder := looks_folder()):
        look = _same(now, read_looks(folder)) or now
        said = f"measured on {look.date}, and not again"
        if look.report is None:
            said = f"measured on {look.date}, for the only time"
            look = _measured(look, model, dataset, options, folder)
    assert look.report
    path = folder / f"{look.images.digest}.json"
    print(f"{said}: {_described(look)}")
    print(printed.table(look.report))
    print(printed.remarks(look.report, str(path)))
    print(f"on record in {path}: give its date and its hashes beside the result")
    return 0


def _check_labels(dataset: Mapping[str, Category], place: str) -> None:
    """Refuse what would spend a look on nothing."""
    kinds = {name: {i.is_anomalous for i in category.test} for name, category in dataset.items()}
    one_sided = [printable(name) for name, found in kinds.items() if len(found) == 1]
    if one_sided or not any(kinds.values()):
        where = ", ".join(one_sided) or place
        raise CozadError(
            f"{where} has no test images of both kinds, good and anomalous, so nothing can be "
            "measured: add them, or leave the category out"
        )


def _deciding(model: CoZAD, protocol: str) -> dict[str, str]:
    """Give all that decides the result of given images, each in a few digits."""
    digest = hashlib.sha256()
    parameters = [model.parameters[name] for name in sorted(model.parameters)]
    samples = [sample.features for sample in model.samples]
    for tensor in (*parameters, model.feature_mean, model.feature_std, model.prior, *samples):
        digest.update(tensor.detach().cpu().contiguous().flatten().numpy().tobytes())
    return {
        "settings": f"{model.settings.name} {settings_hash(model.settings)}",
        "model": digest.hexdigest()[:16],
        "backbone": f"{model.backbone.name} {model.backbone.weights_digest[:16]}",
        "protocol": protocol,
    }


def _same(now: Look, before: list[Look]) -> Look | None:
    """Find the same look on record; refuse another one at any of its images."""
    for look in before:
        if (look.images.digest, look.settings) == (now.images.digest, now.settings):
            return look
    for look in before:
        if seen := look.seen(now.images):
            raise CozadError(_refusal(look, now, seen))
    return None


def _refusal(look: Look, now: Look, seen: list[str]) -> str:
    more = f"; and {len(seen) - _N_NAMED} more" if seen[_N_NAMED:] else ""
    images = f"{len(seen)} of {len(now.images)} test images ({'; '.join(seen[:_N_NAMED])}{more})"
    then = f"{look.date}: {_described(look)}"
    changed = [f"{k} {now.settings[k]}" for k, v in look.settings.items() if now.settings[k] != v]
    other = " and ".join(changed) or "other images, labels or masks"
    if look.report is None:
        return (
            f"a look at {images} was begun on {then}. It was stopped and counts all the same: only "
            f"the same command may finish it, not one with {other}"
        )
    return (
        f"{images} were measured on {then}. A second look, with {other}, would leave you the "
        "better of two, which is better by chance: the first result stays, and other settings "
        "need images that no look has seen"
    )


def _described(look: Look) -> str:
    values = [f"{name} {value}" for name, value in look.settings.items()]
    return ", ".join([*values, f"images {look.images.digest}"])


def _measured(
    look: Look, model: CoZAD, dataset: Dataset, options: argparse.Namespace, folder: Path
) -> Look:
    """Measure a look that is on record before, and whose numbers are before anybody sees them."""
    path = write_look(look, folder)
    try:
        data = Path(options.folder).resolve().name
        report: dict[str, Any] = evaluate(
            model, dataset, options.protocol, data=data, progress=True
        ).report
    except CozadError:
        path.unlink()
        raise
    except KeyboardInterrupt:
        print("cozad: this look counts: only the same command may finish it", file=sys.stderr)
        raise
    report["left_out"] = [file._asdict() for file in dataset.left_out]
    look = dataclasses.replace(look, report=report)
    write_look(look, folder)
    return look
