"""The manifest holds what the project asks of it, and a damaged one is refused in a sentence."""

from __future__ import annotations

import copy
import datetime
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from cozad_teach.errors import CozadError
from fetching.converters import CONVERTERS
from fetching.manifest import read_manifest

PATH = Path(__file__).parents[2] / "data_scripts" / "manifest.yml"
MANIFEST = read_manifest(PATH)
RAW: dict[str, Any] = yaml.safe_load(PATH.read_text(encoding="utf-8"))

KNOWN_HASHES = {
    "mvtec_ad": "cf4313b13603bec67abb49ca959488f7eedce2a9f7795ec54446c649ac98cd3d",
    "visa": "2eb8690c803ab37de0324772964100169ec8ba1fa3f7e94291c9ca673f40f362",
    "btad": "461c9387e515bfed41ecaae07c50cf6b10def647b36c9e31d239ab2736b10d2a",
    "kolektorsdd": "65dc621693418585de9c4467d1340ea7958a6181816f0dc2883a1e8b61f9d4dc",
    "kolektorsdd2": "edcdb486809b24f1d17b785e30c52fafc5999554dd5fe18ddf77b61ceb6f36a8",
}


def test_the_sets_of_the_paper_are_there() -> None:
    assert list(MANIFEST) == [
        "mvtec_ad",
        "visa",
        "btad",
        "kolektorsdd",
        "kolektorsdd2",
        "dagm2007",
        "dtd_synthetic",
        "mpdd",
        "rsdds",
        "headct",
        "brainmri",
        "br35h",
        "magnetic_tile",
    ]
    numbers = {name: len(info.categories) for name, info in MANIFEST.items()}
    assert numbers["mvtec_ad"] == 15 and numbers["visa"] == 12 and numbers["dagm2007"] == 10
    assert {info.converter for info in MANIFEST.values()} == set(CONVERTERS)


def test_a_hash_is_known_or_said_to_be_unverified() -> None:
    for name, info in MANIFEST.items():
        assert [archive.sha256 for archive in info.archives] == [KNOWN_HASHES.get(name)]


def test_sentences_end_and_addresses_are_encrypted() -> None:
    for info in MANIFEST.values():
        assert info.split.endswith(".") and info.homepage.startswith("https://")
        assert not info.steps or info.steps.endswith(".")
        assert all(m.startswith("https://") for a in info.archives for m in a.mirrors)
        assert re.search(r"\((19|20)\d\d\)", info.citation), info.name


def written(tmp_path: Path, content: Any) -> Path:
    path = tmp_path / "manifest.yml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content), "utf-8")
    return path


def refused(tmp_path: Path, content: Any) -> str:
    with pytest.raises(CozadError) as caught:
        read_manifest(written(tmp_path, content))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_unverified_becomes_none_and_stays_apart_from_no(tmp_path: Path) -> None:
    fields = copy.deepcopy(RAW["visa"])
    fields["commercial_use"] = "unverified"
    fields["archives"][0]["bytes"] = 12
    (info,) = read_manifest(written(tmp_path, {"visa": fields})).values()
    assert (info.commercial_use, info.archives[0].bytes) == (None, 12)
    assert MANIFEST["mvtec_ad"].commercial_use is False


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("title", 3, "title: Input should be a valid string, not 3"),
        ("homepage", "example.org", "homepage: String should match pattern '^https?://"),
        (
            "commercial_use",
            "perhaps",
            "commercial_use: Input should be a valid boolean, not 'perhaps'",
        ),
        ("access", "closed", "access: Input should be 'open', 'login' or 'form', not 'closed'"),
        ("converter", "zip", "converter: Value error, is not one of mvtec, visa"),
        ("categories", [], "categories: Value should have at least 1 item"),
        ("categories", ["a", "a"], "categories: Value error, has an entry twice"),
        ("categories", ["../a"], "categories 0: String should match pattern"),
        ("images", {"train_good": 1}, "images test_good: Field required"),
        ("images", None, "images: Input should be"),
        ("archives", [], "archives: Value should have at least 1 item"),
        ("steps", "Log in.", "steps belong to access login or form"),
        ("name", "other", "name: stands above the fields"),
        ("title", datetime.date(2026, 1, 2), "title: Input should be a valid string, not {'value'"),
        ("colour", "red", "colour: Unexpected keyword argument"),
        ("licence", None, "licence: Value error, is empty: write unverified"),
        ("split", None, "split: Input should be a valid string, not None"),
    ],
)
def test_a_wrong_field_is_named(field: str, value: Any, words: str, tmp_path: Path) -> None:
    fields = copy.deepcopy(RAW["visa"])
    fields[field] = value
    said = refused(tmp_path, {"visa": fields})
    assert words in said and " is wrong at visa: " in said


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("bytes", True, "archives 0 bytes: Input should be a valid integer, not True"),
        ("bytes", "5 GB", "bytes: Input should be a valid integer, not '5 GB'"),
        ("sha256", "A" * 64, "sha256: String should match pattern"),
        ("file", "../evil.zip", "file: String should match pattern"),
        ("mirrors", ["ftp://example.org/a"], "mirrors 0: String should match pattern"),
        ("mirrors", [], "access is open, but an archive has no mirror"),
    ],
)
def test_a_wrong_field_of_an_archive_is_named(
    field: str, value: Any, words: str, tmp_path: Path
) -> None:
    fields = copy.deepcopy(RAW["visa"])
    fields["archives"][0][field] = value
    assert words in refused(tmp_path, {"visa": fields})


def test_files_that_are_no_manifest(tmp_path: Path) -> None:
    assert "lists no data set" in refused(tmp_path, "[]")
    assert "lists no data set" in refused(tmp_path, "")
    assert "is no YAML file" in refused(tmp_path, "a: [1")
    assert "name: String should match pattern" in refused(tmp_path, {"../x": RAW["visa"]})
    assert "None has no fields" in refused(tmp_path, {"visa": None})
    lacking = {key: value for key, value in RAW["visa"].items() if key != "licence"}
    assert "licence: Field required" in refused(tmp_path, {"visa": lacking})
    with pytest.raises(CozadError, match="cannot read the manifest"):
        read_manifest(tmp_path / "nowhere.yml")
