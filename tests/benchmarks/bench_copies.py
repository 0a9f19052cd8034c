"""Time to find copies among many images; ``python`` runs it by hand."""

from __future__ import annotations

import time

import numpy as np
from comparing import report, within
from scipy.ndimage import gaussian_filter

from cozad_teach.data.copies import find_copies
from cozad_teach.data.hashes import THUMBNAIL_SIDE, Fingerprints


def draw(n: int, seed: int) -> Fingerprints:
    """Draw thumbnails, from smooth to fine, without images behind them."""
    rng = np.random.default_rng(seed)
    thumbs = np.empty((n, THUMBNAIL_SIDE, THUMBNAIL_SIDE), np.uint8)
    for thumb in thumbs:
        noise = gaussian_filter(rng.normal(size=thumb.shape), rng.uniform(0.5, 6))
        thumb[...] = (128 + 40 * noise / noise.std()).clip(0, 255)
    names = tuple(f"{seed}/{i}" for i in range(n))
    return Fingerprints(names, names, thumbs)


def main() -> None:
    rows = []
    many = draw(3000, 0)
    for what, first, second, same_kind, limit in (
        ("whole copies within 3,000 images", many, many, True, 60),
        ("copies and crops, 324 beside 550 images", draw(324, 0), draw(550, 1), False, 60),
    ):
        start = time.perf_counter()
        find_copies(first, second, same_kind=same_kind)
        seconds = time.perf_counter() - start
        rows.append(within(what, seconds, limit, "s", seconds))
    report(rows)


if __name__ == "__main__":
    main()
