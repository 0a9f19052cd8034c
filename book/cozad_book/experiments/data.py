"""The images of experiments: packs, official sets, drawn materials; and hashes that name them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import cozad_teach
from cozad_book.experiments.contamination import contaminated
from cozad_book.experiments.left_out import left_out_name, left_out_target
from cozad_book.experiments.lists import CHOOSING_PACK, UNSEEN, official_name
from cozad_book.experiments.toy import TOY, TOY_DATA
from cozad_teach.data.drawn.textures import UNSEEN_CATEGORIES, write_dataset
from cozad_teach.data.folders import Category, open_dataset
from cozad_teach.errors import CozadError
from cozad_teach.files.checkout import build_folder
from cozad_teach.training.auxiliary_sets import DATASETS

__all__ = ["auxiliary_hash", "code_hash", "data_hash", "image_place", "open_data"]

Place = str | os.PathLike[str] | None
_PACKAGE = Path(cozad_teach.__file__).parent
# Folders and files that cannot change a result, or only through what `runner` hashes by itself.
_NOT_METHOD = (
    *("cli", "memory.py"),  # of the package
    *("asked.py", "bench.py", "bench_speed.py", "command.py", "device_speed.py", "factorial.py"),
    *("fields.py", "ledger.py", "lists.py", "looks.py", "plan.py", "provenance.py"),
    *("published.py", "quotes.py", "runner.py", "speed.py", "summary.py", "toy.py"),
    *("trainings.py", "untouched.py", "variants.py", "words.py", "workers.py"),
)


def image_place(name: str, packs: Place = None) -> Path:
    """Find a pack of real images, or an official set.

    Parameters
    ----------
    name : str
        Of the pack, without ``.zip``; or ``datasets/`` and the name of an installed set.
    packs : path, optional
        Folder of the packs; by default that which ``COZAD_PACKS`` names.

    Raises
    ------
    CozadError
        If no folder is named, or the pack or the set is not there.
    """
    if official := official_name(name):
        if not (path := DATASETS / official).is_dir():
            raise CozadError(f"there is no {path}: python data_scripts/get.py {official} brings it")
        return path
    where = packs or os.environ.get("COZAD_PACKS")
    if not where:
        raise CozadError("experiments need real images: name their folder with --packs")
    path = Path(where) / f"{name}.zip"
    if not path.exists():
        raise CozadError(f"there is no {path.name} in {where}: name another folder with --packs")
    return path


def open_data(name: str, packs: Place = None) -> dict[str, Category]:
    """Open a data set of the experiments; the embedded one is drawn when it is first asked for.

    Parameters
    ----------
    name : str
        ``unseen``, ``toy``, ``left out:`` and an auxiliary category, or what `image_place` finds;
        with ``-20`` behind it a part of it, of which 20 % are anomalous, by
        `cozad_book.experiments.contamination.contaminated`.
    packs : path, optional
        As in `image_place`.

    Raises
    ------
    CozadError
        If the images are not there, or are too few for a share.
    """
    if category := left_out_name(name):
        auxiliary = open_dataset(image_place(CHOOSING_PACK, packs))
        return {category: left_out_target(auxiliary[category])}
    base, _, percentage = name.rpartition("-")
    if percentage.isdecimal():
        whole = _open_unseen(27, 18) if base == UNSEEN else open_data(base, packs)
        share = int(percentage) / 100
        return {key: contaminated(category, share) for key, category in whole.items()}
    if name == UNSEEN:
        return _open_unseen(10, 10)
    if name == TOY_DATA:
        return _open_unseen(9, 6, UNSEEN_CATEGORIES[:1], TOY.image_size)
    return open_dataset(image_place(name, packs))


def _open_unseen(
    n_normal: int,
    n_anomalous: int,
    categories: tuple[str, ...] = UNSEEN_CATEGORIES,
    size: int = 256,
) -> dict[str, Category]:
    """Open embedded categories, with so many test images of either kind in each."""
    # Named by the code that draws it: other code may draw other images.
    of_what = f"{n_normal}-{n_anomalous}-{len(categories)}-{size}-{_files_hash(_PACKAGE / 'data')}"
    folder = build_folder() / f"unseen-{of_what}"
    if not folder.exists():
        counts = (8, n_normal, n_anomalous)
        write_dataset(folder, categories, *counts, seed=0, size=(size, size), progress=True)
    return open_dataset(folder)


def data_hash(dataset: Mapping[str, Category]) -> str:
    """Give 16 hexadecimal digits that change with any image, mask or name of a data set."""
    digest = hashlib.sha256()
    for category in dataset.values():
        masks = [item.mask for item in category.test if item.mask]
        for file in (*category.train_good, *(item.image for item in category.test), *masks):
            digest.update(file.name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()[:16]


@lru_cache
def auxiliary_hash(place: Path) -> str:
    """Give 16 hexadecimal digits of what models are trained on: of an archive, or of a folder."""
    if place.is_dir():
        return data_hash(open_dataset(place))
    return hashlib.sha256(place.read_bytes()).hexdigest()[:16]


@lru_cache
def code_hash() -> str:
    """Give 16 hexadecimal digits that change with the code that results depend on."""
    return _files_hash(_PACKAGE, Path(__file__).parent)


def _files_hash(*folders: Path) -> str:
    digest = hashlib.sha256()
    for folder in folders:
        for file in sorted(folder.rglob("*.py")):
            if not set(file.relative_to(folder.parent).parts) & set(_NOT_METHOD):
                digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]
