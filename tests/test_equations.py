"""The equation contract: each label has one function that computes it and one loop to check it."""

from __future__ import annotations

import dataclasses
import importlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import oracles
import pytest
import torch
from torch import Tensor

from cozad_teach.evaluation.uncertainty.intervals import Spread
from cozad_teach.features import Backbone
from cozad_teach.maml import inner_loop
from cozad_teach.nearest import SCORES
from cozad_teach.settings import LITE
from cozad_teach.training.episodes import AuxiliaryCategory

ROOT = Path(__file__).resolve().parents[1]

Case = tuple[Any, ...]
Rng = np.random.Generator


@dataclass(frozen=True)
class Contract:
    """What belongs to one label.

    `function` is the public name of what computes the equation, `ours` calls it on a case, `loop`
    is its oracle, and `cases` draws what both are called with: numpy arrays of uneven shapes.
    """

    function: str
    loop: Callable[..., Any]
    cases: Callable[[Rng], list[Case]]
    ours: Callable[..., Any] | None = None


def signed(rng: Rng, *shape: int) -> np.ndarray:
    """Draw numbers of both signs and of different size in each column."""
    return rng.normal(size=shape) * rng.uniform(0.3, 3, size=shape[-1]) + rng.normal(size=shape[-1])


def some_scores(rng: Rng) -> list[Case]:
    """Draw scores that are ordinary, tied, constant, alone and zero, each with a γ."""
    drawn = [rng.gamma(1.0, 2.0, size=n) for n in (1, 2, 7, 40)]
    tied = [np.array([5.0, 1, 2, 2, 7, 2]), np.full(5, 3.0), np.zeros(4)]
    return [(scores, gamma) for scores in drawn + tied for gamma in (-1.0, 0.0, 1.5)]


def some_embeddings(rng: Rng) -> list[Case]:
    return [(signed(rng, n, d),) for n, d in ((2, 3), (7, 5), (9, 2))]


def some_theta(rng: Rng, d: int) -> dict[str, np.ndarray]:
    return {
        "head": 0.3 * rng.normal(size=(d, d)),
        "log_slope": np.array(0.7),
        "offset": np.array(-0.4),
    }


def some_covariance(rng: Rng, d: int) -> np.ndarray:
    root = rng.normal(size=(d, d))
    return root @ root.T


def inner_cases(rng: Rng) -> list[Case]:
    return [
        (
            some_theta(rng, d),
            signed(rng, k, p, d),
            rng.normal(size=(p, d)),
            rng.uniform(0.1, 1, (k, p)),
            some_covariance(rng, d),
            0.02,
            rho,
            prior_images,
        )
        for k, p, d, rho, prior_images in ((1, 6, 2, 0.1, 5.0), (3, 4, 3, 0.4, 0.0))
    ]


def query_cases(rng: Rng) -> list[Case]:
    """Draw tasks whose query patches are of both classes, all normal, and all anomalous."""
    return [
        (
            some_theta(rng, 3),
            signed(rng, 2, 5, 3),
            rng.uniform(0.1, 1, (2, 5)),
            some_covariance(rng, 3),
            signed(rng, 3, 4, 3),
            rng.random((3, 4)) < share,
            0.05,
            0.2,
            7.0,
            0.3,
            0.7,
        )
        for share in (0.4, 0.0, 1.1)
    ]


def task_of(names: tuple[str, ...], arrays: Any, decay: float) -> dict[str, Tensor]:
    return {**dict(zip(names, map(tensor, arrays), strict=True)), "decay": torch.tensor(decay)}


def call_inner_loss(function: Callable, theta: Any, *rest: Any) -> Any:
    *arrays, decay, shrinkage, prior_images = rest
    task = task_of(("support", "noise", "weights", "prior"), arrays, decay)
    settings = dataclasses.replace(LITE, shrinkage=shrinkage, prior_images=prior_images)
    return function(tensors(theta), task, settings)


