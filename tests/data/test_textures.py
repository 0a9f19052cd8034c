"""The embedded data: what it promises, and that it is the same everywhere.

`python tests/data/test_textures.py` stores a new reference and prints its digest.
"""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from reference_textures import draw_reference_set, reference_digest

from cozad_teach.data.drawn import surfaces, textures
from cozad_teach.data.drawn.textures import (
    AUXILIARY_CATEGORIES,
    DEFECTS,
    UNSEEN_CATEGORIES,
    draw_category,
    draw_texture,
    write_dataset,
)
from cozad_teach.data.folders import open_dataset, read_image
from cozad_teach.data.masks import mask_of
from cozad_teach.errors import CozadError

DIGEST = "16d6da03f8bf50ae0887d31efe726c4bfb37f687047e30c154427642c2216a7d"
REFERENCE = Path(__file__).parent / "reference" / "textures.npz"
LOCK = Path(__file__).parents[2] / "requirements.lock"
DECIDING = ("numpy", "scipy", "pillow", "scikit-image")  # packages that decide on the bytes

ALL = AUXILIARY_CATEGORIES + UNSEEN_CATEGORIES
SIZE = (40, 56)


def family(category):
    return category.split("_")[0]


def unlocked_packages():
    lock = LOCK.read_text()
    pinned = {name: re.findall(rf"^{name}==(\S+)", lock, re.M) for name in DECIDING}
    return [name for name in DECIDING if version(name) not in pinned[name]]


# --- the same everywhere ---------------------------------------------------------------------


def test_reference_digest_under_locked_versions():
    if unlocked_packages():
        pytest.skip(f"bytes are promised for the locked versions only, not {unlocked_packages()}")
    assert reference_digest() == DIGEST, (
        "The embedded pictures have changed. If this is not on purpose, undo it. If the drawing "
        "was changed on purpose, or a version in requirements.lock (then check first that "
        "test_reference_within_one_grey_level still passes): look at the pictures, run "
        "`python tests/data/test_textures.py`, and copy the digest that it prints into DIGEST. "
        "All results in book/results that used embedded data must then be measured again."
    )


def test_reference_within_one_grey_level():
    drawn, stored = draw_reference_set(), np.load(REFERENCE, allow_pickle=False)
    difference = drawn.images[:, ::2, ::2].astype(int) - stored["images"]
    assert np.abs(difference).max() <= 1
    np.testing.assert_array_equal(np.packbits(drawn.masks), stored["masks"])


def test_reference_holds_each_family_whole_and_with_each_defect():
    drawn = draw_reference_set()
    families = len({family(name) for name in ALL})
    assert drawn.defects == ("good", *DEFECTS) * families
    assert len({image.tobytes() for image in drawn.images}) == len(drawn.defects)
    assert REFERENCE.stat().st_size < 60_000


SAME_ELSEWHERE = """
import socket, sys
def refuse(*args, **kwargs):
    raise AssertionError("the network was used")
socket.socket.connect = socket.getaddrinfo = refuse
from reference_textures import reference_digest
print(reference_digest())
assert "torch" not in sys.modules and "skimage.data._fetchers" not in sys.modules
"""


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHASHSEED": "1"},
        {"PYTHONHASHSEED": "2", "OMP_NUM_THREADS": "2"},
        {  # as on an older processor
            "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX2 FMA3 AVX512F AVX512_SKX",
            "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX512F",
        },
    ],
    ids=["process", "threads", "processor"],
)
def test_other_processes_draw_the_same_bytes_offline(environment, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SAME_ELSEWHERE],
        capture_output=True,
        text=True,
        cwd=LOCK.parent,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.strip() == reference_digest()


# --- categories ------------------------------------------------------------------------------


def test_unseen_families_are_never_used_for_training():
    auxiliary = {family(name) for name in AUXILIARY_CATEGORIES}
    unseen = {family(name) for name in UNSEEN_CATEGORIES}
    assert not auxiliary & unseen
    assert len(set(AUXILIARY_CATEGORIES)) == len(AUXILIARY_CATEGORIES) >= 20
    assert len(set(UNSEEN_CATEGORIES)) == len(UNSEEN_CATEGORIES) == 8
    photographs = {"brick", "gravel", "grass"}
    assert photographs & auxiliary and photographs & unseen


@pytest.mark.parametrize("category", ALL)
@pytest.mark.parametrize("size", [(32, 45), (45, 32), (40, 150)])
def test_sizes(category, size):
    image = draw_texture(category, 3, size)
    assert image.dtype == np.uint8
    assert image.shape == (*size, 3)
    assert image.flags["C_CONTIGUOUS"]


