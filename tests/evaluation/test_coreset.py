"""The greedy coreset against a loop over pairs, and against anomalib's choice.

What anomalib computes is stored: `reference/make_anomalib.py` says how it was made.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from cozad_teach.evaluation.baselines import coreset
from cozad_teach.evaluation.baselines.coreset import greedy_coreset

REFERENCE = Path(__file__).parent / "reference" / "anomalib.npz"


def draw(rows: int, channels: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(rows, channels, generator=torch.Generator().manual_seed(seed))


def naive(patches: torch.Tensor, size: int, start: int) -> list[int]:
    """Look at every pair anew for every choice."""
    rows = patches.double().tolist()
    chosen = [start]
    while len(chosen) < size:
        best, farthest = -1, -1.0
        for i, row in enumerate(rows):
            nearest = min(
                sum((a - b) ** 2 for a, b in zip(row, rows[j], strict=True)) for j in chosen
            )
            if nearest > farthest:
                best, farthest = i, nearest
        chosen.append(best)
    return chosen


def radius(patches: torch.Tensor, chosen: torch.Tensor) -> float:
    """The largest distance of a patch to the nearest chosen one."""
    exact = "donot_use_mm_for_euclid_dist"
    return float(torch.cdist(patches, patches[chosen], compute_mode=exact).amin(1).max())


@pytest.mark.parametrize(("rows", "channels", "size"), [(23, 4, 9), (5, 11, 4), (40, 1, 12)])
@pytest.mark.parametrize("seed", [0, 1])
def test_choice_equals_a_loop(rows: int, channels: int, size: int, seed: int) -> None:
    patches = draw(rows, channels)
    found = greedy_coreset(patches, size, seed=seed)
    assert found.dtype == torch.int64
    assert found.tolist() == naive(patches, size, int(found[0]))


@pytest.mark.parametrize("block", [1, 7, 23])
def test_blocks_do_not_change_the_choice(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    whole = greedy_coreset(draw(23, 4), 9)
    monkeypatch.setattr(coreset, "BLOCK", block)
    assert torch.equal(greedy_coreset(draw(23, 4), 9), whole)


def test_the_seed_decides_the_first_patch_and_leaves_the_global_state_alone() -> None:
    before = torch.get_rng_state()
    firsts = {int(greedy_coreset(draw(23, 4), 1, seed=seed)) for seed in range(200)}
    assert firsts == set(range(23))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(
        greedy_coreset(draw(23, 4), 9, seed=3), greedy_coreset(draw(23, 4), 9, seed=3)
    )


@pytest.mark.parametrize("size", [23, 24, 1000])
def test_a_coreset_of_everything_is_everything_in_order(size: int) -> None:
    assert greedy_coreset(draw(23, 4), size).tolist() == list(range(23))
    assert greedy_coreset(torch.zeros(23, 4), size).tolist() == list(range(23))
    assert greedy_coreset(torch.zeros(0, 4), size).tolist() == []


def test_the_choice_ends_where_only_duplicates_are_left() -> None:
    # The expanded square would not find these 0 apart: they are far from the origin.
    different = draw(6, 5) + 1000
    patches = different.repeat(4, 1)
    found = greedy_coreset(patches, 20)
    assert len(found) == 6
    assert sorted(i % 6 for i in found.tolist()) == list(range(6))
    assert len(greedy_coreset(torch.ones(9, 3), 4)) == 1


def test_of_equally_far_patches_the_first_is_taken() -> None:
    square = torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [-1.0, 0.0], [0.0, -1.0]])
    for seed in range(20):
        found = greedy_coreset(square, 3, seed=seed).tolist()
        if found[0] == 0:
            assert found == [0, 1, 2]  # 3 and 4 are as far from 0 and 1 as 2 is
            return
    raise AssertionError("no seed starts in the middle")


def test_patches_may_need_gradients_and_be_views() -> None:
    patches = draw(23, 4).requires_grad_()
    assert torch.equal(greedy_coreset(patches, 9), greedy_coreset(patches.detach(), 9))
    wide = draw(23, 8)[:, ::2]
    assert torch.equal(greedy_coreset(wide, 9), greedy_coreset(wide.contiguous(), 9))


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_bad_values_and_sizes_are_refused(value: float) -> None:
    patches = draw(23, 4)
    with pytest.raises(ValueError, match="at least one patch, not 0"):
        greedy_coreset(patches, 0)
    patches[11, 2] = value
    with pytest.raises(ValueError, match="NaN or infinite"):
        greedy_coreset(patches, 9)


def test_choice_equals_that_of_anomalib() -> None:
    with np.load(REFERENCE, allow_pickle=False) as stored:
        embeddings = torch.from_numpy(stored["embeddings"])
        patches = embeddings[: len(embeddings) - len(stored["nearest"])].flatten(0, 2)
        theirs, projected = (torch.from_numpy(stored[k]) for k in ("coreset", "projected"))
    # Both start at random: turn the list of patches until the starts agree.
    shift = int(greedy_coreset(patches, 1)) - int(theirs[0])
    found = (greedy_coreset(patches.roll(shift, 0), len(theirs)) - shift) % len(patches)
    assert torch.equal(found, theirs)
    # PatchCore chooses in a random projection, which covers the patches less well; and a greedy
    # choice has at most twice the radius of any other.
    assert radius(patches, found) < radius(patches, projected)
    assert radius(patches, greedy_coreset(patches, len(theirs))) <= 2 * radius(patches, projected)
