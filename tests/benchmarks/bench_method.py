"""Time of the method's parts beside what they replace; ``python`` runs it by hand."""

from __future__ import annotations

import dataclasses
import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from comparing import compare, report, timed, within
from torch import Tensor

from cozad_teach.adaptation import adapt_parameters
from cozad_teach.backbones import load_backbone
from cozad_teach.data.drawn.textures import draw_category
from cozad_teach.features import Backbone, extract_features, preprocess
from cozad_teach.maml import Parameters, inner_loop, outer_gradient
from cozad_teach.models.saved import save_model
from cozad_teach.models.train import train
from cozad_teach.objectives import inner_loss, query_loss, starting_point
from cozad_teach.scoring import gaussian_statistics, image_scores, mahalanobis
from cozad_teach.settings import LITE

sys.path.append(str(Path(__file__).parents[1]))
import oracles

Task = dict[str, Tensor]


def extraction(backbone: Backbone) -> list[dict]:
    """Compare features from images with the network alone on ready tensors, batch by batch."""
    images = list(draw_category("leather_tan", 32, 0, 0, (LITE.image_size,) * 2).images)
    ours = timed(lambda: extract_features(backbone, images, LITE.image_size).sum(), 8)
    ready = preprocess(images, LITE.image_size)
    ready = ((ready - 0.5) / 0.5).contiguous(memory_format=torch.channels_last)

    @torch.no_grad()
    def bare(batch: int) -> Tensor:
        return torch.stack([backbone.network(part)[0].sum() for part in ready.split(batch)]).sum()

    best = min(
        (timed(lambda b=batch: bare(b)) for batch in (1, 2, 4, 8, 16, 32)), key=lambda t: t[1]
    )
    row = compare("features of 32 images", ours, "the bare backbone", best, "0.95")
    return [{**row, "note": "of the backbone's throughput at its best batch size"}]


def tasks(seed: int = 0) -> Task:
    source = torch.Generator().manual_seed(seed)
    t, k, q, p, c = 4, LITE.support_images, LITE.query_images, LITE.patches_per_image, 152
    return {
        "support": torch.randn(t, k, p, c, generator=source),
        "noise": torch.randn(t, 1, p, c, generator=source),
        "weights": torch.rand(t, k, p, generator=source),
        "prior": torch.eye(c).expand(t, -1, -1),
        "decay": torch.full((t,), LITE.base_decay),
        "query": torch.randn(t, q, p, c, generator=source) * 2,
        "query_anomalous": torch.rand(t, q, p, generator=source) < 0.3,
    }


def one_of(batch: Task, i: int) -> Task:
    return {name: value[i] for name, value in batch.items()}


def batched(theta: Parameters, batch: Task) -> Tensor:
    """Take a meta-step's gradient as training does."""

    def adapt(start: Parameters, task: Task) -> tuple[Parameters, Tensor]:
        adapted = adapt_parameters(start, task, LITE)
        return adapted, inner_loss(adapted, task, LITE)

    return outer_gradient(theta, batch, adapt, lambda p, t: query_loss(p, t, LITE))[0][
        "head"
    ].norm()


def looped(theta: Parameters, batch: Task) -> Tensor:
    """Take it task by task, with autograd.grad and a graph of the gradients."""
    leaves = {name: value.clone().requires_grad_() for name, value in theta.items()}
    total = torch.zeros(())
    for i in range(len(batch["support"])):
        task, adapted = one_of(batch, i), leaves
        for _ in range(LITE.inner_steps):
            loss = inner_loss(adapted, task, LITE)
            gradients = torch.autograd.grad(loss, list(adapted.values()), create_graph=True)
            adapted = {
                name: value - LITE.inner_learning_rate * gradient
                for (name, value), gradient in zip(adapted.items(), gradients, strict=True)
            }
        inner_loss(adapted, task, LITE)  # training stores it as well
        total = total + query_loss(adapted, task, LITE) / len(batch["support"])
    return torch.autograd.grad(total, list(leaves.values()))[0].norm()


