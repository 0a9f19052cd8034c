"""The gap ledger: what the paper leaves open, what this book chose, and what it changed."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import NamedTuple

from cozad_book.experiments.ledger import read_results
from cozad_book.listings import Table, table
from cozad_teach.settings import LITE, PAPER

__all__ = ["GAPS", "Evidence", "Gap", "claims_table", "gain", "gap_table"]

NOT_MEASURED = "not measured"


class Evidence(NamedTuple):
    """Where the ledger holds CoZAD less CoZAD with another choice, on photographs and on drawings.

    ``drawn`` is empty where it was measured on photographs only.
    """

    variant: str
    experiment: str = "ablation"
    protocol: str = "batch"
    photographs: str = "packs"
    drawn: str = "unseen"


@dataclass(frozen=True)
class Gap:
    """One thing that the paper leaves open.

    Attributes
    ----------
    step : str
        Of the method.
    open : str
        What is left open.
    choice : str
        Ours; names of settings in braces stand for their values in `cozad_teach.settings.LITE`.
    settings : tuple of str
        The settings that hold it and stand in no other gap.
    instead : str
        The other choice that was measured, or nothing.
    evidence : Evidence or None
        Where.
    why_not : str
        Why a number is missing, where one is.
    code : str
        What holds it where no setting of its own does: a setting of another gap, or a function.
    """

    step: str
    open: str
    choice: str
    settings: tuple[str, ...] = ()
    instead: str = ""
    evidence: Evidence | None = None
    why_not: str = ""
    code: str = ""

    @property
    def answered(self) -> str:
        """How far the book says what another choice would have done."""
        if self.evidence:
            return "compared in the ledger"
        if self.why_not.startswith(_BELOW):
            return "changed in a cell below"
        if self.why_not.startswith(_NO_EFFECT):
            return "of no effect, by algebra"
        return "open still"


_TRAININGS = "not run: every other value needs trainings of its own"
_BELOW = "on drawn parts, plates and wool, below:"
_NO_EFFECT = "no effect possible on image AUROC:"

GAPS = (
    Gap("data", "auxiliary data other than MVTec-AD", "drawn materials, {images_per_category} "
        "images of each", ("images_per_category",), "five categories of MVTec AD",
        Evidence("photographs", "auxiliary", drawn=""), "not run on drawn targets"),
    Gap("features", "backbone and levels", "{backbone}, strides {strides}",
        ("backbone", "strides", "blocks"), why_not="varied together with the image size only, in "
        "the full settings"),
    Gap("features", "size and precision", "{image_size} pixels, {precision}",
        ("image_size", "precision"), why_not="varied together with the backbone only, in the full "
        "settings"),
    Gap("features", "scale of features", "auxiliary mean and deviation; each level scaled to one "
        "length", why_not="no setting varies it; the trials, without intervals, are in section 3 "
        "of the lab notebook", code="unit_length"),
    Gap("head", "its form", "linear, from the identity, trained", instead="untrained",
        evidence=Evidence("untrained"), code="embed"),
    Gap("head", "contrastive loss: weight, temperature", "{contrastive_weight}, {temperature}",
        ("contrastive_weight", "temperature"), "weight 0",
        Evidence("no contrastive loss")),
    Gap("weights", "what is weighed", "{weighed}", ("weighed",),
        why_not=f"{_BELOW} In use only; trained so, only together with all of the paper's "
        "settings"),
    Gap("weights", "γ, and a sharpness κ", "{gamma:g}, {sharpness:g}", ("gamma", "sharpness"),
        "1.5, 1", Evidence("weights of the paper")),
    Gap("weights", "soft or hard, at this γ", "{weights}", ("weights",), "hard",
        Evidence("hard weights")),
    Gap("weights", "with or without", "with weights", instead="without",
        evidence=Evidence("no weights"), code="weights"),
    Gap("weights", "times of weighing", "{passes} before and {passes} after the inner loop",
        ("passes",), why_not=f"{_BELOW} In use only"),
    Gap("weights", "an image alone", "{single_weights}", ("single_weights",), "soft",
        Evidence("with weights", "ablation_single", "single")),
    Gap("covariance", "window, growth, cap", "{window}, {decay_growth}, {determinant_cap:g}",
        ("window", "decay_growth", "determinant_cap"), "no growth", Evidence("no covariance")),
    Gap("covariance", "base λ₀", "{base_decay}", ("base_decay",), "0",
        Evidence("no weight decay")),
    Gap("score", "its form", "{score}", ("score",), "nearest patch", Evidence("nearest patch")),
    Gap("score", "its form for an image alone", "{single_score}", ("single_score",), "gaussian",
        Evidence("mean alone", "ablation_single", "single")),
    Gap("score", "one mean, or one for each place", "each place", ("by_place",), "one mean",
        Evidence("one mean")),
    Gap("score", "a prior of the covariance", "counts as {prior_images:g} images",
        ("prior_images",), "none", Evidence("no prior")),
    Gap("score", "the prior, for an image alone", "the same", instead="none",
        evidence=Evidence("no prior", "ablation_single", "single"), code="prior_images"),
    Gap("score", "shrinkage ρ", "{shrinkage}", ("shrinkage",),
        why_not=f"{_BELOW} All ways at once"),
    Gap("score", "from patches to an image", "mean of the highest {top_share:.0%}",
        ("top_share",), why_not=f"{_BELOW} All ways at once"),
    Gap("score", "smoothing of maps", "{smoothing:g} pixels", ("smoothing",),
        why_not=f"{_NO_EFFECT} image scores are taken from patches, before maps are smoothed"),
    Gap("MAML", "inner loss", "real against spoilt patches, noise {noise:g}", ("noise",),
        why_not=f"{_TRAININGS}; the next row leaves out the whole loop"),
    Gap("MAML", "inner steps and rate", "{inner_steps}, {inner_learning_rate}",
        ("inner_steps", "inner_learning_rate"), "no steps", Evidence("no inner loop")),
    Gap("MAML", "steps in use", "as in training", instead="10",
        evidence=Evidence("10 adaptation steps"), code="inner_steps"),
    Gap("MAML", "order of the gradient", "{order}", ("order",), "first order",
        Evidence("first order")),
    Gap("MAML", "or Reptile", "second order", instead="Reptile", evidence=Evidence("Reptile"),
        code="order"),
    Gap("MAML", "tasks", "{tasks_per_step} a step, each of {support_images} support and "
        "{query_images} query images, {patches_per_image} patches of each",
        ("tasks_per_step", "support_images", "query_images", "patches_per_image"),
        why_not=f"{_TRAININGS}; these fit into a minute on two cores"),
    Gap("MAML", "contamination of a support in training", "up to {max_contamination:.0%}",
        ("max_contamination",), why_not=_TRAININGS),
    Gap("MAML", "outer steps and rate", "{meta_steps}, {outer_learning_rate}",
        ("meta_steps", "outer_learning_rate"), "200 steps; trained on photographs",
        Evidence("200 steps, λ₀ = 0.1", "choose", photographs="left_out", drawn=""),
        "not run on drawn targets"),
)  # fmt: skip

# The four ideas of the paper, and CoZAD without each.
CLAIMS = {
    "contrastive features": Evidence("no contrastive loss"),
    "soft confidence weights": Evidence("no weights"),
    "covariance of the losses": Evidence("no covariance"),
    "meta-learnt adaptation": Evidence("no inner loop"),
}


def gain(evidence: Evidence, data: str, metric: str = "image_auroc") -> str:
    """Look up what a choice adds, as "+0.048 ± 0.021": the mean and half of the 95 % interval.

    Parameters
    ----------
    evidence : Evidence
        What is compared.
    data, metric : str
        As in `cozad_book.experiments.ledger.Results.difference`.

    Raises
    ------
    CozadError
        If the ledger does not hold it.
    """
    results = read_results(evidence.experiment)
    value, low, high = results.difference(evidence.variant, evidence.protocol, metric, data)
    return f"{value:+.3f} ± {(high - low) / 2:.3f}".replace(" ", "\N{NO-BREAK SPACE}")


def gap_table(*steps: str) -> Table:
    """Show the gaps of some steps: our choice, what holds it in the code, and what it adds.

    Parameters
    ----------
    steps : str
        Steps of `GAPS`, such as ``"weights"``.

    Returns
    -------
    Table
        What our choice adds to image AUROC; where there is no number, the reason.
    """
    values = dataclasses.asdict(LITE)
    values["strides"] = " and ".join(map(str, LITE.strides))
    rows = []
    for gap in GAPS:
        if gap.step in steps:
            choice = gap.choice.format(**values) + (f" (not {gap.instead})" if gap.instead else "")
            held = ", ".join(gap.settings) or gap.code
            rows.append([gap.open, f"{held}: {choice}", *_gains(gap)])
    return table(
        ["left open", "in the code: our choice (not the other)", "photographs", "drawn materials"],
        rows,
    )


def _gains(gap: Gap) -> tuple[str, str]:
    if gap.evidence is None:
        return NOT_MEASURED, gap.why_not
    drawn = gap.evidence.drawn
    on_drawn = gain(gap.evidence, drawn) if drawn else gap.why_not
    return gain(gap.evidence, gap.evidence.photographs), on_drawn


def claims_table(metric: str = "image_auroc") -> Table:
    """Show what each of the paper's four ideas adds to a metric, under the protocol batch.

    The weights have two rows: with our γ and κ, and with the paper's formula and the γ of its
    predecessor, which is the difference of two means and has no interval of its own.
    """
    rows = []
    for name, evidence in CLAIMS.items():
        rows.append([name, *(gain(evidence, data, metric) for data in ("packs", "unseen"))])
        if evidence.variant == "no weights":
            rows[-1][0] = f"{name}, γ = {LITE.gamma:g}, κ = {LITE.sharpness:g}"
            theirs = [_with_their_values(data, metric) for data in ("packs", "unseen")]
            rows.append([f"{name}, γ = {PAPER.gamma:g}, κ = {PAPER.sharpness:g}", *theirs])
    return table(["idea of the paper", "photographs", "drawn materials"], rows)


def _with_their_values(data: str, metric: str) -> str:
    ablation = read_results("ablation")
    ours, less = (
        ablation.difference(variant, "batch", metric, data)[0]
        for variant in ("no weights", "weights of the paper")
    )
    return f"{ours - less:+.3f}"
