"""Live plots show every step; the ladder's rungs are the package's own scores."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure

from cozad_book.experiments.ledger import read_results
from cozad_book.figures import assembly as assembly_figures
from cozad_book.figures.assembly import (
    LADDER,
    LivePlot,
    draw_differences,
    draw_part,
    ladder,
)
from cozad_teach.backbones import load_backbone
from cozad_teach.cozad import CoZAD
from cozad_teach.data.drawn.textures import draw_category, draw_texture
from cozad_teach.evaluation.methods import Run
from cozad_teach.models.train import fit
from cozad_teach.settings import LITE
from cozad_teach.training.meta_training import MetaStep


class Shown:
    """A display that counts how often it is drawn anew."""

    def __init__(self) -> None:
        self.updates = 0

    def update(self, figure: Figure) -> None:
        self.updates += 1


def test_live_plot_shows_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = Shown()
    monkeypatch.setattr(assembly_figures, "display", lambda *_, **__: shown)
    plot = LivePlot(n_steps=12, every=5)
    steps = [MetaStep(1 / (n + 1), 2.0 - 0.1 * n, 0.1 + 0.01 * n) for n in range(12)]
    for step in steps:
        plot(step)
    assert shown.updates == 3  # after 5, 10 and 12
    assert plot.history == steps
    support, query, decay = (
        line.get_xydata() for axis in plot.figure.axes for line in axis.get_lines()
    )
    assert support[:, 0].tolist() == list(range(12))
    assert support[:, 1] == pytest.approx([step.support_loss for step in steps])
    assert query[:, 1] == pytest.approx([step.query_loss for step in steps])
    assert all(axis.get_ylim()[0] == 0 for axis in plot.figure.axes)
    assert plot.figure.axes[0].get_ylim()[1] > 2.0 and plot.figure.axes[1].get_ylim()[1] > 0.21
    assert decay[:, 1] == pytest.approx([step.decay for step in steps])


def test_part_has_its_disc_at_the_same_place() -> None:
    image, mask = draw_part("wood_oak", "knit_wool", None, seed=3, size=64)
    assert not mask.any()
    assert (image[32, 32] == draw_texture("knit_wool", seed=1003, size=(64, 64))[32, 32]).all()
    assert (image[2, 60] == draw_texture("wood_oak", seed=3, size=(64, 64))[2, 60]).all()
    spoilt, mask = draw_part("wood_oak", "knit_wool", "hole", seed=3, size=64)
    assert mask.any() and mask.mean() < 0.3
    assert (spoilt[~mask] == image[~mask]).all() and (spoilt[mask] != image[mask]).any()


@pytest.fixture(scope="module")
def model() -> CoZAD:
    size = (64, 64)
    settings = dataclasses.replace(
        LITE, image_size=64, meta_steps=2, patches_per_image=8, support_images=3, query_images=2
    )
    names = ("marble_black", "weave_denim", "brick_grey", "dots_rubber")
    drawn = [draw_category(name, 5, 4, seed=0, size=size) for name in names]
    return fit(load_backbone(), drawn, settings)


def test_rungs_of_the_ladder_are_the_package_s_scores(model: CoZAD) -> None:
    features = model.features(list(draw_category("knit_wool", 4, 3, 1, (64, 64)).images))
    found = ladder(model, features)
    assert tuple(found) == LADDER
    plain = Run.of("mahalanobis", "batch").score([model], [features])[0]
    whole = Run.of("cozad", "batch").score([model], [features])[0]
    assert torch.equal(found["mean and covariance"], plain)
    assert torch.allclose(found["+ what training learnt"], whole, rtol=1e-5)
    rungs = list(found.values())
    for a, b in itertools.pairwise(rungs):
        assert a.shape == (7, 8, 8) and not torch.allclose(a, b, rtol=1e-3)


def test_differences_are_drawn_as_the_ledger_has_them() -> None:
    results = read_results("ablation")
    axis = Figure().subplots()
    others = {"untrained": "the training", "hard weights": "softness"}
    draw_differences(axis, results, others, "batch", "image_auroc", "packs")
    for row, other in enumerate(others):
        value, low, high = results.difference(other, "batch", "image_auroc", "packs")
        interval, point = (axis.lines[2 * row + i].get_xydata() for i in (0, 1))
        assert interval == pytest.approx(np.array([[low, row], [high, row]]))
        assert point == pytest.approx(np.array([[value, row]]))
    assert [text.get_text() for text in axis.get_yticklabels()] == list(others.values())
