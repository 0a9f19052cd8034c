"""The walk has the area of the metric; what is shaded is what was found."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from matplotlib.figure import Figure
from sklearn.metrics import roc_curve

from cozad_book.figures.metrics import (
    draw_found,
    draw_looks,
    draw_outline,
    draw_roc_walk,
    roc_walk,
)
from cozad_teach.evaluation.metrics import image_auroc


@pytest.mark.parametrize("seed", range(5))
def test_walk_is_the_roc_curve_and_its_area_the_auroc(seed: int) -> None:
    random = np.random.default_rng(seed)
    labels = random.permutation(np.repeat([0, 1], [7, 4]))
    scores = random.integers(-3, 4, 11).astype(float)
    corners = roc_walk(scores, labels)
    x, y, _ = roc_curve(labels, scores, drop_intermediate=False)
    assert corners == pytest.approx(np.stack([x, y], 1))
    area = sum((b[0] - a[0]) * (a[1] + b[1]) / 2 for a, b in itertools.pairwise(corners))
    assert area == pytest.approx(image_auroc(scores, labels))


def test_each_step_of_the_picture_carries_its_score() -> None:
    axis = Figure().subplots()
    scores, labels = np.array([0.9, 0.7, 0.7, 0.4]), np.array([1, 0, 1, 0])
    draw_roc_walk(axis, scores, labels)
    assert [text.get_text() for text in axis.texts] == ["0.9", "0.7", "0.4"]
    assert axis.lines[0].get_xydata() == pytest.approx(roc_walk(scores, labels))


def test_points_are_what_was_found_and_lines_what_chance_explains() -> None:
    axis = Figure().subplots()
    gains = {n: (np.arange(4) / n, np.arange(4) / n / 2) for n in (24, 100)}
    draw_looks(axis, gains)
    assert [line.get_xdata().tolist() for line in axis.lines] == [[1, 2, 3, 4]] * 4
    drawn = [line.get_ydata() for line in axis.lines]
    assert np.array_equal(drawn, [values for pair in gains.values() for values in pair])
    assert [text.get_text() for text in axis.get_legend().texts] == ["24 images", "100 images"]


def test_what_is_found_is_shaded_and_the_image_left_alone() -> None:
    image = np.full((6, 8, 3), 90, np.uint8)
    mask, found = np.zeros((6, 8), bool), np.zeros((6, 8), bool)
    mask[1:3, 2:5], found[2:4, 3:6] = True, True
    axis = Figure().subplots()
    draw_found(axis, image, mask, found)
    shown = axis.images[0].get_array()
    assert ((shown != image).any(-1) == found).all()
    assert (image == 90).all() and len(axis.lines) == 2


def enclosed(x: np.ndarray, y: np.ndarray) -> float:
    return abs(float(np.dot(x[1:], y[:-1]) - np.dot(x[:-1], y[1:]))) / 2


def test_outlines_are_closed_around_each_region_at_the_edge_too() -> None:
    mask = np.zeros((12, 17), bool)
    mask[0:4, 0:5] = True
    mask[7:11, 9:14] = True
    axis = Figure().subplots()
    draw_outline(axis, mask)
    assert len(axis.lines) == 4, "two regions, each with a dark and a light line"
    for line, (rows, columns) in zip(
        axis.lines[::2], (((0, 3), (0, 4)), ((7, 10), (9, 13))), strict=True
    ):
        x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
        assert (x[0], y[0]) == (x[-1], y[-1])
        assert (x.min(), x.max()) == (columns[0] - 0.5, columns[1] + 0.5)
        assert (y.min(), y.max()) == (rows[0] - 0.5, rows[1] + 0.5)
        assert enclosed(x, y) == pytest.approx(20, abs=0.5 + 1e-9), "corners are cut"
    for nothing in (None, np.zeros((3, 4), bool)):
        draw_outline(axis, nothing)
    assert len(axis.lines) == 4
