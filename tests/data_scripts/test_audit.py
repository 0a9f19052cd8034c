"""Planted copies within and between data sets are listed, and a list is read back or refused."""

from __future__ import annotations

import copy
import dataclasses
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from cozad_teach.data.drawn.textures import draw_category
from cozad_teach.data.folders import Category, ImageFile, LabelledImage, open_dataset, read_image
from cozad_teach.data.identity.copy_lists import Audit, Entry, Group, Pair, read_copies
from cozad_teach.data.identity.fingerprints import Fingerprints, image_hash
from cozad_teach.errors import CozadError
from cozad_teach.evaluation import leaks
from fetching.audit import _groups, audit_sets, summary, write_audit

Picture = np.ndarray
WOOD, CELLS, MARBLE, CLOUD = "wood_oak", "cells_terrazzo", "marble_white", "cloud_concrete"


def jpeg(image: Picture, quality: int = 80) -> Picture:
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream).convert("RGB"))


def file(name: str, image: Picture) -> ImageFile:
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(stream, "PNG")
    return ImageFile(name, stream.getvalue)


def category(name: str, **images: list[Picture]) -> Category:
    """Make a category of `train`, `good` and `bad` images, numbered from 0."""
    files = {
        kind: [file(f"{name}/{kind}/{i}.png", image) for i, image in enumerate(some)]
        for kind, some in images.items()
    }
    test = [LabelledImage(f, kind, None) for kind in ("bad", "good") for f in files.get(kind, [])]
    return Category(name, tuple(files.get("train", ())), tuple(test))


def dataset(**categories: dict[str, list[Picture]]) -> dict[str, Category]:
    return {name: category(name, **images) for name, images in categories.items()}


@pytest.fixture(scope="module")
def drawn() -> dict[str, list[Picture]]:
    """Five different pictures of each of four materials."""
    return {
        name: list(draw_category(name, 5, 0, seed=3, size=(96, 128)).images)
        for name in (WOOD, CELLS, MARBLE, CLOUD)
    }


def found(audit: Audit) -> list[list[str]]:
    return [[f"{e.set}:{e.name}" for e in group.images] for group in audit.groups]


def kinds(audit: Audit) -> set[str]:
    return {pair.kind for group in audit.groups for pair in group.pairs}


# What is found


def test_different_pictures_are_no_copies(drawn: dict[str, list[Picture]]) -> None:
    first = dataset(a={"train": drawn[WOOD][:3], "good": drawn[WOOD][3:]}, b={"bad": drawn[CELLS]})
    second = dataset(a={"good": drawn[MARBLE]}, c={"good": drawn[CLOUD]})
    audit = audit_sets(first, second, names=("one", "two"))
    assert audit.groups == ()
    assert [len(hashes) for hashes in audit.hashes] == [10, 10]
    assert set(audit.hashes[0]) == {image_hash(i) for i in (*drawn[WOOD], *drawn[CELLS])}


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda i: i, "same pixels"),
        (jpeg, "saved anew"),
        (lambda i: np.asarray(Image.fromarray(i).resize((100, 75))), "saved anew"),
        (lambda i: (0.7 * i + 60).astype(np.uint8), "saved anew"),
        (lambda i: jpeg(i[:, ::-1]), "mirrored or turned"),
        (lambda i: jpeg(np.rot90(i)), "mirrored or turned"),
    ],
)
def test_copies_are_found_wherever_they_lie(
    drawn: dict[str, list[Picture]], change: Callable[[Picture], Picture], kind: str
) -> None:
    """In training and test images, in another category, and in another set."""
    wood, cells, marble = (drawn[name] for name in (WOOD, CELLS, MARBLE))
    first = dataset(
        cells={"train": cells[:3], "bad": [cells[3], change(cells[0])]},
        wood={"good": [*wood[:4], change(cells[3])]},
    )
    second = dataset(other={"good": [*marble[:3], change(wood[2])], "bad": [marble[4]]})
    audit = audit_sets(first, second)
    assert found(audit) == [
        ["1:cells/bad/0.png", "1:wood/good/4.png"],
        ["1:cells/bad/1.png", "1:cells/train/0.png"],
        ["1:wood/good/2.png", "2:other/good/3.png"],
    ]
    assert kinds(audit) == {kind}
    assert all(0.95 <= p.similarity <= 1 for group in audit.groups for p in group.pairs)
    assert [group.labels_disagree for group in audit.groups] == [True, True, False]
    entry = audit.groups[2].images[1]
    assert (entry.set, entry.category, entry.label) == (2, "other", "good")
    assert entry.hash == image_hash(change(wood[2]))
    assert found(audit_sets(first)) == found(audit)[:2]


