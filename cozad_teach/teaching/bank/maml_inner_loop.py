"""Exercise maml.inner_loop. The wrong answers are wrong on purpose.

Tasks are linear regressions, whose gradients can be written down: the loss of parameters θ on
inputs x (n, d) with targets y (n,) is the mean of (x θ - y)².
"""

from __future__ import annotations

import numpy as np

from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISE", "gradient", "inner_loop", "regression"]


def gradient(theta: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Give the gradient (d,) of the mean squared error at θ."""
    return np.asarray(2 * x.T @ (x @ theta - y) / len(y))


def inner_loop(
    theta: np.ndarray, x: np.ndarray, y: np.ndarray, steps: int, learning_rate: float
) -> np.ndarray:
    """Take steps of gradient descent on the mean squared error from θ (d,); give θ' (d,)."""
    for _ in range(steps):
        theta = theta - learning_rate * gradient(theta, x, y)
    return theta


def _one_step(
    theta: np.ndarray, x: np.ndarray, y: np.ndarray, steps: int, learning_rate: float
) -> np.ndarray:
    return inner_loop(theta, x, y, min(steps, 1), learning_rate)


def _gradient_of_the_start(
    theta: np.ndarray, x: np.ndarray, y: np.ndarray, steps: int, learning_rate: float
) -> np.ndarray:
    return np.asarray(theta - steps * learning_rate * gradient(theta, x, y))


def _uphill(
    theta: np.ndarray, x: np.ndarray, y: np.ndarray, steps: int, learning_rate: float
) -> np.ndarray:
    return inner_loop(theta, x, y, steps, -learning_rate)


def _sum_of_squares(
    theta: np.ndarray, x: np.ndarray, y: np.ndarray, steps: int, learning_rate: float
) -> np.ndarray:
    return inner_loop(theta, x, y, steps, learning_rate * len(y))


def _without_two(
    theta: np.ndarray, x: np.ndarray, y: np.ndarray, steps: int, learning_rate: float
) -> np.ndarray:
    return inner_loop(theta, x, y, steps, learning_rate / 2)


def _step_too_many(
    theta: np.ndarray, x: np.ndarray, y: np.ndarray, steps: int, learning_rate: float
) -> np.ndarray:
    return inner_loop(theta, x, y, steps + 1, learning_rate)


def _point_by_point(
    theta: np.ndarray, x: np.ndarray, y: np.ndarray, steps: int, learning_rate: float
) -> np.ndarray:
    for i in range(steps):
        one = slice(i % len(y), i % len(y) + 1)
        theta = theta - learning_rate * gradient(theta, x[one], y[one])
    return theta


def _movement(
    theta: np.ndarray, x: np.ndarray, y: np.ndarray, steps: int, learning_rate: float
) -> np.ndarray:
    return inner_loop(theta, x, y, steps, learning_rate) - theta


def _accumulates(
    theta: np.ndarray, x: np.ndarray, y: np.ndarray, steps: int, learning_rate: float
) -> np.ndarray:
    total = np.zeros_like(theta)
    for _ in range(steps):
        total = total + gradient(theta, x, y)
        theta = theta - learning_rate * total
    return theta


def _step_too_few(
    theta: np.ndarray, x: np.ndarray, y: np.ndarray, steps: int, learning_rate: float
) -> np.ndarray:
    return inner_loop(theta, x, y, max(steps - 1, 0), learning_rate)


def _plain_mean_of_products(
    theta: np.ndarray, x: np.ndarray, y: np.ndarray, steps: int, learning_rate: float
) -> np.ndarray:
    return inner_loop(theta, x, y, steps, learning_rate * len(y) / 2)


def _root_of_loss(
    theta: np.ndarray, x: np.ndarray, y: np.ndarray, steps: int, learning_rate: float
) -> np.ndarray:
    for _ in range(steps):
        size = np.sqrt(np.mean((x @ theta - y) ** 2))
        theta = theta - learning_rate * gradient(theta, x, y) / (2 * size)
    return theta


def _by_sign(
    theta: np.ndarray, x: np.ndarray, y: np.ndarray, steps: int, learning_rate: float
) -> np.ndarray:
    for _ in range(steps):
        theta = theta - learning_rate * x.T @ np.sign(x @ theta - y) / len(y)
    return theta


def _unit_steps(
    theta: np.ndarray, x: np.ndarray, y: np.ndarray, steps: int, learning_rate: float
) -> np.ndarray:
    for _ in range(steps):
        slope = gradient(theta, x, y)
        theta = theta - learning_rate * slope / np.linalg.norm(slope)
    return theta


def regression(random: np.random.Generator, n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw inputs (n, d) and targets (n,)."""
    return random.normal(size=(n, d)), random.normal(size=n)


def _inner_cases() -> tuple[Case, ...]:
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


EXERCISE = Exercise(
    name="maml.inner_loop",
    reference=inner_loop,
    cases=_inner_cases(),
    mistakes=(
        Mistake(
            "one step",
            _one_step,
            "You take one step, however many are asked for. Repeat it `steps` times, each time "
            "from where the last one ended.",
        ),
        Mistake(
            "gradient of the start",
            _gradient_of_the_start,
            "All your steps use the gradient at the start. Compute it anew where each step begins.",
        ),
        Mistake(
            "uphill",
            _uphill,
            "The loss grows: you go uphill. Descent subtracts the gradient; is the error "
            "x θ - y the right way round?",
        ),
        Mistake(
            "sum of squares",
            _sum_of_squares,
            "Your gradient is that of the sum of squared errors. The loss is their mean: with "
            "more points the step must not get longer.",
        ),
        Mistake(
            "half the gradient",
            _without_two,
            "Your steps are half as long as they should be. What is the derivative of a square?",
        ),
        Mistake(
            "a step too many",
            _step_too_many,
            "You take one step more than asked for. With 0 steps θ' is θ.",
        ),
        Mistake(
            "point by point",
            _point_by_point,
            "Each of your steps looks at one point only. The inner loop takes the mean over "
            "the whole support in every step.",
        ),
        Mistake(
            "movement alone",
            _movement,
            "You return how far θ moved. Return where it arrived.",
        ),
        Mistake(
            "adds up gradients",
            _accumulates,
            "Every step also takes the gradients of those before it. In torch, "
            "`backward` adds to `.grad`: set it to zero before each step, or use "
            "`torch.autograd.grad`.",
        ),
        Mistake(
            "a step too few",
            _step_too_few,
            "You take one step less than asked for.",
        ),
        Mistake(
            "half the mean",
            _plain_mean_of_products,
            "The 2 of the derivative and the division by the number of points are both missing.",
        ),
        Mistake(
            "root of the mean",
            _root_of_loss,
            "Your gradient is that of the root of the mean squared error. There is no root.",
        ),
        Mistake(
            "no learning rate",
            lambda theta, x, y, steps, rate: inner_loop(theta, x, y, steps, 1.0),
            "The learning rate has no influence on your answer: multiply the gradient by it.",
        ),
        Mistake(
            "divides by the inputs",
            lambda theta, x, y, steps, rate: inner_loop(
                theta, x, y, steps, rate * len(y) / len(theta)
            ),
            "You divide by the number of inputs. The mean is over points.",
        ),
        Mistake(
            "error alone",
            lambda theta, x, y, steps, rate: inner_loop(theta, x, np.zeros_like(y), steps, rate),
            "The targets have no influence on your answer: the error is x θ - y.",
        ),
        Mistake(
            "absolute error",
            lambda theta, x, y, steps, rate: _by_sign(theta, x, y, steps, rate),
            "Your gradient is that of the mean absolute error. The loss is the mean squared one.",
        ),
        Mistake(
            "gradient of length 1",
            lambda theta, x, y, steps, rate: _unit_steps(theta, x, y, steps, rate),
            "You divide the gradient by its length. Take it as it is.",
        ),
    ),
)
