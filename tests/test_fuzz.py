"""Thousands of damaged models, archives, images and answers: each works, or ends in a sentence.

The mutants are the same in every run. ``COZAD_FUZZ=100 pytest tests/test_fuzz.py -s`` makes a
hundred times as many, and tells what came of them. A mutant that fails is named and stays on the
disk; mend what it shows, and keep it as a small test beside those of its kind.

To fuzz something else, add it to TARGETS: seeds, how they are damaged, and what reads a mutant.
"""

from __future__ import annotations

import functools
import os
import random
import shutil
import time
import tracemalloc
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import mutants
import numpy as np
import pytest
from model_mutants import in_model
from odd_zips import DEFLATED, LINK, Entry, odd_zip
from PIL import Image
from raw_server import raw_server

from cozad_teach.backbones import load_backbone
from cozad_teach.data.folders import list_images, open_dataset
from cozad_teach.data.images import Frame, ImageFile, read_image
from cozad_teach.data.masks import read_mask
from cozad_teach.errors import CozadError
from cozad_teach.features import Backbone
from cozad_teach.models import saved as model_file
from cozad_teach.models.saved import load_model, save_model
from cozad_teach.models.train import train
from cozad_teach.settings import LITE
from fetching import download as downloads
from fetching.archives import is_archive, unpack
from fetching.download import download

ROUNDS = float(os.environ.get("COZAD_FUZZ", "1"))
LONGEST_SECONDS = 5  # of this process, for one mutant
MOST_MEMORY = 2**26
LONGEST_SENTENCE = 1000


@dataclass
class Target:
    """What is fuzzed: `run` reads the file that a mutant was written to, whose name ends so."""

    suffix: str
    rounds: int
    seeds: Callable[[Path], list[bytes]]
    mutate: mutants.Mutate
    run: Callable[[Path], None]


def picture(mode: str = "RGB", size: tuple[int, int] = (17, 12)) -> Image.Image:
    shape = (size[1], size[0], len(mode) if mode in ("RGB", "RGBA") else 1)
    noise = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    return Image.fromarray(noise.squeeze(), mode if mode == "RGBA" else None).convert(mode)


def encoded(format: str, mode: str = "RGB", **options: object) -> bytes:
    stream = BytesIO()
    picture(mode).save(stream, format, **options)  # type: ignore[arg-type]
    return stream.getvalue()


MEMBERS = {
    "c/train/good/000.png": encoded("PNG"),
    "c/test/good/000.png": encoded("PNG", "L"),
    "c/test/Größe 測試/000.png": encoded("PNG"),
    "c/read me.txt": b"content" * 99,
    "n/" * 90 + "long.txt": b"",
}


def zips(folder: Path) -> list[bytes]:
    path = folder / "seed.zip"
    found = []
    for method in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED):
        stream = BytesIO()
        with zipfile.ZipFile(stream, "w", method) as archive:
            for name, content in MEMBERS.items():
                archive.writestr(name, content)
            with archive.open("c/test/good/001.png", "w", force_zip64=True) as member:
                member.write(encoded("PNG"))
            archive.comment = b"a comment"
        found.append(stream.getvalue())
    inner = odd_zip(path, Entry("c/test/good/000.png", encoded("PNG"), DEFLATED)).read_bytes()
    odd = (Entry("a.zip", inner), Entry("link", b"..", attributes=LINK), Entry("c/", b""))
    found.append(odd_zip(path, *odd, Entry("a.txt", b"1", 97), before=b"MZ" * 99).read_bytes())
    several = found[0].rindex(b"PK\5\6")
    end64 = b"PK\6\6" + (44).to_bytes(8, "little") + bytes(44)
    locator = b"PK\6\7" + bytes(12) + b"\1\0\0\0"
    found.append(found[0][:several] + end64 + locator + found[0][several:])
    return found


def tars(_: Path) -> list[bytes]:
    said = {"comment": "1", "GNU.sparse.size": "9", "GNU.sparse.map": "0,3,6,3", "mtime": "1.5"}
    return [
        *(mutants.tar(MEMBERS, format) for format in (0, 1, 2)),
        mutants.tar(MEMBERS, 2, **said),
    ]


def run_unpack(path: Path) -> None:
    out = path.with_name("out")
    before = set(path.parent.iterdir())
    try:
        is_archive(path)
        unpack(path, out)
    finally:
        assert set(path.parent.iterdir()) - before <= {out}
        assert not any(file.is_symlink() for file in out.rglob("*"))
        shutil.rmtree(out)


def run_read_zip(path: Path) -> None:
    for file in list_images(path).images:
        file.read_bytes()
    for category in open_dataset(path).values():
        for image in category.train_good:
            read_image(image)


def images(_: Path) -> list[bytes]:
    exif = Image.Exif()
    exif[0x0112] = 6
    return [
        *(encoded("PNG", mode) for mode in ("1", "L", "P", "RGB", "RGBA")),
        encoded("PNG", exif=exif),
        *(encoded("JPEG", exif=exif), encoded("JPEG", "L", progressive=True)),
        *(encoded("BMP"), encoded("BMP", "P"), encoded("GIF", "P")),
        *(encoded("WEBP"), encoded("WEBP", lossless=True, exif=exif)),
        *(encoded("TIFF"), encoded("TIFF", "L", compression="tiff_lzw")),
        encoded("TIFF", compression="tiff_adobe_deflate", exif=exif),
    ]


