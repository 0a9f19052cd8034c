"""A list of copies decides which test images count, and the report names those that do not."""

from __future__ import annotations

import dataclasses
import io
import json

import numpy as np
import pytest
from PIL import Image

from cozad_teach.data.drawn.textures import draw_category
from cozad_teach.data.folders import Category, ImageFile, LabelledImage
from cozad_teach.data.identity.copy_lists import Audit, read_copies
from cozad_teach.errors import CozadError
from cozad_teach.evaluation.without_copies import leave_out_copies
from fetching.audit import audit_sets, write_audit

Picture = np.ndarray
Images = dict[str, Picture]


def saved_anew(image: Picture) -> Picture:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "JPEG", quality=80)
    return np.asarray(Image.open(stream).convert("RGB"))


def dataset(images: Images) -> dict[str, Category]:
    """Make categories of images by names such as wood/test/good/0.png."""
    found: dict[str, Category] = {}
    for name in sorted(images):
        stream = io.BytesIO()
        Image.fromarray(images[name]).save(stream, "PNG")
        file = ImageFile(name, stream.getvalue)
        category, section, label, _ = name.split("/")
        old = found.get(category, Category(category, (), ()))
        if section == "train":
            new = dataclasses.replace(old, train_good=(*old.train_good, file))
        else:
            new = dataclasses.replace(old, test=(*old.test, LabelledImage(file, label, None)))
        found[category] = new
    return found


def names(kept: dict[str, Category]) -> list[str]:
    return [item.image.name for category in kept.values() for item in category.test]


@pytest.fixture(scope="module")
def pictures() -> list[Picture]:
    return list(draw_category("wood_oak", 8, 0, seed=3, size=(96, 128)).images)


@pytest.fixture(scope="module")
def first(pictures: list[Picture]) -> Images:
    a, b, c, d, *_ = pictures
    return {
        "wood/train/good/0.png": a,
        "wood/test/good/1.png": saved_anew(a),
        "wood/test/good/2.png": a,
        "wood/test/good/3.png": b,
        "wood/test/torn/4.png": c,
        "board/test/good/5.png": saved_anew(c),
        "board/test/good/6.png": d,
    }


@pytest.fixture(scope="module")
def second(pictures: list[Picture]) -> Images:
    _, b, _, _, e, f, g, h = pictures
    return {
        "plank/test/good/1.png": saved_anew(b),
        "plank/test/good/2.png": e,
        "plank/test/torn/3.png": f,
        "plank/test/torn/4.png": saved_anew(f),
        "plank/test/torn/5.png": g,
        "plank/train/good/6.png": h,
    }


@pytest.fixture(scope="module")
def copies(first: Images, second: Images, tmp_path_factory: pytest.TempPathFactory) -> Audit:
    """A list of both sets, as it comes back from its file."""
    path = tmp_path_factory.mktemp("list") / "copies.json"
    write_audit(audit_sets(dataset(first), dataset(second), names=("one", "two")), path)
    return read_copies(path)


def test_of_each_group_the_first_test_image_stays(first: Images) -> None:
    data = dataset(first)
    kept, report = leave_out_copies(data, audit_sets(data, names=["one"]))
    assert names(kept) == [
        "board/test/good/5.png",
        "board/test/good/6.png",
        "wood/test/good/1.png",
        "wood/test/good/3.png",
    ]
    assert kept["wood"].train_good == data["wood"].train_good
    assert list(kept) == list(data)
    assert json.loads(json.dumps(report)) == report
    assert report == {
        "sets": ["one"],
        "evaluated": "one",
        "images_left_out": 2,
        "left_out": {
            "wood": [
                {"image": "wood/test/good/2.png", "copy_of": "wood/test/good/1.png"},
                {"image": "wood/test/torn/4.png", "copy_of": "board/test/good/5.png"},
            ]
        },
        "labels_disagree": ["board/test/good/5.png"],
        "images_not_in_list": 0,
    }


