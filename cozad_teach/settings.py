"""All numbers of a run in one frozen dataclass; `lite` and `full` differ by values only."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from cozad_teach.errors import CozadError

__all__ = ["FULL", "LITE", "SETTINGS", "Settings", "from_dict", "to_dict"]


@dataclass(frozen=True)
class Settings:
    """The values that decide a run.

    Attributes
    ----------
    name : str
        ``lite`` or ``full``.
    backbone : str
        Name of the frozen backbone, as timm spells it.
    strides : tuple of int
        Which levels of the backbone are read, by their stride in pixels, finest first.
    image_size : int
        Height and width in pixels to which every image is resized before the backbone.
    precision : str
        In which the backbone computes, as in `cozad_teach.features.extract_features`.
    images_per_category : int
        Auxiliary images drawn for each training category; every third one carries a defect.
    tasks_per_step, support_images, query_images, patches_per_image : int
        Size of a meta-batch: tasks, images of a task's support and query, patches of an image.
    max_contamination : float
        Upper end of the share of anomalous support images, drawn anew for every task, in [0, 1].
    meta_steps, inner_steps : int
        Outer updates in training; inner updates in every adaptation.
    inner_learning_rate, outer_learning_rate : float
        Step sizes α and β.
    temperature : float
        Temperature τ of the supervised contrastive loss.
    contrastive_weight : float
        Weight of the contrastive loss beside the query loss in the outer loss.
    noise : float
        Standard deviation of the noise that makes perturbed patches, in each of C channels; the
        channels of one level have a mean square of 1.
    shrinkage : float
        ρ, how far the support covariance is pulled to a multiple of the identity, in (0, 1].
    prior_images : float
        n_0, how many support images the auxiliary covariance counts for.
    by_place : bool
        Whether a support of whole images has a mean for each place of the grid.
    score, single_score : str
        ``gaussian``: distance to the support's mean; ``knn``: to its nearest patch; ``both``: the
        geometric mean of the two. With a support of several images, and for an image that is its
        own support.
    weights, single_weights : str
        Kind of confidence weights, ``soft``, ``hard`` or ``none``, in the same two cases.
    gamma, sharpness : float
        γ of the confidence threshold T = Q3 + γ·IQR, and κ of the soft weights.
    passes : int
        How often patches are scored and weighed before the inner loop, and again after it.
    order : str
        Of the outer gradient: ``second``, ``first`` or ``reptile``.
    base_decay, decay_growth, determinant_cap : float
        λ0, η and c of the covariance regulariser.
    window : int
        W, the number of meta-steps whose losses enter Σ.
    top_share : float
        Share of an image's patches whose mean is the image score, in (0, 1].
    smoothing : float
        Standard deviation of the Gaussian that smooths a pixel map, in pixels of an image of
        `image_size`.
    """

    name: str = "lite"
    backbone: str = "tf_efficientnet_lite0"
    strides: tuple[int, ...] = (8, 16)
    image_size: int = 224
    precision: str = "float32"
    images_per_category: int = 12
    tasks_per_step: int = 4
    support_images: int = 6
    query_images: int = 4
    patches_per_image: int = 48
    max_contamination: float = 0.4
    meta_steps: int = 60
    inner_steps: int = 3
    inner_learning_rate: float = 0.02
    outer_learning_rate: float = 0.002
    temperature: float = 0.5
    contrastive_weight: float = 0.1
    noise: float = 1.0
    shrinkage: float = 0.1
    prior_images: float = 12.0
    by_place: bool = True
    score: str = "gaussian"
    single_score: str = "both"
    weights: str = "soft"
    single_weights: str = "none"
    gamma: float = -1.0
    sharpness: float = 4.0
    passes: int = 2
    order: str = "second"
    base_decay: float = 0.1
    decay_growth: float = 0.5
    determinant_cap: float = 100.0
    window: int = 5
    top_share: float = 0.01
    smoothing: float = 4.0


LITE = Settings()
FULL = Settings(
    name="full",
    backbone="tf_efficientnet_lite2",
    image_size=320,
    precision="bfloat16",
    images_per_category=120,
    tasks_per_step=8,
    support_images=16,
    query_images=16,
    patches_per_image=256,
    meta_steps=600,
    inner_steps=5,
)
SETTINGS = {settings.name: settings for settings in (LITE, FULL)}


def to_dict(settings: Settings) -> dict[str, Any]:
    """Give the settings as plain values that JSON can hold."""
    return dataclasses.asdict(settings)


def from_dict(values: dict[str, Any]) -> Settings:
    """Rebuild settings from `to_dict`.

    Raises
    ------
    CozadError
        If a value is missing or a name is unknown, as in a file of another version.
    """
    known = {field.name for field in dataclasses.fields(Settings)}
    if set(values) != known:
        odd = ", ".join(sorted(set(values) ^ known))
        raise CozadError(
            f"these settings belong to another version of cozad_teach ({odd}): train again"
        )
    return Settings(**{**values, "strides": tuple(values["strides"])})
