"""Five kinds of damage to a photographed material.

Each is a function ``(rng, image) -> Patch``: how the damaged place looks at full severity, and
which of its pixels are damaged.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cozad_teach.data.drawn.noise import LAMP, Array, Size, cloud_noise, relief, smooth_step

__all__ = ["KINDS", "Image", "Mask", "Patch"]

Image = NDArray[np.uint8]
Mask = NDArray[np.bool_]
Window = tuple[slice, slice]

SMALLEST, LARGEST = 0.003, 0.06  # area of a defect, as a share of the image
DARK = 80  # mean grey level below which a defect is brighter than the material


@dataclass(frozen=True)
class Patch:
    """A damaged place: where it is, its pixels (h, w, 3) in 0 to 255, and its mask (h, w)."""

    window: Window
    pixels: Array
    mask: Mask


@dataclass(frozen=True)
class Outline:
    """A closed curve: a circle of `radius` around `centre`, stretched, turned and dented."""

    centre: Array
    radius: float
    aspect: float
    turn: float
    dents: Array  # (2, k): amplitudes, as shares of the radius, and phases of 2, 3, … waves

    @classmethod
    def draw(cls, rng: np.random.Generator, size: Size, roughness: float) -> Outline:
        share = np.exp(rng.uniform(np.log(SMALLEST), np.log(LARGEST)))
        waves = np.arange(2, 9)
        amplitudes = roughness * rng.uniform(-1, 1, len(waves)) / waves
        return cls(
            centre=rng.random(2) * (np.array(size) - 1),
            radius=float(np.sqrt(max(share * size[0] * size[1], 40) / np.pi)),
            aspect=float(np.sqrt(rng.uniform(1, 2))),
            turn=rng.uniform(0, np.pi),
            dents=np.stack([amplitudes, rng.uniform(0, 2 * np.pi, len(waves))]),
        )

    def window(self, size: Size) -> Window:
        reach = 1.6 * self.aspect * self.radius + 3
        low = np.maximum(np.floor(self.centre - reach), 0).astype(int)
        high = np.minimum(np.ceil(self.centre + reach) + 1, size).astype(int)
        return slice(low[0], high[0]), slice(low[1], high[1])

    def depth(self, window: Window, shift: float = 0.0) -> Array:
        """Pixels (h, w) inside the curve, negative outside; `shift` moves it away from the lamp."""
        y, x = np.ogrid[window]
        dy = y - (self.centre[0] - shift * np.sin(LAMP))
        dx = x - (self.centre[1] - shift * np.cos(LAMP))
        along = (dx * np.cos(self.turn) + dy * np.sin(self.turn)) / self.aspect
        across = (dy * np.cos(self.turn) - dx * np.sin(self.turn)) * self.aspect
        angle = np.arctan2(across, along)
        edge = np.ones_like(angle)
        for wave, (amplitude, phase) in enumerate(self.dents.T, start=2):
            edge += amplitude * np.cos(wave * angle + phase)
        depth: Array = self.radius * np.maximum(edge, 0.4) - np.sqrt(
            along * along + across * across
        )
        return depth


def _soft(depth: Array, width: float = 1.0) -> Array:
    """Opacity (h, w, 1) across an edge `width` pixels wide: 0 outside, 1 inside."""
    return smooth_step(depth / width + 0.5)[..., None]


def _foreign_colour(rng: np.random.Generator, local: Array) -> Array:
    """Pick a colour (3,) that stands out from the colour `local` of the material."""
    grey = local.mean()
    lighter = (rng.random() < 0.5 and grey < 160) or grey < DARK
    away = rng.uniform(60, 95) * (1 if lighter else -1)
    return np.clip(0.5 * (local + grey) + away + rng.uniform(-20, 20, 3), 8, 247)


def _blob(rng: np.random.Generator, image: Image) -> Patch:
    """Foreign lump: a dome of another colour with a highlight, and the shadow that it casts."""
    outline = Outline.draw(rng, image.shape[:2], roughness=0.3)
    window = outline.window(image.shape[:2])
    old = image[window].astype(np.float64)
    depth = outline.depth(window)
    inside = np.clip(depth / outline.radius, 0, 1)
    dome = np.sqrt(inside * (2 - inside))
    rough = cloud_noise(rng, depth.shape, 6, 1.5)
    shade = relief(dome * outline.radius + 0.25 * rough, 0.45) * (1 + 0.03 * rough)
    colour = _foreign_colour(rng, old[depth > 0].mean(axis=0))
    lump = colour * shade[..., None] + 55 * smooth_step((shade - 1.25) * 3)[..., None]
    shadow = _soft(outline.depth(window, shift=1 + 0.12 * outline.radius), width=4)
    pixels = old * (1 - 0.45 * shadow)
    pixels += _soft(depth, 1.5) * (lump - pixels)
    return Patch(window, pixels, (depth > -0.25) | (shadow[..., 0] > 0.15))


def _scratch(rng: np.random.Generator, image: Image) -> Patch:
    """One to three thin curved lines, side by side: grooves with one lit wall."""
    size = np.array(image.shape[:2])
    unit = max(1.0, size.min() / 256)
    step = 0.25  # pixels between the points of a line
    t = np.arange(0, 1, step / (rng.uniform(0.15, 0.6) * size.min()))
    heading = rng.uniform(0, 2 * np.pi) + rng.uniform(-1, 1) * t
    heading += 0.2 * np.sin(rng.uniform(4, 9) * t + rng.uniform(0, 6))
    path = step * np.stack([np.sin(heading), np.cos(heading)]).cumsum(axis=1)
    path += (rng.random(2) * (size - 1) - path[:, len(t) // 2])[:, None]
    aside = np.stack([np.cos(heading), -np.sin(heading)])
    count = rng.integers(1, 4)
    offsets = np.arange(count)[:, None] * rng.uniform(5, 8) * unit
    ends = np.sort(rng.random((2, 3)), axis=0)[:, :count, None]
    ends[:, 0, 0] = 0, 1
    press = smooth_step((t - ends[0]) * 8) * smooth_step((ends[1] - t) * 5)
    press *= 0.85 + 0.15 * np.sin(rng.uniform(15, 40) * t + rng.uniform(0, 6))
    points = np.rint(path[:, None] + aside[:, None] * offsets).astype(int).reshape(2, -1)

    inside = ((points >= 0) & (points < size[:, None])).all(axis=0)
    points, press = points[:, inside], press.ravel()[inside]
    margin = 3 + int(3 * unit)
    low = np.maximum(points.min(axis=1) - margin, 0)
    high = np.minimum(points.max(axis=1) + margin + 1, size)
    window = slice(low[0], high[0]), slice(low[1], high[1])
    ink = np.zeros(high - low)
    np.add.at(ink, tuple(points - low[:, None]), press)
    sigma = unit * rng.uniform(0.7, 1.2)
    ink = ndimage.gaussian_filter(ink, sigma, mode="constant")
    groove = np.minimum(ink * (1.2 * step * np.sqrt(2 * np.pi) * sigma), 1)  # a full line is 1

    old = image[window].astype(np.float64)
    mask = groove > 0.3
    local = old[mask].mean(axis=0)
    lighter = rng.random() < 0.35 or local.mean() < DARK
    bottom = np.minimum(local + 75, 250) if lighter else 0.4 * local
    lit_wall = 70 * (relief(-1.5 * groove, 1.0) - 1)
    pixels = old + 0.85 * groove[..., None] * (bottom - old) + lit_wall[..., None]
    return Patch(window, pixels, mask)


def _cut_paste(rng: np.random.Generator, image: Image) -> Patch:
    """Put in a piece of the same material from elsewhere, turned, enlarged or reduced."""
    size = image.shape[:2]
    outline = Outline.draw(rng, size, roughness=0.5)
    window = outline.window(size)
    turn = np.deg2rad(rng.uniform(35, 145)) * rng.choice([-1, 1])
    scale = np.exp(rng.uniform(-0.35, 0.35))
    source = rng.random(2) * (np.array(size) - 1)
    tone = 1 + rng.uniform(0.04, 0.12) * rng.choice([-1, 1])
    y, x = (axis - middle for axis, middle in zip(np.ogrid[window], outline.centre, strict=True))
    rows = source[0] + scale * (y * np.cos(turn) + x * np.sin(turn))
    columns = source[1] + scale * (x * np.cos(turn) - y * np.sin(turn))
    piece = np.stack(
        [
            ndimage.map_coordinates(
                image[..., channel], [rows, columns], np.float64, order=1, mode="mirror"
            )
            for channel in range(3)
        ],
        axis=-1,
    )
    depth = outline.depth(window)
    seam = 1 - 0.25 * np.exp(-np.abs(depth - 0.5) / 1.2)[..., None]
    old = image[window].astype(np.float64)
    pixels = old + _soft(depth, 1.5) * (piece * tone * seam - old)
    return Patch(window, pixels, depth > -0.25)


def _stain(rng: np.random.Generator, image: Image) -> Patch:
    """Dried liquid: a translucent tint with a ragged edge and a stronger rim."""
    outline = Outline.draw(rng, image.shape[:2], roughness=0.3)
    window = outline.window(image.shape[:2])
    depth = outline.depth(window) / outline.radius
    depth += 0.08 * cloud_noise(rng, depth.shape, outline.radius, 2.8)
    pool = 0.65 + 0.1 * cloud_noise(rng, depth.shape, outline.radius, 2.8)
    cover = smooth_step(depth * 2.5 + 0.1) * pool
    cover += 0.25 * np.exp(-(((depth - 0.22) / 0.12) ** 2))
    old = image[window].astype(np.float64)
    mask = cover > 0.05
    if old[mask].mean() < DARK:
        tinted = old + rng.uniform(0.3, 0.5) * (rng.uniform(150, 200, 3) - old)
    else:
        tinted = old * np.sort(rng.uniform(0.4, 0.85, 3))[::-1]
    return Patch(window, old + cover[..., None] * (tinted - old), mask)


def _hole(rng: np.random.Generator, image: Image) -> Patch:
    """Dark cavity: a floor in shadow, a lit wall on the side away from the lamp, a frayed rim."""
    outline = Outline.draw(rng, image.shape[:2], roughness=0.35)
    window = outline.window(image.shape[:2])
    old = image[window].astype(np.float64)
    fray = 0.7 * cloud_noise(rng, old.shape[:2], 7, 2.2)
    depth = outline.depth(window) + fray
    mask = depth > -2
    local = old[mask].mean(axis=0)
    wall_width = 1.5 + 0.3 * outline.radius
    wall = np.maximum(0.6 * local, 40) * (1 + 0.06 * cloud_noise(rng, depth.shape, 5)[..., None])
    floor = 0.16 * local + 3 * cloud_noise(rng, depth.shape, 12)[..., None]
    burr = np.exp(-(((depth + 0.2) / 1.2) ** 2))
    pixels = old * (relief(burr, 0.35) + 0.06 * burr)[..., None]
    pixels += _soft(depth, 2) * (wall - pixels)
    in_shadow = np.minimum(depth, outline.depth(window, shift=-wall_width) + fray)
    pixels += _soft(in_shadow - 0.2 * wall_width, wall_width) * (floor - pixels)
    return Patch(window, pixels, mask)


KINDS: dict[str, Callable[[np.random.Generator, Image], Patch]] = {
    "blob": _blob,
    "scratch": _scratch,
    "cut_paste": _cut_paste,
    "stain": _stain,
    "hole": _hole,
}
