"""Exercise maml.outer_gradient. The wrong answers are wrong on purpose.

Tasks are linear regressions, whose gradients can be written down: the loss of parameters θ on
inputs x (n, d) with targets y (n,) is the mean of (x θ - y)².
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cozad_teach.teaching.bank.maml_inner_loop import gradient, inner_loop, regression
from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISE"]


Task = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


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
    at_adapted = gradient(_adapted(theta, task, learning_rate), task[2], task[3])
    return np.asarray(_jacobian(theta, task, learning_rate).T @ at_adapted)


def _first_order(theta: np.ndarray, tasks: list[Task], learning_rate: float) -> np.ndarray:
    return _mean(
        theta,
        tasks,
        learning_rate,
        lambda start, task, rate: gradient(_adapted(start, task, rate), task[2], task[3]),
    )


def _no_adaptation(theta: np.ndarray, tasks: list[Task], learning_rate: float) -> np.ndarray:
    return _mean(theta, tasks, learning_rate, lambda start, task, _: gradient(start, *task[2:]))


def _judged_on_support(theta: np.ndarray, tasks: list[Task], learning_rate: float) -> np.ndarray:
    return outer_gradient(theta, [(x, y, x, y) for x, y, _, _ in tasks], learning_rate)


def _adapted_on_query(theta: np.ndarray, tasks: list[Task], learning_rate: float) -> np.ndarray:
    return outer_gradient(theta, [(b, v, x, y) for x, y, b, v in tasks], learning_rate)


def _sum_over_tasks(theta: np.ndarray, tasks: list[Task], learning_rate: float) -> np.ndarray:
    return len(tasks) * outer_gradient(theta, tasks, learning_rate)


def _reptile(theta: np.ndarray, tasks: list[Task], learning_rate: float) -> np.ndarray:
    return _mean(
        theta, tasks, learning_rate, lambda start, task, rate: start - _adapted(start, task, rate)
    )


def _at_the_start(theta: np.ndarray, tasks: list[Task], learning_rate: float) -> np.ndarray:
    return _mean(
        theta,
        tasks,
        learning_rate,
        lambda start, task, rate: _jacobian(start, task, rate).T @ gradient(start, *task[2:]),
    )


def _one_adaptation_for_all(
    theta: np.ndarray, tasks: list[Task], learning_rate: float
) -> np.ndarray:
    common = np.mean([_adapted(theta, task, learning_rate) for task in tasks], axis=0)
    return np.mean(
        [
            _jacobian(theta, task, learning_rate).T @ gradient(common, task[2], task[3])
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
            factor(task).T @ gradient(_adapted(theta, task, learning_rate), task[2], task[3])
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
    return outer_gradient(theta, tasks[-1:], learning_rate)


def _outer_cases() -> tuple[Case, ...]:
    random = np.random.default_rng(21)
    cases = []
    for n_tasks, d, n_support, n_query, rate, hidden in (
        (3, 2, 4, 5, 0.1, False),
        (2, 4, 5, 3, 0.2, False),
        (1, 2, 5, 3, 0.2, False),
        (4, 3, 2, 6, 0.3, True),
        (2, 5, 6, 3, 0.05, True),
    ):
        tasks = [
            # The query of each task is one larger than that of the task before.
            (*regression(random, n_support, d), *regression(random, n_query + k, d))
            for k in range(n_tasks)
        ]
        label = f"{n_tasks} {'task' if n_tasks == 1 else 'tasks'} of {d} inputs"
        cases.append(Case(label, (random.normal(size=d), tasks, rate), hidden))
    return tuple(cases)


EXERCISE = Exercise(
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
            "The 2 in the Hessian of the support loss is missing.",
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
        Mistake(
            "no inner learning rate",
            lambda theta, tasks, rate: outer_gradient(theta, tasks, 1.0),
            "The learning rate of the inner step has no influence on your answer.",
        ),
        Mistake(
            "inner sum",
            lambda theta, tasks, rate: np.mean(
                [outer_gradient(theta, [task], rate * len(task[1])) for task in tasks], axis=0
            ),
            "Your inner loss is the sum of squared errors. It is their mean: divide by the "
            "number of support points.",
        ),
        Mistake(
            "query sum",
            lambda theta, tasks, rate: np.mean(
                [len(task[3]) * outer_gradient(theta, [task], rate) for task in tasks], axis=0
            ),
            "Your query loss is the sum of squared errors. It is their mean.",
        ),
        Mistake(
            "both sums",
            lambda theta, tasks, rate: np.mean(
                [
                    len(task[3]) * outer_gradient(theta, [task], rate * len(task[1]))
                    for task in tasks
                ],
                axis=0,
            ),
            "Your losses are sums of squared errors, in the support and in the query. They are "
            "means.",
        ),
        Mistake(
            "half the losses",
            lambda theta, tasks, rate: outer_gradient(theta, tasks, rate / 2) / 2,
            "Your losses are half the mean squared errors, or a 2 is missing in both gradients. "
            "The loss is the mean squared error itself.",
        ),
        Mistake(
            "half the query loss",
            lambda theta, tasks, rate: outer_gradient(theta, tasks, rate) / 2,
            "A factor of 2 is missing: the gradient of the query loss is that of a square.",
        ),
        Mistake(
            "half the inner gradient",
            lambda theta, tasks, rate: outer_gradient(theta, tasks, rate / 2),
            "Your inner step is half as long as it should be. What is the derivative of a square?",
        ),
        Mistake(
            "detached adapted weights",
            lambda theta, tasks, rate: np.zeros_like(theta),
            "Your gradient is 0: the adapted weights were cut off from θ (`detach`, `.data`, or "
            "a new tensor).",
        ),
        Mistake(
            "Hessian without the number of points",
            lambda theta, tasks, rate: _with_factor(
                theta,
                tasks,
                rate,
                lambda task: np.eye(len(theta)) - rate * 2 * task[0].T @ task[0],
            ),
            "In the Hessian of the support loss the division by the number of points is missing.",
        ),
        Mistake(
            "Hessian without the learning rate",
            lambda theta, tasks, rate: _with_factor(
                theta, tasks, rate, lambda task: _jacobian(theta, task, 1.0)
            ),
            "You subtract the Hessian itself from the identity. It is multiplied by the learning "
            "rate.",
        ),
        Mistake(
            "uphill",
            lambda theta, tasks, rate: outer_gradient(theta, tasks, -rate),
            "Your inner step goes uphill: it adds the gradient.",
        ),
        Mistake(
            "minus",
            lambda theta, tasks, rate: -outer_gradient(theta, tasks, rate),
            "The sign of your gradient is turned round.",
        ),
        Mistake(
            "one for each task",
            lambda theta, tasks, rate: np.array(
                [_second_order(theta, task, rate) for task in tasks]
            ),
            "You return one gradient for each task. Take their mean.",
        ),
        Mistake(
            "first task alone",
            lambda theta, tasks, rate: outer_gradient(theta, tasks[:1], rate),
            "Only the first task counts in your answer: does a `return` stand inside the loop?",
        ),
        Mistake(
            "the loss",
            lambda theta, tasks, rate: np.array(
                np.mean([np.mean((t[2] @ _adapted(theta, t, rate) - t[3]) ** 2) for t in tasks])
            ),
            "You return the loss. Return its gradient with respect to θ.",
        ),
    ),
)
