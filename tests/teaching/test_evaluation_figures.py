"""Figures of an evaluation: the data that is drawn, and that it reads without colour."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.container import ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.patches import StepPatch
from scipy import stats
from skimage.color import deltaE_ciede2000, rgb2lab

from cozad_teach.evaluation.bands import Band, precision_recall_band, roc_band
from cozad_teach.evaluation.bootstrap import resample
from cozad_teach.teaching import case_figures, evaluation_figures, figures
from cozad_teach.teaching.evaluation_figures import SERIES

NAMES = ("CoZAD", "Mahalanobis", "nearest neighbour", "mutual scoring", "discriminator", "ensemble")


@pytest.fixture(autouse=True)
def house_style() -> Iterator[None]:
    with plt.rc_context():
        figures.set_style()
        yield
    plt.close("all")


LABELS = np.repeat([0, 1], [20, 30])


def scores(seed: int, shift: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=50) + shift * LABELS


def roc_bands(n: int) -> dict[str, Band]:
    weights = resample(LABELS, 40)
    names = [*NAMES, "seventh", "eighth"][:n]
    return {name: roc_band(scores(i), LABELS, weights) for i, name in enumerate(names)}


def legend_of(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def line_of(axis: Axes, label: str) -> tuple[np.ndarray, np.ndarray]:
    (line,) = (line for line in axis.lines if line.get_label() == label)
    return np.asarray(line.get_xdata()), np.asarray(line.get_ydata())


def assert_all_text_is_inside(figure: Figure) -> None:
    figure.draw_without_rendering()
    texts = [text for axis in figure.axes for text in (axis.title, *axis.texts)]
    boxes = [artist.get_window_extent() for artist in (*texts, *figure.legends)]
    # With the labels of those ticks that are in view.
    boxes += [side.get_tightbbox() for axis in figure.axes for side in (axis.xaxis, axis.yaxis)]
    for box in boxes:
        if box is not None and box.width:
            assert box.x0 >= -1 and box.x1 <= figure.bbox.x1 + 1
            assert box.y0 >= -1 and box.y1 <= figure.bbox.y1 + 1


# Colours

# What the three kinds of cone blindness leave of linear RGB (Machado, Oliveira, Fernandes, 2009).
BLINDNESS = {
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def seen(colour: str, matrix: list[list[float]]) -> np.ndarray:
    """Give CIE L*a*b* of what is seen of a colour."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    left = np.clip(np.array(matrix) @ linear, 0, 1)
    encoded = np.where(left <= 0.0031308, left * 12.92, 1.055 * left ** (1 / 2.4) - 0.055)
    return rgb2lab(encoded)


@pytest.mark.parametrize("kind", BLINDNESS)
def test_colours_of_series_differ_under_colour_blindness(kind: str) -> None:
    # A CIEDE2000 distance of 2 is seen side by side; lines far apart need several times that.
    lab = [seen(look["color"], BLINDNESS[kind]) for look in SERIES]
    for first, second in itertools.combinations(lab, 2):
        assert deltaE_ciede2000(first, second) > 10


def test_the_simulation_makes_red_and_green_alike() -> None:
    for matrix, alike in ((BLINDNESS["deuteranopia"], True), (np.eye(3).tolist(), False)):
        red, green = seen("#c46a50", matrix), seen("#8f8a4c", matrix)
        assert (deltaE_ciede2000(red, green) < 10) == alike


def test_series_differ_without_any_colour_too() -> None:
    for key in ("color", "linestyle", "marker"):
        assert len({str(look[key]) for look in SERIES}) == len(SERIES)
    assert {look["color"] for look in SERIES} <= set(figures.COLOURS.values())


# Curves


def test_roc_figure_draws_the_bands_it_is_given() -> None:
    bands = roc_bands(3)
    figure = evaluation_figures.roc_figure(bands)
    (axis,) = figure.axes
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("false positive rate", "true positive rate")
    for (name, band), shade, look in zip(bands.items(), axis.collections, SERIES, strict=False):
        np.testing.assert_array_equal(line_of(axis, name), [band.x, band.y])
        outline = shade.get_paths()[0].vertices
        for limit in (band.low, band.high):
            assert {*zip(band.x, limit, strict=True)} <= {*map(tuple, outline)}
        assert to_hex(shade.get_facecolor()[0]) == look["color"].lower()
    assert len(axis.collections) == 3
    np.testing.assert_array_equal(line_of(axis, "chance"), [[0, 1], [0, 1]])
    assert legend_of(figure) == [*bands, "chance"]
    assert "at each place alone" in axis.get_title(), "a pointwise band is called one"
    assert len({line.get_linestyle() + str(line._dash_pattern) for line in axis.lines}) == 4


