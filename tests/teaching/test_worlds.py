"""Small worlds: each part wins in its own, and loses its worth along the dial, as the page says."""

from __future__ import annotations

import numpy as np
import pytest

from cozad_book.worlds import SEEDS, WORLDS, World

BY_PART = {world.part: world for world in WORLDS}


def means(part: str) -> np.ndarray:
    return BY_PART[part].gains().mean(axis=1)


def test_the_prior_and_the_means_by_place_win_and_then_end_at_nothing() -> None:
    prior, places = means("the prior"), means("a mean for each place")
    assert prior[0] > 0.3 and np.all(np.diff(prior) < 0.005) and abs(prior[-1]) < 0.01
    assert places[-1] > 0.3 and np.all(np.diff(places) > -0.01) and abs(places[0]) < 0.01


def test_weights_and_the_inner_loop_win_and_harm_at_the_other_end() -> None:
    weights, loop = means("confidence weights"), means("the inner loop")
    assert weights.max() > 0.15 and weights[-1] < -0.05 and abs(weights[0]) < 0.01
    assert loop[-1] > 0.1 and np.all(np.diff(loop) > 0) and loop[0] < -0.01


def test_the_head_wins_on_average_where_much_is_anomalous_and_harms_where_little_is() -> None:
    world = BY_PART["the contrastive head"]
    gains = [np.mean([world.gain(value, s) for s in SEEDS]) for value in (0.02, 0.25)]
    assert gains[0] < -0.1 and gains[1] > 0.1


@pytest.mark.parametrize("world", WORLDS, ids=BY_PART)
def test_a_draw_is_the_same_each_time(world: World) -> None:
    value = world.values[1]
    assert world.gain(value, 3) == world.gain(value, 3)
    assert world.gain(value, 3) != world.gain(value, 4)
    assert list(world.values) == sorted(world.values)
