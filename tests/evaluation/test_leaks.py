"""The leak audit: every planted leak is found and named, and what is no leak passes."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable

import numpy as np
import pytest
import torch
from PIL import Image

from cozad_teach.data.drawn.textures import draw_category
from cozad_teach.data.identity.fingerprints import Fingerprints, image_hash
from cozad_teach.data.identity.uses import PURPOSES, Use
from cozad_teach.data.images import ImageFile, read_image
from cozad_teach.errors import LeakError
from cozad_teach.evaluation.leaks import audit, check_independence, digest, raise_on_leak

IMAGE = np.random.default_rng(0).integers(0, 256, (13, 29, 3), dtype=np.uint8)
NOTHING = Fingerprints.join([])
Picture = np.ndarray


@pytest.fixture(scope="module")
def pictures() -> list[Picture]:
    """Twelve pictures, no two of them alike."""
    names = ("wood_oak", "cells_terrazzo", "cloud_concrete", "marble_white")
    return [i for name in names for i in draw_category(name, 2, 1, 5, (160, 200)).images]


def named(kind: str, images: list[Picture]) -> Fingerprints:
    return Fingerprints.of([f"{kind}/{i}.png" for i in range(len(images))], images)


def jpeg(image: Picture) -> Picture:
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(stream, "JPEG", quality=80)
    return np.asarray(Image.open(stream).convert("RGB"))


def leaks(report: dict) -> list[tuple[str, str, str]]:
    """Purpose, image and target of each leak; `passed` and the error must agree with them."""
    assert json.loads(json.dumps(report)) == report
    assert report["passed"] is (not report["leaks"])
    if report["leaks"]:
        with pytest.raises(LeakError) as caught:
            raise_on_leak(report)
        assert caught.value.exit_code == 3 and "\n" not in str(caught.value)
    else:
        raise_on_leak(report)
    return [(leak["purpose"], leak["image"], leak["target"]) for leak in report["leaks"]]


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


@pytest.mark.parametrize("protocol", ["single", "batch", "few-2", "full"])
def test_a_clean_run_passes_with_its_proof(pictures: list[Picture], protocol: str) -> None:
    auxiliary, test = named("auxiliary", pictures[:5]), named("test", pictures[7:])
    support = named("train", pictures[5:7]) if protocol in ("few-2", "full") else NOTHING
    uses = [Use("weights", auxiliary, True), Use("statistics", auxiliary, False)]
    report = audit(uses, support, test, protocol)
    assert leaks(report) == []
    both = {"images": 5, "digest": digest(auxiliary)}
    assert report["uses"] == [
        {"purpose": "weights", "labels": True, **both},
        {"purpose": "statistics", "labels": False, **both},
    ]
    assert report["test"] == {"images": 5, "digest": digest(test)}
    assert report["support"] == {"images": len(support), "digest": digest(support)}
    assert report["protocol"] == protocol and report["copies_within_test"] == []


def test_a_digest_tells_which_images_in_any_order(pictures: list[Picture]) -> None:
    images = named("test", pictures[:4])
    expected = hashlib.sha256("\n".join(sorted(images.hashes)).encode()).hexdigest()
    assert digest(images) == digest(images.take([2, 0, 3, 1])) == expected
    assert digest(images.take([0, 1, 2])) != expected


PLANTED: dict[str, tuple[Callable[[Picture], Picture], str]] = {
    "the same file": (lambda i: i, "same pixels"),
    "a copy saved anew": (jpeg, "saved anew"),
    "a smaller copy": (lambda i: np.asarray(Image.fromarray(i).resize((90, 70))), "saved anew"),
    "a mirrored copy": (lambda i: jpeg(i[:, ::-1]), "mirrored or turned"),
    "a turned copy": (lambda i: jpeg(np.rot90(i)), "mirrored or turned"),
    "a crop": (lambda i: jpeg(i[10:140, 20:170]), "crop"),
    "a mirrored crop": (lambda i: jpeg(i[20:150, 30:190][:, ::-1]), "crop"),
}


@pytest.mark.parametrize("plant", PLANTED)
@pytest.mark.parametrize("protocol", ["single", "batch", "few-2"])
def test_planted_in_the_training_set(pictures: list[Picture], plant: str, protocol: str) -> None:
    change, kind = PLANTED[plant]
    auxiliary = named("auxiliary", [*pictures[:5], change(pictures[9])])
    support = named("train", pictures[5:7]) if protocol == "few-2" else NOTHING
    report = audit(
        [Use("weights", auxiliary, True)], support, named("test", pictures[7:]), protocol
    )
    assert leaks(report) == [("weights", "auxiliary/5.png", "test/2.png")]
    assert report["leaks"][0]["kind"] == kind and report["leaks"][0]["similarity"] > 0.9


@pytest.mark.parametrize("purpose", PURPOSES)
@pytest.mark.parametrize("labels", [True, False])
@pytest.mark.parametrize("protocol", ["single", "batch", "few-2", "full"])
def test_test_images_serve_no_purpose_but_statistics_of_a_batch(
    pictures: list[Picture], purpose: str, labels: bool, protocol: str
) -> None:
    """The epoch, the threshold or the scale of the features, chosen on the target."""
    test = named("test", pictures[7:])
    support = named("train", pictures[:2]) if protocol in ("few-2", "full") else NOTHING
    found = leaks(audit([Use(purpose, test, labels)], support, test, protocol))
    if (purpose, labels, protocol) == ("statistics", False, "batch"):
        assert found == []
    else:
        assert found == [(purpose, f"test/{i}.png", f"test/{i}.png") for i in range(5)]


@pytest.mark.parametrize("purpose", PURPOSES)
@pytest.mark.parametrize("labels", [True, False])
def test_support_images_may_scale_features_and_nothing_else(
    pictures: list[Picture], purpose: str, labels: bool
) -> None:
    support = named("train", pictures[:2])
    report = audit([Use(purpose, support, labels)], support, named("test", pictures[7:]), "few-2")
    allowed = (purpose, labels) == ("statistics", False)
    expected = [] if allowed else [(purpose, f"train/{i}.png", f"train/{i}.png") for i in (0, 1)]
    assert leaks(report) == expected


def test_an_unknown_purpose_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="unknown purpose 'fun'"):
        Use("fun", NOTHING, False)


@pytest.mark.parametrize("change", [lambda i: i, jpeg, lambda i: jpeg(i[::-1])])
def test_a_copy_of_a_test_image_in_the_support(
    pictures: list[Picture], change: Callable[[Picture], Picture]
) -> None:
    support = named("train", [*pictures[:2], change(pictures[8])])
    report = audit([], support, named("test", pictures[7:]), "few-3")
    assert leaks(report) == [("support", "train/2.png", "test/1.png")]


@pytest.mark.parametrize("protocol", ["single", "batch"])
def test_no_other_image_may_be_support_without_labels(
    pictures: list[Picture], protocol: str
) -> None:
    """Images known to be normal would turn the zero-shot protocol into few-K."""
    test = named("test", pictures[7:])
    assert leaks(audit([], test, test, protocol)) == []
    assert leaks(audit([], test.take([1]), test, protocol)) == []
    support = Fingerprints.join([test, named("train", pictures[:2])])
    found = leaks(audit([], support, test, protocol))
    assert found == [("outside", "train/0.png", ""), ("outside", "train/1.png", "")]


def test_copies_within_the_test_set_are_reported_and_pass(pictures: list[Picture]) -> None:
    images = [pictures[7], pictures[8], jpeg(pictures[7]), pictures[9], jpeg(pictures[7][:, ::-1])]
    report = audit([], NOTHING, named("test", images), "batch")
    assert report["copies_within_test"] == [["test/0.png", "test/2.png", "test/4.png"]]
    assert leaks(report) == []


def test_nothing_at_all_passes() -> None:
    assert leaks(audit([], NOTHING, NOTHING, "batch")) == []


def test_the_error_names_images_and_remedies_on_one_line(pictures: list[Picture]) -> None:
    test = named("test", pictures[:6])
    support = named("train", [pictures[2]])
    uses = [Use("weights", test.take(range(5)), True), Use("epoch", test.take([0]), True)]
    with pytest.raises(LeakError) as caught:
        raise_on_leak(audit(uses, support, test, "few-1"))
    assert str(caught.value) == (
        "leak: images of the target had a part in the weights (6: test/0.png = test/0.png, same "
        "pixels; test/1.png = test/1.png, same pixels; test/2.png = test/2.png, same pixels and "
        "3 more): train without them; "
        "images of the target had a part in the epoch (1: test/0.png = test/0.png, same pixels): "
        "choose the epoch or setting on other images; "
        "the support holds copies of test images (1: train/0.png = test/2.png, same pixels): take "
        "others from train/good"
    )


def test_names_with_line_breaks_stay_on_one_line(pictures: list[Picture]) -> None:
    odd = Fingerprints.of(["a\nb.png"], [pictures[0]])
    with pytest.raises(LeakError) as caught:
        raise_on_leak(audit([Use("weights", odd, True)], NOTHING, odd, "batch"))
    assert "\n" not in str(caught.value)


# Independence


def test_scores_that_do_not_notice_the_others_pass() -> None:
    scores = torch.randn(2, 5, 7, generator=torch.Generator().manual_seed(0))
    report = check_independence(scores, scores * (1 + 1e-5))
    assert report["passed"] and report["images"] == 2 and report["largest_change"] < 1e-3
    raise_on_leak({"leaks": [], "protocol": "single", "independence": report})


def test_features_scaled_by_the_test_set_are_noticed_without_any_record() -> None:
    """The planted leak: mean and deviation of all test images, under a protocol for one."""
    features = torch.randn(9, 5, 7, 4, generator=torch.Generator().manual_seed(1))
    features += torch.arange(9.0).view(9, 1, 1, 1) / 3

    def scores(some: torch.Tensor) -> torch.Tensor:
        scaled = (some - some.mean((0, 1, 2))) / some.std((0, 1, 2))
        return scaled.square().mean(-1).sqrt()

    report = check_independence(scores(features)[:2], scores(features[:2]))
    assert not report["passed"] and report["largest_change"] > 0.1
    with pytest.raises(LeakError, match="under the protocol single scores depend on the other"):
        raise_on_leak({"leaks": [], "protocol": "single", "independence": report})


def test_a_strong_defect_hides_no_dependence() -> None:
    scores = 1 + 0.15 * torch.randn(2, 28, 28, generator=torch.Generator().manual_seed(2))
    scores[1, :6, :6] = 15
    alone = scores.clone()
    alone[0] += 0.04
    assert not check_independence(scores, alone)["passed"]
    one_patch = scores.clone()
    one_patch[0, 3, 4] += 0.1  # a single patch that notices the others is enough
    assert not check_independence(scores, one_patch)["passed"]


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_scores_that_are_no_numbers_do_not_pass(bad: float) -> None:
    scores = torch.ones(1, 2, 2)
    assert not check_independence(scores, torch.full((1, 2, 2), bad))["passed"]
