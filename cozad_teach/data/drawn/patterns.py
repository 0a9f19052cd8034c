"""Materials that repeat: cloth, ribs, lattices of dots, knitwear, mosaics.

As in `surfaces`, a pattern returns reflectances (3, H, W), about 0 to 1, before lens and sensor,
and places the material anew for each random stream. Lengths are in pixels: a bigger picture shows
more of the material, not a magnified one.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from cozad_teach.data.drawn.noise import (
    Array,
    Colour,
    Size,
    bent_grid,
    cloud_noise,
    mix,
    relief,
    smooth_step,
    to_rgb,
)

__all__ = [
    "cells",
    "dots",
    "knit",
    "stripes",
    "weave",
]

Counts = NDArray[np.intp]


def _fraction(x: Array) -> Array:
    return x - np.floor(x)


def _split(x: Array) -> tuple[Counts, Array, Counts]:
    """Cut a coordinate into cells of length 1.

    Returns
    -------
    index : (H, W) integers
        Place of a pixel's cell in `numbers`; never the first or the last place, so that its
        neighbours have a place too.
    fraction : (H, W)
        Place within the cell, -0.5 to 0.5.
    numbers : (n,) integers
        The cells in view, by their number on the material.
    """
    whole = np.floor(x)
    first = int(whole.min()) - 1
    index = whole.astype(np.intp)
    index -= first
    whole += 0.5
    return index, x - whole, np.arange(first, first + int(index.max()) + 2)


def _cloth(u: Array, v: Array, pitch: float = 3.7) -> Array:
    """Fine plain weave seen from afar: brightness (H, W) around 0."""
    turns = 2 * np.pi / pitch
    fine: Array = np.cos(turns * u)
    fine *= np.cos(turns * v)
    return fine


def weave(
    rng: np.random.Generator,
    size: Size,
    warp: Colour,
    weft: Colour,
    pitch: float,
    order: tuple[int, int, int],
    angle: float,
    slub: float,
) -> Array:
    """Woven cloth with a thread every `pitch` pixels; threads differ in tone by `slub`.

    `order` = (threads in a group, groups in a repeat, groups of the repeat with the warp on top):
    (1, 2, 1) is a plain weave, (2, 2, 1) a basket weave, (1, 4, 3) denim.
    """
    group, repeat, over = order
    u, v = bent_grid(rng, size, angle + rng.uniform(-3, 3), bend=1)
    i, a, columns = _split(u / pitch)
    j, b, rows = _split(v / pitch)
    steps = columns[:, None] // group + rows[None, :] // group
    on_top = np.where(steps % repeat < over, 1.0, 0.0).ravel()  # 1 where the warp is above
    crossing = i * len(rows) + j
    here = on_top[crossing]
    below = on_top[crossing + np.where(b > 0, 1, -1)]
    beside = on_top[crossing + np.where(a > 0, len(rows), -len(rows))]
    warp_height = here + (below - here) * np.abs(b) - 3 * a * a
    weft_height = 1 - here - (beside - here) * np.abs(a) - 3 * b * b
    front = smooth_step(0.5 + 4 * (warp_height - weft_height))
    warp_tone = 1 + slub * rng.standard_normal(len(columns))[i]
    weft_tone = 1 + slub * rng.standard_normal(len(rows))[j]
    height = np.maximum(warp_height, weft_height)
    bright = 0.75 + 0.25 * height + 0.05 * cloud_noise(rng, size, 3, 1)
    bright *= weft_tone + front * (warp_tone - weft_tone)
    return mix(front, weft, warp) * (bright * relief(height, 0.09 * pitch))


def stripes(
    rng: np.random.Generator,
    size: Size,
    dark: Colour,
    light: Colour,
    pitch: float,
    share: float,
    angle: float,
    bend: float = 0.0,
    depth: float = 0.0,
    streak: float = 0.0,
    cloth: float = 0.0,
) -> Array:
    """Parallel bands: a `share` of each `pitch` is `light` and bulges by `depth`.

    `streak` is the strength of fine lines along the bands, as on brushed metal; `cloth` that of
    woven ground.
    """
    turn = angle + rng.uniform(-3, 3)
    u, v = bent_grid(rng, size, turn, bend)
    from_middle = np.abs(_fraction(v / pitch) - 0.5)
    band = smooth_step((0.5 * share - from_middle) * (0.5 * pitch) + 0.5)
    bulge = np.sqrt(np.maximum(0, 1 - (2 / share * from_middle) ** 2))
    bright = 1 + streak * cloud_noise(rng, size, 40, 1.2, 30, turn) + cloth * _cloth(u, v)
    bright *= 1 + 0.03 * cloud_noise(rng, size, 3, 1)
    return mix(band, dark, light) * (bright * relief(bulge, 0.1 * pitch * depth))


def dots(
    rng: np.random.Generator,
    size: Size,
    ground: Colour,
    dot: Colour,
    pitch: float,
    radius: float,
    angle: float,
    bend: float = 0.0,
    rise: float = 0.0,
    row_step: float = 1.0,
    streak: float = 0.0,
    cloth: float = 0.0,
) -> Array:
    """Discs of `radius`, printed, raised or sunk by `rise`, every `pitch` pixels.

    Rows are `row_step` pitches apart; below 1, each second row is shifted by half a pitch.
    `streak` and `cloth` as in `stripes`.
    """
    turn = angle + rng.uniform(-3, 3)
    u, v = bent_grid(rng, size, turn, bend)
    row = np.floor(v / (row_step * pitch))
    shift = 0.5 * (row % 2) if row_step < 1 else 0.0
    du = (_fraction(u / pitch + shift) - 0.5) * pitch
    dv = v - (row + 0.5) * (row_step * pitch)
    distance = np.sqrt(du * du + dv * dv)
    disc = smooth_step((radius - distance) / 1.5 + 0.5)
    dome = np.sqrt(np.maximum(0, radius * radius - distance * distance))
    bright = 1 + streak * cloud_noise(rng, size, 40, 1.2, 30, turn) + cloth * _cloth(u, v)
    bright *= 1 + 0.03 * cloud_noise(rng, size, 5, 1)
    return mix(disc, ground, dot) * (bright * relief(dome, 0.35 * rise))


def knit(
    rng: np.random.Generator,
    size: Size,
    colour: Colour,
    pitch: float,
    angle: float,
    fuzz: float,
) -> Array:
    """Stocking stitch: columns of V-shaped loops, one column every `pitch` pixels."""
    u, v = bent_grid(rng, size, angle + rng.uniform(-3, 3), bend=2)
    side = np.abs(_fraction(u / pitch) - 0.5)  # 0 at the foot of the V, 0.5 at its tips
    across = 4 * side - 1
    along = 2 * _fraction(v / (0.75 * pitch) + 1.5 * side) - 1
    fibre = fuzz * cloud_noise(rng, size, 4, 1.2)
    height = np.sqrt(np.maximum(0, 1.05 - across * across - 0.8 * along * along))
    bright = (0.5 + 0.5 * np.minimum(height, 1)) * (1 + fibre)
    return to_rgb(colour) * (bright * relief(height, 0.08 * pitch))


def cells(
    rng: np.random.Generator,
    size: Size,
    joint: Colour,
    colours: tuple[Colour, ...],
    pitch: float,
    gap: float,
    spread: float,
) -> Array:
    """Stone chips or tiles: Voronoi cells of a jittered lattice, at least 2 `gap` pixels apart.

    `spread` makes the gap differ from cell to cell: 0 is a mosaic, 1 is terrazzo.
    """
    u, v = bent_grid(rng, size, rng.uniform(0, 360), bend=1)
    i, a, columns = _split(u / pitch)
    j, b, rows = _split(v / pitch)
    jitter_u, jitter_v = rng.uniform(-0.4, 0.4, (2, len(columns) * len(rows)))
    first, second = np.full(size, np.inf), np.full(size, np.inf)  # squared distances
    owner = np.zeros(size, np.intp)
    own = i * len(rows) + j
    for step_i, step_j in product((-1, 0, 1), repeat=2):
        cell = own + (step_i * len(rows) + step_j)
        squared = (jitter_u.take(cell) + step_i - a) ** 2
        squared += (jitter_v.take(cell) + step_j - b) ** 2
        np.copyto(owner, cell, where=squared < first)
        np.minimum(second, np.maximum(first, squared), out=second)
        np.minimum(first, squared, out=first)
    to_edge = 0.5 * pitch * (np.sqrt(second) - np.sqrt(first))
    count = len(columns) * len(rows)
    gaps = gap * (1 + 4 * spread * rng.random(count) ** 2)
    palette = np.hstack([to_rgb(c)[:, 0] for c in colours])[
        :, rng.integers(len(colours), size=count)
    ]
    palette *= 1 + 0.06 * rng.standard_normal(count)
    chip = smooth_step((to_edge - gaps[owner]) / 1.5 + 0.5)
    return mix(chip, to_rgb(joint), palette[:, owner]) * (1 + 0.05 * cloud_noise(rng, size, 12, 1))
