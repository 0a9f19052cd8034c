"""Protocols see what they may, and the report says what could not be computed."""

from __future__ import annotations

import copy
import dataclasses
import io
import json
import math
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import cozad_teach
from cozad_teach.cozad import CoZAD
from cozad_teach.data.drawn.textures import UNSEEN_CATEGORIES, write_dataset
from cozad_teach.data.folders import open_dataset
from cozad_teach.data.identity.copies import Copy
from cozad_teach.data.identity.fingerprints import Fingerprints
from cozad_teach.data.identity.uses import Use
from cozad_teach.errors import CozadError, LeakError
from cozad_teach.evaluation import target_features as readings_module
from cozad_teach.evaluation.baselines import discriminator
from cozad_teach.evaluation.calibrated_model import CalibratedModel
from cozad_teach.evaluation.category import METRICS
from cozad_teach.evaluation.methods import METHODS, Run, suits
from cozad_teach.evaluation.protocols import Protocol
from cozad_teach.evaluation.reports import evaluate
from cozad_teach.evaluation.target_features import TargetFeatures, choose_support
from cozad_teach.features import unit_length

NAME = UNSEEN_CATEGORIES[0]


@pytest.fixture(autouse=True)
def briefly_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    """How well the discriminator learns is asked elsewhere: here a few of its steps are enough."""
    monkeypatch.setattr(discriminator, "STEPS", 20)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data") / "textures"
    write_dataset(root, [NAME], n_train=5, n_normal=4, n_anomalous=5, seed=0, size=(64, 96))
    return root


@pytest.mark.parametrize(
    ("name", "normal_images", "together", "alone"),
    [
        ("single", 0, False, True),
        ("batch", 0, True, False),
        ("few-4", 4, False, False),
        ("full", math.inf, False, False),
    ],
)
def test_protocols_are_named(name: str, normal_images: float, together: bool, alone: bool) -> None:
    protocol = Protocol.parse(name)
    assert protocol == Protocol(name, normal_images, together)
    assert (protocol.alone, protocol.zero_shot) == (alone, normal_images == 0)


@pytest.mark.parametrize(
    "name", ["", "few", "few-", "few-0", "few-04", "few-٣", "few--1", "few-x", "zero", "Batch"]
)
def test_unknown_protocols_are_refused(name: str) -> None:
    with pytest.raises(CozadError, match="unknown protocol"):
        Protocol.parse(name)


@pytest.mark.parametrize("method", ["mahalanobis", "knn", "mutual"])
def test_unit_baselines_are_the_baselines_on_directions(trained: CoZAD, method: str) -> None:
    features = torch.randn(4, 7, 6, 152, generator=torch.Generator().manual_seed(0))
    directions = unit_length(features, trained.backbone.level_channels)
    for protocol in ("batch",) if method == "mutual" else ("single", "batch"):
        found = Run.of(f"{method}-unit", protocol).score([trained], [features])[0]
        plain = Run.of(method, protocol)
        assert torch.allclose(found, plain.score([trained], [directions])[0])
        assert not torch.allclose(found, plain.score([trained], [features])[0])
    for protocol in ("few-4", "full"):
        assert not suits(f"{method}-unit", protocol)
        with pytest.raises(CozadError, match="is for the protocols single and batch"):
            Run.of(f"{method}-unit", protocol)


@pytest.mark.parametrize("protocol", ["batch", "few-3", "full"])
def test_only_what_may_be_anomalous_is_doubted(trained: CoZAD, protocol: str) -> None:
    test, support = torch.randn(2, 3, 7, 6, 152, generator=torch.Generator().manual_seed(0))
    run = Run.of("cozad", protocol)
    if protocol == "batch":
        support, expected = test, trained.score(test, trained.adapt(test))
        found = run.score([trained], [test])[0]
    else:
        expected = trained.score(test, trained.adapt(support, normal=True))
        found = run.score([trained], [test], [support])[0]
    assert torch.equal(found, expected)
    assert not torch.equal(
        found, trained.score(test, trained.adapt(support, normal=protocol == "batch"))
    )


