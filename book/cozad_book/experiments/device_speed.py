"""How fast a device does the work of the book, beside what it does at best, in one run."""

from __future__ import annotations

import dataclasses
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from cozad_book.experiments.models import without_auxiliary
from cozad_teach.data.drawn.textures import UNSEEN_CATEGORIES, draw_category
from cozad_teach.data.folders import list_photographs
from cozad_teach.evaluation.memory import peak_device_memory_mb, peak_memory_mb
from cozad_teach.features import Backbone, extract_features, preprocess
from cozad_teach.models.prediction import patch_scores
from cozad_teach.settings import Settings
from cozad_teach.training.episodes import AuxiliaryCategory, images_needed
from cozad_teach.training.meta_training import meta_train

__all__ = ["measure_device"]

_DRAWN = 16  # images that are drawn; files beyond them are copies, which take as long to read
_STEPS = 3
_BATCHES = (4, 8, 16, 32, 64, 128)
Row = dict[str, Any]


def measure_device(settings: Settings, device: str, n_images: int) -> list[Row]:
    """Time features, files to scores and meta-steps, each beside a limit of the same device.

    Parameters
    ----------
    settings : Settings
        Of what is timed.
    device : str
        Where; nothing but it should be busy.
    n_images : int
        How many images are read; some dozens for each of the largest batches.

    Returns
    -------
    list of dict
        As those of `cozad_book.experiments.speed.measure_speed`, but that ``seconds`` are wall
        time and ``ratio`` is the share of the other's rate; and a row for the memory, which has
        no ratio.
    """
    model = without_auxiliary(settings, device=device)
    model = dataclasses.replace(model, settings=settings)  # with its inner steps
    size = (settings.image_size, settings.image_size)
    drawn = list(draw_category(UNSEEN_CATEGORIES[0], _DRAWN, 0, 0, size).images)
    images = [drawn[number % _DRAWN] for number in range(n_images)]
    flops, bare = _bare_backbone(model.backbone, preprocess(images, size[0]), settings, device)

    def features() -> Tensor:
        return extract_features(model.backbone, images, size[0], settings.precision)

    with tempfile.TemporaryDirectory() as folder:
        for number, image in enumerate(images):
            Image.fromarray(image).save(Path(folder) / f"{number}.png")
        files = list_photographs(folder).images
        of_files = _rate(lambda: model.image_scores(patch_scores(model, files)), n_images, device)
    of_features = _rate(features, n_images, device)
    steps, loop, step_flops = _meta_steps(settings, model.backbone.channels, device)
    precisions = {settings.precision, "float32"}
    product = {precision: _product(precision, size[0], device) for precision in precisions}
    unit, backbone = "images/s", "the bare backbone"
    memory = peak_device_memory_mb(device) or peak_memory_mb()
    told = f"{memory:.0f} MB" if memory else "not told by this system"
    return [
        _row(f"features of {n_images} images", backbone, of_features, bare, unit, "0.8"),
        _row(f"{n_images} files to image scores", backbone, of_files, bare, unit, "0.5"),
        _row(
            f"meta-step of {settings.tasks_per_step} tasks",
            *("a step for each task", steps, loop, "steps/s", "2"),
        ),
        _row(
            "the bare backbone",
            f"a product of matrices, {settings.precision}",
            *(bare * flops / 1e9, product[settings.precision], "Gflop/s", "–"),
        ),
        _row(
            "meta-step",
            "a product of matrices, float32",
            *(steps * step_flops / 1e9, product["float32"], "Gflop/s", "–"),
        ),
        {
            **{"what": "memory at most", "other": "–", "wanted": "–", "seconds": None},
            **{"other_seconds": None, "ratio": None, "note": told},
        },
    ]


def _row(what: str, other: str, rate: float, best: float, unit: str, wanted: str) -> Row:
    return {
        **{"what": what, "other": other, "wanted": wanted},
        **{"seconds": 1 / rate, "other_seconds": 1 / best, "ratio": round(rate / best, 3)},
        "note": f"{rate:.4g} against {best:.4g} {unit}",
    }


def _rate(function: Callable[[], Any], count: float, device: str, repeats: int = 3) -> float:
    """Give how many things a second a function does that does `count`; the best of some calls."""
    seconds = []
    for _ in range(repeats + 1):  # the first one warms up
        _wait(device)
        started = time.perf_counter()
        function()
        _wait(device)
        seconds.append(time.perf_counter() - started)
    return count / min(seconds[1:])


def _wait(device: str) -> None:
    if torch.device(device).type == "cuda":  # which takes orders faster than it carries them out
        torch.cuda.synchronize(device)


def _bare_backbone(
    backbone: Backbone, images: Tensor, settings: Settings, device: str
) -> tuple[int, float]:
    """Give the operations for one image, and images a second at the best size of a batch."""
    images = images.to(device, memory_format=torch.channels_last)
    half = torch.autocast(images.device.type, torch.bfloat16, settings.precision == "bfloat16")

    def run(batch: int) -> None:
        for part in images.split(batch):
            backbone.network(part)

    with torch.no_grad(), half:
        with FlopCounterMode(display=False) as counter:
            backbone.network(images[:1])
        batches = [batch for batch in _BATCHES if batch <= len(images)]
        rates = [_rate(partial(run, batch), len(images), device) for batch in batches]
    return counter.get_total_flops(), max(rates)


def _meta_steps(settings: Settings, channels: int, device: str) -> tuple[float, float, float]:
    """Give meta-steps a second, the same task by task, and the operations of one."""
    source = torch.Generator().manual_seed(0)
    n_images = sum(images_needed(settings))
    labels = torch.zeros(n_images, settings.patches_per_image, dtype=torch.bool)
    labels[images_needed(settings)[0] :, 0] = True
    categories = [
        AuxiliaryCategory(torch.randn(*labels.shape, channels, generator=source), labels)
        for _ in range(settings.tasks_per_step)
    ]

    def train(tasks: int, steps: int) -> None:
        changed = dataclasses.replace(settings, tasks_per_step=tasks, meta_steps=steps)
        meta_train(categories, torch.eye(channels), changed, device=device)

    with FlopCounterMode(display=False) as counter:
        train(settings.tasks_per_step, 1)
    n_tasks = settings.tasks_per_step
    together = _rate(lambda: train(n_tasks, _STEPS), _STEPS, device)
    alone = _rate(lambda: train(1, _STEPS), _STEPS / n_tasks, device)
    return together, alone, counter.get_total_flops()


def _product(precision: str, image_size: int, device: str) -> float:
    """Give Gflop/s of the product of two square matrices, larger on a faster device."""
    side = 8192 if torch.device(device).type == "cuda" else 8 * image_size
    one = torch.ones(side, side, device=device, dtype=getattr(torch, precision))
    return _rate(lambda: one @ one, 2 * side**3 / 1e9, device)
