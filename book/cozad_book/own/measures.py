"""What a student's functions of the chapters after the method say of their detector."""

from __future__ import annotations

import numpy as np

from cozad_book.own.detector import Stage, score_by
from cozad_book.own.features import Features
from cozad_book.own.pieces import Pieces
from cozad_teach.evaluation.metrics import image_auroc

__all__ = ["later_measures"]

N_DRAWS, N_SUPPORT, FALSE_ALARMS = 1000, 12, 0.15
Row = list[object]


def later_measures(
    pieces: Pieces, features: Features, stages: list[Stage], chapter: int
) -> list[Row]:
    """Measure the last detector with what chapters 8 to 11 add; a row for each sentence.

    Parameters
    ----------
    pieces, features
        Of `my_pieces` and `read_features`.
    stages : list of Stage
        Of `build`.
    chapter : int
        The chapter that ends here; before 8 there is nothing.
    """
    last = stages[-1]
    rows: list[Row] = []
    if chapter >= 8:
        precision = pieces["evaluation.average_precision"](last.image_scores, features.labels)
        rows.append(["average_precision", "average precision of images", float(precision)])
        rows.append(_gain(pieces, features, stages[0], last))
    if chapter >= 9:
        rounded = np.asarray(pieces["training.round_to_bits"](last.image_scores, 4), dtype=float)
        found = float(pieces["metrics.image_auroc"](rounded, features.labels))
        rows.append(["round_to_bits", "image AUROC of scores of 4 bits", found])
    if chapter >= 10:
        rows += [_contaminated(pieces, features, last, share) for share in (0.0, 0.25, 0.5)]
    if chapter >= 11:
        rows.append(_called(pieces, features, last))
    return rows


def _gain(pieces: Pieces, features: Features, first: Stage, last: Stage) -> Row:
    """Give an interval of the gain in the AUROC of patches, tile by tile of the drilled ones."""
    after, before = (
        np.array(
            [
                image_auroc(scores, drilled)
                for scores, drilled in zip(stage.patch_scores, features.drilled, strict=True)
                if drilled.any()
            ]
        )
        for stage in (last, first)
    )
    draws = np.random.default_rng(0).integers(0, len(after), (N_DRAWS, len(after)))
    low, high = map(float, pieces["evaluation.paired_interval"](after, before, draws))
    text = f"{(after - before).mean():+.3f} ({low:+.3f} to {high:+.3f})"
    return ["paired_interval", "gain in patch AUROC since chapter 2, by drilled tile", text]


def _contaminated(pieces: Pieces, features: Features, last: Stage, share: float) -> Row:
    """Let the statistics come from half of the tiles, a share of them drilled; score all."""
    order = np.random.default_rng(0).permutation(len(features.labels))
    choose = pieces["experiments.contaminated_support"]
    chosen = np.asarray(choose(features.labels, N_SUPPORT, share, order)).astype(bool)
    e = last.embeddings
    scores = score_by(pieces, e, e[chosen], last.prior, last.chapter)
    found = image_auroc(scores.ravel(), features.drilled.ravel())
    return ["contaminated_support", f"patch AUROC, {share:.0%} of the support drilled", found]


def _called(pieces: Pieces, features: Features, last: Stage) -> Row:
    """Set a threshold on every second good tile; count what is called a defect among the rest."""
    good, drilled = (last.image_scores[features.labels == label] for label in (0, 1))
    threshold = float(pieces["thresholds.conformal_threshold"](good[::2], FALSE_ALARMS))
    text = (
        f"{(drilled > threshold).sum()} of {len(drilled)} drilled tiles, "
        f"{(good[1::2] > threshold).sum()} of {len(good[1::2])} good ones"
    )
    return ["conformal_threshold", "called a defect", text]
