"""The ledger keeps what a number needs to be trusted, and says so when it is stale."""

from __future__ import annotations

import copy
import dataclasses
import json
from pathlib import Path

import pytest

from cozad_book.experiments.ledger import read_results, write_results
from cozad_book.experiments.lists import EXPERIMENTS, OURS, run_settings
from cozad_book.experiments.provenance import provenance, settings_hash
from cozad_book.experiments.speed import TIMED
from cozad_teach.errors import CozadError
from cozad_teach.files.checkout import results_folder
from cozad_teach.settings import LITE

ROW = {"protocol": "batch", "method": "cozad", "seeds": 3, "images": 9}
CONTENT = {
    "question": "Why?",
    "command": "cozad bench trial",
    "made_with": provenance(LITE),
    "results": [
        {
            **ROW,
            "data": "tiles",
            "values": {"image_auroc": [0.81234, 0.7, 0.9], "aupro": [1, 1, 1]},
        },
        {**ROW, "data": "wood", "values": {"image_auroc": [0.5, 0.25, 0.75]}},
    ],
    "differences": [
        {**ROW, "data": "wood", "other": "knn", "values": {"image_auroc": [0.1, -0.1, 0.3]}},
    ],
}


def test_results_come_back_as_they_were_stored(tmp_path: Path) -> None:
    path = write_results("trial", CONTENT, tmp_path)
    found = read_results("trial", tmp_path)
    assert path.name == "trial.json"
    assert found.content == CONTENT == json.loads(path.read_text(encoding="utf-8"))
    assert found.value("cozad", "batch", "image_auroc", "tiles") == 0.81234
    with pytest.raises(CozadError, match="several data sets: name one of tiles, wood"):
        found.value("cozad", "batch", "image_auroc")
    assert found.interval("cozad", "batch", "image_auroc", "wood") == (0.5, 0.25, 0.75)
    assert found.difference("knn", "batch", "image_auroc") == (0.1, -0.1, 0.3)
    with pytest.raises(CozadError, match="no aupro of cozad minus knn under batch on wood"):
        found.difference("knn", "batch", "aupro", "wood")
    assert found.markdown(["image_auroc", "aupro"]).splitlines() == [
        "| data | protocol | method | image AUROC | AUPRO |",
        "| --- | --- | --- | --- | --- |",
        "| tiles | batch | cozad | 0.812 (0.70–0.90) | 1.000 (1.00–1.00) |",
        "| wood | batch | cozad | 0.500 (0.25–0.75) | – |",
    ]
    note = repr(found).splitlines()[-1]
    assert "3 seeds; 95 % intervals in brackets" in note and "`cozad bench trial`" in note
    assert "trained on" not in note
    on_another = {**CONTENT, "made_with": {**provenance(LITE), "trained_on": "a card"}}
    write_results("trial", on_another, tmp_path)
    assert "; trained on a card, evaluated on " in repr(read_results("trial", tmp_path))


def test_speed_has_a_table_of_its_own(tmp_path: Path) -> None:
    row = {"what": "AUPRO", "other": "a peer", "wanted": "5", "seconds": 1, "other_seconds": 7.0}
    # A ratio of 0.94 must not read as one of 0.9.
    rows = [{**row, "ratio": 0.94, "note": "+1e-9"}, {**row, "ratio": None, "note": "not there"}]
    content = {k: CONTENT[k] for k in ("question", "command", "made_with")} | {"rows": rows}
    write_results("speed", content, tmp_path)
    found = repr(read_results("speed", tmp_path)).splitlines()
    assert found[2:4] == [
        "| AUPRO | a peer | 0.94 | 5 | +1e-9 |",
        "| AUPRO | a peer | – | 5 | not there |",
    ]
    assert "interval" not in found[-1]


