"""The index of an installed data set: what `write_index` wrote, or a sentence."""

from __future__ import annotations

import copy
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from cozad_teach.data.members import LeftOut
from cozad_teach.errors import CozadError
from fetching.index import INDEX, read_index, verify, write_index
from fetching.manifest import Archive, Counts, DatasetInfo
from fetching.placing import Placed

INFO = DatasetInfo(
    *("mine", "My set", "https://example.org", None, None, None, "Me, 2026", "open"),
    (Archive("set.zip", None, None, ("https://example.org/set.zip",)),),
    *("mvtec", "as its owner says", ("ü",), Counts(1, None, None, None)),
)
CONTENT = b"an image"
NAME = "ü/train/good/a\udcff\n.png"  # names of files may be no text


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "mine"
    (path / NAME).parent.mkdir(parents=True)
    (path / NAME).write_bytes(CONTENT)
    digest = hashlib.sha256(CONTENT).hexdigest()
    placed = Placed({NAME: digest}, [NAME], {NAME: ["it is resized"]})
    write_index(path, INFO, {"set.zip": "0" * 64}, placed, [LeftOut("a.gif", "GIF is not read")])
    return path


def test_an_index_comes_back(folder: Path) -> None:
    index = read_index(folder)
    assert index == json.loads((folder / INDEX).read_text(encoding="utf-8"))
    assert list(index["files"]) == index["saved_anew"] == [NAME] and index["licence"] is None
    assert not any(verify(folder))
    assert read_index(folder / "nowhere") is None


CHANGES: dict[str, tuple[str, Any]] = {
    "another format": ("format", "cozad data 1"),
    "no files": ("files", []),
    "a path out of the folder": ("files", {"../outside": "0" * 64}),
    "a path through the folder": ("files", {"a/../../outside": "0" * 64}),
    "a path from the root": ("files", {"/etc/passwd": "0" * 64}),
    "a path that is another": ("files", {"a//b": "0" * 64}),
    "no path": ("files", {"": "0" * 64}),
    "a path with an end": ("files", {"a\0b": "0" * 64}),
    "a hash that is none": ("files", {"a": "x"}),
    "a hash that is a number": ("files", {"a": 5}),
    "no counts": ("counts", None),
    "counts that are text": ("counts", "many"),
    "a count below 0": ("counts", dict.fromkeys(Counts.__dataclass_fields__, -1)),
    "a count too few": ("counts", {"masks": 0}),
    "categories that are text": ("categories", "ab"),
    "a category that is a number": ("categories", [1]),
    "saved_anew out of the folder": ("saved_anew", [".."]),
    "a note that is a text": ("mask_notes", {NAME: "it is resized"}),
    "a note out of the folder": ("mask_notes", {"../a": ["it is resized"]}),
    "a file left out without a reason": ("left_out", [{"name": "a.gif"}]),
    "archives that are a list": ("archives", ["set.zip"]),
    "an archive without a hash": ("archives", {"set.zip": None}),
    "a title that is a list": ("title", ["My set"]),
    "an entry too many": ("more", 1),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_changed_index_is_refused(folder: Path, case: str) -> None:
    content = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    key, value = CHANGES[case]
    refused(folder, json.dumps({**copy.deepcopy(content), key: value}).encode())


@pytest.mark.parametrize("key", ["counts", "files", "categories", "format", "licence"])
def test_an_index_that_lacks_something_is_refused(folder: Path, key: str) -> None:
    content = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    del content[key]
    refused(folder, json.dumps(content).encode())


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"a": NaN}', b'{"a": 1, "a": 2}']
)
def test_what_is_no_index_is_refused(folder: Path, content: bytes) -> None:
    refused(folder, content)


def refused(folder: Path, content: bytes) -> None:
    (folder / INDEX).write_bytes(content)
    for action in (read_index, verify):
        with pytest.raises(CozadError) as caught:
            action(folder)
        said = str(caught.value)
        assert "has no index.json of get.py: rename or delete the folder (" in said
        assert str(folder) in said and said.isprintable()


def test_an_index_that_is_no_file_is_refused(folder: Path) -> None:
    """A pipe would be waited for."""
    (folder / INDEX).unlink()
    os.mkfifo(folder / INDEX)
    with pytest.raises(CozadError, match="it is a pipe or a device"):
        verify(folder)
    (folder / INDEX).unlink()
    with (folder / INDEX).open("wb") as file:
        file.truncate(2**40)  # takes no room on the disk
    with pytest.raises(CozadError, match="are more than"):
        verify(folder)
    (folder / INDEX).unlink()
    with pytest.raises(CozadError, match="No such file"):
        verify(folder)