def call_query_loss(function: Callable, theta: Any, *rest: Any) -> Any:
    *arrays, decay, shrinkage, prior_images, temperature, weight = rest
    task = task_of(("support", "weights", "prior", "query", "query_anomalous"), arrays, decay)
    settings = dataclasses.replace(
        LITE,
        shrinkage=shrinkage,
        prior_images=prior_images,
        temperature=temperature,
        contrastive_weight=weight,
    )
    return function(tensors(theta), task, settings)


def bowl(matrix: np.ndarray, centre: np.ndarray) -> Callable[[Any], Any]:
    """Give ½(x-c)ᵀM(x-c) + Σ(x-c)⁴/10, for numpy and for torch: its curvature is not constant."""

    def loss(x: Any) -> Any:
        m, c = (matrix, centre) if isinstance(x, np.ndarray) else map(tensor, (matrix, centre))
        return 0.5 * (x - c) @ m @ (x - c) + ((x - c) ** 4).sum() / 10

    return loss


def bowls(rng: Rng, n: int) -> list[tuple[Any, ...]]:
    """Draw tasks: matrix and centre of the inner loss, then of the query loss."""
    drawn = []
    for _ in range(n):
        roots = rng.normal(size=(2, 3, 3))
        drawn.append(
            (roots[0] @ roots[0].T, rng.normal(size=3), roots[1] @ roots[1].T, signed(rng, 3))
        )
    return drawn


def outer_cases(rng: Rng) -> list[Case]:
    return [(bowls(rng, n), signed(rng, 3), steps, 0.03) for n, steps in ((1, 3), (4, 2), (2, 0))]


def loops_on_bowls(loop: Callable) -> Callable:
    def called(tasks: list, theta: np.ndarray, steps: int, rate: float) -> np.ndarray:
        return loop([(bowl(*task[:2]), bowl(*task[2:])) for task in tasks], theta, steps, rate)

    return called


def call_outer(order: str) -> Callable:
    def called(
        function: Callable, tasks: list, theta: np.ndarray, steps: int, rate: float
    ) -> Tensor:
        stacked = [tensor(np.stack(part)) for part in zip(*tasks, strict=True)]

        def quartic(p: Any, m: Tensor, c: Tensor) -> Tensor:
            return 0.5 * (p["x"] - c) @ m @ (p["x"] - c) + ((p["x"] - c) ** 4).sum() / 10

        def adapt(p: Any, task: Any) -> tuple[Any, Tensor]:
            adapted = inner_loop(p, lambda q: quartic(q, *task[:2]), steps, rate)
            return adapted, quartic(adapted, *task[:2])

        def judge(p: Any, task: Any) -> Tensor:
            return quartic(p, *task[2:])

        return function({"x": tensor(theta)}, stacked, adapt, judge, order)[0]["x"]

    return called


def call_backbone(function: Callable, levels: list[np.ndarray]) -> Tensor:
    """Run the backbone's own arithmetic behind a network that gives these levels."""
    network = torch.nn.Module()
    network.forward = lambda images: [tensor(level)[None] for level in levels]
    network.feature_info = SimpleNamespace(channels=lambda: [len(level) for level in levels])
    network.pretrained_cfg = {"mean": (0.5,) * 3, "std": (0.5,) * 3}
    return function(Backbone(network, "fake", (8, 16)), torch.zeros(1, 3, 8, 8))[0]


def tensor(value: Any) -> Any:
    return torch.from_numpy(value) if isinstance(value, np.ndarray) else value


def tensors(theta: dict[str, np.ndarray]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(value) for name, value in theta.items()}


