"""Make what the first page shows: a piece of wool, and what a detector that never saw wool says.

Usage: .venv/bin/python book/_tools/landing_picture.py
"""

from __future__ import annotations

import base64
import io
import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from cozad_teach.cozad import CoZAD
from cozad_teach.data.drawn.textures import draw_category
from cozad_teach.files.writing import atomic_write
from cozad_teach.models.train import train

ASSETS = Path(__file__).resolve().parents[1] / "assets"
SIDE, MAP_SIDE = 512, 128
SHOWN = 22  # a piece of the same wool, set in askew: the eye has to search
# The slider begins where this share of all pixels of the batch is below: no label decides it.
BEGIN = 0.97


def address(picture: Image.Image) -> str:
    """Give a picture as an address that carries its own data."""
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}"


def wool(model: CoZAD) -> tuple[Image.Image, dict[str, object]]:
    """Draw the wool of chapter 1; give one piece, and its distances and its flaw as pictures."""
    drawn = draw_category("knit_wool", 20, 10, seed=2, size=(SIDE, SIDE))
    maps = np.stack(model.detect(list(drawn.images)).pixel_maps)
    low, high = np.median(maps), maps[SHOWN].max()
    small = (MAP_SIDE, MAP_SIDE)
    grey = np.rint(255 * np.clip((maps[SHOWN] - low) / (high - low), 0, 1)).astype(np.uint8)
    flaw = Image.fromarray(drawn.masks[SHOWN]).resize(small, Image.Resampling.NEAREST)
    return Image.fromarray(drawn.images[SHOWN]), {
        "low": round(float(low), 3),
        "high": round(float(high), 3),
        "begin": round(float(np.quantile(maps, BEGIN)), 3),
        "distances": address(Image.fromarray(grey).resize(small, Image.Resampling.BILINEAR)),
        "flaw": address(flaw.convert("1")),
    }


def main() -> int:
    """Store the picture and its numbers among the book's assets."""
    picture, numbers = wool(train())
    with atomic_write(ASSETS / "wool.jpg") as file:
        picture.save(file, "JPEG", quality=82, optimize=True, progressive=True)
    with atomic_write(ASSETS / "wool.json") as file:
        file.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
