"""Exercises on meta-learning. The wrong answers are wrong on purpose.

Tasks are linear regressions, whose gradients can be written down: the loss of weights θ on inputs
x (n, d) with targets y (n,) is the mean of (x θ - y)².
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISES"]

Task = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def _gradient(theta: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.asarray(2 * x.T @ (x @ theta - y) / len(y))


def inner_loop(
    theta: np.ndarray, x: np.ndarray, y: np.ndarray, steps: int, learning_rate: float
) -> np.ndarray:
    """Take steps of gradient descent on the mean squared error from θ (d,); give θ' (d,)."""
    for _ in range(steps):
        theta = theta - learning_rate * _gradient(theta, x, y)
    return theta


def _one_step(
    theta: np.ndarray, x: np.ndarray, y: np.ndarray, steps: int, learning_rate: float
) -> np.ndarray:
    return inner_loop(theta, x, y, min(steps, 1), learning_rate)


def _gradient_of_the_start(
    theta: np.ndarray, x: np.ndarray, y: np.ndarray, steps: int, learning_rate: float
) -> np.ndarray:
    return np.asarray(theta - steps * learning_rate * _gradient(theta, x, y))


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
        theta = theta - learning_rate * _gradient(theta, x[one], y[one])
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
        total = total + _gradient(theta, x, y)
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
        theta = theta - learning_rate * _gradient(theta, x, y) / (2 * size)
    return theta


def outer_gradient(theta: np.ndarray, tasks: list[Task], learning_rate: float) -> np.ndarray:
    """Give the gradient, with respect to θ, of the mean query loss after one inner step."""
    return _mean(theta, tasks, learning_rate, _second_order)


def _mean(
    theta: np.ndarray,
    tasks: list[Task],
    learning_rate: float,
    of_one: Callable[[np.ndarray, Task, float], np.ndarray],
) -> np.ndarray:
    return np.mean([of_one(theta, task, learning_rate) for task in tasks], axis=0)


def _adapted(theta: np.ndarray, task: Task, learning_rate: float) -> np.ndarray:
    return inner_loop(theta, task[0], task[1], 1, learning_rate)


def _jacobian(theta: np.ndarray, task: Task, learning_rate: float) -> np.ndarray:
    """Give ∂θ'/∂θ = I - α H, with the Hessian H = 2 xᵀx / n of the support loss."""
    return np.asarray(np.eye(len(theta)) - learning_rate * 2 * task[0].T @ task[0] / len(task[1]))


def _second_order(theta: np.ndarray, task: Task, learning_rate: float) -> np.ndarray:
    at_adapted = _gradient(_adapted(theta, task, learning_rate), task[2], task[3])
    return np.asarray(_jacobian(theta, task, learning_rate).T @ at_adapted)


def _first_order(theta: np.ndarray, tasks: list[Task], learning_rate: float) -> np.ndarray:
    return _mean(
        theta,
        tasks,
        learning_rate,
        lambda start, task, rate: _gradient(_adapted(start, task, rate), task[2], task[3]),
    )


def _no_adaptation(theta: np.ndarray, tasks: list[Task], learning_rate: float) -> np.ndarray:
    return _mean(theta, tasks, learning_rate, lambda start, task, _: _gradient(start, *task[2:]))


def _judged_on_support(theta: np.ndarray, tasks: list[Task], learning_rate: float) -> np.ndarray:
    return outer_gradient(theta, [(x, y, x, y) for x, y, _, _ in tasks], learning_rate)


def _adapted_on_query(theta: np.ndarray, tasks: list[Task], learning_rate: float) -> np.ndarray:
    return outer_gradient(theta, [(b, v, x, y) for x, y, b, v in tasks], learning_rate)


def _sum_over_tasks(theta: np.ndarray, tasks: list[Task], learning_rate: float) -> np.ndarray:
    return outer_gradient(theta, tasks, learning_rate) * len(tasks)


def _reptile(theta: np.ndarray, tasks: list[Task], learning_rate: float) -> np.ndarray:
    return _mean(
        theta, tasks, learning_rate, lambda start, task, rate: start - _adapted(start, task, rate)
    )


