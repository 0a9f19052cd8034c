"""The experiments of the book, each a list of runs that anyone can repeat."""

from __future__ import annotations

import dataclasses

from cozad_book.experiments.contamination import SHARES
from cozad_book.experiments.left_out import left_out_name
from cozad_book.experiments.plan import Experiment, Line
from cozad_book.experiments.toy import TOY, small_changes
from cozad_book.experiments.variants import (
    AS_IN_THE_PAPER,
    AUXILIARY,
    AUXILIARY_VARIANTS,
    BACKBONE_VARIANTS,
    BATCH_VARIANTS,
    CHOICE_VARIANTS,
    PAPER_VARIANTS,
    SCALE_VARIANTS,
    SINGLE_VARIANTS,
    VARIANTS,
    WEIGHT_VARIANTS,
)
from cozad_teach.errors import CozadError
from cozad_teach.settings import SETTINGS, Settings
from cozad_teach.training.auxiliary_images import DRAWN

__all__ = [
    "EXPERIMENTS",
    "auxiliary_of",
    "experiment",
    "official_name",
    "run_settings",
]

PACKS = ("magnetic_tile", "ksdd_tiles", "mpdd_metal_plate", "brainmri")
# Never looked at while anything was chosen. A fourth, deeppcb, cannot be measured yet: the audit
# takes a round pad on one of its circuit boards for a crop of the pills that training sees.
KEPT_BACK = ("mpdd_bracket_white", "bsdata", "crackforest")
OURS = "cozad"
OFFICIAL = "datasets/"  # stands before the name of a set as `data_scripts/get.py` installs it
UNSEEN = "unseen"  # the embedded categories that training never sees
PERCENTAGES = tuple(round(100 * share) for share in SHARES)

# Of which one category after another is left out to choose settings; it has five.
CHOOSING_PACK = "mvtec_aux5"
LEFT_OUT = tuple(
    f"left out: {name}" for name in ("bottle", "leather", "pill", "toothbrush", "transistor")
)
_PAPER_PAIRS = (
    ("settings photographs", "settings paper"),
    ("settings paper", "settings paper, untrained"),
    ("settings photographs", "settings photographs, untrained"),
)


