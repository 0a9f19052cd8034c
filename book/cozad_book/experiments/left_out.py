"""Auxiliary categories left out of training, one after another: what choices are made on."""

from __future__ import annotations

import dataclasses

import numpy as np

from cozad_teach.data.folders import Category, LabelledImage

__all__ = ["left_out_name", "left_out_target"]

_PREFIX = "left out: "
_N_NORMAL, _N_ANOMALOUS = 40, 60  # as mixed as the sets of photographs that judge later


def left_out_name(data: str) -> str | None:
    """Give the auxiliary category that a data set of an experiment is; None for other data."""
    return data.removeprefix(_PREFIX) if data.startswith(_PREFIX) else None


def left_out_target(category: Category) -> Category:
    """Make a target of a category that training does not see, of all of its images.

    Parameters
    ----------
    category : Category
        As it lies in its set.

    Returns
    -------
    Category
        With 40 normal and 60 anomalous test images, or all there are, spread evenly over its
        lists. Normal images of its training folder are among them: no model was trained on them,
        and some categories have hardly any others.
    """
    normal = [item for item in category.test if not item.is_anomalous]
    normal += [LabelledImage(file, "good", None) for file in category.train_good]
    anomalous = [item for item in category.test if item.is_anomalous]
    test = (*_spread(normal, _N_NORMAL), *_spread(anomalous, _N_ANOMALOUS))
    return dataclasses.replace(category, train_good=(), test=test)


def _spread(items: list[LabelledImage], most: int) -> list[LabelledImage]:
    places = np.linspace(0, len(items) - 1, min(most, len(items)))
    return [items[place] for place in places.round().astype(int)]
