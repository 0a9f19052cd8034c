"""Test sets with a wanted share of anomalous images, to see what contamination does."""

from __future__ import annotations

import dataclasses

import numpy as np

from cozad_teach.data.folders import Category
from cozad_teach.errors import CozadError

__all__ = ["SHARES", "contaminated"]

# In which the experiments compare; a set gives equally many images for all of them.
SHARES = (0.1, 0.2, 0.4, 0.6)


def contaminated(category: Category, share: float) -> Category:
    """Keep so many test images of either kind that a share of them is anomalous.

    Under the batch protocol the test images are the support, so that this share is the
    contamination of the support. The labels decide which images take part. That serves an
    experiment on contamination; a detector in use cannot choose.

    Parameters
    ----------
    category : Category
        With labelled test images.
    share : float
        One of `SHARES`.

    Returns
    -------
    Category
        The same number of images for every share, in their order. Which ones is decided by
        chance, the same way every time: the anomalous images of a lower share are among those of
        a higher one, and its normal images contain those of the higher.

    Raises
    ------
    CozadError
        If the share is another one, or there are too few images of a kind.
    """
    if share not in SHARES:
        raise CozadError(
            f"a share of {share} is not compared: choose {', '.join(map(str, SHARES))}"
        )
    is_anomalous = np.array([item.is_anomalous for item in category.test], dtype=bool)
    random = np.random.default_rng(0)
    normal = random.permutation(np.flatnonzero(~is_anomalous))
    anomalous = random.permutation(np.flatnonzero(is_anomalous))
    n_images = min(
        _round_down(len(normal) / (1 - SHARES[0])), _round_down(len(anomalous) / SHARES[-1])
    )
    n_anomalous = round(share * n_images)
    if not 0 < n_anomalous < n_images or n_anomalous > len(anomalous):
        raise CozadError(
            f"{category.name} has {len(normal)} normal and {len(anomalous)} anomalous test images: "
            f"too few for a share of {share}"
        )
    chosen = [*anomalous[:n_anomalous], *normal[: n_images - n_anomalous]]
    return dataclasses.replace(category, test=tuple(category.test[i] for i in sorted(chosen)))


def _round_down(number: float) -> int:
    """Round down what is whole but for rounding: 27 / 0.9 is 30, not 29."""
    return int(number + 1e-9)
