"""The ledger keeps what a number needs to be trusted, and says so when it is stale."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from cozad_teach.errors import CozadError
from cozad_teach.evaluation.ledger import (
    RESULTS,
    provenance,
    read_results,
    settings_hash,
    write_results,
)
from cozad_teach.settings import LITE, SETTINGS

REPORT = {
    "method": "cozad",
    "protocol": "batch",
    "seed": 3,
    "mean": {"image_auroc": 0.81234, "pixel_auroc": None, "aupro": 0.5, "null_reasons": {}},
}


def test_results_come_back_as_they_were_stored(tmp_path: Path) -> None:
    path = write_results("trial", "Why?", [REPORT], provenance("lite"), tmp_path)
    found = read_results("trial", tmp_path)
    assert path.name == "trial.json"
    assert found.content["reports"] == [REPORT]
    assert found.content["settings_hash"] == settings_hash(LITE)
    assert found.value("cozad", "batch", "image_auroc") == 0.81234
    assert found.value("cozad", "batch", "pixel_auroc") is None
    assert found.rows(["image_auroc", "pixel_auroc"]) == [("batch", "cozad", "0.812", "–")]
    assert "| batch | cozad | 0.812 | – | 0.500 |" in found.markdown()
    assert "cozad bench trial --settings lite --seed 3" in repr(found)


def test_missing_experiments_are_named(tmp_path: Path) -> None:
    with pytest.raises(CozadError, match="no experiment 'nothing'"):
        read_results("nothing", tmp_path)
    write_results("trial", "Why?", [REPORT], provenance("lite"), tmp_path)
    with pytest.raises(CozadError, match="no result of knn under single"):
        read_results("trial", tmp_path).value("knn", "single", "aupro")


def test_any_setting_changes_the_hash() -> None:
    for field in dataclasses.fields(LITE):
        value = getattr(LITE, field.name)
        other = (4, *value) if isinstance(value, tuple) else value * 2
        changed = dataclasses.replace(LITE, **{field.name: other})
        assert settings_hash(changed) != settings_hash(LITE), field.name


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*.json")), ids=lambda path: path.stem)
def test_no_stored_result_is_stale(path: Path) -> None:
    content = read_results(path.stem).content
    assert content["settings_hash"] == settings_hash(SETTINGS[content["settings"]]), (
        f"the settings have changed since {path.name} was made: {content['command']}"
    )
    for key in ("question", "command", "commit", "torch", "python", "hardware"):
        assert content[key], key
    for report in content["reports"]:
        assert all(proof["passed"] for proof in report["leaks"].values())
