"""Find crops: windows of one image that resemble all of another.

Smooth images have many such windows by chance. So a window that is alike in 8 x 8 cells is moved
until it fits best, and must then agree with the other image in fine detail as well.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from cozad_teach.data.identity.fingerprints import THUMBNAIL_SIDE, Fingerprints
from cozad_teach.data.identity.thumbnails import (
    common_pictures,
    correlation,
    normed,
    pictures_of,
    pooled,
    without,
)

__all__ = ["find_crops"]

# Limits, chosen on real sets: crops pass them, windows of other images do not.
WINDOW_CORRELATION, START_CORRELATION = 0.88, 0.5
CROP_CORRELATION, CROP_DETAIL = 0.9, 0.35

# Windows are fitted at half the size of a thumbnail, where saving anew leaves no trace.
_HALF = THUMBNAIL_SIDE // 2
# Heights and widths of the windows in pixels of a thumbnail: equal shares of both sides; all of one
# side; and three to four, either way. Others are reached when a window is fitted.
_EQUAL = [(side, side) for side in range(_HALF, THUMBNAIL_SIDE, 4)]
_ONE_SIDE = [(side, THUMBNAIL_SIDE) for side in range(_HALF, THUMBNAIL_SIDE, 4)]
_UNEQUAL = [(side, side * 3 // 4) for side in (44, 52, 60)]
_UPRIGHT = [*_ONE_SIDE, *_UNEQUAL]
_SIZES = [*_EQUAL, *_UPRIGHT, *((width, height) for height, width in _UPRIGHT)]
# Windows lie two pixels apart.
_STEP, _CELLS = 2, 8
_IMAGES, _PAIRS = 16, 256  # compared at a time
# Moves of a window: down, right, larger, taller, wider, larger about its centre.
_MOVES = torch.tensor(
    [
        (1, 0, 0, 0),
        (0, 1, 0, 0),
        (0, 0, 1, 1),
        (0, 0, 1, 0),
        (0, 0, 0, 1),
        (-0.5, -0.5, 1, 1),
    ]
)


def find_crops(first: Fingerprints, second: Fingerprints) -> Iterator[tuple[int, int, float]]:
    """Find the pairs of which one image is a crop of the other, upright or mirrored.

    Parameters
    ----------
    first, second : Fingerprints
        The two sets.

    Yields
    ------
    first, second : int
        Places in the two sets; a pair may come more than once.
    similarity : float
        Correlation of the crop with the window that fits it best, 0.9 to 1.
    """
    a, b = pictures_of(first), pictures_of(second)
    common = common_pictures(normed(b), normed(b))
    for i, j, boxes, mirrored in _candidates(a, b):
        parts, shared = _seen(b[j], mirrored), _seen(common[j], mirrored)
        for k, similarity in _fitting(a[i], parts, boxes, shared):
            yield int(i[k]), int(j[k]), similarity
    for j, i, boxes, mirrored in _candidates(b, a):
        # Seen through the window, what is common is a window of it.
        shared = normed(_window(common[j], boxes))
        for k, similarity in _fitting(b[j], _seen(a[i], mirrored), boxes, shared):
            yield int(i[k]), int(j[k]), similarity


def _seen(pictures: Tensor, mirrored: Tensor) -> Tensor:
    return torch.where(mirrored[:, None, None], pictures.flip(-1), pictures)


def _candidates(whole: Tensor, parts: Tensor) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Give pairs of an image and a part that is like one of its windows.

    With the windows, and whether the part is mirrored; at most `_PAIRS` of them at a time.
    """
    described = normed(pooled(torch.cat([parts, parts.flip(-1)]), _CELLS)).flatten(1)
    found = []
    for start in range(0, len(whole), _IMAGES):
        some = whole[start:][:_IMAGES]
        best = torch.full((len(some), len(described)), WINDOW_CORRELATION)
        boxes = torch.zeros(*best.shape, 4)
        for size in _SIZES:
            cells, places = _cells_of_windows(some, size)
            alike = described @ cells.flatten(0, 1).T
            alike = alike.unflatten(1, cells.shape[:2])  # (parts, images, windows)
            likeness = alike.amax(-1).T
            # Which window it is takes longer to find than how alike it is: only where it counts.
            i, j = torch.nonzero(likeness > best).unbind(1)
            best[i, j] = likeness[i, j]
            boxes[i, j] = places[alike[j, i].argmax(-1)]
        i, j = torch.nonzero(best > WINDOW_CORRELATION).unbind(1)
        found.append((start + i, j, boxes[i, j]))
    for i, j, boxes in zip(
        *(torch.cat(x).split(_PAIRS) for x in zip(*found, strict=True)), strict=True
    ):
        yield i, j % len(parts), boxes, j >= len(parts)