class Head(torch.nn.Module):
    """The parameters as the peers want them: a module whose forward gives them as a dictionary."""

    def __init__(self, theta: Parameters) -> None:
        super().__init__()
        for name, value in theta.items():
            setattr(self, name, torch.nn.Parameter(value.clone()))

    def forward(self) -> Parameters:
        return {name: getattr(self, name) for name in ("head", "log_slope", "offset")}


def with_higher(theta: Parameters, batch: Task) -> Tensor:
    import higher

    module = Head(theta)
    optimiser = torch.optim.SGD(module.parameters(), lr=LITE.inner_learning_rate)
    for i in range(len(batch["support"])):
        task = one_of(batch, i)
        with higher.innerloop_ctx(module, optimiser, copy_initial_weights=False) as (inner, steps):
            for _ in range(LITE.inner_steps):
                steps.step(inner_loss(inner(), task, LITE))
            inner_loss(inner(), task, LITE)
            (query_loss(inner(), task, LITE) / len(batch["support"])).backward()
    return module.head.grad.norm()


def with_torchopt(theta: Parameters, batch: Task) -> Tensor:
    import torchopt

    module = Head(theta)
    start = torchopt.extract_state_dict(module, by="reference")
    leaves = list(module.parameters())
    total = torch.zeros(())
    for i in range(len(batch["support"])):
        task = one_of(batch, i)
        optimiser = torchopt.MetaSGD(module, lr=LITE.inner_learning_rate)
        for _ in range(LITE.inner_steps):
            optimiser.step(inner_loss(module(), task, LITE))
        inner_loss(module(), task, LITE)
        total = total + query_loss(module(), task, LITE) / len(batch["support"])
        torchopt.recover_state_dict(module, start)
    return torch.autograd.grad(total, leaves)[0].norm()


def meta_step() -> list[dict]:
    theta, batch = starting_point(152), tasks()
    theta["head"] = 0.01 * torch.randn(152, 152, generator=torch.Generator().manual_seed(1))
    ours = timed(lambda: batched(theta, batch), 10)
    what = "meta-step of 4 tasks, 152 channels"
    loop = timed(lambda: looped(theta, batch), 5)
    rows = [compare(what, ours, "a loop with autograd.grad", loop, "2")]
    for name, peer in {"higher": with_higher, "torchopt": with_torchopt}.items():
        found = None
        if importlib.util.find_spec(name):
            found = timed(lambda peer=peer: peer(theta, batch), 5)
        rows.append(compare(what, ours, name, found, "1"))
    return rows


def small_network(p: Parameters, x: Tensor) -> Tensor:
    hidden = torch.tanh(torch.tanh(x @ p["a"] + p["b"]) @ p["c"] + p["d"])
    return hidden @ p["e"]


def small_meta_step() -> list[dict]:
    """Do the same on sine waves, as in the paper of MAML: 25 tasks, two layers of 40 units."""
    source = torch.Generator().manual_seed(0)
    shapes = {"a": (1, 40), "b": (40,), "c": (40, 40), "d": (40,), "e": (40, 1)}
    theta = {name: 0.3 * torch.randn(shape, generator=source) for name, shape in shapes.items()}
    x = torch.rand(25, 20, 1, generator=source) * 10 - 5
    y = torch.sin(x + 3 * torch.rand(25, 1, 1, generator=source))

    def loss(p: Parameters, task: list[Tensor], half: slice) -> Tensor:
        return (small_network(p, task[0][half]) - task[1][half]).square().mean()

    def ours() -> Tensor:
        def adapt(start: Parameters, task: list[Tensor]) -> tuple[Parameters, Tensor]:
            def support(p: Parameters) -> Tensor:
                return loss(p, task, slice(10))

            adapted = inner_loop(start, support, 5, 0.01)
            return adapted, support(adapted)

        def query(p: Parameters, task: list[Tensor]) -> Tensor:
            return loss(p, task, slice(10, 20))

        return outer_gradient(theta, [x, y], adapt, query)[0]["c"].norm()

    def theirs() -> Tensor:
        leaves = {name: value.clone().requires_grad_() for name, value in theta.items()}
        total = torch.zeros(())
        for task in zip(x, y, strict=True):
            adapted = leaves
            for _ in range(5):
                found = loss(adapted, list(task), slice(10))
                steps = torch.autograd.grad(found, list(adapted.values()), create_graph=True)
                adapted = {
                    name: value - 0.01 * step
                    for (name, value), step in zip(adapted.items(), steps, strict=True)
                }
            loss(adapted, list(task), slice(10))
            total = total + loss(adapted, list(task), slice(10, 20)) / len(x)
        return torch.autograd.grad(total, leaves["c"])[0].norm()

    what = "meta-step of 25 sine waves, 40 units"
    return [compare(what, timed(ours, 10), "a loop with autograd.grad", timed(theirs, 5), "2")]


