"""Exercise capstone.fit."""

import dataclasses

import numpy as np
import torch

from cozad_book.checking.cases import Case, Exercise
from cozad_book.exercises.capstone_adapt import adapt
from cozad_book.exercises.capstone_embed import embed
from cozad_book.exercises.capstone_inner_loss import inner_loss, small_theta
from cozad_book.exercises.capstone_outer_gradient import outer_gradient
from cozad_book.exercises.capstone_query_loss import query_loss
from cozad_book.exercises.capstone_weigh import weigh
from cozad_book.exercises.covariance_decay_strength import decay_strength
from cozad_book.exercises.covariance_loss_covariance import loss_covariance
from cozad_book.given import SMALL, move_prior, small_task, unpack


def _cases():
    def case(label, seed, tasks, n, p, d, hidden=False, **changes):
        settings = dataclasses.replace(SMALL, inner_steps=1, **changes)
        batches = [
            [
                small_task(seed + 100 * i + 11 * j, n, p, d, weights=False, decay=False)
                for j in range(number)
            ]
            for i, number in enumerate(tasks)
        ]
        return Case(label, (small_theta(seed, d), batches, settings), hidden)

    return (
        case("4 meta-steps of 1, 2, 1 and 1 tasks", 400, (1, 2, 1, 1), 3, 5, 2),
        case("3 meta-steps of 2 tasks", 421, (2, 2, 2), 2, 4, 3, base_decay=0.4),
        case("a single meta-step", 433, (2,), 2, 4, 3, hidden=True),
        case("4 meta-steps, a window of 2", 447, (1, 1, 1, 1), 2, 4, 2, hidden=True, window=2),
    )


EXERCISE = Exercise("capstone.fit", cases=_cases(), tolerance=1e-5)


def _decay(losses, settings):
    if len(losses) < 2:
        return settings.base_decay
    sigma = loss_covariance(np.array(losses), settings.window)
    return float(
        decay_strength(sigma, settings.base_decay, settings.decay_growth, settings.determinant_cap)
    )


def _weighed(theta, task, settings):
    A = unpack(theta)[0]
    return weigh(embed(task["support"], A), move_prior(task["prior"], A), settings, False)


def _losses(theta, tasks, settings, adapt=adapt):
    places = [adapt(theta, task, settings) for task in tasks]
    return tuple(
        float(np.mean([float(loss(x, t, settings)) for x, t in zip(places, tasks, strict=True)]))
        for loss in (inner_loss, query_loss)
    )


def _fit(
    theta,
    batches,
    settings,
    decay=_decay,
    weighed=_weighed,
    losses_of=_losses,
    anew=False,
    optimiser=torch.optim.Adam,
    rate=None,
):
    theta, losses = theta.clone(), []
    rate = rate or settings.outer_learning_rate
    steps = optimiser([theta], lr=rate)
    for batch in batches:
        strength = decay(losses, settings)
        tasks = [
            {**task, "decay": strength, "weights": weighed(theta, task, settings)} for task in batch
        ]
        losses.append(losses_of(theta, tasks, settings))
        theta.grad = outer_gradient(theta.clone(), tasks, settings)
        if anew:
            steps = optimiser([theta], lr=rate)
        steps.step()
    return theta


@EXERCISE.right
def fit(theta, batches, settings):
    """Take a meta-step on each batch of tasks, from θ; give θ after the last."""
    return _fit(theta, batches, settings)


@EXERCISE.wrong
def constant_decay(theta, batches, settings):
    """Your λ stays at λ0. It follows the covariance of the losses of the steps before."""
    return _fit(theta, batches, settings, decay=lambda losses, s: s.base_decay)


@EXERCISE.wrong
def no_decay(theta, batches, settings):
    """There is no decay in your tasks: their `decay` is λ(Σ)."""
    return _fit(theta, batches, settings, decay=lambda losses, s: 0.0)