@pytest.fixture(scope="module")
def target_features(trained: CoZAD, data: Path) -> TargetFeatures:
    return TargetFeatures(CalibratedModel(trained), open_dataset(data))


def shared(target_features: TargetFeatures, model: CoZAD, dataset: Any = None) -> TargetFeatures:
    """TargetFeatures of a changed model or data set, with the materials that were drawn already."""
    calibrated_model = copy.copy(target_features.calibrated_model)
    calibrated_model.model = model
    return TargetFeatures(calibrated_model, dataset or target_features.dataset)


ALL = [(p, m) for p in ("single", "batch", "few-2", "full") for m in METHODS if suits(m, p)]


@pytest.mark.parametrize(("protocol", "method"), ALL)
def test_every_method_gives_one_schema_and_its_proof(
    trained: CoZAD, data: Path, target_features: TargetFeatures, protocol: str, method: str
) -> None:
    dataset = open_dataset(data)
    found = evaluate(
        trained, dataset, protocol, method, data="x", seed=1, target_features=target_features
    )
    report = found.report
    assert json.loads(json.dumps(report)) == report
    assert list(report) == [
        "method",
        "protocol",
        "backbone",
        "seed",
        "data",
        "categories",
        "mean",
        "without_test_images",
        "calibration",
        "auxiliary",
        "seconds",
        "peak_memory_mb",
        "leaks",
        "images",
    ]
    assert report["auxiliary"] == []
    assert (report["method"], report["protocol"], report["seed"]) == (method, protocol, 1)
    row = report["categories"][NAME]
    assert (row["n_normal"], row["n_anomalous"]) == (4, 5)
    assert row["null_reasons"] == {} and row["interval_reason"] is None
    with_interval = [metric for metric in METRICS if "f1max" not in metric]
    for metric in with_interval:
        low, high = row["intervals"][metric]
        assert 0 <= low <= row[metric] <= high <= 1
        assert found.measured[NAME].draws[metric].shape == (2000,)
    assert report["mean"] == {m: row[m] for m in METRICS} | {
        "intervals": {m: pytest.approx(row["intervals"][m]) for m in with_interval},
        "null_reasons": {},
    }
    assert set(row["at_threshold"]) == {"precision", "recall", "f1", "false_positive_rate"}
    assert 0 <= row["calibration_error"] <= 1
    assert sum(b["images"] for b in row["reliability"]) == 9
    assert report["calibration"]["slope"] > 0
    assert set(report["seconds"]) == {"fit", "adapt", "score"}
    assert report["peak_memory_mb"] > 100

    proof = report["leaks"][NAME]
    assert proof["passed"] and proof["leaks"] == [] and proof["skipped"] == []
    purposes = ["weights", "statistics", *(["statistics"] if method == "ensemble" else [])]
    assert [use["purpose"] for use in proof["uses"]] == [*purposes, "threshold"]
    assert proof["test"]["images"] == 9
    support_is_given = protocol in ("few-2", "full")
    assert proof["support"]["images"] == {"few-2": 2, "full": 5}.get(protocol, 0)
    on_record = [*proof["uses"], proof["test"], *([proof["support"]] if support_is_given else [])]
    for kept in on_record:
        hashes = report["images"][kept["digest"]]
        assert len(hashes["hashes"]) == len(hashes["perceptual_hashes"]) == kept["images"]
    if protocol == "batch":
        assert "independence" not in proof
    else:
        assert proof["independence"]["passed"] and proof["independence"]["images"] == 2


def test_thresholds_come_from_images_that_are_not_the_targets(
    trained: CoZAD, data: Path, target_features: TargetFeatures
) -> None:
    """The same threshold whatever the target is; on record are drawn images and no others."""
    dataset = open_dataset(data)
    (category,) = dataset.values()
    half = {NAME: dataclasses.replace(category, test=category.test[1:8])}
    reports = [
        evaluate(
            trained,
            d,
            "batch",
            "mahalanobis",
            target_features=TargetFeatures(target_features.calibrated_model, d),
        ).report
        for d in (dataset, half)
    ]
    assert reports[0]["calibration"] == reports[1]["calibration"]
    uses = reports[0]["leaks"][NAME]["uses"]
    assert uses[-1]["purpose"] == "threshold" and uses[-1]["labels"] and uses[-1]["images"] > 100
    hashes = [set(reports[0]["images"][use["digest"]]["hashes"]) for use in uses]
    assert not any(hashes[-1] & trained_on for trained_on in hashes[:-1])