def test_missing_experiments_are_named(tmp_path: Path) -> None:
    with pytest.raises(CozadError, match="no experiment 'nothing'"):
        read_results("nothing", tmp_path)
    write_results("trial", CONTENT, tmp_path)
    with pytest.raises(CozadError, match="no aupro of knn under single"):
        read_results("trial", tmp_path).value("knn", "single", "aupro")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (b"", "no JSON"),
        (b"{", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b'{"question": NaN}', "no JSON"),
        (b'{"question": "a", "question": "b"}', "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[]", r"it is \[\], it must be a table"),
        ({"question": 5}, "question is 5, it must be a text"),
        ({"made_with": None}, "made_with is None, it must be a table"),
        ({"made_with": {"settings": "lite"}}, "made_with has no hardware"),
        ({"results": {}}, "results is {}, it must be a list"),
        ({"results": [5]}, r"results\[0\] is 5, it must be a table"),
        ({"results": [{**ROW, "data": "a"}]}, r"results\[0\] has no values"),
        ({"results": [{**ROW, "data": "a", "values": {"aupro": [1, 2]}}]}, "list of 3 entries"),
        ({"results": [{**ROW, "data": "a", "values": {"aupro": "123"}}]}, "list of 3 entries"),
        ({"results": [{**ROW, "data": "a", "values": {"aupro": [1, "2", 3]}}]}, "a number from"),
        ({"results": [{**ROW, "data": 7, "values": {}}]}, r"results\[0\].data is 7, it must be"),
        ({"results": [{**ROW, "data": "a", "values": {}, "seeds": "3"}]}, "seeds is '3', it must"),
        ({"differences": [{**ROW, "data": "a", "values": {}}]}, r"differences\[0\] has no other"),
        ({"runs": [{"seed": 0}]}, r"runs\[0\] has no data"),
    ],
)
def test_a_damaged_file_of_the_ledger_is_named(
    change: bytes | dict, words: str, tmp_path: Path
) -> None:
    write_results("trial", CONTENT, tmp_path)
    if isinstance(change, dict):
        change = json.dumps({**CONTENT, **change}).encode()
    (tmp_path / "trial.json").write_bytes(change)
    with pytest.raises(CozadError, match=rf"trial\.json is damaged \(.*{words}.*bench trial$"):
        read_results("trial", tmp_path)


def test_any_setting_changes_the_hash() -> None:
    for field in dataclasses.fields(LITE):
        value = getattr(LITE, field.name)
        other = (4, *value) if isinstance(value, tuple) else value * 2
        changed = copy.copy(LITE)
        object.__setattr__(changed, field.name, other)  # also what no settings may have
        assert settings_hash(changed) != settings_hash(LITE), field.name


# The book's own ledger

STORED = sorted(results_folder().glob("*.json"))


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_every_stored_result_says_how_it_was_made(path: Path) -> None:
    content = read_results(path.stem).content
    assert content["question"] and content["command"].startswith("cozad bench ")
    rows = [(run["method"], run["made_with"]) for run in content.get("runs", [])]
    for method, made in [(OURS, content["made_with"]), *rows]:
        for key in ("commit", "torch", "python", "hardware"):
            assert made[key], key
        assert made["settings_hash"] == settings_hash(run_settings(made["settings"], method)), (
            f"the settings have changed since {path.name} was made: {content['command']}"
        )
    assert path.stat().st_size < 1_000_000


@pytest.mark.parametrize(
    "path", [path for path in STORED if path.stem not in TIMED], ids=lambda path: path.stem
)
def test_every_stored_experiment_is_whole_and_leaks_nothing(path: Path) -> None:
    content = read_results(path.stem).content
    settings = content["made_with"]["settings"]
    declared = EXPERIMENTS[content["command"].split()[2]]
    declared = dataclasses.replace(declared, settings=settings)
    stored = [(r["seed"], r["data"], r["protocol"], r["method"]) for r in content["runs"]]
    assert stored == [line[1:] for line in declared.lines()], f"stale: {content['command']}"
    for run in content["runs"]:
        assert run["leaks"]["passed"] and run["made_with"]["data_hash"]
        for proof in run["leaks"]["categories"].values():
            assert proof["leaks"] == 0 and proof["test"]["images"] > 0
            if run["protocol"] != "batch":
                assert proof["independence"] <= 0.02