def masks(_: Path) -> list[bytes]:
    found = []
    for value, mode, suffix in ((1, "L", "PNG"), (255, "L", "TIFF"), (255, "RGB", "BMP")):
        picture = Image.new("L", (17, 12))
        picture.paste(value, (4, 3, 11, 8))
        stream = BytesIO()
        picture.convert(mode).save(stream, suffix)
        found.append(stream.getvalue())
    return [*found, encoded("PNG", "1"), encoded("PNG", "L")]


def run_read_image(path: Path) -> None:
    read_image(ImageFile(path.name, path.read_bytes))


def run_read_mask(path: Path) -> None:
    read_mask(ImageFile(path.name, path.read_bytes), Frame((12, 17), 1))


def models(folder: Path) -> list[bytes]:
    path = folder / "model.safetensors"
    few = {"image_size": 64, "meta_steps": 2, "patches_per_image": 8, "inner_steps": 1}
    save_model(train(replace(LITE, **few, images_per_category=12), seed=0), path)
    return [path.read_bytes()]


@functools.cache
def backbone_once() -> Backbone:
    return load_backbone()


def run_load_model(path: Path) -> None:
    def load(name: str, strides: tuple[int, ...], weights: object, blocks: object) -> Backbone:
        """Stand in for what takes longer than all the rest."""
        assert (name, weights, blocks) == ("tf_efficientnet_lite0", None, ())
        if tuple(strides) != backbone_once().strides:
            raise CozadError("other strides than c/")
        return backbone_once()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model_file, "load_backbone", load)
        load_model(path)


def heads(_: Path) -> list[bytes]:
    head = b'Content-Type: application/zip\r\nETag: "a"\r\nConnection: close\r\n'
    chunks = b"1e\r\n" + bytes(30) + b"\r\n1e;x=1\r\n" + bytes(30) + b"\r\n0\r\nTrailer: 1\r\n\r\n"
    return [
        b"HTTP/1.1 200 OK\r\n" + head + b"Content-Length: 60\r\n\r\n" + bytes(60),
        b"HTTP/1.1 200 OK\r\n" + head + b"\r\n" + bytes(60),
        b"HTTP/1.1 200 OK\r\n" + head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks,
        b"HTTP/1.1 206 Part\r\n" + head + b"Content-Range: bytes 0-59/60\r\n\r\n" + bytes(60),
        b"HTTP/1.1 302 Found\r\nLocation: /else.zip\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 503 Later\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n",
    ]


def run_download(path: Path) -> None:
    """Let a server say the mutant to the first request, and what is right to those after it."""
    target = path.with_name("set.zip")
    answer, right = path.read_bytes(), b"HTTP/1.1 200 OK\r\nContent-Length: 60\r\n\r\n" + bytes(60)
    again = len(answer) % 3
    said = []

    def respond(connection: object, _: bytes) -> None:
        said.append(answer if len(said) <= again else right)
        connection.sendall(said[-1])  # type: ignore[attr-defined]

    try:
        with raw_server(respond) as url:
            download([url], target, size=60 if again else None)
        assert again == 0 or target.stat().st_size == 60
    finally:
        for file in path.parent.glob("set.zip*"):
            file.unlink()


TARGETS = {
    "models": Target("safetensors", 400, models, in_model, run_load_model),
    "zips, unpacked": Target("zip", 400, zips, mutants.in_zip, run_unpack),
    "zips, damaged anywhere": Target("zip", 400, zips, mutants.anywhere, run_unpack),
    "zips, read in place": Target("zip", 500, zips, mutants.in_zip, run_read_zip),
    "tars": Target("tar", 600, tars, mutants.in_tar, run_unpack),
    "images": Target("png", 1000, images, mutants.in_png, run_read_image),
    "images, damaged anywhere": Target("png", 1000, images, mutants.anywhere, run_read_image),
    "masks": Target("png", 300, masks, mutants.anywhere, run_read_mask),
    "answers": Target("head", 300, heads, mutants.in_head, run_download),
}


@pytest.fixture(autouse=True)
def nobody_waits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(downloads.time, "sleep", lambda _: None)
    monkeypatch.setattr(downloads, "ATTEMPTS", 3)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    tracemalloc.start()
    yield
    tracemalloc.stop()


@pytest.mark.parametrize("name", TARGETS)
def test_each_mutant_works_or_ends_in_a_sentence(name: str, tmp_path: Path) -> None:
    target, rng, outcomes = TARGETS[name], random.Random(name), Counter[str]()
    seeds = target.seeds(tmp_path)
    for n in range(round(target.rounds * ROUNDS)):
        path = tmp_path / f"mutant.{target.suffix}"
        path.write_bytes(target.mutate(rng, seeds))
        outcomes[outcome_of(target, path, f"{name}, mutant {n}: {path}")] += 1
    print(f"\n{name}: {dict(outcomes)}")
    assert outcomes["refused"] > outcomes.total() / 10
    assert outcomes["works"]


def outcome_of(target: Target, path: Path, label: str) -> str:
    tracemalloc.reset_peak()
    before, started = tracemalloc.get_traced_memory()[0], time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            target.run(path)
            outcome = "works"
        except CozadError as error:
            said, outcome = str(error), "refused"
            named = path.name in said or "set.zip" in said or "c/" in said
            assert named and said.isprintable() and len(said) < LONGEST_SENTENCE, (label, said)
        except Exception as error:
            raise AssertionError(f"{label}: {type(error).__name__}: {error}") from error
    assert time.process_time() - started < LONGEST_SECONDS, label
    assert tracemalloc.get_traced_memory()[1] - before < MOST_MEMORY, label
    return outcome
