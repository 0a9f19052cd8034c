"""The drawn product: where it lies, what is missing, and that a seed decides the rest."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cozad_book.products import HOLE, draw_product
from cozad_teach.data.drawn.textures import DEFECTS

CENTRES = [(0.33, 0.22), (0.33, 0.78), (0.67, 0.22), (0.67, 0.78)]


def hole_at(image: np.ndarray, place: tuple[float, float]) -> bool:
    y, x = (int(share * len(image)) for share in place)
    return bool((image[y, x] == HOLE).all())


def test_each_hole_can_be_missing() -> None:
    assert all(hole_at(draw_product(3, 96), place) for place in CENTRES)
    for number in range(4):
        image = draw_product(3, 96, missing=[number])
        assert [hole_at(image, place) for place in CENTRES] == [n != number for n in range(4)]


def test_shift_moves_down_and_right() -> None:
    image = draw_product(3, 100, shift=(10, 5))
    assert all(hole_at(image, (y + 0.1, x + 0.05)) for y, x in CENTRES)
    assert not hole_at(image, CENTRES[0])


def test_turn_is_clockwise() -> None:
    # A quarter turn takes the upper left hole to the upper right, seen from the middle.
    image = draw_product(3, 100, turn=90, missing=[0])
    found = [hole_at(image, (0.5 + y, 0.5 + x)) for y in (-0.28, 0.28) for x in (-0.17, 0.17)]
    assert found == [True, False, True, True]


def test_seed_decides_the_rest() -> None:
    assert (draw_product(1, 64) == draw_product(1, 64)).all()
    assert (draw_product(1, 64) != draw_product(2, 64)).mean() > 0.5
    assert draw_product(1, 64).dtype == np.uint8 and draw_product(1, 64).shape == (64, 64, 3)


@pytest.mark.parametrize("defect", DEFECTS)
@pytest.mark.parametrize("pose", [{}, {"shift": (12.0, -20.0), "turn": 10.0}])
def test_a_defect_lies_on_the_plate(defect: str, pose: dict[str, Any]) -> None:
    for seed in range(4):
        good, spoilt = (draw_product(seed, 224, **pose, defect=d) for d in (None, defect))
        changed = (good != spoilt).any(-1)
        assert changed.sum() > 20
        y, x = np.nonzero(changed)
        shift, turn = pose.get("shift", (0.0, 0.0)), np.deg2rad(pose.get("turn", 0.0))
        y, x = y - 111.5 - shift[0], x - 111.5 - shift[1]
        along = np.cos(turn) * x + np.sin(turn) * y
        across = np.cos(turn) * y - np.sin(turn) * x
        inside = (abs(along) < 0.36 * 224) & (abs(across) < 0.25 * 224)
        assert inside.mean() >= 0.9
        assert (spoilt == draw_product(seed, 224, **pose, defect=defect)).all()
