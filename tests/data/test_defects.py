"""Defects: a real change, an exact mask, severity and occlusion."""

import numpy as np
import pytest
from scipy.ndimage import binary_erosion

from cozad_teach.data.drawn.textures import DEFECTS, add_defect, draw_texture
from cozad_teach.errors import CozadError

SIZE = (96, 144)
CATEGORIES = ("marble_white", "leather_black", "weave_denim", "gravel_grey", "dots_perforated")
FLAT = {"black": 0, "grey": 127, "white": 255}


@pytest.fixture(scope="module")
def image():
    return draw_texture("marble_white", 0, SIZE)


def changed(before, after):
    return (before != after).any(axis=-1)


def test_kinds():
    assert DEFECTS == ("blob", "scratch", "cut_paste", "stain", "hole")


@pytest.mark.parametrize("kind", DEFECTS)
@pytest.mark.parametrize("category", CATEGORIES)
def test_mask_is_the_set_of_changed_pixels(category, kind):
    before = draw_texture(category, 1, SIZE)
    kept = before.copy()
    for seed in range(8):
        after, mask = add_defect(before, kind, seed, severity=0.5, occlusion=0.3)
        assert after.dtype == np.uint8 and after.shape == before.shape
        assert mask.dtype == bool and mask.shape == SIZE
        assert mask.any()
        np.testing.assert_array_equal(changed(before, after), mask)
    np.testing.assert_array_equal(before, kept)


@pytest.mark.parametrize("kind", DEFECTS)
@pytest.mark.parametrize("value", FLAT.values(), ids=FLAT)
@pytest.mark.parametrize("severity", [1e-3, 0.3, 1.0])
def test_mask_is_exact_on_flat_and_saturated_images(value, kind, severity):
    before = np.full((48, 70, 3), value, np.uint8)
    for seed in range(5):
        after, mask = add_defect(before, kind, seed, severity)
        np.testing.assert_array_equal(changed(before, after), mask)


@pytest.mark.parametrize("size", [(32, 32), (64, 96), (32, 200), (101, 33)])
@pytest.mark.parametrize("kind", DEFECTS)
def test_small_images_and_much_occlusion_leave_a_visible_part(kind, size):
    before = draw_texture("cloud_iron", 3, size)
    for seed in range(25):
        after, mask = add_defect(before, kind, seed, severity=0.2, occlusion=0.9)
        assert mask.any()
        np.testing.assert_array_equal(changed(before, after), mask)


@pytest.mark.parametrize("kind", DEFECTS)
@pytest.mark.parametrize("category", CATEGORIES)
def test_severity_is_monotone_in_every_pixel_and_strictly_on_average(category, kind):
    before = draw_texture(category, 2, SIZE)
    smaller, means, masks = np.zeros(before.shape, int), [], []
    for severity in (0.05, 0.1, 0.2, 0.4, 0.7, 1.0):
        after, mask = add_defect(before, kind, 11, severity)
        change = np.abs(after.astype(int) - before)
        assert (change >= smaller).all()
        smaller = change
        means.append(change[mask].mean())
        masks.append(mask)
    assert means == sorted(set(means))
    assert all((mask == masks[0]).all() for mask in masks)


@pytest.mark.parametrize("kind", DEFECTS)
def test_full_severity_is_clearly_visible(kind):
    strengths = []
    for seed in range(20):
        for category in CATEGORIES:
            before = draw_texture(category, 0, SIZE)
            after, mask = add_defect(before, kind, seed)
            strengths.append(np.abs(after[mask].astype(int) - before[mask]).mean())
    assert np.median(strengths) > 12


@pytest.mark.parametrize("kind", DEFECTS)
def test_occlusion_hides_the_share_asked_for(image, kind):
    for seed in range(10):
        full, whole = add_defect(image, kind, seed)
        for share in (0.25, 0.5, 0.9):
            part, mask = add_defect(image, kind, seed, occlusion=share)
            assert mask.sum() == max(1, round((1 - share) * whole.sum()))
            assert not (mask & ~whole).any()
            np.testing.assert_array_equal(part[mask], full[mask])
            np.testing.assert_array_equal(part[~mask], image[~mask])


@pytest.mark.parametrize("kind", DEFECTS)
def test_mask_does_not_depend_on_the_material(image, kind):
    other = draw_texture("leather_black", 5, SIZE)
    for seed in range(5):
        np.testing.assert_array_equal(
            add_defect(image, kind, seed)[1], add_defect(other, kind, seed)[1]
        )


@pytest.mark.parametrize("kind", DEFECTS)
def test_areas_and_places(kind):
    before = draw_texture("cloud_paper", 0, (256, 320))
    masks = np.stack([add_defect(before, kind, seed)[1] for seed in range(60)])
    areas = masks.mean(axis=(1, 2))
    assert areas.min() > 0.0005 and areas.max() < 0.1
    low, high = (0.001, 0.01) if kind == "scratch" else (0.005, 0.04)
    assert low < np.median(areas) < high
    assert areas.max() > 4 * areas.min()
    border = masks[:, [0, -1]].any(axis=(1, 2)) | masks[:, :, [0, -1]].any(axis=(1, 2))
    assert 0.05 < border.mean() < 0.6
    rows, columns = np.nonzero(masks.any(axis=0))
    assert np.ptp(rows) > 0.9 * 256 and np.ptp(columns) > 0.9 * 320


def test_scratches_are_thin(image):
    for seed in range(20):
        mask = add_defect(image, "scratch", seed)[1]
        assert binary_erosion(mask, np.ones((7, 7))).sum() == 0


def test_seed_and_kind_decide(image):
    first = add_defect(image, "hole", 0)[0]
    np.testing.assert_array_equal(first, add_defect(image, "hole", 0)[0])
    assert not np.array_equal(first, add_defect(image, "hole", 1)[0])
    masks = {add_defect(image, kind, 0)[1].tobytes() for kind in DEFECTS}
    assert len(masks) == len(DEFECTS)


def test_unknown_kind_names_the_kinds(image):
    with pytest.raises(CozadError, match=r"unknown defect 'dent'.*blob"):
        add_defect(image, "dent", 0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"severity": 0.0}, "severity"),
        ({"severity": 1.01}, "severity"),
        ({"severity": float("nan")}, "severity"),
        ({"occlusion": 1.0}, "occlusion"),
        ({"occlusion": -0.1}, "occlusion"),
        ({"occlusion": float("nan")}, "occlusion"),
        ({"seed": -1}, "seed"),
        ({"image": np.zeros((64, 64), np.uint8)}, "uint8"),
        ({"image": np.zeros((64, 64, 4), np.uint8)}, "uint8"),
        ({"image": np.zeros((64, 64, 3))}, "uint8"),
        ({"image": np.zeros((31, 64, 3), np.uint8)}, "32 pixels"),
    ],
)
def test_bad_arguments(image, changes, message):
    arguments = {"image": image, "kind": "blob", "seed": 0} | changes
    with pytest.raises(ValueError, match=message):
        add_defect(**arguments)