def statistics_cases(rng: Rng) -> list[Case]:
    """Draw supports with weights of images, of patches, with a prior, with means by place."""
    shapes = ((1, 6, 3), (4, 1, 2), (3, 7, 4))
    plain = [(signed(rng, *s), rng.uniform(0, 1, s[0]), rho) for s in shapes for rho in (0.05, 1.0)]
    return plain + [
        (
            signed(rng, *shape),
            rng.uniform(0.1, 1, shape[:2]),
            0.1,
            some_covariance(rng, shape[-1]),
            n_prior,
            by_place,
        )
        for shape in shapes
        for n_prior, by_place in ((0.0, False), (9.0, False), (9.0, True))
    ]


def call_statistics(function: Callable, *case: Any) -> Any:
    names = ("prior", "prior_images", "by_place")
    return function(*map(tensor, case[:3]), **dict(zip(names, map(tensor, case[3:]), strict=False)))


def place_cases(rng: Rng) -> list[Case]:
    """Draw places that differ and that do not, one image, a weight of 0, a place without any."""
    cases = []
    for n, p, d, apart in ((1, 4, 2, 1.0), (2, 5, 3, 3.0), (6, 3, 2, 0.0), (9, 4, 3, 1.0)):
        embeddings = rng.normal(size=(n, p, d)) + apart * rng.normal(size=(p, d))
        weights = rng.uniform(0.1, 1, (n, p))
        cases.append((embeddings, weights))
    gaps = rng.uniform(0.1, 1, (5, 4))
    gaps[2, 1] = 0
    gaps[:, 3] = 0
    return [*cases, (signed(rng, 5, 4, 3), gaps)]


def nearest_cases(rng: Rng) -> list[Case]:
    """Draw banks with weights of 0, with forbidden pairs, and with nothing left to match."""
    weights = rng.uniform(0.1, 1, 6)
    weights[2] = 0
    s = some_covariance(rng, 3)
    return [
        (signed(rng, 4, 3), signed(rng, 6, 3), weights, s),
        (signed(rng, 4, 3), signed(rng, 6, 3), weights, s, rng.random((4, 6)) < 0.6),
        (signed(rng, 2, 3), signed(rng, 6, 3), weights, s, np.ones((2, 6), dtype=bool)),
    ]


def patch_distance_cases(rng: Rng) -> list[Case]:
    return [
        (
            *(kind, signed(rng, 4, 3), signed(rng, *mean), some_covariance(rng, 3)),
            *(signed(rng, 6, 3), rng.uniform(0.1, 1, 6)),
        )
        for kind in SCORES
        for mean in ((3,), (4, 3))
    ]


def call_patch_distances(function: Callable, kind: str, *arrays: np.ndarray) -> Tensor:
    return function(*map(tensor, arrays), kind=kind)


def auxiliary_cases(rng: Rng) -> list[Case]:
    def category(n: int, p: int) -> tuple[np.ndarray, np.ndarray]:
        anomalous = np.zeros((n, p), dtype=bool)
        anomalous[-1, 0] = n > 1
        return signed(rng, n, p, 3), anomalous

    return [([category(4, 5), category(1, 7)],), ([category(3, 2)],)]


def call_auxiliary(function: Callable, categories: Any) -> Tensor:
    return function([AuxiliaryCategory(tensor(f), tensor(a)) for f, a in categories])


def distance_cases(rng: Rng) -> list[Case]:
    root = rng.normal(size=(3, 3))
    return [(signed(rng, 2, 5, 3), rng.normal(size=3), root @ root.T + 0.1 * np.eye(3))]


def labelled_scores(rng: Rng) -> list[Case]:
    return [
        (rng.integers(-3, 4, n).astype(float), rng.permutation(n) < m)
        for n, m in ((2, 1), (9, 2), (30, 21))
    ]


def marked_maps(rng: Rng) -> list[Case]:
    """Draw maps of two sizes with few distinct scores, and masks with regions that touch."""
    cases = []
    for limit, levels in ((0.3, 3), (0.3, 1000), (1.0, 5), (0.05, 4)):
        maps = [rng.integers(-levels, levels, shape) / 4 for shape in ((5, 7), (4, 3))]
        masks = [(rng.random(m.shape) < 0.3).astype(int) for m in maps]
        cases.append((maps, masks, limit))
    return cases


