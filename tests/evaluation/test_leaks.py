"""The leak audit: planted leaks are found and named, and what is no leak passes."""

from __future__ import annotations

import hashlib
import io
import json

import numpy as np
import pytest
from PIL import Image

from cozad_teach.data.hashes import image_hash
from cozad_teach.data.images import ImageFile, read_image
from cozad_teach.errors import LeakError
from cozad_teach.evaluation.leaks import audit, raise_on_leak

IMAGE = np.random.default_rng(0).integers(0, 256, (13, 29, 3), dtype=np.uint8)

LISTS = (
    "overlap_training_test",
    "overlap_training_support",
    "overlap_support_test",
    "support_outside_test",
)
TRAINING = ["t1", "t2", "t2"]
SUPPORT = {"train/good/0.png": "s0", "train/good/1.png": "s1"}
TEST = {"test/cut/0.png": "c0", "test/good/0.png": "g0", "test/good/1.png": "g1"}


def lists(report: dict) -> dict:
    """The lists that are not empty; `passed` and the error must agree with them."""
    found = {key: report[key] for key in LISTS if report[key]}
    assert report["passed"] is (not found)
    if found:
        with pytest.raises(LeakError):
            raise_on_leak(report)
    else:
        raise_on_leak(report)
    return found


# Hashes


def test_hash_is_the_sha256_of_shape_and_pixels() -> None:
    expected = hashlib.sha256(b"13 x 29\n" + bytes(IMAGE.ravel().tolist())).hexdigest()
    assert image_hash(IMAGE) == expected


def test_hash_sees_every_pixel_and_the_shape() -> None:
    hashes = {image_hash(IMAGE), image_hash(IMAGE.reshape(29, 13, 3)), image_hash(IMAGE[::-1])}
    for place in [(0, 0, 0), (12, 28, 2), (5, 17, 1)]:
        changed = IMAGE.copy()
        changed[place] ^= 1
        hashes.add(image_hash(changed))
    assert len(hashes) == 6
    assert image_hash(np.zeros((0, 4, 3), np.uint8)) != image_hash(np.zeros((4, 0, 3), np.uint8))


def test_hash_does_not_see_the_layout_in_memory() -> None:
    views = [np.asfortranarray(IMAGE), np.repeat(IMAGE, 2, axis=1)[:, ::2], IMAGE[::-1][::-1]]
    assert {image_hash(view) for view in views} == {image_hash(IMAGE)}


def decoded(kind: str, **options: object) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(IMAGE).save(stream, kind, **options)
    return read_image(ImageFile(f"0.{kind}", stream.getvalue))


def test_hash_does_not_see_the_file_format_but_a_jpeg_copy_escapes() -> None:
    same = [decoded("PNG"), decoded("PNG", compress_level=0), decoded("BMP"), decoded("TIFF")]
    assert {image_hash(image) for image in same} == {image_hash(IMAGE)}
    assert image_hash(decoded("JPEG", quality=95)) != image_hash(IMAGE)