def test_the_mean_is_over_categories_and_names_those_left_out(
    trained: CoZAD, data: Path, target_features: TargetFeatures
) -> None:
    (category,) = open_dataset(data).values()
    halves = [tuple(item for n, item in enumerate(category.test) if n % 2 == odd) for odd in (0, 1)]
    dataset = {
        "even": dataclasses.replace(category, test=halves[0]),
        "odd": dataclasses.replace(category, test=halves[1]),
        "untested": dataclasses.replace(category, test=()),
    }
    given = shared(target_features, trained, dataset)
    report = evaluate(trained, dataset, "batch", "mahalanobis", target_features=given).report
    assert list(report["categories"]) == ["even", "odd"]
    assert report["without_test_images"] == ["untested"]
    for metric in METRICS:
        values = [row[metric] for row in report["categories"].values()]
        assert report["mean"][metric] == pytest.approx(np.mean(values))
    assert report["categories"]["even"]["pixel_auroc"] != report["categories"]["odd"]["pixel_auroc"]


def test_a_model_without_a_record_cannot_be_evaluated(trained: CoZAD, data: Path) -> None:
    for uses in ((), trained.uses[:1]):
        silent = dataclasses.replace(trained, uses=uses)
        with pytest.raises(CozadError, match="no record of the images"):
            evaluate(silent, open_dataset(data), "batch", "mahalanobis")


def test_copies_within_the_test_set_widen_the_intervals(
    trained: CoZAD, data: Path, target_features: TargetFeatures, tmp_path: Path
) -> None:
    """Every test image three times: three times as many images, and no more witnesses."""
    category = copied(data, tmp_path)
    for file in sorted((category / "test").rglob("*.png")):
        image = np.asarray(Image.open(file).convert("RGB"))
        mask = category / "ground_truth" / file.parent.name / f"{file.stem}_mask.png"
        for n in (1, 2):
            copy_name = f"{file.stem}_{n}"
            Image.fromarray(image + np.uint8(n)).save(file.with_name(f"{copy_name}.png"))
            if mask.exists():
                shutil.copy(mask, mask.with_name(f"{copy_name}_mask.png"))
    dataset = open_dataset(tmp_path)
    found = evaluate(
        trained,
        dataset,
        "single",
        "mahalanobis",
        target_features=shared(target_features, trained, dataset),
    )
    once = evaluate(
        trained, target_features.dataset, "single", "mahalanobis", target_features=target_features
    )
    assert len(dataset[NAME].test) == 3 * len(target_features.dataset[NAME].test)
    assert len(found.report["leaks"][NAME]["copies_within_test"]) == 9
    for metric, spread in once.measured[NAME].spreads.items():
        assert found.measured[NAME].spreads[metric].degrees == spread.degrees
        ratio = found.measured[NAME].spreads[metric].variance / spread.variance
        assert 0.5 < ratio < 2, metric


def test_single_is_blind_to_the_other_test_images(trained: CoZAD, data: Path) -> None:
    category = open_dataset(data)[NAME]
    images = [np.asarray(Image.open(f).convert("RGB")) for f in sorted(data.rglob("test/*/*.png"))]
    features = trained.features(images)
    assert len(images) == len(category.test)
    for method in ("cozad", "mahalanobis", "knn"):
        run = Run.of(method, "single")
        alone, _ = run.score([trained], [features[:2]])
        among, _ = run.score([trained], [features])
        assert torch.allclose(alone, among[:2], rtol=1e-3, atol=1e-3), method


def test_few_shot_takes_only_normal_training_images(
    trained: CoZAD, data: Path, target_features: TargetFeatures
) -> None:
    dataset = open_dataset(data)
    with pytest.raises(
        CozadError, match=r"few-6 needs normal images in .*train/good, which holds 5"
    ):
        evaluate(trained, dataset, "few-6", "knn", target_features=target_features)
    reports = [
        evaluate(trained, dataset, "few-2", "knn", seed=s, target_features=target_features).report[
            "mean"
        ]
        for s in (0, 0, 5)
    ]
    assert reports[0] == reports[1]
    assert reports[0] != reports[2]


