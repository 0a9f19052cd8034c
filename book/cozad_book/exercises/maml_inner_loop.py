"""Exercise maml.inner_loop.

Tasks are linear regressions, whose gradients can be written down: the loss of parameters θ on
inputs x (n, d) with targets y (n,) is the mean of (x θ - y)².
"""

import numpy as np

from cozad_book.checking.cases import Case, Exercise

__all__ = ["EXERCISE", "gradient", "inner_loop", "regression"]


def gradient(theta, x, y):
    """Give the gradient (d,) of the mean squared error at θ."""
    return np.asarray(2 * x.T @ (x @ theta - y) / len(y))


def _by_sign(theta, x, y, steps, learning_rate):
    for _ in range(steps):
        theta = theta - learning_rate * x.T @ np.sign(x @ theta - y) / len(y)
    return theta


def _unit_steps(theta, x, y, steps, learning_rate):
    for _ in range(steps):
        slope = gradient(theta, x, y)
        theta = theta - learning_rate * slope / np.linalg.norm(slope)
    return theta


def regression(random, n, d):
    """Draw inputs (n, d) and targets (n,)."""
    return random.normal(size=(n, d)), random.normal(size=n)


def _inner_cases():
    random = np.random.default_rng(20)
    cases = []
    for n, d, steps, rate, hidden in (
        (5, 3, 1, 0.1, False),
        (7, 2, 4, 0.05, False),
        (4, 5, 2, 0.1, False),
        (4, 3, 0, 0.2, True),
        (2, 6, 3, 0.1, True),
    ):
        x, y = regression(random, n, d)
        label = f"{n} points of {d} inputs and {steps} {'step' if steps == 1 else 'steps'}"
        cases.append(Case(label, (random.normal(size=d), x, y, steps, rate), hidden))
    return tuple(cases)


EXERCISE = Exercise("maml.inner_loop", cases=_inner_cases())


@EXERCISE.right
def inner_loop(
    theta: np.ndarray, x: np.ndarray, y: np.ndarray, steps: int, learning_rate: float
) -> np.ndarray:
    """Take steps of gradient descent on the mean squared error from θ (d,); give θ' (d,)."""
    for _ in range(steps):
        theta = theta - learning_rate * gradient(theta, x, y)
    return theta


@EXERCISE.wrong
def one_step(theta, x, y, steps, learning_rate):
    """You take one step, however many are asked for. Repeat it `steps` times, each time from where
    the last one ended."""
    return inner_loop(theta, x, y, min(steps, 1), learning_rate)


@EXERCISE.wrong
def gradient_of_the_start(theta, x, y, steps, learning_rate):
    """All your steps use the gradient at the start. Compute it anew where each step begins."""
    return np.asarray(theta - steps * learning_rate * gradient(theta, x, y))


@EXERCISE.wrong
def uphill(theta, x, y, steps, learning_rate):
    """The loss grows: you go uphill. Descent subtracts the gradient; is the error x θ - y the right
    way round?"""
    return inner_loop(theta, x, y, steps, -learning_rate)


@EXERCISE.wrong
def sum_of_squares(theta, x, y, steps, learning_rate):
    """Your gradient is that of the sum of squared errors. The loss is their mean: with more points
    the step must not get longer."""
    return inner_loop(theta, x, y, steps, learning_rate * len(y))


@EXERCISE.wrong
def half_the_gradient(theta, x, y, steps, learning_rate):
    """Your steps are half as long as they should be. What is the derivative of a square?"""
    return inner_loop(theta, x, y, steps, learning_rate / 2)


@EXERCISE.wrong
def a_step_too_many(theta, x, y, steps, learning_rate):
    """You take one step more than asked for. With 0 steps θ' is θ."""
    return inner_loop(theta, x, y, steps + 1, learning_rate)


@EXERCISE.wrong
def point_by_point(theta, x, y, steps, learning_rate):
    """Each of your steps looks at one point only. The inner loop takes the mean over the whole
    support in every step."""
    for i in range(steps):
        one = slice(i % len(y), i % len(y) + 1)
        theta = theta - learning_rate * gradient(theta, x[one], y[one])
    return theta


