"""Exercise covariance.loss_covariance. The wrong answers are wrong on purpose."""

from __future__ import annotations

import numpy as np

from cozad_teach.teaching.exercises import Case, Exercise, Mistake

__all__ = ["EXERCISE"]


def _divided(losses: np.ndarray, spread: np.ndarray) -> np.ndarray:
    return np.asarray((losses - losses.mean(axis=0)) / spread)


def _guarded(spread: np.ndarray) -> np.ndarray:
    return np.where(spread > 0, spread, 1)


def _scaled(losses: np.ndarray) -> np.ndarray:
    return _divided(losses, _guarded(losses.std(axis=0)))


def _covariance(values: np.ndarray, ddof: int = 1) -> np.ndarray:
    return np.asarray(np.cov(values, rowvar=False, ddof=ddof))


def loss_covariance(losses: np.ndarray, window: int) -> np.ndarray:
    """Scale losses (T, 2) over the whole history; give the covariance of the last steps (2, 2)."""
    return np.zeros((2, 2)) if len(losses) < 2 else _covariance(_scaled(losses)[-window:])


def _unscaled(losses: np.ndarray, window: int) -> np.ndarray:
    return _covariance(losses[-window:])


def _scaled_in_window(losses: np.ndarray, window: int) -> np.ndarray:
    return _covariance(_scaled(losses[-window:]))


def _first_steps(losses: np.ndarray, window: int) -> np.ndarray:
    return loss_covariance(losses[::-1], window)


def _whole_history(losses: np.ndarray, window: int) -> np.ndarray:
    return _covariance(_scaled(losses))


def _by_number(losses: np.ndarray, window: int) -> np.ndarray:
    n = min(window, len(losses))
    return loss_covariance(losses, window) * (n - 1) / n


def _around_zero(losses: np.ndarray, window: int) -> np.ndarray:
    last = _scaled(losses)[-window:]
    return np.asarray(last.T @ last / (len(last) - 1))


def _of_steps(losses: np.ndarray, window: int) -> np.ndarray:
    return np.asarray(np.cov(_scaled(losses)[-window:]))


def _correlation(losses: np.ndarray, window: int) -> np.ndarray:
    last = _scaled(losses)[-window:]
    spread = _guarded(last.std(axis=0))
    return np.asarray(_covariance(last, ddof=0) / np.outer(spread, spread))


def _one_less_in_scale(losses: np.ndarray, window: int) -> np.ndarray:
    return loss_covariance(losses, window) * (len(losses) - 1) / len(losses)


def _one_scale(losses: np.ndarray, window: int) -> np.ndarray:
    return _covariance(_divided(losses, losses.std())[-window:])


def _by_variance(losses: np.ndarray, window: int) -> np.ndarray:
    return _covariance(_divided(losses, _guarded(losses.var(axis=0)))[-window:])


def _step_more(losses: np.ndarray, window: int) -> np.ndarray:
    return loss_covariance(losses, window + 1)


def _step_less(losses: np.ndarray, window: int) -> np.ndarray:
    return loss_covariance(losses, window - 1)


def _unguarded(losses: np.ndarray, window: int) -> np.ndarray:
    return _covariance(_divided(losses, losses.std(axis=0))[-window:])


def _no_first_step(losses: np.ndarray, window: int) -> np.ndarray:
    return _covariance(_scaled(losses)[-window:])


def _covariance_cases() -> tuple[Case, ...]:
    random = np.random.default_rng(10)
    cases = []
    for steps, window, hidden in ((7, 4, False), (5, 3, False), (9, 5, True), (3, 6, True)):
        falling = np.linspace(3, 1, steps)[:, None] * [1.0, 2.5]
        losses = falling + random.normal(0, 0.4, (steps, 2))
        cases.append(Case(f"{steps} steps and a window of {window}", (losses, window), hidden))
    rests = cases[0].arguments[0].copy()
    rests[:, 1] = 0.5  # a number that floats hold exactly: its deviation is 0, not almost 0
    cases.append(Case("a validation loss that never changes", (rests, 4), True))
    apart = cases[0].arguments[0] * [1.0, -1.0]
    cases.insert(2, Case("losses of which one grows while the other falls", (apart, 4)))
    large = np.array([[250.0, 0.03], [180.0, 0.05], [190.0, 0.02], [120.0, 0.08], [90.0, 0.01]])
    cases.append(Case("losses of different units", (large, 2), True))
    cases.append(Case("a single step", (losses[:1], 3), True))
    return tuple(cases)