def test_methods_and_protocols_that_do_not_fit_are_refused(
    trained: CoZAD, data: Path, target_features: TargetFeatures
) -> None:
    dataset = open_dataset(data)
    with pytest.raises(CozadError, match="unknown method 'magic'"):
        evaluate(trained, dataset, "batch", "magic")
    with pytest.raises(CozadError, match="use protocol batch"):
        evaluate(trained, dataset, "single", "mutual")
    with pytest.raises(CozadError, match="no test images"):
        evaluate(trained, {NAME: dataclasses.replace(dataset[NAME], test=())}, "batch")


@pytest.mark.parametrize("method", ["knn", "mutual"])
def test_one_test_image_cannot_be_compared_with_others(
    trained: CoZAD, data: Path, target_features: TargetFeatures, method: str
) -> None:
    category = open_dataset(data)[NAME]
    alone = {NAME: dataclasses.replace(category, test=category.test[:1])}
    with pytest.raises(CozadError, match="two or more"):
        evaluate(
            trained, alone, "batch", method, target_features=shared(target_features, trained, alone)
        )


def leaked_into(trained: CoZAD, purpose: str, image: np.ndarray) -> CoZAD:
    use = Use(purpose, Fingerprints.of(["planted"], [image]), labels=True)
    return dataclasses.replace(trained, uses=(*trained.uses, use))


def saved_anew(image: np.ndarray) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(stream, "JPEG", quality=85)
    return np.asarray(Image.open(stream).convert("RGB"))


@pytest.mark.parametrize(
    ("purpose", "change"),
    [
        ("weights", lambda i: i),
        ("weights", saved_anew),
        ("weights", lambda i: saved_anew(i[:, ::-1])),
        ("weights", lambda i: saved_anew(i[4:60, 6:90])),
        ("statistics", lambda i: i),
        ("threshold", lambda i: i),
        ("epoch", lambda i: i),
    ],
)
def test_a_target_image_in_the_making_of_a_model_stops_the_run(
    trained: CoZAD,
    data: Path,
    target_features: TargetFeatures,
    purpose: str,
    change: Callable[[np.ndarray], np.ndarray],
) -> None:
    file = sorted(data.rglob("test/*/*.png"))[2]
    image = change(np.asarray(Image.open(file).convert("RGB")))
    guilty = leaked_into(trained, purpose, image)
    with pytest.raises(LeakError, match=rf"a part in the {purpose} .*{file.name}"):
        evaluate(
            guilty,
            target_features.dataset,
            "batch",
            "mahalanobis",
            target_features=shared(target_features, guilty),
        )


@pytest.mark.parametrize("protocol", ["single", "few-2"])
def test_scaling_features_by_the_test_set_stops_an_inductive_run(
    trained: CoZAD, target_features: TargetFeatures, protocol: str
) -> None:
    """Nobody put it on record; the scores themselves give it away."""

    class Scaled(CoZAD):
        def features(self, images: Any, *, progress: bool = False) -> torch.Tensor:
            found = super().features(images, progress=progress)
            return (found - found.mean((0, 1, 2))) / found.std((0, 1, 2))

    guilty = Scaled(**{f.name: getattr(trained, f.name) for f in dataclasses.fields(trained)})
    with pytest.raises(LeakError, match=f"under the protocol {protocol} scores depend"):
        evaluate(
            guilty,
            target_features.dataset,
            protocol,
            "mahalanobis",
            target_features=shared(target_features, guilty),
        )


def copied(data: Path, target: Path) -> Path:
    """Copy the data set; give its category's folder."""
    shutil.copytree(data, target, dirs_exist_ok=True)
    return target / NAME


