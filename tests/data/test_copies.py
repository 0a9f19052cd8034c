"""Planted copies are found and called by their kind; different pictures are left alone."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.ndimage import gaussian_filter

from cozad_teach.data.drawn.textures import AUXILIARY_CATEGORIES, UNSEEN_CATEGORIES, draw_category
from cozad_teach.data.folders import open_dataset, read_image
from cozad_teach.data.identity import copies
from cozad_teach.data.identity import crops as crops_module
from cozad_teach.data.identity.copies import Copy, find_copies
from cozad_teach.data.identity.fingerprints import (
    THUMBNAIL_SIDE,
    Fingerprints,
    image_hash,
    perceptual_hash,
    thumbnail,
)
from cozad_teach.data.identity.thumbnails import (
    common_pictures,
    correlation,
    normed,
    pooled,
    without,
)

Picture = np.ndarray


def jpeg(image: Picture, quality: int = 75) -> Picture:
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream).convert("RGB"))


def scaled(image: Picture, factor: float) -> Picture:
    height, width = image.shape[:2]
    size = (round(width * factor), round(height * factor))
    return np.asarray(Image.fromarray(np.ascontiguousarray(image)).resize(size))


def brighter(image: Picture) -> Picture:
    return (0.7 * image + 60).astype(np.uint8)


def crop(image: Picture, share: float, top: float = 0.2, left: float = 0.7) -> Picture:
    """Keep `share` of each side; `top` and `left` say where, from 0 to 1."""
    height, width = (round(share * side) for side in image.shape[:2])
    y, x = round(top * (image.shape[0] - height)), round(left * (image.shape[1] - width))
    return image[y : y + height, x : x + width]


def prints(images: list[Picture] | Picture, name: str = "image") -> Fingerprints:
    return Fingerprints.of([f"{name} {i}" for i in range(len(images))], list(images))


@pytest.fixture(scope="module")
def pictures() -> list[Picture]:
    """Two pictures of each of several materials, not square, with and without a defect."""
    names = ("wood_oak", "cells_terrazzo", "cloud_concrete", "marble_white", "leather_brown")
    sets = [draw_category(name, 1, 1, seed=3, size=(176, 224)) for name in names]
    return [image for drawn in sets for image in drawn.images]


# Fingerprints


def test_thumbnails_average_and_the_hash_compares_with_the_median() -> None:
    grey = np.random.default_rng(0).integers(0, 256, (8, 8), dtype=np.uint8)
    image = np.repeat(np.repeat(grey, 20, 0), 28, 1)[..., None].repeat(3, 2)
    thumb = thumbnail(image)
    assert thumb.dtype == np.uint8 and thumb.shape == (THUMBNAIL_SIDE, THUMBNAIL_SIDE)
    middles = thumb.reshape(8, 8, 8, 8)[:, 3:5, :, 3:5].astype(int)
    assert (np.abs(middles - grey[:, None, :, None]) <= 1).all()
    cells = thumb.reshape(8, 8, 8, 8).mean((1, 3))
    bits = "".join("1" if cell > np.median(cells) else "0" for row in cells for cell in row)
    assert perceptual_hash(thumb) == f"{int(bits, 2):016x}"


@pytest.mark.parametrize(
    ("change", "most_bits"), [(jpeg, 4), (lambda i: scaled(i, 0.5), 4), (brighter, 4)]
)
def test_the_perceptual_hash_of_a_copy_differs_in_few_bits(
    pictures: list[Picture], change: Callable[[Picture], Picture], most_bits: int
) -> None:
    for image in pictures:
        codes = [int(perceptual_hash(thumbnail(i)), 16) for i in (image, change(image))]
        assert (codes[0] ^ codes[1]).bit_count() <= most_bits


def test_fingerprints_are_joined_and_chosen() -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 9, 17, 3), dtype=np.uint8)
    whole = prints(images)
    again = Fingerprints.join([whole.take([0, 1]), whole.take([2, 3, 4])])
    assert (again.names, again.hashes) == (whole.names, whole.hashes)
    np.testing.assert_array_equal(again.thumbnails, whole.thumbnails)
    assert whole.hashes == tuple(image_hash(image) for image in images)
    assert whole.perceptual_hashes() == tuple(map(perceptual_hash, whole.thumbnails))
    assert whole.take([3, 0]).names == ("image 3", "image 0")
    assert len(Fingerprints.join([])) == len(whole.take([])) == 0


@pytest.mark.parametrize("shape", [(8, 9), (8, 9, 4)])
def test_other_arrays_have_no_thumbnail(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected uint8"):
        thumbnail(np.zeros(shape, np.uint8))


# Planted copies

WHOLE = {
    "the same file": (lambda i: i, "same pixels"),
    "saved as JPEG": (jpeg, "saved anew"),
    "saved as poor JPEG": (lambda i: jpeg(i, 30), "saved anew"),
    "half the size": (lambda i: scaled(i, 0.5), "saved anew"),
    "other sides": (lambda i: np.asarray(Image.fromarray(i).resize((150, 210))), "saved anew"),
    "brighter": (brighter, "saved anew"),
    "grey": (lambda i: np.asarray(Image.fromarray(i).convert("L").convert("RGB")), "saved anew"),
    "mirrored": (lambda i: jpeg(i[:, ::-1]), "mirrored or turned"),
    "upside down": (lambda i: jpeg(i[::-1]), "mirrored or turned"),
    "turned left": (lambda i: jpeg(np.rot90(i)), "mirrored or turned"),
    "turned right and mirrored": (lambda i: jpeg(np.rot90(i[:, ::-1], 3)), "mirrored or turned"),
}
CROPS = {
    "nine tenths": lambda i: jpeg(crop(i, 0.9)),
    "three quarters": lambda i: jpeg(crop(i, 0.75, 1.0, 0.1)),
    "six tenths, mirrored": lambda i: jpeg(crop(i, 0.6, 0.5, 0.9)[:, ::-1]),
    "seven tenths, enlarged": lambda i: scaled(crop(i, 0.7), 1.5),
    "left half": lambda i: jpeg(i[:, : i.shape[1] // 2]),
    "two thirds of the width": lambda i: jpeg(i[:, i.shape[1] // 3 :]),
    "upper seven tenths": lambda i: jpeg(i[: 7 * i.shape[0] // 10]),
    "square in the middle": lambda i: jpeg(i[:, 24:200]),
}


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("copies_are_first", [False, True])
def test_whole_copies(pictures: list[Picture], name: str, copies_are_first: bool) -> None:
    change, kind = WHOLE[name]
    sets = [prints(pictures), prints([change(image) for image in pictures])]
    found = find_copies(*sets[:: -1 if copies_are_first else 1], same_kind=True)
    assert [(c.first, c.second) for c in found] == [(i, i) for i in range(len(pictures))]
    assert {c.kind for c in found} == {kind}
    assert all(0.95 <= c.similarity <= 1 + 1e-5 for c in found)


@pytest.mark.parametrize("name", CROPS)
@pytest.mark.parametrize("crops_are_first", [False, True])
def test_crops(pictures: list[Picture], name: str, crops_are_first: bool) -> None:
    sets = [prints(pictures), prints([CROPS[name](image) for image in pictures])]
    found = find_copies(*sets[:: -1 if crops_are_first else 1])
    pairs, all_pairs = {(c.first, c.second) for c in found}, {(i, i) for i in range(len(pictures))}
    assert pairs <= all_pairs
    # The last two are leather, so fine that a thumbnail may keep too little of it.
    assert all_pairs - pairs <= {(8, 8), (9, 9)}


def test_one_copy_among_many_of_one_image(pictures: list[Picture]) -> None:
    found = find_copies(prints(pictures), prints([jpeg(pictures[3])]))
    assert [(c.first, c.second, c.kind) for c in found] == [(3, 0, "saved anew")]
    found = find_copies(prints([pictures[3]]), prints([jpeg(image) for image in pictures]))
    assert [(c.first, c.second, c.kind) for c in found] == [(0, 3, "saved anew")]


def test_of_two_images_that_look_the_same_one_is_a_copy(pictures: list[Picture]) -> None:
    """Nothing else tells what is common: the audit is on the safe side."""
    found = find_copies(prints([pictures[3]]), prints([jpeg(pictures[3])]), same_kind=True)
    assert [(c.first, c.second, c.kind) for c in found] == [(0, 0, "saved anew")]


def test_one_set_twice_gives_each_image_and_the_copies_within(pictures: list[Picture]) -> None:
    images = [*pictures[:4], jpeg(pictures[1])]
    found = find_copies(prints(images), prints(images), same_kind=True)
    assert {(c.first, c.second) for c in found} == {(i, i) for i in range(5)} | {(1, 4), (4, 1)}
    assert Copy(2, 2, "same pixels", 1.0) in found


def test_nothing_has_no_copies(pictures: list[Picture]) -> None:
    nothing = prints([])
    assert find_copies(nothing, prints(pictures)) == find_copies(prints(pictures), nothing) == ()
    assert find_copies(nothing, nothing) == ()


# Pictures that are not copies


def test_materials_do_not_pass_for_each_other() -> None:
    sets = [
        prints([i for name in names for i in draw_category(name, 2, 1, 0, (96, 128)).images])
        for names in (AUXILIARY_CATEGORIES, UNSEEN_CATEGORIES)
    ]
    assert find_copies(*sets) == ()


def bottle(rng: np.random.Generator, marks: float) -> Picture:
    """The same object in the same place each time, with marks and noise of its own."""
    y, x = np.mgrid[:180, :240]
    image = 200.0 - 120 * (((y - 90) / 80) ** 2 + ((x - 120) / 50) ** 2 < 1)
    own = gaussian_filter(rng.normal(size=image.shape), 6)
    image += marks * own / own.std() + rng.normal(size=image.shape)
    return image.clip(0, 255).astype(np.uint8)[..., None].repeat(3, 2)


@pytest.mark.parametrize("marks", [2.0, 5.0, 12.0])
@pytest.mark.parametrize("n", [3, 5, 12])
def test_objects_in_the_same_place_are_told_apart_but_their_copies_found(
    n: int, marks: float
) -> None:
    """Of marks of two grey levels too, far below what makes two bottles alike."""
    rng = np.random.default_rng(1)
    bottles, others = ([bottle(rng, marks) for _ in range(k)] for k in (n, 4))
    raw = normed(torch.from_numpy(prints(bottles).thumbnails).float())
    assert correlation(raw[0], raw[1]) > 0.9
    assert find_copies(prints(others), prints(bottles), same_kind=True) == ()
    own = find_copies(prints(bottles), prints(bottles), same_kind=True)
    assert {(c.first, c.second) for c in own} == {(i, i) for i in range(n)}
    if marks > 2:
        found = find_copies(prints([jpeg(bottles[1], 90)]), prints(bottles), same_kind=True)
        assert [(c.first, c.second) for c in found] == [(0, 1)]


def test_a_picture_with_many_copies_is_still_found() -> None:
    """Thirty of thirty-eight test images are one picture: it must not pass for what is common."""
    picture = draw_category("wood_oak", 1, 0, 3, (96, 128)).images[0]
    rest = [draw_category(n, 4, 0, 3, (96, 128)).images for n in ("cells_terrazzo", "marble_rose")]
    test = prints([*(jpeg(picture, 60 + i) for i in range(30)), *rest[0], *rest[1]])
    found = find_copies(prints([jpeg(picture, 50)]), test, same_kind=True)
    assert {c.second for c in found} == set(range(30))
    pairs = find_copies(test, test, same_kind=True)
    assert len([c for c in pairs if c.first < c.second]) == 30 * 29 // 2


def thing_on_white(rng: np.random.Generator) -> Picture:
    """Most of the picture is white, of which it is chance what is brighter than the median."""
    y, x = np.mgrid[:150, :200]
    image = 255 + rng.normal(size=(150, 200))
    inside = ((y - rng.uniform(40, 110)) / 25) ** 2 + ((x - rng.uniform(50, 150)) / 20) ** 2 < 1
    grain = gaussian_filter(rng.normal(size=image.shape), 2)
    image[inside] = 120 + 200 * grain[inside]
    return image.clip(0, 255).astype(np.uint8)[..., None].repeat(3, 2)


@pytest.mark.parametrize(
    "change", [jpeg, lambda i: scaled(i, 0.5), lambda i: np.minimum(i, 235) + np.uint8(20)]
)
def test_copies_on_a_white_ground(change: Callable[[Picture], Picture]) -> None:
    things = [thing_on_white(np.random.default_rng(seed)) for seed in range(8)]
    found = find_copies(prints([change(t) for t in things]), prints(things), same_kind=True)
    assert [(c.first, c.second) for c in found] == [(i, i) for i in range(8)]


def test_stripes_of_one_width_are_no_crops_of_each_other() -> None:
    rng = np.random.default_rng(2)
    images = []
    for period in (30.0, 20.0):
        stripes = 120 + 80 * np.sign(np.sin(np.arange(160) * 2 * np.pi / period))
        noise = 6 * rng.normal(size=(160, 160, 1))
        images.append((stripes[None, :, None] + noise).clip(0, 255).astype(np.uint8).repeat(3, 2))
    assert find_copies(prints(images[:1]), prints(images[1:])) == ()


def test_blank_images_are_copies_only_if_they_are_equal() -> None:
    blank = np.full((40, 50, 3), 7, np.uint8)
    found = find_copies(prints([blank]), prints([blank, blank + 1, np.zeros_like(blank)]))
    assert [(c.second, c.kind) for c in found] == [(0, "same pixels")]


# The pieces, by loops


def test_what_is_common_is_the_mean_of_the_others_by_loops() -> None:
    """Two of the five are one picture: they count once, and neither is common to the other."""
    rng = np.random.default_rng(3)
    raw = rng.normal(size=(5, 6, 6)) + rng.normal(size=(6, 6))
    raw[4] = raw[1] + 1e-3 * rng.normal(size=(6, 6))
    pictures = normed(torch.from_numpy(raw))
    found = common_pictures(pictures, pictures)
    for i, without_copies in enumerate(([1, 4, 2, 3], [0, 2, 3], [0, 1, 4, 3], [0, 1, 4, 2])):
        weights = {1: 0.5, 4: 0.5}
        mean = sum(weights.get(j, 1) * pictures[j].numpy() for j in without_copies)
        mean -= mean.mean()
        np.testing.assert_allclose(found[i], mean / np.linalg.norm(mean), atol=1e-6)
    assert not common_pictures(pictures[:1], pictures[:1]).any()
    alike = normed(torch.from_numpy(rng.normal(size=(1, 6, 6)) + 1e-4 * rng.normal(size=(4, 6, 6))))
    rest = normed(alike[1] + alike[2] + alike[3])
    np.testing.assert_allclose(common_pictures(alike, alike)[0], rest, atol=1e-6)
    assert not common_pictures(alike[:3], alike[:3]).any()


def test_partial_correlation_is_that_of_what_is_left() -> None:
    rng = np.random.default_rng(4)
    a, b, c = (normed(torch.from_numpy(rng.normal(size=(n, 5, 5)))) for n in (3, 2, 2))
    c[1] = 0
    found = copies._partial_correlation(a, b, c)
    for i in range(3):
        for j in range(2):
            left, right = without(a[i], c[j]), without(b[j], c[j])
            assert found[i, j] == pytest.approx(float(correlation(left, right)), abs=1e-9)
    # As a textbook has it, from the three plain correlations:
    ab, ac, bc = (float(correlation(x, y)) for x, y in ((a[0], b[0]), (a[0], c[0]), (b[0], c[0])))
    expected = (ab - ac * bc) / np.sqrt((1 - ac**2) * (1 - bc**2))
    assert found[0, 0] == pytest.approx(expected, abs=1e-9)


def test_cells_of_windows_are_averages_of_areas() -> None:
    picture = torch.from_numpy(np.random.default_rng(4).normal(size=(1, 64, 64))).float()
    cells, boxes = crops_module._cells_of_windows(picture, (36, 44))
    for number in (0, 17, len(boxes) - 1):
        top, left, height, width = (boxes[number] * 64).tolist()
        assert (height, width) == (36, 44) and top + height <= 64 and left + width <= 64
        # Each pixel is cut into 2 x 2 equal parts, so that a cell of 4.5 pixels has whole ones.
        fine = picture[0].repeat_interleave(2, 0).repeat_interleave(2, 1)
        window = fine[int(2 * top) : int(2 * top) + 72, int(2 * left) : int(2 * left) + 88]
        expected = [[window[9 * r :, 11 * c :][:9, :11].mean() for c in range(8)] for r in range(8)]
        found = cells[0, number].reshape(8, 8)
        np.testing.assert_allclose(found, normed(torch.tensor(expected)), atol=1e-5)


def test_a_window_of_whole_pixels_is_a_slice() -> None:
    pictures = torch.from_numpy(np.random.default_rng(5).normal(size=(2, 64, 64))).float()
    boxes = torch.tensor([[0.25, 0.5, 0.5, 0.5], [0.0, 0.0, 1.0, 1.0]])
    found = crops_module._window(pictures, boxes)
    np.testing.assert_allclose(found[1], pictures[1], atol=1e-5)
    halves = found[0].reshape(32, 2, 32, 2).mean((1, 3))
    inside = pictures[0, 16:48, 32:64]
    assert correlation(normed(halves), normed(inside)) > 0.9


def test_windows_are_what_sampling_the_picture_gives() -> None:
    """Against PyTorch's own interpolation: inside, across the border, larger than the picture."""
    generator = torch.Generator().manual_seed(6)
    pictures = torch.randn(40, 64, 64, generator=generator)
    boxes = torch.rand(40, 4, generator=generator)
    boxes = torch.cat([1.4 * boxes[:, :2] - 0.4, 0.3 + boxes[:, 2:]], 1)
    boxes[0] = torch.tensor([0.0, 0.0, 1.0, 1.0])
    centres = (torch.arange(64) + 0.5) / 64
    y = 2 * (boxes[:, 0, None] + boxes[:, 2, None] * centres) - 1
    x = 2 * (boxes[:, 1, None] + boxes[:, 3, None] * centres) - 1
    grid = torch.stack(torch.broadcast_tensors(x[:, None, :], y[:, :, None]), -1)
    expected = torch.nn.functional.grid_sample(
        pictures[:, None], grid, padding_mode="border", align_corners=False
    )[:, 0]
    found = crops_module._window(pictures, boxes)
    np.testing.assert_allclose(found, expected, atol=2e-4)
    halved = crops_module._window(pictures, boxes, 32)
    np.testing.assert_allclose(halved, pooled(expected, 32), atol=2e-4)
    assert crops_module._window(pictures[:0], boxes[:0], 32).shape == (0, 32, 32)


