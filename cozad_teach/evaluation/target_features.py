"""The images of a target, each read once for all methods and protocols."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from cozad_teach.cozad import CoZAD
from cozad_teach.data.folders import Category, ImageFile, read_image
from cozad_teach.data.identity.copies import find_copies
from cozad_teach.data.identity.fingerprints import Fingerprints
from cozad_teach.errors import CozadError
from cozad_teach.evaluation.calibrated_model import CalibratedModel
from cozad_teach.evaluation.methods import Run
from cozad_teach.evaluation.protocols import Protocol

__all__ = ["ImageFeatures", "TargetFeatures", "choose_support", "same_features"]


@dataclass(frozen=True)
class ImageFeatures:
    """Images, reduced to what evaluation needs of them.

    Attributes
    ----------
    features : tuple of torch.Tensor
        Standardised patch features by each model, shape (N, h, w, C), where the model is.
    sizes : tuple of (int, int)
        (H_i, W_i) of each image in pixels.
    fingerprints : Fingerprints
        By file name, in the order of the images.
    seconds : float
        Wall time of reading the files and extracting the features of the first model.
    """

    features: tuple[Tensor, ...]
    sizes: tuple[tuple[int, int], ...]
    fingerprints: Fingerprints
    seconds: float

    @classmethod
    def read(
        cls, models: Sequence[CoZAD], files: Sequence[ImageFile], *, progress: bool = False
    ) -> ImageFeatures:
        """Read files for their features, their sizes and their fingerprints."""
        # By number: they are read in threads, in any order.
        found: dict[int, tuple[tuple[int, int], Fingerprints]] = {}

        def read(number: int) -> np.ndarray:
            image = read_image(files[number])
            found[number] = image.shape[:2], Fingerprints.of([files[number].name], [image])
            return image

        started = time.perf_counter()
        readers = [partial(read, number) for number in range(len(files))]
        first = models[0].features(readers, progress=progress)
        seconds = time.perf_counter() - started
        sizes, prints = zip(*(found[number] for number in range(len(files))), strict=True)
        others = [
            model.features([lambda file=file: read_image(file) for file in files])
            for model in models[1:]
        ]
        return cls((first, *others), sizes, Fingerprints.join(prints), seconds)


def same_features(one: CoZAD, other: CoZAD) -> bool:
    """Say whether two models of one backbone and size give an image the same features."""
    pairs = ((one.feature_mean, other.feature_mean), (one.feature_std, other.feature_std))
    return all(torch.equal(a, b) for a, b in pairs)


def choose_support(
    name: str, category: Category, protocol: Protocol, seed: int, test: Fingerprints
) -> tuple[list[ImageFile], list[str]]:
    """Choose normal images of a category's training folder at random, none a copy of a test image.

    In real sets the same part was often photographed twice, or filed twice: once in the training
    and once in the test folder. With such a support a method would know the answer.

    Parameters
    ----------
    name : str
        Of the category.
    category : Category
        Where the images come from.
    protocol : Protocol
        ``few-K`` or ``full``.
    seed : int
        Decides the order in which images are considered.
    test : Fingerprints
        Of the test images.

    Returns
    -------
    chosen : list of ImageFile
        K images, or all there are.
    skipped : list of str
        Names of those passed over as copies.

    Raises
    ------
    CozadError
        If the folder holds fewer.
    """
    wanted = protocol.normal_images
    order = np.random.default_rng(seed).permutation(len(category.train_good))
    waiting = [category.train_good[i] for i in order]
    chosen: list[tuple[ImageFile, Fingerprints]] = []
    skipped: list[str] = []
    while True:
        n = int(min(wanted - len(chosen), len(waiting)))
        some, waiting = waiting[:n], waiting[n:]
        chosen += [(file, Fingerprints.of([file.name], [read_image(file)])) for file in some]
        # Of all that are chosen, as the audit will: what they have in common decides what is a
        # copy, so that one may be found once others are left out.
        prints = Fingerprints.join([one for _, one in chosen])
        copies = {copy.first for copy in find_copies(prints, test, same_kind=True)}
        if not copies:
            break
        skipped += [file.name for place, (file, _) in enumerate(chosen) if place in copies]
        chosen = [pair for place, pair in enumerate(chosen) if place not in copies]
    if not chosen or (wanted < math.inf and len(chosen) < wanted):
        but = f", {len(skipped)} of them copies of test images" if skipped else ""
        raise CozadError(
            f"{protocol.name} needs normal images in {name}/train/good, which holds "
            f"{len(category.train_good)}{but}: choose a smaller K or add images"
        )
    return [file for file, _ in chosen], skipped


class TargetFeatures:
    """The images of a data set as a model reads them.

    Parameters
    ----------
    calibrated_model : CalibratedModel
        Who reads.
    dataset : mapping of str to Category
        Of `open_dataset`.
    progress : bool
        Show bars.
    others : TargetFeatures, optional
        Of the same data by a model with the same backbone and image size: its images are not read
        once more.
    """

    def __init__(
        self,
        calibrated_model: CalibratedModel,
        dataset: Mapping[str, Category],
        *,
        progress: bool = False,
        others: TargetFeatures | None = None,
    ) -> None:
        self.calibrated_model = calibrated_model
        self.dataset = dataset
        self._progress = progress
        self._others = others
        self._test: dict[tuple[str, bool], ImageFeatures] = {}
        self._support: dict[tuple[str, Protocol, int, bool], tuple[ImageFeatures, list[str]]] = {}

    def test(self, name: str, ensemble: bool) -> ImageFeatures:
        """Read the test images of a category, in the order of its list."""
        if (key := (name, ensemble)) not in self._test:
            if self._others and not ensemble:
                self._test[key] = self._standardised_anew(self._others.test(name, ensemble))
            else:
                files = [item.image for item in self.dataset[name].test]
                self._test[key] = self._read(files, ensemble)
        return self._test[key]

    def support(self, name: str, run: Run) -> tuple[ImageFeatures, list[str]]:
        """Choose and read the normal images of ``few-K`` or ``full``; also name the skipped."""
        ensemble = run.method.several_backbones
        if (key := (name, run.protocol, run.seed, ensemble)) not in self._support:
            prints = self.test(name, ensemble).fingerprints
            category = self.dataset[name]
            files, skipped = choose_support(name, category, run.protocol, run.seed, prints)
            self._support[key] = self._read(files, ensemble), skipped
        return self._support[key]

    def shared_with(self, calibrated_model: CalibratedModel) -> TargetFeatures:
        """Give these images to a model with the same backbone and image size."""
        if same_features(calibrated_model.model, self.calibrated_model.model):
            other = TargetFeatures(calibrated_model, self.dataset, progress=self._progress)
            other._test, other._support = self._test, self._support
            return other
        return TargetFeatures(calibrated_model, self.dataset, progress=self._progress, others=self)

    def forget(self) -> None:
        """Let go of all images that were read, where there are more categories than memory."""
        self._test.clear()
        self._support.clear()

    def alone(self, name: str, places: Sequence[int], ensemble: bool) -> ImageFeatures:
        """Read some test images of a category anew, without the others."""
        return self._read([self.dataset[name].test[i].image for i in places], ensemble)

    def _standardised_anew(self, images: ImageFeatures) -> ImageFeatures:
        """Put the moments of this model in the place of those of the other."""
        assert self._others
        before, now = self._others.calibrated_model.model, self.calibrated_model.model
        scale = before.feature_std / now.feature_std
        shift = (before.feature_mean - now.feature_mean) / now.feature_std
        features = images.features[0] * scale.to(images.features[0])
        features += shift.to(features)
        return dataclasses.replace(images, features=(features,))

    def _read(self, files: Sequence[ImageFile], ensemble: bool) -> ImageFeatures:
        return ImageFeatures.read(
            self.calibrated_model.models(ensemble), files, progress=self._progress
        )
