"""Exercise capstone.adapt."""

import torch
from torch.func import grad

from cozad_book.checking.cases import Exercise
from cozad_book.exercises.capstone_inner_loss import inner_loss, task_case


def _cases():
    return (
        task_case("3 images of 6 patches, 3 steps", 170, 3, 6, 4),
        task_case(
            "2 images of 5 patches, 2 large steps",
            181,
            2,
            5,
            3,
            inner_steps=2,
            inner_learning_rate=0.4,
        ),
        task_case("a single step", 192, 4, 3, 2, hidden=True, inner_steps=1),
        task_case("no step at all", 203, 2, 4, 3, hidden=True, inner_steps=0),
    )


EXERCISE = Exercise("capstone.adapt", cases=_cases(), tolerance=1e-6)


def _descend(theta, task, settings, steps, rate, keep=lambda gradient: gradient):
    for _ in range(steps):
        theta = theta - rate * keep(grad(inner_loss)(theta, task, settings))
    return theta


@EXERCISE.right
def adapt(theta, task, settings):
    """Take the inner loop from θ; give θ'."""
    return _descend(theta, task, settings, settings.inner_steps, settings.inner_learning_rate)


@EXERCISE.wrong
def one_step(theta, task, settings):
    """You take one step, however many `settings.inner_steps` asks for."""
    return _descend(
        theta, task, settings, min(1, settings.inner_steps), settings.inner_learning_rate
    )


@EXERCISE.wrong
def a_step_too_many(theta, task, settings):
    """You take one step too many."""
    return _descend(theta, task, settings, settings.inner_steps + 1, settings.inner_learning_rate)


@EXERCISE.wrong
def gradient_of_the_start(theta, task, settings):
    """All your steps use the gradient at the start. Compute it anew where each begins."""
    rate = settings.inner_steps * settings.inner_learning_rate
    return theta - rate * grad(inner_loss)(theta, task, settings)


@EXERCISE.wrong
def climbs(theta, task, settings):
    """You follow the gradient up. Subtract it."""
    return _descend(theta, task, settings, settings.inner_steps, -settings.inner_learning_rate)


@EXERCISE.wrong
def outer_rate(theta, task, settings):
    """You take the learning rate of the outer loop. Here it is `settings.inner_learning_rate`."""
    return _descend(theta, task, settings, settings.inner_steps, settings.outer_learning_rate)


@EXERCISE.wrong
def rate_of_one(theta, task, settings):
    """You subtract the gradient as it is. Multiply it by the inner learning rate."""
    return _descend(theta, task, settings, settings.inner_steps, 1.0)


@EXERCISE.wrong
def calibration_stays(theta, task, settings):
    """Only your head moves. Slope and offset are part of θ, and move along."""

    def head_alone(gradient):
        gradient = gradient.clone()
        gradient[-2:] = 0
        return gradient

    steps, rate = settings.inner_steps, settings.inner_learning_rate
    return _descend(theta, task, settings, steps, rate, head_alone)


@EXERCISE.wrong
def no_adaptation(theta, task, settings):
    """You give θ as it came."""
    return theta.clone()


@EXERCISE.wrong
def the_step_alone(theta, task, settings):
    """You give how far θ has moved. Give where it is now."""
    return adapt(theta, task, settings) - theta


@EXERCISE.wrong
def unit_steps(theta, task, settings):
    """You scale each gradient to length 1. Take it as it is."""
    steps, rate = settings.inner_steps, settings.inner_learning_rate
    return _descend(theta, task, settings, steps, rate, lambda g: g / g.norm())


@EXERCISE.wrong
def without_the_penalty(theta, task, settings):
    """The penalty takes no part in your inner loop. It is part of the inner loss."""
    return adapt(theta, {**task, "decay": 0.0}, settings)


@EXERCISE.wrong
def one_step_without_a_loop(theta, task, settings):
    """You take one step, even where `settings.inner_steps` is 0. Where is the loop?"""
    return _descend(theta, task, settings, 1, settings.inner_learning_rate)


@EXERCISE.wrong
def a_step_too_few(theta, task, settings):
    """You take one step too few."""
    return _descend(theta, task, settings, settings.inner_steps - 1, settings.inner_learning_rate)


@EXERCISE.wrong
def the_gradient(theta, task, settings):
    """You give the gradient. Give θ after the steps."""
    return grad(inner_loss)(theta, task, settings)


@EXERCISE.wrong
def half_the_rate(theta, task, settings):
    """Your steps are half as long: the gradient of the inner loss has no factor."""
    return _descend(theta, task, settings, settings.inner_steps, settings.inner_learning_rate / 2)


@EXERCISE.wrong
def rate_of_the_book(theta, task, settings):
    """Your rate is 0.02, that of the book. Take `settings.inner_learning_rate`."""
    return _descend(theta, task, settings, settings.inner_steps, 0.02)


@EXERCISE.wrong
def keeps_slope_and_offset(theta, task, settings):
    """Slope and offset stay as they were. They are part of θ and adapt, too."""
    return torch.cat([adapt(theta, task, settings)[:-2], theta[-2:]])
