"""Materials without a repeat: cast, pressed, polished, grown, photographed.

As in `patterns`, a surface returns reflectances (3, H, W), about 0 to 1, before lens and sensor,
and places the material anew for each random stream. Lengths are in pixels: a bigger picture shows
more of the material, not a magnified one.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import numpy as np
from PIL import Image
from scipy import ndimage

from cozad_teach.data.drawn.noise import (
    Array,
    Colour,
    Size,
    band_noise,
    bent_grid,
    cloud_noise,
    mix,
    relief,
    smooth_step,
    to_rgb,
)
from cozad_teach.errors import CozadError

__all__ = [
    "cloud",
    "leather",
    "load_photograph",
    "marble",
    "photo",
    "wood",
]

RINGS = 64  # random strengths of growth rings; they repeat after this many


def cloud(
    rng: np.random.Generator,
    size: Size,
    dark: Colour,
    light: Colour,
    wavelength: float,
    slope: float,
    depth: float,
    pits: float = 0.0,
) -> Array:
    """Cast or pressed surface (concrete, suede, paper): mottled, rough, with a share of `pits`."""
    mottle = cloud_noise(rng, size, wavelength, slope)
    rough = band_noise(rng, size, 7)
    hole = smooth_step((rough - np.quantile(rough, 1 - pits)) * 2)
    return mix(0.5 + 0.2 * mottle, dark, light) * (relief(rough, depth) * (1 - 0.6 * hole))


def marble(
    rng: np.random.Generator,
    size: Size,
    base: Colour,
    shade: Colour,
    vein: Colour,
    wavelength: float,
    angle: float,
    width: float,
) -> Array:
    """Polished stone: clouds of `shade`, and thin veins that run along `angle` and fade."""
    turn = angle + rng.uniform(-6, 6)
    mottle = cloud_noise(rng, size, wavelength, 2.4, 1.5, turn)
    crease = cloud_noise(rng, size, wavelength, 2.6, 2.5, turn)
    fade = smooth_step(0.55 + 0.45 * mottle)
    crease /= width * (0.3 + fade)
    line = 0.8 * fade / (1 + crease * crease)
    return mix(line, mix(smooth_step(0.4 + 0.3 * mottle), base, shade), to_rgb(vein))


def leather(
    rng: np.random.Generator,
    size: Size,
    colour: Colour,
    wavelength: float,
    stretch: float,
    angle: float,
    depth: float,
) -> Array:
    """Grained hide: rounded lumps that meet in creases."""
    turn = angle + rng.uniform(-5, 5)
    lump = np.sqrt(np.abs(band_noise(rng, size, wavelength, stretch, turn)) + 0.02)
    lump += 0.25 * np.abs(band_noise(rng, size, 0.45 * wavelength))
    tone = 1 + 0.05 * cloud_noise(rng, size, 90)
    return to_rgb(colour) * ((0.8 + 0.2 * smooth_step(lump)) * tone * relief(lump, depth))


def wood(
    rng: np.random.Generator,
    size: Size,
    early: Colour,
    late: Colour,
    pitch: float,
    angle: float,
    waviness: float,
    pores: float,
) -> Array:
    """Sawn board: growth rings every `pitch` pixels, fibres along `angle`, dark `pores`."""
    turn = angle + rng.uniform(-2, 2)
    _, v = bent_grid(rng, size, turn, bend=1)
    drift = waviness * cloud_noise(rng, size, 90, 3, 8, turn)
    ring = v / pitch + drift
    year = np.floor(ring)
    t = ring - year
    summer = t * t * smooth_step((1 - t) * 0.2 * pitch)  # slow rise, sudden end of the year
    summer *= rng.uniform(0.4, 1, RINGS)[year.astype(np.intp) % RINGS]
    fibre = cloud_noise(rng, size, 30, 1, 25, turn)
    bright = 1 + 0.05 * fibre + 0.06 * drift - pores * smooth_step(-fibre - 1.6)
    return mix(summer, early, late) * bright


@cache
def load_photograph(name: str) -> Array:
    """Read a grey photograph (512, 512) that scikit-image ships, stretched to about 0 to 1.

    The packaged file is opened directly: ``skimage.data`` would download one that it misses. The
    photographs used here are under CC0.

    Raises
    ------
    CozadError
        If the file is missing or cannot be read.
    """
    path = files("skimage") / "data" / f"{name}.png"
    try:
        with path.open("rb") as file, Image.open(file) as picture:
            grey = np.asarray(picture.convert("L"), dtype=np.float64)
    except OSError as error:
        raise CozadError(
            f"the photograph {name}.png of scikit-image is missing or damaged: "
            "install scikit-image again, at the locked version"
        ) from error
    low, high = np.percentile(grey, [1, 99])
    return (grey - low) / (high - low)


def photo(
    rng: np.random.Generator,
    size: Size,
    name: str,
    dark: Colour,
    light: Colour,
    zoom: float,
    angle: float,
    tilt: float,
) -> Array:
    """Random crop of a real photograph, tinted, turned by `angle` ± `tilt`, magnified by `zoom`."""
    source = load_photograph(name)
    turn = np.deg2rad(angle + tilt * rng.uniform(-1, 1))
    step = (1 + 0.04 * rng.uniform(-1, 1)) / zoom
    y, x = np.arange(size[0])[:, None] - size[0] / 2, np.arange(size[1])[None, :] - size[1] / 2
    half = 0.5 * step * float(np.hypot(*size))
    row, column = (
        rng.uniform(min(half, length / 2), max(length - half, length / 2))
        for length in source.shape
    )
    rows = row + step * (y * np.cos(turn) + x * np.sin(turn))
    columns = column + step * (x * np.cos(turn) - y * np.sin(turn))
    grey = ndimage.map_coordinates(source, [rows, columns], order=1, mode="mirror")
    return mix(np.clip(grey, -0.1, 1.1), dark, light)
