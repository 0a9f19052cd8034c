"""Training-free detectors on the same features and the same scoring end as CoZAD.

Each detector takes standardised patch features of the test images (N, h, w, C), those of the
support (M, h, w, C) or None where every test image is to be scored by the test images themselves,
and gives patch scores (N, h, w), higher is more anomalous.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import vmap
from tqdm.auto import tqdm

from cozad_teach.evaluation.baselines.coreset import greedy_coreset
from cozad_teach.nearest import neighbourhood
from cozad_teach.scoring import gaussian_statistics, mahalanobis

__all__ = [
    "ensemble_scores",
    "mahalanobis_scores",
    "mutual_scores",
    "nearest_neighbour_scores",
]

# Patches that a test patch is compared with: more of them cost time and change little.
BANK_SIZE = 8_192
# Patches, drawn at random, that a coreset is chosen from: its time grows with both numbers.
CANDIDATES = 4 * BANK_SIZE
# Images that a test image is compared with in mutual scoring.
MUTUAL_REFERENCES = 32


def mahalanobis_scores(
    test: Tensor, support: Tensor | None, *, shrinkage: float, progress: bool = False
) -> Tensor:
    """Score patches by their distance to one Gaussian, as PaDiM does with one for each place.

    Parameters
    ----------
    test : torch.Tensor
        Shape (N, h, w, C).
    support : torch.Tensor or None
        Shape (M, h, w, C); None: each test image is its own support.
    shrinkage : float
        ρ of the covariance.
    progress : bool
        Show a bar if it takes more than two seconds.
    """

    def statistics(images: Tensor) -> tuple[Tensor, Tensor]:
        equal = torch.ones(len(images), device=images.device)
        return gaussian_statistics(images.flatten(1, 2), equal, shrinkage)

    chunks = tqdm(test.split(16), "images", unit="chunk", delay=2, disable=not progress)
    if support is None:
        own = vmap(lambda image: mahalanobis(image, *statistics(image[None])))
        return torch.cat([own(chunk) for chunk in chunks])
    shared = statistics(support)
    return torch.cat([mahalanobis(chunk, *shared) for chunk in chunks])


def nearest_neighbour_scores(
    test: Tensor,
    support: Tensor | None,
    *,
    is_test: bool,
    seed: int = 0,
    progress: bool = False,
) -> Tensor:
    """Score patches by the distance to the nearest support patch, as PatchCore does.

    Parameters
    ----------
    test : torch.Tensor
        Shape (N, h, w, C).
    support : torch.Tensor or None
        Shape (M, h, w, C); None: each test image is its own support.
    is_test : bool
        The support *is* the test set, unlabelled and contaminated: an image must not find itself.
        False: the support consists of normal images.
    seed : int
        Decides which support patches are kept where there are more than `BANK_SIZE`.
    progress : bool
        Show a bar if it takes more than two seconds.

    Returns
    -------
    torch.Tensor
        Shape (N, h, w), Euclidean distances.

    Notes
    -----
    Too many patches of normal images are thinned to a greedy coreset, as in PatchCore, which
    covers rare normal patches as well as frequent ones. Those of the test set itself are thinned
    at random: patches far from all others are the first that a greedy coreset takes, and in a
    contaminated support these are the defects.

    Within one image a patch may not be matched with patches at most two places away, whose
    receptive fields overlap with its own: they are near however odd the place is.
    """
    images = tqdm(test, "images", unit="image", delay=2, disable=not progress)
    if support is None:
        near = neighbourhood(test.shape[1], test.shape[2]).to(test.device)
        scores = [torch.cdist(i, i).masked_fill(near, torch.inf).amin(-1) for i in _flat(images)]
        return torch.stack(scores).reshape(test.shape[:3])
    bank = support.flatten(0, 2)
    source = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(bank), generator=source)
    if is_test or len(bank) <= BANK_SIZE:
        kept = order[:BANK_SIZE].sort().values
    else:
        candidates = order[:CANDIDATES]
        chosen = greedy_coreset(bank[candidates], BANK_SIZE, seed=seed, progress=progress)
        kept = candidates[chosen.cpu()].sort().values
    owner = kept // (support.shape[1] * support.shape[2])
    bank = bank[kept]
    scores = []
    for index, image in enumerate(_flat(images)):
        others = bank[owner != index] if is_test else bank
        scores.append(_nearest(image, others[None])[:, 0])
    return torch.stack(scores).reshape(test.shape[:3])


def mutual_scores(
    test: Tensor,
    support: Tensor,
    *,
    is_test: bool,
    closest: float = 0.3,
    seed: int = 0,
    progress: bool = False,
) -> Tensor:
    """Score patches by how badly other unlabelled images explain them, as MuSc does.

    Parameters
    ----------
    test, support : torch.Tensor
        Shapes (N, h, w, C) and (M, h, w, C).
    is_test : bool
        The support *is* the test set: an image must not judge itself.
    closest : float
        Share of the judging images, those with the smallest distances, whose mean is the score:
        a patch need not be found in every image, only in some.
    seed : int
        Decides which images judge where there are more than `MUTUAL_REFERENCES`.
    progress : bool
        Show a bar if it takes more than two seconds.
    """
    source = torch.Generator().manual_seed(seed)
    judges = torch.randperm(len(support), generator=source)[: MUTUAL_REFERENCES + 1]
    flat_support = support.flatten(1, 2)
    scores = []
    images = tqdm(test, "images", unit="image", delay=2, disable=not progress)
    for index, image in enumerate(_flat(images)):
        others = [j for j in judges.tolist() if not (is_test and j == index)][:MUTUAL_REFERENCES]
        nearest = _nearest(image, flat_support[others])
        k = max(1, round(closest * len(others)))
        scores.append(nearest.topk(k, dim=-1, largest=False).values.mean(-1))
    return torch.stack(scores).reshape(test.shape[:3])


def ensemble_scores(members: Sequence[Tensor]) -> Tensor:
    """Average the scores that one method gives to the same images on several backbones.

    Parameters
    ----------
    members : sequence of torch.Tensor
        Patch scores (N, h_i, w_i) of each backbone, images in the same order, on a scale on which
        normal patches are near 1 whatever the backbone, as the distance of `mahalanobis` is.

    Returns
    -------
    torch.Tensor
        Shape (N, h, w), that of the member with the most patches; the others are resized to it
        bilinearly.

    Raises
    ------
    ValueError
        If there is no member, or the members differ in their number of images.

    Notes
    -----
    Members are not normalised over the batch first, which would make their scales equal: the score
    of an image would then depend on the other test images, which the protocol ``single`` forbids.
    """
    if not members:
        raise ValueError("an ensemble needs at least one member")
    if len(numbers := {len(member) for member in members}) > 1:
        raise ValueError(f"members of an ensemble score the same images, not {sorted(numbers)}")
    grid = max((member.shape[1:] for member in members), key=lambda shape: shape.numel())
    resized = [
        F.interpolate(member[:, None], size=grid, mode="bilinear", align_corners=False)[:, 0]
        for member in members
    ]
    return torch.stack(resized).mean(0)


def _flat(images: Iterable[Tensor]) -> Iterator[Tensor]:
    return (image.flatten(0, 1) for image in images)


def _nearest(patches: Tensor, groups: Tensor) -> Tensor:
    """Give the Euclidean distance of each patch (P, C) to the nearest of each group (G, R, C).

    The square is expanded, so that one matrix product does the work, and roots are taken of the
    nearest only: two passes over a large matrix instead of six.
    """
    others = groups.flatten(0, 1)
    partial = torch.addmm(others.square().sum(-1), patches, others.mT, alpha=-2)
    nearest = partial.unflatten(-1, groups.shape[:2]).amin(-1)
    return (nearest + patches.square().sum(-1, keepdim=True)).clamp(min=0).sqrt()
