"""What the chapter on meta-learning draws: starts between bowls, waves, curves of adaptation."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
import torch
from matplotlib.axes import Axes
from torch import Tensor
from torch.func import vmap

from cozad_book.figures.drawing import COLOURS
from cozad_book.sines import Wave, adapt_to_wave, network
from cozad_teach.adaptation import adapt_parameters
from cozad_teach.evaluation.metrics import image_auroc
from cozad_teach.maml import Parameters, inner_loop, outer_gradient
from cozad_teach.objectives import Task, distances, inner_loss, query_loss, task_statistics
from cozad_teach.settings import Settings

__all__ = ["AdaptationCurve", "Bowls", "adaptation_curve", "draw_bowls", "draw_wave"]


@dataclass(frozen=True)
class Bowls:
    """Tasks in a plane: the loss of a task is ``½ (x - centre)ᵀ curvature (x - centre)``.

    Attributes
    ----------
    centres : torch.Tensor
        Shape (tasks, 2).
    curvatures : torch.Tensor
        Symmetric, positive definite, shape (tasks, 2, 2).
    """

    centres: Tensor
    curvatures: Tensor

    def start_for_now(self) -> Tensor:
        """Give the point of least mean loss without any adaptation, shape (2,)."""
        pull = (self.curvatures @ self.centres[..., None]).sum(0)
        return torch.linalg.solve(self.curvatures.sum(0), pull)[:, 0]

    def start_for_later(self, steps: int, learning_rate: float) -> Tensor:
        """Give the point of least mean loss after adaptation, by plain outer steps, shape (2,)."""
        theta = {"x": self.start_for_now()}

        def adapt(start: Parameters, task: Task) -> tuple[Parameters, Tensor]:
            adapted = inner_loop(start, lambda p: _bowl(p, task), steps, learning_rate)
            return adapted, _bowl(adapted, task)

        tasks = {"centre": self.centres, "curvature": self.curvatures}
        for _ in range(400):
            gradient, _, _ = outer_gradient(theta, tasks, adapt, _bowl)
            theta = {"x": theta["x"] - 0.5 * gradient["x"]}
        return theta["x"]

    def paths(self, start: Tensor, steps: int, learning_rate: float) -> Tensor:
        """Give where the inner loop stands after 0, 1, ... steps, shape (tasks, steps + 1, 2)."""

        def path(task: Task) -> Tensor:
            places = [start]
            for _ in range(steps):
                moved = inner_loop({"x": places[-1]}, lambda p: _bowl(p, task), 1, learning_rate)
                places.append(moved["x"])
            return torch.stack(places)

        return vmap(path)({"centre": self.centres, "curvature": self.curvatures})

    def losses(self, places: Tensor) -> Tensor:
        """Give the loss of each task at its own place of (tasks, 2), shape (tasks,)."""
        tasks = {"centre": self.centres, "curvature": self.curvatures}
        return vmap(lambda place, task: _bowl({"x": place}, task))(places, tasks)


def _bowl(parameters: Parameters, task: Task) -> Tensor:
    apart = parameters["x"] - task["centre"]
    return 0.5 * apart @ task["curvature"] @ apart


def draw_bowls(axis: Axes, bowls: Bowls, start: Tensor, steps: int, learning_rate: float) -> None:
    """Draw the bowls as ellipses of equal loss, and the paths of adaptation from a start."""
    circle = torch.linspace(0, 2 * torch.pi, 121)
    ring = torch.stack([circle.cos(), circle.sin()])
    colours = [COLOURS[name] for name in ("blue", "vermilion", "green")]
    paths = bowls.paths(start, steps, learning_rate)
    for centre, curvature, path, colour in zip(
        bowls.centres, bowls.curvatures, paths, colours, strict=True
    ):
        values, vectors = torch.linalg.eigh(curvature)
        for loss in (0.05, 0.2):
            radii = (2 * loss / values).sqrt()
            x, y = (vectors @ (radii[:, None] * ring) + centre[:, None]).numpy()
            axis.plot(x, y, color=colour, lw=0.9)
        axis.plot(*path.T.numpy(), "-", color=colour, lw=1.6, marker=".", ms=7)
    axis.plot(*start.numpy(), "s", color="black", ms=8, zorder=5)
    axis.set(aspect="equal", xticks=[], yticks=[])


def draw_wave(axis: Axes, wave: Wave, theta: Parameters, steps: int) -> None:
    """Draw one wave, its support and what the network says after some inner steps."""
    x = torch.linspace(-5, 5, 201)[:, None]
    true = wave["height"] * torch.sin(x - wave["phase"])
    said = network(adapt_to_wave(theta, wave, steps), x)
    axis.plot(x[:, 0], true[:, 0], ":", color="#767676", label="the wave")
    axis.plot(x[:, 0], said[:, 0].detach(), color=COLOURS["blue"], label="the network")
    axis.plot(
        wave["support_x"][:, 0],
        wave["support_y"][:, 0],
        "^",
        color=COLOURS["vermilion"],
        ms=6,
        label="support",
    )
    axis.set(xlim=(-5, 5), ylim=(-5.5, 5.5))


@dataclass(frozen=True)
class AdaptationCurve:
    """What the inner loop does to a task: means over tasks after 0, 1, ... steps.

    Attributes
    ----------
    inner_losses, query_losses : numpy.ndarray
        Shape (steps + 1,). The first needs no label, the second does.
    rankings : numpy.ndarray
        AUROC of telling anomalous query patches from normal ones by their distance, mean over
        tasks, in [0, 1], shape (steps + 1,).
    """

    inner_losses: np.ndarray
    query_losses: np.ndarray
    rankings: np.ndarray


def adaptation_curve(
    theta: Parameters, tasks: Task, settings: Settings, steps: int
) -> AdaptationCurve:
    """Follow the inner loop of CoZAD step by step on labelled tasks.

    Parameters
    ----------
    theta : dict of torch.Tensor
        The starting point.
    tasks : dict of torch.Tensor
        Of `cozad_teach.training.meta_training.sample_tasks`. Each query has patches of both kinds.
    settings : Settings
        Gives α, and what the losses need.
    steps : int
        0 or more.

    Returns
    -------
    AdaptationCurve
    """
    one = dataclasses.replace(settings, inner_steps=1)

    def of_one(task: Task) -> tuple[Tensor, Tensor, Tensor]:
        parameters = theta
        found = []
        for step in range(steps + 1):
            if step:
                parameters = adapt_parameters(parameters, task, one)
            found.append(
                (
                    inner_loss(parameters, task, settings),
                    query_loss(parameters, task, settings),
                    distances(
                        parameters, task["query"], *task_statistics(parameters, task, settings)
                    ),
                )
            )
        inner, query, scores = (torch.stack(part) for part in zip(*found, strict=True))
        return inner, query, scores

    inner, query, scores = vmap(of_one)(tasks)
    labels = tasks["query_anomalous"].flatten(1).numpy()
    rankings = [
        [image_auroc(of_step, wrong) for of_step in of_task]
        for of_task, wrong in zip(scores.flatten(2).numpy(), labels, strict=True)
    ]
    return AdaptationCurve(
        inner.mean(0).numpy(), query.mean(0).numpy(), np.asarray(rankings).mean(0)
    )
