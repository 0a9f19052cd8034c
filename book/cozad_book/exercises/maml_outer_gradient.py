"""Exercise maml.outer_gradient.

Tasks are linear regressions, whose gradients can be written down: the loss of parameters θ on
inputs x (n, d) with targets y (n,) is the mean of (x θ - y)².
"""

import numpy as np

from cozad_book.checking.cases import Case, Exercise
from cozad_book.exercises.maml_inner_loop import gradient, inner_loop, regression

Task = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def _mean(theta, tasks, learning_rate, of_one):
    return np.mean([of_one(theta, task, learning_rate) for task in tasks], axis=0)


def _adapted(theta, task, learning_rate):
    return inner_loop(theta, task[0], task[1], 1, learning_rate)


def _jacobian(theta, task, learning_rate):
    """Give ∂θ'/∂θ = I - α H, with the Hessian H = 2 xᵀx / n of the support loss."""
    return np.asarray(np.eye(len(theta)) - learning_rate * 2 * task[0].T @ task[0] / len(task[1]))


def _second_order(theta, task, learning_rate):
    at_adapted = gradient(_adapted(theta, task, learning_rate), task[2], task[3])
    return np.asarray(_jacobian(theta, task, learning_rate).T @ at_adapted)


def _with_factor(theta, tasks, learning_rate, factor):
    """Give the outer gradient with another factor in place of the Jacobian of the inner step."""
    return np.mean(
        [
            factor(task).T @ gradient(_adapted(theta, task, learning_rate), task[2], task[3])
            for task in tasks
        ],
        axis=0,
    )


def _outer_cases():
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


EXERCISE = Exercise("maml.outer_gradient", cases=_outer_cases())


@EXERCISE.right
def outer_gradient(theta: np.ndarray, tasks: list[Task], learning_rate: float) -> np.ndarray:
    """Give the gradient, with respect to θ, of the mean query loss after one inner step."""
    return _mean(theta, tasks, learning_rate, _second_order)


@EXERCISE.wrong
def inner_gradients_are_detached(theta, tasks, learning_rate):
    """This is first order: the inner gradient is detached, as if it did not depend on θ.
    Differentiate through the inner step (`create_graph=True` in torch), or multiply with its
    Jacobian."""
    return _mean(
        theta,
        tasks,
        learning_rate,
        lambda start, task, rate: gradient(_adapted(start, task, rate), task[2], task[3]),
    )


@EXERCISE.wrong
def no_adaptation(theta, tasks, learning_rate):
    """You take the gradient of the query loss at θ itself. Adapt to each task first."""
    return _mean(theta, tasks, learning_rate, lambda start, task, _: gradient(start, *task[2:]))


@EXERCISE.wrong
def judges_on_the_support(theta, tasks, learning_rate):
    """You judge the adapted weights on the support, which they were fitted to. The query
    decides."""
    return outer_gradient(theta, [(x, y, x, y) for x, y, _, _ in tasks], learning_rate)


@EXERCISE.wrong
def adapts_on_the_query(theta, tasks, learning_rate):
    """You adapt on the query and judge on the support. It is the other way round."""
    return outer_gradient(theta, [(b, v, x, y) for x, y, b, v in tasks], learning_rate)


@EXERCISE.wrong
def sum_over_tasks(theta, tasks, learning_rate):
    """You add the gradients of the tasks. Their mean is wanted, or more tasks mean longer steps."""
    return len(tasks) * outer_gradient(theta, tasks, learning_rate)


@EXERCISE.wrong
def Reptile(theta, tasks, learning_rate):
    """You return θ minus the adapted weights. That is Reptile, which never looks at the query."""
    return _mean(
        theta, tasks, learning_rate, lambda start, task, rate: start - _adapted(start, task, rate)
    )


@EXERCISE.wrong
def gradient_at_the_start(theta, tasks, learning_rate):
    """The Jacobian is there, but the query gradient is taken at θ. Take it at the adapted
    weights."""
    return _mean(
        theta,
        tasks,
        learning_rate,
        lambda start, task, rate: _jacobian(start, task, rate).T @ gradient(start, *task[2:]),
    )


@EXERCISE.wrong
def one_adaptation_for_all(theta, tasks, learning_rate):
    """You average the adapted weights over tasks before you judge them. Each task is judged with
    its own."""
    common = np.mean([_adapted(theta, task, learning_rate) for task in tasks], axis=0)
    return np.mean(
        [
            _jacobian(theta, task, learning_rate).T @ gradient(common, task[2], task[3])
            for task in tasks
        ],
        axis=0,
    )


@EXERCISE.wrong
def Hessian_of_the_query(theta, tasks, learning_rate):
    """The factor of your gradient holds the query inputs. The inner step used the support: its
    Hessian belongs there."""
    return _with_factor(
        theta,
        tasks,
        learning_rate,
        lambda task: _jacobian(theta, (task[2], task[3], *task[2:]), learning_rate),
    )


@EXERCISE.wrong
def plus_the_Hessian(theta, tasks, learning_rate):
    """You add the Hessian to the identity. The inner step goes downhill: subtract it."""
    return _with_factor(
        theta, tasks, learning_rate, lambda task: _jacobian(theta, task, -learning_rate)
    )


@EXERCISE.wrong
def half_the_Hessian(theta, tasks, learning_rate):
    """The 2 in the Hessian of the support loss is missing."""
    return _with_factor(
        theta, tasks, learning_rate, lambda task: _jacobian(theta, task, learning_rate / 2)
    )


