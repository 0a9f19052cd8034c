"""Features of auxiliary images on the disk: what one training extracted, the next one reads."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from tqdm.auto import tqdm

from cozad_teach.data.identity.fingerprints import (
    THUMBNAIL_SIDE,
    Fingerprints,
    image_hash,
    thumbnail,
)
from cozad_teach.errors import CozadError
from cozad_teach.features import Backbone, extract_features
from cozad_teach.files import tensors as tensor_files
from cozad_teach.files.checkout import build_folder
from cozad_teach.files.values import Wrong
from cozad_teach.settings import Settings
from cozad_teach.training.auxiliary_images import AuxiliaryImage
from cozad_teach.training.episodes import patch_labels

__all__ = ["FeatureStore", "Reading"]

# A change of what is computed for an image, here or in `features`, needs another number.
_FORMAT = "cozad-teach features, version 1"
_BATCH = 8


@dataclass(frozen=True)
class Reading:
    """What training keeps of some images.

    Attributes
    ----------
    features : torch.Tensor
        As the backbone gives them, float32, shape (N, h, w, C).
    anomalous : torch.Tensor
        Of `patch_labels`, shape (N, h·w).
    images : Fingerprints
        Which images these are.
    """

    features: Tensor
    anomalous: Tensor
    images: Fingerprints


@dataclass(frozen=True)
class FeatureStore:
    """A folder with a file for each image, backbone and size.

    Attributes
    ----------
    backbone : Backbone
        On the device that extracts.
    settings : Settings
        Gives the size of images and the precision of the backbone.
    folder : Path
        Where the files are. It may be deleted at any time.
    """

    backbone: Backbone
    settings: Settings
    folder: Path

    @classmethod
    def usual(cls, backbone: Backbone, settings: Settings) -> FeatureStore:
        """Keep the files beside the other things that can be made again."""
        return cls(backbone, settings, build_folder() / "features")

    def read(self, images: Sequence[AuxiliaryImage], bar: tqdm) -> Reading:
        """Read some images, from the folder where they are, else from themselves.

        Parameters
        ----------
        images : sequence of AuxiliaryImage
            At least one.
        bar : tqdm
            Is told of each image.

        Raises
        ------
        CozadError
            If an image cannot be used, or the folder not be written.
        """
        features: Tensor | None = None
        labels: list[Tensor] = []
        prints: list[Fingerprints] = []
        start = 0
        for part in self._batches(images, bar):
            if features is None:  # all at once: parts and their whole would fill memory twice
                features = torch.empty(len(images), *part.features.shape[1:])
            features[start : start + len(part.images)] = part.features
            start += len(part.images)
            labels.append(part.anomalous)
            prints.append(part.images)
        assert features is not None
        return Reading(features, torch.cat(labels), Fingerprints.join(prints))

    def _batches(self, images: Sequence[AuxiliaryImage], bar: tqdm) -> Iterator[Reading]:
        # A batch is computed as a whole or not at all: so the last digits do not depend on where
        # an earlier training was stopped.
        for start in range(0, len(images), _BATCH):
            some = images[start : start + _BATCH]
            paths = [self._path(image) for image in some]
            names = tuple(image.name for image in some)
            stored = [tensors for path in paths if (tensors := _load(path))]
            if len(stored) < len(paths):
                stored = [*self._computed(some)]
                for path, tensors in zip(paths, stored, strict=True):
                    tensor_files.write_tensors(path, tensors, {"format": _FORMAT})
            bar.update(len(some))
            together = {key: torch.stack([tensors[key] for tensors in stored]) for key in stored[0]}
            hashes = [bytes(value.tolist()).hex() for value in together["hash"]]
            yield Reading(
                together["features"],
                together["anomalous"],
                Fingerprints(names, tuple(hashes), together["thumbnail"].numpy()),
            )

    def _path(self, image: AuxiliaryImage) -> Path:
        backbone, settings = self.backbone, self.settings
        levels = str((backbone.strides, backbone.blocks))
        parts = [_FORMAT, str(torch.__version__), backbone.weights_digest, levels]
        parts += [str(settings.image_size), settings.precision, backbone.mean.device.type]
        parts.append(image.identify())
        name = hashlib.sha256("\n".join(parts).encode()).hexdigest()
        return self.folder / name[:2] / f"{name}.safetensors"

    def _computed(self, images: Sequence[AuxiliaryImage]) -> Iterator[dict[str, Tensor]]:
        pictures = [image.read() for image in images]
        size, precision = self.settings.image_size, self.settings.precision
        features = extract_features(self.backbone, [p for p, _ in pictures], size, precision)
        for grid, (picture, mask) in zip(features, pictures, strict=True):
            labels = patch_labels(mask[None], (grid.shape[0], grid.shape[1]))[0]
            digest = torch.tensor([*bytes.fromhex(image_hash(picture))], dtype=torch.uint8)
            thumb = torch.from_numpy(thumbnail(picture).copy())
            yield {"features": grid, "anomalous": labels, "hash": digest, "thumbnail": thumb}


def _load(path: Path) -> dict[str, Tensor] | None:
    """Read a file; None where there is none, or one that another program or a fault has spoilt."""
    if not path.exists():
        return None
    try:
        with tensor_files.open_tensors(path, "a file of features") as file:
            found = tensor_files.kinds(file)
            h, w, c = found["features"][1]
            square = (THUMBNAIL_SIDE, THUMBNAIL_SIDE)
            tensor_files.check_kinds(
                found,
                {
                    "features": (torch.float32, (h, w, c)),
                    "anomalous": (torch.bool, (h * w,)),
                    "hash": (torch.uint8, (32,)),
                    "thumbnail": (torch.uint8, square),
                },
            )
            tensors = tensor_files.read_all(file)
        tensor_files.check_finite({"features": tensors["features"]})
    except (CozadError, Wrong, KeyError, ValueError):
        return None
    return tensors
