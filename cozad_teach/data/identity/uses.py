"""A record of which images were used for what, kept with a model so that leaks can be proved."""

from __future__ import annotations

from dataclasses import dataclass

from cozad_teach.data.identity.fingerprints import Fingerprints

__all__ = ["EVERY_MODEL", "PURPOSES", "Use"]

PURPOSES = ("weights", "statistics", "threshold", "epoch")
# What some images did for every model: one without these on record cannot be audited.
EVERY_MODEL = frozenset({"weights", "statistics"})


@dataclass(frozen=True)
class Use:
    """Images that shaped a model or a decision about it.

    Attributes
    ----------
    purpose : str
        ``weights``: training. ``statistics``: means and deviations that scale features, and
        the prior of their covariance.
        ``threshold``: a threshold, or the calibration of scores. ``epoch``: the choice among
        several trained states or settings.
    images : Fingerprints
        All images that were looked at.
    labels : bool
        Whether it was known which of them are anomalous, or where.

    Raises
    ------
    ValueError
        If the purpose is none of `PURPOSES`.
    """

    purpose: str
    images: Fingerprints
    labels: bool

    def __post_init__(self) -> None:
        if self.purpose not in PURPOSES:
            raise ValueError(f"unknown purpose {self.purpose!r}: choose from {PURPOSES}")
