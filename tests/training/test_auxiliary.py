"""Training on photographs: which are taken, how they count, what is kept, what is refused."""

from __future__ import annotations

import csv
import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tqdm.auto import tqdm

from cozad_teach.backbones import load_backbone
from cozad_teach.cli.main import main
from cozad_teach.cozad import CoZAD
from cozad_teach.data.drawn.textures import draw_category, write_dataset
from cozad_teach.data.folders import open_dataset
from cozad_teach.data.identity.fingerprints import Fingerprints
from cozad_teach.data.images import read_image
from cozad_teach.errors import CozadError
from cozad_teach.evaluation.calibrated_model import CalibratedModel
from cozad_teach.evaluation.methods import Run
from cozad_teach.evaluation.reports import evaluate
from cozad_teach.evaluation.verdicts import verdicts
from cozad_teach.features import Backbone, extract_features, standardise
from cozad_teach.models.saved import load_model, save_model
from cozad_teach.models.train import fit
from cozad_teach.settings import LITE, SETTINGS, Settings
from cozad_teach.training import feature_store, meta_training
from cozad_teach.training.auxiliary import AuxiliaryFeatures, prepare_photographs
from cozad_teach.training.auxiliary_images import AuxiliaryPhotographs
from cozad_teach.training.auxiliary_sets import open_auxiliary, usual_settings
from cozad_teach.training.calibration_samples import calibration_categories, take_sample
from cozad_teach.training.episodes import AuxiliaryCategory, images_needed, sample_meta_batch
from cozad_teach.training.feature_store import FeatureStore, Reading

TINY = dataclasses.replace(
    LITE,
    **{"image_size": 64, "meta_steps": 3, "patches_per_image": 8, "images_per_category": 12},
    **{"support_images": 3, "query_images": 2, "tasks_per_step": 2, "inner_steps": 1},
)
NAMES = ("leather_tan", "weave_linen")


@pytest.fixture(scope="module")
def backbone() -> Backbone:
    return load_backbone()