@EXERCISE.wrong
def weighs_tasks_by_their_query(theta, tasks, learning_rate):
    """Tasks with a larger query count more in your answer, as if all query points stood in one
    list. Each task counts the same."""
    sizes = np.array([len(task[3]) for task in tasks])
    each = [_second_order(theta, task, learning_rate) for task in tasks]
    return np.average(each, axis=0, weights=sizes)


@EXERCISE.wrong
def moved_weights(theta, tasks, learning_rate):
    """You return weights that have moved. Return the gradient."""
    return theta - learning_rate * outer_gradient(theta, tasks, learning_rate)


@EXERCISE.wrong
def one_task_after_the_other(theta, tasks, learning_rate):
    """Each task begins where the last one ended. All of them begin at the same θ."""
    start, gradients = theta, []
    for task in tasks:
        gradients.append(_second_order(start, task, learning_rate))
        start = _adapted(start, task, learning_rate)
    return np.mean(gradients, axis=0)


@EXERCISE.wrong
def one_task_alone(theta, tasks, learning_rate):
    """Only the last task counts in your answer. Take the mean over all."""
    return outer_gradient(theta, tasks[-1:], learning_rate)


@EXERCISE.wrong
def no_inner_learning_rate(theta, tasks, rate):
    """The learning rate of the inner step has no influence on your answer."""
    return outer_gradient(theta, tasks, 1.0)


@EXERCISE.wrong
def inner_sum(theta, tasks, rate):
    """Your inner loss is the sum of squared errors. It is their mean: divide by the number of
    support points."""
    return np.mean([outer_gradient(theta, [task], rate * len(task[1])) for task in tasks], axis=0)


@EXERCISE.wrong
def query_sum(theta, tasks, rate):
    """Your query loss is the sum of squared errors. It is their mean."""
    return np.mean([len(task[3]) * outer_gradient(theta, [task], rate) for task in tasks], axis=0)


@EXERCISE.wrong
def both_sums(theta, tasks, rate):
    """Your losses are sums of squared errors, in the support and in the query. They are means."""
    return np.mean(
        [len(task[3]) * outer_gradient(theta, [task], rate * len(task[1])) for task in tasks],
        axis=0,
    )


@EXERCISE.wrong
def half_the_losses(theta, tasks, rate):
    """Your losses are half the mean squared errors, or a 2 is missing in both gradients. The loss
    is the mean squared error itself."""
    return outer_gradient(theta, tasks, rate / 2) / 2


@EXERCISE.wrong
def half_the_query_loss(theta, tasks, rate):
    """A factor of 2 is missing: the gradient of the query loss is that of a square."""
    return outer_gradient(theta, tasks, rate) / 2


@EXERCISE.wrong
def half_the_inner_gradient(theta, tasks, rate):
    """Your inner step is half as long as it should be. What is the derivative of a square?"""
    return outer_gradient(theta, tasks, rate / 2)


@EXERCISE.wrong
def detached_adapted_weights(theta, tasks, rate):
    """Your gradient is 0: the adapted weights were cut off from θ (`detach`, `.data`, or a new
    tensor)."""
    return np.zeros_like(theta)


@EXERCISE.wrong
def Hessian_without_the_number_of_points(theta, tasks, rate):
    """In the Hessian of the support loss the division by the number of points is missing."""
    return _with_factor(
        theta,
        tasks,
        rate,
        lambda task: np.eye(len(theta)) - rate * 2 * task[0].T @ task[0],
    )


@EXERCISE.wrong
def Hessian_without_the_learning_rate(theta, tasks, rate):
    """You subtract the Hessian itself from the identity. It is multiplied by the learning rate."""
    return _with_factor(theta, tasks, rate, lambda task: _jacobian(theta, task, 1.0))


@EXERCISE.wrong
def uphill(theta, tasks, rate):
    """Your inner step goes uphill: it adds the gradient."""
    return outer_gradient(theta, tasks, -rate)


@EXERCISE.wrong
def minus(theta, tasks, rate):
    """The sign of your gradient is turned round."""
    return -outer_gradient(theta, tasks, rate)


@EXERCISE.wrong
def one_for_each_task(theta, tasks, rate):
    """You return one gradient for each task. Take their mean."""
    return np.array([_second_order(theta, task, rate) for task in tasks])


@EXERCISE.wrong
def first_task_alone(theta, tasks, rate):
    """Only the first task counts in your answer: does a `return` stand inside the loop?"""
    return outer_gradient(theta, tasks[:1], rate)


@EXERCISE.wrong
def the_loss(theta, tasks, rate):
    """You return the loss. Return its gradient with respect to θ."""
    return np.array(
        np.mean([np.mean((t[2] @ _adapted(theta, t, rate) - t[3]) ** 2) for t in tasks])
    )


@EXERCISE.wrong
def all_points_in_one_list(theta, tasks, learning_rate):
    """You put the points of all tasks into one. Adapt to each task by itself, from the same
    θ."""
    return outer_gradient(
        theta, [tuple(map(np.concatenate, zip(*tasks, strict=True)))], learning_rate
    )


@EXERCISE.wrong
def one_step_for_all_tasks(theta, tasks, learning_rate):
    """You adapt once, by the mean of the inner gradients, and judge all tasks there. Each task
    has adapted weights of its own."""
    n = len(tasks)
    curvature = sum(2 * x.T @ x / len(x) for x, *_ in tasks) / n
    moved = theta - learning_rate * sum(gradient(theta, x, y) for x, y, *_ in tasks) / n
    slope = sum(gradient(moved, q, r) for _, _, q, r in tasks) / n
    return slope - learning_rate * curvature @ slope