def test_fine_detail_is_what_a_binomial_filter_leaves() -> None:
    pictures = torch.randn(3, 64, 64, generator=torch.Generator().manual_seed(7)).double()
    smooth = np.empty((3, 64, 64))
    for n, picture in enumerate(np.pad(pictures, ((0, 0), (2, 2), (2, 2)), mode="edge")):
        rows = sum(w * picture[:, k : k + 64] for k, w in enumerate((1, 4, 6, 4, 1)))
        smooth[n] = sum(w * rows[k : k + 64] for k, w in enumerate((1, 4, 6, 4, 1))) / 256
    fine = pictures - torch.from_numpy(smooth)
    expected = normed(fine - fine.mean(-1, keepdim=True) - fine.mean(-2, keepdim=True))
    np.testing.assert_allclose(crops_module._fine(pictures.float()), expected, atol=1e-5)


def test_an_image_is_compared_once_with_a_test_set(
    pictures: list[Picture], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever else its set holds, and in whatever order; the answer is as if it were new."""
    compared: list[int] = []
    search = copies._found

    def counted(first: Fingerprints, second: Fingerprints, **options: bool) -> Any:
        compared.append(len(first))
        return search(first, second, **options)

    monkeypatch.setattr(copies, "_found", counted)
    copies._known.cache_clear()
    test = prints([*pictures[:3], jpeg(pictures[3])])
    some, more = (
        prints(pictures[2:5]),
        prints([pictures[7], pictures[3], *pictures[2:5], pictures[2]]),
    )
    expected = [(c.first, c.second, c.kind) for c in search(some, test, same_kind=False)]
    assert expected and [(c.first, c.second, c.kind) for c in find_copies(some, test)] == expected
    found = [(c.first, c.second, c.kind) for c in find_copies(more, test)]
    assert found == [(c.first, c.second, c.kind) for c in search(more, test, same_kind=False)]
    assert compared == [3, 1]
    other = prints([jpeg(pictures[3]), *pictures[:3]])
    assert [c.second for c in find_copies(some, other)] != [c[1] for c in expected]
    assert find_copies(prints([]), test) == () and compared[-1] == 0


def test_a_search_that_was_stopped_has_found_nothing(
    pictures: list[Picture], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the audit, asked again, would pass a copy that it never looked for."""
    copies._known.cache_clear()
    test, stolen = prints(pictures[:3]), prints([jpeg(pictures[1])])

    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(copies, "find_crops", stopped)
        with pytest.raises(KeyboardInterrupt):
            find_copies(stolen, test)
    assert [(c.first, c.second) for c in find_copies(stolen, test)] == [(0, 1)]


# Real photographs


def real(packs: Path, name: str) -> Fingerprints:
    (category,) = open_dataset(packs / f"{name}.zip").values()
    files = [*category.train_good, *(item.image for item in category.test)]
    return Fingerprints.of([f.name.split("/")[-1] for f in files], [read_image(f) for f in files])


def within(images: Fingerprints) -> list[tuple[str, str]]:
    found = find_copies(images, images, same_kind=True)
    return [(images.names[c.first], images.names[c.second]) for c in found if c.first < c.second]


def test_known_duplicates_of_real_sets(packs: Path) -> None:
    """Of KolektorSDD the surfaces of two parts are in it twice; of the brain images, scans are."""
    ksdd, brain = real(packs, "ksdd_tiles"), real(packs, "brainmri")
    parts = {tuple(sorted(name.split("_")[0] for name in pair)) for pair in within(ksdd)}
    assert ("kos38", "kos39") in parts
    assert {"Y35_jpg.jpg", "Y8_jpg.jpg"} in [set(pair) for pair in within(brain)]
    assert 15 <= len(within(brain)) <= 25
    assert find_copies(brain, ksdd) == ()


def test_tiles_were_photographed_under_several_lights(packs: Path) -> None:
    """Copies that no file hash finds: the same tile, once in train/good and once in test."""
    (category,) = open_dataset(packs / "magnetic_tile.zip").values()
    sets = []
    for files in (category.train_good, [item.image for item in category.test]):
        sets.append(Fingerprints.of([f.name for f in files], [read_image(f) for f in files]))
    found = find_copies(*sets, same_kind=True)
    assert len({c.second for c in found}) > 20
    assert {c.kind for c in found} <= {"saved anew", "mirrored or turned"}
