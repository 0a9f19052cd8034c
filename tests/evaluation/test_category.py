"""Every metric of a category that its data allows, and one sentence for each that it does not."""

from __future__ import annotations

import json
import math
from collections.abc import Callable

import numpy as np
import pytest

from cozad_teach.evaluation.category import IMAGE_METRICS, METRICS, PIXEL_METRICS, measure
from cozad_teach.evaluation.metrics import (
    aupro,
    image_ap,
    image_auroc,
    image_f1max,
    pixel_ap,
    pixel_auroc,
    pixel_f1max,
)

GOOD_MAP, GOOD_MASK = np.arange(6.0).reshape(2, 3), np.array([[0, 0, 1], [0, 1, 1]])


# A maximum over thresholds has no honest interval.
WITH_INTERVAL = [name for name in METRICS if "f1max" not in name]


@pytest.fixture
def category() -> dict[str, list]:
    rng = np.random.default_rng(8)
    labels = [0] * 4 + [1] * 5
    masks = [None] * 4 + [rng.random((7, 11)) < 0.2 for _ in range(5)]
    maps = [rng.normal(size=(7, 11)) + (0 if m is None else m) for m in masks]
    return {
        "scores": [float(m.max()) for m in maps],
        "labels": labels,
        "maps": maps,
        "masks": masks,
    }


def test_all_metrics(category: dict[str, list]) -> None:
    found = measure(**category)
    images, pixels = (category["scores"], category["labels"]), (category["maps"], category["masks"])
    best_image, best_pixel = image_f1max(*images), pixel_f1max(*pixels)
    assert found.values == {
        "image_auroc": image_auroc(*images),
        "image_ap": image_ap(*images),
        "image_f1max": best_image.value,
        "pixel_auroc": pixel_auroc(*pixels),
        "pixel_ap": pixel_ap(*pixels),
        "pixel_f1max": best_pixel.value,
        "aupro": aupro(*pixels),
    }
    assert found.thresholds == {"image": best_image.threshold, "pixel": best_pixel.threshold}
    assert all(type(value) is float for value in found.values.values())


def test_the_row_of_a_report_is_plain_json(category: dict[str, list]) -> None:
    found = measure(**category, n_resamples=50)
    row = found.row()
    assert json.loads(json.dumps(row)) == row
    assert [key for key in row if key in METRICS] == list(METRICS)
    assert list(row["intervals"]) == WITH_INTERVAL
    for name, (low, high) in row["intervals"].items():
        assert 0 <= low <= row[name] <= high <= 1
        assert len(found.draws[name]) == 50
    assert (row["null_reasons"], row["interval_reason"]) == ({}, None)
    without = measure(**category).row()
    assert without["intervals"] == {} and {**row, "intervals": {}} == without


def test_maps_may_come_one_at_a_time(category: dict[str, list]) -> None:
    lazy = {**category, "maps": iter(category["maps"]), "masks": iter(category["masks"])}
    assert measure(**lazy).row() == measure(**category).row()


def test_no_interval_from_one_image_of_a_class(category: dict[str, list]) -> None:
    few = {key: values[3:] for key, values in category.items()}
    row = measure(**few, n_resamples=50).row()
    assert row["image_auroc"] is not None and row["intervals"] == {}
    assert row["interval_reason"] == (
        "there is one normal image only: an interval needs two or more"
    )


def test_an_interval_without_normal_images_is_that_of_the_anomalous_ones(
    category: dict[str, list],
) -> None:
    anomalous = {key: values[4:] for key, values in category.items()}
    row = measure(**anomalous, n_resamples=50).row()
    assert set(row["intervals"]) == set(WITH_INTERVAL) - set(IMAGE_METRICS)


def test_a_resample_without_normal_pixels_has_its_reason() -> None:
    whole, part = np.ones((3, 4), bool), np.eye(3, 4, dtype=bool)
    maps = [np.arange(12.0).reshape(3, 4)] * 3
    row = measure([1, 2, 3], [1, 1, 1], maps, [whole, whole, part], n_resamples=50).row()
    assert row["pixel_auroc"] is not None and row["intervals"] == {}
    assert row["interval_reason"] == (
        "a resample of the images has no pixels of one kind, normal or anomalous"
    )


def test_copies_of_an_image_are_one_witness(category: dict[str, list]) -> None:
    alone = measure(**category, n_resamples=400)
    twice = {key: values + values for key, values in category.items()}
    groups = list(range(9)) * 2
    known, unknown = (measure(**twice, n_resamples=400, groups=g) for g in (groups, None))
    for name, spread in alone.spreads.items():
        assert known.spreads[name].degrees == spread.degrees == 3
        assert known.spreads[name].variance == pytest.approx(spread.variance, rel=0.3)
        assert unknown.spreads[name].variance < 0.75 * spread.variance


