"""The register of inputs: what users bring, what must happen, and that it happens everywhere.

A row is a small data set that the test makes, its kind, and what `evaluate`, `predict` and the
converters behind ``data_scripts/get.py`` must do with it: go through (0) or end with 2, and say
these words. The table is printed at the end of the tests' output.
"""

from __future__ import annotations

import csv
import io
import json
import os
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cozad_teach.cli import main as cli
from cozad_teach.cli import predict
from cozad_teach.cozad import CoZAD
from cozad_teach.data.formats import PLUGIN_OF_SUFFIX
from cozad_teach.data.images import read_image
from cozad_teach.data.masks import mask_of
from cozad_teach.evaluation import leaks, reports
from cozad_teach.evaluation.calibrated_model import CalibratedModel
from cozad_teach.evaluation.uncertainty import bootstrap
from cozad_teach.models.train import train
from cozad_teach.settings import LITE
from fetching import command as commands

HEIGHT, WIDTH = 30, 42
SHOWN = np.s_[5:11, 20:33]  # the defect, in an image as it is shown
NOTHING = np.zeros((HEIGHT, WIDTH), bool)
RNG = np.random.default_rng(7)
PIXELS = RNG.integers(80, 120, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def photograph(size: tuple[int, int] = (HEIGHT, WIDTH), shade: int = 0) -> Image.Image:
    return Image.fromarray(np.resize(PIXELS, (*size, 3)) + np.uint8(shade))


def defect(size: tuple[int, int] = (HEIGHT, WIDTH)) -> np.ndarray:
    mask = np.zeros(size, bool)
    mask[SHOWN] = True
    return mask


def encoded(image: Image.Image | np.ndarray, kind: str = "PNG", **options: Any) -> bytes:
    stream = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(
        stream, kind, **options
    )
    return stream.getvalue()


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def grey(mask: np.ndarray, value: int = 255, kind: str = "PNG", **options: Any) -> bytes:
    return encoded(mask * np.uint8(value), kind, **options)


Tree = dict[str, bytes]


def plain() -> Tree:
    """A data set in order: 2 images for training, 2 good ones and 3 with a cut."""
    tree = {f"train/good/{i}.png": encoded(photograph(shade=i)) for i in range(2)}
    tree |= {f"test/good/{i}.png": encoded(photograph(shade=4 + i)) for i in range(2)}
    for i in range(3):
        tree[f"test/cut/{i}.png"] = encoded(photograph(shade=8 + i))
        tree[f"ground_truth/cut/{i}_mask.png"] = grey(defect())
    return tree


def changed(changes: dict[str, bytes | str | None]) -> Callable[[Path], None]:
    """Write `plain` with files added; a text renames the file of that name, None takes it away."""

    def build(folder: Path) -> None:
        tree: Tree = plain()
        for name, content in changes.items():
            if isinstance(content, bytes):
                tree[name] = content
            else:
                old = tree.pop(name)
                if content is not None:
                    tree[content] = old
        write(folder, tree)

    return build


def moved(old: str, new: str) -> Callable[[Path], None]:
    """Write `plain` with one part of the paths renamed."""
    return lambda folder: write(folder, {k.replace(old, new): v for k, v in plain().items()})


OLD = "ground_truth/cut/0_mask.png"


def mask_of_0(content: bytes, **more: bytes | str | None) -> Callable[[Path], None]:
    return changed({OLD: content, **more})


def write(folder: Path, tree: Tree) -> None:
    for name, content in tree.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def then(build: Callable[[Path], None], act: Callable[[Path], object]) -> Callable[[Path], None]:
    def both(folder: Path) -> None:
        build(folder)
        act(folder)

    return both


@dataclass(frozen=True)
class Row:
    """A row of the register: of each command, the exit code and words that it must say.

    None where a command does not apply. ``used``: number of test images (evaluate) and of images
    (predict) that count. ``marked``: pixels of the mask of test/cut/0 that must come out.
    """

    kind: str
    what: str
    build: Callable[[Path], None]
    evaluate: tuple[Any, ...] | None = (0,)
    predict: tuple[Any, ...] | None = (0,)
    convert: tuple[Any, ...] | None = (0,)
    used: tuple[int, int] = (5, 7)
    marked: int | None = 78


def bits_16(top: int) -> bytes:
    values = np.linspace(0, top, HEIGHT * WIDTH).reshape(HEIGHT, WIDTH).astype(np.uint16)
    return encoded(values)


def huge() -> bytes:
    """A PNG of a few bytes that declares 3,600 million pixels."""
    content = bytearray(encoded(photograph()))
    content[16:24] = struct.pack(">II", 60_000, 60_000)
    content[29:33] = struct.pack(">I", zlib.crc32(content[12:29]))
    return bytes(content)


def rgba(alpha: int) -> bytes:
    image = photograph().convert("RGBA")
    image.putalpha(alpha)
    return encoded(image)


def animated() -> bytes:
    frames = [photograph(), photograph(shade=9)]
    return encoded(frames[0], "PNG", save_all=True, append_images=frames[1:])


def palette(colours: list[int], mask: np.ndarray) -> bytes:
    image = Image.fromarray(mask.astype(np.uint8), "P")
    image.putpalette(colours)
    return encoded(image)


def smooth() -> bytes:
    """A mask whose border was drawn with a soft brush."""
    values = np.zeros((HEIGHT, WIDTH), np.uint8)
    values[SHOWN] = 255
    values[4, 20:33], values[11, 20:33] = 20, 235
    return encoded(values)


def overlay(folder: Path) -> None:
    """What an earlier run wrote, and a copy of it under a name of the user's own."""
    from PIL import PngImagePlugin

    mark = PngImagePlugin.PngInfo()
    mark.add_text("Software", "cozad predict")
    for name in ("test/good/0.png.overlay.png", "test/cut/mine.png"):
        photograph().save(folder / name, pnginfo=mark)


def link(name: str, target: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).symlink_to(target)


def fan(folder: Path) -> None:
    """Ten folders, each with twenty links to the next: more paths than anyone can follow."""
    for level in range(10):
        (folder / f"level{level}").mkdir()
        for n in range(20 if level < 9 else 0):
            (folder / f"level{level}" / f"link{n}").symlink_to(folder / f"level{level + 1}")


def turned_image(orientation: int, mask: np.ndarray, size: tuple[int, int] = (HEIGHT, WIDTH)):
    """An image that its EXIF orientation turns, as shown of `size`, with a mask of that form."""
    stored = size[::-1] if orientation >= 5 else size
    image = encoded(photograph(stored, 8), "PNG", exif=turned(orientation))
    return mask_of_0(grey(mask), **{"test/cut/0.png": image})


NAMED = (2, "test/good/0.png")
BAD_IMAGES = {
    "a file of 0 bytes": (b"", "is empty (0 bytes)"),
    "an image that is cut short": (encoded(photograph())[:900], "damaged or cut short"),
    "a web page under an image's name": (b"<html>404</html>", "is not a PNG"),
    "an image with CMYK colours": (encoded(photograph().convert("CMYK"), "JPEG"), "CMYK"),
    "an image with transparency": (rgba(120), "has transparency"),
    "an animated image": (animated(), "animated"),
    "an image that declares too many pixels": (huge(), "million pixels"),
}
# What a converter can save anew, it does; damage behind the header it does not look for.
CONVERTED = (
    "an image that is cut short",
    "an image with CMYK colours",
    "an image with transparency",
    "an animated image",
)
JPEG_MASK = grey(np.kron(defect(), np.ones((1, 1), bool)), kind="JPEG", quality=60)
LARGE = np.zeros((HEIGHT * 10, WIDTH * 10), bool)
LARGE[101:104, 207:210] = True  # 3 x 3 pixels of a mask ten times as large: one of the image
CLASSES = defect().astype(np.uint8)
CLASSES[5:7, 20:33] = 2
CLASSES[7:9, 20:33] = 3
NAN = np.where(defect(), np.nan, 0).astype(np.float32)
SHARES = np.linspace(0, 1, HEIGHT * WIDTH, dtype=np.float32).reshape(HEIGHT, WIDTH)
OFF = {"marked": None}

ROWS = [
    Row("order", "a data set in order", changed({}), (0, "5 test images used, no file left out")),
    # Files that are there but not counted
    *(
        Row(
            "format",
            f"a good image as {kind} ({suffix})",
            changed({f"test/good/9{suffix}": encoded(photograph(shade=3), kind)}),
            (0, "6 test images used, no file left out"),
            (0, "8 images used, "),
            used=(6, 8),
        )
        for suffix, kind in {
            **{".jfif": "JPEG", ".jpe": "JPEG", ".JPEG": "JPEG", ".mpo": "MPO", ".webp": "WEBP"},
            **{".ppm": "PPM", ".pnm": "PPM", ".bmp": "BMP", ".dib": "BMP", ".tif": "TIFF"},
            **{".avif": "AVIF", ".jp2": "JPEG2000"},
        }.items()
    ),
    Row(
        "format",
        "a grey image as PGM",
        changed({"test/good/9.pgm": encoded(photograph().convert("L"), "PPM")}),
        (0, "6 test images used"),
        (0, "8 images used"),
        used=(6, 8),
    ),
    *(
        Row(
            "format",
            f"{suffix} beside images that can be read",
            changed({f"test/good/9{suffix}": b"\0" * 99}),
            (0, "1 file left out", words, f"test/good/9{suffix}"),
            (0, "files left out", words, f"test/good/9{suffix}"),
            (0, words, f"test/good/9{suffix}"),
        )
        for suffix, words in {
            **{s: "needs the package pillow-heif (pip install" for s in PLUGIN_OF_SUFFIX},
            **{".gif": "GIF is not read here", ".CR2": "CR2 is not read here (save it as PNG"},
            **{".svg": "SVG is not read here", ".mp4": "MP4 is not read here"},
        }.items()
    ),
    Row(
        "format",
        "files of another kind, hidden ones, and one without a suffix",
        changed(
            {
                **{"notes.txt": b"x", "test/good/IMG_7": encoded(photograph())},
                **{".DS_Store": b"x", "test/good/._0.png": b"x", "__MACOSX/test/._0.png": b"x"},
            }
        ),
        (0, "5 files left out", "no image by its name: notes.txt, test/good/IMG_7", "__MACOSX"),
        (0, "files left out", "notes.txt", "IMG_7", ".DS_Store"),
        (0,),
    ),
    Row(
        "format",
        "more files left out than a line can name",
        changed({f"notes{i:02}.txt": b"x" for i in range(14)}),
        (0, "14 files left out", "notes09.txt, 4 more in"),
        (0, "more in"),
        (0,),
    ),
    Row(
        "format",
        "only files that cannot be read here",
        lambda folder: write(folder, {f"test/good/{i}.gif": b"GIF89a" for i in range(3)}),
        (2, "holds no images that can be read: test/good/0.gif (and 2 more): GIF is not read here"),
        (2, "GIF is not read here"),
        (2, "train/good"),
    ),
    Row(
        "format",
        "an image that belongs to no part of the set",
        changed({"overview.png": encoded(photograph()), "val/good/0.png": encoded(photograph())}),
        (0, "2 files left out (not in train, test or ground_truth: overview.png, val/good/0.png)"),
        (0, "9 images used"),
        (0, "overview.png"),
        used=(5, 9),
    ),
    Row(
        "output",
        "heat maps of an earlier run among the images",
        then(changed({}), overlay),
        (0, "2 files left out (a heat map of cozad predict: test/cut/mine.png, test/good/0.png.ov"),
        (0, "7 images used", "a heat map of cozad predict: test/cut/mine.png"),
    ),
    # Labels read from names
    *(
        Row("label", f"{new} for {old}", moved(old, new), convert=convert)
        for old, new, convert in (
            ("test/good", "test/Good", (0,)),
            ("test/good", "test/ok", (0,)),
            ("test/good", "test/NORMAL", (0,)),
            ("test/good", "test/Good ", (0, "2 test good")),
            ("test/good", "test/_good", (0, "2 test good")),
            ("test/good", "test/\uff47\uff4f\uff4f\uff44", (0, "2 test good")),
            ("train/good", "train/Good", (2, "train/good")),
            ("train/", "Train/", (2, "train/good")),
            ("test/", "TEST/", None),
            ("ground_truth/", "Ground_Truth/", None),
            ("ground_truth/", "ground-truth/", None),
            ("ground_truth/cut", "ground_truth/Cut", None),
            ("test/cut", "test/Cut", None),
        )
    ),
    *(
        Row(
            "label",
            f"normal images in test/{name}",
            moved("test/good", f"test/{name}"),
            (2, f"test/{name}/0.png is in test/{name}, which may mean normal images: call the"),
            convert=None,
        )
        for name in (
            *("clean", "no_defect", "Defect-Free", "healthy", "not defective", "no anomalies"),
            *("good2", "good (1)", "0_good", "good parts", "Normal 3"),
        )
    ),
    Row("label", "good and ok side by side", moved("test/good/1", "test/ok/1"), convert=None),
    Row(
        "label",
        "a defect among the images for training",
        moved("train/good/0", "train/cut/0"),
        (2, "train/cut/0.png is in train/cut: train holds normal images only"),
        convert=None,
    ),
    Row(
        "label",
        "no good image in test",
        changed({"test/good/0.png": None, "test/good/1.png": None}),
        (0, "no image_auroc, image_ap, image_f1max of", "no normal images", "3 test images used"),
        used=(3, 5),
    ),
    # Which mask belongs to which image
    *(
        Row("mask name", f"a mask called {name}", changed({OLD: f"ground_truth/cut/{name}"}))
        for name in ("0_mask.PNG", "0.png", "mask_0.png", "0_gt.png", "0-mask.png", "0_label.png")
    ),
    Row(
        "mask name",
        "an image and its mask that differ in upper and lower case",
        changed(
            {
                "test/cut/0.png": "test/cut/IMG_A.PNG",
                "ground_truth/cut/0_mask.png": "ground_truth/cut/img_a_mask.png",
            }
        ),
    ),
    *(
        Row(
            "mask name",
            f"a mask as {kind}",
            changed({OLD: None, f"ground_truth/cut/0_mask{suffix}": grey(defect(), kind=kind)}),
        )
        for suffix, kind in {".bmp": "BMP", ".tif": "TIFF", ".pgm": "PPM"}.items()
    ),
    Row(
        "mask name",
        "two masks of one image",
        changed({"ground_truth/cut/0.png": grey(defect())}),
        (2, "ground_truth/cut/0_mask.png and ground_truth/cut/0.png are masks of one image"),
        convert=(2,),
        predict=(0,),
    ),
    Row(
        "mask name",
        "a mask without an image",
        changed({"ground_truth/cut/7_mask.png": grey(defect())}),
        (2, "ground_truth/cut/7_mask.png is a mask without an image"),
        convert=(2, "7_mask.png"),
    ),
    Row(
        "mask name",
        "a mask of two images",
        changed({"test/cut/0.jpg": encoded(photograph(), "JPEG")}),
        (2, "ground_truth/cut/0_mask.png belongs to 2 images"),
        convert=None,
        used=(5, 8),
    ),
    Row(
        "mask name",
        "a mask among the images",
        changed({"test/cut/1_mask.png": grey(defect())}),
        (2, "test/cut/1_mask.png seems to be a mask"),
        (0, "7 images used", "a mask by its name"),
        convert=None,
    ),
    # What the values of a mask mean
    *(
        Row("mask value", f"a mask of 0 and {value}", mask_of_0(grey(defect(), value)))
        for value in (1, 128, 236, 255)
    ),
    Row("mask value", "a mask of 1 bit", mask_of_0(encoded(Image.fromarray(defect())))),
    Row(
        "mask value",
        "a mask of 16 bits",
        mask_of_0(encoded(defect().astype(np.uint16) * np.uint16(65535))),
    ),
    Row(
        "mask value",
        "a mask in colours",
        mask_of_0(encoded(np.dstack([0 * CLASSES] * 2 + [CLASSES]))),
    ),
    Row("mask value", "a mask with numbers for kinds of defects", mask_of_0(encoded(CLASSES))),
    Row(
        "mask value", "a palette, black and red", mask_of_0(palette([0, 0, 0, 255, 0, 0], defect()))
    ),
    Row(
        "mask value",
        "a palette with a white background",
        mask_of_0(palette([255, 255, 255, 0, 0, 0], defect())),
    ),
    Row(
        "mask value",
        "a palette in which black is the defect",
        mask_of_0(palette([255, 255, 255, 0, 0, 0], ~defect())),
        (2, "0_mask.png has a palette in which black is the defect"),
        convert=(2, "0_mask.png"),
    ),
    Row(
        "mask value",
        "a palette in which black is the defect, and the rest red",
        mask_of_0(palette([255, 0, 0, 0, 0, 0], ~defect())),
        (2, "0_mask.png has a palette in which black is the defect"),
        convert=(2, "0_mask.png"),
    ),
    *(
        Row(
            "mask value",
            f"a mask in red on {ground}",
            mask_of_0(encoded(np.where(defect()[..., None], [255, 0, 0], value).astype(np.uint8))),
            (2, "0_mask.png has colours on another ground than black"),
            convert=(2, "0_mask.png has colours"),
        )
        for ground, value in {"white": 255, "grey": 128}.items()
    ),
    *(
        Row(
            "mask value",
            what,
            mask_of_0(content),
            (2, "ground_truth/cut/0_mask.png has values near 0 and near", "threshold it at 128"),
            convert=(2, "/c/ground_truth/cut/0_mask.png has values near 0", "threshold it at 128"),
        )
        for what, content in {
            "a mask that was saved as JPEG": JPEG_MASK,
            "a mask that was saved as JPEG, then as PNG": encoded(
                Image.open(io.BytesIO(JPEG_MASK))
            ),
            "a mask drawn with a soft brush": smooth(),
            "a mask saved as lossy WebP": grey(defect(), kind="WEBP", quality=40),
        }.items()
    ),
    Row(
        "mask value",
        "a mask with transparency",
        mask_of_0(encoded(Image.merge("LA", [Image.fromarray(defect() * np.uint8(255))] * 2))),
        (2, "0_mask.png has transparency"),
        convert=(2, "0_mask.png has transparency"),
    ),
    Row(
        "mask value",
        "a mask with transparency that hides nothing",
        mask_of_0(encoded(Image.fromarray(defect() * np.uint8(255)).convert("RGBA"))),
    ),
    Row(
        "mask value",
        "a mask that holds no numbers",
        changed({OLD: None, "ground_truth/cut/0_mask.tif": encoded(NAN, "TIFF")}),
        (2, "0_mask.tif holds values that are no numbers"),
        convert=(2, "0_mask.tif"),
    ),
    Row(
        "mask value",
        "a mask that is inverted",
        mask_of_0(grey(~defect())),
        (
            0,
            "1 masks to look at: ground_truth/cut/0_mask.png is anomalous in 94% of its pixels: is",
        ),
        convert=(0, "is it inverted?"),
        marked=HEIGHT * WIDTH - 78,
    ),
    Row(
        "mask value",
        "a mask that is inverted, with a large defect",
        mask_of_0(grey(np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) >= 450)),
        (0, "0_mask.png is anomalous in 64% of its pixels: is it inverted?"),
        convert=(0, "64% of its pixels: is it inverted?"),
        marked=HEIGHT * WIDTH - 450,
    ),
    Row(
        "mask value",
        "a mask of shares from 0 to 1",
        changed({OLD: None, "ground_truth/cut/0_mask.tif": encoded(SHARES, "TIFF")}),
        (2, "0_mask.tif has values near 0 and near 1,", "threshold it at 0.5"),
        convert=(2, "0_mask.tif has values near 0 and near 1,", "threshold it at 0.5"),
    ),
    Row(
        "mask value",
        "an empty mask of an anomalous image",
        mask_of_0(grey(NOTHING)),
        (0, "1 images that count in no pixel metric: test/cut/0.png is anomalous, but its mask is"),
        marked=0,
    ),
    Row(
        "mask value",
        "a defect in the mask of a good image",
        changed({"ground_truth/good/0_mask.png": grey(defect())}),
        (0, "1 images that count in no pixel metric: test/good/0.png is good, but its mask has"),
    ),
    Row(
        "mask value",
        "an anomalous image without a mask",
        changed({"ground_truth/cut/1_mask.png": None}),
        (0, "1 of 3 anomalous images has no mask", "without a mask: test/cut/1.png"),
    ),
    # Size and orientation of a mask
    Row(
        "mask size",
        "a mask ten times as large, with a defect of 3 x 3 pixels",
        mask_of_0(grey(LARGE)),
        (0, "1 masks to look at: ground_truth/cut/0_mask.png has 420 x 300 pixels, its image 42 x"),
        convert=(0, "it is resized"),
        marked=1,
    ),
    Row(
        "mask size",
        "a mask half as large",
        mask_of_0(grey(defect()[::2, ::2])),
        (0, "it is resized"),
        convert=(0, "it is resized"),
        marked=int(defect()[::2, ::2].sum()) * 4,
    ),
    Row(
        "mask size",
        "a mask of another shape",
        mask_of_0(grey(defect().T)),
        (
            2,
            "ground_truth/cut/0_mask.png has 30 x 42 pixels, its image 42 x 30: they do not belong",
        ),
        convert=(2, "30 x 42 pixels, its image 42 x 30: they do not belong together"),
    ),
    Row("mask turn", "an image turned by EXIF, a mask as it is shown", turned_image(6, defect())),
    Row(
        "mask turn",
        "an image turned by EXIF, a mask on its stored pixels",
        turned_image(6, np.rot90(defect())),
        (0, "was drawn on the stored pixels: it is turned as its image is"),
        convert=(0, "was drawn on the stored pixels"),
    ),
    Row(
        "mask turn",
        "the same, turned the other way",
        turned_image(8, np.rot90(defect(), -1)),
        (0, "was drawn on the stored pixels"),
        convert=(0, "was drawn on the stored pixels"),
    ),
    *(
        Row(
            "mask turn",
            f"a mask that fits its image both ways (orientation {orientation})",
            turned_image(orientation, mask, mask.shape),
            (2, "0_mask.png fits its image both as it is stored and as it is shown"),
            convert=(2, "fits its image both"),
        )
        for orientation, mask in {3: defect(), 2: defect(), 6: defect((WIDTH, WIDTH))}.items()
    ),
    Row(
        "mask turn",
        "the same, but the mask says how it is to be shown",
        mask_of_0(
            grey(np.rot90(defect(), 2), exif=turned(3)),
            **{"test/cut/0.png": encoded(photograph(shade=8), exif=turned(3))},
        ),
    ),
    Row("mask turn", "the same, but the mask is empty", turned_image(3, NOTHING), marked=0),
    Row(
        "mask turn",
        "a TIFF that is turned, a mask as it is shown",
        mask_of_0(
            grey(defect()),
            **{
                "test/cut/0.png": None,
                "test/cut/0.tif": encoded(photograph((WIDTH, HEIGHT), 8), "TIFF", exif=turned(6)),
            },
        ),
    ),
    Row(
        "mask turn",
        "a TIFF that is turned, a mask on its stored pixels",
        mask_of_0(
            grey(np.rot90(defect())),
            **{
                "test/cut/0.png": None,
                "test/cut/0.tif": encoded(photograph((WIDTH, HEIGHT), 8), "TIFF", exif=turned(6)),
            },
        ),
        (0, "was drawn on the stored pixels"),
        convert=(0, "was drawn on the stored pixels"),
    ),
    # Images that cannot be used
    *(
        Row(
            "image",
            what,
            changed({"test/good/0.png": content}),
            (*NAMED, words),
            (*NAMED, words),
            (0,) if what in CONVERTED else (2, "0.png"),
            **OFF,
        )
        for what, (content, words) in BAD_IMAGES.items()
    ),
    Row(
        "image",
        "two images that cannot be used",
        changed({"test/good/0.png": b"", "test/cut/2.png": b"nonsense"}),
        (2, "2 files cannot be used: ", "test/good/0.png is empty", "test/cut/2.png is not a PNG"),
        (2, "2 files cannot be used: ", "test/good/0.png is empty", "test/cut/2.png is not a PNG"),
        (2, ".png"),
        **OFF,
    ),
    Row(
        "depth",
        "an image of 16 bits",
        changed({"test/good/0.png": bits_16(65535)}),
        (*NAMED, "more than 8 bits per channel"),
        (*NAMED, "more than 8 bits per channel"),
        **OFF,
    ),
    Row(
        "depth",
        "an image of 12 bits in 16",
        changed({"test/good/0.png": bits_16(4095)}),
        (*NAMED, "more than 8 bits per channel"),
        (*NAMED, "more than 8 bits per channel"),
        (2, "0.png uses 12 of its 16 bits per channel"),
        **OFF,
    ),
    Row(
        "depth",
        "an image of floating-point numbers",
        changed(
            {
                "test/good/0.png": None,
                "test/good/0.tif": encoded(PIXELS[..., 0] / np.float32(255), "TIFF"),
            }
        ),
        (2, "test/good/0.tif", "more than 8 bits"),
        (2, "test/good/0.tif", "more than 8 bits"),
        (2, "0.tif has floating-point values"),
        **OFF,
    ),
    # Folders
    Row(
        "folder",
        "a pipe under an image's name",
        then(changed({}), lambda folder: os.mkfifo(folder / "test/good/9.png")),
        (2, "test/good/9.png is a broken link or no file"),
        (2, "test/good/9.png is a broken link or no file"),
        (0, "1 file left out (a broken link or no file: c/test/good/9.png)"),
    ),
    Row(
        "folder",
        "an image that is an endless device",
        then(changed({}), link("test/good/9.png", "/dev/zero")),
        (2, "test/good/9.png is a broken link or no file"),
        (2, "test/good/9.png is a broken link or no file"),
    ),
    Row(
        "folder",
        "a pipe of another name, and a link that leads nowhere",
        then(
            then(changed({}), lambda folder: os.mkfifo(folder / "pipe")), link("nowhere", "missing")
        ),
        (0, "2 files left out (no image by its name: nowhere, pipe)"),
        (0, "nowhere"),
    ),
    Row(
        "folder",
        "a link that leads back up",
        then(changed({}), link("test/again", "..")),
        convert=(2, "test/again is a link to a folder: put the folder itself there"),
    ),
    Row(
        "folder",
        "a folder of the set that is a link",
        then(
            changed({}),
            lambda folder: (folder / "test/cut").symlink_to(
                (folder / "test/cut").rename(folder.parent.parent / "elsewhere")
            ),
        ),
        predict=None,
        convert=(2, "test/cut is a link to a folder: put the folder itself there"),
    ),
    Row(
        "folder",
        "masks in a folder of their name",
        moved("ground_truth", "Masks"),
        (
            0,
            "3 files left out (not in train, test or ground_truth: Masks/cut/0_mask.png",
            "no masks",
        ),
        (0, "7 images used, 3 files left out (a mask by its name: Masks/cut/0_mask.png"),
        (0, "3 files left out (not in the layout of its owner: c/Masks/cut/0_mask.png"),
        marked=None,
    ),
    Row(
        "folder",
        "a fan of links",
        then(changed({}), fan),
        (2, "is one of more than 100 links to"),
        (2, "is one of more than 100 links to"),
        None,
    ),
    Row(
        "folder",
        "a name of 240 characters",
        changed({"test/good/0.png": f"test/good/{'x' * 236}.png"}),
    ),
    Row(
        "folder",
        "names that colour a terminal",
        changed({"test/good/0.png": "test/good/\x1b[31m.png", "notes\x1b[2J.txt": b"x"}),
        (0, r"'notes\x1b[2J.txt'"),
        (0, r"'notes\x1b[2J.txt'"),
    ),
]