def test_of_many_bands_only_the_first_is_shaded_and_named() -> None:
    figure = evaluation_figures.roc_figure(roc_bands(4))
    (axis,) = figure.axes
    assert len(axis.collections) == 1 and len(axis.lines) == 5
    assert axis.get_title() == "Shaded: 95 % band of CoZAD, at each place alone"


def test_the_title_names_the_curves_that_have_a_band() -> None:
    bands = roc_bands(3)
    bands["Mahalanobis"] = roc_band(scores(1), LABELS, np.empty((0, 50)))
    (axis,) = evaluation_figures.roc_figure(bands).axes
    assert len(axis.collections) == 2
    assert "band of CoZAD and nearest neighbour, at" in axis.get_title().replace("\n", " ")


def test_a_curve_without_a_band_is_a_line_only() -> None:
    band = roc_band(scores(0), LABELS, np.empty((0, 50)))
    (axis,) = evaluation_figures.roc_figure({"CoZAD": band}).axes
    assert not axis.collections and not axis.get_title()
    np.testing.assert_array_equal(line_of(axis, "CoZAD"), [band.x, band.y])


def test_precision_recall_and_pro_figures_show_chance() -> None:
    band = precision_recall_band(scores(0), LABELS, resample(LABELS, 20))
    (axis,) = evaluation_figures.precision_recall_figure({"CoZAD": band}, 0.6).axes
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("recall", "precision")
    np.testing.assert_array_equal(line_of(axis, "CoZAD"), [band.x, band.y])
    np.testing.assert_allclose(line_of(axis, "chance: 0.60"), [[0, 1], [0.6, 0.6]])
    (axis,) = evaluation_figures.pro_figure({"CoZAD": roc_bands(1)["CoZAD"]}, 0.2).axes
    np.testing.assert_array_equal(line_of(axis, "chance"), [[0, 0.2], [0, 0.2]])
    assert axis.get_xlim() == pytest.approx((-0.002, 0.202))
    assert "per-region overlap" in axis.get_ylabel()


@pytest.mark.parametrize("n", [0, 8])
def test_no_or_too_many_curves_are_refused(n: int) -> None:
    with pytest.raises(ValueError, match=f"1 to 7 methods, not {n}"):
        evaluation_figures.roc_figure(roc_bands(n))


@pytest.mark.parametrize("n", [1, 3, 7])
def test_no_text_of_curves_is_cut_off(n: int) -> None:
    assert_all_text_is_inside(evaluation_figures.roc_figure(roc_bands(n)))
    long = {f"{name} on the raw features, batch": band for name, band in roc_bands(n).items()}
    assert_all_text_is_inside(evaluation_figures.pro_figure(long, 0.3))


# Scores


def test_score_histogram_counts_both_classes_in_the_same_bins() -> None:
    values = scores(3)
    values[0] = 0.5  # a tie with the threshold is at or above it
    figure = evaluation_figures.score_histogram(values, LABELS, 0.5)
    (axis,) = figure.axes
    normal, anomalous = (p for p in axis.patches if isinstance(p, StepPatch))
    edges = normal.get_data().edges
    np.testing.assert_array_equal(edges, anomalous.get_data().edges)
    for drawn, kind in ((normal, 0), (anomalous, 1)):
        bars = np.asarray(drawn.get_data().values)
        for left, right, height in zip(edges, edges[1:], bars, strict=False):
            inside = (values >= left) & (
                (values < right) | ((right == edges[-1]) & (values == right))
            )
            assert height == (inside & (kind == LABELS)).sum()
        assert bars.sum() == (kind == LABELS).sum()
    assert anomalous.get_hatch() and not normal.get_hatch()
    above = [int(((values >= 0.5) & (kind == LABELS)).sum()) for kind in (0, 1)]
    assert legend_of(figure) == [
        f"normal: 20 images, {above[0]} at or above the threshold",
        f"anomalous: 30 images, {above[1]} at or above the threshold",
        "threshold 0.5",
    ]
    np.testing.assert_array_equal(axis.lines[0].get_xdata(), [0.5, 0.5])
    assert_all_text_is_inside(figure)