def test_of_two_sets_the_first_keeps_what_the_second_loses(
    first: Images, second: Images, copies: Audit
) -> None:
    data = dataset(first)
    kept, report = leave_out_copies(data, copies)
    assert names(kept) == names(leave_out_copies(data, audit_sets(data))[0])
    assert report["evaluated"] == "one"
    kept, report = leave_out_copies(dataset(second), copies)
    assert names(kept) == [f"plank/test/{name}.png" for name in ("good/2", "torn/3", "torn/5")]
    assert report["evaluated"] == "two"
    assert report["left_out"] == {
        "plank": [
            {"image": "plank/test/good/1.png", "copy_of": "one: wood/test/good/3.png"},
            {"image": "plank/test/torn/4.png", "copy_of": "plank/test/torn/3.png"},
        ]
    }


def test_images_are_known_by_content_whatever_their_names(second: Images, copies: Audit) -> None:
    """All names change places; what is left out follows the pictures."""
    old = sorted(name for name in second if "/test/" in name)
    shifted = dict(zip([*old[1:], old[0]], (second[name] for name in old), strict=True))
    kept, report = leave_out_copies(dataset(shifted), copies)
    left_out = [copy["image"] for copy in report["left_out"]["plank"]]
    assert "plank/test/good/2.png" in left_out and len(left_out) == 2
    assert len(names(kept)) == 3


def test_one_category_of_a_set_is_enough(first: Images, copies: Audit) -> None:
    """A copy in a category that is not evaluated does not count."""
    wood = {"wood": dataset(first)["wood"]}
    kept, report = leave_out_copies(wood, copies)
    assert names(kept) == [f"wood/test/{name}.png" for name in ("good/1", "good/3", "torn/4")]
    assert report["images_not_in_list"] == 0


def test_images_that_the_list_does_not_know_stay_and_are_counted(
    first: Images, pictures: list[Picture], copies: Audit
) -> None:
    data = dataset(first | {"wood/test/good/9.png": pictures[1] // 2})
    kept, report = leave_out_copies(data, copies)
    assert "wood/test/good/9.png" in names(kept) and report["images_not_in_list"] == 1


def test_a_list_without_copies_changes_nothing(second: Images) -> None:
    data = {"plank": dataset({k: v for k, v in second.items() if not k.endswith("4.png")})["plank"]}
    kept, report = leave_out_copies(data, audit_sets(data))
    assert kept == data and report["images_left_out"] == 0 and report["left_out"] == {}


def test_a_list_of_other_images_is_refused(
    first: Images, second: Images, pictures: list[Picture]
) -> None:
    with pytest.raises(CozadError) as caught:
        leave_out_copies(dataset(second), audit_sets(dataset(first), names=["one\n"]))
    assert str(caught.value) == (
        "the list of copies ('one\\n') holds no image of this data set: make it of this data set "
        "with data_scripts/get.py --audit"
    )


def test_where_nothing_stays_the_other_set_is_named(first: Images) -> None:
    data = dataset(first)
    anew = {f"copy/test/good/{i}.png": saved_anew(image) for i, image in enumerate(first.values())}
    copies = audit_sets(data, dataset(anew), names=("one", "two"))
    with pytest.raises(CozadError, match="all test images are copies of images of one: evaluate"):
        leave_out_copies(dataset(anew), copies)


def test_of_two_sets_with_equal_images_names_decide(first: Images) -> None:
    other = {name.replace("wood", "x").replace("board", "y"): i for name, i in first.items()}
    copies = audit_sets(dataset(first), dataset(other), names=("one", "two"))
    assert leave_out_copies(dataset(first), copies)[1]["evaluated"] == "one"
    with pytest.raises(CozadError, match="copies of images of one"):
        leave_out_copies(dataset(other), copies)
    same = audit_sets(dataset(first), dataset(first), names=("one", "two"))
    assert leave_out_copies(dataset(first), same)[1]["evaluated"] == "one"