def test_masks_may_be_read_when_they_are_needed(category: dict[str, list]) -> None:
    read: list[int] = []

    def reader(index: int, mask: np.ndarray) -> Callable[[], np.ndarray]:
        def mask_of() -> np.ndarray:
            read.append(index)
            return mask

        return mask_of

    masks = [m if m is None else reader(i, m) for i, m in enumerate(category["masks"])]
    assert measure(**{**category, "masks": masks}).row() == measure(**category).row()
    assert read == [4, 5, 6, 7, 8]


def reasons(case: dict[str, list], **changes: object) -> tuple[str | None, str | None]:
    """Why image and why pixel metrics are missing; all of a kind agree."""
    found = measure(**{**case, **changes}, n_resamples=20)
    row, whys = found.row(), found.null_reasons
    assert all((row[key] is None) == (key in whys) for key in METRICS)
    assert set(found.draws) == set(found.spreads) == set(WITH_INTERVAL) - set(whys)
    assert len({whys.get(key) for key in IMAGE_METRICS}) == 1
    assert len({whys.get(key) for key in METRICS[len(IMAGE_METRICS) :]}) == 1
    return whys.get("image_auroc"), whys.get("aupro")


NO_MASKS = "no masks: this set has image labels only"


def test_reasons_in_the_masks(category: dict[str, list]) -> None:
    masks = category["masks"]
    assert reasons(category) == (None, None)
    assert reasons(category, masks=None) == (None, NO_MASKS)
    assert reasons(category, masks=None, maps=None) == (None, NO_MASKS)
    assert reasons(category, masks=[None] * 9) == (None, NO_MASKS)
    two = [None] * 4 + [None, None, *masks[6:]]
    assert reasons(category, masks=two) == (None, "2 of 5 anomalous images have no mask")
    assert reasons(category, masks=[*masks[:8], None])[1] == "1 of 5 anomalous images has no mask"
    empty = [None] * 4 + [np.zeros((7, 11), bool)] * 5
    assert reasons(category, masks=empty) == (None, "all 5 masks of anomalous images are empty")
    assert reasons(category, masks=[np.zeros((7, 11), int)] * 4 + masks[4:]) == (None, None)
    assert reasons(category, maps=None) == (None, "no anomaly maps: only image scores were given")


def test_a_mask_that_contradicts_its_label_costs_its_image_alone(
    category: dict[str, list],
) -> None:
    """All other images decide the pixel metrics, and the image itself those of images."""
    masks = [*category["masks"]]
    masks[1], masks[8] = masks[7], np.zeros((7, 11), bool)
    found = measure(**{**category, "masks": masks}, n_resamples=50)
    assert found.contradictions == {
        1: "is good, but its mask has anomalous pixels",
        8: "is anomalous, but its mask is empty",
    }
    kept = [i for i in range(9) if i not in (1, 8)]
    fewer = measure(**{key: [values[i] for i in kept] for key, values in category.items()})
    whole = measure(**category)
    assert {key: found.values[key] for key in PIXEL_METRICS} == pytest.approx(
        {key: fewer.values[key] for key in PIXEL_METRICS}, abs=1e-12
    )
    assert {key: found.values[key] for key in IMAGE_METRICS} == {
        key: whole.values[key] for key in IMAGE_METRICS
    }
    assert set(found.spreads) == set(WITH_INTERVAL)
    assert measure(**{**category, "masks": [*masks[:1], None, *masks[2:]]}).no_mask == []
    no_masks = measure(**{**category, "masks": [None] * 5 + category["masks"][5:]})
    assert (no_masks.no_mask, no_masks.contradictions) == ([4], {})


def test_reasons_in_the_labels(category: dict[str, list]) -> None:
    normal = {key: values[:4] for key, values in category.items()}
    anomalous = {key: values[4:] for key, values in category.items()}
    assert reasons(normal) == ("no anomalous images", "no anomalous images")
    assert reasons(anomalous) == ("no normal images", None)
    nothing = {key: [] for key in category}
    assert reasons(nothing) == ("no test images", "no test images")
    whole = {**anomalous, "masks": [np.ones((7, 11), bool)] * 5}
    assert reasons(whole) == ("no normal images", "no normal pixels")


def test_reasons_in_the_scores(category: dict[str, list]) -> None:
    scores = [math.nan, *category["scores"][1:]]
    assert reasons(category, scores=scores) == ("an image score is not finite", None)
    maps = [category["maps"][0] * math.nan, *category["maps"][1:]]
    assert reasons(category, maps=maps) == (None, "an anomaly map has a value that is not finite")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scores": [1.0]}, "two lists of one length"),
        ({"labels": [2] * 9}, "labels must be 0"),
        ({"maps": [GOOD_MAP]}, "there are 1 maps but 9 masks"),
        ({"masks": [GOOD_MASK]}, "there are 9 labels but 1 masks"),
        ({"maps": [GOOD_MAP] * 9}, "map 4 has the shape"),
    ],
)
def test_mistakes_in_the_calling_code_are_raised(category, changes, message) -> None:
    with pytest.raises(ValueError, match=message):
        measure(**{**category, **changes})