def test_score_histogram_of_one_class_or_one_score() -> None:
    figure = evaluation_figures.score_histogram([2.0], [1])
    assert legend_of(figure) == ["normal: 0 images", "anomalous: 1 image"]
    nothing, one = (p.get_data().values for p in figure.axes[0].patches)
    assert np.isnan(nothing).all() and np.sum(one) == 1
    assert_all_text_is_inside(figure)


@pytest.mark.parametrize("values", [[], [np.nan]])
def test_score_histogram_needs_finite_scores(values: list[float]) -> None:
    with pytest.raises(ValueError, match="one or more scores"):
        evaluation_figures.score_histogram(values, [0] * len(values))


# Probabilities


def test_reliability_figure_draws_bins_that_hold_images() -> None:
    predicted, observed, counts = [0.1, np.nan, 0.55, 0.9], [0.0, np.nan, 0.4, 1.0], [12, 0, 5, 3]
    figure = evaluation_figures.reliability_figure(predicted, observed, counts, 0.0834)
    above, below = figure.axes
    assert above.get_title() == "Expected calibration error 0.083"
    (bars,) = above.containers
    assert isinstance(bars, ErrorbarContainer)
    np.testing.assert_array_equal(bars[0].get_xydata(), [[0.1, 0], [0.55, 0.4], [0.9, 1]])
    (whiskers,) = bars[2]
    for segment, hits, n in zip(whiskers.get_segments(), (0, 2, 3), (12, 5, 3), strict=True):
        exact = stats.binomtest(hits, n).proportion_ci(method="exact")
        assert segment[:, 1] == pytest.approx([exact.low, exact.high])
    np.testing.assert_array_equal(line_of(above, "perfectly calibrated"), [[0, 1], [0, 1]])
    assert [bar.get_height() for bar in below.patches] == [12, 5, 3]
    middles = [bar.get_x() + bar.get_width() / 2 for bar in below.patches]
    assert middles == pytest.approx([0.1, 0.55, 0.9])
    assert_all_text_is_inside(figure)


def test_reliability_figure_of_empty_bins_is_the_diagonal() -> None:
    figure = evaluation_figures.reliability_figure([np.nan] * 3, [np.nan] * 3, [0, 0, 0], 0.0)
    assert not figure.axes[1].patches
    assert_all_text_is_inside(figure)


# Categories


def drawn_points(figure: Figure) -> dict[str, dict[float, tuple[float, float, float]]]:
    """Give (value, low, high) by method and by row."""
    found = {}
    for container in figure.axes[0].containers:
        points, _, (whiskers,) = container
        found[container.get_label()] = {
            float(row): (float(value), float(segment[0, 0]), float(segment[1, 0]))
            for (value, row), segment in zip(
                points.get_xydata(), whiskers.get_segments(), strict=True
            )
        }
    return found


def test_category_bars_put_every_value_into_its_category() -> None:
    results = {
        "CoZAD": {"tile": (0.8, 0.7, 0.85), "metal_nut": (0.9, 0.8, 0.95), "pill": None},
        "mutual scoring": {"metal_nut": (0.6, 0.5, 0.9), "tile": (np.nan,) * 3},
    }
    figure = case_figures.category_bars(results, "image AUROC")
    (axis,) = figure.axes
    labels = [text.get_text() for text in axis.get_yticklabels()]
    assert labels == ["metal nut", "tile", "pill"], "easiest first, unknown last"
    assert axis.get_xlabel() == "image AUROC"
    found = drawn_points(figure)
    expected = {
        "CoZAD": {0: (0.9, 0.8, 0.95), 1: (0.8, 0.7, 0.85)},
        "mutual scoring": {0: (0.6, 0.5, 0.9)},
    }
    rows = {"CoZAD": -0.2, "mutual scoring": 0.2}
    for method, points in expected.items():
        for (row, got), (place, want) in zip(
            sorted(found[method].items()), points.items(), strict=True
        ):
            assert row == pytest.approx(place + rows[method]) and got == pytest.approx(want)
    missing = [(t.get_text().strip(), t.get_position()[1]) for t in axis.texts]
    assert missing == [
        ("CoZAD: not available", pytest.approx(1.8)),
        ("mutual scoring: not available", pytest.approx(1.2)),
        ("mutual scoring: not available", pytest.approx(2.2)),
    ]
    assert axis.yaxis_inverted(), "the first category is on top"
    assert_all_text_is_inside(figure)