EXPERIMENTS = {
    "first_result": Experiment(
        question="How well does a model that has seen only drawn materials find defects on "
        "photographs of magnetic tiles?",
        data=("magnetic_tile",),
        protocols=("single", "batch", "few-4"),
        methods=("cozad", "mahalanobis", "knn", "mutual"),
        seeds=(0,),
    ),
    "accuracy": Experiment(
        question="How do CoZAD and the baselines compare on real photographs, and on drawn "
        "materials that training never saw, over three seeds?",
        data=(*PACKS, UNSEEN),
        means={"packs": PACKS},
    ),
    "ablation": Experiment(
        question="What does each part of CoZAD contribute: how do its results change where one "
        "part is removed or replaced?",
        # Without the magnetic tiles, whose many images would take as long as all others together.
        data=(*PACKS[1:], UNSEEN),
        protocols=("batch",),
        methods=(OURS, *BATCH_VARIANTS),
        means={"packs": PACKS[1:]},
    ),
    "ablation_single": Experiment(
        question="The same for an image that is its own support.",
        data=(*PACKS[1:], UNSEEN),
        protocols=("single",),
        methods=(OURS, "untrained", "no inner loop", "no prior", *SINGLE_VARIANTS),
        means={"packs": PACKS[1:]},
    ),
    "contamination": Experiment(
        question="How does the share of anomalous images in the support change what confidence "
        "weights bring, for several thresholds γ?",
        data=tuple(f"{name}-{percent}" for percent in PERCENTAGES for name in (*PACKS[1:], UNSEEN)),
        protocols=("batch",),
        methods=(OURS, *WEIGHT_VARIANTS),
        means={
            f"packs-{percent}": tuple(f"{name}-{percent}" for name in PACKS[1:])
            for percent in PERCENTAGES
        },
    ),
    "auxiliary": Experiment(
        question="What does CoZAD owe to its auxiliary images: to none, to drawn materials, to "
        "photographs of textures with drawn defects, to photographs of five categories with real "
        "ones, or to all of them, each with and without training?",
        data=PACKS,
        protocols=("batch", "single"),
        methods=(OURS, "untrained", *AUXILIARY_VARIANTS),
        seeds=(0, 1),
        means={"packs": PACKS},
        pairs=tuple(
            (name, f"{name.partition(',')[0]}, untrained")
            for name in AUXILIARY_VARIANTS
            if name != "none" and not name.endswith("untrained")
        ),
    ),
    "choose": Experiment(
        question="Which training on photographs carries over to a category that it has not seen: "
        "with one of five left out, trained on the four others, how many steps and how much decay?",
        data=LEFT_OUT,
        protocols=("batch", "single"),
        methods=(OURS, "untrained", *CHOICE_VARIANTS),
        seeds=(0,),
        means={"left_out": LEFT_OUT},
    ),
    "paper": Experiment(
        question="How good are the paper's own settings and ours, both trained on five categories "
        "of MVTec AD, on packs of other sets, and what of it is the training?",
        data=(*PACKS, *KEPT_BACK),
        protocols=("single", "batch"),
        methods=tuple(PAPER_VARIANTS),
        means={"older": PACKS, "kept_back": KEPT_BACK},
        pairs=_PAPER_PAIRS,
        has_published=True,
    ),
    "few_shot": Experiment(
        question="How much do few normal images of the target bring, and how much do the steps of "
        "the inner loop then?",
        data=("ksdd_tiles", "mpdd_metal_plate", "mpdd_bracket_white"),
        protocols=tuple(f"few-{k}" for k in (1, 2, 4, 8, 16, 32)),
        methods=(OURS, "0 adaptation steps", "10 adaptation steps", "mahalanobis"),
        seeds=(0, 1, 2, 3, 4),
        means={"packs": ("ksdd_tiles", "mpdd_metal_plate", "mpdd_bracket_white")},
    ),
    "scale": Experiment(
        question="What do a larger backbone, larger images and more auxiliary images bring, each "
        "by itself and together?",
        data=("ksdd_tiles", "mpdd_metal_plate"),
        protocols=("batch",),
        methods=(OURS, *SCALE_VARIANTS),
        seeds=(0, 1, 2, 3, 4),
        means={"packs": ("ksdd_tiles", "mpdd_metal_plate")},
    ),
    "backbone": Experiment(
        question="How much of the detector is the training of its backbone on ImageNet: what "
        "remains with random weights, with and without training the head?",
        data=PACKS[1:],
        protocols=("batch", "single"),
        methods=(OURS, *BACKBONE_VARIANTS),
        seeds=(0, 1, 2, 3, 4),
        means={"packs": PACKS[1:]},
        pairs=(("random backbone", "random backbone, untrained"),),
    ),
    "full": Experiment(
        question="What do the full settings bring, with a larger backbone, larger images and a "
        "longer training, and how much of it is the training?",
        data=PACKS[1:],
        protocols=("single", "batch"),
        methods=(OURS, "untrained", "mahalanobis-unit", "knn", "knn-unit", "mutual-unit"),
        settings="full",
        means={"packs": PACKS[1:]},
    ),
}


def run_settings(name: str, method: str) -> Settings:
    """Give the settings of a name, with the changes of the method if it is a variant."""
    changes = VARIANTS[method].changes if method in VARIANTS else {}
    if name == TOY.name:
        return dataclasses.replace(TOY, **small_changes(changes))
    return dataclasses.replace(SETTINGS[name], **changes)


def official_name(data: str) -> str | None:
    """Give the name of the official set that a data set of an experiment is; None for others."""
    return data.removeprefix(OFFICIAL) if data.startswith(OFFICIAL) else None


def auxiliary_of(line: Line, method: str, otherwise: str = DRAWN) -> tuple[str, ...]:
    """Name what a method's model is trained on: packs, official sets, and drawn materials.

    Where neither the method nor the data says so, it is `otherwise`, a name of `AUXILIARY`.
    """
    if left_out_name(line.data):
        return (CHOOSING_PACK,)
    name = VARIANTS[method].auxiliary if method in VARIANTS else DRAWN
    if name == DRAWN:
        name = otherwise
    if name != AS_IN_THE_PAPER:
        return AUXILIARY[name]
    if official_name(line.data) is None:
        return AUXILIARY["photographs"]
    return (OFFICIAL + ("visa" if official_name(line.data) == "mvtec_ad" else "mvtec_ad"),)


def experiment(name: str) -> Experiment:
    """Look an experiment up.

    Raises
    ------
    CozadError
        If there is none of that name.
    """
    if name not in EXPERIMENTS:
        raise CozadError(
            f"unknown experiment {name!r}: choose {', '.join([*EXPERIMENTS, 'speed', 'scaling'])}"
        )
    return EXPERIMENTS[name]
