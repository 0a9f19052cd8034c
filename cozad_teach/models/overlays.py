"""A heat map laid over a photograph."""

from __future__ import annotations

import matplotlib
import numpy as np

__all__ = ["overlay"]

# Perceptually even from dark to bright, so that it also reads in grey.
_HEAT = matplotlib.colormaps["inferno"]


def overlay(image: np.ndarray, pixel_map: np.ndarray, low: float, high: float) -> np.ndarray:
    """Lay a heat map over an image; where nothing is found the image shows through unchanged.

    Parameters
    ----------
    image : numpy.ndarray
        uint8, shape (H, W, 3).
    pixel_map : numpy.ndarray
        Anomaly scores, shape (H, W).
    low, high : float
        Scores that are shown as nothing and as brightest. With `high` ≤ `low` nothing is shown.

    Returns
    -------
    numpy.ndarray
        uint8, shape (H, W, 3).

    Raises
    ------
    ValueError
        If image and map differ in size.
    """
    if image.shape[:2] != pixel_map.shape:
        raise ValueError(f"image {image.shape[:2]} and map {pixel_map.shape} differ in size")
    blended = np.empty_like(image)
    rows = max(1, 2**20 // image.shape[1])  # at a time: floats of a whole photograph fill memory
    for top in range(0, len(image), rows):
        here = np.s_[top : top + rows]
        strength = np.clip((pixel_map[here] - low) / max(high - low, 1e-30), 0, 1)
        if high <= low:
            strength = np.zeros_like(strength)
        opacity = 0.75 * strength[..., None]
        # The darkest third of the colours is left out: over a dark photograph it cannot be seen.
        colour = _HEAT(0.35 + 0.65 * strength)[..., :3] * 255
        blended[here] = np.rint((1 - opacity) * image[here] + opacity * colour)
    return blended
