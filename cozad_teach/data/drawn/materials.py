"""The embedded categories: each name is a family, an underscore and a variant.

`UNSEEN_CATEGORIES` come from families that `AUXILIARY_CATEGORIES` do not use, so a model trained
on the latter has never met their kind of material.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from cozad_teach.data.drawn.noise import Array, Size
from cozad_teach.data.drawn.patterns import cells, dots, knit, stripes, weave
from cozad_teach.data.drawn.surfaces import cloud, leather, marble, photo, wood

__all__ = ["AUXILIARY_CATEGORIES", "MATERIALS", "UNSEEN_CATEGORIES"]

HEX = 0.866  # distance of the rows of a hexagonal lattice, in pitches

_AUXILIARY: dict[str, Callable[[np.random.Generator, Size], Array]] = {
    "cloud_concrete": partial(
        cloud, dark="787672", light="b0ada6", wavelength=60, slope=1.5, depth=0.12, pits=0.006
    ),
    "cloud_suede": partial(
        cloud, dark="785234", light="aa7c54", wavelength=30, slope=1.8, depth=0.05
    ),
    "cloud_paper": partial(
        cloud, dark="cec6b4", light="e8e2d4", wavelength=20, slope=1.2, depth=0.06
    ),
    "cloud_iron": partial(
        cloud, dark="3e424a", light="6c6e74", wavelength=12, slope=1.1, depth=0.2, pits=0.02
    ),
    "marble_white": partial(
        marble, base="e2e0dc", shade="c4c5c8", vein="787a82", wavelength=110, angle=35, width=0.07
    ),
    "marble_green": partial(
        marble, base="305442", shade="1e382e", vein="becebe", wavelength=70, angle=120, width=0.06
    ),
    "marble_black": partial(
        marble, base="26262a", shade="3a393c", vein="d2c8b0", wavelength=130, angle=80, width=0.03
    ),
    "marble_rose": partial(
        marble, base="ce9e90", shade="b4786c", vein="ecdcd2", wavelength=50, angle=10, width=0.1
    ),
    "leather_brown": partial(
        leather, colour="965c34", wavelength=14, stretch=1.3, angle=30, depth=0.5
    ),
    "leather_black": partial(
        leather, colour="424042", wavelength=20, stretch=1.0, angle=0, depth=0.7
    ),
    "leather_tan": partial(
        leather, colour="d6ac78", wavelength=9, stretch=2.0, angle=100, depth=0.35
    ),
    "weave_linen": partial(
        weave, warp="cec2a8", weft="beb094", pitch=9, order=(1, 2, 1), angle=0, slub=0.06
    ),
    "weave_denim": partial(
        weave, warp="384e80", weft="c4c8ce", pitch=7, order=(1, 4, 3), angle=4, slub=0.08
    ),
    "weave_basket": partial(
        weave, warp="b08854", weft="966c3e", pitch=12, order=(2, 2, 1), angle=45, slub=0.07
    ),
    "weave_twill": partial(
        weave, warp="8c3034", weft="5c222c", pitch=8, order=(1, 4, 2), angle=90, slub=0.05
    ),
    "stripes_corduroy": partial(
        stripes,
        dark="463e22",
        light="847642",
        pitch=18,
        share=0.8,
        angle=90,
        bend=0.8,
        depth=1.2,
        streak=0.08,
        cloth=0.04,
    ),
    "stripes_brushed": partial(
        stripes, dark="aaacb0", light="acaeb2", pitch=200, share=0.5, angle=0, streak=0.1
    ),
    "stripes_ticking": partial(
        stripes,
        dark="30426e",
        light="e2dcce",
        pitch=34,
        share=0.7,
        angle=90,
        bend=0.5,
        streak=0.03,
        cloth=0.08,
    ),
    "stripes_ribbed": partial(
        stripes,
        dark="2c2e32",
        light="54565a",
        pitch=26,
        share=0.6,
        angle=30,
        bend=0.1,
        depth=1.0,
        streak=0.02,
    ),
    "dots_perforated": partial(
        dots,
        ground="acaeb0",
        dot="2e2e32",
        pitch=26,
        radius=7.5,
        angle=0,
        bend=0.1,
        rise=-2.0,
        row_step=HEX,
        streak=0.05,
    ),
    "dots_polka": partial(
        dots,
        ground="263a68",
        dot="e8e4dc",
        pitch=36,
        radius=10,
        angle=45,
        bend=1,
        streak=0.02,
        cloth=0.09,
    ),
    "dots_rubber": partial(
        dots,
        ground="3c3e3e",
        dot="464848",
        pitch=30,
        radius=10,
        angle=15,
        bend=0.2,
        rise=1.5,
        row_step=HEX,
        streak=0.01,
    ),
    "dots_foam": partial(
        dots,
        ground="c2b058",
        dot="b4a24c",
        pitch=18,
        radius=6,
        angle=0,
        bend=0.6,
        rise=-0.8,
        streak=0.01,
    ),
    "brick_red": partial(
        photo, name="brick", dark="783426", light="cec4b8", zoom=1.0, angle=90, tilt=3
    ),
    "brick_grey": partial(
        photo, name="brick", dark="545860", light="bebcb4", zoom=0.75, angle=0, tilt=3
    ),
    "gravel_grey": partial(
        photo, name="gravel", dark="18181c", light="ceccc8", zoom=1.0, angle=0, tilt=180
    ),
    "gravel_sand": partial(
        photo, name="gravel", dark="46301e", light="e2c496", zoom=1.5, angle=0, tilt=180
    ),
}

_UNSEEN: dict[str, Callable[[np.random.Generator, Size], Array]] = {
    "wood_oak": partial(
        wood, early="c49c68", late="92663a", pitch=22, angle=0, waviness=0.8, pores=0.3
    ),
    "wood_walnut": partial(
        wood, early="785036", late="422a1e", pitch=30, angle=90, waviness=0.7, pores=0.4
    ),
    "cells_terrazzo": partial(
        cells,
        joint="cecac2",
        colours=("967864", "5a5c60", "ba966e", "e6e2dc"),
        pitch=24,
        gap=1.5,
        spread=1.0,
    ),
    "cells_mosaic": partial(
        cells, joint="bcb8b0", colours=("3e6e82", "4a8092", "325c74"), pitch=30, gap=1.5, spread=0.0
    ),
    "knit_wool": partial(knit, colour="d8cebc", pitch=26, angle=0, fuzz=0.06),
    "knit_cotton": partial(knit, colour="5a8278", pitch=15, angle=20, fuzz=0.04),
    "grass_green": partial(
        photo, name="grass", dark="1c2c10", light="a0be60", zoom=1.0, angle=0, tilt=180
    ),
    "grass_dry": partial(
        photo, name="grass", dark="3e2e18", light="d8be82", zoom=1.5, angle=0, tilt=180
    ),
}

MATERIALS = _AUXILIARY | _UNSEEN
AUXILIARY_CATEGORIES: tuple[str, ...] = tuple(_AUXILIARY)
UNSEEN_CATEGORIES: tuple[str, ...] = tuple(_UNSEEN)