@pytest.fixture(scope="module")
def photographs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two categories of different sizes: 9 and 8 normal images, 5 and 4 anomalous ones."""
    root = tmp_path_factory.mktemp("auxiliary") / "mine"
    write_dataset(root, NAMES[:1], 4, 5, 5, seed=1, size=(70, 90))
    other = root.with_name("other")
    write_dataset(other, NAMES[1:], 4, 4, 4, seed=2, size=(70, 90))
    (other / NAMES[1]).rename(root / NAMES[1])
    return root


@pytest.fixture(scope="module")
def store(backbone: Backbone, tmp_path_factory: pytest.TempPathFactory) -> FeatureStore:
    return FeatureStore(backbone, TINY, tmp_path_factory.mktemp("features"))


@pytest.fixture(scope="module")
def opened(photographs: Path) -> list[AuxiliaryPhotographs]:
    return open_auxiliary([str(photographs)], TINY)


@pytest.fixture(scope="module")
def prepared(store: FeatureStore, opened: list[AuxiliaryPhotographs]) -> AuxiliaryFeatures:
    return prepare_photographs(store, opened, TINY)


@pytest.fixture(scope="module")
def model(backbone: Backbone, prepared: AuxiliaryFeatures) -> CoZAD:
    return fit(backbone, prepared, TINY, seed=3)


def refused(*what: object, settings: Settings = TINY, **options: bool) -> str:
    with pytest.raises(CozadError) as caught:
        open_auxiliary([str(place) for place in what], settings, **options)
    assert str(caught.value).isprintable()
    return str(caught.value)


# What is taken


def test_every_labelled_image_is_taken_normal_ones_first(
    opened: list[AuxiliaryPhotographs],
) -> None:
    assert [category.name for category in opened] == [*NAMES]
    for category, (n_normal, n_anomalous) in zip(opened, ((9, 5), (8, 4)), strict=True):
        odd = [image.is_anomalous for image in category.images]
        assert odd == [False] * n_normal + [True] * n_anomalous
        for image in category.images:
            picture, mask = image.read()
            assert picture.shape == (70, 90, 3) and mask.shape == (70, 90)
            assert mask.any() == image.is_anomalous
            assert image.name.startswith(f"mine: {category.name}/")


def test_tasks_can_be_drawn_from_as_many_images_as_are_needed_and_from_no_fewer() -> None:
    for settings in (TINY, LITE, dataclasses.replace(TINY, query_images=5, max_contamination=1)):
        normal, anomalous = images_needed(settings)
        for n, few in enumerate(((0, 0), (1, 0), (0, 1))):
            labels = np.repeat([False, True], [normal - few[0], anomalous - few[1]])
            category = AuxiliaryCategory(
                torch.zeros(len(labels), settings.patches_per_image, 2),
                torch.from_numpy(labels)[:, None].expand(-1, settings.patches_per_image),
            )
            rng = np.random.default_rng(n)
            outcomes = set()
            for _ in range(200):
                try:
                    sample_meta_batch([category], rng, settings)
                    outcomes.add("drawn")
                except CozadError:
                    outcomes.add("too small")
            assert ("too small" in outcomes) == any(few)


def test_defects_are_drawn_on_a_third_of_good_images_where_there_are_no_anomalous_ones(
    tmp_path: Path, photographs: Path
) -> None:
    shutil.copytree(photographs, tmp_path / "good", ignore=shutil.ignore_patterns("ground_truth"))
    for folder in (tmp_path / "good").glob("*/test/*"):
        if folder.name != "good":
            shutil.rmtree(folder)
    few = dataclasses.replace(TINY, support_images=2)
    assert "--draw-defects" in refused(tmp_path / "good", settings=few)
    made = open_auxiliary([str(tmp_path / "good")], few, 5, draw_defects=True)
    for category, n_good in zip(made, (9, 8), strict=True):
        odd = [image for image in category.images if image.is_anomalous]
        assert len(category.images) == n_good and len(odd) == n_good // 3
        for image in odd:
            picture, mask = image.read()
            assert picture.shape == (64, 64, 3) and 0 < mask.mean() < 0.5
    again, other = (
        open_auxiliary([str(tmp_path / "good")], few, seed, draw_defects=True) for seed in (5, 6)
    )

    def identities(categories: list[AuxiliaryPhotographs]) -> list[str]:
        return [image.identify() for category in categories for image in category.images]

    assert identities(made) == identities(again) != identities(other)


def test_drawn_materials_are_mixed_in(photographs: Path, tmp_path: Path) -> None:
    shutil.copytree(photographs, tmp_path / "mine")
    for n, name in enumerate(NAMES):
        (tmp_path / "mine" / name).rename(tmp_path / "mine" / f"photographs {n}")
    mixed = open_auxiliary(["drawn", str(tmp_path / "mine")], TINY)
    assert [c.name for c in mixed[:2]] == ["photographs 0", "photographs 1"] and len(mixed) > 20
    picture, mask = mixed[2].images[-1].read()
    assert picture.shape == (64, 64, 3) and mask.any()


def test_what_cannot_be_trained_on_is_told_with_the_numbers(
    photographs: Path, tmp_path: Path
) -> None:
    assert "there are no auxiliary data nowhere: give a folder or a zip" in refused("nowhere")
    assert "is given twice" in refused(photographs, photographs)
    assert "is given twice" in refused(photographs, f"{photographs}/../mine")
    assert "drawn is given twice" in refused("drawn", "drawn")
    assert "two categories leather_tan" in refused("drawn", photographs)
    needed = "need 9 normal images and 5 anomalous ones with masks in each category, but"
    said = refused(photographs, settings=dataclasses.replace(LITE, support_images=7))
    assert f"settings lite {needed} weave_linen has 8 and 4: bring more" in said

    one = tmp_path / "one"
    shutil.copytree(photographs / NAMES[0], one / NAMES[0])
    assert "have 1 category, training needs 2 or more" in refused(one)
    shutil.rmtree(one / NAMES[0] / "ground_truth")
    said = refused(one)
    assert "leather_tan has 9 and 0 (and 5 anomalous ones without a mask): bring more" in said


def test_an_empty_mask_is_named(photographs: Path, tmp_path: Path, store: FeatureStore) -> None:
    shutil.copytree(photographs, tmp_path / "mine")
    mask = sorted((tmp_path / "mine").glob("weave_linen/ground_truth/*/*.png"))[0]
    Image.new("L", (90, 70)).save(mask)
    categories = open_auxiliary([str(tmp_path / "mine")], TINY)
    name = mask.relative_to(tmp_path / "mine").as_posix()
    with pytest.raises(CozadError, match=f"^{name} in mine is empty, but weave_linen/test/"):
        prepare_photographs(store, categories, TINY)


# How they count


def test_categories_count_alike_however_large(
    backbone: Backbone, opened: list[AuxiliaryPhotographs], prepared: AuxiliaryFeatures
) -> None:
    """By a slow loop in float64 over the features of each category."""
    first, second, scatters = [], [], []
    for category in opened:
        pictures = [image.read()[0] for image in category.images]
        grids = extract_features(backbone, pictures, 64).double().flatten(0, 2)
        first.append(grids.mean(0))
        second.append((grids**2).mean(0))
    mean = sum(first) / 2
    std = (sum(second) / 2 - mean**2).sqrt()
    torch.testing.assert_close(prepared.mean.double(), mean, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(prepared.std.double(), std, rtol=1e-4, atol=1e-6)
    for category in prepared.categories:
        normal = category.features[~category.anomalous.any(-1)].double().flatten(0, 1)
        scatters.append(torch.cov(normal.T, correction=0))
    torch.testing.assert_close(prepared.prior.double(), sum(scatters) / 2, rtol=1e-3, atol=1e-4)


def test_tasks_get_float32_of_unit_length_by_level(prepared: AuxiliaryFeatures) -> None:
    batch = sample_meta_batch(prepared.categories, np.random.default_rng(0), TINY)
    assert batch.support.dtype == batch.query.dtype == torch.float32
    level = load_backbone().level_channels[0]
    squares = batch.support[..., :level].square().mean(-1)
    torch.testing.assert_close(squares, torch.ones_like(squares), rtol=2e-3, atol=0)


# What is kept back


def test_samples_leave_enough_for_tasks_and_are_not_trained_on(
    opened: list[AuxiliaryPhotographs], prepared: AuxiliaryFeatures
) -> None:
    normal, anomalous = images_needed(TINY)
    assert [sample.category for sample in prepared.samples] == [*NAMES]
    for whole, sample, category in zip(opened, prepared.samples, prepared.categories, strict=True):
        odd = category.anomalous.any(-1)
        assert (~odd).sum() >= normal and odd.sum() >= anomalous
        assert len(category.features) + len(sample.features) == len(whole.images)
        names = {image.name: image.is_anomalous for image in whole.images}
        labels = [names[name] for name in sample.images.names]
        assert labels == [False] * sample.n_normal + [True] * (len(labels) - sample.n_normal)
        assert 0 < sample.n_support < sample.n_normal < len(labels) == len(set(sample.images.names))
    assert len(prepared.images) == sum(len(category.images) for category in opened)


def test_samples_are_spread_and_not_taken_where_all_are_needed() -> None:
    assert calibration_categories(2) == [0, 1]
    assert calibration_categories(15) == [0, 3, 6, 8, 11, 14]
    normal, anomalous = images_needed(TINY)

    def take(n_normal: int, n_anomalous: int) -> list[int] | None:
        n = n_normal + n_anomalous
        images = Fingerprints(("x",) * n, ("y",) * n, np.zeros((n, 64, 64), np.uint8))
        odd = (torch.arange(n) >= n_normal)[:, None]
        taken = take_sample("c", Reading(torch.arange(n).float()[:, None], odd, images), TINY)
        if taken:
            assert taken[0].features[:, 0].tolist() == taken[1]
        return taken and taken[1]

    assert take(normal + 3, 99) is None and take(99, anomalous + 1) is None
    assert take(normal + 4, anomalous + 2) is not None
    places = take(100, 50)
    assert places and len(places) == 24
    assert (places[0], places[15], places[16], places[-1]) == (0, 99, 100, 149)
    assert places[:8] == sorted(places[:8]) and places[7] > 80


def test_thresholds_are_chosen_on_what_was_kept_back(model: CoZAD) -> None:
    for method, protocol in (("cozad", "batch"), ("cozad", "single"), ("knn", "few-2")):
        _, use = CalibratedModel(model).calibration(Run.of(method, protocol))
        assert use.images.names == sum((s.images.names for s in model.samples), ())
        assert use.purpose == "threshold" and use.labels


# The store


def test_what_was_extracted_is_not_read_again(
    opened: list[AuxiliaryPhotographs], store: FeatureStore, prepared: AuxiliaryFeatures
) -> None:
    del prepared

    def read() -> None:
        raise AssertionError("an image was decoded although its features are stored")

    images = [dataclasses.replace(image, read=read) for image in opened[0].images]
    with tqdm(disable=True) as bar:
        found = store.read(images, bar)
    pictures = [image.read()[0] for image in opened[0].images]
    # In batches as the store makes them.
    torch.testing.assert_close(
        found.features, extract_features(store.backbone, pictures, 64), rtol=0, atol=0
    )
    fingerprints = Fingerprints.of([image.name for image in images], pictures)
    assert found.images.names == fingerprints.names and found.images.hashes == fingerprints.hashes
    np.testing.assert_array_equal(found.images.thumbnails, fingerprints.thumbnails)
    assert found.anomalous.any(-1).tolist() == [image.is_anomalous for image in images]


def test_other_settings_pictures_and_masks_are_other_files(
    opened: list[AuxiliaryPhotographs], store: FeatureStore, photographs: Path, tmp_path: Path
) -> None:
    image = opened[0].images[-1]
    path = store._path(image)
    larger = dataclasses.replace(store, settings=dataclasses.replace(TINY, image_size=96))
    assert larger._path(image) != path != store._path(opened[0].images[-2])
    shutil.copytree(photographs, tmp_path / "mine")
    assert store._path(open_auxiliary([str(tmp_path / "mine")], TINY)[0].images[-1]) == path
    mask = sorted((tmp_path / "mine" / NAMES[0]).glob("ground_truth/*/*.png"))[-1]
    Image.fromarray(np.asarray(Image.open(mask))[::-1]).save(mask)
    changed = [i for i in open_auxiliary([str(tmp_path / "mine")], TINY)[0].images]
    assert (
        sum(
            store._path(a) != store._path(b) for a, b in zip(changed, opened[0].images, strict=True)
        )
        == 1
    )


@pytest.mark.parametrize("content", [b"", b"half", None])
def test_a_damaged_file_is_made_anew(
    opened: list[AuxiliaryPhotographs],
    store: FeatureStore,
    prepared: AuxiliaryFeatures,
    content: bytes | None,
) -> None:
    del prepared
    path = store._path(opened[0].images[0])
    whole = path.read_bytes()
    path.write_bytes(whole[:-5] if content is None else content)
    with tqdm(disable=True) as bar:
        store.read(opened[0].images, bar)
    assert path.read_bytes() == whole


def test_a_store_that_cannot_be_written_is_told(
    opened: list[AuxiliaryPhotographs], store: FeatureStore, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    lost = dataclasses.replace(store, folder=tmp_path / "file")
    with tqdm(disable=True) as bar, pytest.raises(CozadError, match="cannot write"):
        lost.read(opened[0].images, bar)


# From the command line, and back


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch, store: FeatureStore) -> None:
    """Train with the small settings, on features that are stored already."""
    monkeypatch.setitem(SETTINGS, "photographs", TINY)
    monkeypatch.setattr(
        feature_store.FeatureStore,
        "usual",
        classmethod(lambda cls, backbone, settings: cls(backbone, settings, store.folder)),
    )


def test_a_model_file_holds_names_samples_and_all_images(
    model: CoZAD, tmp_path: Path, opened: list[AuxiliaryPhotographs]
) -> None:
    save_model(model, tmp_path / "m")
    again = load_model(tmp_path / "m")
    assert again.auxiliary == NAMES
    for was, is_now in zip(model.samples, again.samples, strict=True):
        assert torch.equal(was.features, is_now.features)
        assert (was.category, was.n_support, was.n_normal) == (
            *(is_now.category, is_now.n_support, is_now.n_normal),
        )
        assert was.images.hashes == is_now.images.hashes
    names = {image.name for category in opened for image in category.images}
    assert all(set(use.images.names) == names for use in again.uses)


def test_a_stopped_training_goes_on_bit_for_bit(
    photographs: Path, tmp_path: Path, at_once: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["train", "--auxiliary", str(photographs), "--seed", "4", "--out"]
    assert main([*arguments, str(tmp_path / "whole")]) == 0
    step, steps = meta_training.sample_meta_batch, iter([0, 1])

    def twice(*arguments: object) -> object:
        if next(steps, None) is None:
            raise KeyboardInterrupt
        return step(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(meta_training, "sample_meta_batch", twice)
        patch.setattr("cozad_teach.training.checkpoints.Checkpoint.every", 1)
        patch.setattr("cozad_teach.models.train.Checkpoint", _every_step)
        assert main([*arguments, str(tmp_path / "stopped")]) == 130
    assert (tmp_path / "stopped.checkpoint").exists()
    assert main([*arguments, str(tmp_path / "stopped")]) == 0
    whole, stopped = (load_model(tmp_path / name) for name in ("whole", "stopped"))
    assert whole.history == stopped.history
    for name, value in whole.parameters.items():
        assert torch.equal(value, stopped.parameters[name])


def _every_step(path: Path, key: str) -> object:
    from cozad_teach.training.checkpoints import Checkpoint

    return Checkpoint(path, key, every=1)


def test_a_target_of_the_same_name_is_refused(
    model: CoZAD, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    save_model(model, tmp_path / "m")
    write_dataset(tmp_path / "set", ["weave_linen"], 1, 3, 3, seed=9, size=(70, 90))
    (tmp_path / "set" / "weave_linen").rename(tmp_path / "set" / "Weave_Linen")
    arguments = ["evaluate", "--model", str(tmp_path / "m"), "--data", str(tmp_path / "set")]
    arguments += ["--out", str(tmp_path / "report.json")]
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert "the model was trained on Weave_Linen" in said and "--allow-same-category" in said
    assert not (tmp_path / "report.json").exists()
    assert main([*arguments, "--allow-same-category"]) == 0
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["auxiliary"] == [*NAMES]
    n_images = sum(len(sample.images) for sample in model.samples)
    assert report["calibration"]["chosen_on"] == f"{n_images} auxiliary photographs"


def test_a_target_that_shares_an_image_is_a_leak(
    model: CoZAD, tmp_path: Path, photographs: Path, capsys: pytest.CaptureFixture
) -> None:
    save_model(model, tmp_path / "m")
    write_dataset(tmp_path / "set", ["knit_wool"], 1, 3, 3, seed=9, size=(70, 90))
    stolen = sorted((photographs / "leather_tan").glob("train/good/*"))[0]
    picture = Image.open(stolen).resize((140, 180))
    picture.save(tmp_path / "set" / "knit_wool" / "test" / "good" / "new.jpg")
    arguments = ["evaluate", "--model", str(tmp_path / "m"), "--data", str(tmp_path / "set")]
    assert main([*arguments, "--out", str(tmp_path / "report.json")]) == 3
    said = capsys.readouterr().err
    assert "mine: leather_tan/train/good/" in said and "knit_wool/test/good/new.jpg" in said


@pytest.mark.parametrize("protocol", ["batch", "single"])
def test_predict_decides_by_the_threshold_from_photographs(
    model: CoZAD, tmp_path: Path, capsys: pytest.CaptureFixture, protocol: str
) -> None:
    save_model(model, tmp_path / "m")
    images = list(draw_category("knit_wool", 3, 3, 9, (70, 90)).images)
    (tmp_path / "mine").mkdir()
    for number, image in enumerate(images):
        Image.fromarray(image).save(tmp_path / "mine" / f"{number}.png")
    words = ["predict", "--model", str(tmp_path / "m"), "--images", str(tmp_path / "mine")]
    assert main([*words, "--protocol", protocol, "--out", str(tmp_path / "maps")]) == 0
    with (tmp_path / "maps" / "scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    found = np.array([float(row["score"]) for row in rows])
    chosen = CalibratedModel(model).calibration_for(found, Run.of("cozad", protocol, 3))
    for row in rows:
        assert row["verdict"] == ("defect" if float(row["score"]) >= chosen.threshold else "good")
    n_defects = sum(row["verdict"] == "defect" for row in rows)
    said = capsys.readouterr().out
    assert f"{n_defects} called defect, {6 - n_defects} called good" in said
    # Of a product whose good images all score twice as high, the same images are defects.
    many = np.repeat(50 * found, 2)
    together = protocol == "batch"
    same = [verdicts(model, (factor * many).tolist(), together=together) for factor in (1, 2)]
    assert same[0] == same[1] == [w for w in same[0][::2] for _ in range(2)]


def test_a_model_of_drawn_materials_decides_nothing(
    model: CoZAD, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    drawn = dataclasses.replace(model, samples=(), auxiliary=())
    assert verdicts(drawn, [0.1, 9.0], together=True) == ["", ""]
    save_model(drawn, tmp_path / "m")
    (tmp_path / "mine").mkdir()
    Image.new("RGB", (70, 90), (9, 99, 199)).save(tmp_path / "mine" / "a.png")
    words = ["predict", "--model", str(tmp_path / "m"), "--images", str(tmp_path / "mine")]
    assert main([*words, "--out", str(tmp_path / "maps")]) == 0
    assert "no verdicts: the model has seen drawn materials only" in capsys.readouterr().out
    with (tmp_path / "maps" / "scores.csv").open(newline="") as file:
        assert [row["verdict"] for row in csv.DictReader(file)] == [""]


@pytest.mark.parametrize(
    ("what", "name"),
    [
        (None, "lite"),
        (["drawn"], "lite"),
        (["mvtec_ad"], "photographs"),
        (["drawn", "mine.zip"], "photographs"),
    ],
)
def test_settings_are_those_chosen_on_such_images(what: list[str] | None, name: str) -> None:
    assert usual_settings(what) == name


def test_a_model_is_not_written_over_its_photographs(
    photographs: Path, tmp_path: Path, capsys: pytest.CaptureFixture, at_once: None
) -> None:
    archive = shutil.make_archive(str(tmp_path / "set"), "zip", photographs)
    before = Path(archive).read_bytes()
    assert main(["train", "--auxiliary", archive, "--out", archive]) == 2
    assert main(["train", "--auxiliary", str(photographs), "--out", f"{photographs}/m"]) == 2
    assert all("which is read" in line for line in capsys.readouterr().err.splitlines())
    assert Path(archive).read_bytes() == before
    assert main(["train", "--auxiliary", archive, "--out", str(tmp_path / "model")]) == 0


def test_scores_follow_the_features_of_the_model(model: CoZAD, photographs: Path) -> None:
    """What a sample holds is what `CoZAD.features` gives of the same files."""
    sample = model.samples[0]
    files = {
        f"mine: {file.name}": file
        for category in open_dataset(photographs).values()
        for file in (*category.train_good, *(item.image for item in category.test))
    }
    images = [read_image(files[name]) for name in sample.images.names]
    torch.testing.assert_close(
        sample.features.float(), model.features(images), rtol=2e-3, atol=2e-3
    )
    assert standardise(torch.zeros(1), torch.zeros(1), torch.ones(1)) == 0


def test_evaluation_of_another_category_works(model: CoZAD, tmp_path: Path) -> None:
    write_dataset(tmp_path / "set", ["knit_wool"], 2, 3, 3, seed=9, size=(70, 90))
    for method, protocol in (("cozad", "single"), ("ensemble", "batch"), ("knn", "full")):
        report = evaluate(model, open_dataset(tmp_path / "set"), protocol, method).report
        kind = "drawn images of auxiliary materials" if method == "ensemble" else "auxiliary pho"
        assert kind in report["calibration"]["chosen_on"]
