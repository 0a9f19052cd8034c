"""The capstone: its steps as the package takes them, and its solutions one after the other."""

from __future__ import annotations

import ast
import contextlib
import linecache
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from solutions import solved_cells
from torch import Tensor

from cozad_book import given
from cozad_book.checking import running
from cozad_book.checking.exercises import Verdict, all_exercises, take_passed, verdict_on
from cozad_book.own import capstone, file, pieces
from cozad_teach import adaptation, contrastive, objectives, scoring
from cozad_teach.covariance import decay_strength, loss_covariance
from cozad_teach.maml import outer_gradient
from cozad_teach.settings import Settings

BOOK = Path(__file__).resolve().parents[2] / "book"
NOTEBOOK = BOOK / "chapters" / "capstone.ipynb"
Theta = dict[str, Tensor]


def package_theta(theta: Tensor) -> Theta:
    head, log_slope, offset = given.unpack(theta)
    return {"head": head, "log_slope": log_slope, "offset": offset}


def vector(theta: Theta) -> Tensor:
    return torch.cat([theta["head"].flatten(), theta["log_slope"][None], theta["offset"][None]])


def full(task: dict[str, Any]) -> dict[str, Any]:
    return {**task, "decay": torch.as_tensor(task["decay"], dtype=torch.float64)}


def covariance_by_package(
    e: Tensor, weights: Tensor, mean: Tensor, prior: Tensor, settings: Settings
) -> Tensor:
    """The package's, of what is left without the mean; with opposites, its own mean is 0."""
    away = e - mean
    both, twice = torch.cat([away, -away]), torch.cat([weights, weights])
    n = 2 * settings.prior_images
    return scoring.gaussian_statistics(
        both, twice, settings.shrinkage, prior=prior, prior_images=n
    )[1]


def covariance_by_loops(
    e: Tensor, weights: Tensor, mean: Tensor, prior: Tensor, settings: Settings
) -> np.ndarray:
    n_images, n_places, d = e.shape
    of_prior = settings.prior_images * n_places
    S, total = of_prior * prior.numpy(), of_prior
    for i in range(n_images):
        for p in range(n_places):
            away = (e[i, p] - (mean[p] if mean.ndim == 2 else mean)).numpy()
            S = S + float(weights[i, p]) * np.outer(away, away)
            total += float(weights[i, p])
    S = S / total
    trace = sum(S[j, j] for j in range(d))
    return (1 - settings.shrinkage) * S + settings.shrinkage * trace / d * np.eye(d)


def place_means_by_loops(e: Tensor, weights: Tensor) -> np.ndarray:
    x, w = e.numpy(), weights.numpy()
    n, places, d = x.shape
    out = np.empty((places, d))
    for k in range(d):
        m = [sum(w[i, p] * x[i, p, k] for i in range(n)) / w[:, p].sum() for p in range(places)]
        mu = (w * x[..., k]).sum() / w.sum()
        u = [(w[:, p] ** 2).sum() / w[:, p].sum() ** 2 for p in range(places)]
        scatter = sum(w[i, p] * (x[i, p, k] - m[p]) ** 2 for i in range(n) for p in range(places))
        free = sum((1 - u[p]) * w[:, p].sum() for p in range(places))
        chance, between = np.mean(u) * scatter / free, np.mean([(a - mu) ** 2 for a in m])
        out[:, k] = [mu + max(0.0, 1 - chance / between) * (a - mu) for a in m]
    return out


def weigh_by_package(e: Tensor, prior: Tensor, settings: Settings, by_place: bool) -> Tensor:
    return adaptation.support_weights(e[None], prior[None], settings, by_place=by_place)[0]


def inner_loss_by_package(theta: Tensor, task: Any, settings: Settings) -> Tensor:
    return objectives.inner_loss(package_theta(theta), full(task), settings)


def adapt_by_package(theta: Tensor, task: Any, settings: Settings) -> Tensor:
    return vector(adaptation.adapt_parameters(package_theta(theta), full(task), settings))


def query_loss_by_package(theta: Tensor, task: Any, settings: Settings) -> Tensor:
    return objectives.query_loss(package_theta(theta), full(task), settings)


def outer_gradient_by_package(theta: Tensor, tasks: Any, settings: Settings) -> Tensor:
    def adapt(start: Theta, task: Any) -> tuple[Theta, Tensor]:
        adapted = adaptation.adapt_parameters(start, task, settings)
        return adapted, objectives.inner_loss(adapted, task, settings)

    def judge(adapted: Theta, task: Any) -> Tensor:
        return objectives.query_loss(adapted, task, settings)

    whole = [full(task) for task in tasks]
    stacked = {name: torch.stack([task[name] for task in whole]) for name in whole[0]}
    return vector(outer_gradient(package_theta(theta), stacked, adapt, judge)[0])


def outer_gradient_by_differences(theta: Tensor, tasks: Any, settings: Settings) -> Tensor:
    def loss(at: Tensor) -> Tensor:
        found = [
            query_loss_by_package(adapt_by_package(at, task, settings), task, settings)
            for task in tasks
        ]
        return torch.stack(found).mean()

    steps = 1e-5 * torch.eye(len(theta), dtype=theta.dtype)
    return torch.stack([(loss(theta + s) - loss(theta - s)) / 2e-5 for s in steps])


