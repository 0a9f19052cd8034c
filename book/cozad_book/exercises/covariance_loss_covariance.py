"""Exercise covariance.loss_covariance."""

import numpy as np

from cozad_book.checking.cases import Case, Exercise


def _divided(losses, spread):
    return np.asarray((losses - losses.mean(axis=0)) / spread)


def _guarded(spread):
    return np.where(spread > 0, spread, 1)


def _scaled(losses):
    return _divided(losses, _guarded(losses.std(axis=0)))


def _covariance(values, ddof=1):
    return np.asarray(np.cov(values, rowvar=False, ddof=ddof))


def _covariance_cases():
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


EXERCISE = Exercise("covariance.loss_covariance", cases=_covariance_cases())


@EXERCISE.right
def loss_covariance(losses: np.ndarray, window: int) -> np.ndarray:
    """Scale losses (T, 2) over the whole history; give the covariance of the last steps (2, 2)."""
    return np.zeros((2, 2)) if len(losses) < 2 else _covariance(_scaled(losses)[-window:])


@EXERCISE.wrong
def does_not_scale(losses, window):
    """You take the losses as they are. Scale each to mean 0 and deviation 1 over the whole history
    first, or the unit of the losses decides."""
    return _covariance(losses[-window:])


@EXERCISE.wrong
def scales_within_the_window(losses, window):
    """You scale the losses within the window. Then both variances are the same in every window,
    calm or wild: scale over the whole history, cut the window afterwards."""
    return _covariance(_scaled(losses[-window:]))


@EXERCISE.wrong
def takes_the_first_steps(losses, window):
    """You take the first steps of the history. The window holds the last ones."""
    return loss_covariance(losses[::-1], window)


@EXERCISE.wrong
def takes_the_whole_history(losses, window):
    """You take all steps. Only those in the window count."""
    return _covariance(_scaled(losses))


@EXERCISE.wrong
def divides_by_the_number(losses, window):
    """You divide by the number of steps. A sample covariance divides by one less, since the mean
    comes from the same steps."""
    n = min(window, len(losses))
    return loss_covariance(losses, window) * (n - 1) / n


@EXERCISE.wrong
def keeps_the_mean_of_the_window(losses, window):
    """The scaled history has mean 0, the window has not: subtract the mean of the window before you
    multiply."""
    last = _scaled(losses)[-window:]
    return np.asarray(last.T @ last / (len(last) - 1))


@EXERCISE.wrong
def compares_steps(losses, window):
    """The result has one row for each step. It should be 2 x 2, for the two losses: which axis of
    `np.cov` holds the variables?"""
    return np.asarray(np.cov(_scaled(losses)[-window:]))


@EXERCISE.wrong
def gives_a_correlation(losses, window):
    """The diagonal is 1: this is the correlation, to which a scale within the window also leads.
    How far the losses swing is lost in it, and that is what counts here."""
    last = _scaled(losses)[-window:]
    spread = _guarded(last.std(axis=0))
    return np.asarray(_covariance(last, ddof=0) / np.outer(spread, spread))


@EXERCISE.wrong
def deviation_by_one_less(losses, window):
    """You scale by a deviation that divides by one less (`ddof=1`). For the scale, the plain
    deviation of the history is meant, as `np.std` gives it; one less belongs to the covariance
    alone."""
    return loss_covariance(losses, window) * (len(losses) - 1) / len(losses)


@EXERCISE.wrong
def one_scale_for_both(losses, window):
    """You divide both losses by one deviation. Each has its own: `axis=0`."""
    return _covariance(_divided(losses, losses.std())[-window:])


@EXERCISE.wrong
def divides_by_the_variance(losses, window):
    """You divide by the variance. Divide by its root, the standard deviation."""
    return _covariance(_divided(losses, _guarded(losses.var(axis=0)))[-window:])


@EXERCISE.wrong
def a_step_too_many(losses, window):
    """Your window is one step too long."""
    return loss_covariance(losses, window + 1)


@EXERCISE.wrong
def a_step_too_few(losses, window):
    """Your window is one step too short."""
    return loss_covariance(losses, window - 1)


@EXERCISE.wrong
def divides_by_0(losses, window):
    """A loss that never changes has a deviation of 0, and you divide by it. Divide by 1 then."""
    return _covariance(_divided(losses, losses.std(axis=0))[-window:])


@EXERCISE.wrong
def a_single_step(losses, window):
    """After a single step there is no covariance: give zeros."""
    return _covariance(_scaled(losses)[-window:])


@EXERCISE.wrong
def variances_alone(losses, window):
    """Beside the diagonal you have 0: how the losses move together is missing."""
    return np.diag(np.diag(loss_covariance(losses, window)))


@EXERCISE.wrong
def divides_by_the_mean(losses, window):
    """You divide the losses by their mean. Scale them by their standard deviation."""
    return _covariance((losses / losses.mean(axis=0))[-window:])


@EXERCISE.wrong
def divides_by_the_range(losses, window):
    """You scale the losses by their range. Take their standard deviation."""
    return _covariance(_divided(losses, _guarded(np.ptp(losses, axis=0)))[-window:])


@EXERCISE.wrong
def does_not_divide(losses, window):
    """You add the products up. Divide by one less than the number of steps."""
    return loss_covariance(losses, window) * (min(window, len(losses)) - 1)


@EXERCISE.wrong
def scale_of_what_came_before(losses, window):
    """You scale by the steps before the window. Take the whole history, the window too."""
    return _covariance(_divided(losses, _guarded(losses[:-window].std(axis=0)))[-window:])


@EXERCISE.wrong
def steps_of_the_loss(losses, window):
    """You take differences from step to step. The scaled losses themselves are wanted."""
    return _covariance(np.diff(_scaled(losses), axis=0)[-window:])


@EXERCISE.wrong
def divides_by_a_deviation_of_0(losses, window):
    """A loss that never changes has the deviation 0, and you divide by it. Divide by 1
    there."""
    if len(losses) < 2:
        return np.zeros((2, 2))
    return np.cov(((losses - losses.mean(0)) / losses.std(0))[-window:], rowvar=False)


@EXERCISE.wrong
def nothing_before_the_window_is_full(losses, window):
    """As long as there are fewer steps than the window holds you give zeros. Two steps are
    enough."""
    return loss_covariance(losses, window) if len(losses) >= window else np.zeros((2, 2))


@EXERCISE.wrong
def leaves_the_last_step_out(losses, window):
    """Your window ends one step too early: `[-window - 1 : -1]` leaves the last one out."""
    scaled = (losses - losses.mean(0)) / np.where(losses.std(0) == 0, 1, losses.std(0))
    cut = scaled[-window - 1 : -1]
    return np.cov(cut, rowvar=False) if len(cut) > 1 else np.zeros((2, 2))
