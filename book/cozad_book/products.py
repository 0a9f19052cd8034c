"""A product for the chapter on own images: an oak plate with four holes."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from cozad_teach.data.drawn.textures import add_defect, draw_texture

__all__ = ["draw_product"]

HOLE = 30  # grey level inside a hole


def draw_product(
    seed: int,
    size: int = 224,
    *,
    shift: tuple[float, float] = (0.0, 0.0),
    turn: float = 0.0,
    missing: Collection[int] = (),
    defect: str | None = None,
    severity: float = 1.0,
) -> np.ndarray:
    """Photograph an oak plate with four holes on a table of cast iron.

    Parameters
    ----------
    seed : int
        Decides wood, table, light and grain.
    size : int
        Height and width in pixels.
    shift : (float, float)
        How far the plate lies from the middle, down and to the right, in pixels.
    turn : float
        By how many degrees it is turned, clockwise.
    missing : collection of int
        Which of the holes 0 to 3 nobody drilled.
    defect : str, optional
        One of `cozad_teach.data.drawn.textures.DEFECTS`, on the wood of the plate.
    severity : float
        Of the defect, as in `cozad_teach.data.drawn.textures.add_defect`.

    Returns
    -------
    numpy.ndarray
        uint8, shape (size, size, 3).
    """
    angle = np.deg2rad(turn)
    y, x = (np.mgrid[:size, :size] - (size - 1) / 2 - np.reshape(shift, (2, 1, 1))) / size
    along = np.cos(angle) * x + np.sin(angle) * y
    across = np.cos(angle) * y - np.sin(angle) * x
    plate = (abs(along) < 0.36) & (abs(across) < 0.25)
    table, wood = (draw_texture(name, seed, (size, size)) for name in ("cloud_iron", "wood_oak"))
    image = np.where(plate[..., None], wood, table)
    corners = [(-0.28, -0.17), (0.28, -0.17), (-0.28, 0.17), (0.28, 0.17)]
    for number, (left, top) in enumerate(corners):
        if number not in missing:
            hole = (along - left) ** 2 + (across - top) ** 2 < 0.04**2
            image[hole] = HOLE
            plate &= ~hole
    return image if defect is None else _spoilt(image, plate, defect, seed, severity)


def _spoilt(
    image: np.ndarray, wood: np.ndarray, defect: str, seed: int, severity: float
) -> np.ndarray:
    """Put a defect where nine tenths of it lie on the wood; else it would spoil the table."""
    random = np.random.default_rng(seed)
    _, mask = add_defect(image, defect, seed, severity)
    middle, places = np.argwhere(mask).mean(0), np.argwhere(wood)
    for _ in range(1000):
        step = np.rint(places[random.integers(len(places))] - middle).astype(int)
        if wood[np.roll(mask, step, (0, 1))].mean() >= 0.9:
            # The same defect, drawn where it would be if the picture were moved the other way.
            moved, _ = add_defect(np.roll(image, -step, (0, 1)), defect, seed, severity)
            return np.roll(moved, step, (0, 1))
    raise ValueError(f"no place of 1,000 on the plate is large enough for a {defect}")