def test_a_weak_method_that_is_missing_does_not_move_a_category() -> None:
    strong = {"a": 0.95, "b": 0.9, "c": 0.85}
    weak = {"a": 0.5, "c": 0.4}
    results = {
        name: {c: (v, v - 0.01, v + 0.01) for c, v in values.items()}
        for name, values in (("strong", strong), ("weak", weak))
    }
    figure = case_figures.category_bars(results, "AUPRO")
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["a", "b", "c"]


@pytest.mark.parametrize(("n_methods", "n_categories"), [(1, 1), (1, 15), (6, 1), (6, 15), (7, 2)])
def test_category_bars_of_any_number(n_methods: int, n_categories: int) -> None:
    rng = np.random.default_rng(0)
    names = [*NAMES, "seventh"][:n_methods]
    results = {
        name: {
            f"category_{k}": tuple(np.sort(rng.random(3))[[1, 0, 2]]) for k in range(n_categories)
        }
        for name in names
    }
    figure = case_figures.category_bars(results, "image AUROC")
    found = drawn_points(figure)
    assert list(found) == names == legend_of(figure)
    for name in names:
        want = sorted(results[name].values())
        np.testing.assert_allclose(sorted(found[name].values()), want, rtol=1e-12)
    every_row = [row for points in found.values() for row in points]
    assert len(set(every_row)) == n_methods * n_categories
    assert_all_text_is_inside(figure)


def test_a_method_without_any_value_is_shown_as_not_available() -> None:
    results = {"CoZAD": {"tile": None, "wood": None}}
    (axis,) = case_figures.category_bars(results, "AUPRO").axes
    assert [t.get_text().strip() for t in axis.texts] == ["CoZAD: not available"] * 2


def test_a_value_without_an_interval_is_a_point() -> None:
    figure = case_figures.category_bars({"CoZAD": {"tile": (0.7, np.nan, np.nan)}}, "AUPRO")
    ((points, _, (whiskers,)),) = figure.axes[0].containers
    assert points.get_xydata().tolist() == [[0.7, 0.0]]
    assert not np.isfinite(whiskers.get_segments()).any(), "and no whiskers"
    assert_all_text_is_inside(figure)


def test_category_bars_need_methods_and_categories() -> None:
    with pytest.raises(ValueError, match="1 to 7 methods, not 0"):
        case_figures.category_bars({}, "AUPRO")
    with pytest.raises(ValueError, match="no categories"):
        case_figures.category_bars({"CoZAD": {}}, "AUPRO")


# Cases


def test_pick_cases_takes_the_extremes_of_each_class() -> None:
    values = [0.1, 0.9, 0.4, 0.8, 0.2, 0.7, 0.3, 0.95, 0.05]
    labels = [0, 1, 1, 0, 0, 1, 1, 1, 0]
    assert list(case_figures.pick_cases(values, labels, 2).values()) == [
        [7, 1],
        [6, 2],
        [3, 4],
        [8, 0],
    ]


def test_pick_cases_shows_no_image_twice() -> None:
    values, labels = [3.0, 1.0, 2.0, 5.0, 4.0], [1, 1, 1, 0, 1]
    assert list(case_figures.pick_cases(values, labels, 3).values()) == [[4, 0], [1, 2], [3], []]
    tied = case_figures.pick_cases(np.zeros(6, np.uint8), [0, 1] * 3, 9)
    assert sorted(i for cases in tied.values() for i in cases) == list(range(6))


def test_pick_cases_keeps_the_order_of_whole_numbers_without_a_sign() -> None:
    assert case_figures.pick_cases(np.array([0, 200, 3], np.uint8), [1, 1, 1], 1)[
        "Anomalous, highest scores"
    ] == [1]


