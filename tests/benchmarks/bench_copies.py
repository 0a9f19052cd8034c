"""Time to find copies among many images; ``python`` runs it by hand."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from comparing import report, within
from PIL import Image
from scipy.ndimage import gaussian_filter

from cozad_teach.data.drawn.textures import draw_texture
from cozad_teach.data.folders import open_dataset
from cozad_teach.data.identity.copies import find_copies
from cozad_teach.data.identity.fingerprints import THUMBNAIL_SIDE, Fingerprints

sys.path.append(str(Path(__file__).resolve().parents[2] / "data_scripts"))
from fetching.audit import audit_sets

SIDE = 900  # as in the larger categories of MVTec AD


def draw(n: int, seed: int) -> Fingerprints:
    """Draw thumbnails, from smooth to fine, without images behind them."""
    rng = np.random.default_rng(seed)
    thumbs = np.empty((n, THUMBNAIL_SIDE, THUMBNAIL_SIDE), np.uint8)
    for thumb in thumbs:
        noise = gaussian_filter(rng.normal(size=thumb.shape), rng.uniform(0.5, 6))
        thumb[...] = (128 + 40 * noise / noise.std()).clip(0, 255)
    names = tuple(f"{seed}/{i}" for i in range(n))
    return Fingerprints(names, names, thumbs)


def write(n: int, folder: Path) -> None:
    """Write different images, every second one as JPEG and the others as PNG."""
    place = folder / "thing" / "test" / "good"
    place.mkdir(parents=True)
    rng = np.random.default_rng(0)
    canvas = Image.fromarray(draw_texture("wood_oak", 0, (512, 512)))
    for i in range(n):
        x, y = rng.integers(0, 212, 2).tolist()
        image = canvas.crop((x, y, x + 300, y + 300)).resize((SIDE, SIDE))
        image.save(place / f"{i:04}.{('png', 'jpg')[i % 2]}", quality=95)


def audit(n: int) -> float:
    """Give the seconds to audit images that lie on disk, as the command does."""
    with tempfile.TemporaryDirectory() as folder:
        write(n, Path(folder))
        start = time.perf_counter()
        audit_sets(open_dataset(folder))
        return time.perf_counter() - start


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
    seconds = audit(3000)
    rows.append(within(f"audit of 3,000 files of {SIDE} pixels", seconds, 60, "s", seconds))
    report(rows)


if __name__ == "__main__":
    main()