@EXERCISE.wrong
def losses_before_adaptation(theta, batches, settings):
    """Your losses are those at θ. Measure both at θ', after adaptation."""

    def losses_of(theta, tasks, settings):
        return _losses(theta, tasks, settings, adapt=lambda theta, task, settings: theta)

    return _fit(theta, batches, settings, losses_of=losses_of)


@EXERCISE.wrong
def no_weights(theta, batches, settings):
    """All patches of your supports have weight 1. Weigh them first."""

    def weighed(theta, task, settings):
        return torch.ones(task["support"].shape[:2], dtype=theta.dtype)

    return _fit(theta, batches, settings, weighed=weighed)


@EXERCISE.wrong
def weights_of_the_start(theta, batches, settings):
    """You weigh all supports in the embedding of the first θ. Weigh them with θ as it is now."""
    start = theta

    def weighed(theta, task, settings):
        return _weighed(start, task, settings)

    return _fit(theta, batches, settings, weighed=weighed)


@EXERCISE.wrong
def weights_of_features(theta, batches, settings):
    """You weigh patches by their features. Embed them first, and move the prior along."""

    def weighed(theta, task, settings):
        return weigh(task["support"], task["prior"], settings, False)

    return _fit(theta, batches, settings, weighed=weighed)


@EXERCISE.wrong
def weights_by_place(theta, batches, settings):
    """Your weights use means by place. The patches of a task are drawn anywhere: in training they
    share one mean."""

    def weighed(theta, task, settings):
        A = unpack(theta)[0]
        return weigh(embed(task["support"], A), move_prior(task["prior"], A), settings, True)

    return _fit(theta, batches, settings, weighed=weighed)


@EXERCISE.wrong
def plain_descent(theta, batches, settings):
    """Your steps are plain gradient descent. Let `torch.optim.Adam` take them."""
    return _fit(theta, batches, settings, optimiser=torch.optim.SGD)


@EXERCISE.wrong
def a_new_adam(theta, batches, settings):
    """You make a new Adam for each step, which forgets the gradients before. Make it once, before
    the loop."""
    return _fit(theta, batches, settings, anew=True)


@EXERCISE.wrong
def inner_rate(theta, batches, settings):
    """Your Adam has the learning rate of the inner loop. Here it is
    `settings.outer_learning_rate`."""
    return _fit(theta, batches, settings, rate=settings.inner_learning_rate)


@EXERCISE.wrong
def stops_after_one(theta, batches, settings):
    """You take one meta-step: does the `return` stand inside the loop?"""
    return _fit(theta, batches[:1], settings)


@EXERCISE.wrong
def decay_of_its_own_step(theta, batches, settings):
    """Your λ already knows the losses of the step that it is used in. It comes from the steps
    before."""
    theta, losses = theta.clone(), []
    steps = torch.optim.Adam([theta], lr=settings.outer_learning_rate)
    for batch in batches:
        tasks = [
            {
                **task,
                "decay": _decay(losses, settings),
                "weights": _weighed(theta, task, settings),
            }
            for task in batch
        ]
        losses.append(_losses(theta, tasks, settings))
        tasks = [{**task, "decay": _decay(losses, settings)} for task in tasks]
        theta.grad = outer_gradient(theta.clone(), tasks, settings)
        steps.step()
    return theta


@EXERCISE.wrong
def never_moves(theta, batches, settings):
    """θ stays as it was: does the optimiser hold the vector that you return, and does it have a
    gradient when its step comes?"""
    return theta.clone()


@EXERCISE.wrong
def losses_of_the_last_task(theta, batches, settings):
    """You keep the losses of the last task of each batch. Average over its tasks."""
    return _fit(theta, batches, settings, losses_of=lambda x, tasks, s: _losses(x, tasks[-1:], s))


@EXERCISE.wrong
def losses_added_up(theta, batches, settings):
    """You add up the losses of a batch. Average them: batches may differ in their number of
    tasks."""

    def losses_of(theta, tasks, settings):
        return tuple(len(tasks) * loss for loss in _losses(theta, tasks, settings))

    return _fit(theta, batches, settings, losses_of=losses_of)