@pytest.fixture(scope="module")
def model() -> CoZAD:
    """Train a model that is small and worth nothing: what files do to a run, it shows."""
    small = {"image_size": 64, "strides": (16,), "images_per_category": 12, "patches_per_image": 8}
    return train(replace(LITE, **small, meta_steps=1, inner_steps=1, passes=1), seed=0)


@pytest.fixture
def calibrated_once(model: CoZAD, monkeypatch: pytest.MonkeyPatch) -> None:
    """Load and calibrate the model once for all rows; leave out what is not about files."""
    for command in (cli, predict):
        monkeypatch.setattr(command, "load_model_of", lambda options: model)
    monkeypatch.setattr(reports, "CalibratedModel", _calibrated)
    monkeypatch.setattr(leaks, "find_copies", lambda *_, **__: [])
    monkeypatch.setattr(bootstrap, "N_RESAMPLES", 20)


_CALIBRATED: dict[int, CalibratedModel] = {}


def _calibrated(model: CoZAD, *, progress: bool) -> CalibratedModel:
    return _CALIBRATED.setdefault(id(model), CalibratedModel(model))


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[[int, tuple[int, ...]], str]:
    """Compare exit code and words of a command; give what it printed."""

    def check(code: int, wanted: tuple[Any, ...]) -> str:
        captured = capsys.readouterr()
        lines = [line for line in captured.err.splitlines() if ": error: " in line]
        printed = captured.out if code == 0 else "\n".join(lines)
        assert code == wanted[0], captured.out + captured.err
        assert code == 0 or len(lines) == 1, captured.err
        for words in wanted[1:]:
            assert words in printed, printed
        assert "\x1b" not in printed
        return printed

    return check


