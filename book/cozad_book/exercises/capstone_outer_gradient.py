"""Exercise capstone.outer_gradient."""

import dataclasses

import torch
from torch.func import grad

from cozad_book.checking.cases import Case, Exercise
from cozad_book.exercises.capstone_adapt import adapt
from cozad_book.exercises.capstone_inner_loss import inner_loss, small_theta
from cozad_book.exercises.capstone_query_loss import query_loss
from cozad_book.given import SMALL, small_task


def _cases():
    def case(label, seed, tasks, n, p, d, hidden=False, **changes):
        settings = dataclasses.replace(SMALL, **changes)
        drawn = [small_task(seed + 11 * j, n, p, d) for j in range(tasks)]
        return Case(label, (small_theta(seed, d), drawn, settings), hidden)

    return (
        case("2 tasks of 3 images", 250, 2, 3, 6, 4),
        case(
            "3 tasks of 2 images, a large step",
            281,
            3,
            2,
            5,
            3,
            inner_steps=1,
            inner_learning_rate=0.4,
        ),
        case("one task, steep", 312, 1, 4, 3, 2, hidden=True, contrastive_weight=30.0),
        case("4 tasks, 2 steps", 363, 4, 2, 4, 3, hidden=True, inner_steps=2),
    )


EXERCISE = Exercise("capstone.outer_gradient", cases=_cases(), tolerance=1e-6)


def _mean(gradients):
    return torch.stack(gradients).mean(0)


def _after(theta, task, settings):
    return query_loss(adapt(theta, task, settings), task, settings)


@EXERCISE.right
def outer_gradient(theta, tasks, settings):
    """Give the gradient, with respect to θ, of the mean query loss after adaptation."""
    return _mean([grad(_after)(theta, task, settings) for task in tasks])


@EXERCISE.wrong
def first_order(theta, tasks, settings):
    """This is first order: you take the gradient at θ' and hand it to θ, or cut the inner loop off
    with `detach`. Differentiate through the inner loop."""
    return _mean([grad(query_loss)(adapt(theta, t, settings), t, settings) for t in tasks])


@EXERCISE.wrong
def no_adaptation(theta, tasks, settings):
    """You take the gradient of the query loss at θ itself. Adapt to each task first."""
    return _mean([grad(query_loss)(theta, task, settings) for task in tasks])


@EXERCISE.wrong
def sum_over_tasks(theta, tasks, settings):
    """You add the gradients of the tasks up. Take their mean."""
    return len(tasks) * outer_gradient(theta, tasks, settings)


@EXERCISE.wrong
def the_last_task(theta, tasks, settings):
    """Only the last task counts. Take the mean over all."""
    return outer_gradient(theta, tasks[-1:], settings)


@EXERCISE.wrong
def the_first_task(theta, tasks, settings):
    """Only the first task counts: does the `return` stand inside the loop?"""
    return outer_gradient(theta, tasks[:1], settings)


@EXERCISE.wrong
def of_the_inner_loss(theta, tasks, settings):
    """You differentiate the inner loss after adaptation. The outer loop follows the query loss."""
    return _mean(
        [grad(lambda x, t=t: inner_loss(adapt(x, t, settings), t, settings))(theta) for t in tasks]
    )


@EXERCISE.wrong
def reptile(theta, tasks, settings):
    """This is Reptile, θ - θ': it needs no query. Differentiate the query loss."""
    return _mean([theta - adapt(theta, task, settings) for task in tasks])


@EXERCISE.wrong
def the_other_way(theta, tasks, settings):
    """The sign is turned round: give the gradient, which the optimiser subtracts."""
    return -outer_gradient(theta, tasks, settings)


@EXERCISE.wrong
def one_inner_step(theta, tasks, settings):
    """You adapt by one step. Use your inner loop, with all its steps."""
    return outer_gradient(theta, tasks, dataclasses.replace(settings, inner_steps=1))


@EXERCISE.wrong
def one_task_after_another(theta, tasks, settings):
    """The second task starts where the first has ended. All start at θ."""
    start, gradients = theta, []
    for task in tasks:
        gradients.append(grad(_after)(start, task, settings))
        start = adapt(start, task, settings)
    return _mean(gradients)


@EXERCISE.wrong
def takes_the_step(theta, tasks, settings):
    """You give θ after a step. Give the gradient: the step is the optimiser's."""
    return theta - settings.outer_learning_rate * outer_gradient(theta, tasks, settings)
