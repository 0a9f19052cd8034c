"""Make the two pictures of the README: heat maps on unseen materials, and a page of the book.

Run `make book` first; needs Chromium. Usage: .venv/bin/python book/_tools/readme_pictures.py
"""

from __future__ import annotations

import io
import shutil
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

from cozad_book.figures.drawing import image_grid, set_style
from cozad_teach.cozad import CoZAD
from cozad_teach.data.drawn.textures import draw_category
from cozad_teach.files.writing import atomic_write
from cozad_teach.models.overlays import overlay
from cozad_teach.models.train import train

BOOK = Path(__file__).resolve().parents[1]
PAGE = BOOK / "_build" / "html" / "chapters" / "02_features.html"
COLOURS = 192  # of the stored palette: a third of the bytes, no difference to see


def heat_maps(model: CoZAD) -> Image.Image:
    """Draw two defects on each of three unseen materials, each beside its heat map."""
    set_style()
    size = (model.settings.image_size, model.settings.image_size)
    pictures = []
    for name in ("wood_walnut", "knit_wool", "cells_mosaic"):
        drawn = draw_category(name, 12, 8, seed=4, size=size)
        patches, _, maps = model.detect(list(drawn.images))
        low, high = np.quantile(patches.numpy(), [0.5, 0.999])
        for i in (12, 16):  # a blob and a hole
            pictures += [drawn.images[i], overlay(drawn.images[i], maps[i], low, high)]
    figure = image_grid(pictures, ["image", "heat map"] * 6, columns=4, width=1.7)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100)
    return Image.open(buffer).convert("RGB")


def page() -> Image.Image:
    """Photograph a page of the built book."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1280, "height": 1080})
        tab.goto(PAGE.as_uri())
        tab.wait_for_timeout(2000)
        tab.locator("h2#the-idea-in-a-picture, section#the-idea-in-a-picture").first.evaluate(
            "element => element.scrollIntoView()"
        )
        tab.wait_for_timeout(500)
        shot = tab.screenshot()
        browser.close()
    return Image.open(io.BytesIO(shot)).convert("RGB").resize((853, 720), Image.Resampling.LANCZOS)


def main() -> int:
    """Store both pictures among the book's assets."""
    for name, picture in (("heat_maps", heat_maps(train())), ("page", page())):
        with atomic_write(BOOK / "assets" / f"readme_{name}.png") as file:
            picture.quantize(COLOURS).save(file, "PNG", optimize=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
