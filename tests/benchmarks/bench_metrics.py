"""Time, memory and error of pixel metrics beside other ways of computing them.

``python tests/benchmarks/bench_metrics.py``. Where anomalib and adeval are installed (see
``peers.txt``) they are compared too; the project itself does not need them. Scores are drawn, not
measured: 100 maps of 256 x 256, half of them with one to four square defects.
"""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from comparing import compare, report, timed, within
from scipy import ndimage
from sklearn.metrics import average_precision_score, roc_auc_score

from cozad_teach.evaluation.metrics import aupro, pixel_ap, pixel_auroc

CORNERS = np.ones((3, 3), int)


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


def aupro_as_published(maps: np.ndarray, masks: np.ndarray, limit: float = 0.3) -> float:
    """The published algorithm: what each pixel adds to both rates, sorted and accumulated.

    Written anew from its description: every pixel adds to the false positive rate or, by its
    region's size, to the overlap; the pixels are sorted by score, the sums kept where the score
    changes, and the curve integrated up to the limit.
    """
    adds_false = np.zeros(maps.shape, np.uint32)
    adds_overlap = np.zeros(maps.shape)
    n_normal = n_regions = 0
    for index, mask in enumerate(masks):
        labels, n = ndimage.label(mask, CORNERS)
        n_regions += n
        normal = labels == 0
        adds_false[index] = normal
        n_normal += int(normal.sum())
        for region in range(1, n + 1):
            inside = labels == region
            adds_overlap[index][inside] = 1 / inside.sum()
    scores = maps.ravel()
    order = np.argsort(scores)[::-1]
    scores = scores[order]
    fpr = np.cumsum(adds_false.ravel()[order], dtype=np.float64) / n_normal
    pro = np.cumsum(adds_overlap.ravel()[order], dtype=np.float64) / n_regions
    last = np.append(np.diff(scores) != 0, True)
    fpr, pro = np.append(0.0, fpr[last]), np.append(0.0, pro[last])
    inside = fpr < limit
    x = np.append(fpr[inside], limit)
    y = np.append(pro[inside], np.interp(limit, fpr, pro))
    return float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2) / limit)


def aupro_of_anomalib(maps: np.ndarray, masks: np.ndarray) -> float:
    """The metric of anomalib 2.7.0, on the CPU."""
    import torch
    from anomalib.metrics.aupro import _AUPRO

    metric = _AUPRO()
    metric.update(torch.from_numpy(maps), torch.from_numpy(masks.astype(np.int64)))
    return float(metric.compute())


def aupro_of_adeval(maps: np.ndarray, masks: np.ndarray) -> float:
    """The binned metric of adeval 1.1.0, its bins over the range of the scores."""
    import adeval

    if not hasattr(np, "trapz"):
        np.trapz = np.trapezoid  # it still uses the old name
    low, high = float(maps.min()), float(maps.max())
    gathered = adeval.EvalAccumulator(low, high, low, high)
    gathered.add_anomap_batch(list(maps), list(masks.astype(np.uint8)))
    for anomaly_map, mask in zip(maps, masks, strict=True):
        gathered.add_image(float(anomaly_map.max()), int(mask.any()))
    return float(gathered.summary()["p_aupro"])


def of_peer(package: str, function: Any, *arrays: np.ndarray) -> tuple[Any, float] | None:
    if importlib.util.find_spec(package) is None:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        function(*arrays)  # imports and compiles
        return timed(lambda: function(*arrays))


MANY = """
import re, sys, time
import numpy as np
from cozad_teach.evaluation.metrics import aupro
sys.path.insert(0, {folder!r})
from bench_metrics import draw
maps, masks = draw(np.float32)
start = time.process_time()
aupro((maps[i % 100] for i in range(1000)), (masks[i % 100] for i in range(1000)))
peak = re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]
print(int(peak) / 1e3, time.process_time() - start)
"""


def of_a_thousand_maps() -> dict[str, Any]:
    """Run in a process of its own, so that the peak is that of this alone; needs Linux."""
    code = MANY.format(folder=str(Path(__file__).parent))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    megabytes, seconds = map(float, done.stdout.split())
    what = "memory for AUPRO of 1,000 maps of 256 x 256"
    return within(what, megabytes, 1000, "MB", seconds)


def main() -> None:
    rows = []
    for dtype in (np.float32, np.uint8):
        maps, masks = draw(dtype)
        flat, kind = (masks.ravel(), maps.ravel()), f"{dtype.__name__} maps"
        ours = timed(lambda: aupro(maps, masks))  # noqa: B023
        published = timed(lambda: aupro_as_published(maps, masks))  # noqa: B023
        rows.append(compare(f"AUPRO, {kind}", ours, "MVTec's algorithm", published, "5"))
        if dtype == np.float32:
            for name, function, wanted in (
                ("anomalib", aupro_of_anomalib, "10"),
                ("adeval", aupro_of_adeval, "–"),
            ):
                theirs = of_peer(name, function, maps, masks)
                rows.append(compare(f"AUPRO, {kind}", ours, name, theirs, wanted))
        for what, metric, other, wanted in (
            ("pixel AUROC", pixel_auroc, roc_auc_score, "10"),
            ("pixel average precision", pixel_ap, average_precision_score, "–"),
        ):
            ours = timed(lambda: metric(maps, masks))  # noqa: B023
            theirs = timed(lambda: other(*flat))  # noqa: B023
            rows.append(compare(f"{what}, {kind}", ours, "scikit-learn", theirs, wanted))
    rows.append(of_a_thousand_maps())
    report(rows)


if __name__ == "__main__":
    main()
