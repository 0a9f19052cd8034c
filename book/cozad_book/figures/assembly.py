"""What the chapter on the assembled method shows: training as it happens, and parts one by one."""

from __future__ import annotations

import dataclasses

import numpy as np
from IPython.display import display
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from torch import Tensor

from cozad_book.experiments.ledger import Results
from cozad_book.figures.drawing import COLOURS
from cozad_teach.cozad import CoZAD
from cozad_teach.data.drawn.textures import add_defect, draw_texture
from cozad_teach.evaluation.methods import Run
from cozad_teach.objectives import starting_point
from cozad_teach.training.meta_training import MetaStep

__all__ = ["LADDER", "LivePlot", "draw_differences", "draw_part", "ladder"]

# The parts in the order in which they are added; `ladder` says what each name means.
LADDER = (
    "mean and covariance",
    "+ directions",
    "+ prior",
    "+ confidence weights",
    "+ a mean for each place",
    "+ what training learnt",
)


class LivePlot:
    """A figure of the losses and of λ(Σ) that is drawn anew while a training goes on.

    Give it to `cozad_teach.models.train.fit` as `on_step`.

    Parameters
    ----------
    n_steps : int
        Number of meta-steps to come.
    every : int
        After how many of them the figure is drawn anew; the last one always shows.
    """

    def __init__(self, n_steps: int, every: int = 10) -> None:
        self.history: list[MetaStep] = []
        self._n_steps, self._every = n_steps, every
        self.figure, axes = plt.subplots(2, 1, figsize=(5.6, 4.0), sharex=True)
        self._lines = {
            "support_loss": axes[0].plot([], [], color=COLOURS["blue"], label="support")[0],
            "query_loss": axes[0].plot([], [], "--", color=COLOURS["orange"], label="query")[0],
            "decay": axes[1].plot([], [], color=COLOURS["black"])[0],
        }
        axes[0].set(ylabel="loss", xlim=(0, n_steps))
        axes[0].legend(loc="upper right", ncols=2, fontsize=8)
        axes[1].set(ylabel="λ(Σ)", xlabel="meta-step")
        self._shown = display(self.figure, display_id=True)
        plt.close(self.figure)  # or it would be shown once more at the end of the cell

    def __call__(self, step: MetaStep) -> None:
        """Take in one meta-step."""
        self.history.append(step)
        done = len(self.history)
        if done % self._every and done < self._n_steps:
            return
        for name, line in self._lines.items():
            line.set_data(range(done), [getattr(past, name) for past in self.history])
        for axis in self.figure.axes:
            highest = max(float(np.max(line.get_ydata())) for line in axis.get_lines())
            axis.set_ylim(0, 1.25 * highest)
        if self._shown:
            self._shown.update(self.figure)


def draw_part(
    outer: str, inner: str, defect: str | None, seed: int, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Draw a part that lies alike in all images: a disc of one material on another.

    Parameters
    ----------
    outer, inner : str
        Names of two drawn materials.
    defect : str or None
        One of `cozad_teach.data.drawn.textures.DEFECTS`, or none.
    seed : int
        Decides both materials and the defect.
    size : int
        Height and width in pixels.

    Returns
    -------
    image : numpy.ndarray
        uint8, shape (size, size, 3).
    mask : numpy.ndarray
        Boolean, shape (size, size).
    """
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    disc = (y**2 + x**2 < (0.29 * size) ** 2)[..., None]
    around, inside = (
        draw_texture(name, seed=seed + shift, size=(size, size))
        for name, shift in ((outer, 0), (inner, 1000))
    )
    image = np.where(disc, inside, around)
    return (
        add_defect(image, defect, seed=seed) if defect else (image, np.zeros(disc.shape[:2], bool))
    )


def ladder(model: CoZAD, features: Tensor) -> dict[str, Tensor]:
    """Score a batch by CoZAD part by part, from plain statistics to the trained detector.

    Parameters
    ----------
    model : CoZAD
        Trained; scored by its distance to the mean.
    features : torch.Tensor
        Of `CoZAD.features`, shape (N, h, w, C): the images are their own support.

    Returns
    -------
    dict of str to torch.Tensor
        By the names of `LADDER`, patch scores (N, h, w). The first two are Mahalanobis distances
        of features and of their directions, with shrinkage alone; then come the prior, the
        weights, the means by place, and the trained head with its inner loop.
    """
    untrained = starting_point(features.shape[-1], model.prior.device)
    stages = (
        {"weights": "none", "by_place": False, "inner_steps": 0},
        {"by_place": False, "inner_steps": 0},
        {"inner_steps": 0},
    )
    models = [
        dataclasses.replace(
            model, parameters=untrained, settings=dataclasses.replace(model.settings, **stage)
        )
        for stage in stages
    ]
    scores = [
        Run.of(method, "batch").score([model], [features])[0]
        for method in ("mahalanobis", "mahalanobis-unit")
    ]
    scores += [stage.score(features, stage.adapt(features)) for stage in (*models, model)]
    return dict(zip(LADDER, scores, strict=True))


def draw_differences(
    axis: Axes, results: Results, others: dict[str, str], protocol: str, metric: str, data: str
) -> None:
    """Draw CoZAD minus variants of it as points with their 95 % intervals.

    Parameters
    ----------
    axis : matplotlib.axes.Axes
        Empty.
    results : Results
        Of `cozad_book.experiments.ledger.read_results`.
    others : dict of str to str
        Name of each variant in the ledger, and what to call it; drawn from top to bottom.
    protocol, metric, data
        As in `Results.difference`.
    """
    for row, other in enumerate(others):
        value, low, high = results.difference(other, protocol, metric, data)
        axis.plot([low, high], [row, row], color=COLOURS["blue"], lw=1.6)
        axis.plot(value, row, "o", color=COLOURS["blue"], ms=5)
    axis.axvline(0, color="#767676", lw=0.8)
    axis.set_yticks(range(len(others)), list(others.values()))
    axis.set_ylim(len(others) - 0.5, -0.5)
