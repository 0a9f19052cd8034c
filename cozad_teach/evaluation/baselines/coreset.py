"""Choose few patches that leave no other patch far away: the k-centre problem, greedily.

Sources: Gonzalez, "Clustering to minimize the maximum intercluster distance", Theoretical Computer
Science 38, 1985 (the algorithm, and that no choice of as many patches covers with less than half
its radius); Roth et al., "Towards total recall in industrial anomaly detection", CVPR 2022
(PatchCore, which thins its memory so).
"""

from __future__ import annotations

import torch
from torch import Tensor
from tqdm.auto import tqdm

__all__ = ["greedy_coreset"]

# Patches whose distances are computed at once: their differences stay in the processor's cache.
BLOCK = 1_024


@torch.no_grad()
def greedy_coreset(patches: Tensor, size: int, *, seed: int = 0, progress: bool = False) -> Tensor:
    """Choose patches one by one, each the farthest from all that are chosen already.

    Parameters
    ----------
    patches : torch.Tensor
        Floating point, shape (R, C), finite.
    size : int
        Number of patches wanted, at least 1.
    seed : int
        Decides the first patch; all others follow from it.
    progress : bool
        Show a bar if it takes more than two seconds.

    Returns
    -------
    torch.Tensor
        int64 indices into `patches`, shape (K,), all different, in the order of choice; of equally
        far patches the first is taken. K = `size`, with two exceptions. Where `size` ≥ R, all
        indices, in rising order. Where every patch left equals a chosen one, the choice ends and
        K < `size`: more duplicates would bring no patch any nearer.

    Raises
    ------
    ValueError
        If `size` is below 1 or a value is not finite: nothing is far from NaN.

    Notes
    -----
    Euclidean distances of differences, not of an expanded square, whose rounding would part
    duplicates. O(R · C) time for each chosen patch and O(R) memory beside the patches.
    """
    if size < 1:
        raise ValueError(f"a coreset needs at least one patch, not {size}")
    if not patches.isfinite().all():
        raise ValueError("a coreset needs finite patches: some values are NaN or infinite")
    if size >= len(patches):
        return torch.arange(len(patches), device=patches.device)
    source = torch.Generator().manual_seed(seed)
    latest = int(torch.randint(len(patches), (1,), generator=source))
    chosen = [latest]
    # To the nearest chosen patch, and to the one chosen last.
    distances = patches.new_full((len(patches),), torch.inf)
    to_latest = torch.empty_like(distances)
    difference = patches.new_empty(min(BLOCK, len(patches)), patches.shape[1])
    with tqdm(total=size, initial=1, desc="coreset", delay=2, disable=not progress) as bar:
        while len(chosen) < size:
            for block, out in zip(patches.split(BLOCK), to_latest.split(BLOCK), strict=True):
                torch.sub(block, patches[latest], out=difference[: len(block)])
                torch.linalg.vector_norm(difference[: len(block)], dim=1, out=out)
            torch.minimum(distances, to_latest, out=distances)
            latest = int(distances.argmax())
            if distances[latest] == 0:
                break
            chosen.append(latest)
            bar.update()
    return torch.tensor(chosen, device=patches.device)