CONTRACT = {
    "patch-features": Contract(
        "cozad_teach.features.Backbone.forward",
        oracles.patch_features,
        lambda r: [([signed(r, 2, 6, 8), signed(r, 3, 3, 4)],), ([signed(r, 1, 5, 3)],)],
        call_backbone,
    ),
    "mean-pool": Contract(
        "cozad_teach.features.mean_pool",
        oracles.mean_pool,
        lambda r: [(signed(r, 2, 4, 5),), (signed(r, 3, 1, 1),), (signed(r, 1, 1, 6),)],
        lambda f, x: f(tensor(x)[None])[0],
    ),
    "standardise": Contract(
        "cozad_teach.features.standardise",
        oracles.standardise,
        lambda r: [(signed(r, 6, 4), r.normal(size=4), r.uniform(0.1, 9, 4))],
    ),
    "unit-length": Contract(
        "cozad_teach.features.unit_length",
        oracles.unit_length,
        lambda r: [
            (signed(r, 6, 5), (2, 3)),
            (np.array([[3.0, 4, 0, 0], [0, 0, 0, -2]]), (2, 1, 1)),
        ],
    ),
    "auxiliary-covariance": Contract(
        "cozad_teach.training.auxiliary.within_covariance",
        oracles.auxiliary_covariance,
        auxiliary_cases,
        call_auxiliary,
    ),
    "prior": Contract(
        "cozad_teach.contrastive.embed_covariance",
        oracles.prior,
        lambda r: [(some_covariance(r, d), r.normal(size=(d, d))) for d in (1, 4)],
    ),
    "head": Contract(
        "cozad_teach.contrastive.embed",
        oracles.head,
        lambda r: [(signed(r, 5, 3), r.normal(size=(3, 3)))],
    ),
    "contrastive": Contract(
        "cozad_teach.contrastive.supervised_contrastive_loss",
        oracles.contrastive,
        lambda r: [(signed(r, 7, 5), r.permutation(7) < n, 0.3) for n in (0, 1, 4, 6, 7)],
    ),
    "info-nce": Contract(
        "cozad_teach.contrastive.info_nce_loss",
        oracles.info_nce,
        lambda r: [
            (signed(r, a, 4), signed(r, k, 4), r.integers(k, size=a), 0.2)
            for a, k in ((1, 1), (5, 3), (3, 8))
        ],
    ),
    "alignment": Contract("cozad_teach.contrastive.alignment", oracles.alignment, some_embeddings),
    "uniformity": Contract(
        "cozad_teach.contrastive.uniformity", oracles.uniformity, some_embeddings
    ),
    "statistics": Contract(
        "cozad_teach.scoring.gaussian_statistics",
        oracles.statistics,
        statistics_cases,
        call_statistics,
    ),
    "place-means": Contract("cozad_teach.scoring.place_means", oracles.place_means, place_cases),
    "nearest": Contract("cozad_teach.nearest.nearest_distances", oracles.nearest, nearest_cases),
    "patch-distance": Contract(
        "cozad_teach.nearest.patch_distances",
        oracles.patch_distances,
        patch_distance_cases,
        call_patch_distances,
    ),
    "mahalanobis": Contract("cozad_teach.scoring.mahalanobis", oracles.mahalanobis, distance_cases),
    "calibration": Contract(
        "cozad_teach.scoring.calibrate",
        oracles.calibration,
        lambda r: [(r.uniform(0.01, 9, 6), np.array(s), np.array(-0.3)) for s in (-2.0, 1.1)],
    ),
    "image-score": Contract(
        "cozad_teach.scoring.image_scores",
        oracles.image_score,
        lambda r: [(signed(r, n), share) for n in (1, 7, 40) for share in (0.01, 0.3, 1.0)],
    ),
    "threshold": Contract("cozad_teach.confidence.iqr_threshold", oracles.threshold, some_scores),
    "weights": Contract(
        "cozad_teach.confidence.soft_weights",
        oracles.soft_weights,
        lambda r: [(*case, kappa) for case in some_scores(r) for kappa in (1.0, 4.0)],
    ),
    "hard-weights": Contract(
        "cozad_teach.confidence.hard_weights", oracles.hard_weights, some_scores
    ),
    "loss-covariance": Contract(
        "cozad_teach.covariance.loss_covariance",
        oracles.loss_covariance,
        lambda r: [(signed(r, n, 2), w) for n, w in ((2, 2), (3, 5), (9, 4), (40, 5))],
        lambda f, losses, window: f(losses.tolist(), window),
    ),
    "decay": Contract(
        "cozad_teach.covariance.decay_strength",
        oracles.decay,
        lambda r: [
            (sigma, 0.01, 0.5, 3.0)
            for sigma in (np.eye(2), np.diag([4.0, 2.0]), np.ones((2, 2)), np.zeros((2, 2)))
        ],
        lambda f, *case: f(*case),
    ),
    "inner-loss": Contract(
        "cozad_teach.objectives.inner_loss", oracles.inner_loss, inner_cases, call_inner_loss
    ),
    "query-loss": Contract(
        "cozad_teach.objectives.query_loss", oracles.query_loss, query_cases, call_query_loss
    ),
    "inner-loop": Contract(
        "cozad_teach.maml.inner_loop",
        lambda task, *rest: oracles.inner_loop(bowl(*task[:2]), *rest),
        lambda r: [(bowls(r, 1)[0], signed(r, 3), steps, 0.03) for steps in (0, 1, 4)],
        lambda f, task, start, steps, rate: f(
            {"x": tensor(start)}, lambda p: bowl(*task[:2])(p["x"]), steps, rate
        )["x"],
    ),
    "outer-loop": Contract(
        "cozad_teach.maml.outer_gradient",
        loops_on_bowls(oracles.outer_loop),
        outer_cases,
        call_outer("second"),
    ),
    "first-order": Contract(
        "cozad_teach.maml.outer_gradient",
        loops_on_bowls(oracles.first_order),
        outer_cases,
        call_outer("first"),
    ),
    "reptile": Contract(
        "cozad_teach.maml.outer_gradient",
        loops_on_bowls(oracles.reptile),
        outer_cases,
        call_outer("reptile"),
    ),
    "image-auroc": Contract(
        "cozad_teach.evaluation.metrics.image_auroc",
        oracles.image_auroc,
        labelled_scores,
        lambda f, *case: f(*case),
    ),
    "average-precision": Contract(
        "cozad_teach.evaluation.metrics.image_ap",
        oracles.average_precision,
        labelled_scores,
        lambda f, *case: f(*case),
    ),
    "over-seeds": Contract(
        "cozad_teach.evaluation.uncertainty.intervals.over_seeds",
        oracles.over_seeds,
        lambda r: [(r.normal(0.8, 0.1, n), v, d) for n, v, d in ((3, 0.01, 7), (5, 0.0004, 30))],
        lambda f, values, variance, degrees: dataclasses.astuple(
            f(values, Spread(variance, degrees))
        ),
    ),
    "conformal": Contract(
        "cozad_teach.evaluation.thresholds.conformal_threshold",
        oracles.conformal,
        lambda r: [
            (scores, Fraction(*share))
            for scores in (r.gamma(2, size=19), r.normal(size=7), np.array([2.0, 1, 2, 2, 5]))
            for share in ((1, 20), (1, 8), (1, 3), (9, 10))
        ],
        lambda f, scores, rate: f(scores, float(rate)),
    ),
    "main-effect": Contract(
        "cozad_book.experiments.factorial.main_effects",
        oracles.main_effects,
        lambda r: [(r.normal(size=(2,) * n),) for n in (1, 2, 5)],
    ),
    "interaction": Contract(
        "cozad_book.experiments.factorial.interactions",
        oracles.interactions,
        lambda r: [(r.normal(size=(2,) * n),) for n in (1, 2, 4)],
    ),
    "feature-memory": Contract(
        "cozad_book.costs.feature_bytes",
        oracles.feature_memory,
        lambda r: [(24, 8, 3, 5), (50, 16, 2, 7), (9, 4, 0, 3)],
        lambda f, size, stride, n, c: f(
            dataclasses.replace(LITE, image_size=size, strides=(stride,)), n, c
        ),
    ),
    "aupro": Contract(
        "cozad_teach.evaluation.metrics.aupro",
        oracles.aupro,
        marked_maps,
        lambda f, *case: f(*case),
    ),
}


