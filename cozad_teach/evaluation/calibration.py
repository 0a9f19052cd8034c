"""Thresholds and probabilities, chosen on drawn auxiliary images: never with a target's labels.

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

from cozad_teach.evaluation.metrics import checked_images, image_f1max

__all__ = [
    "Calibration",
    "at_threshold",
    "calibrate",
    "expected_calibration_error",
    "reliability",
]

N_BINS = 10


@dataclass(frozen=True)
class Calibration:
    """How image scores become a decision and a probability.

    Attributes
    ----------
    threshold : float
        Images that score at or above it are called anomalous.
    slope, offset : float
        The probability of an anomaly is σ(slope · asinh(score) + offset).
    """

    threshold: float
    slope: float
    offset: float

    def probability(self, scores: ArrayLike) -> NDArray[np.float64]:
        """Give the probability that each image is anomalous, in (0, 1); scores of shape (N,)."""
        return np.asarray(expit(self.slope * np.arcsinh(np.asarray(scores, float)) + self.offset))


def calibrate(scores: ArrayLike, labels: ArrayLike) -> Calibration:
    """Choose a threshold and fit probabilities on images whose labels may be used.

    Parameters
    ----------
    scores, labels : array_like, (N,)
        As in `metrics.image_auroc`, of other images than the target's.

    Returns
    -------
    Calibration
        The threshold is that of the largest F1. The slope is positive: calibration changes no
        ranking.

    Raises
    ------
    ValueError
        As `metrics.image_auroc`.

    References
    ----------
    Platt, "Probabilistic outputs for support vector machines and comparisons to regularized
    likelihood methods", 1999: a logistic fit to targets a little inside 0 and 1, so that it stays
    finite where scores separate the classes. The inverse hyperbolic sine is a logarithm for large
    distances, and defined for the scores of every method, those below 0 too.
    """
    values, anomalous = checked_images(scores, labels)
    threshold = image_f1max(values, anomalous).threshold
    x = np.arcsinh(values.astype(float))
    n_anomalous, n_normal = int(anomalous.sum()), int((~anomalous).sum())
    targets = np.where(anomalous, (n_anomalous + 1) / (n_anomalous + 2), 1 / (n_normal + 2))
    centre, width = x.mean(), float(x.std())
    if width < 1e-9:
        width = 1.0  # constant scores: nothing to fit, and no slope is steep enough for nothing

    def loss(parameters: NDArray[np.float64]) -> float:
        logits = np.exp(parameters[0]) * (x - centre) / width + parameters[1]
        return float(np.mean(np.logaddexp(0, logits) - targets * logits))

    log_slope, offset = minimize(loss, np.zeros(2), method="L-BFGS-B", bounds=[(-10, 10)] * 2).x
    slope = float(np.exp(log_slope)) / width
    return Calibration(threshold, slope, float(offset) - slope * float(centre))


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