@pytest.mark.parametrize("category", ["gravel_grey", "brick_red"])
def test_sizes_beyond_the_photograph(category):
    assert draw_texture(category, 0, (600, 900)).std() > 15


@pytest.mark.parametrize("category", ALL)
def test_images_of_a_category_differ_a_little(category):
    images = np.stack([draw_texture(category, seed, (96, 128)) for seed in range(6)])
    assert len({image.tobytes() for image in images}) == len(images)
    means = images.mean(axis=(1, 2))
    assert 0.2 < means.std(axis=0).max() < 14
    for one, other in pairwise(images):
        assert np.abs(one.astype(int) - other).mean() > 1.5
    np.testing.assert_array_equal(images[0], draw_texture(category, 0, (96, 128)))


def look(image):
    """Colour, contrast and edges of an image, in grey levels."""
    grey = image.mean(axis=-1)
    edges = [np.abs(np.diff(grey, axis=axis)).mean() for axis in (0, 1)]
    return np.array([*image.mean(axis=(0, 1)), grey.std(), *(4 * np.array(edges))])


def test_categories_differ_more_than_their_images():
    looks = np.array(
        [[look(draw_texture(name, seed, (128, 160))) for seed in range(5)] for name in ALL]
    )
    centres = looks[:, :3].mean(axis=1)
    distances = np.linalg.norm(looks[:, 3:, None] - centres, axis=-1)
    hits = distances.argmin(axis=-1) == np.arange(len(ALL))[:, None]
    assert hits.mean() > 0.95


@pytest.mark.parametrize("category", ALL)
def test_images_are_photographs_not_graphics(category):
    image = draw_texture(category, 1, (128, 128)).astype(float)
    assert 15 < image.mean() < 240
    assert (image == 255).mean() < 0.02 and (image == 0).mean() < 0.02
    colours = np.unique(image.reshape(-1, 3), axis=0)
    assert len(colours) > 1000


# --- sets ------------------------------------------------------------------------------------


def test_draw_category():
    drawn = draw_category("wood_oak", 3, 7, seed=5, size=SIZE)
    assert drawn.images.shape == (10, *SIZE, 3) and drawn.images.dtype == np.uint8
    assert drawn.masks.shape == (10, *SIZE) and drawn.masks.dtype == bool
    assert drawn.defects == ("good",) * 3 + DEFECTS + DEFECTS[:2]
    assert not drawn.masks[:3].any()
    assert drawn.masks[3:].any(axis=(1, 2)).all()
    assert len({image.tobytes() for image in drawn.images}) == 10


def test_more_images_leave_the_first_as_they_are():
    few, many = (draw_category("knit_wool", *n, seed=1, size=SIZE) for n in ((2, 1), (4, 3)))
    np.testing.assert_array_equal(few.images[:2], many.images[:2])
    np.testing.assert_array_equal(few.images[2], many.images[4])
    np.testing.assert_array_equal(few.masks[2], many.masks[4])


def test_sets_share_no_image():
    drawn = [draw_category("cloud_paper", 4, 4, seed, SIZE).images for seed in range(3)]
    single = [draw_texture("cloud_paper", seed, SIZE) for seed in range(4)]
    images = [image.tobytes() for image in (*np.concatenate(drawn), *single)]
    assert len(set(images)) == len(images) == 28


def test_normal_or_anomalous_only():
    assert draw_category("grass_dry", 2, 0, 0, SIZE).defects == ("good", "good")
    assert draw_category("grass_dry", 0, 1, 0, SIZE).defects == ("blob",)


# --- files -----------------------------------------------------------------------------------


def files_of(root):
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def test_write_dataset(tmp_path):
    root = tmp_path / "new" / "data"
    write_dataset(root, ["wood_oak", "grass_dry"], 2, 1, 6, seed=4, size=SIZE)
    expected = {"train/good/000.png", "train/good/001.png", "test/good/000.png"}
    expected |= {f"test/{kind}/000.png" for kind in DEFECTS} | {"test/blob/001.png"}
    masks = {f"ground_truth/{kind}/000_mask.png" for kind in DEFECTS}
    masks |= {"ground_truth/blob/001_mask.png"}
    assert files_of(root / "wood_oak") == files_of(root / "grass_dry") == expected | masks
    assert [path.name for path in root.parent.iterdir()] == ["data"]

    drawn = draw_category("grass_dry", 3, 6, seed=4, size=SIZE)
    places = ["train/good/000", "train/good/001", "test/good/000"]
    places += [f"test/{kind}/000" for kind in DEFECTS] + ["test/blob/001"]
    for place, image, mask in zip(places, drawn.images, drawn.masks, strict=True):
        with Image.open(root / "grass_dry" / f"{place}.png") as picture:
            assert picture.mode == "RGB"
            np.testing.assert_array_equal(np.asarray(picture), image)
        if mask.any():
            name = place.replace("test", "ground_truth") + "_mask.png"
            with Image.open(root / "grass_dry" / name) as picture:
                assert picture.mode == "L"
                np.testing.assert_array_equal(np.asarray(picture), np.where(mask, 255, 0))


