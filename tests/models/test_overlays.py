"""Overlays: a heat map over a photograph, at its size."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest

from cozad_teach.models.overlays import overlay


def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)


def test_overlay_leaves_quiet_pixels_alone_and_caps_loud_ones() -> None:
    image = picture()
    scores = np.zeros((5, 7))
    scores[1, 2], scores[3, 6], scores[4, 4] = 0.5, 1.0, 9.0
    shown = overlay(image, scores, 0.0, 1.0)
    assert shown.dtype == np.uint8 and shown.shape == image.shape
    assert np.array_equal(shown[scores == 0], image[scores == 0])
    hottest = np.array(matplotlib.colormaps["inferno"](1.0)[:3]) * 255
    for place in ((3, 6), (4, 4)):
        assert np.abs(shown[place] - (0.25 * image[place] + 0.75 * hottest)).max() <= 0.5


@pytest.mark.parametrize("high", [2.0, 1.0])
def test_overlay_without_a_range_shows_the_image(high: float) -> None:
    image = picture()
    assert np.array_equal(overlay(image, np.full((5, 7), 3.0), 2.0, high), image)


def test_overlay_refuses_a_map_of_another_size() -> None:
    with pytest.raises(ValueError, match=r"\(5, 7\) and map \(7, 5\)"):
        overlay(picture(), np.zeros((7, 5)), 0, 1)
