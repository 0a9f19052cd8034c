"""Protocols see what they may, and the report says what could not be computed."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from cozad_teach.cozad import CoZAD
from cozad_teach.data.folders import open_dataset
from cozad_teach.data.hashes import image_hash
from cozad_teach.data.textures import UNSEEN_CATEGORIES, write_dataset
from cozad_teach.errors import CozadError, LeakError
from cozad_teach.evaluation.category import METRICS
from cozad_teach.evaluation.experiments import first_result
from cozad_teach.evaluation.protocols import METHODS, parse_protocol, patch_scores
from cozad_teach.evaluation.reports import evaluate

NAME = UNSEEN_CATEGORIES[0]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data") / "textures"
    write_dataset(root, [NAME], n_train=5, n_normal=4, n_anomalous=5, seed=0, size=(64, 96))
    return root


@pytest.mark.parametrize(("name", "k"), [("single", None), ("batch", None), ("few-4", 4)])
def test_protocols_are_named(name: str, k: int | None) -> None:
    assert parse_protocol(name) == k


@pytest.mark.parametrize("name", ["", "few", "few-", "few-0", "few--1", "few-x", "zero", "Batch"])
def test_unknown_protocols_are_refused(name: str) -> None:
    with pytest.raises(CozadError, match="unknown protocol"):
        parse_protocol(name)


def test_report_has_one_schema_for_every_method_and_protocol(trained: CoZAD, data: Path) -> None:
    reports = first_result(trained, data)
    ran = {(report["protocol"], report["method"]) for report in reports}
    assert ran == {(p, m) for p in ("single", "batch", "few-4") for m in METHODS} - {
        ("single", "mutual")
    }
    for report in reports:
        assert json.loads(json.dumps(report)) == report
        assert list(report) == [
            "method",
            "protocol",
            "backbone",
            "seed",
            "data",
            "categories",
            "mean",
            "seconds",
            "peak_memory_mb",
            "leaks",
        ]
        row = report["categories"][NAME]
        assert (row["n_normal"], row["n_anomalous"]) == (4, 5)
        assert all(0 <= row[metric] <= 1 for metric in METRICS)
        assert row["null_reasons"] == {}
        assert report["mean"] == {m: row[m] for m in METRICS} | {"null_reasons": {}}
        assert set(report["seconds"]) == {"fit", "adapt", "score"}
        assert report["peak_memory_mb"] > 100
        assert report["leaks"][NAME]["passed"]
        assert report["leaks"][NAME]["test_images"] == 9
        assert report["leaks"][NAME]["support_images"] == (
            4 if report["protocol"] == "few-4" else 0
        )


def test_single_is_blind_to_the_other_test_images(trained: CoZAD, data: Path) -> None:
    category = open_dataset(data)[NAME]
    images = [np.asarray(Image.open(f).convert("RGB")) for f in sorted(data.rglob("test/*/*.png"))]
    features = trained.features(images)
    assert len(images) == len(category.test)
    for method in ("cozad", "mahalanobis", "knn"):
        alone, _ = patch_scores(trained, method, "single", features[:2])
        among, _ = patch_scores(trained, method, "single", features)
        assert torch.allclose(alone, among[:2], rtol=1e-3, atol=1e-3), method


def test_few_shot_takes_only_normal_training_images(trained: CoZAD, data: Path) -> None:
    dataset = open_dataset(data)
    with pytest.raises(CozadError, match=r"few-6 needs 6 images in .*train/good, which holds 5"):
        evaluate(trained, dataset, "few-6", "knn")
    reports = [evaluate(trained, dataset, "few-2", "knn", seed=s)["mean"] for s in (0, 0, 5)]
    assert reports[0] == reports[1]
    assert reports[0] != reports[2]


def test_methods_and_protocols_that_do_not_fit_are_refused(trained: CoZAD, data: Path) -> None:
    dataset = open_dataset(data)
    with pytest.raises(CozadError, match="unknown method 'magic'"):
        evaluate(trained, dataset, "batch", "magic")
    with pytest.raises(CozadError, match="use protocol batch"):
        evaluate(trained, dataset, "single", "mutual")
    with pytest.raises(CozadError, match="no test images"):
        evaluate(trained, {NAME: dataclasses.replace(dataset[NAME], test=())}, "batch")


@pytest.mark.parametrize("method", ["knn", "mutual"])
def test_one_test_image_cannot_be_compared_with_others(
    trained: CoZAD, data: Path, method: str
) -> None:
    category = open_dataset(data)[NAME]
    alone = {NAME: dataclasses.replace(category, test=category.test[:1])}
    with pytest.raises(CozadError, match="two or more"):
        evaluate(trained, alone, "batch", method)


def test_a_target_image_in_training_stops_the_run(trained: CoZAD, data: Path) -> None:
    leaked = sorted(data.rglob("test/*/*.png"))[2]
    known = image_hash(np.asarray(Image.open(leaked).convert("RGB")))
    guilty = dataclasses.replace(trained, training_hashes=(*trained.training_hashes, known))
    with pytest.raises(LeakError, match=leaked.name):
        evaluate(guilty, open_dataset(data), "batch", "mahalanobis")


def test_a_support_image_in_the_test_set_stops_the_run(
    trained: CoZAD, data: Path, tmp_path: Path
) -> None:
    for file in data.rglob("*.png"):
        copy = tmp_path / file.relative_to(data)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(file.read_bytes())
    (category,) = tmp_path.iterdir()
    for file in (category / "train" / "good").iterdir():
        file.unlink()
    twin = sorted((category / "test" / "good").iterdir())[0]
    (category / "train" / "good" / "other_name.png").write_bytes(twin.read_bytes())
    with pytest.raises(LeakError, match=r"other_name\.png"):
        evaluate(trained, open_dataset(tmp_path), "few-1", "knn")


def test_metrics_that_cannot_be_had_are_null_with_a_reason(trained: CoZAD, data: Path) -> None:
    category = open_dataset(data)[NAME]
    unmasked = tuple(dataclasses.replace(item, mask=None) for item in category.test)
    normal = tuple(item for item in category.test if not item.is_anomalous)
    dataset = {
        "labels_only": dataclasses.replace(category, test=unmasked),
        "normal_only": dataclasses.replace(category, test=normal),
    }
    report = evaluate(trained, dataset, "batch", "mahalanobis")
    rows = report["categories"]
    assert rows["labels_only"]["image_auroc"] is not None
    assert rows["labels_only"]["aupro"] is None
    assert "no masks" in rows["labels_only"]["null_reasons"]["aupro"]
    assert rows["normal_only"]["image_auroc"] is None
    assert "no anomalous images" in rows["normal_only"]["null_reasons"]["image_auroc"]
    assert report["mean"]["image_auroc"] is None
    assert "normal_only" in report["mean"]["null_reasons"]["image_auroc"]
