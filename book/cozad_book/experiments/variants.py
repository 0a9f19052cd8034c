"""CoZAD with one part changed or removed, and the auxiliary data that it may be trained on."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any, NamedTuple

from cozad_teach.settings import PAPER, PHOTOGRAPHS
from cozad_teach.training.auxiliary_images import DRAWN

__all__ = [
    "AS_IN_THE_PAPER",
    "AUXILIARY",
    "AUXILIARY_VARIANTS",
    "BACKBONE_VARIANTS",
    "BATCH_VARIANTS",
    "CHOICE_VARIANTS",
    "PAPER_VARIANTS",
    "SCALE_VARIANTS",
    "SINGLE_VARIANTS",
    "VARIANTS",
    "WEIGHT_VARIANTS",
    "Variant",
]


class Variant(NamedTuple):
    """CoZAD with one part changed or removed.

    Attributes
    ----------
    changes : dict
        Settings that differ.
    retrain : bool
        Whether the change concerns training; otherwise only adaptation and scoring.
    auxiliary : str
        What it is trained on: a name of `AUXILIARY`.
    random_backbone : bool
        Whether the backbone has weights drawn at random instead of those of ImageNet.
    """

    changes: dict[str, Any]
    retrain: bool = True
    auxiliary: str = DRAWN
    random_backbone: bool = False


# Auxiliary data by name: packs, those without defects with drawn ones, and the drawn materials.
AUXILIARY: dict[str, tuple[str, ...]] = {
    "none": (),
    DRAWN: (DRAWN,),
    "textures": ("dtd10_textures",),
    "photographs": ("mvtec_aux5",),
    "all": (DRAWN, "dtd10_textures", "mvtec_aux5"),
    "official": ("datasets/mvtec_ad",),
}
# What the paper trains on: all of it, five of its categories where the target is a pack, and VisA
# where MVTec AD itself is the target.
AS_IN_THE_PAPER = "as in the paper"
_UNTRAINED = {"meta_steps": 1, "outer_learning_rate": 0.0, "inner_steps": 0}
# By the name under which a variant stands among the methods of an experiment.
BATCH_VARIANTS = {
    "untrained": Variant(_UNTRAINED),
    "no inner loop": Variant({"inner_steps": 0}),
    "first order": Variant({"order": "first"}),
    "Reptile": Variant({"order": "reptile"}),
    "no contrastive loss": Variant({"contrastive_weight": 0.0}),
    "no covariance": Variant({"decay_growth": 0.0}),
    "no weight decay": Variant({"base_decay": 0.0}),
    "hard weights": Variant({"weights": "hard"}),
    "no weights": Variant({"weights": "none"}),
    "weights of the paper": Variant({"gamma": 1.5, "sharpness": 1.0}),
    "no prior": Variant({"prior_images": 0.0}),
    "one mean": Variant({"by_place": False}, retrain=False),
    "nearest patch": Variant({"score": "knn"}, retrain=False),
    "0 adaptation steps": Variant({"inner_steps": 0}, retrain=False),
    "1 adaptation step": Variant({"inner_steps": 1}, retrain=False),
    "10 adaptation steps": Variant({"inner_steps": 10}, retrain=False),
    "mean and nearest patch": Variant({"score": "both"}, retrain=False),
}
# Of an image that is its own support, which has settings of its own.
SINGLE_VARIANTS = {
    "mean alone": Variant({"single_score": "gaussian"}, retrain=False),
    "nearest patch alone": Variant({"single_score": "knn"}, retrain=False),
    "with weights": Variant({"single_weights": "soft"}, retrain=False),
    "mean alone, with weights": Variant(
        {"single_score": "gaussian", "single_weights": "soft"}, retrain=False
    ),
}
# Of the weights that a support gets, by a model that was trained as always.
WEIGHT_VARIANTS = {
    "soft, γ = -0.5": Variant({"gamma": -0.5}, retrain=False),
    "soft, γ = 0": Variant({"gamma": 0.0}, retrain=False),
    "soft, γ = 1.5": Variant({"gamma": 1.5}, retrain=False),
    "hard, γ = 0": Variant({"weights": "hard", "gamma": 0.0}, retrain=False),
    "hard, γ = 1.5": Variant({"weights": "hard", "gamma": 1.5}, retrain=False),
    "equal weights": Variant({"weights": "none"}, retrain=False),
}
# Trainings among which `PHOTOGRAPHS` was chosen.
CHOICE_VARIANTS = {
    f"200 steps, λ₀ = {decay:g}": Variant({"meta_steps": 200, "base_decay": decay})
    for decay in (0.1, 0.03, 0.01, 0.003)
}
_PHOTOGRAPHS = ("textures", "photographs", "all")
# CoZAD with other auxiliary images than drawn ones.
AUXILIARY_VARIANTS = {
    **{name: Variant({}, auxiliary=name) for name in _PHOTOGRAPHS},
    **{f"{name}, untrained": Variant(_UNTRAINED, auxiliary=name) for name in _PHOTOGRAPHS},
    "photographs, 200 steps, λ₀ = 0.03": Variant(
        {"meta_steps": PHOTOGRAPHS.meta_steps, "base_decay": PHOTOGRAPHS.base_decay},
        auxiliary="photographs",
    ),
    "none": Variant({**_UNTRAINED, "prior_images": 0.0}, auxiliary="none"),
}
# The paper's formula and ours, trained on what the paper trains on.
PAPER_VARIANTS = {
    f"settings {settings.name}{suffix}": Variant(
        {**dataclasses.asdict(settings), **changes}, auxiliary=AS_IN_THE_PAPER
    )
    for settings in (PAPER, PHOTOGRAPHS)
    for suffix, changes in (("", {}), (", untrained", _UNTRAINED))
}
# Three choices in all combinations, so that no two are confounded; the eighth is CoZAD as it is.
_SCALES: dict[str, dict[str, Any]] = {
    "lite2": {"backbone": "tf_efficientnet_lite2"},
    "320 pixels": {"image_size": 320},
    "48 auxiliary images": {"images_per_category": 48},
}
SCALE_VARIANTS = {
    " and ".join(names): Variant(
        {key: value for name in names for key, value in _SCALES[name].items()}
    )
    for n in range(1, len(_SCALES) + 1)
    for names in itertools.combinations(_SCALES, n)
}
BACKBONE_VARIANTS = {
    "random backbone": Variant({}, random_backbone=True),
    "random backbone, untrained": Variant(_UNTRAINED, random_backbone=True),
}
VARIANTS = {
    **BATCH_VARIANTS,
    **SINGLE_VARIANTS,
    **WEIGHT_VARIANTS,
    **CHOICE_VARIANTS,
    **AUXILIARY_VARIANTS,
    **PAPER_VARIANTS,
    **SCALE_VARIANTS,
    **BACKBONE_VARIANTS,
}