def test_a_chain_of_copies_is_one_group(drawn: dict[str, list[Picture]]) -> None:
    picture, rest = drawn[WOOD][0], drawn[WOOD][1:]
    good = [jpeg(picture), *rest, picture, jpeg(picture[:, ::-1])]
    audit = audit_sets(dataset(wood={"train": [picture], "good": good}))
    (group,) = audit.groups
    names = ["good/0.png", "good/5.png", "good/6.png", "train/0.png"]
    assert [e.name for e in group.images] == [f"wood/{name}" for name in names]
    assert [(p.first, p.second, p.kind) for p in group.pairs] == [
        (0, 1, "saved anew"),
        (0, 2, "mirrored or turned"),
        (1, 2, "mirrored or turned"),
        (1, 3, "same pixels"),
    ]


def test_many_equal_images_are_paired_with_the_first_only() -> None:
    """Black tiles are common: of N there are N - 1 pairs, not their square."""
    black = np.zeros((20, 30, 3), np.uint8)
    (group,) = audit_sets(dataset(tiles={"good": [black] * 300})).groups
    assert len(group.images) == 300
    assert [(p.first, p.second) for p in group.pairs] == [(0, n) for n in range(1, 300)]


def test_groups_are_those_that_the_audit_of_a_run_finds(drawn: dict[str, list[Picture]]) -> None:
    rng = np.random.default_rng(5)
    every = [image for images in drawn.values() for image in images]
    images = [*every, *(jpeg(every[i], 70 + int(i)) for i in rng.integers(0, len(every), 15))]
    some = dataset(mixed={"good": images})
    (mixed,) = some.values()
    prints = Fingerprints.of(
        [item.image.name for item in mixed.test], [read_image(item.image) for item in mixed.test]
    )
    groups = [[e.name for e in group.images] for group in audit_sets(some).groups]
    assert sorted(groups) == leaks._groups(prints) and len(groups) > 5


def test_one_set_twice_is_a_copy_of_itself(drawn: dict[str, list[Picture]]) -> None:
    whole = dataset(wood={"good": drawn[WOOD]})
    audit = audit_sets(whole, whole, names=("a", "b"))
    assert found(audit) == [[f"1:wood/good/{i}.png", f"2:wood/good/{i}.png"] for i in range(5)]
    assert summary(audit).splitlines() == [
        "a: 5 images, of which 0 repeat another one",
        "b: 5 images, of which 0 repeat another one",
        "5 of 5 images of a are in b",
        "5 of 5 images of b are in a",
    ]


def test_a_summary_counts(drawn: dict[str, list[Picture]]) -> None:
    wood = drawn[WOOD]
    audit = audit_sets(
        dataset(wood={"good": [*wood, wood[0], wood[0]], "bad": [wood[1]]}), names=["planks"]
    )
    assert summary(audit).splitlines() == [
        "planks: 8 images, of which 3 repeat another one",
        "1 groups of copies are called both good and anomalous",
    ]


def test_an_empty_set_has_no_copies() -> None:
    assert audit_sets({}, {}) == Audit(("first", "second"), ((), ()), ())


def test_an_image_that_cannot_be_read_is_named(drawn: dict[str, list[Picture]]) -> None:
    broken = Category("c", (ImageFile("c/9.png", lambda: b"nothing"),), ())
    with pytest.raises(CozadError, match=r"^c/9.png is not a PNG"):
        audit_sets(dataset(wood={"good": drawn[WOOD]}) | {"c": broken})


# The list


@pytest.fixture(scope="module")
def audit(drawn: dict[str, list[Picture]]) -> Audit:
    wood, cells = drawn[WOOD], drawn[CELLS]
    first = dataset(wood={"good": [*wood, jpeg(wood[0])]}, cells={"bad": [*cells, cells[1]]})
    return audit_sets(first, dataset(w={"bad": [jpeg(wood[3], 60)]}), names=("é", "b"))


def test_a_list_comes_back_as_it_was_written(audit: Audit, tmp_path: Path) -> None:
    assert len(audit.groups) == 3
    write_audit(audit, tmp_path / "copies.json")
    assert read_copies(tmp_path / "copies.json") == audit
    assert read_copies(str(tmp_path / "copies.json")) == audit
    listed = json.loads((tmp_path / "copies.json").read_text(encoding="utf-8"))
    assert [group["labels_disagree"] for group in listed["groups"]] == [False, False, True]
    assert os.listdir(tmp_path) == ["copies.json"]


