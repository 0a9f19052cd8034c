"""Exercise maml.reptile_step."""

import numpy as np

from cozad_book.checking.cases import Case, Exercise


def _reptile_cases():
    random = np.random.default_rng(22)
    return tuple(
        Case(
            f"{n_tasks} {'task' if n_tasks == 1 else 'tasks'} and a step size of {step}",
            (random.normal(size=d), random.normal(size=(n_tasks, d)), step),
            hidden,
        )
        for n_tasks, d, step, hidden in (
            (2, 3, 0.5, False),
            (4, 2, 0.1, False),
            (3, 5, 1.0, True),
            (6, 4, 0.3, True),
            (1, 2, 0.0, True),
        )
    )


EXERCISE = Exercise("maml.reptile_step", cases=_reptile_cases())


@EXERCISE.right
def reptile_step(theta: np.ndarray, adapted: np.ndarray, step_size: float) -> np.ndarray:
    """Move θ (d,) a share of the way to the mean of the adapted parameters (tasks, d)."""
    return np.asarray(theta + step_size * (adapted - theta).mean(axis=0))


@EXERCISE.wrong
def away(theta, adapted, step_size):
    """θ moves away from the adapted parameters: the sign is turned round. Reptile moves towards
    them."""
    return np.asarray(reptile_step(theta, adapted, -step_size))


@EXERCISE.wrong
def sum_of_moves(theta, adapted, step_size):
    """You add up the moves of the tasks. Take their mean."""
    return np.asarray(reptile_step(theta, adapted, step_size * len(adapted)))


@EXERCISE.wrong
def all_the_way(theta, adapted, step_size):
    """You jump to the mean of the adapted parameters. The step size says which share of the way to
    go."""
    return np.asarray(adapted.mean(axis=0))


@EXERCISE.wrong
def one_after_the_other(theta, adapted, step_size):
    """You move after each task, so that the last one counts most. Here all tasks start from the
    same θ and move it once."""
    for place in adapted:
        theta = theta + step_size * (place - theta)
    return theta


@EXERCISE.wrong
def adds_places(theta, adapted, step_size):
    """You add the adapted parameters, which are places. Add the difference from θ."""
    return np.asarray(theta + step_size * adapted.mean(axis=0))


@EXERCISE.wrong
def last_task(theta, adapted, step_size):
    """Only the last task counts in your answer. Take the mean over all."""
    return np.asarray(theta + step_size * (adapted[-1] - theta))


@EXERCISE.wrong
def the_move_alone(theta, adapted, step_size):
    """You return the move. Add it to θ."""
    return np.asarray(reptile_step(theta, adapted, step_size) - theta)


@EXERCISE.wrong
def one_number(theta, adapted, step_size):
    """You average over tasks and parameters at once, so that all parameters move alike. Average
    over the tasks only: which axis of `adapted` is that?"""
    return np.asarray(theta + step_size * (adapted - theta).mean())


@EXERCISE.wrong
def direction_alone(theta, adapted, step_size):
    """You return the direction alone. Multiply it with the step size, and subtract it from θ."""
    return np.asarray((theta - adapted).mean(axis=0))


@EXERCISE.wrong
def shares_exchanged(theta, adapted, step_size):
    """A small step should stay near θ. Yours stays near the adapted parameters: the two shares are
    exchanged."""
    return np.asarray(step_size * theta + (1 - step_size) * adapted.mean(axis=0))


@EXERCISE.wrong
def first_task(theta, adapted, step_size):
    """Only the first task counts in your answer. Take the mean over all."""
    return np.asarray(theta + step_size * (adapted[0] - theta))


@EXERCISE.wrong
def no_step_size(theta, adapted, step_size):
    """You add the moves of all tasks, whole. Take their mean, and a share of it."""
    return np.asarray(theta + (adapted - theta).sum(axis=0))


@EXERCISE.wrong
def the_move_turned_round(theta, adapted, step):
    """You return the step size times θ minus the mean. Subtract that from θ."""
    return theta - reptile_step(theta, adapted, step)


@EXERCISE.wrong
def divides_by_the_parameters(theta, adapted, step):
    """You divide by the number of parameters. The mean is over tasks."""
    return reptile_step(theta, adapted, step * len(adapted) / len(theta))


@EXERCISE.wrong
def median_of_the_tasks(theta, adapted, step):
    """You take the median over tasks. Their mean is wanted."""
    return theta + step * (np.median(adapted, axis=0) - theta)


@EXERCISE.wrong
def one_row_for_each_task(theta, adapted, step):
    """You return one row for each task. Take the mean over tasks."""
    return theta + step * (adapted - theta)


@EXERCISE.wrong
def shares_that_do_not_sum_to_1(theta, adapted, step):
    """You keep a share of θ and add the whole mean. The two shares sum to 1."""
    return (1 - step) * theta + adapted.mean(axis=0)


@EXERCISE.wrong
def square_of_the_step_size(theta, adapted, step):
    """The step size is in your answer twice."""
    return reptile_step(theta, adapted, step**2)


@EXERCISE.wrong
def half_the_way(theta, adapted, step_size):
    """You move half as far. The step size alone says how far."""
    return reptile_step(theta, adapted, step_size / 2)


@EXERCISE.wrong
def sizes_of_moves(theta, adapted, step_size):
    """You take the size of each move. Parameters may also grow: keep the sign."""
    return theta - step_size * abs(theta - adapted).mean(axis=0)
