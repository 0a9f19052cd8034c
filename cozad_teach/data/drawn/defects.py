"""Put a defect of a known kind, strength and mask into a photograph of a material."""

from __future__ import annotations

import numpy as np

from cozad_teach.data.drawn.defect_kinds import KINDS, Image, Mask
from cozad_teach.data.drawn.noise import Array, cloud_noise, stream
from cozad_teach.errors import CozadError

__all__ = ["DEFECTS", "MIN_SIDE", "add_defect"]

DEFECTS: tuple[str, ...] = tuple(KINDS)
MIN_SIDE = 32  # pixels; below that a defect has no shape


def _hide(rng: np.random.Generator, mask: Mask, share: float) -> Mask:
    """Take `share` of the pixels out of `mask`, from one ragged side, but never the last one."""
    y, x = np.indices(mask.shape)
    heading = rng.uniform(0, 2 * np.pi)
    side = (y * np.sin(heading) + x * np.cos(heading)) / max(mask.shape)
    side += 0.1 * cloud_noise(rng, mask.shape, 0.3 * max(mask.shape))
    damaged = np.flatnonzero(mask)
    visible = max(1, round((1 - share) * len(damaged)))
    by_side = damaged[np.argsort(side.ravel()[damaged], kind="stable")]
    shown = np.zeros(mask.size, bool)
    shown[by_side[:visible]] = True
    return shown.reshape(mask.shape)


def _fade(old: Image, full: Array, mask: Mask, severity: float) -> Image:
    """Go the share `severity` of the way from `old` to `full`: in every pixel of `mask` a change.

    Where all channels would round back to `old`, the one that changes most moves by one level. So
    no channel changes less when `severity` grows.
    """
    change = np.clip(full, 0, 255) - old
    stuck = ~change.any(axis=-1)
    change[stuck] = np.where(old[stuck] > 127, -1, 1)
    new = np.rint(old + severity * change)
    y, x = np.nonzero((new == old).all(axis=-1))
    channel = np.abs(change[y, x]).argmax(axis=-1)
    new[y, x, channel] += np.sign(change[y, x, channel])
    return np.where(mask[..., None], new, old).astype(np.uint8)


def add_defect(
    image: Image, kind: str, seed: int, severity: float = 1.0, occlusion: float = 0.0
) -> tuple[Image, Mask]:
    """Damage a photograph of a material.

    Size (0.3 % to 6 % of the image, scratches less), shape and place depend on `kind`, `seed` and
    the size of the image alone; a defect may touch the border and be cut off by it.

    Parameters
    ----------
    image : uint8 (H, W, 3)
        Undamaged image, both sides `MIN_SIDE` pixels or more. It is not changed.
    kind : str
        One of `DEFECTS`.
    seed : int
        0 or more.
    severity : float
        Contrast of the defect, above 0 and up to 1.
    occlusion : float
        Share, from 0 to below 1, of the defect's area that undamaged material hides again.

    Returns
    -------
    image : uint8 (H, W, 3)
        The damaged image; outside the mask it equals the input.
    mask : bool (H, W)
        The visible part of the defect: all pixels that differ from the input, never empty.

    Raises
    ------
    CozadError
        If `kind` is unknown.
    ValueError
        If another argument is out of range.
    """
    if kind not in KINDS:
        raise CozadError(f"unknown defect {kind!r}: choose one of {', '.join(DEFECTS)}")
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise ValueError(f"image must be uint8 (H, W, 3), got {image.dtype} {image.shape}")
    if min(image.shape[:2]) < MIN_SIDE:
        raise ValueError(f"image must be at least {MIN_SIDE} pixels a side, got {image.shape[:2]}")
    if not 0 < severity <= 1:
        raise ValueError(f"severity must be above 0 and at most 1, got {severity}")
    if not 0 <= occlusion < 1:
        raise ValueError(f"occlusion must be 0 or more and below 1, got {occlusion}")
    rng = stream(f"defect/{kind}", seed)
    patch = KINDS[kind](rng, image)
    grain = 1.2 * rng.standard_normal(patch.pixels.shape)
    visible = _hide(stream(f"occlusion/{kind}", seed), patch.mask, occlusion)
    damaged, mask = image.copy(), np.zeros(image.shape[:2], bool)
    mask[patch.window] = visible
    damaged[patch.window] = _fade(image[patch.window], patch.pixels + grain, visible, severity)
    return damaged, mask
