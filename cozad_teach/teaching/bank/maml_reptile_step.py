"""Exercise maml.reptile_step. The wrong answers are wrong on purpose."""

from __future__ import annotations

import numpy as np

from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISE"]


def reptile_step(theta: np.ndarray, adapted: np.ndarray, step_size: float) -> np.ndarray:
    """Move θ (d,) a share of the way to the mean of the adapted parameters (tasks, d)."""
    return np.asarray(theta + step_size * (adapted - theta).mean(axis=0))


def _away(theta: np.ndarray, adapted: np.ndarray, step_size: float) -> np.ndarray:
    return np.asarray(reptile_step(theta, adapted, -step_size))


def _sum_of_moves(theta: np.ndarray, adapted: np.ndarray, step_size: float) -> np.ndarray:
    return np.asarray(reptile_step(theta, adapted, step_size * len(adapted)))


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
    return np.asarray(reptile_step(theta, adapted, step_size) - theta)


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


def _reptile_cases() -> tuple[Case, ...]:
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


EXERCISE = Exercise(
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
        Mistake(
            "the move turned round",
            lambda theta, adapted, step: theta - reptile_step(theta, adapted, step),
            "You return the step size times θ minus the mean. Subtract that from θ.",
        ),
        Mistake(
            "divides by the parameters",
            lambda theta, adapted, step: reptile_step(
                theta, adapted, step * len(adapted) / len(theta)
            ),
            "You divide by the number of parameters. The mean is over tasks.",
        ),
        Mistake(
            "median of the tasks",
            lambda theta, adapted, step: theta + step * (np.median(adapted, axis=0) - theta),
            "You take the median over tasks. Their mean is wanted.",
        ),
        Mistake(
            "one row for each task",
            lambda theta, adapted, step: theta + step * (adapted - theta),
            "You return one row for each task. Take the mean over tasks.",
        ),
        Mistake(
            "shares that do not sum to 1",
            lambda theta, adapted, step: (1 - step) * theta + adapted.mean(axis=0),
            "You keep a share of θ and add the whole mean. The two shares sum to 1.",
        ),
        Mistake(
            "square of the step size",
            lambda theta, adapted, step: reptile_step(theta, adapted, step**2),
            "The step size is in your answer twice.",
        ),
    ),
)