@EXERCISE.wrong
def movement_alone(theta, x, y, steps, learning_rate):
    """You return how far θ moved. Return where it arrived."""
    return inner_loop(theta, x, y, steps, learning_rate) - theta


@EXERCISE.wrong
def adds_up_gradients(theta, x, y, steps, learning_rate):
    """Every step also takes the gradients of those before it. In torch, `backward` adds to `.grad`:
    set it to zero before each step, or use `torch.autograd.grad`."""
    total = np.zeros_like(theta)
    for _ in range(steps):
        total = total + gradient(theta, x, y)
        theta = theta - learning_rate * total
    return theta


@EXERCISE.wrong
def a_step_too_few(theta, x, y, steps, learning_rate):
    """You take one step less than asked for."""
    return inner_loop(theta, x, y, max(steps - 1, 0), learning_rate)


@EXERCISE.wrong
def half_the_mean(theta, x, y, steps, learning_rate):
    """The 2 of the derivative and the division by the number of points are both missing."""
    return inner_loop(theta, x, y, steps, learning_rate * len(y) / 2)


@EXERCISE.wrong
def root_of_the_mean(theta, x, y, steps, learning_rate):
    """Your gradient is that of the root of the mean squared error. There is no root."""
    for _ in range(steps):
        size = np.sqrt(np.mean((x @ theta - y) ** 2))
        theta = theta - learning_rate * gradient(theta, x, y) / (2 * size)
    return theta


@EXERCISE.wrong
def no_learning_rate(theta, x, y, steps, rate):
    """The learning rate has no influence on your answer: multiply the gradient by it."""
    return inner_loop(theta, x, y, steps, 1.0)


@EXERCISE.wrong
def divides_by_the_inputs(theta, x, y, steps, rate):
    """You divide by the number of inputs. The mean is over points."""
    return inner_loop(theta, x, y, steps, rate * len(y) / len(theta))


@EXERCISE.wrong
def error_alone(theta, x, y, steps, rate):
    """The targets have no influence on your answer: the error is x θ - y."""
    return inner_loop(theta, x, np.zeros_like(y), steps, rate)


@EXERCISE.wrong
def absolute_error(theta, x, y, steps, rate):
    """Your gradient is that of the mean absolute error. The loss is the mean squared one."""
    return _by_sign(theta, x, y, steps, rate)


@EXERCISE.wrong
def gradient_of_length_1(theta, x, y, steps, rate):
    """You divide the gradient by its length. Take it as it is."""
    return _unit_steps(theta, x, y, steps, rate)


@EXERCISE.wrong
def one_step_without_a_loop(theta, x, y, steps, learning_rate):
    """You take one step, even where none is asked for. Where is the loop over `steps`?"""
    return inner_loop(theta, x, y, 1, learning_rate)


@EXERCISE.wrong
def starts_at_0(theta, x, y, steps, learning_rate):
    """You start at 0. Start at `theta`."""
    return inner_loop(np.zeros_like(theta), x, y, steps, learning_rate)


@EXERCISE.wrong
def smaller_and_smaller_steps(theta, x, y, steps, learning_rate):
    """You divide the learning rate by the number of the step. It stays the same."""
    for n in range(steps):
        theta = theta - learning_rate / (n + 1) * gradient(theta, x, y)
    return theta


@EXERCISE.wrong
def adam(theta, x, y, steps, learning_rate):
    """This is Adam. The inner loop is plain descent: a step of the learning rate times the
    gradient."""
    first, second = np.zeros_like(theta), np.zeros_like(theta)
    for n in range(1, steps + 1):
        slope = gradient(theta, x, y)
        first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope**2
        size = np.sqrt(second / (1 - 0.999**n)) + 1e-8
        theta = theta - learning_rate * first / (1 - 0.9**n) / size
    return theta


@EXERCISE.wrong
def every_prediction_with_every_target(theta, x, y, steps, learning_rate):
    """You compare every prediction with every target: the shapes (n, 1) and (n,) broadcast to
    (n, n). Give both the same shape."""
    return inner_loop(theta, x, np.full_like(y, y.mean()), steps, learning_rate)
