"""Time and error of our pixel metrics against other exact ways; ``python`` runs it by hand.

All run in this process, one after the other, so the ratios mean more than the seconds. Scores are
drawn, not measured: 100 maps of 256 x 256, half of them with one to four square defects.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
from scipy import ndimage
from sklearn.metrics import average_precision_score, roc_auc_score

from cozad_teach.evaluation.metrics import aupro, pixel_ap, pixel_auroc

REPEATS = 3


def draw(dtype: type, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Draw smooth anomaly maps and their masks, (100, 256, 256) each."""
    rng = np.random.default_rng(seed)
    masks = np.zeros((100, 256, 256), bool)
    for mask in masks[::2]:
        for _ in range(rng.integers(1, 5)):
            (y, x), side = rng.integers(0, 220, 2), rng.integers(4, 36)
            mask[y : y + side, x : x + side] = True
    noise = ndimage.gaussian_filter(rng.normal(size=masks.shape), (0, 4, 4))
    maps = 128 + 40 * (noise / noise.std() + 1.5 * masks)
    return maps.clip(0, 255).astype(dtype), masks


def aupro_by_full_sort(maps: np.ndarray, masks: np.ndarray, limit: float = 0.3) -> float:
    """The published curve point by point: sort every pixel, accumulate, keep distinct scores."""
    weights = np.zeros(maps.shape)
    n_regions = 0
    for index, mask in enumerate(masks):
        regions, n = ndimage.label(mask, structure=np.ones((3, 3)))
        sizes = np.bincount(regions.ravel(), minlength=n + 1)
        weights[index][mask] = 1 / sizes[regions[mask]]
        n_regions += n
    order = np.argsort(-maps.ravel().astype(np.float64), kind="stable")
    scores = maps.ravel()[order]
    last = np.append(np.flatnonzero(scores[1:] != scores[:-1]), scores.size - 1)
    false = ~masks.ravel()[order]
    fpr = np.append(0.0, np.cumsum(false)[last] / false.sum())
    pro = np.append(0.0, np.cumsum(weights.ravel()[order])[last] / n_regions)
    inside = fpr < limit
    x = np.append(fpr[inside], limit)
    y = np.append(pro[inside], np.interp(limit, fpr, pro))
    return float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2) / limit)


def timed(metric: Callable[..., float], *arrays: np.ndarray) -> tuple[float, float]:
    """Give the value of `metric` and its least CPU seconds."""
    seconds = []
    for _ in range(REPEATS):
        start = time.process_time()
        value = metric(*arrays)
        seconds.append(time.process_time() - start)
    return value, min(seconds)


def main() -> None:
    for dtype in (np.float32, np.uint8):
        maps, masks = draw(dtype)
        flat = masks.ravel(), maps.ravel()
        for name, ours, other, theirs, arguments in (
            ("AUPRO", aupro, "full sort", aupro_by_full_sort, (maps, masks)),
            ("pixel AUROC", pixel_auroc, "scikit-learn", roc_auc_score, flat),
            ("pixel AP", pixel_ap, "scikit-learn", average_precision_score, flat),
        ):
            value, seconds = timed(ours, maps, masks)
            expected, reference = timed(theirs, *arguments)
            print(
                f"{dtype.__name__:8} {name:12} {value:.6f}  {seconds:6.2f} s = "
                f"{seconds / reference:.2f} of {other} ({reference:.2f} s), "
                f"difference {value - expected:+.1e}"
            )


if __name__ == "__main__":
    main()
