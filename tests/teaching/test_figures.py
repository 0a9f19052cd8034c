"""Figures: what they show is where it belongs, at the size it had."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from matplotlib import pyplot as plt

from cozad_book.figures import drawing as figures
from cozad_book.figures import schematics


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    with plt.rc_context():
        yield
    plt.close("all")


def picture(seed: int = 0, size: tuple[int, int] = (5, 7)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def test_image_grid_fills_rows_and_hides_the_rest() -> None:
    images = [picture(i) for i in range(4)] + [np.zeros((3, 4))]
    figure = figures.image_grid(images, list("abcde"), columns=3)
    assert [a.get_title() for a in figure.axes] == ["a", "b", "c", "d", "e", ""]
    assert [len(a.images) for a in figure.axes] == [1, 1, 1, 1, 1, 0]
    assert np.array_equal(figure.axes[3].images[0].get_array(), images[3])


def test_heat_map_grid_puts_image_map_and_truth_below_each_other() -> None:
    images = [picture(0, (5, 7)), picture(1, (8, 6))]
    mask = np.zeros((5, 7), bool)
    mask[2, 3:5] = True
    maps = [mask.astype(float), np.zeros((8, 6))]
    figure = figures.heat_map_grid(images, [mask, None], maps, ["first", "second"], 0.0, 1.0)
    titles = [a.get_title() for a in figure.axes]
    assert titles == ["first", "second", "heat map", "", "true defect", ""]
    shown = [np.asarray(a.images[0].get_array()) for a in figure.axes]
    assert np.array_equal(shown[0], images[0]) and np.array_equal(shown[1], images[1])
    assert np.array_equal(shown[2], figures.overlay(images[0], maps[0], 0.0, 1.0))
    assert np.array_equal(shown[4][mask], images[0][mask])
    assert np.array_equal(shown[4][~mask], images[0][~mask] // 3)
    assert np.array_equal(shown[5], images[1]), "an unknown truth is not drawn as a normal image"


def test_heat_map_grid_needs_one_of_each() -> None:
    with pytest.raises(ValueError, match="shorter"):
        figures.heat_map_grid([picture()], [None], [np.zeros((5, 7))], [], 0, 1)


def test_method_steps_are_six_numbered_panels_without_ticks() -> None:
    figure = schematics.method_steps()
    titles = [axis.get_title(loc="left") for axis in figure.axes]
    assert [title[0] for title in titles] == list("123456")
    for axis in figure.axes:
        assert not axis.get_xticks().size and not axis.get_yticks().size
        assert axis.has_data()


def test_style_keeps_a_white_ground_and_the_palette() -> None:
    figures.set_style()
    figure, axis = plt.subplots()
    (line,) = axis.plot([0, 1])
    assert figure.get_facecolor()[:3] == (1.0, 1.0, 1.0)
    assert line.get_color() == figures.COLOURS["blue"]
