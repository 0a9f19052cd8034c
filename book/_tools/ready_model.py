"""Train the ready model into build/ready, unless it is there, and write its card beside it.

Nothing is trained again until the code, the settings or the pinned packages change.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from pathlib import Path

import torch

import own_folder
from cozad_book.demo.thresholds import write_calibrations
from cozad_book.experiments.data import code_hash
from cozad_book.experiments.ledger import markdown_table, read_results
from cozad_book.experiments.lists import UNSEEN
from cozad_book.experiments.provenance import provenance, settings_hash
from cozad_teach import __version__
from cozad_teach.cli.endings import run_command
from cozad_teach.cozad import CoZAD
from cozad_teach.data.drawn.textures import AUXILIARY_CATEGORIES
from cozad_teach.errors import CozadError
from cozad_teach.files.writing import atomic_write, only_writer
from cozad_teach.models.ready import card_of, ready_model
from cozad_teach.models.saved import load_model, save_model
from cozad_teach.models.train import train
from cozad_teach.settings import LITE

ROOT = Path(__file__).resolve().parents[2]
SEED = 0
LEDGER = "accuracy"
METRICS = {"image_auroc": "image AUROC", "pixel_auroc": "pixel AUROC", "aupro": "AUPRO"}


def made_from() -> str:
    """Hash all that the model depends on; the backbone's weights are a pinned package."""
    digest = hashlib.sha256((ROOT / "requirements.lock").read_bytes())
    for part in (code_hash(), settings_hash(LITE), str(SEED), platform.python_version()):
        digest.update(b"\0" + part.encode())
    return digest.hexdigest()


def learnt(model: CoZAD) -> str:
    """Hash the numbers of a model; its file holds times too, which differ by run."""
    digest = hashlib.sha256()
    tensors = {"mean": model.feature_mean, "std": model.feature_std, "prior": model.prior}
    for name, tensor in sorted({**tensors, **model.parameters}.items()):
        digest.update(name.encode() + b"\0" + tensor.detach().cpu().numpy().tobytes())
    return digest.hexdigest()


def limits() -> str:
    """Give the table of what was measured, with the number of images behind each value."""
    lines = [["data", "protocol", "n, images", *METRICS.values()]]
    rows = read_results(LEDGER).content["results"]
    packs = {row["data"] for row in rows if "sets" not in row} - {UNSEEN}
    for row in rows:
        if row["method"] == "cozad" and row["protocol"] in ("single", "batch"):
            cells = [row["values"].get(metric) for metric in METRICS]
            name = f"mean of {len(packs)} packs" if "sets" in row else row["data"]
            values = [f"{c[0]:.3f} ({c[1]:.3f}–{c[2]:.3f})" if c else "–" for c in cells]
            lines.append([name, row["protocol"], str(row["images"]), *values])
    return markdown_table(lines)


def card(model: CoZAD) -> str:
    """Fill the card in."""
    ledger = read_results(LEDGER).content
    made = provenance(model.settings)
    return (
        Path(__file__)
        .with_name("model_card.md")
        .read_text(encoding="utf-8")
        .format(
            **{key: made[key] for key in ("settings", "settings_hash", "torch", "python")},
            backbone=model.backbone.name,
            weights_digest=model.backbone.weights_digest[:16],
            image_size=model.settings.image_size,
            meta_steps=model.settings.meta_steps,
            seed=model.seed,
            version=__version__,
            commit=made["commit"],
            code=code_hash(),
            hardware=model.trained_on,
            digest=learnt(model)[:16],
            n_images=len(model.uses[0].images.names),
            n_materials=len(AUXILIARY_CATEGORIES),
            materials=", ".join(AUXILIARY_CATEGORIES),
            command=ledger["command"],
            ledger_commit=ledger["made_with"]["commit"],
            seeds=max(row["seeds"] for row in ledger["results"]),
            table=limits(),
        )
    )


def write(path: Path, text: str) -> None:
    """Write a text whole or not at all."""
    with atomic_write(path) as file:
        file.write_text(text, encoding="utf-8")


def main() -> int:
    """Train if something changed."""
    path = ready_model()
    name = os.path.relpath(path.parent, ROOT)
    if reason := own_folder.obstacle(ROOT, name):
        raise CozadError(f"{name} {reason}")
    key, stamp, text = made_from(), path.with_name("made_from.txt"), card_of(path)
    known = stamp.read_text(encoding="utf-8") if stamp.is_file() else ""
    if path.is_file() and text.is_file() and known == key:
        print(f"  {os.path.relpath(path)}: unchanged")
        return 0
    # Sums of floats depend on the number of threads.
    torch.set_num_threads(1)
    with only_writer(path):
        stamp.unlink(missing_ok=True)  # until all is written, the folder holds no finished model
        model = train(LITE, SEED, progress=True)
        save_model(model, path)
        write_calibrations(model, path)
        write(text, card(load_model(path)))
        write(stamp, key)
    print(f"  {os.path.relpath(path)}: trained in {model.fit_seconds:.0f} s; its card is beside it")
    return 0


if __name__ == "__main__":
    sys.exit(run_command("ready model", main))