def _at_the_start(theta: np.ndarray, tasks: list[Task], learning_rate: float) -> np.ndarray:
    return _mean(
        theta,
        tasks,
        learning_rate,
        lambda start, task, rate: _jacobian(start, task, rate).T @ _gradient(start, *task[2:]),
    )


def _one_adaptation_for_all(
    theta: np.ndarray, tasks: list[Task], learning_rate: float
) -> np.ndarray:
    common = np.mean([_adapted(theta, task, learning_rate) for task in tasks], axis=0)
    return np.mean(
        [
            _jacobian(theta, task, learning_rate).T @ _gradient(common, task[2], task[3])
            for task in tasks
        ],
        axis=0,
    )


def _with_factor(
    theta: np.ndarray,
    tasks: list[Task],
    learning_rate: float,
    factor: Callable[[Task], np.ndarray],
) -> np.ndarray:
    """Give the outer gradient with another factor in place of the Jacobian of the inner step."""
    return np.mean(
        [
            factor(task).T @ _gradient(_adapted(theta, task, learning_rate), task[2], task[3])
            for task in tasks
        ],
        axis=0,
    )


def _query_hessian(theta: np.ndarray, tasks: list[Task], learning_rate: float) -> np.ndarray:
    return _with_factor(
        theta,
        tasks,
        learning_rate,
        lambda task: _jacobian(theta, (task[2], task[3], *task[2:]), learning_rate),
    )


def _plus_hessian(theta: np.ndarray, tasks: list[Task], learning_rate: float) -> np.ndarray:
    return _with_factor(
        theta, tasks, learning_rate, lambda task: _jacobian(theta, task, -learning_rate)
    )


def _half_hessian(theta: np.ndarray, tasks: list[Task], learning_rate: float) -> np.ndarray:
    return _with_factor(
        theta, tasks, learning_rate, lambda task: _jacobian(theta, task, learning_rate / 2)
    )


def _weighted_by_query(theta: np.ndarray, tasks: list[Task], learning_rate: float) -> np.ndarray:
    sizes = np.array([len(task[3]) for task in tasks])
    each = [_second_order(theta, task, learning_rate) for task in tasks]
    return np.average(each, axis=0, weights=sizes)


def _moved(theta: np.ndarray, tasks: list[Task], learning_rate: float) -> np.ndarray:
    return theta - learning_rate * outer_gradient(theta, tasks, learning_rate)


def _sequential(theta: np.ndarray, tasks: list[Task], learning_rate: float) -> np.ndarray:
    start, gradients = theta, []
    for task in tasks:
        gradients.append(_second_order(start, task, learning_rate))
        start = _adapted(start, task, learning_rate)
    return np.mean(gradients, axis=0)


def _last_task_alone(theta: np.ndarray, tasks: list[Task], learning_rate: float) -> np.ndarray:
    return _second_order(theta, tasks[-1], learning_rate)


def reptile_step(theta: np.ndarray, adapted: np.ndarray, step_size: float) -> np.ndarray:
    """Move θ (d,) a share of the way to the mean of the adapted parameters (tasks, d)."""
    return np.asarray(theta + step_size * (adapted - theta).mean(axis=0))


def _away(theta: np.ndarray, adapted: np.ndarray, step_size: float) -> np.ndarray:
    return np.asarray(theta + step_size * (theta - adapted).mean(axis=0))


def _sum_of_moves(theta: np.ndarray, adapted: np.ndarray, step_size: float) -> np.ndarray:
    return np.asarray(theta + step_size * (adapted - theta).sum(axis=0))


def _all_the_way(theta: np.ndarray, adapted: np.ndarray, step_size: float) -> np.ndarray:
    return np.asarray(adapted.mean(axis=0))


def _one_after_the_other(theta: np.ndarray, adapted: np.ndarray, step_size: float) -> np.ndarray:
    for place in adapted:
        theta = theta + step_size * (place - theta)
    return theta


def _adds_places(theta: np.ndarray, adapted: np.ndarray, step_size: float) -> np.ndarray:
    return np.asarray(theta + step_size * adapted.mean(axis=0))


