"""Time of resampled metrics beside recomputing them; ``python`` runs it by hand."""

from __future__ import annotations

import numpy as np
from bench_metrics import draw
from comparing import compare, report, timed, within
from sklearn.metrics import roc_auc_score

from cozad_teach.evaluation.exact.pixels import checked_pairs, read_pixels
from cozad_teach.evaluation.metrics import pixel_auroc
from cozad_teach.evaluation.uncertainty.bootstrap import image_draws, pixel_draws, resample


def main() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 500)
    scores = rng.normal(size=1000) + labels
    drawn = timed(lambda: image_draws(scores, labels, resample(labels)))
    rows = [within("2,000 resamples of 1,000 images", drawn[1], 5, "s", drawn[1])]

    weights = resample(labels, 200)
    ours = timed(lambda: image_draws(scores, labels, weights)["image_auroc"].mean())
    theirs = timed(
        lambda: np.mean([roc_auc_score(labels, scores, sample_weight=w) for w in weights]), 1
    )
    rows.append(
        compare("image metrics of 200 resamples", ours, "scikit-learn, AUROC only", theirs, "–")
    )

    maps, masks = draw(np.float32)
    images = read_pixels(checked_pairs(maps, masks))
    weights = resample([mask.any() for mask in masks], 20)

    def recomputed() -> float:
        values = []
        for drawn in weights:
            places = np.repeat(np.arange(100), drawn.astype(int))
            values.append(pixel_auroc(maps[places], masks[places]))
        return float(np.mean(values))

    ours = timed(lambda: pixel_draws(images, weights)["pixel_auroc"].mean())
    rows.append(
        compare(
            "pixel metrics of 20 resamples", ours, "recomputing AUROC", timed(recomputed, 1), "–"
        )
    )
    report(rows)


if __name__ == "__main__":
    main()