def _cells_of_windows(pictures: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Average every window of one size over 8 x 8 cells: (N, W, 64), and its boxes (W, 4)."""
    (tops, of_rows), (lefts, of_columns) = map(_shares_of_cells, size)
    rows = torch.einsum("tcy,nyx->ntcx", of_rows, pictures)
    cells = torch.einsum("ntcx,ldx->ntlcd", rows, of_columns).flatten(1, 2).flatten(2)
    top, left = (x.flatten() for x in torch.meshgrid(tops, lefts, indexing="ij"))
    box = [top, left, torch.full_like(top, size[0]), torch.full_like(top, size[1])]
    # As `normed`, in one pass over all windows.
    cells = F.layer_norm(cells, cells.shape[-1:], eps=1e-12) / _CELLS
    return cells, torch.stack(box, 1) / THUMBNAIL_SIDE


def _shares_of_cells(side: int) -> tuple[Tensor, Tensor]:
    """Give where windows of one side start, and how much of a pixel belongs to each cell of them.

    The second has the shape (windows, cells, pixels); a cell may cut a pixel in two.
    """
    starts = torch.arange(0, THUMBNAIL_SIDE - side + 1, _STEP)
    edges = starts[:, None] + torch.arange(_CELLS + 1) * (side / _CELLS)
    pixels = torch.arange(THUMBNAIL_SIDE)
    upper = torch.minimum(edges[:, 1:, None], pixels + 1)
    return starts, (upper - torch.maximum(edges[:, :-1, None], pixels)).clamp(min=0)


def _fitting(
    whole: Tensor, parts: Tensor, boxes: Tensor, shared: Tensor
) -> Iterator[tuple[int, float]]:
    """Move windows until they fit their parts best; give which of them do, and how well.

    `shared` is what the images of the second set have in common, as each pair shows it: it proves
    nothing, and is taken out before the two are compared.
    """
    start = _likeness(whole, boxes, normed(pooled(parts, _HALF)))
    kept = torch.nonzero(start >= START_CORRELATION).flatten()
    whole, parts, shared = whole[kept], normed(parts[kept]), shared[kept]
    boxes = _fitted(whole, normed(pooled(parts, _HALF)), boxes[kept])
    window = without(normed(_window(whole, boxes)), shared)
    part = without(parts, shared)
    similarity = correlation(*(normed(pooled(x, _HALF)) for x in (window, part)))
    detail = correlation(_fine(window), _fine(part))
    same = (similarity >= CROP_CORRELATION) & (detail >= CROP_DETAIL)
    yield from ((int(kept[k]), float(similarity[k])) for k in torch.nonzero(same).flatten())


def _fitted(whole: Tensor, parts: Tensor, boxes: Tensor) -> Tensor:
    """Climb to the windows with the highest likeness, in steps from one pixel to an eighth."""
    best = _likeness(whole, boxes, parts)
    for size in (1, 1, 1 / 2, 1 / 2, 1 / 4, 1 / 8):
        for move in (*_MOVES, *-_MOVES):
            trial = boxes + move * size / THUMBNAIL_SIDE
            likeness = _likeness(whole, trial, parts)
            better = likeness > best
            best = torch.where(better, likeness, best)
            boxes = torch.where(better[:, None], trial, boxes)
    return boxes


def _likeness(whole: Tensor, boxes: Tensor, parts: Tensor) -> Tensor:
    return correlation(normed(_window(whole, boxes, _HALF)), parts)


def _window(pictures: Tensor, boxes: Tensor, side: int = THUMBNAIL_SIDE) -> Tensor:
    """Cut a box (top, left, height, width; shares of a side) out of each picture.

    Shape (N, side, side), of 64 x 64 pixels that are interpolated linearly and then pooled. Rows
    and columns are cut apart, by two small matrix products.
    """
    rows, columns = (_interpolated(boxes[:, axis], boxes[:, axis + 2], side) for axis in (0, 1))
    return rows @ pictures @ columns.mT


def _interpolated(starts: Tensor, sizes: Tensor, side: int) -> Tensor:
    """Give what each pixel of a row adds to each pixel of its windows, (N, side, 64)."""
    pixels = torch.arange(THUMBNAIL_SIDE)
    centres = starts[:, None] * THUMBNAIL_SIDE + sizes[:, None] * (pixels + 0.5) - 0.5
    centres = centres.clamp(0, THUMBNAIL_SIDE - 1)  # beyond the border it goes on
    before = centres.floor().clamp(max=THUMBNAIL_SIDE - 2)
    share = (centres - before) * side / THUMBNAIL_SIDE
    neighbours = torch.stack([before, before + 1], -1).long()
    shares = torch.stack([side / THUMBNAIL_SIDE - share, share], -1)
    shape = (len(starts), side, 2 * THUMBNAIL_SIDE // side)  # two neighbours of each pooled pixel
    empty = torch.zeros(len(starts), side, THUMBNAIL_SIDE)
    return empty.scatter_add_(2, neighbours.reshape(shape), shares.reshape(shape))


def _fine(pictures: Tensor) -> Tensor:
    """Leave only what is finer than a few pixels and varies along rows and columns both.

    Without the second condition any two stripes of one width would agree.
    """
    kernel = torch.tensor([[[1.0, 4.0, 6.0, 4.0, 1.0]]]) / 16
    pixels = torch.eye(pictures.shape[-1])[:, None]
    smooth = F.conv1d(F.pad(pixels, (2, 2), mode="replicate"), kernel)[:, 0]  # (from, to)
    fine = pictures - smooth.T @ pictures @ smooth
    return normed(fine - fine.mean(-1, keepdim=True) - fine.mean(-2, keepdim=True))