def resolve(name: str) -> Callable:
    """Find a function, or a method, of the package by its dotted name."""
    module, _, attribute = name.rpartition(".")
    try:
        return getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError:
        return getattr(resolve(module), attribute)


def as_arrays(result: Any) -> Iterator[np.ndarray]:
    """Give all numbers of a result as float64 arrays: of a tensor, an array, a number, a tuple."""
    for part in result if isinstance(result, tuple) else (result,):
        yield np.asarray(part.detach() if isinstance(part, Tensor) else part, dtype=np.float64)


@pytest.mark.parametrize("label", CONTRACT)
def test_function_equals_its_loop(label: str, double: None) -> None:
    contract = CONTRACT[label]
    function = resolve(contract.function)
    ours = contract.ours or (lambda f, *case: f(*map(tensor, case)))
    cases = contract.cases(np.random.default_rng(len(label)))
    assert cases
    # Loops that differentiate by differences are exact to fewer digits.
    tolerance = 1e-7 if contract.function.startswith("cozad_teach.maml.") else 1e-10
    for case in cases:
        found, expected = as_arrays(ours(function, *case)), as_arrays(contract.loop(*case))
        for a, b in zip(found, expected, strict=True):
            assert a.shape == b.shape
            assert a == pytest.approx(b, rel=tolerance, abs=tolerance)