def fit_by_package(theta: Tensor, batches: Any, settings: Settings) -> Tensor:
    theta, losses = theta.clone(), []
    optimiser = torch.optim.Adam([theta], lr=settings.outer_learning_rate)
    for batch in batches:
        sigma = loss_covariance(losses, settings.window)
        values = (settings.base_decay, settings.decay_growth, settings.determinant_cap)
        tasks = []
        for task in batch:
            head = package_theta(theta)["head"]
            moved = contrastive.embed_covariance(task["prior"], head)
            weights = weigh_by_package(
                contrastive.embed(task["support"], head), moved, settings, False
            )
            tasks.append({**task, "weights": weights, "decay": decay_strength(sigma, *values)})
        adapted = [adapt_by_package(theta.clone(), task, settings) for task in tasks]
        pairs = list(zip(adapted, tasks, strict=True))
        losses.append(
            tuple(
                float(np.mean([float(loss(x, t, settings)) for x, t in pairs]))
                for loss in (inner_loss_by_package, query_loss_by_package)
            )
        )
        theta.grad = outer_gradient_by_package(theta.clone(), tasks, settings)
        optimiser.step()
    return theta


def score_by_package(
    z: Tensor,
    theta: Tensor,
    places: Tensor,
    noise: Tensor,
    prior: Tensor,
    decay: float,
    settings: Settings,
) -> Tensor:
    def given_ones(*_: object) -> tuple[Tensor, Tensor]:
        return places, noise

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(adaptation, "places_and_noise", given_ones)
        found = adaptation.adapt_supports(
            package_theta(theta), z[None], prior, decay, settings, by_place=True
        )
    return scoring.mahalanobis(found.embeddings[0], found.mean[0], found.covariance[0])


RIGHT: dict[str, tuple[Callable[..., Any], ...]] = {
    "capstone.embed": (contrastive.embed,),
    "capstone.place_means": (scoring.place_means, place_means_by_loops),
    "capstone.covariance": (covariance_by_package, covariance_by_loops),
    "capstone.weigh": (weigh_by_package,),
    "capstone.inner_loss": (inner_loss_by_package,),
    "capstone.adapt": (adapt_by_package,),
    "capstone.query_loss": (query_loss_by_package,),
    "capstone.outer_gradient": (outer_gradient_by_package, outer_gradient_by_differences),
    "capstone.fit": (fit_by_package,),
    "capstone.score": (score_by_package,),
}


@pytest.mark.parametrize("name", [name for name in all_exercises() if name.startswith("capstone.")])
def test_each_step_is_that_of_the_package(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "_noting_calls", lambda *_: contextlib.nullcontext())
    for function in RIGHT[name]:
        verdict = verdict_on(name, function)
        assert verdict.passed, f"{function.__name__}: {verdict}"


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COZAD_MY_FILE", str(tmp_path / "my_cozad.py"))
    take_passed()
    return tmp_path


def run(source: str, place: str, space: dict[str, Any]) -> Any:
    """Run a cell as a notebook does: its source can be looked up, its last line is its result."""
    linecache.cache[place] = (len(source), None, source.splitlines(True), place)
    body = ast.parse(source).body
    last = body.pop() if isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), place, "exec"), space)
    return eval(compile(ast.Expression(last.value), place, "eval"), space) if last else None


def test_the_solutions_pass_in_order_agree_with_the_package_and_are_kept(own_folder: Path) -> None:
    pieces.catch_up(5)
    space: dict[str, Any] = {"__name__": "__main__"}
    passed, result = 0, None
    for number, solved in enumerate(solved_cells(NOTEBOOK)):
        result = run(solved.source, f"<cell {number}>", space)
        if solved.check:
            verdict = eval(solved.check.strip(), space)
            assert isinstance(verdict, Verdict) and verdict.passed, verdict
            passed += 1
    assert passed == len(RIGHT)
    rows = {row[0]: row[1] for row in result.rows}
    for what in ("θ", "scores"):
        assert float(rows[f"{what}, greatest difference"]) < 1e-10
    assert rows["AUROC of patches, yours"] == rows["AUROC of patches, the package's"]
    kept = {name: block for name, block in file.read().items() if name.startswith("capstone.")}
    assert set(kept) == {"capstone.fit", "capstone.score"}
    for block in kept.values():
        alone: dict[str, Any] = {"__name__": "my_cozad"}
        exec(block.code, alone)
        assert verdict_on(block.exercise, alone[block.function]).passed


def test_unsolved_steps_say_which_is_next() -> None:
    setting = capstone.prepare()
    assert capstone.compare(setting, lambda *_: None, lambda *_: None).rows == [
        ["fit", "gives no θ yet: solve step 9 first"]
    ]
    fits = lambda *_: setting.theta  # noqa: E731
    assert capstone.compare(setting, fits, lambda *_: None).rows == [
        ["score", "gives no scores yet: solve step 10 first"]
    ]