@pytest.mark.parametrize(
    "image",
    [IMAGE[..., 0], IMAGE[..., :2], IMAGE.astype(float), IMAGE.astype(np.int8), IMAGE[None]],
)
def test_hash_refuses_other_arrays(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected uint8"):
        image_hash(image)


# The audit


@pytest.mark.parametrize("protocol", ["few-2", "few-k"])
def test_a_clean_run_passes(protocol: str) -> None:
    report = audit(TRAINING, SUPPORT, TEST, protocol)
    assert report == {
        "method": "sha256 of decoded pixels",
        "training_images": 3,
        "support_images": 2,
        "test_images": 3,
        "overlap_training_test": [],
        "overlap_training_support": [],
        "overlap_support_test": [],
        "support_outside_test": [],
        "duplicates_within_test": [],
        "passed": True,
    }
    assert json.loads(json.dumps(report)) == report
    raise_on_leak(report)


@pytest.mark.parametrize("protocol", ["single", "batch", "few-4"])
@pytest.mark.parametrize("collection", [list, set, tuple, frozenset])
def test_a_test_image_in_training(protocol: str, collection: type) -> None:
    support = {} if protocol == "few-4" else TEST
    report = audit(collection(["x", "g1", "c0"]), support, TEST, protocol)
    assert lists(report) == {"overlap_training_test": ["test/cut/0.png", "test/good/1.png"]}


def test_a_support_image_in_training() -> None:
    assert lists(audit(["s1"], SUPPORT, TEST, "few-2")) == {
        "overlap_training_support": ["train/good/1.png"]
    }


def test_a_support_image_in_the_test_set() -> None:
    report = audit(TRAINING, SUPPORT | {"train/good/7.png": "g0"}, TEST, "few-3")
    assert lists(report) == {"overlap_support_test": [["train/good/7.png", "test/good/0.png"]]}


def test_the_strict_protocol_is_the_default() -> None:
    assert lists(audit([], TEST, TEST)) == {
        "overlap_support_test": [[name, name] for name in sorted(TEST)]
    }


@pytest.mark.parametrize("protocol", ["single", "batch"])
def test_test_images_may_be_their_own_support(protocol: str) -> None:
    for support in (TEST, {}, {"test/cut/0.png": "c0"}):
        assert lists(audit(TRAINING, support, TEST, protocol)) == {}


@pytest.mark.parametrize("protocol", ["single", "batch"])
def test_no_other_image_may_be_support_without_labels(protocol: str) -> None:
    """Images known to be normal would turn the zero-shot protocol into few-k."""
    report = audit(TRAINING, TEST | SUPPORT, TEST, protocol)
    assert lists(report) == {"support_outside_test": ["train/good/0.png", "train/good/1.png"]}


def test_duplicates_within_the_test_set_are_reported_and_pass() -> None:
    test = {"c": "x", "b": "y", "a": "x", "e": "y", "d": "x", "f": "z"}
    report = audit([], {}, test, "batch")
    assert report["duplicates_within_test"] == [["a", "c", "d"], ["b", "e"]]
    assert lists(report) == {}


def test_nothing_at_all_passes() -> None:
    assert lists(audit([], {}, {}, "batch")) == {}


def test_order_of_the_input_does_not_matter() -> None:
    support, test = TEST | SUPPORT, TEST | SUPPORT
    turned = dict(reversed(support.items())), dict(reversed(test.items()))
    for protocol in ("batch", "few-2"):
        assert audit(["g0"], *turned, protocol) == audit({"g0"}, support, test, protocol)


def test_the_error_names_files_and_remedies_on_one_line() -> None:
    test = {f"test/good/{i}.png": f"g{i}" for i in range(6)}
    report = audit(list(test.values()), {"train/good/0.png": "g2"}, test, "few-1")
    with pytest.raises(LeakError) as caught:
        raise_on_leak(report)
    assert caught.value.exit_code == 3
    assert str(caught.value) == (
        "leak: test images in the training set (6: test/good/0.png, test/good/1.png, "
        "test/good/2.png and 3 more): train without them; "
        "support images in the training set (1: train/good/0.png): train without them; "
        "support images in the test set (1: train/good/0.png = test/good/2.png): "
        "take others from train/good"
    )


def test_names_with_line_breaks_stay_on_one_line() -> None:
    with pytest.raises(LeakError) as caught:
        raise_on_leak(audit(["x"], {}, {"a\nb.png": "x"}, "batch"))
    assert "\n" not in str(caught.value)


def test_a_leak_planted_in_real_pixels_is_caught() -> None:
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (6, 8, 11, 3), dtype=np.uint8)
    training = {image_hash(image) for image in images[:3]}
    test = {f"test/good/{i}.png": image_hash(image) for i, image in enumerate(images[3:])}
    assert lists(audit(training, {}, test, "batch")) == {}
    planted = training | {image_hash(images[4].copy())}
    assert lists(audit(planted, {}, test, "batch")) == {
        "overlap_training_test": ["test/good/1.png"]
    }