def evaluated(row: Row, folder: Path, out: Path, said: Callable[..., str]) -> None:
    arguments = ["--model", "m", "--data", str(folder), "--method", "mahalanobis"]
    code = cli.main(["evaluate", *arguments, "--out", str(out / "report.json")])
    printed = said(code, row.evaluate)
    assert (out / "report.json").exists() == (code == 0)
    if code == 0:
        report = json.loads((out / "report.json").read_text())
        (category,) = report["categories"].values()
        assert category["n_normal"] + category["n_anomalous"] == row.used[0]
        # The last line counts, and the report names all that it counts.
        last = printed.strip().splitlines()[-1]
        assert last.startswith(f"{row.used[0]} test images used, ")
        left_out = report["left_out"]
        plural = "s" if len(left_out) > 1 else ""
        assert (f"{len(left_out)} file{plural} left out" if left_out else "no file") in last


def predicted(row: Row, folder: Path, out: Path, said: Callable[..., str]) -> None:
    code = cli.main(
        ["predict", "--model", "m", "--images", str(folder), "--out", str(out / "maps")]
    )
    printed = said(code, row.predict)
    if code:
        assert not (out / "maps").exists() or not list((out / "maps").iterdir())
        return
    with (out / "maps" / "scores.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == row.used[1]
    for line in rows:
        with Image.open(out / "maps" / line["overlay"]) as drawn:
            assert drawn.mode == "RGB"
    assert printed.strip().splitlines()[-1].startswith(f"{row.used[1]} images used, ")
    with (out / "maps" / "left_out.csv").open(encoding="utf-8", newline="") as file:
        left_out = list(csv.DictReader(file))
    # All files are in the one list or in the other.
    n_files = sum(len(names) for _, _, names in os.walk(folder) if "__MACOSX" not in _)
    if "__MACOSX" not in printed:
        assert len(rows) + len(left_out) == n_files


MANIFEST = """
mine: {title: Mine, homepage: "https://example.org", licence: CC0, commercial_use: yes,
  pictures: yes, citation: Me, access: form, steps: Ask me., converter: mvtec, split: mine,
  categories: [c],
  archives: [{file: c.zip, bytes: unverified, sha256: unverified, mirrors: []}],
  images: {train_good: unverified, test_good: unverified, test_anomalous: unverified,
    masks: unverified}}
"""


def converted(row: Row, folder: Path, out: Path, said: Callable[..., str]) -> None:
    manifest, root = out / "manifest.yml", out / "root"
    manifest.write_text(MANIFEST)
    arguments = ["mine", "--from", str(folder.parent), "--root", str(root)]
    code = commands.main(manifest, arguments)
    said(code, row.convert)
    assert (root / "mine").exists() == (code == 0)
    if code == 0 and row.marked is not None:
        (path,) = (root / "mine/c/ground_truth/cut").glob("[0Ii]*_mask.png")
        assert int((np.asarray(Image.open(path)) > 0).sum()) == row.marked


DOES = {"evaluate": evaluated, "predict": predicted, "convert": converted}
CASES = [
    pytest.param(row, command, id=f"{row.kind}: {row.what}, {command}")
    for row in ROWS
    for command in DOES
    if getattr(row, command) is not None
]


@pytest.mark.parametrize(("row", "command"), CASES)
def test_what_happens(
    row: Row,
    command: str,
    tmp_path: Path,
    said: Callable[..., str],
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> None:
    wanted = getattr(row, command)
    outcome = "goes through" if wanted[0] == 0 else f"ends with {wanted[0]}"
    record_property("register", (row.kind, row.what, command, outcome))
    if command != "convert":
        request.getfixturevalue("calibrated_once")
    folder, out = tmp_path / "in" / "c", tmp_path / "out"
    folder.mkdir(parents=True)
    out.mkdir()
    row.build(folder)
    DOES[command](row, folder, out, said)


@pytest.mark.parametrize("row", [r for r in ROWS if r.evaluate and r.evaluate[0] == 0 and r.marked])
def test_masks_come_out_the_same_in_folders_and_converters(row: Row, tmp_path: Path) -> None:
    """The mask of test/cut/0 has as many pixels in a folder as after conversion, where they are."""
    from cozad_teach.data.folders import open_dataset

    (tmp_path / "c").mkdir()
    row.build(tmp_path / "c")
    (category,) = open_dataset(tmp_path / "c").values()
    item = next(item for item in category.test if item.defect.casefold() == "cut")
    assert item.mask is not None
    pixels = mask_of(item.mask, item.image).pixels
    assert pixels.shape == read_image(item.image).shape[:2]
    assert pixels.sum() == row.marked
    if row.marked == SHOWN_PIXELS:
        np.testing.assert_array_equal(pixels, defect(pixels.shape))


SHOWN_PIXELS = int(defect().sum())