def test_the_order_of_categories_and_files_does_not_matter(
    drawn: dict[str, list[Picture]], tmp_path: Path
) -> None:
    images = [*drawn[WOOD], jpeg(drawn[WOOD][4]), drawn[WOOD][2]]
    ordered = dataset(a={"good": images, "train": drawn[CELLS]}, b={"bad": drawn[CELLS][:2]})
    shuffled = {
        name: Category(name, category.train_good[::-1], category.test[::-1])
        for name, category in reversed(ordered.items())
    }
    for name, some in (("one", ordered), ("two", shuffled)):
        write_audit(audit_sets(some), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_names_that_are_no_text_come_back(tmp_path: Path) -> None:
    picture = np.zeros((9, 9, 3), np.uint8)
    files = tuple(file(name, picture) for name in ("a\udcff.png", "b\n.png", "ü.png"))
    audit = audit_sets({"c\udce9": Category("c\udce9", files, ())}, names=["s\udce9"])
    write_audit(audit, tmp_path / "list")
    assert read_copies(tmp_path / "list") == audit
    assert [e.name for e in audit.groups[0].images] == ["a\udcff.png", "b\n.png", "ü.png"]


def test_a_failed_write_leaves_the_old_list(
    audit: Audit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_audit(audit, tmp_path / "list")

    def full(*_: Any, **__: Any) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch, pytest.raises(CozadError, match="No space left"):
        patch.setattr(Path, "write_text", full)
        write_audit(Audit(("x",), ((),), ()), tmp_path / "list")
    assert read_copies(tmp_path / "list") == audit
    assert os.listdir(tmp_path) == ["list"]


CHANGES: dict[str, tuple[list[Any], Any]] = {
    "another format": (["format"], "cozad copies 2"),
    "no names": (["names"], []),
    "three sets": (["names"], ["a", "b", "c"]),
    "a name too few": (["names"], ["a"]),
    "a name that is none": (["names"], ["a", 2]),
    "hashes that are none": (["hashes"], [["x"], []]),
    "hashes that are numbers": (["hashes"], 5),
    "groups that are none": (["groups"], {"a": 1}),
    "no groups": (["groups"], None),
    "a group of one": (["groups", 0, "images"], []),
    "a group without pairs": (["groups", 0, "pairs"], []),
    "an image twice": (["groups", 0, "images", 0, "name"], "wood/good/3.png"),
    "set 0": (["groups", 0, "images", 0, "set"], 0),
    "set 3": (["groups", 0, "images", 0, "set"], 3),
    "a set that is true": (["groups", 0, "images", 0, "set"], True),
    "another label": (["groups", 0, "images", 0, "label"], "bad"),
    "a hash of no image": (["groups", 0, "images", 0, "hash"], "0" * 64),
    "a hash that is a list": (["groups", 0, "images", 0, "hash"], []),
    "a name that is null": (["groups", 0, "images", 0, "name"], None),
    "a category that is a number": (["groups", 0, "images", 0, "category"], 7),
    "a pair with itself": (["groups", 0, "pairs", 0, "second"], 0),
    "a pair outside": (["groups", 0, "pairs", 0, "second"], 9),
    "a place that is no number": (["groups", 0, "pairs", 0, "first"], "0"),
    "another kind": (["groups", 0, "pairs", 0, "kind"], "crop"),
    "no similarity": (["groups", 0, "pairs", 0, "similarity"], float("nan")),
    "a similarity that is text": (["groups", 0, "pairs", 0, "similarity"], "1.0"),
    "names that are a text": (["names"], "ab"),
    "a name of any length": (["names", 0], "x" * 10_000_000),
    "hashes of one text": (["hashes"], ["ab", []]),
    "a hash in capitals": (["groups", 0, "images", 0, "hash"], "A" * 64),
    "a set that is 1.0": (["groups", 0, "images", 0, "set"], 1.0),
    "a similarity of 10": (["groups", 0, "pairs", 0, "similarity"], 10),
    "a similarity that is true": (["groups", 0, "pairs", 0, "similarity"], True),
    "a list too many": (["more"], []),
    "a format that is a list": (["format"], ["cozad copies 1"]),
    "labels_disagree that is text": (["groups", 0, "labels_disagree"], "no"),
    "a field too many": (["groups", 0, "pairs", 0, "more"], 1),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_changed_list_is_refused(audit: Audit, tmp_path: Path, case: str) -> None:
    write_audit(audit, tmp_path / "list")
    content = json.loads((tmp_path / "list").read_text(encoding="utf-8"))
    (*above, last), value = CHANGES[case]
    place = changed = copy.deepcopy(content)
    for step in above:
        place = place[step]
    place[last] = value
    refused(tmp_path / "changed", json.dumps(changed).encode())


@pytest.mark.parametrize("content", [b"", b"[]", b"3", b"{}", b"\xff\xfe", b"[" * 100_000, b"NaN"])
def test_other_files_are_no_lists(tmp_path: Path, content: bytes) -> None:
    refused(tmp_path / "list", content)


def test_no_part_of_a_list_passes_for_one(audit: Audit, tmp_path: Path) -> None:
    write_audit(audit, tmp_path / "list")
    whole = (tmp_path / "list").read_bytes()
    for length in range(0, len(whole) - 2, 101):
        refused(tmp_path / "part", whole[:length])


def refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(CozadError) as caught:
        read_copies(path)
    assert str(caught.value) == (
        f"{path} is no list of copies, or a damaged one: make it anew with "
        "data_scripts/get.py --audit"
    )


def test_a_key_that_is_there_twice_is_refused(audit: Audit, tmp_path: Path) -> None:
    write_audit(audit, tmp_path / "list")
    text = (tmp_path / "list").read_text(encoding="utf-8")
    refused(tmp_path / "list", text.replace('"names":', '"names": [], "names":', 1).encode())


def test_a_list_that_is_not_there_or_no_file(tmp_path: Path) -> None:
    """A pipe or a device would be read for ever."""
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(2**40)  # takes no room on the disk
    for path in (tmp_path / "nowhere", tmp_path, tmp_path / "pipe", tmp_path / "huge"):
        with pytest.raises(CozadError, match=r"^cannot read the list of copies .*: check the path"):
            read_copies(path)
    for path in (Path("/dev/zero"), Path("a\0b")):
        with pytest.raises(CozadError, match=r"^cannot read the list of copies .*: check the path"):
            read_copies(path)


def test_a_chain_of_pairs_is_one_group() -> None:
    """Groups against a slow search, for pairs in any order."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        entries = [Entry(1, "c", f"{i:02}.png", "good", f"{i:064x}") for i in range(30)]
        ends = [sorted(rng.choice(30, 2, replace=False).tolist()) for _ in range(20)]
        pairs = {(a, b): ("saved anew", 0.99) for a, b in ends}
        groups = {tuple(int(e.name[:2]) for e in g.images) for g in _groups(entries, pairs)}
        expected = set()
        for start in {place for pair in pairs for place in pair}:
            reached = {start}
            while more := {p for pair in pairs if reached & set(pair) for p in pair} - reached:
                reached |= more
            expected.add(tuple(sorted(reached)))
        assert groups == expected
        listed = [pair for g in _groups(entries, pairs) for pair in g.pairs]
        assert len(listed) == len(pairs)
    assert list(_groups(entries, {})) == []


def test_labels_disagree_by_hand() -> None:
    entries = [Entry(1, "c", f"{i}.png", label, "0" * 64) for i, label in enumerate(["good"] * 2)]
    pairs = (Pair(0, 1, "same pixels", 1.0),)
    assert not Group(tuple(entries), pairs).labels_disagree
    entries[1] = dataclasses.replace(entries[1], label="anomalous")
    assert Group(tuple(entries), pairs).labels_disagree


# The packs


@pytest.mark.parametrize(
    ("name", "surplus"), [("ksdd_tiles", 4), ("brainmri", 18), ("mpdd_metal_plate", 0)]
)
def test_copies_in_the_packs(packs: Path, name: str, surplus: int) -> None:
    """As many as an evaluation finds; KolektorSDD repeats parts 01 and 27 as 26 and 34."""
    audit = audit_sets(open_dataset(packs / f"{name}.zip"))
    assert sum(len(group.images) - 1 for group in audit.groups) == surplus
    assert not any(group.labels_disagree for group in audit.groups)
    if name == "ksdd_tiles":
        parts = [[e.name.split("/")[-1][:5] for e in group.images] for group in audit.groups]
        assert ["kos01", "kos26"] in parts and ["kos27", "kos34"] in parts


def test_a_pack_within_another_set_is_found(packs: Path) -> None:
    """As BrainMRI in Br35H: half of the images lie in another set too, smaller and saved anew."""
    (brain,) = open_dataset(packs / "brainmri.zip").values()
    halves = [brain.test[::2], brain.test[1::2]]

    def saved_anew(n: int, image: Picture) -> ImageFile:
        height, width = image.shape[:2]
        small = Image.fromarray(image).resize((width // 2, height // 2))
        return file(f"br{n}.png", jpeg(np.asarray(small), 70))

    items = [
        dataclasses.replace(item, image=saved_anew(n, read_image(item.image)))
        for n, item in enumerate(halves[1])
    ]
    first = {"brain": Category("brain", (), halves[1])}
    second = {"br": Category("br", (), (*items, *halves[0]))}
    audit = audit_sets(first, second)
    pairs = {
        (e.name, other.name)
        for group in audit.groups
        for e in group.of_set(1)
        for other in group.of_set(2)
    }
    for item, copied in zip(halves[1], items, strict=True):
        assert (item.image.name, copied.image.name) in pairs
    # Nothing else is a copy but what repeats within the pack itself.
    within = sum(len(group.images) - 1 for group in audit_sets({"brain": brain}).groups)
    assert sum(len(g.images) - 1 for g in audit.groups) - len(items) <= within
