"""Scores of photographs, read and scored a few at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cozad_teach.cozad import CoZAD
from cozad_teach.data.drawn.textures import draw_category
from cozad_teach.data.folders import ImageFile, list_images, read_image
from cozad_teach.errors import CozadError
from cozad_teach.models import prediction


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> list[ImageFile]:
    folder = tmp_path_factory.mktemp("photographs")
    images = draw_category("knit_wool", 15, 6, 3, (96, 128)).images
    for i, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{i:02}.png")
    return list(list_images(folder).images)


def scored(model: CoZAD, files: list[ImageFile], *, together: bool) -> torch.Tensor:
    return prediction.patch_scores(model, files, together=together, progress=False)


def test_few_images_are_one_batch(trained: CoZAD, photographs: list[ImageFile]) -> None:
    features = trained.features([read_image(file) for file in photographs])
    expected = trained.score(features, trained.adapt(features))
    assert torch.allclose(scored(trained, photographs, together=True), expected, atol=1e-5)


def test_of_many_images_some_are_the_support_and_all_are_scored(
    trained: CoZAD, photographs: list[ImageFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prediction, "SUPPORT_IMAGES", 4)
    monkeypatch.setattr(prediction, "CHUNK", 3)
    features = trained.features([read_image(file) for file in photographs])
    order = torch.randperm(21, generator=torch.Generator().manual_seed(trained.seed))
    adapted = trained.adapt(features[order[:4].sort().values])
    found = scored(trained, photographs, together=True)
    assert torch.allclose(found, trained.score(features, adapted), atol=1e-5)
    single = trained.score_singly(features)
    assert torch.allclose(scored(trained, photographs, together=False), single, atol=1e-3)


def test_no_more_images_than_the_support_and_a_chunk_are_held(
    trained: CoZAD, photographs: list[ImageFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prediction, "SUPPORT_IMAGES", 5)
    monkeypatch.setattr(prediction, "CHUNK", 2)
    sizes = []
    features = CoZAD.features

    def watched(self: CoZAD, images: list[np.ndarray], **options: bool) -> torch.Tensor:
        sizes.append(len(images))
        return features(self, images, **options)

    monkeypatch.setattr(CoZAD, "features", watched)
    scored(trained, photographs, together=True)
    assert sizes == [5] + 8 * [2]


def test_large_features_make_the_support_smaller(
    trained: CoZAD, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_image = len(trained.feature_mean) * (trained.settings.image_size // 8) ** 2
    assert prediction._support_size(trained) == 500
    monkeypatch.setattr(prediction, "SUPPORT_VALUES", 7 * one_image + 1)
    assert prediction._support_size(trained) == 7


def test_the_same_photographs_get_the_same_rows(
    trained: CoZAD, photographs: list[ImageFile], tmp_path: Path
) -> None:
    once = prediction.predict(trained, photographs[:5], tmp_path / "a")
    again = prediction.predict(trained, photographs[:5], tmp_path / "b")
    assert once == again and len(once) == 5


def test_scores_that_are_not_finite_are_no_scores(
    trained: CoZAD,
    photographs: list[ImageFile],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As of a model whose inner loop diverges: nothing is drawn of them."""
    monkeypatch.setattr(CoZAD, "score_singly", lambda _, features: features[..., 0] * torch.nan)
    with pytest.raises(CozadError, match="scores that are not finite: train it again"):
        prediction.predict(trained, photographs[:2], tmp_path, together=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["x" * 236 + ".png", "é" * 120 + ".png", "a/" + "孔" * 80 + ".jpg"]
)
def test_a_name_too_long_for_its_overlay_is_cut(name: str) -> None:
    """As long as the system takes it for a photograph, the overlay has a name too, of its own."""
    other = name.replace(".", "y.", 1)
    files = [ImageFile(n, bytes) for n in (name, other, "short.png")]
    names = prediction.overlay_names(files)
    assert len(set(names.values())) == 3 and names["short.png"] == "short.png.overlay.png"
    for overlay in names.values():
        assert len(overlay.rpartition("/")[2].encode()) <= 255
        assert overlay.endswith(".overlay.png")
    assert names[name].rpartition("/")[0] == name.rpartition("/")[0]
    assert prediction.overlay_names(files) == names