def naive_scores(patches: np.ndarray, mean: np.ndarray, precision: np.ndarray) -> float:
    """Score image by image and patch by patch."""
    scores = []
    for image in patches:
        of_patches = []
        for patch in image:
            apart = patch - mean
            of_patches.append(float(np.sqrt(apart @ precision @ apart / len(mean))))
        top = sorted(of_patches)[-int(np.ceil(LITE.top_share * len(of_patches))) :]
        scores.append(sum(top) / len(top))
    return sum(scores)


def scoring() -> list[dict]:
    what = "scores of 16 images of 784 patches"
    patches = torch.randn(16, 784, 152, generator=torch.Generator().manual_seed(0))
    mean, covariance = gaussian_statistics(patches, torch.ones(16))
    ours = timed(lambda: image_scores(mahalanobis(patches, mean, covariance)).sum(), 10)
    arrays = [part.double().numpy() for part in (patches, mean, covariance)]
    precision = np.linalg.inv(arrays[2])
    with_inverse = timed(lambda: naive_scores(*arrays[:2], precision), 1)

    def oracle() -> float:
        scores = oracles.mahalanobis(*arrays)
        return sum(oracles.image_score(image, LITE.top_share) for image in scores)

    return [
        compare(what, ours, "the loop of the tests", timed(oracle, 1), "50"),
        compare(what, ours, "a loop, inverse given", with_inverse, "–"),
    ]


TRAINING = """
import time
from cozad_teach.models.train import train
from cozad_teach.evaluation.memory import peak_memory_mb
start = time.perf_counter()
train()
print(time.perf_counter() - start, peak_memory_mb())
"""


def training() -> list[dict]:
    """Train from nothing to a model, in a process of its own, whose memory nothing else uses."""
    done = subprocess.run(
        [sys.executable, "-c", TRAINING], capture_output=True, text=True, check=True
    )
    seconds, memory = map(float, done.stdout.split())
    return [
        within("lite training, images to model", seconds / 60, 8, "min", seconds),
        within("memory of lite training", memory / 1000, 3, "GB", seconds),
    ]


SCORING = """
import sys, tempfile
from pathlib import Path
from PIL import Image
from cozad_teach.models import prediction
from cozad_teach.data.folders import list_images
from cozad_teach.data.drawn.textures import draw_category
from cozad_teach.evaluation.memory import peak_memory_mb
from cozad_teach.models.saved import load_model
prediction.SUPPORT_IMAGES = 100
with tempfile.TemporaryDirectory() as folder:
    for i, image in enumerate(draw_category("knit_wool", 20, 0, 0, (224, 224)).images):
        for copy in range(int(sys.argv[2]) // 20):
            Image.fromarray(image).save(Path(folder) / f"{copy}_{i}.png")
    files = list_images(folder).images
    prediction._patch_scores(load_model(sys.argv[1]), files, True, progress=False)
print(peak_memory_mb())
"""


def streaming() -> list[dict]:
    """Score photographs of which some are the support: how much memory do more of them need?"""
    settings = dataclasses.replace(LITE, meta_steps=1)
    megabytes = []
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model.safetensors"
        save_model(train(settings), model)
        for number in (200, 800):
            done = subprocess.run(
                [sys.executable, "-c", SCORING, str(model), str(number)],
                capture_output=True,
                text=True,
                check=True,
            )
            megabytes.append(float(done.stdout))
    what = "memory of scoring 800 images, of that of 200"
    return [within(what, megabytes[1] / megabytes[0], 1.1, "times", 0.0)]


def main() -> None:
    rows = [*extraction(load_backbone()), *meta_step(), *small_meta_step()]
    report([*rows, *scoring(), *training(), *streaming()])


if __name__ == "__main__":
    main()
