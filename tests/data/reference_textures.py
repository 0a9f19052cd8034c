"""A small set of drawn pictures whose bytes must be the same everywhere."""

from __future__ import annotations

import hashlib

import numpy as np

from cozad_teach.data.drawn.materials import MATERIALS
from cozad_teach.data.drawn.textures import DEFECTS, TextureSet, add_defect, draw_texture


def draw_reference_set() -> TextureSet:
    """Draw one small image of each family, whole and with each kind of defect, in part hidden."""
    families = {name.split("_")[0]: name for name in MATERIALS}
    images, masks, defects = [], [], []
    for category in families.values():
        whole = draw_texture(category, seed=1, size=(40, 56))
        images.append(whole)
        masks.append(np.zeros(whole.shape[:2], bool))
        for kind in DEFECTS:
            image, mask = add_defect(whole, kind, seed=2, severity=0.8, occlusion=0.2)
            images.append(image)
            masks.append(mask)
        defects += ["good", *DEFECTS]
    return TextureSet(np.stack(images), np.stack(masks), tuple(defects))


def reference_digest() -> str:
    """SHA-256 (hexadecimal) of the pixels and masks of `draw_reference_set`."""
    reference = draw_reference_set()
    return hashlib.sha256(reference.images.tobytes() + reference.masks.tobytes()).hexdigest()