def test_written_datasets_open_as_datasets(tmp_path):
    write_dataset(tmp_path, UNSEEN_CATEGORIES[:2], 1, 1, 5, seed=0, size=SIZE)
    dataset = open_dataset(tmp_path)
    assert set(dataset) == set(UNSEEN_CATEGORIES[:2])
    for category in dataset.values():
        assert len(category.train_good) == 1 and len(category.test) == 6
        for item in category.test:
            assert read_image(item.image).shape == (*SIZE, 3)
            assert item.is_anomalous == (item.mask is not None)
            assert item.mask is None or mask_of(item.mask, item.image).pixels.any()


@pytest.mark.parametrize("existed", [False, True])
@pytest.mark.parametrize("interruption", [KeyboardInterrupt, OSError(28, "No space left")])
def test_interrupted_writing_leaves_nothing(tmp_path, monkeypatch, existed, interruption):
    root = tmp_path / "data"
    if existed:
        root.mkdir()
    save, calls = textures._save, []

    def save_until_interrupted(*arguments):
        calls.append(arguments)
        if len(calls) == 5:
            raise interruption
        save(*arguments)

    monkeypatch.setattr(textures, "_save", save_until_interrupted)
    error = CozadError if isinstance(interruption, OSError) else KeyboardInterrupt
    with pytest.raises(error):
        write_dataset(root, ["wood_oak"], 2, 2, 2, seed=0, size=SIZE)
    assert list(tmp_path.rglob("*")) == ([root] if existed else [])


def test_write_dataset_keeps_what_is_there(tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    for root in (tmp_path, tmp_path / "mine.txt"):
        with pytest.raises(CozadError, match="exists already"):
            write_dataset(root, ["wood_oak"], 1, 0, 0, seed=0, size=SIZE)
    with pytest.raises(CozadError, match="cannot write"):
        write_dataset(tmp_path / "mine.txt" / "data", ["wood_oak"], 1, 0, 0, seed=0, size=SIZE)
    assert files_of(tmp_path) == {"mine.txt"}


# --- bad arguments ---------------------------------------------------------------------------


def test_unknown_category_names_the_known_ones():
    with pytest.raises(CozadError, match=r"unknown category 'wood'.*wood_oak"):
        draw_texture("wood", 0)


@pytest.mark.parametrize("size", [(31, 64), (64, 31), (0, 0), (64, -64)])
def test_too_small(size):
    with pytest.raises(ValueError, match="at least 32 pixels"):
        draw_texture("wood_oak", 0, size)


def test_negative_seed():
    with pytest.raises(ValueError, match="seed must be 0 or more"):
        draw_texture("wood_oak", -1, SIZE)


@pytest.mark.parametrize("numbers", [(0, 0), (-1, 3), (3, -1)])
def test_numbers_of_images(numbers):
    with pytest.raises(ValueError, match="cannot draw"):
        draw_category("wood_oak", *numbers, 0, SIZE)


def test_write_dataset_arguments(tmp_path):
    root = tmp_path / "data"
    with pytest.raises(ValueError, match="cannot write"):
        write_dataset(root, ["wood_oak"], 3, -1, 1, seed=0)
    with pytest.raises(CozadError, match="name at least one"):
        write_dataset(root, [], 1, 1, 1, seed=0)
    with pytest.raises(CozadError, match="unknown category"):
        write_dataset(root, ["wood_oak", "glass"], 1, 0, 0, seed=0, size=SIZE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [None, b"", b"\x89PNG\r\n\x1a\n"])
def test_missing_photograph_is_never_downloaded(tmp_path, monkeypatch, content):
    (tmp_path / "data").mkdir()
    if content is not None:
        (tmp_path / "data" / "grass.png").write_bytes(content)
    monkeypatch.setattr(surfaces, "files", lambda package: tmp_path)
    surfaces.load_photograph.cache_clear()
    with pytest.raises(CozadError, match=r"grass\.png.*install scikit-image again"):
        draw_texture("grass_dry", 0, SIZE)


if __name__ == "__main__":
    reference = draw_reference_set()
    np.savez_compressed(
        REFERENCE, images=reference.images[:, ::2, ::2], masks=np.packbits(reference.masks)
    )
    print(reference_digest())