@pytest.mark.parametrize(
    ("values", "labels", "n", "message"),
    [
        ([1.0], [0], 0, "n must be 1 or more"),
        ([], [], 1, "one or more scores"),
        ([np.inf], [1], 1, "all of them finite"),
    ],
)
def test_pick_cases_refuses(values: list, labels: list, n: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        case_figures.pick_cases(values, labels, n)


def gallery_case(n: int) -> tuple[list, list, list, np.ndarray, np.ndarray]:
    """Images of different sizes; every second is anomalous, with one defect of two pixels."""
    rng = np.random.default_rng(n)
    sizes = [(20 + i, 30 - i) for i in range(n)]
    images = [rng.integers(0, 256, (*size, 3), dtype=np.uint8) for size in sizes]
    labels = np.arange(n) % 2
    masks: list[np.ndarray | None] = [None] * n
    for i in np.flatnonzero(labels):
        mask = np.zeros(sizes[i], bool)
        mask[4, 6:8] = True
        masks[i] = mask
    maps = [rng.random(size) for size in sizes]
    return images, masks, maps, rng.normal(size=n), labels


def test_case_gallery_shows_the_picked_images_above_their_heat_maps() -> None:
    images, masks, maps, values, labels = gallery_case(14)
    figure = case_figures.case_gallery(images, masks, maps, values, labels, 3, 0.2, 0.9)
    groups = case_figures.pick_cases(values, labels, 3)
    parts = figure.subfigs
    assert [part.get_suptitle() for part in parts] == list(groups)
    for part, cases in zip(parts, groups.values(), strict=True):
        assert len(part.axes) == 6
        for above, below, case in zip(part.axes[:3], part.axes[3:], cases, strict=True):
            assert above.get_title() == f"score {values[case]:#.3g}"
            np.testing.assert_array_equal(above.images[0].get_array(), images[case])
            shown = figures.overlay(images[case], maps[case], 0.2, 0.9)
            np.testing.assert_array_equal(below.images[0].get_array(), shown)
            assert bool(below.lines) == bool(labels[case]), "a normal image has no outline"


def test_the_scale_of_a_gallery_is_that_of_all_its_maps() -> None:
    images, masks, maps, values, labels = gallery_case(4)
    figure = case_figures.case_gallery(images, masks, maps, values, labels, 1)
    low, high = np.quantile(np.concatenate([m.ravel() for m in maps]), [0.5, 0.999])
    case = case_figures.pick_cases(values, labels, 1)["Anomalous, highest scores"][0]
    shown = figure.subfigs[0].axes[2].images[0].get_array()
    np.testing.assert_array_equal(shown, figures.overlay(images[case], maps[case], low, high))


@pytest.mark.parametrize(
    ("n", "groups"), [(1, ["Normal, highest"]), (2, ["Anomalous, highest", "Normal, highest"])]
)
def test_a_gallery_of_fewer_images_than_asked_for(n: int, groups: list[str]) -> None:
    figure = case_figures.case_gallery(*gallery_case(n), n=3)
    titles = [part.get_suptitle() for part in figure.subfigs]
    assert [title[: len(g)] for title, g in zip(titles, groups, strict=True)] == groups
    for part in figure.subfigs:
        assert [len(axis.images) for axis in part.axes] == [1, 0, 1, 0]
        assert not any(axis.axison for axis in part.axes)
        figure.draw_without_rendering()
        box = part._suptitle.get_window_extent()
        assert box.x0 >= 0 and box.x1 <= figure.bbox.x1


def test_a_gallery_needs_one_of_each() -> None:
    images, masks, maps, values, labels = gallery_case(4)
    with pytest.raises(ValueError, match="4 scores but 3 masks"):
        case_figures.case_gallery(images, masks[:3], maps, values, labels)
    with pytest.raises(ValueError, match="4 scores but 5 maps"):
        case_figures.case_gallery(images, masks, [*maps, maps[0]], values, labels)


def enclosed(x: np.ndarray, y: np.ndarray) -> float:
    return abs(float(np.dot(x[1:], y[:-1]) - np.dot(x[:-1], y[1:]))) / 2


def test_outlines_are_closed_around_each_region_at_the_edge_too() -> None:
    mask = np.zeros((12, 17), bool)
    mask[0:4, 0:5] = True
    mask[7:11, 9:14] = True
    axis = plt.figure().add_subplot()
    case_figures.draw_outline(axis, mask)
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
        case_figures.draw_outline(axis, nothing)
    assert len(axis.lines) == 4