def test_copies_of_test_images_are_no_support(
    trained: CoZAD, data: Path, target_features: TargetFeatures, tmp_path: Path
) -> None:
    category = copied(data, tmp_path)
    twin = sorted((category / "test" / "good").iterdir())[0]
    for file in sorted((category / "train" / "good").iterdir())[1:]:
        Image.fromarray(saved_anew(np.asarray(Image.open(twin)))).save(file)
    dataset = open_dataset(tmp_path)
    target_features = shared(target_features, trained, dataset)
    report = evaluate(trained, dataset, "few-1", "knn", target_features=target_features).report
    proof = report["leaks"][NAME]
    assert proof["support"]["images"] == 1
    assert len(proof["skipped"]) <= 4 and all("train/good" in name for name in proof["skipped"])
    full = evaluate(trained, dataset, "full", "knn", target_features=target_features).report[
        "leaks"
    ][NAME]
    assert full["support"]["images"] == 1 and len(full["skipped"]) == 4
    with pytest.raises(CozadError, match="which holds 5, 4 of them copies of test images"):
        evaluate(trained, dataset, "few-2", "knn", target_features=target_features)


def test_a_support_is_checked_again_once_copies_have_left_it(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a set has in common decides what is a copy in it: here the first image is one of few."""
    category = open_dataset(data)[NAME]
    asked = []

    def find_copies(first: Fingerprints, second: Fingerprints, *, same_kind: bool) -> list[Copy]:
        assert same_kind
        asked.append(len(first))
        return [Copy(0, 0, "saved anew", 1.0)] if len(first) > 3 else []

    monkeypatch.setattr(readings_module, "find_copies", find_copies)
    chosen, skipped = choose_support(
        NAME, category, Protocol.parse("full"), 0, Fingerprints.join([])
    )
    assert asked == [5, 4, 3]  # as the audit will ask, of just those that are left
    assert len(chosen) == 3 and len(skipped) == 2
    assert {*(file.name for file in chosen), *skipped} == {f.name for f in category.train_good}
    asked.clear()
    with pytest.raises(CozadError, match="holds 5, 2 of them copies"):
        choose_support(NAME, category, Protocol.parse("few-4"), 0, Fingerprints.join([]))
    assert asked == [4, 4, 3]


def test_metrics_that_cannot_be_had_are_null_with_a_reason(
    trained: CoZAD, data: Path, target_features: TargetFeatures
) -> None:
    category = open_dataset(data)[NAME]
    unmasked = tuple(dataclasses.replace(item, mask=None) for item in category.test)
    normal = tuple(item for item in category.test if not item.is_anomalous)
    dataset = {
        "labels_only": dataclasses.replace(category, test=unmasked),
        "normal_only": dataclasses.replace(category, test=normal),
    }
    given = shared(target_features, trained, dataset)
    report = evaluate(trained, dataset, "batch", "mahalanobis", target_features=given).report
    rows = report["categories"]
    assert rows["labels_only"]["image_auroc"] is not None
    assert rows["labels_only"]["aupro"] is None
    assert "no masks" in rows["labels_only"]["null_reasons"]["aupro"]
    assert rows["normal_only"]["image_auroc"] is None
    assert "no anomalous images" in rows["normal_only"]["null_reasons"]["image_auroc"]
    assert report["mean"]["image_auroc"] is None
    assert "normal_only" in report["mean"]["null_reasons"]["image_auroc"]


def test_normal_images_are_given_where_the_protocol_has_them_and_only_there(
    trained: CoZAD,
) -> None:
    features = torch.randn(3, 7, 6, 152, generator=torch.Generator().manual_seed(0))
    for protocol, support in (("few-3", None), ("full", None), ("batch", [features])):
        with pytest.raises(CozadError, match="few-K and full, and only they"):
            Run.of("knn", protocol).score([trained], [features], support)


def test_no_protocol_is_told_by_its_name_elsewhere() -> None:
    """Whoever asks what may be seen asks the protocol, so that a new one is added in one place."""
    package = Path(cozad_teach.__file__).parent
    asks = re.compile(r"protocol(\.name)? (==|!=|in) |parse\(.*\)\.name ==")
    found = [
        f"{path.name}: {line.strip()}"
        for path in package.rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if asks.search(line) and path.name != "protocols.py" and "for protocol in" not in line
    ]
    assert found == []