EXERCISE = Exercise(
    name="covariance.loss_covariance",
    reference=loss_covariance,
    cases=_covariance_cases(),
    mistakes=(
        Mistake(
            "does not scale",
            _unscaled,
            "You take the losses as they are. Scale each to mean 0 and deviation 1 over the "
            "whole history first, or the unit of the losses decides.",
        ),
        Mistake(
            "scales within the window",
            _scaled_in_window,
            "You scale the losses within the window. Then both variances are the same in every "
            "window, calm or wild: scale over the whole history, cut the window afterwards.",
        ),
        Mistake(
            "takes the first steps",
            _first_steps,
            "You take the first steps of the history. The window holds the last ones.",
        ),
        Mistake(
            "takes the whole history",
            _whole_history,
            "You take all steps. Only those in the window count.",
        ),
        Mistake(
            "divides by the number",
            _by_number,
            "You divide by the number of steps. A sample covariance divides by one less, since "
            "the mean comes from the same steps.",
        ),
        Mistake(
            "keeps the mean of the window",
            _around_zero,
            "The scaled history has mean 0, the window has not: subtract the mean of the "
            "window before you multiply.",
        ),
        Mistake(
            "compares steps",
            _of_steps,
            "The result has one row for each step. It should be 2 x 2, for the two losses: "
            "which axis of `np.cov` holds the variables?",
        ),
        Mistake(
            "gives a correlation",
            _correlation,
            "The diagonal is 1: this is the correlation, to which a scale within the window also "
            "leads. How far the losses swing is lost in it, and that is what counts here.",
        ),
        Mistake(
            "deviation by one less",
            _one_less_in_scale,
            "You scale by a deviation that divides by one less (`ddof=1`). For the "
            "scale, the plain deviation of the history is meant, as `np.std` gives it; "
            "one less belongs to the covariance alone.",
        ),
        Mistake(
            "one scale for both",
            _one_scale,
            "You divide both losses by one deviation. Each has its own: `axis=0`.",
        ),
        Mistake(
            "divides by the variance",
            _by_variance,
            "You divide by the variance. Divide by its root, the standard deviation.",
        ),
        Mistake(
            "a step too many",
            _step_more,
            "Your window is one step too long.",
        ),
        Mistake(
            "a step too few",
            _step_less,
            "Your window is one step too short.",
        ),
        Mistake(
            "divides by 0",
            _unguarded,
            "A loss that never changes has a deviation of 0, and you divide by it. "
            "Divide by 1 then.",
        ),
        Mistake(
            "a single step",
            _no_first_step,
            "After a single step there is no covariance: give zeros.",
        ),
        Mistake(
            "variances alone",
            lambda losses, window: np.diag(np.diag(loss_covariance(losses, window))),
            "Beside the diagonal you have 0: how the losses move together is missing.",
        ),
        Mistake(
            "divides by the mean",
            lambda losses, window: _covariance((losses / losses.mean(axis=0))[-window:]),
            "You divide the losses by their mean. Scale them by their standard deviation.",
        ),
        Mistake(
            "divides by the range",
            lambda losses, window: _covariance(
                _divided(losses, _guarded(np.ptp(losses, axis=0)))[-window:]
            ),
            "You scale the losses by their range. Take their standard deviation.",
        ),
        Mistake(
            "does not divide",
            lambda losses, window: loss_covariance(losses, window) * (min(window, len(losses)) - 1),
            "You add the products up. Divide by one less than the number of steps.",
        ),
        Mistake(
            "scale of what came before",
            lambda losses, window: _covariance(
                _divided(losses, _guarded(losses[:-window].std(axis=0)))[-window:]
            ),
            "You scale by the steps before the window. Take the whole history, the window too.",
        ),
        Mistake(
            "steps of the loss",
            lambda losses, window: _covariance(np.diff(_scaled(losses), axis=0)[-window:]),
            "You take differences from step to step. The scaled losses themselves are wanted.",
        ),
    ),
)
