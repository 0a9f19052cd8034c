"""Thresholds and probabilities, chosen on auxiliary images: never with a target's labels.

A threshold that was tuned on the labelled test set tells what a detector could do, not what it
does. Here it comes from images of known materials, and is then held against the target.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import minimize
from scipy.special import expit

from cozad_teach.evaluation.metrics import checked_images

__all__ = [
    "Calibration",
    "at_threshold",
    "calibrate",
    "expected_calibration_error",
    "level",
    "relative_scores",
    "reliability",
]

N_BINS = 10
# What is taken for the level of good images: hardly a batch has so few of them that the lowest
# tenth of its scores is none of theirs. A quarter of it stays, since a batch that scores high as a
# whole may be full of defects. Chosen on auxiliary categories that were left out of training.
LEVEL_SHARE, LEVEL_WEIGHT = 0.1, 0.75
FEWEST = 10  # images: fewer do not tell their level
_LARGEST = 700.0  # whose hyperbolic sine is still a number


@dataclass(frozen=True)
class Calibration:
    """How image scores become a decision and a probability.

    Attributes
    ----------
    slope, offset : float
        The probability of an anomaly is σ(slope · asinh(score) + offset).
    usual_level : float
        Mean `level` of the auxiliary categories, where it was taken off their scores, else 0.
    """

    slope: float
    offset: float
    usual_level: float = 0.0

    @property
    def threshold(self) -> float:
        """Images that score at or above it are more probably anomalous than not."""
        return float(np.sinh(np.clip(-self.offset / self.slope, -_LARGEST, _LARGEST)))

    def probability(self, scores: ArrayLike) -> NDArray[np.float64]:
        """Give the probability that each image is anomalous, in (0, 1); scores of shape (N,)."""
        return np.asarray(expit(self.slope * np.arcsinh(np.asarray(scores, float)) + self.offset))

    def at(self, scores: ArrayLike) -> Calibration:
        """Move what was calibrated on `relative_scores` to the level of other scores, shape (N,).

        Where they are fewer than ten, or not all finite, they are taken to have the usual level.
        """
        values = np.asarray(scores, float)
        known = len(values) >= FEWEST and np.isfinite(values).all()
        there = level(values) if known else self.usual_level
        return Calibration(self.slope, self.offset - self.slope * there)


def level(scores: ArrayLike) -> float:
    """Say how high the good images of one product score, without their labels.

    Parameters
    ----------
    scores : array_like, (N,)
        Finite image scores of images of one product, N ≥ 1.

    Returns
    -------
    float
        Three quarters of the inverse hyperbolic sine that a tenth of them stays below.
    """
    lowest = np.quantile(np.arcsinh(np.asarray(scores, float)), LEVEL_SHARE)
    return LEVEL_WEIGHT * float(lowest)


def relative_scores(scores: ArrayLike) -> NDArray[np.float64]:
    """Take their `level` off scores; parameters as there.

    Products differ in how high their good images score, by more than defects add.
    """
    return np.asarray(np.sinh(np.arcsinh(np.asarray(scores, float)) - level(scores)))


def calibrate(scores: ArrayLike, labels: ArrayLike) -> Calibration:
    """Fit probabilities on images whose labels may be used.

    Parameters
    ----------
    scores, labels : array_like, (N,)
        As in `metrics.image_auroc`, of other images than the target's.

    Returns
    -------
    Calibration
        The slope is positive: calibration changes no ranking.

    Raises
    ------
    ValueError
        As `metrics.image_auroc`, which needs both kinds of images too.

    References
    ----------
    Platt, "Probabilistic outputs for support vector machines and comparisons to regularized
    likelihood methods", 1999: a logistic fit to targets a little inside 0 and 1, so that it stays
    finite where scores separate the classes. The inverse hyperbolic sine is a logarithm for large
    distances, and defined for the scores of every method, those below 0 too.
    """
    values, anomalous = checked_images(scores, labels)
    n_anomalous, n_normal = int(anomalous.sum()), int((~anomalous).sum())
    for kind, number in (("normal", n_normal), ("anomalous", n_anomalous)):
        if not number:
            raise ValueError(f"there are no {kind} images: calibration needs both kinds")
    x = np.arcsinh(values.astype(float))
    targets = np.where(anomalous, (n_anomalous + 1) / (n_anomalous + 2), 1 / (n_normal + 2))
    centre, width = x.mean(), float(x.std())
    if width < 1e-9:
        width = 1.0  # constant scores: nothing to fit, and no slope is steep enough for nothing

    def loss(parameters: NDArray[np.float64]) -> float:
        logits = np.exp(parameters[0]) * (x - centre) / width + parameters[1]
        return float(np.mean(np.logaddexp(0, logits) - targets * logits))

    log_slope, offset = minimize(loss, np.zeros(2), method="L-BFGS-B", bounds=[(-10, 10)] * 2).x
    slope = float(np.exp(log_slope)) / width
    return Calibration(slope, float(offset) - slope * float(centre))


def at_threshold(scores: ArrayLike, labels: ArrayLike, threshold: float) -> dict[str, float | None]:
    """Give what a user would see: the decisions that a fixed threshold makes.

    Parameters
    ----------
    scores, labels : array_like, (N,)
        As in `metrics.image_auroc`.
    threshold : float
        Chosen beforehand, on other images.

    Returns
    -------
    dict
        ``precision``, ``recall``, ``f1`` and ``false_positive_rate``, each 0 to 1, or None where
        it would divide by 0: nothing was called anomalous, or a class is missing.
    """
    values, anomalous = checked_images(scores, labels)
    called = values >= threshold
    true, false = int((called & anomalous).sum()), int((called & ~anomalous).sum())
    n_anomalous, n_normal = int(anomalous.sum()), int((~anomalous).sum())

    def share(part: int, whole: int) -> float | None:
        return part / whole if whole else None

    return {
        "precision": share(true, true + false),
        "recall": share(true, n_anomalous),
        "f1": share(2 * true, true + false + n_anomalous),
        "false_positive_rate": share(false, n_normal),
    }


def reliability(
    probabilities: ArrayLike, labels: ArrayLike, n_bins: int = N_BINS
) -> list[dict[str, Any]]:
    """Compare predicted probabilities with what was observed, in equally wide bins.

    Parameters
    ----------
    probabilities : array_like, (N,)
        Of an anomaly, in 0 to 1.
    labels : array_like, (N,)
        1 or True for anomalous.
    n_bins : int
        Number of bins; a probability of 1 belongs to the last.

    Returns
    -------
    list of dict
        For each bin that has images, from low to high: ``predicted``, the mean probability;
        ``observed``, the share of anomalous images; ``images``, their number.

    Raises
    ------
    ValueError
        If a probability is outside 0 to 1 or not a number, or the lists do not fit.
    """
    values, anomalous = checked_images(probabilities, labels)
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError("probabilities must lie in 0 to 1")
    bins = np.minimum((values * n_bins).astype(int), n_bins - 1)
    return [
        {
            "predicted": float(values[bins == b].mean()),
            "observed": float(anomalous[bins == b].mean()),
            "images": int((bins == b).sum()),
        }
        for b in np.unique(bins)
    ]


def expected_calibration_error(
    probabilities: ArrayLike, labels: ArrayLike, n_bins: int = N_BINS
) -> float:
    """Give the mean gap between predicted and observed over the bins of `reliability`.

    Each bin counts by its images. Parameters and errors as `reliability`.

    Returns
    -------
    float
        0 (what is predicted happens) to 1.

    References
    ----------
    Naeini, Cooper and Hauskrecht, "Obtaining well calibrated probabilities using Bayesian
    binning", AAAI 2015.
    """
    bins = reliability(probabilities, labels, n_bins)
    total = sum(b["images"] for b in bins)
    if not total:
        raise ValueError("there are no images")
    return float(sum(b["images"] * abs(b["predicted"] - b["observed"]) for b in bins) / total)