def labels_in_package() -> dict[str, list[str]]:
    """Find which docstring names which label: "equation (label)", or "equations (a) and (b)"."""
    found: dict[str, list[str]] = {}
    files = [*ROOT.glob("cozad_teach/**/*.py"), *ROOT.glob("book/cozad_book/**/*.py")]
    for path in sorted(files):
        text = " ".join(path.read_text(encoding="utf-8").split())
        for label in re.findall(r"equation \(([\w-]+)\)", text):
            found.setdefault(label, []).append(str(path.relative_to(ROOT)))
    return found


def test_no_label_without_a_loop_and_no_loop_without_a_label() -> None:
    assert set(labels_in_package()) == set(CONTRACT)


@pytest.mark.parametrize("label", CONTRACT)
def test_the_docstring_of_the_function_names_its_label(label: str) -> None:
    documentation = " ".join((resolve(CONTRACT[label].function).__doc__ or "").split())
    assert f"equation ({label})" in documentation
    assert len(labels_in_package()[label]) == 1


def test_every_loop_checks_something() -> None:
    public = {
        name
        for name, value in vars(oracles).items()
        if callable(value) and value.__module__ == "oracles" and not name.startswith("_")
    }
    text = Path(__file__).read_text(encoding="utf-8")
    assert {name for name in public if f"oracles.{name}" not in text} <= {"gradient"}


def test_every_label_of_the_book_is_in_the_contract() -> None:
    chapters = (ROOT / "book" / "chapters").glob("*.ipynb")
    texts = [path.read_text(encoding="utf-8") for path in chapters]
    labels = {label for text in texts for label in re.findall(r"\$\$ \(eq-([\w-]+)\)", text)}
    assert labels and labels <= set(CONTRACT)