def _last_task(theta: np.ndarray, adapted: np.ndarray, step_size: float) -> np.ndarray:
    return np.asarray(theta + step_size * (adapted[-1] - theta))


def _the_move_alone(theta: np.ndarray, adapted: np.ndarray, step_size: float) -> np.ndarray:
    return np.asarray(step_size * (adapted - theta).mean(axis=0))


def _one_number(theta: np.ndarray, adapted: np.ndarray, step_size: float) -> np.ndarray:
    return np.asarray(theta + step_size * (adapted - theta).mean())


def _direction(theta: np.ndarray, adapted: np.ndarray, step_size: float) -> np.ndarray:
    return np.asarray((theta - adapted).mean(axis=0))


def _shares_exchanged(theta: np.ndarray, adapted: np.ndarray, step_size: float) -> np.ndarray:
    return np.asarray(step_size * theta + (1 - step_size) * adapted.mean(axis=0))


def _first_task(theta: np.ndarray, adapted: np.ndarray, step_size: float) -> np.ndarray:
    return np.asarray(theta + step_size * (adapted[0] - theta))


def _no_step_size(theta: np.ndarray, adapted: np.ndarray, step_size: float) -> np.ndarray:
    return np.asarray(theta + (adapted - theta).sum(axis=0))


def _regression(random: np.random.Generator, n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    return random.normal(size=(n, d)), random.normal(size=n)


def _inner_cases() -> tuple[Case, ...]:
    random = np.random.default_rng(20)
    cases = []
    for n, d, steps, rate, hidden in (
        (5, 3, 1, 0.1, False),
        (7, 2, 4, 0.05, False),
        (4, 3, 0, 0.2, True),
        (2, 6, 3, 0.1, True),
    ):
        x, y = _regression(random, n, d)
        label = f"{n} points of {d} inputs and {steps} {'step' if steps == 1 else 'steps'}"
        cases.append(Case(label, (random.normal(size=d), x, y, steps, rate), hidden))
    return tuple(cases)


def _outer_cases() -> tuple[Case, ...]:
    random = np.random.default_rng(21)
    cases = []
    for n_tasks, d, n_support, n_query, rate, hidden in (
        (1, 2, 5, 3, 0.2, False),
        (3, 2, 4, 5, 0.1, False),
        (4, 3, 2, 6, 0.3, True),
        (2, 5, 6, 3, 0.05, True),
    ):
        tasks = [
            # The query of each task is one larger than that of the task before.
            (*_regression(random, n_support, d), *_regression(random, n_query + k, d))
            for k in range(n_tasks)
        ]
        label = f"{n_tasks} {'task' if n_tasks == 1 else 'tasks'} of {d} inputs"
        cases.append(Case(label, (random.normal(size=d), tasks, rate), hidden))
    return tuple(cases)


def _reptile_cases() -> tuple[Case, ...]:
    random = np.random.default_rng(22)
    return tuple(
        Case(
            f"{n_tasks} tasks and a step size of {step}",
            (random.normal(size=d), random.normal(size=(n_tasks, d)), step),
            hidden,
        )
        for n_tasks, d, step, hidden in ((2, 3, 0.5, False), (4, 2, 0.1, False), (3, 5, 1.0, True))
    )


EXERCISES = (
    Exercise(
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
                "All your steps use the gradient at the start. Compute it anew where each step "
                "begins.",
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
                "Your steps are half as long as they should be. What is the derivative of a "
                "square?",
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
                "The 2 of the derivative and the division by the number of points are both "
                "missing.",
            ),
            Mistake(
                "root of the mean",
                _root_of_loss,
                "Your gradient is that of the root of the mean squared error. There is no root.",
            ),
        ),
    ),
    Exercise(
        name="maml.outer_gradient",
        reference=outer_gradient,
        cases=_outer_cases(),
        mistakes=(
            Mistake(
                "inner gradients are detached",
                _first_order,
                "This is first order: the inner gradient is detached, as if the adapted weights "
                "did not depend on θ. Differentiate through the inner step (`create_graph=True` "
                "in torch), or multiply with its Jacobian.",
            ),
            Mistake(
                "no adaptation",
                _no_adaptation,
                "You take the gradient of the query loss at θ itself. Adapt to each task first.",
            ),
            Mistake(
                "judges on the support",
                _judged_on_support,
                "You judge the adapted weights on the support, which they were fitted to. The "
                "query decides.",
            ),
            Mistake(
                "adapts on the query",
                _adapted_on_query,
                "You adapt on the query and judge on the support. It is the other way round.",
            ),
            Mistake(
                "sum over tasks",
                _sum_over_tasks,
                "You add the gradients of the tasks. Their mean is wanted, or more tasks mean "
                "longer steps.",
            ),
            Mistake(
                "Reptile",
                _reptile,
                "You return θ minus the adapted weights. That is Reptile, which never looks at "
                "the query.",
            ),
            Mistake(
                "gradient at the start",
                _at_the_start,
                "The Jacobian is there, but the query gradient is taken at θ. Take it at the "
                "adapted weights.",
            ),
            Mistake(
                "one adaptation for all",
                _one_adaptation_for_all,
                "You average the adapted weights over tasks before you judge them. Each task is "
                "judged with its own.",
            ),
            Mistake(
                "Hessian of the query",
                _query_hessian,
                "The factor of your gradient holds the query inputs. The inner step used "
                "the support: its Hessian belongs there.",
            ),
            Mistake(
                "plus the Hessian",
                _plus_hessian,
                "You add the Hessian to the identity. The inner step goes downhill: subtract it.",
            ),
            Mistake(
                "half the Hessian",
                _half_hessian,
                "The inner step is right, but the 2 in the Hessian of the support loss is missing.",
            ),
            Mistake(
                "weighs tasks by their query",
                _weighted_by_query,
                "Tasks with a larger query count more in your answer, as if all query "
                "points stood in one list. Each task counts the same.",
            ),
            Mistake(
                "moved weights",
                _moved,
                "You return weights that have moved. Return the gradient.",
            ),
            Mistake(
                "one task after the other",
                _sequential,
                "Each task begins where the last one ended. All of them begin at the same θ.",
            ),
            Mistake(
                "one task alone",
                _last_task_alone,
                "Only the last task counts in your answer. Take the mean over all.",
            ),
        ),
    ),
    Exercise(
        name="maml.reptile_step",
        reference=reptile_step,
        cases=_reptile_cases(),
        mistakes=(
            Mistake(
                "away",
                _away,
                "θ moves away from the adapted parameters: the sign is turned round. Reptile "
                "moves towards them.",
            ),
            Mistake(
                "sum of moves",
                _sum_of_moves,
                "You add up the moves of the tasks. Take their mean.",
            ),
            Mistake(
                "all the way",
                _all_the_way,
                "You jump to the mean of the adapted parameters. The step size says which share "
                "of the way to go.",
            ),
            Mistake(
                "one after the other",
                _one_after_the_other,
                "You move after each task, so that the last one counts most. Here all tasks start "
                "from the same θ and move it once.",
            ),
            Mistake(
                "adds places",
                _adds_places,
                "You add the adapted parameters, which are places. Add the difference from θ.",
            ),
            Mistake(
                "last task",
                _last_task,
                "Only the last task counts in your answer. Take the mean over all.",
            ),
            Mistake(
                "the move alone",
                _the_move_alone,
                "You return the move. Add it to θ.",
            ),
            Mistake(
                "one number",
                _one_number,
                "You average over tasks and parameters at once, so that all parameters move "
                "alike. Average over the tasks only: which axis of `adapted` is that?",
            ),
            Mistake(
                "direction alone",
                _direction,
                "You return the direction alone. Multiply it with the step size, and "
                "subtract it from θ.",
            ),
            Mistake(
                "shares exchanged",
                _shares_exchanged,
                "A small step should stay near θ. Yours stays near the adapted parameters: "
                "the two shares are exchanged.",
            ),
            Mistake(
                "first task",
                _first_task,
                "Only the first task counts in your answer. Take the mean over all.",
            ),
            Mistake(
                "no step size",
                _no_step_size,
                "You add the moves of all tasks, whole. Take their mean, and a share of it.",
            ),
        ),
    ),
)
