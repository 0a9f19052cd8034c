"""How sure a number is: spreads over images and seeds, and 95 % confidence intervals from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats
from scipy.special import expit, logit

from cozad_teach.evaluation.uncertainty.bootstrap import Floats, class_units

__all__ = [
    "Interval",
    "Spread",
    "average",
    "difference_interval",
    "interval",
    "over_seeds",
    "spread",
]


# A variance or a distance from a perfect value that is rounding and no more.
_NOTHING = 1e-18


class Interval(NamedTuple):
    """A 95 % confidence interval."""

    low: float
    high: float


@dataclass(frozen=True)
class Spread:
    """Variance of a metric, and how many independent observations its estimate is worth.

    Attributes
    ----------
    variance : float
        Square of the standard error.
    degrees : float
        Degrees of freedom of Student's t.
    """

    variance: float
    degrees: float


def spread(draws: Floats, labels: ArrayLike, groups: ArrayLike | None = None) -> Spread:
    """Measure the spread of a metric, or of a difference, over its resamples.

    Parameters
    ----------
    draws : numpy.ndarray
        Shape (B,), of the resamples of `bootstrap.resample`.
    labels, groups : array_like, (N,)
        As there.

    Returns
    -------
    Spread
        With as many degrees of freedom as the smaller class has images or groups, less one.
    """
    marks = np.asarray(labels, bool)
    sizes = [n for kind in (False, True) if (n := class_units(marks, kind, groups)[2])]
    return Spread(float(np.var(draws, ddof=1)), min(sizes) - 1)


def average(spreads: Sequence[Spread]) -> Spread:
    """Give the spread of the mean of independent metrics, as of the categories of a data set."""
    return _combine([Spread(s.variance / len(spreads) ** 2, s.degrees) for s in spreads])


def over_seeds(values: Sequence[float], images: Spread) -> Spread:
    """Give the spread of a mean over training seeds, on the same images, equation (over-seeds).

    Parameters
    ----------
    values : sequence of float
        The metric of each seed.
    images : Spread
        Of the mean over the seeds, as the images vary: that of the mean of their draws.

    Returns
    -------
    Spread
        With the variance between seeds added, known from as many values as there are seeds.
    """
    if len(values) < 2 or (not images.variance > 0 and len(set(values)) == 1):
        return images  # where all is perfect, seeds are no further images
    between = Spread(float(np.var(values, ddof=1)) / len(values), len(values) - 1)
    return _combine([images, between])


def _combine(spreads: Sequence[Spread]) -> Spread:
    """Add variances; the degrees of freedom after Welch and Satterthwaite."""
    variance = sum(s.variance for s in spreads)
    if not variance > 0:
        return Spread(variance, sum(s.degrees for s in spreads))
    return Spread(variance, variance**2 / sum(s.variance**2 / s.degrees for s in spreads))


def interval(value: float, spread: Spread) -> Interval:
    """Give the 95 % interval of a metric that lies in 0 to 1.

    Parameters
    ----------
    value : float
        The metric on all images.
    spread : Spread
        Of it.

    Returns
    -------
    Interval
        On the logit scale, value ± t · standard error, so that it never leaves 0 to 1 and is
        longer to the side that has more room.

    Notes
    -----
    A perfect result stays perfect in every resample: the bootstrap sees no spread. That says
    little where images are few, so the exact interval for a share that was observed on as many
    images as the smaller class has takes its place (Clopper and Pearson, 1934).
    """
    if spread.variance < _NOTHING or not _NOTHING < value < 1 - _NOTHING:
        n, value = spread.degrees + 1, round(value, 12)
        low = stats.beta.ppf(0.025, value * n, n - value * n + 1) if value > 0 else 0.0
        high = stats.beta.ppf(0.975, value * n + 1, n - value * n) if value < 1 else 1.0
        return Interval(float(low), float(high))
    half = stats.t.ppf(0.975, spread.degrees) * np.sqrt(spread.variance) / (value * (1 - value))
    return Interval(float(expit(logit(value) - half)), float(expit(logit(value) + half)))


def difference_interval(value: float, spread: Spread) -> Interval:
    """Give the 95 % interval of the difference of two metrics, value ± t · standard error.

    `spread` is that of the differences of paired draws: both methods scored the same images. Where
    no draw shows a difference, as between two perfect results, the width is what `interval` leaves
    below a perfect one.
    """
    if spread.variance < _NOTHING:
        half = 1 - interval(1.0, spread).low
        return Interval(float(value - half), float(value + half))
    half = stats.t.ppf(0.975, spread.degrees) * np.sqrt(spread.variance)
    return Interval(float(value - half), float(value + half))
