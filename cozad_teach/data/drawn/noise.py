"""Building blocks of the embedded materials: seeded random fields, bent grids, colour and relief.

Lengths are in pixels and angles in degrees, counted from the x axis towards the y axis (downwards).
Pictures under work are (3, H, W). All is float64: another version of NumPy or SciPy, or another
processor, changes the last bits of a float64, which almost never show after rounding to 8 bits.
"""

from __future__ import annotations

import hashlib
import operator

import numpy as np
from numpy.typing import NDArray
from scipy import fft

__all__ = [
    "LAMP",
    "Array",
    "Colour",
    "Size",
    "band_noise",
    "bent_grid",
    "cloud_noise",
    "mix",
    "relief",
    "smooth_step",
    "stream",
    "to_rgb",
]

Array = NDArray[np.float64]
Colour = str  # red, green and blue, two hexadecimal digits each: "ff8000" is orange
Size = tuple[int, int]  # height, width

LAMP = np.deg2rad(-130)  # the light comes from the upper left
BEND_WAVELENGTH = 150


def stream(label: str, seed: int) -> np.random.Generator:
    """Random numbers that depend on the text `label` and on `seed`, the same in every process.

    Raises
    ------
    ValueError
        If `seed` is negative.
    TypeError
        If `seed` is not an integer.
    """
    seed = operator.index(seed)
    if seed < 0:
        raise ValueError(f"seed must be 0 or more, got {seed}")
    digest = int.from_bytes(hashlib.sha256(label.encode()).digest()[:16], "big")
    return np.random.default_rng(np.random.SeedSequence([digest, seed]))


def _squared_frequencies(size: Size, stretch: float, angle: float) -> Array:
    """Squared spatial frequencies (H, W // 2 + 1), those along `angle` multiplied by `stretch`."""
    fy, fx = fft.fftfreq(size[0])[:, None], fft.rfftfreq(size[1])[None, :]
    turn = np.deg2rad(angle)
    along = (fx * np.cos(turn) + fy * np.sin(turn)) * stretch
    across = fy * np.cos(turn) - fx * np.sin(turn)
    squares: Array = along * along + across * across
    return squares


def _filter_white_noise(rng: np.random.Generator, size: Size, gain: Array) -> Array:
    """White Gaussian noise (H, W) through the filter `gain`, scaled to mean 0, variance 1."""
    real, imaginary = rng.standard_normal((2, *gain.shape))
    spectrum = gain * (real + 1j * imaginary)
    spectrum[0, 0] = 0
    field: Array = fft.irfft2(spectrum, s=size)
    field /= field.std()
    return field


def cloud_noise(
    rng: np.random.Generator,
    size: Size,
    wavelength: float,
    slope: float = 2.0,
    stretch: float = 1.0,
    angle: float = 0.0,
) -> Array:
    """Fractal Gaussian field (H, W), mean 0, variance 1.

    Parameters
    ----------
    rng, size
        Source of randomness; (height, width).
    wavelength : float
        Size of the largest lumps, in pixels.
    slope : float
        Fall of the amplitude with frequency below that size: 1 is rough, 4 is smooth.
    stretch, angle : float
        Lumps are `stretch` times longer along the direction `angle` (degrees).
    """
    squares = _squared_frequencies(size, stretch, angle) * wavelength**2
    return _filter_white_noise(rng, size, (1 + squares) ** (-slope / 2))


def band_noise(
    rng: np.random.Generator,
    size: Size,
    wavelength: float,
    stretch: float = 1.0,
    angle: float = 0.0,
) -> Array:
    """Gaussian field (H, W), mean 0, variance 1, with lumps of one size: `wavelength` pixels.

    `stretch` and `angle` as in `cloud_noise`.
    """
    squares = _squared_frequencies(size, stretch, angle) * wavelength**2
    return _filter_white_noise(rng, size, squares * np.exp(-squares))


def _wave(rng: np.random.Generator, length: int, amplitude: float) -> Array:
    """Smooth random curve (length,): three sines that do not repeat together."""
    cycles = np.arange(length)[:, None] / (BEND_WAVELENGTH * np.array([1.0, 0.62, 0.37]))
    curve: Array = (np.sin(2 * np.pi * (cycles + rng.random(3))) * [0.6, 0.3, 0.15]).sum(axis=1)
    return amplitude * curve


def bent_grid(
    rng: np.random.Generator, size: Size, angle: float, bend: float
) -> tuple[Array, Array]:
    """Coordinates u, v (H, W) on a material whose u axis points along `angle` in the picture.

    Each call shifts the material by a random amount, scales it by up to 3 % and bends its lines by
    about `bend` pixels. Coordinates are positive.
    """
    height, width = size
    turn = np.deg2rad(angle)
    scale = 1 + 0.03 * rng.uniform(-1, 1)
    y = np.arange(height)[:, None] + _wave(rng, width, bend)[None, :]
    x = np.arange(width)[None, :] + _wave(rng, height, bend)[:, None]
    shift = 2.0 * (height + width) + rng.uniform(0, 1000, 2)
    u = (x * np.cos(turn) + y * np.sin(turn)) * scale + shift[0]
    v = (y * np.cos(turn) - x * np.sin(turn)) * scale + shift[1]
    return u, v


def smooth_step(x: Array) -> Array:
    """Rise from 0 to 1 while `x` goes from 0 to 1, flat outside and smooth at both ends."""
    t: Array = np.clip(x, 0, 1)
    square = t * t
    t *= -2
    t += 3
    t *= square
    return t


def to_rgb(colour: Colour) -> Array:
    """Reflectance (3, 1, 1), 0 to 1, of a colour."""
    return np.array(list(bytes.fromhex(colour))).reshape(3, 1, 1) / 255


def mix(share: Array, low: Colour | Array, high: Colour | Array) -> Array:
    """Blend two colours, or two pictures (3, H, W), by `share` (H, W): 0 is `low`, 1 is `high`."""
    start, end = (to_rgb(c) if isinstance(c, str) else c for c in (low, high))
    blend: Array = share * (end - start)
    blend += start
    return blend


def relief(height: Array, depth: float) -> Array:
    """Light and shade (H, W) of a height map lit from the upper left; 1 where it is level."""
    shade = np.ones_like(height)
    shade[:, 1:-1] -= (height[:, 2:] - height[:, :-2]) * (0.5 * depth * np.cos(LAMP))
    shade[1:-1] -= (height[2:] - height[:-2]) * (0.5 * depth * np.sin(LAMP))
    shade[:, [0, -1]] = shade[:, [1, -2]]
    shade[[0, -1]] = shade[[1, -2]]
    return np.clip(shade, 0.3, 1.8, out=shade)
